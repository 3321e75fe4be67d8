// SPDX-License-Identifier: Apache-2.0
// What the routes about certificates share: certificates in a request, and in a reply.
#pragma once

#include "api/call.h"
#include "format/chain_build.h"
#include "keys/certificates.h"

// The version of a key that the request is about, for whoever may use it in any way: who may, may also see it.
enum ha_code ha_certificate_see_key(const struct ha_call_context *call, struct ha_key **ret_key, struct ha_err *err);
// HA_E_NO_CERTIFICATE.
enum ha_code ha_certificate_none(const struct ha_key *key, struct ha_err *err);
// HA_E_KEY_CANNOT unless it is a key pair.
enum ha_code ha_certificate_check_pair(const struct ha_key *key, struct ha_err *err);
// Adds what a member holds: PEM, or base64 of DER or PKCS#7, or a list of such texts. NULL: nothing. HA_E_MALFORMED
// with the pointer.
enum ha_code ha_certificate_read_member(const ha_json *member, const char *pointer, struct ha_cert_bag *bag,
                                        struct ha_err *err);
// The members that begin a reply about a version of a key, in the object that is open: key, version.
void ha_certificate_write_key(struct ha_buf *out, const struct ha_key *key);
// "chain": what each certificate says, the key's own first.
enum ha_code ha_certificate_write_chain(struct ha_buf *out, const struct ha_x5c *chain, struct ha_err *err);
// "warnings": name and detail of each note.
void ha_certificate_write_notes(struct ha_buf *out, const struct ha_chain_notes *notes);
