// SPDX-License-Identifier: Apache-2.0
// THE table of commands and options, and the functions behind its rows.
#pragma once

#include "cli/cli.h"
#include "cli/opt.h"

const struct ha_opt_table *ha_command_table(void);

enum ha_code ha_cmd_version(struct ha_cli *cli, struct ha_err *err);
enum ha_code ha_cmd_whoami(struct ha_cli *cli, struct ha_err *err);
enum ha_code ha_cmd_status(struct ha_cli *cli, struct ha_err *err);
enum ha_code ha_cmd_tokens(struct ha_cli *cli, struct ha_err *err);
enum ha_code ha_cmd_key_list(struct ha_cli *cli, struct ha_err *err);
enum ha_code ha_cmd_key_show(struct ha_cli *cli, struct ha_err *err);
enum ha_code ha_cmd_key_create(struct ha_cli *cli, struct ha_err *err);
enum ha_code ha_cmd_key_adopt(struct ha_cli *cli, struct ha_err *err);
enum ha_code ha_cmd_key_delete(struct ha_cli *cli, struct ha_err *err);
enum ha_code ha_cmd_sign(struct ha_cli *cli, struct ha_err *err);
enum ha_code ha_cmd_decrypt(struct ha_cli *cli, struct ha_err *err);
enum ha_code ha_cmd_derive(struct ha_cli *cli, struct ha_err *err);
enum ha_code ha_cmd_csr(struct ha_cli *cli, struct ha_err *err);
enum ha_code ha_cmd_pem(struct ha_cli *cli, struct ha_err *err);
enum ha_code ha_cmd_openssl_conf(struct ha_cli *cli, struct ha_err *err);
enum ha_code ha_cmd_dev(struct ha_cli *cli, struct ha_err *err);
