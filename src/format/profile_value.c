// SPDX-License-Identifier: Apache-2.0
#include "format/profile_value.h"

#include "base/nearest.h"
#include "base/text.h"
#include "format/jws.h"
#include "format/profile_set.h"

#include <stdio.h>
#include <string.h>

static enum ha_code store_text(const char *text, char **field, struct ha_err *err)
{
    char *copy = strdup(text);
    if (!copy)
        return ha_fail(err, HA_E_MEMORY, "out of memory for an option");
    free(*field);
    *field = copy;
    return HA_OK;
}

static enum ha_code append_item(struct ha_jose_list *list, const char *text, size_t n, struct ha_err *err)
{
    char **more = reallocarray(list->items, list->n + 1, sizeof *more);
    if (more)
        list->items = more;
    char *copy = strndup(text, n);
    if (!more || !copy) {
        free(copy);
        return ha_fail(err, HA_E_MEMORY, "out of memory for an option");
    }
    more[list->n++] = copy;
    return HA_OK;
}

// Calls take for each word between commas. Spaces around a word aren't part of it.
static enum ha_code each_word(const char *text, void *context,
                              enum ha_code (*take)(void *context, const char *word, size_t n, struct ha_err *err),
                              struct ha_err *err)
{
    for (const char *at = text;; at++) {
        size_t n = strcspn(at, ","), lead = strspn(at, " ");
        lead = lead > n ? n : lead;
        size_t len = n - lead;
        while (len > 0 && at[lead + len - 1] == ' ')
            len--;
        if (len == 0) {
            ha_fail(err, HA_E_CONFIG, "the list is empty or has an empty item");
            return ha_hint(err, "Write words with a comma between them.");
        }
        if (take(context, at + lead, len, err))
            return err->code;
        at += n;
        if (!*at)
            return HA_OK;
    }
}

static enum ha_code take_item(void *context, const char *word, size_t n, struct ha_err *err)
{
    return append_item(context, word, n, err);
}

static enum ha_code take_alg(void *context, const char *word, size_t n, struct ha_err *err)
{
    struct ha_nearest nearest;
    char name[40];
    snprintf(name, sizeof name, "%.*s", (int)n, word);
    enum ha_alg alg = ha_alg_by_name(name);
    if (alg != HA_ALG_NONE) {
        *(uint32_t *)context |= 1u << alg;
        return HA_OK;
    }
    nearest = (struct ha_nearest){.word = name};
    for (unsigned i = HA_ALG_NONE + 1; i < HA_ALG_COUNT; i++)
        ha_nearest_offer(&nearest, ha_alg_info((enum ha_alg)i)->name, ha_alg_info((enum ha_alg)i)->name);
    ha_fail(err, HA_E_CONFIG, "there is no algorithm '%s'", name);
    return nearest.best ? ha_hint(err, "Did you mean '%s'?", nearest.best)
                        : ha_hint(err, "hsm-agent.conf(5) lists the algorithms.");
}

// The number of the word among those of the option.
static enum ha_code find_choice(const struct ha_profile_option *option, const char *text, size_t n, unsigned *ret_index,
                                struct ha_err *err)
{
    unsigned index = 0;
    for (const char *word = option->value; *word; index++) {
        size_t len = strcspn(word, "|");
        if (len == n && memcmp(word, text, n) == 0) {
            *ret_index = index;
            return HA_OK;
        }
        word += len;
        word += *word == '|';
    }
    ha_fail(err, HA_E_CONFIG, "'%.*s' is not one of the choices", (int)n, text);
    return ha_hint(err, "Write one of %s.", option->value);
}

struct set {
    const struct ha_profile_option *option;
    unsigned bits;
};

static enum ha_code take_choice(void *context, const char *word, size_t n, struct ha_err *err)
{
    struct set *set = context;
    unsigned index;
    if (find_choice(set->option, word, n, &index, err))
        return err->code;
    set->bits |= 1u << index;
    return HA_OK;
}

static enum ha_code store_bool(const char *text, bool *field, struct ha_err *err)
{
    bool yes = strcmp(text, "yes") == 0;
    if (!yes && strcmp(text, "no") != 0) {
        ha_fail(err, HA_E_CONFIG, "'%s' is neither yes nor no", text);
        return ha_hint(err, "Write yes or no, in lower case.");
    }
    *field = yes;
    return HA_OK;
}

static enum ha_code store_uint(const struct ha_profile_option *option, const char *text, unsigned *field,
                               struct ha_err *err)
{
    uint64_t value;
    if (!ha_parse_uint(text, option->min, option->max, &value)) {
        ha_fail(err, HA_E_CONFIG, "'%s' is not a number from %u to %u", text, option->min, option->max);
        return ha_hint(err, "Write a decimal number without a unit.");
    }
    *field = (unsigned)value;
    return HA_OK;
}

static enum ha_code store_list(const char *text, struct ha_jose_list *field, struct ha_err *err)
{
    struct ha_err failure = {0};
    size_t before = field->n;
    if (each_word(text, field, take_item, &failure) == HA_OK)
        return HA_OK;
    while (field->n > before)
        free(field->items[--field->n]);
    *err = failure;
    return err->code;
}

static enum ha_code store_algs(const struct ha_profile_option *option, const char *text, void *field,
                               struct ha_err *err)
{
    uint32_t bits = 0;
    if (each_word(text, &bits, take_alg, err))
        return err->code;
    if (option->kind == HA_PROFILE_ALGS) {
        *(uint32_t *)field = bits;
        return HA_OK;
    }
    if (bits & (bits - 1)) {
        ha_fail(err, HA_E_CONFIG, "'%s' is more than one algorithm", text);
        return ha_hint(err, "Write one.");
    }
    *(enum ha_alg *)field = (enum ha_alg)__builtin_ctz(bits);
    return HA_OK;
}

static enum ha_code store_set(const struct ha_profile_option *option, const char *text, unsigned *field,
                              struct ha_err *err)
{
    struct set set = {option, 0};
    if (each_word(text, &set, take_choice, err))
        return err->code;
    *field = set.bits;
    return HA_OK;
}

enum ha_code ha_profile_value_store(const struct ha_profile_option *option, const char *text, void *options,
                                    struct ha_err *err)
{
    void *field = HA_PROFILE_FIELD(void, options, option->offset);
    if (text[0] == '\0') {
        ha_fail(err, HA_E_CONFIG, "the value is empty");
        return ha_hint(err, "Give a value, or remove the line.");
    }
    switch (option->kind) {
    case HA_PROFILE_PATH:
        if (text[0] != '/') {
            ha_fail(err, HA_E_CONFIG, "the path '%s' is relative", text);
            return ha_hint(err, "Write it in full, beginning with '/'.");
        }
        return store_text(text, field, err);
    case HA_PROFILE_TEXT:
        return store_text(text, field, err);
    case HA_PROFILE_LIST:
        return store_list(text, field, err);
    case HA_PROFILE_LINES:
        return append_item(field, text, strlen(text), err);
    case HA_PROFILE_BOOL:
        return store_bool(text, field, err);
    case HA_PROFILE_UINT:
        return store_uint(option, text, field, err);
    case HA_PROFILE_CHOICE:
        return find_choice(option, text, strlen(text), field, err);
    case HA_PROFILE_SET:
        return store_set(option, text, field, err);
    case HA_PROFILE_ALG:
    case HA_PROFILE_ALGS:
        return store_algs(option, text, field, err);
    }
    return HA_OK;
}

void ha_profile_value_clear(const struct ha_profile_option *option, void *options)
{
    void *field = HA_PROFILE_FIELD(void, options, option->offset);
    switch (option->kind) {
    case HA_PROFILE_TEXT:
    case HA_PROFILE_PATH:
        free(*(char **)field);
        *(char **)field = NULL;
        return;
    case HA_PROFILE_LIST:
    case HA_PROFILE_LINES: {
        struct ha_jose_list *list = field;
        for (size_t i = 0; i < list->n; i++)
            free(list->items[i]);
        free(list->items);
        *list = (struct ha_jose_list){0};
        return;
    }
    case HA_PROFILE_BOOL:
        *(bool *)field = false;
        return;
    case HA_PROFILE_UINT:
    case HA_PROFILE_CHOICE:
    case HA_PROFILE_SET:
    case HA_PROFILE_ALG:
    case HA_PROFILE_ALGS:
        *(unsigned *)field = 0;
        return;
    }
}
