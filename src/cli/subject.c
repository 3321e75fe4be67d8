// SPDX-License-Identifier: Apache-2.0
// One reader for both ways to write a name; they differ in the separator and in what a backslash does.
#include "cli/subject.h"

#include "base/json.h"
#include "base/text.h"

#include <string.h>

struct reader {
    const char *text;  // the whole, for messages
    const char *at;
    char separator;           // ',' or '/'
    struct ha_buf rdn_types;  // those of the RDN that is open, each followed by a NUL
};

static void reader_clear(struct reader *reader)
{
    ha_buf_clear(&reader->rdn_types);
}
HA_AUTO_DEFINE_CLEAR(struct reader, reader_clear)

static enum ha_code wrong(const struct reader *reader, const char *what, struct ha_err *err)
{
    ha_fail(err, HA_E_USAGE, "--subject '%s', character %zu: %s", reader->text, (size_t)(reader->at - reader->text) + 1,
            what);
    return ha_hint(err, "Write it like 'C=AE,O=Acme\\, Inc,CN=edge.example' or '/C=AE/O=Acme, Inc/CN=edge.example'.");
}

static bool is_type_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '-';
}

static void skip_spaces(struct reader *reader)
{
    reader->at += strspn(reader->at, " ");
}

// Type and '='. A type must not come twice in one RDN.
static enum ha_code read_type(struct reader *reader, struct ha_buf *ret_type, struct ha_err *err)
{
    skip_spaces(reader);
    const char *start = reader->at;
    while (is_type_char(*reader->at))
        reader->at++;
    ha_buf_append(ret_type, start, (size_t)(reader->at - start));
    if (ret_type->len == 0)
        return wrong(reader, "a type like CN is missing", err);
    skip_spaces(reader);
    if (*reader->at != '=')
        return wrong(reader, "a '=' is missing", err);
    const char *known = ha_buf_text(&reader->rdn_types);
    for (const char *end = known + reader->rdn_types.len; known < end; known += strlen(known) + 1)
        if (strcmp(known, ha_buf_text(ret_type)) == 0)
            return wrong(reader, "a type comes twice in one RDN", err);
    ha_buf_append(&reader->rdn_types, ha_buf_text(ret_type), ret_type->len + 1);
    reader->at++;
    return HA_OK;
}

// What a backslash stands before. *reader->at is the character after it.
static enum ha_code read_escaped(struct reader *reader, struct ha_buf *value, struct ha_err *err)
{
    struct ha_err ignored = {0};
    char c = *reader->at;
    if (c == '\0')
        return wrong(reader, "nothing comes after the backslash", err);
    if (reader->separator == '/' || strchr(",+=\\\"<>#; ", c)) {
        ha_buf_putc(value, c);
        reader->at++;
        return HA_OK;
    }
    if (!reader->at[1] || ha_hex_decode(value, reader->at, 2, &ignored) != HA_OK)
        return wrong(reader, "a backslash can't escape this", err);
    reader->at += 2;
    return HA_OK;
}

// Up to the separator, a '+' or the end.
static enum ha_code read_value(struct reader *reader, struct ha_buf *ret_value, struct ha_err *err)
{
    size_t keep = 0;  // the length without unescaped spaces at the end
    bool rfc4514 = reader->separator == ',';
    if (rfc4514)
        skip_spaces(reader);
    if (rfc4514 && *reader->at == '#')
        return wrong(reader, "a value in hexadecimal DER is not supported; a literal '#' needs a backslash", err);
    while (*reader->at && *reader->at != reader->separator && *reader->at != '+') {
        char c = *reader->at;
        if (rfc4514 && strchr("\"<>;", c))
            return wrong(reader, "this needs a backslash", err);
        reader->at++;
        if (c == '\\' && read_escaped(reader, ret_value, err) != HA_OK)
            return err->code;
        if (c != '\\')
            ha_buf_putc(ret_value, c);
        if (c != ' ' || !rfc4514)
            keep = ret_value->len;
    }
    if (memchr(ha_buf_text(ret_value), '\0', keep) || !ha_utf8_valid(ha_buf_text(ret_value), keep))
        return wrong(reader, "the value before isn't UTF-8 text", err);
    if (ret_value->len > keep) {
        ret_value->len = keep;
        ret_value->data[keep] = 0;
    }
    return HA_OK;
}

static enum ha_code read_attribute(struct reader *reader, struct ha_buf *body, struct ha_err *err)
{
    ha_auto(ha_buf_clear) struct ha_buf type = {0};
    ha_auto(ha_buf_clear) struct ha_buf value = {0};
    if (read_type(reader, &type, err) != HA_OK || read_value(reader, &value, err) != HA_OK)
        return err->code;
    if (value.len == 0)
        return wrong(reader, "the value before is empty", err);
    if (!ha_buf_ok(&type) || !ha_buf_ok(&value) || !ha_buf_ok(&reader->rdn_types))
        return ha_fail(err, HA_E_MEMORY, "out of memory for the subject");
    ha_jw_string(body, ha_buf_text(&type), ha_buf_text(&value));
    return HA_OK;
}

static enum ha_code read_rdn(struct reader *reader, struct ha_buf *body, struct ha_err *err)
{
    ha_buf_reset(&reader->rdn_types);
    ha_jw_object(body, NULL);
    for (;;) {
        enum ha_code code = read_attribute(reader, body, err);
        if (code != HA_OK)
            return code;
        if (*reader->at != '+')
            break;
        reader->at++;
    }
    ha_jw_object_end(body);
    return HA_OK;
}

enum ha_code ha_subject_put(const char *text, struct ha_buf *body, struct ha_err *err)
{
    ha_auto(reader_clear) struct reader reader = {.text = text, .at = text, .separator = ','};
    if (*text == '/') {
        reader.separator = '/';
        reader.at++;
    }
    skip_spaces(&reader);
    if (!*reader.at)
        return HA_OK;
    for (;;) {
        enum ha_code code = read_rdn(&reader, body, err);
        if (code != HA_OK)
            return code;
        if (!*reader.at)
            return HA_OK;
        reader.at++;
    }
}
