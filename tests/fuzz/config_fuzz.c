// SPDX-License-Identifier: Apache-2.0
// A configuration: it is refused with mistakes that have words, or it is printed in a form that reads back to the same.
#include "config/config.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void print(const struct ha_config *config, struct ha_buf *out)
{
    ha_config_dump(config, out);
    if (!ha_buf_ok(out))
        abort();
}

static void check_again(const struct ha_config *config)
{
    ha_auto(ha_buf_clear) struct ha_buf first = {0}, second = {0};
    ha_auto(ha_config_free) struct ha_config *again = NULL;
    ha_auto(ha_mistakes_clear) struct ha_mistakes mistakes = {0};
    struct ha_err err = {0};
    print(config, &first);
    if (ha_config_parse("again", ha_buf_text(&first), first.len, &again, &mistakes, &err))
        abort();
    print(again, &second);
    if (first.len != second.len || memcmp(first.data, second.data, first.len) != 0)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    ha_auto(ha_config_free) struct ha_config *config = NULL;
    ha_auto(ha_mistakes_clear) struct ha_mistakes mistakes = {0};
    struct ha_err err = {0};
    ha_auto(ha_free) char *copy = malloc(n ? n : 1);
    if (!copy)
        abort();
    if (n)
        memcpy(copy, data, n);
    if (ha_config_parse("fuzzed", copy, n, &config, &mistakes, &err) == HA_OK) {
        check_again(config);
        return 0;
    }
    if (mistakes.n == 0 && err.detail[0] == '\0')
        abort();
    for (size_t i = 0; i < mistakes.n; i++)
        if (mistakes.items[i].cause[0] == '\0')
            abort();
    return 0;
}
