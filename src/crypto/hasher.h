// SPDX-License-Identifier: Apache-2.0
// One hash after the other, without looking the algorithm up each time: for what hashes many short texts.
#pragma once

#include "crypto/digest.h"

struct ha_hasher;

enum ha_code ha_hasher_new(enum ha_hash hash, struct ha_hasher **ret_hasher, struct ha_err *err);
void ha_hasher_free(struct ha_hasher *hasher);  // NULL is fine
HA_AUTO_DEFINE(struct ha_hasher, ha_hasher_free)
// ret_digest gets as many bytes as the hash has. false: out of memory. Not thread-safe.
bool ha_hasher_digest(struct ha_hasher *hasher, const void *data, size_t n, uint8_t *ret_digest);
// The same, which any threads may do at the same time, also with ha_hasher_digest.
bool ha_hasher_digest_shared(const struct ha_hasher *hasher, const void *data, size_t n, uint8_t *ret_digest);
