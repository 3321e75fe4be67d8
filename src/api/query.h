// SPDX-License-Identifier: Apache-2.0
// The part of a request's target after the '?': NAME=VALUE with '&' between them, taken as it is written.
#pragma once

#include "api/call.h"

// allowed: what a route takes, with '&' between: "objects=destroy&version=*", where * is any value but none; NULL:
// nothing. Each name is taken once.
enum ha_code ha_query_check(const char *allowed, const char *query, struct ha_err *err);
// The value of the name and its length; NULL: the query doesn't have it.
const char *ha_query_value(const char *query, const char *name, size_t *ret_n);
// Which version a request is about, by version=N or spki_sha256=HEX.
enum ha_code ha_query_read_version(const char *query, struct ha_version_choice *ret_choice, struct ha_err *err);
