// SPDX-License-Identifier: Apache-2.0
#include "format/sfv.h"

#include "base/text.h"
#include "format/base64_any.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static void value_clear(struct ha_sfv_value *value)
{
    ha_buf_clear(&value->text);
}

static void params_clear(struct ha_sfv_params *params)
{
    for (size_t i = 0; i < params->n; i++)
        value_clear(&params->items[i].value);
    params->n = 0;
}

void ha_sfv_item_clear(struct ha_sfv_item *item)
{
    value_clear(&item->value);
    params_clear(&item->params);
}

void ha_sfv_list_clear(struct ha_sfv_list *list)
{
    for (size_t i = 0; i < list->n; i++)
        ha_sfv_item_clear(&list->items[i]);
    free(list->items);
    params_clear(&list->params);
    *list = (struct ha_sfv_list){0};
}

const struct ha_sfv_value *ha_sfv_param(const struct ha_sfv_params *params, const char *key)
{
    for (size_t i = 0; i < params->n; i++)
        if (strcmp(params->items[i].key, key) == 0)
            return &params->items[i].value;
    return NULL;
}

static enum ha_code refuse(struct ha_err *err, const char *what)
{
    return ha_fail(err, HA_E_MALFORMED, "the structured field has %s", what);
}

static int peek(const struct ha_sfv *in)
{
    return in->at < in->end ? (unsigned char)*in->at : -1;
}

static bool take(struct ha_sfv *in, char c)
{
    if (peek(in) != (unsigned char)c)
        return false;
    in->at++;
    return true;
}

static void skip(struct ha_sfv *in, const char *characters)
{
    while (in->at < in->end && *in->at && strchr(characters, *in->at))
        in->at++;
}

static bool is_lower(int c)
{
    return c >= 'a' && c <= 'z';
}
static bool is_digit(int c)
{
    return c >= '0' && c <= '9';
}
static bool is_alpha(int c)
{
    return is_lower(c) || (c >= 'A' && c <= 'Z');
}

static enum ha_code read_key(struct ha_sfv *in, char ret_key[static HA_SFV_KEY_MAX + 1], struct ha_err *err)
{
    size_t n = 0;
    if (!is_lower(peek(in)) && peek(in) != '*')
        return refuse(err, "a key that begins with neither a lower-case letter nor '*'");
    for (int c = peek(in); is_lower(c) || is_digit(c) || (c > 0 && strchr("_-.*", c)); c = peek(in)) {
        if (n == HA_SFV_KEY_MAX)
            return refuse(err, "a key that is too long");
        ret_key[n++] = (char)c;
        in->at++;
    }
    ret_key[n] = '\0';
    return HA_OK;
}

static enum ha_code read_string(struct ha_sfv *in, struct ha_buf *out, struct ha_err *err)
{
    for (in->at++; peek(in) != '"'; in->at++) {
        if (take(in, '\\') && peek(in) != '"' && peek(in) != '\\')
            return refuse(err, "an escape that isn't one");
        if (peek(in) < 0x20 || peek(in) > 0x7e)
            return refuse(err, "a string that doesn't end, or isn't ASCII");
        ha_buf_putc(out, *in->at);
    }
    in->at++;
    return HA_OK;
}

static enum ha_code read_bytes(struct ha_sfv *in, struct ha_buf *out, struct ha_err *err)
{
    const char *begin = ++in->at, *end = memchr(begin, ':', (size_t)(in->end - begin));
    if (!end)
        return refuse(err, "a byte sequence that doesn't end");
    in->at = end + 1;
    if (memchr(begin, '-', (size_t)(end - begin)) || memchr(begin, '_', (size_t)(end - begin)) ||
        ha_base64_any_decode(out, begin, (size_t)(end - begin), err))
        return refuse(err, "a byte sequence that isn't base64");
    return HA_OK;
}

static enum ha_code read_integer(struct ha_sfv *in, struct ha_sfv_value *value, struct ha_err *err)
{
    bool negative = take(in, '-');
    size_t digits = 0;
    for (; is_digit(peek(in)); in->at++, digits++)
        value->number = digits < 15 ? value->number * 10 + (*in->at - '0') : 0;
    if (digits == 0 || digits > 15 || peek(in) == '.')
        return refuse(err, "a number that isn't an integer of at most 15 digits");
    if (negative)
        value->number = -value->number;
    return HA_OK;
}

static void read_token(struct ha_sfv *in, struct ha_buf *out)
{
    for (int c = peek(in); is_alpha(c) || is_digit(c) || (c > 0 && strchr("!#$%&'*+-.^_`|~:/", c)); c = peek(in)) {
        ha_buf_putc(out, (char)c);
        in->at++;
    }
}

static enum ha_code read_value(struct ha_sfv *in, struct ha_sfv_value *value, struct ha_err *err)
{
    int c = peek(in);
    if (c == '"') {
        value->type = HA_SFV_STRING;
        return read_string(in, &value->text, err);
    }
    if (c == ':') {
        value->type = HA_SFV_BYTES;
        return read_bytes(in, &value->text, err);
    }
    if (c == '-' || is_digit(c)) {
        value->type = HA_SFV_INTEGER;
        return read_integer(in, value, err);
    }
    if (c == '?') {
        value->type = HA_SFV_BOOL;
        in->at++;
        value->number = peek(in) == '1';
        return take(in, '0') || take(in, '1') ? HA_OK : refuse(err, "a boolean that is neither ?0 nor ?1");
    }
    if (is_alpha(c) || c == '*') {
        value->type = HA_SFV_TOKEN;
        read_token(in, &value->text);
        return HA_OK;
    }
    return refuse(err, c < 0 ? "no value where one is due" : "a value of no kind");
}

static enum ha_code read_params(struct ha_sfv *in, struct ha_sfv_params *params, struct ha_err *err)
{
    while (take(in, ';')) {
        char key[HA_SFV_KEY_MAX + 1];
        skip(in, " ");
        if (read_key(in, key, err))
            return err->code;
        // A key twice: the last one would count. Nobody means that.
        if (ha_sfv_param(params, key) || params->n == HA_SFV_PARAMS_MAX)
            return refuse(err, "a parameter twice, or too many of them");
        size_t i = params->n++;
        memcpy(params->items[i].key, key, sizeof key);
        params->items[i].value = (struct ha_sfv_value){.type = HA_SFV_BOOL, .number = 1};
        if (take(in, '=')) {
            params->items[i].value = (struct ha_sfv_value){0};
            if (read_value(in, &params->items[i].value, err))
                return err->code;
        }
    }
    return HA_OK;
}

enum ha_code ha_sfv_item(struct ha_sfv *in, struct ha_sfv_item *ret_item, struct ha_err *err)
{
    return read_value(in, &ret_item->value, err) ? err->code : read_params(in, &ret_item->params, err);
}

bool ha_sfv_at_list(const struct ha_sfv *in)
{
    return peek(in) == '(';
}

enum ha_code ha_sfv_list(struct ha_sfv *in, struct ha_sfv_list *ret_list, struct ha_err *err)
{
    if (!take(in, '('))
        return refuse(err, "no inner list where one is due");
    for (skip(in, " "); !take(in, ')'); skip(in, " ")) {
        if (ret_list->n == HA_SFV_ITEMS_MAX)
            return refuse(err, "an inner list of too many items");
        struct ha_sfv_item *items = realloc(ret_list->items, (ret_list->n + 1) * sizeof *items);
        if (!items)
            return ha_fail(err, HA_E_MEMORY, "out of memory for a structured field");
        ret_list->items = items;
        items[ret_list->n] = (struct ha_sfv_item){0};
        if (ha_sfv_item(in, &items[ret_list->n++], err))
            return err->code;
        if (peek(in) != ' ' && peek(in) != ')')
            return refuse(err, "an inner list whose items no space parts");
    }
    return read_params(in, &ret_list->params, err);
}

enum ha_code ha_sfv_member(struct ha_sfv *in, bool *ret_more, char ret_key[static HA_SFV_KEY_MAX + 1],
                           struct ha_err *err)
{
    skip(in, " \t");
    if (in->at == in->end) {
        *ret_more = false;
        return HA_OK;
    }
    if (in->begun) {
        if (!take(in, ','))
            return refuse(err, "members that no comma parts");
        skip(in, " \t");
    }
    in->begun = true;
    *ret_more = true;
    if (read_key(in, ret_key, err))
        return err->code;
    return take(in, '=') ? HA_OK : refuse(err, "a member without a value");
}

void ha_sfv_put_string(struct ha_buf *out, const char *text)
{
    ha_buf_putc(out, '"');
    for (; *text; text++) {
        if (*text == '"' || *text == '\\')
            ha_buf_putc(out, '\\');
        ha_buf_putc(out, *text);
    }
    ha_buf_putc(out, '"');
}

void ha_sfv_put_bytes(struct ha_buf *out, const void *bytes, size_t n)
{
    ha_buf_putc(out, ':');
    ha_b64_encode(out, bytes, n, 0);
    ha_buf_putc(out, ':');
}

static void put_value(struct ha_buf *out, const struct ha_sfv_value *value)
{
    switch (value->type) {
    case HA_SFV_STRING:
        ha_sfv_put_string(out, ha_buf_text(&value->text));
        return;
    case HA_SFV_TOKEN:
        ha_buf_puts(out, ha_buf_text(&value->text));
        return;
    case HA_SFV_BYTES:
        ha_sfv_put_bytes(out, value->text.data, value->text.len);
        return;
    case HA_SFV_INTEGER:
        ha_buf_printf(out, "%" PRId64, value->number);
        return;
    case HA_SFV_BOOL:
        ha_buf_puts(out, value->number ? "?1" : "?0");
        return;
    }
}

void ha_sfv_put_params(struct ha_buf *out, const struct ha_sfv_params *params)
{
    for (size_t i = 0; i < params->n; i++) {
        const struct ha_sfv_value *value = &params->items[i].value;
        ha_buf_printf(out, ";%s", params->items[i].key);
        if (value->type == HA_SFV_BOOL && value->number)
            continue;
        ha_buf_putc(out, '=');
        put_value(out, value);
    }
}

void ha_sfv_put_item(struct ha_buf *out, const struct ha_sfv_item *item)
{
    put_value(out, &item->value);
    ha_sfv_put_params(out, &item->params);
}
