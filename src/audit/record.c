// SPDX-License-Identifier: Apache-2.0
// Nothing that a caller sends can break a line: the writer of JSON escapes it.
#include "audit/record.h"

#include "base/json.h"

#include <string.h>

enum { TEXT_MAX = 1024, ESCAPED_MAX = 6, HASH_LEN = 32 };

const char *ha_audit_record_event(const struct ha_audit_record *record)
{
    if (record->code == HA_OK)
        return "use";
    return ha_code_info(record->code)->status < 500 ? "refusal" : "failure";
}

// How much of it is written: what is to be escaped takes more room, and a line has only so much.
static size_t text_len(const char *text)
{
    size_t n = strnlen(text, TEXT_MAX / ESCAPED_MAX + 1), written = 0;
    if (n <= TEXT_MAX / ESCAPED_MAX)
        return n;
    n = 0;
    for (; text[n] && written < TEXT_MAX; n++)
        written += text[n] >= 0x20 && text[n] < 0x7f ? 1 : ESCAPED_MAX;
    return n;
}

void ha_audit_text_write(struct ha_buf *out, const char *name, const char *text)
{
    char cut[TEXT_MAX + 1];
    if (!text || !text[0])
        return;
    size_t n = text_len(text);
    if (text[n]) {
        memcpy(cut, text, n);
        cut[n] = '\0';
        text = cut;
    }
    ha_jw_string(out, name, text);
}

// Whether what begins their lines is the same, as it is for the items of a batch.
static bool begin_alike(const struct ha_audit_record *a, const struct ha_audit_record *b)
{
    return a->uid == b->uid && a->gid == b->gid && a->unit == b->unit && a->exe == b->exe && a->listen == b->listen &&
           a->client == b->client && a->request == b->request && a->route == b->route && a->object == b->object &&
           a->key == b->key && a->version == b->version && a->spki_sha256 == b->spki_sha256 &&
           a->operation == b->operation && a->algorithm == b->algorithm;
}

static void write_beginning(struct ha_buf *out, const struct ha_audit_record *record)
{
    ha_jw_object(out, NULL);
    if (record->uid != (uid_t)-1) {
        ha_jw_number(out, "uid", record->uid);
        ha_jw_number(out, "gid", record->gid);
    }
    ha_audit_text_write(out, "unit", record->unit);
    ha_audit_text_write(out, "exe", record->exe);
    ha_audit_text_write(out, "listen", record->listen);
    ha_audit_text_write(out, "client", record->client);
    ha_audit_text_write(out, "request", record->request);
    ha_audit_text_write(out, "route", record->route);
    ha_audit_text_write(out, "object", record->object);
    ha_audit_text_write(out, "key", record->key);
    if (record->version)
        ha_jw_number(out, "version", record->version);
    if (record->spki_sha256)
        ha_jw_hex(out, "spki_sha256", record->spki_sha256, HASH_LEN);
    ha_audit_text_write(out, "operation", record->operation);
    ha_audit_text_write(out, "algorithm", record->algorithm);
}

static void write_rest(struct ha_buf *out, const struct ha_audit_record *record)
{
    ha_audit_text_write(out, "content", record->content);
    if (record->content_sha256)
        ha_jw_hex(out, "content_sha256", record->content_sha256, HASH_LEN);
    if (record->digest)
        ha_jw_hex(out, "digest", record->digest, record->digest_len);
    ha_audit_text_write(out, "profile", record->profile);
    if (record->fields && ha_buf_ok(record->fields) && record->fields->len > 0 &&
        record->fields->len <= HA_AUDIT_FIELDS_MAX) {
        ha_buf_puts(out, ",\"fields\":");
        ha_buf_append(out, record->fields->data, record->fields->len);
    }
    ha_audit_text_write(out, "shadow", record->shadow);
    ha_audit_text_write(out, "token", record->token);
    ha_jw_string(out, "result", ha_code_info(record->code)->name);
    ha_jw_number(out, "latency_us", record->latency_us);
    ha_audit_text_write(out, "policy", record->policy);
    ha_jw_object_end(out);
}

void ha_audit_record_write(struct ha_buf *out, const struct ha_audit_record *record, struct ha_audit_written *last)
{
    const size_t start = out->len;
    if (last && last->record && begin_alike(record, last->record)) {
        uint8_t *room = ha_buf_reserve(out, last->len);
        if (!room)
            return;
        memcpy(room, out->data + last->start, last->len);
        ha_buf_advance(out, last->len);
    } else {
        write_beginning(out, record);
    }
    if (last)
        *last = (struct ha_audit_written){record, start, out->len - start};
    write_rest(out, record);
}
