// SPDX-License-Identifier: Apache-2.0
// A slow, salted hash of a secret of low entropy (scrypt, RFC 7914), to be kept on the disk.
#pragma once

#include "base/err.h"
#include "base/secret.h"

#include <stddef.h>
#include <stdint.h>

#define HA_SLOW_HASH_LEN  32
#define HA_SLOW_SALT_LEN  16
#define HA_SLOW_HASH_NAME "scrypt-16384-8-1"  // changes with the parameters

// Random bytes.
enum ha_code ha_slow_salt(uint8_t ret_salt[static HA_SLOW_SALT_LEN], struct ha_err *err);
// salt is any number of bytes. Takes tens of milliseconds and 16 MiB. Thread-safe.
enum ha_code ha_slow_hash(struct ha_secret *secret, const void *salt, size_t salt_len,
                          uint8_t ret_hash[static HA_SLOW_HASH_LEN], struct ha_err *err);
