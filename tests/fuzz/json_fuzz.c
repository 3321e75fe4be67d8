// SPDX-License-Identifier: Apache-2.0
// A request's body: what is taken is no deeper than it may be, and written for people it is taken again.
#include "base/json.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

enum { DEPTH = 16 };

static unsigned deepest(const ha_json *json)
{
    unsigned most = 0;
    if (ha_json_type(json) != HA_JSON_ARRAY && ha_json_type(json) != HA_JSON_OBJECT)
        return 0;
    for (const ha_json *item = ha_json_first(json); item; item = ha_json_next(item)) {
        unsigned depth = deepest(item);
        most = depth > most ? depth : most;
    }
    return most + 1;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct ha_err err = {0};
    ha_auto(ha_json_free) ha_json *json = NULL;
    ha_auto(ha_free) char *copy = malloc(n ? n : 1);
    if (!copy)
        abort();
    if (n)
        memcpy(copy, data, n);
    if (ha_json_parse(copy, n, DEPTH, &json, &err)) {
        if (err.detail[0] == '\0')
            abort();
        return 0;
    }
    if (deepest(json) > DEPTH)
        abort();
    ha_auto(ha_buf_clear) struct ha_buf text = {0};
    ha_auto(ha_json_free) ha_json *again = NULL;
    if (ha_json_pretty(&text, copy, n, &err) || ha_json_parse(ha_buf_text(&text), text.len, DEPTH, &again, &err))
        abort();
    if (deepest(again) != deepest(json))
        abort();
    return 0;
}
