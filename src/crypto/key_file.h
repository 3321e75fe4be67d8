// SPDX-License-Identifier: Apache-2.0
// Private keys out of files: PKCS#12, PKCS#8 (encrypted or not), PKCS#1 and SEC 1, in DER or PEM, with the
// certificates that are beside them. What decrypts them includes the old methods (RC2, 3DES, PBE of PKCS#5), which are
// for reading only. Thread-safe.
#pragma once

#include "crypto/pubkey.h"

#define HA_KEY_FILE_MAX (1024 * 1024)  // bytes

struct ha_key_file {
    struct ha_buf pkcs8;  // as ha_private_key_check gives it
    struct ha_pubkey *public_key;
    struct ha_buf certificates;  // PEM: the key's own first, if it is there, then the others in the file's order
    size_t n_certificates;
    bool has_own;  // the first certificate is the key's
};
void ha_key_file_clear(struct ha_key_file *file);
HA_AUTO_DEFINE_CLEAR(struct ha_key_file, ha_key_file_clear)

// Whether it is something that only a password opens. False too for what can't be read at all.
bool ha_key_file_is_encrypted(const uint8_t *bytes, size_t n);
// Reads n bytes. password is used where one is needed, once; NULL: there is none. The caller clears ret_file, whose
// content is to be wiped. HA_E_MALFORMED: no key, cut off, two keys, not the password; HA_E_KEY_CANNOT: a key that is
// too weak or of another kind.
enum ha_code ha_key_file_read(const uint8_t *bytes, size_t n, const char *password, struct ha_key_file *ret_file,
                              struct ha_err *err);

// Writes PKCS#12: the key and the certificates (PEM; its own first, or none), encrypted with AES-256 (PBES2). Appends.
// ha_key_file_read takes it back.
enum ha_code ha_key_file_write(const struct ha_buf *pkcs8, const char *certificates, const char *name,
                               const char *password, struct ha_buf *out, struct ha_err *err);
