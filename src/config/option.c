// SPDX-License-Identifier: Apache-2.0
// The sections, and finding what a misspelt name was meant to be.
#include "config/option_tables.h"

#include <assert.h>
#include <stddef.h>
#include <string.h>

#define NAMED(type, array, count)                                                                                      \
    .named = true, .size = sizeof(struct type), .line_offset = offsetof(struct type, line),                            \
    .name_offset = offsetof(struct type, name), .array_offset = offsetof(struct ha_config, array),                     \
    .count_offset = offsetof(struct ha_config, count)

static const struct ha_section sections[] = {
    [HA_SECTION_AGENT] = {.kind = "agent",
                          .size = sizeof(struct ha_agent_config),
                          .array_offset = offsetof(struct ha_config, agent),
                          .help = "The agent as a whole. May be left out.",
                          .options = &ha_options_agent},
    [HA_SECTION_LISTEN] = {.kind = "listen",
                           NAMED(ha_listen_config, listens, n_listens),
                           .help = "A socket on which the agent answers. There is at least one.",
                           .options = &ha_options_listen},
    [HA_SECTION_TOKEN] = {.kind = "token",
                          NAMED(ha_token_config, tokens, n_tokens),
                          .help = "A PKCS#11 token. There is at least one, and each gets a process of its own.",
                          .options = &ha_options_token},
    [HA_SECTION_CLIENT] = {.kind = "client",
                           NAMED(ha_client_config, clients, n_clients),
                           .help = "Who may do what. A section says at least one user, group or unit and one rule; the "
                                   "rules of all sections that fit a program are added up.",
                           .options = &ha_options_client},
};
static_assert(HA_ARRAY_SIZE(sections) == HA_SECTION_COUNT, "each kind of section has its row");

const struct ha_section *ha_section(enum ha_section_kind kind)
{
    return &sections[kind];
}

void *ha_section_at(const struct ha_config *config, enum ha_section_kind kind, size_t i)
{
    const struct ha_section *section = &sections[kind];
    void *base = (void *)config;
    if (!section->named)
        return i == 0 ? HA_OPTION_FIELD(void, base, section->array_offset) : NULL;
    if (i >= *HA_OPTION_FIELD(size_t, base, section->count_offset))
        return NULL;
    return *HA_OPTION_FIELD(char *, base, section->array_offset) + i * section->size;
}

// Levenshtein's distance; names are short, longer text is far from each of them.
static size_t distance(const char *a, const char *b)
{
    enum { LONGEST = 32 };
    size_t row[LONGEST + 1];
    size_t n = strlen(b);
    if (n > LONGEST || strlen(a) > LONGEST)
        return SIZE_MAX;
    for (size_t j = 0; j <= n; j++)
        row[j] = j;
    for (size_t i = 1; a[i - 1]; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= n; j++) {
            size_t change = diagonal + (a[i - 1] != b[j - 1]);
            size_t least = row[j] < row[j - 1] ? row[j] + 1 : row[j - 1] + 1;
            diagonal = row[j];
            row[j] = change < least ? change : least;
        }
    }
    return row[n];
}

const char *ha_option_nearest(const char *text, const char *const *names, size_t n)
{
    const char *nearest = NULL;
    size_t least = strlen(text) / 3 + 2;
    for (size_t i = 0; i < n; i++) {
        size_t d = distance(text, names[i]);
        if (d < least && d < strlen(names[i])) {
            least = d;
            nearest = names[i];
        }
    }
    return nearest;
}
