// SPDX-License-Identifier: Apache-2.0
// Nothing that a caller sends can break a line: the writer of JSON escapes it.
#include "audit/record.h"

#include "base/json.h"

#include <string.h>

enum { TEXT_MAX = 1024, HASH_LEN = 32, USUAL = 1000 };

const char *ha_audit_record_event(const struct ha_audit_record *record)
{
    if (record->code == HA_OK)
        return "use";
    return ha_code_info(record->code)->status < 500 ? "refusal" : "failure";
}

static void put_text(struct ha_buf *out, const char *name, const char *text)
{
    char cut[TEXT_MAX + 1];
    if (!text || !text[0])
        return;
    size_t n = strnlen(text, sizeof cut);
    if (n > TEXT_MAX) {
        memcpy(cut, text, TEXT_MAX);
        cut[TEXT_MAX] = '\0';
        text = cut;
    }
    ha_jw_string(out, name, text);
}

void ha_audit_record_write(struct ha_buf *out, const struct ha_audit_record *record)
{
    ha_buf_reserve(out, USUAL);
    ha_jw_object(out, NULL);
    ha_jw_number(out, "uid", record->uid);
    ha_jw_number(out, "gid", record->gid);
    put_text(out, "unit", record->unit);
    put_text(out, "exe", record->exe);
    put_text(out, "listen", record->listen);
    put_text(out, "client", record->client);
    put_text(out, "request", record->request);
    put_text(out, "route", record->route);
    put_text(out, "object", record->object);
    put_text(out, "key", record->key);
    if (record->version)
        ha_jw_number(out, "version", record->version);
    if (record->spki_sha256)
        ha_jw_hex(out, "spki_sha256", record->spki_sha256, HASH_LEN);
    put_text(out, "operation", record->operation);
    put_text(out, "algorithm", record->algorithm);
    put_text(out, "content", record->content);
    if (record->content_sha256)
        ha_jw_hex(out, "content_sha256", record->content_sha256, HASH_LEN);
    if (record->digest)
        ha_jw_hex(out, "digest", record->digest, record->digest_len);
    put_text(out, "profile", record->profile);
    put_text(out, "token", record->token);
    ha_jw_string(out, "result", ha_code_info(record->code)->name);
    ha_jw_number(out, "latency_us", record->latency_us);
    put_text(out, "policy", record->policy);
    ha_jw_object_end(out);
}
