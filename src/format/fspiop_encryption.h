// SPDX-License-Identifier: Apache-2.0
// Mojaloop's encrypted fields (API Encryption v1.1): values within a JSON body are replaced by their ciphertext, and
// the header FSPIOP-Encryption has the rest of a JWE for each. Thread-safe.
#pragma once

#include "format/jwe.h"

#define HA_FSPIOP_FIELDS_MAX 64

// What a profile has to say on it.
struct ha_fspiop_encryption_profile {
    struct ha_jose_list algs;  // names of ha_jwe_alg that are permitted; empty: RSA-OAEP-256, as the standard says
    struct ha_jose_list encs;  // names of ha_aead; empty: A256GCM (which is produced), A192GCM, A128GCM
    bool long_iv;              // initialization vectors of 16 bytes are read too; ones of 12 are written
};

struct ha_fspiop_field {
    struct ha_jwe jwe;
    size_t same;  // index of the first field with the same encrypted key and algorithm: one operation for both
    struct ha_json_text value;  // where it stands in the body
};
struct ha_fspiop_decryption {
    struct ha_fspiop_field *fields;
    size_t n;
    struct ha_json_text body;  // borrowed from the caller
};
void ha_fspiop_decryption_clear(struct ha_fspiop_decryption *job);
HA_AUTO_DEFINE_CLEAR(struct ha_fspiop_decryption, ha_fspiop_decryption_clear)

// header: the value of FSPIOP-Encryption; body: the JSON text with the ciphertexts. Fills ret_job (zeroed by the
// caller, who clears it in any case). Failures as those of ha_jwe_begin; pointers are "/fspiop_encryption" and
// "/body_text".
enum ha_code ha_fspiop_decrypt_begin(const struct ha_fspiop_encryption_profile *profile, const struct ha_pubkey *key,
                                     const char *header, size_t header_len, struct ha_json_text body,
                                     struct ha_fspiop_decryption *ret_job, struct ha_err *err);
// What the token gave for each of the fields; of one whose `same` is another's index nothing is read.
struct ha_fspiop_secret {
    const uint8_t *data;  // NULL: it doesn't decrypt
    size_t n;
};
// Appends the body with the values in their places: JSON where the plaintext is an object or a list, else a string. One
// field that doesn't decrypt makes it ha_decryption_failed.
enum ha_code ha_fspiop_decrypt_end(const struct ha_fspiop_decryption *job, const struct ha_fspiop_secret *secrets,
                                   struct ha_buf *body, struct ha_err *err);

// Encrypts the named fields with one content key, as the standard recommends: each is an object, a list or a string.
// Appends the header's value and the body to be sent. HA_E_MALFORMED: a field isn't there, is of another type, or would
// be read back as something else; pointers "/fields/0", "/body_text".
enum ha_code ha_fspiop_encrypt(const struct ha_fspiop_encryption_profile *profile, const struct ha_pubkey *recipient,
                               const char *const *fields, size_t n, struct ha_json_text body, struct ha_buf *ret_header,
                               struct ha_buf *ret_body, struct ha_err *err);
