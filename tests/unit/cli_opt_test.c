// SPDX-License-Identifier: Apache-2.0
// Command lines against the real table; and what the table says of itself.
#include "cli/command.h"
#include "cli/help.h"
#include "base/nearest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

enum { WORDS_MAX = 24 };

// Splits line at its spaces; the words live in ret_words' first element's memory.
static int split(char *line, char **ret_words)
{
    int n = 0;
    ret_words[n++] = (char *)"hsm-agent";
    for (char *word = strtok(line, " "); word; word = strtok(NULL, " "))
        ret_words[n++] = word;
    ret_words[n] = NULL;
    return n;
}

struct parsed {
    char line[256];
    char *words[WORDS_MAX];
    struct ha_opts opts;
    struct ha_err err;
};

static enum ha_code parse(struct parsed *parsed, const char *line)
{
    memset(parsed, 0, sizeof *parsed);
    assert_true(strlen(line) < sizeof parsed->line);
    strcpy(parsed->line, line);
    int n = split(parsed->line, parsed->words);
    return ha_opt_parse(ha_command_table(), n, parsed->words, &parsed->opts, &parsed->err);
}

static void expect_error(const char *line, const char *cause, const char *hint)
{
    struct parsed parsed;
    if (parse(&parsed, line) != HA_E_USAGE)
        fail_msg("taken: %s", line);
    if (!strstr(parsed.err.detail, cause) || !strstr(parsed.err.hint, hint))
        fail_msg("%s: %s / %s", line, parsed.err.detail, parsed.err.hint);
    assert_null(parsed.opts.command);
}

static void opt_options_stand_anywhere(void **state)
{
    static const char *const lines[] = {
        "sign k --alg ES256 -o f --json", "--json sign --alg=ES256 -of k",
        "--alg ES256 sign -o f k --json", "sign --json --alg ES256 -o f -- k",
        "-o f --json --alg ES256 sign k", "sign --out=f --alg=ES256 k --json --json",
    };
    for (size_t i = 0; i < HA_ARRAY_SIZE(lines); i++) {
        struct parsed parsed;
        if (parse(&parsed, lines[i]) != HA_OK)
            fail_msg("%s: %s", lines[i], parsed.err.detail);
        assert_string_equal(parsed.opts.command->name, "sign");
        assert_string_equal(parsed.opts.arguments[0], "k");
        assert_string_equal(ha_opt_value(&parsed.opts, HA_OPT_ALG), "ES256");
        assert_string_equal(ha_opt_value(&parsed.opts, HA_OPT_OUTPUT), "f");
        assert_true(ha_opt_given(&parsed.opts, HA_OPT_JSON));
        assert_false(ha_opt_given(&parsed.opts, HA_OPT_DIGEST));
        ha_opt_clear(&parsed.opts);
    }
}

static void opt_values_may_look_like_options(void **state)
{
    struct parsed parsed;
    assert_int_equal(parse(&parsed, "sign k -i - -o --json --format="), HA_OK);
    assert_string_equal(ha_opt_value(&parsed.opts, HA_OPT_INPUT), "-");
    assert_string_equal(ha_opt_value(&parsed.opts, HA_OPT_OUTPUT), "--json");
    assert_string_equal(ha_opt_value(&parsed.opts, HA_OPT_FORMAT), "");
    assert_false(ha_opt_given(&parsed.opts, HA_OPT_JSON));
    ha_opt_clear(&parsed.opts);
}

static void opt_repeated_values_keep_their_order(void **state)
{
    struct parsed parsed;
    assert_int_equal(parse(&parsed, "csr k --dns b --subject CN=x --dns=a --dns b"), HA_OK);
    const struct ha_opt_values *dns = &parsed.opts.values[HA_OPT_DNS];
    assert_int_equal(dns->n, 3);
    assert_string_equal(dns->items[0], "b");
    assert_string_equal(dns->items[1], "a");
    assert_string_equal(dns->items[2], "b");
    ha_opt_clear(&parsed.opts);
}

static void opt_commands_of_two_words_and_aliases_are_found(void **state)
{
    static const struct {
        const char *line, *name;
    } rows[] = {{"key list", "key list"},
                {"keys", "key list"},
                {"key --json list", "key list"},
                {"version", "version"},
                {"key show -- -k", "key show"}};
    for (size_t i = 0; i < HA_ARRAY_SIZE(rows); i++) {
        struct parsed parsed;
        assert_int_equal(parse(&parsed, rows[i].line), HA_OK);
        assert_string_equal(parsed.opts.command->name, rows[i].name);
        ha_opt_clear(&parsed.opts);
    }
}

static void opt_dev_takes_the_rest_as_it_is(void **state)
{
    struct parsed parsed;
    assert_int_equal(parse(&parsed, "dev --dir d -- ls -l -- --json"), HA_OK);
    assert_string_equal(ha_opt_value(&parsed.opts, HA_OPT_DIR), "d");
    assert_string_equal(parsed.opts.rest[0], "ls");
    assert_string_equal(parsed.opts.rest[3], "--json");
    assert_null(parsed.opts.rest[4]);
    assert_false(ha_opt_given(&parsed.opts, HA_OPT_JSON));
    ha_opt_clear(&parsed.opts);
    assert_int_equal(parse(&parsed, "dev --"), HA_OK);
    assert_null(parsed.opts.rest);
    ha_opt_clear(&parsed.opts);
}

static void opt_help_needs_nothing_else(void **state)
{
    static const char *const lines[] = {"--help",     "-h",        "key --help", "key create -h",
                                        "--help csr", "--version", "--manual"};
    for (size_t i = 0; i < HA_ARRAY_SIZE(lines); i++) {
        struct parsed parsed;
        assert_int_equal(parse(&parsed, lines[i]), HA_OK);
        ha_opt_clear(&parsed.opts);
    }
}

static void opt_wrong_lines_are_refused_with_a_remedy(void **state)
{
    expect_error("", "no command", "--help");
    expect_error("key", "'key' alone", "'key list', 'key show', 'key create'");
    expect_error("sgin k", "no command 'sgin'", "hsm-agent sign");
    expect_error("kyes", "no command 'kyes'", "hsm-agent keys");
    expect_error("create k", "no command 'create'", "hsm-agent key create");
    expect_error("key crate", "no command 'key crate'", "hsm-agent key create");
    expect_error("frobnicate", "no command", "--help");
    expect_error("key frobnicate", "no command 'key frobnicate'", "'key delete'");
    expect_error("sign", "needs NAME", "hsm-agent sign --help");
    expect_error("sign a b", "one word too many", "hsm-agent sign --help");
    expect_error("key adopt k", "needs NAME URI", "key adopt --help");
    expect_error("key adopt k 1 2 3 4 5 6 7 8 9", "'9' is one word too many", "key adopt --help");
    expect_error("key create k", "needs --type", "key create --help");
    expect_error("key create k --tpye x", "--tpye", "--type");
    expect_error("key list --alg ES256", "--alg is not an option of key list", "key list --help");
    expect_error("--alg ES256 key list", "--alg is not an option of key list", "key list --help");
    expect_error("sign k --alg", "needs a value", "--alg ALG");
    expect_error("sign k -o", "needs a value", "--out FILE");
    expect_error("sign k --alg a --alg b", "given twice", "once");
    expect_error("sign k --json=yes", "takes no value", "--help");
    expect_error("sign k -x", "-x is not an option", "--help");
    expect_error("sign k -hx", "takes no value", "--help");
    expect_error("token pin", "'token pin' alone is no command", "'token pin reset'");
    expect_error("token pin chang", "no command 'token pin chang'", "token pin change");
    expect_error("token pin change", "needs TOKEN", "token pin change --help");
    expect_error("token pim change", "no command 'token pim'", "'token pin reset'");
    expect_error("dev ls", "one word too many", "hsm-agent dev -- ls");
}

static void nearest_distance_counts_slips(void **state)
{
    assert_int_equal(ha_nearest_distance("sign", "sign"), 0);
    assert_int_equal(ha_nearest_distance("sgin", "sign"), 1);
    assert_int_equal(ha_nearest_distance("sig", "sign"), 1);
    assert_int_equal(ha_nearest_distance("signn", "sign"), 1);
    assert_int_equal(ha_nearest_distance("sihn", "sign"), 1);
    assert_int_equal(ha_nearest_distance("", "sign"), 4);
    assert_int_equal(ha_nearest_distance("kitten", "sitting"), 3);
    assert_true(ha_nearest_distance("12345678901234567890123456789012", "sign") == SIZE_MAX);
}

// The table itself: nothing that the parser or the help would stumble over.
static void opt_table_is_sound(void **state)
{
    const struct ha_opt_table *table = ha_command_table();
    for (size_t i = 0; i < table->n_commands; i++) {
        const struct ha_command *command = &table->commands[i];
        assert_non_null(command->run);
        assert_true(command->summary[0] && command->details && command->arguments);
        size_t n = strlen(command->details);
        assert_true(n == 0 || command->details[n - 1] == '\n');
        for (size_t j = 0; j < command->n_rows; j++) {
            const struct ha_opt_row *row = &command->rows[j];
            assert_true(row->help[0] && strlen(row->name) < 32);
            // An option that may stand before the command is read alike for all commands.
            for (size_t k = 0; k < i; k++)
                for (size_t l = 0; l < table->commands[k].n_rows; l++) {
                    const struct ha_opt_row *other = &table->commands[k].rows[l];
                    assert_int_equal(strcmp(row->name, other->name) == 0, row->id == other->id);
                    assert_true(row->id != other->id || (!row->value == !other->value && row->letter == other->letter));
                }
        }
    }
}

static void help_names_every_option_of_a_command(void **state)
{
    const struct ha_opt_table *table = ha_command_table();
    for (size_t i = 0; i < table->n_commands; i++) {
        const struct ha_command *command = &table->commands[i];
        ha_auto(ha_buf_clear) struct ha_buf help = {0};
        ha_auto(ha_buf_clear) struct ha_buf overview = {0};
        ha_help_command(table, command, &help);
        ha_help_overview(table, NULL, &overview);
        assert_non_null(strstr(ha_buf_text(&overview), command->name));
        assert_non_null(strstr(ha_buf_text(&help), command->name));
        assert_null(strstr(ha_buf_text(&help), "--manual"));
        for (size_t j = 0; j < command->n_rows; j++) {
            char option[40] = "--";
            strcat(option, command->rows[j].name);
            assert_non_null(strstr(ha_buf_text(&help), option));
        }
        assert_non_null(strstr(ha_buf_text(&help), "--timeout"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(opt_options_stand_anywhere),
        cmocka_unit_test(opt_values_may_look_like_options),
        cmocka_unit_test(opt_repeated_values_keep_their_order),
        cmocka_unit_test(opt_commands_of_two_words_and_aliases_are_found),
        cmocka_unit_test(opt_dev_takes_the_rest_as_it_is),
        cmocka_unit_test(opt_help_needs_nothing_else),
        cmocka_unit_test(opt_wrong_lines_are_refused_with_a_remedy),
        cmocka_unit_test(nearest_distance_counts_slips),
        cmocka_unit_test(opt_table_is_sound),
        cmocka_unit_test(help_names_every_option_of_a_command),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("cli_opt", tests, NULL, NULL);
}
