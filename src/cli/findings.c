// SPDX-License-Identifier: Apache-2.0
#include "cli/findings.h"

#include "base/json.h"
#include "base/text.h"
#include "cli/out.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { LINE_MAX = 2000 };

static const char *const names[] = {
    [HA_FINDING_OK] = "ok",
    [HA_FINDING_WARNING] = "warning",
    [HA_FINDING_PROBLEM] = "problem",
};
static_assert(HA_ARRAY_SIZE(names) == HA_FINDING_COUNT, "a name for each finding");

// Characters that a terminal obeys, or that make text look like other text: C0, DEL, C1, U+200B to U+200F, U+2028 to
// U+202E, U+2060 to U+206F.
static bool is_wild(const unsigned char *c, size_t n)
{
    if (n == 1)
        return c[0] < 0x20 || c[0] == 0x7f;
    if (n == 2)
        return c[0] == 0xc2 && c[1] < 0xa0;
    if (n != 3 || c[0] != 0xe2)
        return false;
    return (c[1] == 0x80 && ((c[2] >= 0x8b && c[2] <= 0x8f) || (c[2] >= 0xa8 && c[2] <= 0xae))) ||
           (c[1] == 0x81 && c[2] >= 0xa0 && c[2] <= 0xaf);
}

void ha_findings_tame(struct ha_buf *out, const char *text, size_t n, size_t max)
{
    size_t i = 0;
    while (i < n) {
        size_t len = ha_utf8_next(text + i, n - i);
        if (i + len > max) {
            ha_buf_puts(out, "...");
            return;
        }
        if (len == 0 || is_wild((const unsigned char *)text + i, len))
            ha_buf_putc(out, '?');
        else
            ha_buf_append(out, text + i, len);
        i += len > 0 ? len : 1;
    }
}

void ha_findings_begin(struct ha_findings *findings)
{
    ha_jw_object(&findings->json, NULL);
    ha_jw_array(&findings->json, "checks");
}

void ha_findings_clear(struct ha_findings *findings)
{
    ha_buf_clear(&findings->text);
    ha_buf_clear(&findings->json);
}

static void add(struct ha_findings *findings, enum ha_finding finding, const char *check, const char *remedy,
                const char *words)
{
    ha_auto(ha_buf_clear) struct ha_buf line = {0};
    ha_findings_tame(&line, words, strlen(words), LINE_MAX);
    findings->n[finding]++;
    ha_buf_printf(&findings->text, "%-7s  %s: %s\n", names[finding], check, ha_buf_text(&line));
    ha_jw_object(&findings->json, NULL);
    ha_jw_string(&findings->json, "check", check);
    ha_jw_string(&findings->json, "result", names[finding]);
    ha_jw_string(&findings->json, "text", ha_buf_text(&line));
    if (remedy) {
        ha_buf_reset(&line);
        ha_findings_tame(&line, remedy, strlen(remedy), LINE_MAX);
        ha_buf_printf(&findings->text, "         remedy: %s\n", ha_buf_text(&line));
        ha_jw_string(&findings->json, "remedy", ha_buf_text(&line));
    }
    ha_jw_object_end(&findings->json);
    findings->json.failed = findings->json.failed || !ha_buf_ok(&line);
}

void ha_findings_add(struct ha_findings *findings, enum ha_finding finding, const char *check, const char *remedy,
                     const char *format, ...)
{
    char words[LINE_MAX];
    va_list args;
    va_start(args, format);
    vsnprintf(words, sizeof words, format, args);
    va_end(args);
    add(findings, finding, check, remedy, words);
}

void ha_findings_add_err(struct ha_findings *findings, const char *check, const struct ha_err *reason)
{
    add(findings, HA_FINDING_PROBLEM, check, reason->hint[0] ? reason->hint : NULL, reason->detail);
}

static void put_count(struct ha_buf *out, unsigned n, const char *what)
{
    if (n > 0)
        ha_buf_printf(out, "%u %s%s", n, what, n > 1 ? "s" : "");
}

void ha_findings_end(struct ha_findings *findings)
{
    unsigned problems = findings->n[HA_FINDING_PROBLEM], warnings = findings->n[HA_FINDING_WARNING];
    enum ha_finding worst = problems > 0 ? HA_FINDING_PROBLEM : warnings > 0 ? HA_FINDING_WARNING : HA_FINDING_OK;
    ha_jw_array_end(&findings->json);
    ha_jw_string(&findings->json, "result", names[worst]);
    ha_buf_puts(&findings->text, worst == HA_FINDING_OK ? "nothing is wrong" : "found: ");
    put_count(&findings->text, problems, "problem");
    ha_buf_puts(&findings->text, problems > 0 && warnings > 0 ? ", " : "");
    put_count(&findings->text, warnings, "warning");
    ha_buf_putc(&findings->text, '\n');
}

enum ha_code ha_findings_print(struct ha_findings *findings, bool as_json, struct ha_err *err)
{
    ha_jw_object_end(&findings->json);
    if (!ha_buf_ok(&findings->json))
        return ha_fail(err, HA_E_MEMORY, "out of memory for the output");
    return as_json ? ha_out_json(NULL, &findings->json, HA_OUT_PUBLIC, err) : ha_out_text(&findings->text, err);
}
