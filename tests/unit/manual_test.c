// SPDX-License-Identifier: Apache-2.0
// The manual pages say what the tables of the code say: nothing new is left out, nothing is left over.
#include "base/file.h"
#include "cli/command.h"
#include "cli/help.h"
#include "crypto/alg.h"
#include "format/csr.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void read_page(const char *name, struct ha_buf *out)
{
    char path[4096];
    struct ha_err err = {0};
    snprintf(path, sizeof path, "%s/man/%s", HA_TOP_SRCDIR, name);
    if (ha_file_read(path, 1024 * 1024, HA_FILE_ANY, out, &err) != HA_OK)
        fail_msg("%s", err.detail);
}

// text as it stands in roff: hyphens have a backslash.
static void expect_in(const struct ha_buf *page, const char *before, const char *text, const char *after)
{
    ha_auto(ha_buf_clear) struct ha_buf wanted = {0};
    ha_buf_puts(&wanted, before);
    for (; *text; text++) {
        if (*text == '-')
            ha_buf_putc(&wanted, '\\');
        if (*text == '\'')
            ha_buf_puts(&wanted, "\\(aq");
        else
            ha_buf_putc(&wanted, *text);
    }
    ha_buf_puts(&wanted, after);
    if (!strstr(ha_buf_text(page), ha_buf_text(&wanted)))
        fail_msg("the page doesn't have: %s", ha_buf_text(&wanted));
}

static void manual_of_the_command_line_is_that_of_the_table(void **state)
{
    static const char begin[] = ".\\\" BEGIN: printed by hsm-agent --manual\n";
    static const char end[] = ".\\\" END: printed by hsm-agent --manual\n";
    ha_auto(ha_buf_clear) struct ha_buf made = {0};
    ha_auto(ha_buf_clear) struct ha_buf page = {0};
    ha_help_manual(ha_command_table(), &made);
    read_page("hsm-agent.1", &page);
    const char *from = strstr(ha_buf_text(&page), begin);
    assert_non_null(from);
    from += sizeof begin - 1;
    const char *to = strstr(from, end);
    assert_non_null(to);
    if (made.len != (size_t)(to - from) || memcmp(from, made.data, made.len) != 0)
        fail_msg("man/hsm-agent.1 is older than the table: make update-manuals");
}

static void manual_of_the_api_has_every_error_code(void **state)
{
    ha_auto(ha_buf_clear) struct ha_buf page = {0};
    read_page("hsm-agent-api.7", &page);
    for (unsigned i = 0; i < HA_CODE_COUNT; i++) {
        const struct ha_code_info *info = ha_code_info((enum ha_code)i);
        char status_and_title[128];
        if (i == HA_OK || i == HA_E_USAGE || i == HA_E_AGENT || i == HA_E_CA)  // never in an answer
            continue;
        snprintf(status_and_title, sizeof status_and_title, "\t%u\t%s", info->status, info->title);
        expect_in(&page, "\n", info->name, "\t");
        expect_in(&page, "", status_and_title, "\n");
    }
}

static void manual_of_the_api_has_every_name_of_a_request(void **state)
{
    ha_auto(ha_buf_clear) struct ha_buf page = {0};
    read_page("hsm-agent-api.7", &page);
    for (unsigned i = HA_ALG_NONE + 1; i < HA_ALG_COUNT; i++)
        expect_in(&page, "", ha_alg_info((enum ha_alg)i)->name, "");
    for (unsigned i = HA_KEY_NONE + 1; i < HA_KEY_TYPE_COUNT; i++)
        expect_in(&page, "", ha_key_type_info((enum ha_key_type)i)->name, "");
    for (size_t i = 0; i < HA_PURPOSE_COUNT; i++)
        expect_in(&page, ".B ", ha_purpose_info(i)->name, "\n");
    const char *const *const lists[] = {ha_csr_attributes(), ha_csr_key_usages(), ha_csr_extended_key_usages()};
    for (size_t i = 0; i < HA_ARRAY_SIZE(lists); i++)
        for (const char *const *name = lists[i]; *name; name++)
            expect_in(&page, " ", *name, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(manual_of_the_command_line_is_that_of_the_table),
        cmocka_unit_test(manual_of_the_api_has_every_error_code),
        cmocka_unit_test(manual_of_the_api_has_every_name_of_a_request),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("manual", tests, NULL, NULL);
}
