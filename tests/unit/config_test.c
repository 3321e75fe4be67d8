// SPDX-License-Identifier: Apache-2.0
// The configuration: golden files, round trips, secrets in mistakes, file permissions, mangled input.
#include "base/file.h"
#include "config/config.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

static const char *source_dir(void)
{
    const char *dir = getenv("srcdir");
    return dir ? dir : ".";
}

static void read_source(const char *name, struct ha_buf *out)
{
    char path[512];
    struct ha_err err = {0};
    snprintf(path, sizeof path, "%s/%s", source_dir(), name);
    if (ha_file_read(path, 1 << 20, HA_FILE_ANY, out, &err) != HA_OK)
        fail_msg("%s", err.detail);
    ha_buf_puts(out, "");  // so that data isn't NULL for an empty file
}

static enum ha_code parse(const char *text, size_t n, struct ha_config **config, struct ha_mistakes *mistakes)
{
    struct ha_err err = {0};
    return ha_config_parse("test.conf", text, n, config, mistakes, &err);
}

static struct ha_config *parse_good(const char *text)
{
    struct ha_config *config = NULL;
    ha_auto(ha_mistakes_clear) struct ha_mistakes mistakes = {0};
    if (parse(text, strlen(text), &config, &mistakes) != HA_OK)
        fail_msg("line %u: %s", mistakes.items[0].line, mistakes.items[0].cause);
    return config;
}

// Two defaults depend on the prefix; the golden files have @localstatedir@ and @sysconfdir@ for it.
static void put_without_prefix(struct ha_buf *out, const char *text)
{
    static const struct {
        const char *line, *golden;
    } lines[] = {
        {"state-dir = " HA_LOCALSTATEDIR "/lib/hsm-agent\n", "state-dir = @localstatedir@/lib/hsm-agent\n"},
        {"profiles = " HA_SYSCONFDIR "/hsm-agent/profiles\n", "profiles = @sysconfdir@/hsm-agent/profiles\n"},
    };
    for (size_t i = 0; i < HA_ARRAY_SIZE(lines); i++) {
        const char *found = strstr(text, lines[i].line);
        if (!found)
            continue;
        ha_buf_append(out, text, (size_t)(found - text));
        ha_buf_puts(out, lines[i].golden);
        text = found + strlen(lines[i].line);
    }
    ha_buf_puts(out, text);
}

// What --check or --dump would show.
static void show(const char *text, size_t n, struct ha_buf *out)
{
    ha_auto(ha_config_free) struct ha_config *config = NULL;
    ha_auto(ha_mistakes_clear) struct ha_mistakes mistakes = {0};
    if (parse(text, n, &config, &mistakes) == HA_OK) {
        ha_auto(ha_buf_clear) struct ha_buf dump = {0};
        ha_config_dump(config, &dump);
        put_without_prefix(out, ha_buf_text(&dump));
        return;
    }
    for (size_t i = 0; i < mistakes.n; i++)
        ha_buf_printf(out, "%u: %s\n    %s\n", mistakes.items[i].line, mistakes.items[i].cause,
                      mistakes.items[i].remedy);
}

static void check_golden(const char *name)
{
    char path[512];
    ha_auto(ha_buf_clear) struct ha_buf text = {0}, expected = {0}, seen = {0};
    snprintf(path, sizeof path, "tests/config/%s.conf", name);
    read_source(path, &text);
    show((const char *)text.data, text.len, &seen);
    // With this variable set the golden files are written anew, to be looked at with git diff.
    if (getenv("HA_WRITE_GOLDEN")) {
        struct ha_err err = {0};
        snprintf(path, sizeof path, "%s/tests/config/%s.ok", source_dir(), name);
        assert_int_equal(ha_file_write(path, seen.data, seen.len, 0644, &err), HA_OK);
        return;
    }
    snprintf(path, sizeof path, "tests/config/%s.ok", name);
    read_source(path, &expected);
    if (strcmp(ha_buf_text(&seen), ha_buf_text(&expected)) != 0)
        fail_msg("%s differs; now it is:\n%s", path, ha_buf_text(&seen));
}

static void config_golden_files_match(void **state)
{
    char path[512];
    size_t found = 0;
    snprintf(path, sizeof path, "%s/tests/config", source_dir());
    DIR *dir = opendir(path);
    assert_non_null(dir);
    for (struct dirent *entry; (entry = readdir(dir));) {
        char *dot = strrchr(entry->d_name, '.');
        if (!dot || strcmp(dot, ".conf") != 0)
            continue;
        *dot = '\0';
        check_golden(entry->d_name);
        found++;
    }
    closedir(dir);
    assert_true(found >= 8);
}

static void config_dump_reads_back_to_itself(void **state)
{
    static const char *const names[] = {"tests/config/whole.conf", "tests/config/defaults.conf"};
    for (size_t i = 0; i < HA_ARRAY_SIZE(names); i++) {
        ha_auto(ha_buf_clear) struct ha_buf text = {0}, first = {0}, second = {0};
        read_source(names[i], &text);
        ha_auto(ha_config_free) struct ha_config *config = parse_good(ha_buf_text(&text));
        ha_config_dump(config, &first);
        ha_auto(ha_config_free) struct ha_config *again = parse_good(ha_buf_text(&first));
        ha_config_dump(again, &second);
        assert_string_equal(ha_buf_text(&first), ha_buf_text(&second));
    }
}

static void config_dump_of_longest_line_reads_back(void **state)
{
    ha_auto(ha_buf_clear) struct ha_buf text = {0}, first = {0}, second = {0};
    ha_buf_puts(&text, "[listen a]\nsocket=/a\n[token t]\nuri=pkcs11:token=a\npin=prompt\nmodule=/");
    for (size_t n = strlen("module=/"); n < 198; n++)
        ha_buf_putc(&text, 'm');
    ha_buf_putc(&text, '\n');
    ha_auto(ha_config_free) struct ha_config *config = parse_good(ha_buf_text(&text));
    ha_config_dump(config, &first);
    ha_auto(ha_config_free) struct ha_config *again = parse_good(ha_buf_text(&first));
    ha_config_dump(again, &second);
    assert_string_equal(ha_buf_text(&first), ha_buf_text(&second));
    assert_int_equal(strlen(again->tokens[0].module), 198 - strlen("module="));
}

static void config_parse_fills_the_structs(void **state)
{
    ha_auto(ha_buf_clear) struct ha_buf text = {0};
    read_source("tests/config/whole.conf", &text);
    ha_auto(ha_config_free) struct ha_config *config = parse_good(ha_buf_text(&text));
    assert_string_equal(config->path, "test.conf");
    assert_string_equal(config->agent.state_dir, "/srv/hsm-agent");
    assert_true(config->agent.rsa1_5);
    assert_int_equal(config->agent.connections, 100000);
    assert_int_equal(config->agent.drain_ms, 0);

    assert_int_equal(config->n_listens, 2);
    assert_string_equal(config->listens[0].name, "agent");
    assert_int_equal(config->listens[0].line, 10);
    assert_int_equal(config->listens[0].uid, 0);
    assert_int_equal(config->listens[0].gid, 0);
    assert_int_equal(config->listens[0].mode, 0666);
    assert_false(config->listens[0].admin);
    assert_int_equal(config->listens[1].uid, (uid_t)-1);
    assert_int_equal(config->listens[1].gid, (gid_t)-1);
    assert_int_equal(config->listens[1].mode, 0660);
    assert_true(config->listens[1].admin);
    assert_null(config->listens[1].user);

    assert_int_equal(config->n_tokens, 3);
    assert_int_equal(config->tokens[0].environment.n, 2);
    assert_string_equal(config->tokens[0].environment.items[1], "EMPTY=");
    assert_string_equal(config->tokens[0].uri, "pkcs11:token=edge%20one;serial=8a7f");
    assert_int_equal(config->tokens[1].sessions, 8);
    assert_int_equal(config->tokens[1].deadline_ms, 10000);
    assert_false(config->tokens[1].software_oaep);
    assert_null(config->tokens[1].module_args);

    assert_int_equal(config->n_clients, 2);
    const struct ha_client_config *gateway = &config->clients[0], *everything = &config->clients[1];
    assert_int_equal(gateway->n_uids, 2);
    assert_int_equal(gateway->uids[0], 0);
    assert_int_equal(gateway->uids[1], 4294967294u);
    assert_int_equal(gateway->n_gids, 1);
    assert_int_equal(gateway->n_allows, 2);
    assert_string_equal(gateway->allows[0].key, "edge-tls");
    assert_int_equal(gateway->allows[0].operations, 1u << HA_OPERATION_SIGN);
    assert_int_equal(gateway->allows[0].algs, 0);
    assert_string_equal(gateway->allows[1].key, "enc[12]");
    assert_int_equal(gateway->allows[1].algs, 1u << HA_ALG_RSA_OAEP | 1u << HA_ALG_RSA_OAEP_256);
    assert_int_equal(everything->n_uids, 0);
    assert_int_equal(everything->gids[0], 12345);
    assert_int_equal(everything->allows[0].operations, HA_OPERATIONS_ALL);
    assert_int_equal(everything->allows[1].algs, 1u << HA_ALG_ES256 | 1u << HA_ALG_ED25519);
}

static void config_mistakes_never_show_secrets(void **state)
{
    ha_auto(ha_buf_clear) struct ha_buf text = {0};
    ha_auto(ha_config_free) struct ha_config *config = NULL;
    ha_auto(ha_mistakes_clear) struct ha_mistakes mistakes = {0};
    read_source("tests/config/secrets.conf", &text);
    assert_int_equal(parse(ha_buf_text(&text), text.len, &config, &mistakes), HA_E_CONFIG);
    assert_true(mistakes.n >= 8);
    for (size_t i = 0; i < mistakes.n; i++) {
        assert_null(strstr(mistakes.items[i].cause, "hunter2"));
        assert_null(strstr(mistakes.items[i].remedy, "hunter2"));
        assert_true(mistakes.items[i].cause[0] && mistakes.items[i].remedy[0]);
    }
}

static void config_mistakes_are_in_the_order_of_lines(void **state)
{
    ha_auto(ha_buf_clear) struct ha_buf text = {0};
    ha_auto(ha_config_free) struct ha_config *config = NULL;
    ha_auto(ha_mistakes_clear) struct ha_mistakes mistakes = {0};
    read_source("tests/config/sections.conf", &text);
    assert_int_equal(parse(ha_buf_text(&text), text.len, &config, &mistakes), HA_E_CONFIG);
    assert_null(config);
    assert_true(mistakes.n > 10);
    for (size_t i = 1; i < mistakes.n; i++)
        assert_true(mistakes.items[i - 1].line <= mistakes.items[i].line);
}

// The sample names users and groups that the building machine need not have.
static void config_sample_has_no_other_mistakes(void **state)
{
    ha_auto(ha_buf_clear) struct ha_buf text = {0};
    ha_auto(ha_config_free) struct ha_config *config = NULL;
    ha_auto(ha_mistakes_clear) struct ha_mistakes mistakes = {0};
    read_source("hsm-config/hsm-agent.conf", &text);
    parse(ha_buf_text(&text), text.len, &config, &mistakes);
    for (size_t i = 0; i < mistakes.n; i++) {
        if (!strstr(mistakes.items[i].cause, "there is no user") &&
            !strstr(mistakes.items[i].cause, "there is no group"))
            fail_msg("line %u: %s", mistakes.items[i].line, mistakes.items[i].cause);
    }
}

static void config_load_refuses_a_file_that_others_can_write(void **state)
{
    char path[] = "/tmp/hsm-agent-config-XXXXXX";
    static const char text[] = "[listen a]\nsocket=/a\n[token t]\nuri=pkcs11:token=a\npin=prompt\nmodule=/m\n";
    static const struct {
        mode_t mode;
        enum ha_code code;
    } cases[] = {{0600, HA_OK}, {0644, HA_OK}, {0664, HA_E_CONFIG}, {0646, HA_E_CONFIG}};
    int fd = mkstemp(path);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    for (size_t i = 0; i < HA_ARRAY_SIZE(cases); i++) {
        ha_auto(ha_config_free) struct ha_config *config = NULL;
        ha_auto(ha_mistakes_clear) struct ha_mistakes mistakes = {0};
        struct ha_err err = {0};
        assert_int_equal(fchmod(fd, cases[i].mode), 0);
        assert_int_equal(ha_config_load(path, &config, &mistakes, &err), cases[i].code);
        assert_int_equal(mistakes.n, cases[i].code == HA_OK ? 0 : 1);
        assert_true((config != NULL) == (cases[i].code == HA_OK));
    }
    close(fd);
    unlink(path);
}

static void config_load_of_no_file_says_so(void **state)
{
    ha_auto(ha_config_free) struct ha_config *config = NULL;
    ha_auto(ha_mistakes_clear) struct ha_mistakes mistakes = {0};
    struct ha_err err = {0};
    assert_int_equal(ha_config_load("/nonexistent/hsm-agent.conf", &config, &mistakes, &err), HA_E_IO);
    assert_non_null(strstr(err.detail, "/nonexistent/hsm-agent.conf"));
    assert_int_equal(mistakes.n, 0);
}

static void config_manual_names_every_option(void **state)
{
    static const char *const names[] = {
        "state\\-dir",     "rsa1_5\\-decrypt",
        "connections",     "drain\\-ms",
        "socket",          "user",
        "group",           "mode",
        "admin",           "uri",
        "module",          "module\\-args",
        "environment",     "pin",
        "sessions",        "deadline\\-ms",
        "software\\-oaep", "allow",
        "sign\\-digest",   "RSA\\-OAEP\\-256",
    };
    ha_auto(ha_buf_clear) struct ha_buf manual = {0};
    ha_config_manual(&manual);
    assert_true(ha_buf_ok(&manual));
    for (size_t i = 0; i < HA_ARRAY_SIZE(names); i++) {
        if (!strstr(ha_buf_text(&manual), names[i]))
            fail_msg("no %s", names[i]);
    }
    assert_non_null(strstr(ha_buf_text(&manual), ".SS [token \\fINAME\\fR]\n"));
    assert_non_null(strstr(ha_buf_text(&manual), "\\fBsessions\\fR = \\fIN\\fR (1 to 128; default: 8)\n"));
}

// Changes a few bytes at random places: whatever comes of it, it is either read (then its dump reads back to itself) or
// has mistakes, and nothing else happens.
static void config_parse_survives_mangled_text(void **state)
{
    static const char alphabet[] = "[]=:;#?*%,./ \t\n\r\\-_a0\x01\xff\xc3";
    ha_auto(ha_buf_clear) struct ha_buf text = {0};
    unsigned seed = 20240517, good = 0, bad = 0;
    read_source("tests/config/whole.conf", &text);
    for (int round = 0; round < 3000; round++) {
        ha_auto(ha_buf_clear) struct ha_buf mangled = {0};
        ha_auto(ha_config_free) struct ha_config *config = NULL;
        ha_auto(ha_mistakes_clear) struct ha_mistakes mistakes = {0};
        ha_buf_append(&mangled, text.data, text.len);
        for (int i = rand_r(&seed) % 3; i >= 0; i--)
            mangled.data[(size_t)rand_r(&seed) % mangled.len] =
                (uint8_t)alphabet[(size_t)rand_r(&seed) % sizeof alphabet];
        size_t n = rand_r(&seed) % 4 == 0 ? (size_t)rand_r(&seed) % mangled.len : mangled.len;
        if (parse((const char *)mangled.data, n, &config, &mistakes) != HA_OK) {
            assert_true(mistakes.n > 0);
            assert_null(config);
            bad++;
            continue;
        }
        ha_auto(ha_buf_clear) struct ha_buf first = {0}, second = {0};
        ha_config_dump(config, &first);
        ha_auto(ha_config_free) struct ha_config *again = parse_good(ha_buf_text(&first));
        ha_config_dump(again, &second);
        assert_string_equal(ha_buf_text(&first), ha_buf_text(&second));
        good++;
    }
    assert_true(good > 100 && bad > 100);
}

static void note(void *context, const char *section, const char *option)
{
    struct ha_buf *text = context;
    ha_buf_printf(text, "%s.%s ", section, option);
}

static void config_compare_tells_what_changed(void **state)
{
#define COMPARED(agent, token)                                                                                         \
    "[agent]\n" agent "[listen a]\nsocket = /run/a\n[client c]\nuser = 0\nallow = *:*\n[token t]\n"                    \
    "uri = pkcs11:token=t\nmodule = /m.so\npin = file:/p\n" token
    static const char *const changes[] = {"sessions = 7\n", "environment = A=b\n", "module-args = x\n",
                                          "deadline-ms = 11\n", "software-oaep = yes\n"};
    ha_auto(ha_config_free) struct ha_config *config = parse_good(COMPARED("", ""));
    ha_auto(ha_config_free) struct ha_config *same = parse_good("\n\n" COMPARED("", "sessions = 8 # the default\n"));
    ha_auto(ha_config_free) struct ha_config *other =
        parse_good(COMPARED("state-dir = /x\ndrain-ms = 1\nconnections = 1\n", ""));
    ha_auto(ha_buf_clear) struct ha_buf fixed = {0};
    assert_true(ha_config_same_token(&config->tokens[0], &same->tokens[0]));
    for (size_t i = 0; i < HA_ARRAY_SIZE(changes); i++) {
        ha_auto(ha_buf_clear) struct ha_buf text = {0};
        ha_buf_puts(&text, COMPARED("", ""));
        ha_buf_puts(&text, changes[i]);
        ha_auto(ha_config_free) struct ha_config *changed = parse_good(ha_buf_text(&text));
        assert_false(ha_config_same_token(&config->tokens[0], &changed->tokens[0]));
    }
    ha_config_fixed(config, same, &fixed, note);
    assert_string_equal(ha_buf_text(&fixed), "");
    ha_config_fixed(config, other, &fixed, note);
    assert_string_equal(ha_buf_text(&fixed), "agent.state-dir ");
}

static void config_lives_as_long_as_its_last_reference(void **state)
{
    struct ha_config *config = parse_good(COMPARED("", ""));
    struct ha_config *more = ha_config_ref(config);
    ha_config_free(config);
    assert_string_equal(more->tokens[0].name, "t");
    ha_config_free(more);
}

static void days_parse_sorts_and_refuses(void **state)
{
    static const struct {
        const char *text, *printed;  // NULL: refused
    } rows[] = {
        {"90, 60, 30, 1", "90, 60, 30, 1"},
        {"7,30 ,  1", "30, 7, 1"},
        {"3650", "3650"},
        {"none", "none"},
        {"1,2,3,4,5,6,7,8", "8, 7, 6, 5, 4, 3, 2, 1"},
        {"1,2,3,4,5,6,7,8,9", NULL},
        {"30,30", NULL},
        {"0", NULL},
        {"3651", NULL},
        {"99999999999", NULL},
        {"30,", NULL},
        {",30", NULL},
        {"30 60", NULL},
        {"-1", NULL},
        {"none, 30", NULL},
        {"30d", NULL},
    };
    for (size_t i = 0; i < HA_ARRAY_SIZE(rows); i++) {
        struct ha_days days = {0};
        struct ha_err err = {0};
        ha_auto(ha_buf_clear) struct ha_buf printed = {0};
        enum ha_code code = ha_days_parse(rows[i].text, &days, &err);
        assert_int_equal(code, rows[i].printed ? HA_OK : HA_E_CONFIG);
        if (code)
            continue;
        ha_days_print(&days, &printed);
        assert_string_equal(ha_buf_text(&printed), rows[i].printed);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(config_golden_files_match),
        cmocka_unit_test(config_dump_reads_back_to_itself),
        cmocka_unit_test(config_dump_of_longest_line_reads_back),
        cmocka_unit_test(config_parse_fills_the_structs),
        cmocka_unit_test(config_mistakes_never_show_secrets),
        cmocka_unit_test(config_mistakes_are_in_the_order_of_lines),
        cmocka_unit_test(config_sample_has_no_other_mistakes),
        cmocka_unit_test(config_load_refuses_a_file_that_others_can_write),
        cmocka_unit_test(config_load_of_no_file_says_so),
        cmocka_unit_test(config_manual_names_every_option),
        cmocka_unit_test(config_compare_tells_what_changed),
        cmocka_unit_test(config_lives_as_long_as_its_last_reference),
        cmocka_unit_test(config_parse_survives_mangled_text),
        cmocka_unit_test(days_parse_sorts_and_refuses),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
