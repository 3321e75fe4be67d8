// SPDX-License-Identifier: Apache-2.0
#include "format/fspiop_body.h"

#include <stdlib.h>
#include <string.h>

enum ha_code ha_fspiop_values_new(size_t n, struct ha_fspiop_values *ret_values, struct ha_err *err)
{
    struct ha_fspiop_value *items = calloc(n, sizeof(*items));
    if (!items)
        return ha_fail(err, HA_E_MEMORY, "no memory for the fields of a body");
    *ret_values = (struct ha_fspiop_values){items, n};
    return HA_OK;
}

void ha_fspiop_values_clear(struct ha_fspiop_values *values)
{
    for (size_t i = 0; i < values->n; i++)
        ha_buf_clear(&values->items[i].text);
    free(values->items);
    *values = (struct ha_fspiop_values){0};
}

static const ha_json *find_child(const ha_json *json, struct ha_json_text text, const char *name, size_t n,
                                 struct ha_json_text *ret_text)
{
    struct ha_json_walk walk;
    if (ha_json_type(json) != HA_JSON_OBJECT)
        return NULL;
    ha_json_walk_begin(&walk, text);
    const ha_json *member = ha_json_first(json);
    for (; member && ha_json_walk_next(&walk, ret_text); member = ha_json_next(member))
        if (strncmp(ha_json_name(member), name, n) == 0 && ha_json_name(member)[n] == '\0')
            return member;
    return NULL;
}

bool ha_fspiop_find(const ha_json *json, struct ha_json_text body, const char *path, struct ha_json_text *ret_text,
                    const ha_json **ret_value)
{
    struct ha_json_text text = body;
    for (;;) {
        size_t n = strcspn(path, ".");
        json = find_child(json, text, path, n, &text);
        if (!json)
            return false;
        if (path[n] == '\0')
            break;
        path += n + 1;
    }
    *ret_text = text;
    *ret_value = json;
    return true;
}

bool ha_fspiop_overlap(const struct ha_fspiop_values *values)
{
    for (size_t i = 0; i < values->n; i++) {
        for (size_t k = i + 1; k < values->n; k++) {
            const struct ha_json_text *a = &values->items[i].old, *b = &values->items[k].old;
            if (a->data < b->data + b->n && b->data < a->data + a->n)
                return true;
        }
    }
    return false;
}

// The first value from there on; NULL: none.
static const struct ha_fspiop_value *next_value(const struct ha_fspiop_values *values, const char *at)
{
    const struct ha_fspiop_value *first = NULL;
    for (size_t i = 0; i < values->n; i++) {
        const struct ha_fspiop_value *value = &values->items[i];
        if (value->old.data >= at && (!first || value->old.data < first->old.data))
            first = value;
    }
    return first;
}

void ha_fspiop_replace(struct ha_json_text body, const struct ha_fspiop_values *values, struct ha_buf *out)
{
    const char *at = body.data, *end = body.data + body.n;
    const struct ha_fspiop_value *value;
    while ((value = next_value(values, at)) != NULL) {
        ha_buf_append(out, at, (size_t)(value->old.data - at));
        ha_buf_append(out, value->text.data, value->text.len);
        at = value->old.data + value->old.n;
    }
    ha_buf_append(out, at, (size_t)(end - at));
}
