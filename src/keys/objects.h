// SPDX-License-Identifier: Apache-2.0
// What a token lists: private keys with their ids, labels and public keys, and HMAC keys with their identities.
#pragma once

#include "channel/token.h"
#include "keys/key.h"

struct ha_object {
    uint8_t id[HA_KEY_ID_MAX];
    size_t id_len;
    char label[128];
    uint8_t *spki;  // NULL: the token doesn't tell it
    size_t spki_len;
    char why[128];   // why it doesn't
    unsigned flags;  // HA_OBJECT_*
};

struct ha_objects {
    struct ha_object *items;  // sorted by id, of one id the HMAC keys last
    size_t n;
    size_t cap;
    bool failed;  // out of memory
};

// uri: "" for all private keys and HMAC keys; others are for private keys only.
enum ha_code ha_objects_list(struct ha_token *token, const char *uri, struct ha_objects *ret_objects,
                             struct ha_err *err);
void ha_objects_clear(struct ha_objects *objects);
HA_AUTO_DEFINE_CLEAR(struct ha_objects, ha_objects_clear)
// The run of objects with that id, HMAC keys (secret) or private ones: the first one's index and how many.
size_t ha_objects_find(const struct ha_objects *objects, const uint8_t *id, size_t id_len, bool secret,
                       size_t *ret_first);
// "pkcs11:id=%01%02;object=label", for messages.
void ha_object_name(const struct ha_object *object, char *ret_text, size_t size);
