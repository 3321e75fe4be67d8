// SPDX-License-Identifier: Apache-2.0
// The suggested policy grants what was done and nothing else, and is a configuration whatever a log says.
#include "policy/suggest.h"

#include "base/text.h"
#include "base/unit.h"
#include "policy/policy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define TIME "2026-11-21T07:26:35.123Z"

static const char head[] = "[agent]\nstate-dir = /s\n[listen a]\nsocket = /a.sock\n"
                           "[token t]\nuri = pkcs11:token=t\nmodule = /m.so\npin = prompt\n";

static char *written(const struct ha_suggestion *suggestion)
{
    struct ha_buf out = {0};
    struct ha_err err = {0};
    assert_int_equal(ha_suggestion_write(suggestion, &out, &err), HA_OK);
    char *text = strdup(ha_buf_text(&out));
    ha_buf_clear(&out);
    assert_non_null(text);
    return text;
}

// What was written, as a configuration without a mistake.
static struct ha_config *parsed(const struct ha_suggestion *suggestion)
{
    struct ha_config *config = NULL;
    struct ha_mistakes mistakes = {0};
    struct ha_err err = {0};
    ha_auto(ha_free) char *fragment = written(suggestion);
    ha_auto(ha_free) char *text = NULL;
    assert_true(asprintf(&text, "%s%s", head, fragment) > 0);
    if (ha_config_parse("test", text, strlen(text), &config, &mistakes, &err))
        fail_msg("%s\n%s", mistakes.n ? mistakes.items[0].cause : err.detail, text);
    ha_mistakes_clear(&mistakes);
    return config;
}

// --- A small world, all of it

static const uid_t uids[] = {7, 8};
static const char *const units[] = {NULL, "web.service", "worker@1.service"};
static const char *const keys[] = {"a", "b"};
static const enum ha_operation operations[] = {HA_OPERATION_SIGN, HA_OPERATION_TLS, HA_OPERATION_JWS,
                                               HA_OPERATION_DECRYPT, HA_OPERATION_DELETE};
static const enum ha_alg algs[] = {HA_ALG_NONE, HA_ALG_ES256, HA_ALG_RS256};
static const char *const profiles[] = {NULL, "x/y", "x/z"};
static const enum ha_content contents[] = {HA_CONTENT_OTHER, HA_CONTENT_TLS12_SERVER, HA_CONTENT_CSR};

enum { WORLD = 2 * 3 * 2 * 5 * 3 * 3 * 3 };

static struct ha_suggest_use use_of(unsigned i)
{
    struct ha_suggest_use use = {.uid = uids[i % 2], .time = TIME};
    use.unit = units[(i /= 2) % 3];
    use.key = keys[(i /= 3) % 2];
    use.operation = operations[(i /= 2) % 5];
    use.alg = algs[(i /= 5) % 3];
    use.profile = profiles[(i /= 3) % 3];
    use.content = &contents[(i /= 3) % 3];
    return use;
}

// Such as a log may have: only some operations have a profile, and those of administrators no algorithm.
static bool is_possible(const struct ha_suggest_use *use)
{
    const struct ha_operation_info *info = ha_operation_info(use->operation);
    return (info->profiled || !use->profile) && (info->admin == (use->alg == HA_ALG_NONE));
}

// Whether what was done at one time is reason enough for what is asked.
static bool is_reason(const struct ha_suggest_use *done, const struct ha_suggest_use *asked)
{
    bool classified = ha_operation_info(done->operation)->classified;
    return done->uid == asked->uid && (!done->unit || (asked->unit && strcmp(done->unit, asked->unit) == 0)) &&
           strcmp(done->key, asked->key) == 0 && done->operation == asked->operation &&
           (asked->alg == HA_ALG_NONE || done->alg == HA_ALG_NONE || done->alg == asked->alg) &&
           (!done->profile || (asked->profile && strcmp(done->profile, asked->profile) == 0)) &&
           (!classified || *done->content == *asked->content);
}

static bool is_granted(const struct ha_config *config, const struct ha_suggest_use *asked)
{
    const struct ha_principal principal = {.uid = asked->uid, .gid = 1, .unit = (char *)asked->unit};
    const struct ha_question question = {.key = asked->key,
                                         .operation = asked->operation,
                                         .alg = asked->alg,
                                         .profile = asked->profile,
                                         .content = asked->content};
    return ha_policy_decide(config, &principal, &question).allowed;
}

static uint64_t next(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static void suggestion_grants_what_was_done_and_nothing_else(void **state)
{
    uint64_t seed = 4711;
    for (unsigned round = 0; round < 300; round++) {
        struct ha_suggest_use done[24];
        size_t n_done = 0, wanted = 1 + next(&seed) % HA_ARRAY_SIZE(done);
        struct ha_suggestion *suggestion = ha_suggestion_new();
        while (n_done < wanted) {
            done[n_done] = use_of((unsigned)(next(&seed) % WORLD));
            if (!is_possible(&done[n_done]))
                continue;
            ha_suggestion_add(suggestion, &done[n_done++]);
        }
        struct ha_config *config = parsed(suggestion);
        for (unsigned i = 0; i < WORLD; i++) {
            const struct ha_suggest_use asked = use_of(i);
            bool reason = false;
            for (size_t j = 0; j < n_done; j++)
                reason |= is_reason(&done[j], &asked);
            if (is_granted(config, &asked) != reason)
                fail_msg("round %u: case %u is %s\n%s", round, i, reason ? "refused" : "granted", written(suggestion));
        }
        ha_config_free(config);
        ha_suggestion_free(suggestion);
    }
}

static void suggestion_is_the_same_in_any_order(void **state)
{
    struct ha_suggestion *there = ha_suggestion_new(), *back = ha_suggestion_new();
    for (unsigned i = 0; i < WORLD; i++) {
        const struct ha_suggest_use one = use_of(i), other = use_of(WORLD - 1 - i);
        ha_suggestion_add(there, &one);
        ha_suggestion_add(back, &other);
    }
    ha_auto(ha_free) char *a = written(there), *b = written(back);
    assert_string_equal(a, b);
    ha_suggestion_free(there);
    ha_suggestion_free(back);
}

// --- How it reads

static void suggestion_reads_well(void **state)
{
    static const enum ha_content server = HA_CONTENT_TLS13_SERVER, other = HA_CONTENT_OTHER;
    static const struct ha_suggest_use uses[] = {
        {4294967000, "web.service", "edge", HA_OPERATION_TLS, HA_ALG_ES256, NULL, &server, "2026-11-21T07:00:00.000Z"},
        {4294967000, "web.service", "edge", HA_OPERATION_TLS, HA_ALG_ES256, NULL, &server, "2026-11-20T07:00:00.000Z"},
        {4294967000, "web.service", "edge", HA_OPERATION_CSR, HA_ALG_ES256, NULL, NULL, "2026-11-22T07:00:00.000Z"},
        {4294967000, "session-7.scope", "pay", HA_OPERATION_SIGN, HA_ALG_ES256, NULL, &other, TIME},
        {4294967000, "run-u7.service", "pay", HA_OPERATION_SIGN, HA_ALG_RS256, NULL, &other, TIME},
        {4294967000, NULL, "pay", HA_OPERATION_JWT, HA_ALG_RS256, "x/token", &other, TIME},
        {4294967000, "a@b.service", "pay", HA_OPERATION_SHOW, HA_ALG_NONE, NULL, NULL, TIME},
        {4294967000, NULL, "pay*", HA_OPERATION_SIGN, HA_ALG_ES256, NULL, &other, TIME},
    };
    struct ha_suggestion *suggestion = ha_suggestion_new();
    for (size_t i = 0; i < HA_ARRAY_SIZE(uses); i++)
        ha_suggestion_add(suggestion, &uses[i]);
    ha_auto(ha_free) char *text = written(suggestion);
    const char *sections = strstr(text, "# Left out");
    assert_non_null(sections);
    assert_string_equal(sections, "# Left out: 1 use of which no rule can be made.\n"
                                  "\n# 3 uses since " TIME ", the last at " TIME "\n"
                                  "[client uid-4294967000]\nuser = 4294967000\n"
                                  "allow = pay:sign RS256,ES256 content=other\n"
                                  "allow = pay:jwt RS256 profile=x/token\n"
                                  "\n# 1 use since " TIME ", the last at " TIME "\n"
                                  "[client uid-4294967000-a_b.service-2]\nuser = 4294967000\nunit = a@b.service\n"
                                  "allow = pay:show\n"
                                  "\n# 3 uses since 2026-11-20T07:00:00.000Z, the last at 2026-11-22T07:00:00.000Z\n"
                                  "[client uid-4294967000-web.service]\nuser = 4294967000\nunit = web.service\n"
                                  "allow = edge:tls ES256 content=tls13-server-certificate-verify\n"
                                  "allow = edge:csr ES256\n");
    ha_suggestion_free(suggestion);
}

// --- Hostile

static void name_of_a_stranger_stays_in_its_line(void **state)
{
    static const char *const hostile[] = {"*",          "a*",
                                          "?",          "[a-z]",
                                          "a:*",        "a\nallow = *:*",
                                          "a b",        "a # ",
                                          "a\r",        "a\x01",
                                          "\xff",       "",
                                          "a/b/*",      "/",
                                          "x/y,*/*",    "x/y\n[client me]",
                                          "..",         "x/",
                                          "*.service",  "a.service\nuser = 0",
                                          "a[.service", "x;y"};
    struct ha_suggestion *suggestion = ha_suggestion_new();
    for (size_t i = 0; i < HA_ARRAY_SIZE(hostile); i++) {
        struct ha_suggest_use use = {
            .uid = 7, .key = "a", .operation = HA_OPERATION_JWS, .alg = HA_ALG_ES256, .time = TIME};
        use.key = hostile[i];
        ha_suggestion_add(suggestion, &use);
        use.key = "a";
        use.time = hostile[i];
        ha_suggestion_add(suggestion, &use);
        use.time = TIME;
        use.unit = hostile[i];
        ha_suggestion_add(suggestion, &use);
        use.unit = NULL;
        use.profile = hostile[i][0] ? hostile[i] : "//";
        ha_suggestion_add(suggestion, &use);
    }
    struct ha_config *config = parsed(suggestion);
    assert_int_equal(config->n_clients, 0);
    ha_config_free(config);
    ha_suggestion_free(suggestion);
}

static void line_that_would_be_too_long_is_split_or_left_out(void **state)
{
    char key[HA_NAME_MAX + 1], profile[130], unit[HA_UNIT_MAX + 1];
    memset(key, 'k', sizeof key - 1);
    key[sizeof key - 1] = '\0';
    memset(profile, 'p', sizeof profile - 1);
    profile[64] = '/';
    profile[sizeof profile - 1] = '\0';
    memset(unit, 'u', sizeof unit - 1);
    strcpy(unit + sizeof unit - 9, ".service");
    struct ha_suggestion *suggestion = ha_suggestion_new();
    struct ha_suggest_use use = {.uid = 7, .key = key, .time = TIME};
    use.operation = HA_OPERATION_TLS;
    for (unsigned alg = HA_ALG_NONE + 1; alg < HA_ALG_COUNT; alg++) {
        for (enum ha_content content = HA_CONTENT_TLS13_SERVER; content <= HA_CONTENT_TLS12_CLIENT; content++) {
            use.alg = (enum ha_alg)alg;
            use.content = &content;
            ha_suggestion_add(suggestion, &use);
        }
    }
    struct ha_config *config = parsed(suggestion);
    const struct ha_suggest_use done = use;
    for (unsigned alg = HA_ALG_NONE + 1; alg < HA_ALG_COUNT; alg++) {
        for (enum ha_content content = 0; content < HA_CONTENT_COUNT; content++) {
            use.alg = (enum ha_alg)alg;
            use.content = &content;
            assert_int_equal(is_granted(config, &use), ha_content_info(content)->tls);
        }
    }
    ha_config_free(config);
    use = done;
    use.content = NULL;
    use.operation = HA_OPERATION_JWS;
    use.profile = profile;
    ha_suggestion_add(suggestion, &use);
    use.profile = NULL;
    use.unit = unit;
    ha_suggestion_add(suggestion, &use);
    ha_auto(ha_free) char *text = written(suggestion);
    assert_non_null(strstr(text, "# Left out: 2 uses "));
    config = parsed(suggestion);
    assert_int_equal(config->n_clients, 1);
    ha_config_free(config);
    ha_suggestion_free(suggestion);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(suggestion_grants_what_was_done_and_nothing_else),
        cmocka_unit_test(suggestion_is_the_same_in_any_order),
        cmocka_unit_test(suggestion_reads_well),
        cmocka_unit_test(name_of_a_stranger_stays_in_its_line),
        cmocka_unit_test(line_that_would_be_too_long_is_split_or_left_out),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
