// SPDX-License-Identifier: Apache-2.0
// What the tests of JOSE share: vector files, and signing with keys in memory. Failing asserts take the place of
// errors.
#pragma once

#include "format/jwt.h"
#include "softkey.h"

#define TEXT(text_) ((struct ha_json_text){(text_), strlen(text_)})

ha_json *jose_vectors(const char *file);  // of tests/vectors; the caller frees it
ha_json *jose_json(const char *text);     // likewise
// The keys of a set, or of one JWK.
struct ha_jwks jose_keys(const ha_json *json);
// Signs the job.
void jose_sign(struct softkey *key, struct ha_jws *job);
// Makes a message with one signer; the caller frees the text.
char *jose_make(struct softkey *key, const struct ha_jws_request *request, const char *payload, enum ha_jws_form form,
                bool detached);
// A compact message whose header and payload are what they are given as, valid or not; signed with alg.
char *jose_raw(struct softkey *key, enum ha_alg alg, const char *header, const char *payload);
// HA_OK, or why the message isn't accepted.
enum ha_code jose_verify(const char *text, const struct ha_jws_rules *rules, struct ha_err *err);
