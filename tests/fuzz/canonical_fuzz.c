// SPDX-License-Identifier: Apache-2.0
// JSON in one form: whatever is JSON becomes JSON, and that is its own form.
#include "format/canonical_json.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct ha_err err = {0};
    ha_auto(ha_json_free) ha_json *json = NULL;
    ha_auto(ha_json_free) ha_json *again = NULL;
    ha_auto(ha_buf_clear) struct ha_buf once = {0};
    ha_auto(ha_buf_clear) struct ha_buf twice = {0};
    if (ha_json_parse((const char *)data, n, 64, &json, &err) || ha_canonical_json(json, &once, &err))
        return 0;
    if (ha_json_parse((const char *)once.data, once.len, 64, &again, &err) || ha_canonical_json(again, &twice, &err))
        abort();
    if (once.len != twice.len || memcmp(once.data, twice.data, once.len) != 0)
        abort();
    return 0;
}
