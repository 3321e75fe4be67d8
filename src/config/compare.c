// SPDX-License-Identifier: Apache-2.0
// Two configurations side by side. What reads alike is alike, so options are compared as they would be dumped.
#include "config/config.h"
#include "config/option.h"
#include "config/value.h"

#include <string.h>

// False when memory is short, too: what isn't known to be the same is treated as changed.
static bool same_value(const struct ha_option *option, const void *a, const void *b)
{
    ha_auto(ha_buf_clear) struct ha_buf text_a = {0};
    ha_auto(ha_buf_clear) struct ha_buf text_b = {0};
    ha_value_dump(option, a, &text_a);
    ha_value_dump(option, b, &text_b);
    return ha_buf_ok(&text_a) && ha_buf_ok(&text_b) && strcmp(ha_buf_text(&text_a), ha_buf_text(&text_b)) == 0;
}

bool ha_config_same_token(const struct ha_token_config *a, const struct ha_token_config *b)
{
    const struct ha_section *section = ha_section(HA_SECTION_TOKEN);
    for (size_t i = 0; i < section->options->n; i++)
        if (!same_value(&section->options->row[i], a, b))
            return false;
    return true;
}

void ha_config_fixed(const struct ha_config *running, const struct ha_config *wanted, void *context,
                     void (*differs)(void *context, const char *section, const char *option))
{
    const struct ha_section *section = ha_section(HA_SECTION_AGENT);
    for (size_t i = 0; i < section->options->n; i++) {
        const struct ha_option *option = &section->options->row[i];
        if (option->fixed && !same_value(option, &running->agent, &wanted->agent))
            differs(context, section->kind, option->name);
    }
}
