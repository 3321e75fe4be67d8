// SPDX-License-Identifier: Apache-2.0
// What the text of a value must look like, type by type. All fail with HA_E_CONFIG and the mistake's words.
#pragma once

#include "config/option.h"

enum ha_code ha_value_check_path(const char *text, struct ha_err *err);
// A path with room in sockaddr_un for it and for the suffixes of what is made beside it.
enum ha_code ha_value_check_socket(const char *text, struct ha_err *err);
enum ha_code ha_value_check_bool(const char *text, bool *ret_value, struct ha_err *err);
enum ha_code ha_value_check_choice(const struct ha_option *option, const char *text, struct ha_err *err);
enum ha_code ha_value_check_uint(const struct ha_option *option, const char *text, unsigned *ret_value,
                                 struct ha_err *err);
enum ha_code ha_value_check_mode(const char *text, mode_t *ret_value, struct ha_err *err);
// The name of a systemd unit, or a pattern of some.
enum ha_code ha_value_check_unit(const char *text, struct ha_err *err);
// A name that the system knows, or a number.
enum ha_code ha_value_check_user(const char *text, unsigned *ret_uid, struct ha_err *err);
enum ha_code ha_value_check_group(const char *text, unsigned *ret_gid, struct ha_err *err);
// The words never repeat the value, which may be a PIN by mistake.
enum ha_code ha_value_check_pin(const char *text, struct ha_err *err);
// NAME=value, with a name that isn't among those before. The words never repeat the value.
enum ha_code ha_value_check_environment(const char *text, const struct ha_strings *before, struct ha_err *err);
