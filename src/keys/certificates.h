// SPDX-License-Identifier: Apache-2.0
// The installed certificates of keys, one chain a version: STATE-DIR/certificates/NAME@VERSION.pem, in which the key's
// own comes first and its issuers' follow. Thread-safe.
#pragma once

#include "format/x5c.h"
#include "keys/keys.h"

// Counted, and immutable: another certificate of the key is another one of these.
struct ha_key_certificate {
    atomic_uint refs;
    struct ha_x5c chain;              // at least the key's own
    int64_t not_before, not_after;    // of the key's own, in seconds since 1970
    uint8_t sha256[HA_X5C_HASH_LEN];  // of the key's own DER
};
void ha_key_certificate_unref(struct ha_key_certificate *certificate);  // NULL is fine
HA_AUTO_DEFINE(struct ha_key_certificate, ha_key_certificate_unref)

// The one that is installed; the caller unrefs it. NULL: none.
struct ha_key_certificate *ha_key_certificate(struct ha_key *key);

// Installs a chain, in the place of what was there; the file first, then the key. HA_E_CONFLICT: the first certificate
// is for another key, or the key is being deleted. HA_E_KEY_CANNOT: it is no key pair. Whether the chain is any good is
// the caller's to judge (format/chain_build.h).
enum ha_code ha_keys_install(struct ha_keys *keys, struct ha_key *key, const struct ha_x5c *chain, struct ha_err *err);
// Removes it. HA_E_NO_CERTIFICATE when there is none.
enum ha_code ha_keys_uninstall(struct ha_keys *keys, struct ha_key *key, struct ha_err *err);
// In all tokens that hold the key: makes a certificate object of the chain's first (NULL: of none), and destroys that
// of the one before (NULL: none), if there is one. The first token that fails ends it; doing it again does the rest.
enum ha_code ha_keys_certificate_to_token(struct ha_key *key, const struct ha_x5c *chain,
                                          const struct ha_key_certificate *before, struct ha_err *err);
