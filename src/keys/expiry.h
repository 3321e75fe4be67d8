// SPDX-License-Identifier: Apache-2.0
// Which installed certificates expire soon, and of which that was told already. One thread's.
//
// Notice is given once for each certificate and number of days; of several numbers that have passed since the last look
// (the agent wasn't running, the certificate was installed late) only for the least. What was told is kept over
// restarts. It is written after the notice was given: a crash in between tells it twice rather than never.
#pragma once

#include "config/days.h"
#include "keys/certificates.h"

struct ha_expiry_told {
    uint8_t sha256[HA_X5C_HASH_LEN];  // of the certificate
    unsigned days;                    // the least number that was told; 0: that it has expired
};

struct ha_expiry {
    char *path;  // STATE-DIR/expiry-notices.json
    struct ha_expiry_told *told;
    size_t n;
};
// Reads the record; none is there before the first notice. On failure it is empty and can be used, but what was told is
// told again. HA_E_MEMORY leaves it zeroed.
enum ha_code ha_expiry_open(const char *state_dir, struct ha_expiry *ret_expiry, struct ha_err *err);
void ha_expiry_clear(struct ha_expiry *expiry);
HA_AUTO_DEFINE_CLEAR(struct ha_expiry, ha_expiry_clear)

// The least of days that is passed when so much time is left (seconds; negative: it has expired); 0 for what has
// expired. UINT_MAX: none is.
unsigned ha_expiry_passed(const struct ha_days *days, int64_t left_s);

struct ha_expiry_notice {
    struct ha_key *key;
    struct ha_key_certificate *certificate;
    unsigned days;   // the number that has passed; 0: it has expired
    int64_t left_s;  // negative: it has expired
};
void ha_expiry_notice_clear(struct ha_expiry_notice *notice);

// The notices that are due now (seconds since 1970), of versions that somebody has to care for: neither retired nor
// disabled nor to be deleted. The caller clears each and frees the array; NULL: none (or no memory).
struct ha_expiry_notice *ha_expiry_due(const struct ha_expiry *expiry, struct ha_keys *keys, const struct ha_days *days,
                                       int64_t now_s, size_t *ret_n);
// The notice was given. On failure it counts as given until the agent ends.
enum ha_code ha_expiry_tell(struct ha_expiry *expiry, struct ha_keys *keys, const struct ha_expiry_notice *notice,
                            struct ha_err *err);
