// SPDX-License-Identifier: Apache-2.0
// THE table of commands and options, and the functions behind its rows.
#pragma once

#include "cli/cli.h"
#include "cli/opt.h"

const struct ha_opt_table *ha_command_table(void);

// Rows of the table in a file of their own.
extern const struct ha_opt_row ha_openssl_check_rows[2];
extern const struct ha_opt_row ha_tls_check_rows[7];
extern const struct ha_opt_row ha_jwe_decrypt_rows[7];
extern const struct ha_opt_row ha_jwe_encrypt_rows[10];

enum ha_code ha_cmd_version(struct ha_cli *cli, struct ha_err *err);
enum ha_code ha_cmd_whoami(struct ha_cli *cli, struct ha_err *err);
enum ha_code ha_cmd_status(struct ha_cli *cli, struct ha_err *err);
enum ha_code ha_cmd_profiles(struct ha_cli *cli, struct ha_err *err);
enum ha_code ha_cmd_tokens(struct ha_cli *cli, struct ha_err *err);
enum ha_code ha_cmd_token_info(struct ha_cli *cli, struct ha_err *err);
enum ha_code ha_cmd_token_init(struct ha_cli *cli, struct ha_err *err);
enum ha_code ha_cmd_token_list(struct ha_cli *cli, struct ha_err *err);
enum ha_code ha_cmd_token_pin_change(struct ha_cli *cli, struct ha_err *err);
enum ha_code ha_cmd_token_pin_reset(struct ha_cli *cli, struct ha_err *err);
enum ha_code ha_cmd_token_unlock(struct ha_cli *cli, struct ha_err *err);
enum ha_code ha_cmd_inventory(struct ha_cli *cli, struct ha_err *err);
enum ha_code ha_cmd_key_list(struct ha_cli *cli, struct ha_err *err);
enum ha_code ha_cmd_key_show(struct ha_cli *cli, struct ha_err *err);
enum ha_code ha_cmd_key_create(struct ha_cli *cli, struct ha_err *err);
enum ha_code ha_cmd_key_adopt(struct ha_cli *cli, struct ha_err *err);
enum ha_code ha_cmd_key_backup(struct ha_cli *cli, struct ha_err *err);
enum ha_code ha_cmd_key_export(struct ha_cli *cli, struct ha_err *err);
enum ha_code ha_cmd_key_restore(struct ha_cli *cli, struct ha_err *err);
enum ha_code ha_cmd_key_import(struct ha_cli *cli, struct ha_err *err);
enum ha_code ha_cmd_key_import_secret(struct ha_cli *cli, struct ha_err *err);
enum ha_code ha_cmd_key_delete(struct ha_cli *cli, struct ha_err *err);
enum ha_code ha_cmd_sign(struct ha_cli *cli, struct ha_err *err);
enum ha_code ha_cmd_decrypt(struct ha_cli *cli, struct ha_err *err);
enum ha_code ha_cmd_derive(struct ha_cli *cli, struct ha_err *err);
enum ha_code ha_cmd_mac(struct ha_cli *cli, struct ha_err *err);
enum ha_code ha_cmd_jwe_decrypt(struct ha_cli *cli, struct ha_err *err);
enum ha_code ha_cmd_jwe_encrypt(struct ha_cli *cli, struct ha_err *err);
enum ha_code ha_cmd_csr(struct ha_cli *cli, struct ha_err *err);
enum ha_code ha_cmd_pem(struct ha_cli *cli, struct ha_err *err);
enum ha_code ha_cmd_openssl_conf(struct ha_cli *cli, struct ha_err *err);
enum ha_code ha_cmd_openssl_check(struct ha_cli *cli, struct ha_err *err);
enum ha_code ha_cmd_tls_check(struct ha_cli *cli, struct ha_err *err);
enum ha_code ha_cmd_dev(struct ha_cli *cli, struct ha_err *err);
