// SPDX-License-Identifier: Apache-2.0
#include "policy/expect.h"

#include "policy/case.h"
#include "policy/explain.h"

#include <string.h>

enum { WORDS_MAX = 12 };

// The line's words, which it is cut into. More than there can be are one too many.
static size_t split(char *line, const char *words[static WORDS_MAX])
{
    size_t n = 0;
    line[strcspn(line, "#")] = '\0';
    for (char *word; n < WORDS_MAX && (word = strsep(&line, " \t\r"));)
        if (*word)
            words[n++] = word;
    return n;
}

static const char *outcome(const struct ha_decision *decision)
{
    return decision->allowed ? "allow" : decision->shadow ? "shadow" : "deny";
}

static enum ha_code check(const struct ha_config *config, const char *const *words, size_t n, int64_t now_s,
                          struct ha_buf *ret_complaint, struct ha_err *err)
{
    ha_auto(ha_case_clear) struct ha_case a_case = {0};
    const char *wanted = words[0];
    if (strcmp(wanted, "allow") != 0 && strcmp(wanted, "deny") != 0 && strcmp(wanted, "shadow") != 0) {
        ha_fail(err, HA_E_USAGE, "the line begins with none of allow, deny and shadow");
        return ha_hint(err, "Write it as allow user=USER KEY OPERATION.");
    }
    if (n < 2)
        return ha_fail(err, HA_E_USAGE, "the line doesn't say who");
    if (ha_case_read(words[1], words + 2, n - 2, now_s, &a_case, err))
        return err->code;
    struct ha_decision decision = ha_policy_decide(config, &a_case.principal, &a_case.question);
    if (strcmp(wanted, outcome(&decision)) == 0)
        return HA_OK;
    ha_buf_printf(ret_complaint, "expected %s, but it is ", wanted);
    ha_explain_line(ret_complaint, config, &a_case.question, &decision);
    return HA_OK;
}

enum ha_code ha_expect(const struct ha_config *config, const char *path, const char *text, int64_t now_s,
                       struct ha_buf *out, struct ha_expectations *ret_result, struct ha_err *err)
{
    struct ha_expectations result = {0};
    ha_auto(ha_free) char *copy = strdup(text);
    char *rest = copy;
    if (!copy)
        return ha_fail(err, HA_E_MEMORY, "out of memory");
    unsigned number = 1;
    for (char *line; (line = strsep(&rest, "\n")); number++) {
        const char *words[WORDS_MAX];
        ha_auto(ha_buf_clear) struct ha_buf complaint = {0};
        size_t n = split(line, words);
        if (n == 0)
            continue;
        if (check(config, words, n, now_s, &complaint, err)) {
            ha_wrap(err, "%s:%u", path, number);
            return err->code;
        }
        result.n++;
        result.wrong += complaint.len > 0;
        if (complaint.len > 0)
            ha_buf_printf(out, "%s:%u: %s", path, number, ha_buf_text(&complaint));
    }
    *ret_result = result;
    return HA_OK;
}
