// SPDX-License-Identifier: Apache-2.0
// Keys outside of their token: wrapped under a key encryption key (KEK) of the token, for a backup that only a token
// with that KEK can read; or for the holder of an RSA key. Only key pairs that were made for it. Thread-safe.
#pragma once

#include "crypto/slow_hash.h"
#include "keys/keys.h"

#define HA_BACKUP_FORMAT    "hsm-agent-backup/1"
#define HA_BACKUP_ALGORITHM "A256KWP"  // RFC 5649 with a key of 256 bits (JOSE has no name for it but this one's kin)

// What a backup says. All of it is under the KEK's tag.
struct ha_backup {
    char *name;            // of the key
    char *created, *made;  // the key, the backup: ISO 8601
    char *kek_name;
    uint64_t version;
    unsigned purposes;
    struct ha_key_traits traits;  // borrowed, as long as the backup's source lives
    struct ha_pubkey *public_key;
    uint8_t kek_id[HA_SPKI_HASH_LEN];  // the SHA-256 of the KEK's identity
    struct ha_buf tag, wrapped;
};
void ha_backup_clear(struct ha_backup *backup);
HA_AUTO_DEFINE_CLEAR(struct ha_backup, ha_backup_clear)

// Wraps the key in a token that holds both. ret_backup borrows from key; the caller clears it. HA_E_KEY_CANNOT: the key
// wasn't made for it, kek is none, or no token has both.
enum ha_code ha_backup_make(struct ha_key *key, struct ha_key *kek, struct ha_backup *ret_backup, struct ha_err *err);
// Makes the key of the backup in n tokens, each of which holds the KEK, under a new name. As ha_keys_import_pair.
// HA_E_NO_KEY: there is no such KEK.
enum ha_code ha_backup_restore(struct ha_keys *keys, const char *name, struct ha_token *const *tokens, size_t n,
                               const struct ha_backup *backup, struct ha_key **ret_key, struct ha_err *err);
// Wraps the key for the holder of an RSA key: an AES-256 key sealed by RSA-OAEP with SHA-1 (as long as the modulus),
// then the private key (PKCS#8) wrapped with that by RFC 5649. Appends.
enum ha_code ha_backup_export(struct ha_key *key, const struct ha_pubkey *recipient, struct ha_buf *sealed,
                              struct ha_err *err);

// --- Passwords of keys that were exported

// Refuses a password's hash that was given before, for whatever key (HA_E_CONFLICT), and remembers it: hashed again,
// slowly and with a salt of this agent's, in STATE-DIR/transport-passwords. Lost with that file.
enum ha_code ha_backup_use_password(struct ha_keys *keys, const char *state_dir,
                                    const uint8_t hash[static HA_SLOW_HASH_LEN], struct ha_err *err);
