// SPDX-License-Identifier: Apache-2.0
// A secret of fixed capacity in memory that is locked, not dumped, not inherited by fork, and wiped on free.
#pragma once

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

struct ha_secret;

// capacity in bytes. Memory that can't be locked (RLIMIT_MEMLOCK) is an HA_E_IO with a remedy.
enum ha_code ha_secret_new(size_t capacity, struct ha_secret **ret_secret, struct ha_err *err);
void ha_secret_free(struct ha_secret *secret);
HA_AUTO_DEFINE(struct ha_secret, ha_secret_free)

uint8_t *ha_secret_data(struct ha_secret *secret);
size_t ha_secret_capacity(const struct ha_secret *secret);
size_t ha_secret_len(const struct ha_secret *secret);
void ha_secret_set_len(struct ha_secret *secret, size_t len);  // len <= capacity; wipes what is beyond
// Overwrites n bytes in a way the compiler keeps.
void ha_wipe(void *bytes, size_t n);
