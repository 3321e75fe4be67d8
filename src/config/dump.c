// SPDX-License-Identifier: Apache-2.0
// The effective configuration as text.
#include "config/config.h"
#include "config/option.h"
#include "config/value.h"

void ha_config_dump(const struct ha_config *config, struct ha_buf *out)
{
    for (unsigned kind = 0; kind < HA_SECTION_COUNT; kind++) {
        const struct ha_section *section = ha_section((enum ha_section_kind)kind);
        const void *values;
        for (size_t i = 0; (values = ha_section_at(config, (enum ha_section_kind)kind, i)); i++) {
            if (section->named)
                ha_buf_printf(out, "\n[%s %s]\n", section->kind,
                              *HA_OPTION_FIELD(char *, values, section->name_offset));
            else
                ha_buf_printf(out, "[%s]\n", section->kind);
            for (size_t j = 0; j < section->options->n; j++)
                ha_value_dump(&section->options->row[j], values, out);
        }
    }
}
