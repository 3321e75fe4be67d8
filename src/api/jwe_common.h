// SPDX-License-Identifier: Apache-2.0
// What the requests about encrypted messages share.
#pragma once

#include "api/call.h"
#include "base/json_text.h"
#include "format/jwe.h"
#include "format/profile.h"

// The profile's message of the scheme, and its options. Without a name it is the plain one, which a site may have
// changed; where no profiles are installed the standard's (profile NULL then).
enum ha_code ha_jwe_profile_of(const struct ha_call_context *call, const char *name,
                               const struct ha_profile **ret_profile, const struct ha_jwe_profile **ret_options,
                               struct ha_err *err);
// A member of the request's body as it was written; data NULL: there is none.
struct ha_json_text ha_jwe_member_text(const struct ha_call_context *call, const char *name);
// The payload of a JWS that was inside of a message; verify is the request's member of that name.
enum ha_code ha_jwe_verify_inner(const ha_json *verify, const struct ha_jwe_profile *options,
                                 const struct ha_buf *message, struct ha_buf *out, struct ha_err *err);
// The JWS of the payload, or the JWT of the claims (an object's text; data NULL: none), that a key of ours signs before
// it is encrypted. sign is the request's member of that name. Appends its compact form.
enum ha_code ha_jwe_sign_inner(const struct ha_call_context *call, const ha_json *sign, struct ha_json_text claims,
                               const struct ha_buf *payload, struct ha_buf *out, struct ha_err *err);
// Whether the request has a member of that name.
bool ha_jwe_says(const struct ha_call_context *call, const char *name);
// The member "recipient": a JWK, or PEM with a public key or a certificate. ret_jwk (zeroed, cleared by the caller)
// gets at least the key; the kid is appended when the JWK says one, or the rule makes one of the key or the
// certificate.
enum ha_code ha_jwe_recipient(const ha_json *recipient, enum ha_kid_rule rule, struct ha_jwk *ret_jwk,
                              struct ha_buf *kid, struct ha_err *err);
// The same two requests about encrypted fields: those that have the member "fspiop_encryption", or "fields".
enum ha_code ha_handle_fields_decrypt(struct ha_call_context *call, struct ha_err *err);
enum ha_code ha_handle_fields_encrypt(struct ha_call_context *call, struct ha_err *err);
