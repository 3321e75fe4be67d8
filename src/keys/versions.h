// SPDX-License-Identifier: Apache-2.0
// What a version of a key is at a moment. Nothing of it is stored: it follows from the times at which the key's
// versions begin to sign, so that no crash and no sleeping timer leaves a rotation between two steps.
#pragma once

#include "keys/key.h"

#define HA_SECONDS_MAX  253402300799  // the end of the year 9999, of UNIX times and of spans of them
#define HA_SPAN_MAX     3155760000    // 100 years
#define HA_VERSIONS_MAX 64            // of one key at one time

enum ha_key_status {
    HA_STATUS_PENDING,   // its time hasn't come, or nobody has said one
    HA_STATUS_ACTIVE,    // the one that signs: of those whose time has come, the one where it came last
    HA_STATUS_RETIRING,  // was active; its public key is still published, since what it signed is under way
    HA_STATUS_RETIRED,   // decrypts, and signs no message any more
    HA_STATUS_COUNT
};
const char *ha_key_status_name(enum ha_key_status status);

// versions: all of one key, n at least 1. The active one's index; where there is none, that of the one that was meant
// to be first.
size_t ha_versions_active(struct ha_key *const *versions, size_t n, int64_t now_s);
// Of the i-th. ret_until_s: when a retiring one will be retired, 0 for others; NULL is fine.
enum ha_key_status ha_versions_status(struct ha_key *const *versions, size_t n, size_t i, int64_t now_s,
                                      int64_t *ret_until_s);
// Whether others should know the public key now: all but what is retired, disabled or incomplete.
bool ha_versions_published(const struct ha_key *key, enum ha_key_status status);

// What a version is called where it stands beside others: NAME for the first one, NAME@N for the others.
#define HA_VERSION_NAME_MAX (64 + sizeof("@4294967295"))  // bytes with the NUL
void ha_version_name(const char *name, unsigned version, char ret_text[static HA_VERSION_NAME_MAX]);
// False: text is none such.
bool ha_version_name_parse(const char *text, char ret_name[static HA_VERSION_NAME_MAX], unsigned *ret_version);
