// SPDX-License-Identifier: Apache-2.0
// Nothing that a caller sends can break a line: the writer of JSON escapes it.
#include "audit/record.h"

#include "base/json.h"
#include "base/text.h"

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
    if (text && text[0])
        ha_jw_text(out, name, text, text_len(text));
}

// Whether what begins their lines is the same, as it is for the items of a batch.
static bool begin_alike(const struct ha_audit_record *a, const struct ha_audit_record *b)
{
    return a->uid == b->uid && a->gid == b->gid && a->unit == b->unit && a->exe == b->exe && a->listen == b->listen &&
           a->client == b->client && a->request == b->request && a->route == b->route && a->object == b->object &&
           a->key == b->key && a->version == b->version && a->spki_sha256 == b->spki_sha256 &&
           a->operation == b->operation && a->algorithm == b->algorithm;
}

// A member's name as it is written, and its length: the names of a line are always the same.
#define NAME(name) ",\"" name "\":", sizeof(",\"" name "\":") - 1

static void put_name(struct ha_buf *out, const char *name, size_t n)
{
    const size_t skip = out->len > 0 && out->data[out->len - 1] == '{';  // the comma
    ha_buf_append(out, name + skip, n - skip);
}

static void put_text(struct ha_buf *out, const char *name, size_t n, const char *text)
{
    if (!text || !text[0])
        return;
    put_name(out, name, n);
    ha_jw_quoted_text(out, text, text_len(text));
}

static void put_number(struct ha_buf *out, const char *name, size_t n, int64_t number)
{
    put_name(out, name, n);
    ha_buf_decimal(out, number);
}

static void put_hex(struct ha_buf *out, const char *name, size_t n, const uint8_t *bytes, size_t n_bytes)
{
    put_name(out, name, n);
    ha_buf_putc(out, '"');
    ha_hex_encode(out, bytes, n_bytes);
    ha_buf_putc(out, '"');
}

static void write_beginning(struct ha_buf *out, const struct ha_audit_record *record)
{
    ha_jw_object(out, NULL);
    if (record->uid != (uid_t)-1) {
        put_number(out, NAME("uid"), record->uid);
        put_number(out, NAME("gid"), record->gid);
    }
    put_text(out, NAME("unit"), record->unit);
    put_text(out, NAME("exe"), record->exe);
    put_text(out, NAME("listen"), record->listen);
    put_text(out, NAME("client"), record->client);
    put_text(out, NAME("request"), record->request);
    put_text(out, NAME("route"), record->route);
    put_text(out, NAME("object"), record->object);
    put_text(out, NAME("key"), record->key);
    if (record->version)
        put_number(out, NAME("version"), record->version);
    if (record->spki_sha256)
        put_hex(out, NAME("spki_sha256"), record->spki_sha256, HASH_LEN);
    put_text(out, NAME("operation"), record->operation);
    put_text(out, NAME("algorithm"), record->algorithm);
}

static void write_rest(struct ha_buf *out, const struct ha_audit_record *record)
{
    put_text(out, NAME("content"), record->content);
    if (record->content_sha256)
        put_hex(out, NAME("content_sha256"), record->content_sha256, HASH_LEN);
    if (record->digest)
        put_hex(out, NAME("digest"), record->digest, record->digest_len);
    put_text(out, NAME("profile"), record->profile);
    if (record->fields && ha_buf_ok(record->fields) && record->fields->len > 0 &&
        record->fields->len <= HA_AUDIT_FIELDS_MAX) {
        put_name(out, NAME("fields"));
        ha_buf_append(out, record->fields->data, record->fields->len);
    }
    put_text(out, NAME("shadow"), record->shadow);
    put_text(out, NAME("token"), record->token);
    put_text(out, NAME("result"), ha_code_info(record->code)->name);
    put_number(out, NAME("latency_us"), record->latency_us);
    put_text(out, NAME("policy"), record->policy);
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
