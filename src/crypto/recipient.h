// SPDX-License-Identifier: Apache-2.0
// Whoever is to get a private key out of a token: an RSA key for the one time, with which it is sealed on its way.
// What ha_private_key_seal makes, this opens. One thread.
#pragma once

#include "crypto/pubkey.h"

struct ha_recipient;

enum ha_code ha_recipient_new(struct ha_recipient **ret_recipient, struct ha_err *err);
void ha_recipient_free(struct ha_recipient *recipient);
HA_AUTO_DEFINE(struct ha_recipient, ha_recipient_free)

// PEM "PUBLIC KEY", appended.
void ha_recipient_public(const struct ha_recipient *recipient, struct ha_buf *pem);
// Opens n bytes: the AES key under RSA-OAEP with SHA-1, then the key wrapped by RFC 5649. Checks that it is the private
// key of public_key, and appends it as ha_private_key_check does. HA_E_AGENT: it isn't.
enum ha_code ha_recipient_open(const struct ha_recipient *recipient, const uint8_t *sealed, size_t n,
                               const struct ha_pubkey *public_key, struct ha_buf *pkcs8, struct ha_err *err);
