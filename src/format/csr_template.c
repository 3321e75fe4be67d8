// SPDX-License-Identifier: Apache-2.0
#include "format/csr_template.h"

#include <stdlib.h>
#include <string.h>

#define OPEN_MAX 2  // placeholders of any length: what a value is tried against stays few

#define LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
#define DIGITS  "0123456789"

static const struct {
    const char *name;
    enum ha_csr_part_kind kind;
    const char *words;
} kinds[] = {
    {"any", HA_CSR_PART_ANY, "some text"},
    {"uuid", HA_CSR_PART_UUID, "a UUID"},
    {"digits", HA_CSR_PART_DIGITS, "decimal digits"},
    {"host", HA_CSR_PART_HOST, "the name of one host, with its domain"},
    {"name", HA_CSR_PART_NAME, "the name of a host with its domain, or a wildcard"},
};

void ha_csr_template_clear(struct ha_csr_template *template)
{
    for (size_t i = 0; i < template->n; i++)
        free(template->parts[i].text);
    *template = (struct ha_csr_template){0};
}

// --- Reading

static enum ha_code push(struct ha_csr_template *template, enum ha_csr_part_kind kind, const char *text, size_t n,
                         struct ha_err *err)
{
    if (template->n == HA_CSR_PARTS_MAX)
        return ha_fail(err, HA_E_CONFIG, "the value has more than %d parts", HA_CSR_PARTS_MAX);
    char *copy = text ? strndup(text, n) : NULL;
    if (text && !copy)
        return ha_fail(err, HA_E_MEMORY, "out of memory for a value");
    template->parts[template->n++] = (struct ha_csr_part){kind, copy};
    template->open |= kind != HA_CSR_PART_TEXT;
    return HA_OK;
}

static bool is_closed(const char *name)
{
    return strcmp(name, "environment") == 0 || strcmp(name, "holder") == 0 || strncmp(name, "vetted ", 7) == 0;
}

static enum ha_code unknown(const char *name, struct ha_err *err)
{
    ha_fail(err, HA_E_CONFIG, "there is no placeholder {%s}", name);
    return ha_hint(err, "Use {any}, {uuid}, {digits}, {host}, {name}, {one|of|these}, {environment}, {holder} or "
                        "{vetted TYPE}.");
}

static enum ha_code push_placeholder(struct ha_csr_template *template, const char *name,
                                     const struct ha_csr_facts *facts, struct ha_err *err)
{
    if (is_closed(name)) {
        ha_auto(ha_buf_clear) struct ha_buf text = {0};
        if (facts->put(facts->context, name, &text, err))
            return err->code;
        return push(template, HA_CSR_PART_TEXT, ha_buf_text(&text), text.len, err);
    }
    if (strchr(name, '|'))
        return push(template, HA_CSR_PART_CHOICE, name, strlen(name), err);
    for (size_t i = 0; i < HA_ARRAY_SIZE(kinds); i++) {
        if (strcmp(kinds[i].name, name) == 0)
            return push(template, kinds[i].kind, NULL, 0, err);
    }
    return unknown(name, err);
}

static enum ha_code check_open(const struct ha_csr_template *template, struct ha_err *err)
{
    size_t open = 0;
    for (size_t i = 0; i < template->n; i++)
        open += template->parts[i].kind != HA_CSR_PART_TEXT;
    if (open <= OPEN_MAX)
        return HA_OK;
    ha_fail(err, HA_E_CONFIG, "the value leaves more than %d of its parts open", OPEN_MAX);
    return ha_hint(err, "Join them into one {any}.");
}

enum ha_code ha_csr_template_read(const char *text, const struct ha_csr_facts *facts,
                                  struct ha_csr_template *ret_template, struct ha_err *err)
{
    ha_auto(ha_csr_template_clear) struct ha_csr_template template = {0};
    for (const char *at = text; *at;) {
        size_t n = strcspn(at, "{}");
        const char *end = strchr(at, '}');
        if (n > 0) {
            if (push(&template, HA_CSR_PART_TEXT, at, n, err))
                return err->code;
            at += n;
            continue;
        }
        if (*at == '}' || !end)
            return ha_fail(err, HA_E_CONFIG, "a brace of '%.100s' has no partner", text);
        ha_auto(ha_free) char *name = strndup(at + 1, (size_t)(end - at) - 1);
        if (!name)
            return ha_fail(err, HA_E_MEMORY, "out of memory for a value");
        if (push_placeholder(&template, name, facts, err))
            return err->code;
        at = end + 1;
    }
    if (template.n == 0)
        return ha_fail(err, HA_E_CONFIG, "the value is empty");
    if (check_open(&template, err))
        return err->code;
    *ret_template = template;
    template = (struct ha_csr_template){0};
    return HA_OK;
}

// --- Fitting

static bool is_uuid(const char *text, size_t n)
{
    if (n != 36)
        return false;
    for (size_t i = 0; i < n; i++) {
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        if (dash ? text[i] != '-' : !strchr(DIGITS "abcdefABCDEF", text[i]))
            return false;
    }
    return true;
}

static bool is_host(const char *text, size_t n)
{
    size_t labels = 0;
    for (const char *end = text + n; text <= end;) {
        size_t len = strspn(text, LETTERS DIGITS "-");
        len = len > (size_t)(end - text) ? (size_t)(end - text) : len;
        if (len == 0 || len > 63 || text[0] == '-' || text[len - 1] == '-')
            return false;
        labels++;
        text += len;
        if (text == end)
            return labels >= 2;
        if (*text++ != '.')
            return false;
    }
    return false;
}

static bool is_choice(const char *words, const char *text, size_t n)
{
    for (const char *word = words;; word++) {
        size_t len = strcspn(word, "|");
        if (len == n && memcmp(word, text, n) == 0)
            return true;
        word += len;
        if (!*word)
            return false;
    }
}

// Whether the n bytes at text are what an open part stands for.
static bool part_takes(const struct ha_csr_part *part, const char *text, size_t n)
{
    switch (part->kind) {
    case HA_CSR_PART_TEXT:
        return strlen(part->text) == n && memcmp(part->text, text, n) == 0;
    case HA_CSR_PART_ANY:
        return n > 0;
    case HA_CSR_PART_UUID:
        return is_uuid(text, n);
    case HA_CSR_PART_DIGITS:
        return n > 0 && strspn(text, DIGITS) >= n;
    case HA_CSR_PART_HOST:
        return is_host(text, n);
    case HA_CSR_PART_NAME:
        return is_host(text, n) || (n > 2 && memcmp(text, "*.", 2) == 0 && is_host(text + 2, n - 2));
    case HA_CSR_PART_CHOICE:
        return is_choice(part->text, text, n);
    }
    return false;
}

static bool fits_from(const struct ha_csr_template *template, size_t index, const char *value)
{
    size_t len = strlen(value);
    if (index == template->n)
        return len == 0;
    const struct ha_csr_part *part = &template->parts[index];
    if (part->kind == HA_CSR_PART_TEXT) {
        size_t n = strlen(part->text);
        return strncmp(value, part->text, n) == 0 && fits_from(template, index + 1, value + n);
    }
    for (size_t n = index + 1 == template->n ? len : 1; n <= len; n++) {
        if (part_takes(part, value, n) && fits_from(template, index + 1, value + n))
            return true;
    }
    return false;
}

bool ha_csr_template_fits(const struct ha_csr_template *template, const char *value)
{
    return fits_from(template, 0, value);
}

// --- Words

void ha_csr_template_text(const struct ha_csr_template *template, struct ha_buf *out)
{
    for (size_t i = 0; i < template->n; i++)
        ha_buf_puts(out, template->parts[i].text ? template->parts[i].text : "");
}

static const char *placeholder(const struct ha_csr_part *part, bool words)
{
    for (size_t i = 0; i < HA_ARRAY_SIZE(kinds); i++) {
        if (kinds[i].kind == part->kind)
            return words ? kinds[i].words : kinds[i].name;
    }
    return part->text;
}

static void describe_choice(const char *words, struct ha_buf *out)
{
    ha_buf_puts(out, "one of '");
    for (; *words; words++) {
        if (*words == '|')
            ha_buf_puts(out, "', '");
        else
            ha_buf_putc(out, *words);
    }
    ha_buf_putc(out, '\'');
}

void ha_csr_template_describe(const struct ha_csr_template *template, struct ha_buf *out)
{
    const struct ha_csr_part *only = template->n == 1 ? &template->parts[0] : NULL;
    if (only && only->kind == HA_CSR_PART_CHOICE) {
        describe_choice(only->text, out);
        return;
    }
    if (only && only->kind != HA_CSR_PART_TEXT) {
        ha_buf_puts(out, placeholder(only, true));
        return;
    }
    ha_buf_puts(out, template->open ? "a value like '" : "'");
    for (size_t i = 0; i < template->n; i++) {
        const struct ha_csr_part *part = &template->parts[i];
        bool text = part->kind == HA_CSR_PART_TEXT;
        ha_buf_printf(out, text ? "%s" : "{%s}", placeholder(part, false));
    }
    ha_buf_putc(out, '\'');
}
