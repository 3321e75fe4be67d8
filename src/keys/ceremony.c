// SPDX-License-Identifier: Apache-2.0
#include "keys/ceremony.h"

#include "base/clock.h"
#include "base/json.h"
#include "base/text.h"
#include "crypto/digest.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

static const char *const phase_names[] = {
    [HA_CEREMONY_PENDING] = "pending", [HA_CEREMONY_MAKING] = "making", [HA_CEREMONY_DONE] = "done"};
static_assert(HA_ARRAY_SIZE(phase_names) == HA_CEREMONY_PHASE_COUNT, "a name for each phase");

const char *ha_ceremony_phase_name(enum ha_ceremony_phase phase)
{
    return phase_names[phase];
}

void ha_ceremony_clear(struct ha_ceremony *ceremony)
{
    ha_buf_clear(&ceremony->request);
    ha_buf_clear(&ceremony->csr);
    ha_buf_clear(&ceremony->transcript);
}

// The date, for whoever looks at the directory, and a random number.
enum ha_code ha_ceremony_begin(struct ha_ceremony *ceremony, struct ha_err *err)
{
    uint32_t number[2];
    if (getrandom(number, sizeof(number), 0) != sizeof(number))
        return ha_fail_errno(err, errno, "getrandom");
    ha_time_iso(ceremony->requester.time);
    const char *time = ceremony->requester.time;
    snprintf(ceremony->id, sizeof(ceremony->id), "%.4s%.2s%.2s-%08x%04x", time, time + 5, time + 8, number[0],
             number[1] & 0xffff);
    return HA_OK;
}

enum ha_code ha_ceremony_hash(const struct ha_ceremony *ceremony, char ret_hash[static HA_CEREMONY_HASH_LEN + 1],
                              struct ha_err *err)
{
    ha_auto(ha_buf_clear) struct ha_buf text = {0};
    ha_auto(ha_buf_clear) struct ha_buf hex = {0};
    uint8_t digest[HA_DIGEST_MAX];
    ha_buf_printf(&text, "%s\n%s\n%s\n", ceremony->key, ha_buf_text(&ceremony->request), ha_buf_text(&ceremony->csr));
    if (!ha_buf_ok(&text))
        return ha_fail(err, HA_E_MEMORY, "out of memory");
    if (ha_digest(HA_HASH_SHA256, text.data, text.len, digest, err))
        return err->code;
    ha_hex_encode(&hex, digest, HA_CEREMONY_HASH_LEN / 2);
    if (!ha_buf_ok(&hex))
        return ha_fail(err, HA_E_MEMORY, "out of memory");
    memcpy(ret_hash, hex.data, HA_CEREMONY_HASH_LEN + 1);
    return HA_OK;
}

void ha_ceremony_put_person(struct ha_buf *out, const char *name, const struct ha_ceremony_person *person)
{
    ha_jw_object(out, name);
    ha_jw_number(out, "uid", person->uid);
    if (person->user[0])
        ha_jw_string(out, "user", person->user);
    ha_jw_string(out, "time", person->time);
    ha_jw_object_end(out);
}

// The three parts of a compact JWS, as the flattened form names them.
static void put_transcript(struct ha_buf *out, const struct ha_buf *compact)
{
    static const char *const names[] = {"protected", "payload", "signature"};
    const char *at = ha_buf_text(compact);
    for (size_t i = 0; i < HA_ARRAY_SIZE(names); i++) {
        size_t n = strcspn(at, ".");
        ha_buf_printf(out, ",\"%s\":\"%.*s\"", names[i], (int)n, at);
        at += n + (at[n] == '.');
    }
}

void ha_ceremony_put(const struct ha_ceremony *ceremony, struct ha_buf *out)
{
    char hash[HA_CEREMONY_HASH_LEN + 1];
    struct ha_err failure = {0};
    ha_jw_string(out, "id", ceremony->id);
    ha_jw_string(out, "phase", phase_names[ceremony->phase]);
    ha_jw_string(out, "key", ceremony->key);
    ha_buf_printf(out, ",\"request\":%s", ha_buf_text(&ceremony->request));
    if (ceremony->csr.len)
        ha_buf_printf(out, ",\"csr\":%s", ha_buf_text(&ceremony->csr));
    if (ha_ceremony_hash(ceremony, hash, &failure))
        out->failed = true;
    else
        ha_jw_string(out, "request_sha256", hash);
    ha_ceremony_put_person(out, "requester", &ceremony->requester);
    ha_jw_array(out, "approvals");
    for (size_t i = 0; i < ceremony->n_approvals; i++)
        ha_ceremony_put_person(out, NULL, &ceremony->approvals[i]);
    ha_jw_array_end(out);
    if (ceremony->making[0])
        ha_jw_string(out, "making", ceremony->making);
    if (ceremony->transcript.len)
        put_transcript(out, &ceremony->transcript);
}
