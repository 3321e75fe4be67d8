// SPDX-License-Identifier: Apache-2.0
// The signature base of RFC 9421 section 2.5. For rfc9421.c and rfc9421_verify.c alone. Thread-safe.
#pragma once

#include "format/rfc9421.h"
#include "format/sfv.h"

// The RFC's name of an algorithm; NULL when it has none.
const char *ha_rfc9421_alg_name(enum ha_alg alg);
enum ha_alg ha_rfc9421_alg_by_name(const char *name);  // HA_ALG_NONE
// What a key signs with when nobody says.
enum ha_alg ha_rfc9421_alg_default(enum ha_key_type type);

// A component as an option has it, `content-digest` or `@query-param;name="a"`, as an item.
enum ha_code ha_rfc9421_component(const char *text, struct ha_sfv_item *ret_item, struct ha_err *err);
// Appends a component's line to the base. HA_E_MALFORMED: the message doesn't have it, or it is of a kind that isn't
// known.
enum ha_code ha_rfc9421_put_component(const struct ha_http_message *message, const struct ha_sfv_item *component,
                                      struct ha_buf *base, struct ha_err *err);
// Appends the last line.
void ha_rfc9421_put_parameters(const char *parameters, struct ha_buf *base);
// The components that are covered when nobody says; n of them, at most 4.
size_t ha_rfc9421_default_components(const struct ha_http_message *message, const char *ret_components[static 4]);
