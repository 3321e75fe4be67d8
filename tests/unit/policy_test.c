// SPDX-License-Identifier: Apache-2.0
// The policy: every decision of a small world against a reference written another way; and who a peer is.
#include "policy/policy.h"

#include "base/text.h"

#include <fnmatch.h>
#include <grp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>

#include <cmocka.h>

static uid_t one_uid[] = {1}, two_uids[] = {1, 2};
static gid_t one_gid[] = {10}, two_gids[] = {10, 20};
static char any_key[] = "*", key_a[] = "a", some_keys[] = "b?";
static char web[] = "web.service", workers[] = "worker@*.service", curl[] = "/usr/bin/curl", shadow[] = "shadow";
static char *web_unit[] = {web}, *two_units[] = {workers, web}, *one_exe[] = {curl};
static char some_profiles[] = "uae-tpp/*\0", two_profiles[] = "jose/jwt\0c/?\0";
static struct ha_hours office[] = {{0x1f, 8 * 60, 18 * 60}}, nights[] = {{0x20, 22 * 60, 6 * 60}, {0x40, 600, 660}};

// The questions: Wednesday noon, Sunday at five and at half past ten.
static const int64_t times[] = {1795003200, 1795323600, 1795343400};
static const char *const asked_profiles[] = {NULL, "uae-tpp/payment", "c/d"};
static const enum ha_content other = HA_CONTENT_OTHER,
                             tls13 = HA_CONTENT_TLS13_SERVER, *const asked_contents[] = {NULL, &other, &tls13};
static const char *const keys[] = {"a", "b1", "c"};
static const enum ha_operation asked_operations[] = {HA_OPERATION_SIGN, HA_OPERATION_CSR, HA_OPERATION_DELETE};
static const enum ha_alg asked_algs[] = {HA_ALG_NONE, HA_ALG_ES256, HA_ALG_RS256};
static const struct ha_principal principals[] = {
    {.uid = 1, .gid = 10},
    {.uid = 2, .gid = 20, .unit = web, .exe = curl},
    {.uid = 3, .gid = 30, .exe = curl},
    {.uid = 1,
     .gid = 30,
     .unit = (char *)"worker@7.service",
     .exe = (char *)"/usr/bin/curl2",
     .n_groups = 2,
     .groups = {40, 20}},
    {.uid = 0, .gid = 0, .unit = (char *)"worker@7.service"},
    {.uid = 3, .gid = 40, .unit = (char *)"web.service.service", .n_groups = 1, .groups = {10}},
};

// The i-th of all sections with one rule: in each place one of a few values.
enum { SECTIONS = 3 * 3 * 3 * 2 * 3 * 2 * 3 * 3 * 3 * 3 * 3 };

static struct ha_client_config make_client(unsigned i, struct ha_allow *rule)
{
    static char *const patterns[] = {any_key, key_a, some_keys};
    static const unsigned operations[] = {1u << HA_OPERATION_SIGN, 1u << HA_OPERATION_SIGN | 1u << HA_OPERATION_CSR,
                                          HA_OPERATIONS_ALL};
    static const uint32_t algs[] = {0, 1u << HA_ALG_ES256, 1u << HA_ALG_ES256 | 1u << HA_ALG_RS256};
    static const unsigned contents[] = {0, 1u << HA_CONTENT_OTHER,
                                        1u << HA_CONTENT_TLS13_SERVER | 1u << HA_CONTENT_CSR};
    static char *const profiles[] = {NULL, some_profiles, two_profiles};
    struct ha_client_config client = {.allows = rule, .n_allows = 1};
    unsigned uids = i % 3, gids = (i /= 3) % 3, units = (i /= 3) % 3, exes = (i /= 3) % 2, hours = (i /= 2) % 3;
    client.uids = uids == 1 ? one_uid : two_uids;
    client.n_uids = uids;
    client.gids = gids == 1 ? one_gid : two_gids;
    client.n_gids = gids;
    client.units = (struct ha_strings){units == 1 ? web_unit : two_units, units};
    client.exes = (struct ha_strings){one_exe, exes};
    client.hours = hours == 1 ? office : nights;
    client.n_hours = hours;
    client.mode = (i /= 3) % 2 ? shadow : NULL;
    rule->key = patterns[(i /= 2) % 3];
    rule->operations = operations[(i /= 3) % 3];
    rule->algs = algs[(i /= 3) % 3];
    rule->contents = contents[(i /= 3) % 3];
    rule->profiles = profiles[(i /= 3) % 3];
    return client;
}

// The reference: "a client is denied for the first reason that fits", in its own words and by other functions.
static bool reference_fits(const struct ha_client_config *client, const struct ha_principal *principal)
{
    unsigned uid_hits = 0, gid_hits = 0, unit_hits = 0;
    for (size_t i = 0; i < client->n_uids; i++)
        uid_hits += principal->uid == client->uids[i];
    for (size_t i = 0; i < client->n_gids; i++) {
        gid_hits += principal->gid == client->gids[i];
        for (size_t j = 0; j < principal->n_groups; j++)
            gid_hits += principal->groups[j] == client->gids[i];
    }
    const char *unit = principal->unit ? principal->unit : "";
    unit_hits += client->units.n > 0 && strcmp(unit, "web.service") == 0;
    unit_hits += client->units.n > 1 && strncmp(unit, "worker@", 7) == 0;
    if (client->n_uids + client->n_gids + client->units.n == 0)
        return false;
    if (client->n_uids > 0 && uid_hits == 0)
        return false;
    if (client->n_gids > 0 && gid_hits == 0)
        return false;
    if (client->units.n > 0 && unit_hits == 0)
        return false;
    if (client->exes.n > 0 && (!principal->exe || strcmp(principal->exe, "/usr/bin/curl") != 0))
        return false;
    return true;
}

static bool reference_knows(const struct ha_client_config *client, const struct ha_principal *principal,
                            const struct ha_question *question)
{
    return reference_fits(client, principal) && fnmatch(client->allows->key, question->key, 0) == 0;
}

static bool reference_open(const struct ha_client_config *client, int64_t time_s)
{
    struct tm tm;
    time_t seconds = time_s;
    gmtime_r(&seconds, &tm);
    bool weekday = tm.tm_wday >= 1 && tm.tm_wday <= 5;
    bool saturday_night = (tm.tm_wday == 6 && tm.tm_hour >= 22) || (tm.tm_wday == 0 && tm.tm_hour < 6);
    if (client->n_hours == 0)
        return true;
    if (client->n_hours == 1)
        return weekday && tm.tm_hour >= 8 && tm.tm_hour < 18;
    return saturday_night || (tm.tm_wday == 0 && tm.tm_hour == 10);
}

static bool reference_allows(const struct ha_client_config *client, const struct ha_principal *principal,
                             const struct ha_question *question)
{
    const struct ha_allow *rule = client->allows;
    if (!reference_knows(client, principal, question) || !reference_open(client, question->time_s))
        return false;
    if (((rule->operations >> question->operation) & 1) == 0)
        return false;
    if (question->alg != HA_ALG_NONE && rule->algs != 0 && ((rule->algs >> question->alg) & 1) == 0)
        return false;
    if (question->content && rule->contents != 0 && ((rule->contents >> *question->content) & 1) == 0)
        return false;
    if (rule->profiles == some_profiles)
        return question->profile && fnmatch("uae-tpp/*", question->profile, 0) == 0;
    if (rule->profiles == two_profiles)
        return question->profile &&
               (strcmp(question->profile, "jose/jwt") == 0 || fnmatch("c/?", question->profile, 0) == 0);
    return true;
}

static bool reference_shadows(const struct ha_client_config *client, const struct ha_principal *principal,
                              const struct ha_question *question)
{
    return reference_knows(client, principal, question) && client->mode == shadow &&
           question->operation < HA_OPERATION_CREATE;
}

static unsigned reference_operations(const struct ha_client_config *client, const struct ha_principal *principal,
                                     const struct ha_question *question)
{
    if (!reference_knows(client, principal, question))
        return 0;
    return client->allows->operations | (client->mode == shadow ? (1u << HA_OPERATION_CREATE) - 1 : 0);
}

static unsigned compare(const struct ha_config *config, const struct ha_principal *principal,
                        const struct ha_question *question)
{
    const struct ha_client_config *granting = NULL, *shadowing = NULL, *fitting = NULL;
    unsigned operations = 0;
    bool knows = false;
    for (size_t i = config->n_clients; i-- > 0;) {
        const struct ha_client_config *client = &config->clients[i];
        fitting = reference_fits(client, principal) ? client : fitting;
        granting = reference_allows(client, principal, question) ? client : granting;
        shadowing = reference_shadows(client, principal, question) ? client : shadowing;
        knows |= reference_knows(client, principal, question);
        operations |= reference_operations(client, principal, question);
    }
    struct ha_decision decision = ha_policy_decide(config, principal, question);
    unsigned wrong = decision.allowed != (granting != NULL);
    wrong += decision.shadow != (!granting && shadowing);
    wrong += decision.client != (granting ? granting : shadowing ? shadowing : fitting);
    wrong += decision.rule != (granting ? granting->allows : NULL);
    wrong += decision.knows != knows;
    wrong += (decision.verdict == HA_VERDICT_GRANTED) != (granting != NULL);
    wrong += (decision.verdict == HA_VERDICT_NO_CLIENT) != (fitting == NULL);
    wrong += (decision.nearest != NULL) != (!granting && knows);
    wrong += ha_policy_operations(config, principal, question->key) != operations;
    return wrong;
}

// Every key, operation and algorithm; profile, content and time take turns.
static unsigned compare_all(const struct ha_config *config, const struct ha_principal *principal, unsigned *asked)
{
    unsigned wrong = 0;
    for (size_t k = 0; k < HA_ARRAY_SIZE(keys); k++) {
        for (size_t o = 0; o < HA_ARRAY_SIZE(asked_operations); o++) {
            for (size_t a = 0; a < HA_ARRAY_SIZE(asked_algs); a++, (*asked)++) {
                const struct ha_question question = {.key = keys[k],
                                                     .operation = asked_operations[o],
                                                     .alg = asked_algs[a],
                                                     .profile = asked_profiles[(k + o + a + *asked) % 3],
                                                     .content = asked_contents[(k + *asked / 3) % 3],
                                                     .time_s = times[(o + *asked / 9) % 3]};
                wrong += compare(config, principal, &question);
            }
        }
    }
    return wrong;
}

static void policy_decides_like_the_reference(void **state)
{
    unsigned asked = 0, wrong = 0;
    for (unsigned i = 0; i < SECTIONS; i++) {
        struct ha_allow rules[2];
        struct ha_client_config clients[] = {make_client(i, &rules[0]),
                                             make_client((i * 7919u + 13) % SECTIONS, &rules[1])};
        const struct ha_config config = {.clients = clients, .n_clients = 1 + i % 2};
        wrong += compare_all(&config, &principals[i % HA_ARRAY_SIZE(principals)], &asked);
        wrong += compare_all(&config, &principals[(i / 5 + 1) % HA_ARRAY_SIZE(principals)], &asked);
    }
    print_message("# %u questions, %u differences\n", asked, wrong);
    assert_true(asked > 1000000);
    assert_int_equal(wrong, 0);
}

// A policy with every kind of section: each caller, key, operation and algorithm there is.
static void policy_decides_each_operation_and_algorithm_like_the_reference(void **state)
{
    enum { CLIENTS = 12 };
    unsigned asked = 0, wrong = 0;
    for (unsigned world = 0; world < 3; world++) {
        struct ha_allow rules[CLIENTS];
        struct ha_client_config clients[CLIENTS];
        const struct ha_config config = {.clients = clients, .n_clients = CLIENTS};
        for (unsigned i = 0; i < CLIENTS; i++)
            clients[i] = make_client((world * 54321u + i * 13007u + 1) % SECTIONS, &rules[i]);
        for (size_t p = 0; p < HA_ARRAY_SIZE(principals); p++)
            for (size_t k = 0; k < HA_ARRAY_SIZE(keys); k++)
                for (unsigned o = 0; o < HA_OPERATION_COUNT; o++)
                    for (unsigned a = 0; a < HA_ALG_COUNT; a++)
                        for (unsigned rest = 0; rest < 27; rest++, asked++) {
                            const struct ha_question question = {.key = keys[k],
                                                                 .operation = (enum ha_operation)o,
                                                                 .alg = (enum ha_alg)a,
                                                                 .profile = asked_profiles[rest % 3],
                                                                 .content = asked_contents[rest / 3 % 3],
                                                                 .time_s = times[rest / 9]};
                            wrong += compare(&config, &principals[p], &question);
                        }
    }
    print_message("# %u questions, %u differences\n", asked, wrong);
    assert_int_equal(wrong, 0);
}

static struct ha_decision decide(const struct ha_config *config, const struct ha_principal *principal, const char *key,
                                 enum ha_operation operation, enum ha_alg alg, const char *profile)
{
    const struct ha_question question = {.key = key, .operation = operation, .alg = alg, .profile = profile};
    return ha_policy_decide(config, principal, &question);
}

static void policy_tells_how_near_the_rules_came(void **state)
{
    struct ha_allow rules[] = {
        {.key = key_a,
         .operations = 1u << HA_OPERATION_SIGN,
         .algs = 1u << HA_ALG_ES256,
         .contents = 1u << HA_CONTENT_OTHER},
        {.key = key_a, .operations = 1u << HA_OPERATION_JWT, .profiles = some_profiles},
    };
    struct ha_client_config client = {
        .uids = one_uid, .n_uids = 1, .hours = office, .n_hours = 1, .allows = rules, .n_allows = 2};
    const struct ha_config config = {.clients = &client, .n_clients = 1};
    const struct {
        uid_t uid;
        struct ha_question question;
        enum ha_verdict verdict;
        const struct ha_allow *nearest;
    } cases[] = {
        {2, {.key = "a"}, HA_VERDICT_NO_CLIENT, NULL},
        {1, {.key = "b"}, HA_VERDICT_KEY, NULL},
        {1, {.key = "a", .operation = HA_OPERATION_CSR}, HA_VERDICT_OPERATION, &rules[0]},
        {1, {.key = "a", .operation = HA_OPERATION_SIGN, .alg = HA_ALG_ES384}, HA_VERDICT_ALG, &rules[0]},
        {1, {.key = "a", .operation = HA_OPERATION_JWT, .profile = "jose/jwt"}, HA_VERDICT_PROFILE, &rules[1]},
        {1, {.key = "a", .operation = HA_OPERATION_SIGN, .content = &tls13}, HA_VERDICT_CONTENT, &rules[0]},
        {1,
         {.key = "a", .operation = HA_OPERATION_SIGN, .content = &other, .time_s = times[1]},
         HA_VERDICT_HOURS,
         &rules[0]},
        {1,
         {.key = "a", .operation = HA_OPERATION_SIGN, .content = &other, .time_s = times[0]},
         HA_VERDICT_GRANTED,
         NULL},
    };
    for (size_t i = 0; i < HA_ARRAY_SIZE(cases); i++) {
        const struct ha_principal principal = {.uid = cases[i].uid};
        struct ha_decision decision = ha_policy_decide(&config, &principal, &cases[i].question);
        assert_int_equal(decision.verdict, cases[i].verdict);
        assert_ptr_equal(decision.nearest, cases[i].nearest);
        for (size_t j = 0; j < i; j++)
            assert_string_not_equal(ha_verdict_name(cases[i].verdict), ha_verdict_name(cases[j].verdict));
    }
}

static void policy_in_shadow_does_nothing_of_administrators(void **state)
{
    struct ha_allow rule = {.key = some_keys, .operations = 1u << HA_OPERATION_SHOW};
    struct ha_client_config client = {.uids = one_uid, .n_uids = 1, .mode = shadow, .allows = &rule, .n_allows = 1};
    const struct ha_config config = {.clients = &client, .n_clients = 1};
    const struct ha_principal one = {.uid = 1};
    for (unsigned i = 0; i < HA_OPERATION_COUNT; i++) {
        enum ha_operation operation = (enum ha_operation)i;
        struct ha_decision decision = decide(&config, &one, "b1", operation, HA_ALG_NONE, NULL);
        assert_int_equal(decision.shadow, operation != HA_OPERATION_SHOW && !ha_operation_info(operation)->admin);
        assert_false(decide(&config, &one, "a", operation, HA_ALG_NONE, NULL).shadow);
    }
}

static void policy_without_clients_denies(void **state)
{
    const struct ha_config config = {0};
    const struct ha_principal root = {0};
    struct ha_decision decision = decide(&config, &root, "a", HA_OPERATION_SHOW, HA_ALG_NONE, NULL);
    assert_false(decision.allowed);
    assert_false(decision.knows);
    assert_null(decision.client);
    assert_null(decision.rule);
    assert_int_equal(ha_policy_operations(&config, &root, "a"), 0);
}

static void policy_adds_up_the_rules_of_a_section(void **state)
{
    struct ha_allow rules[] = {
        {.key = key_a, .operations = 1u << HA_OPERATION_SIGN, .algs = 1u << HA_ALG_ES256},
        {.key = key_a, .operations = 1u << HA_OPERATION_SIGN, .algs = 1u << HA_ALG_PS256},
        {.key = any_key, .operations = 1u << HA_OPERATION_SHOW},
    };
    struct ha_client_config client = {.uids = one_uid, .n_uids = 1, .allows = rules, .n_allows = 3};
    const struct ha_config config = {.clients = &client, .n_clients = 1};
    const struct ha_principal one = {.uid = 1};
    assert_ptr_equal(decide(&config, &one, "a", HA_OPERATION_SIGN, HA_ALG_PS256, NULL).rule, &rules[1]);
    assert_false(decide(&config, &one, "a", HA_OPERATION_SIGN, HA_ALG_RS256, NULL).allowed);
    assert_ptr_equal(decide(&config, &one, "b", HA_OPERATION_SHOW, HA_ALG_NONE, NULL).rule, &rules[2]);
    assert_int_equal(ha_policy_operations(&config, &one, "a"), 1u << HA_OPERATION_SIGN | 1u << HA_OPERATION_SHOW);
    assert_int_equal(ha_policy_operations(&config, &one, "b"), 1u << HA_OPERATION_SHOW);
}

static void policy_grants_a_profile_and_nothing_else(void **state)
{
    struct ha_allow rules[] = {
        {.key = key_a, .operations = 1u << HA_OPERATION_JWT | 1u << HA_OPERATION_JWS, .profiles = some_profiles}};
    struct ha_client_config client = {.uids = one_uid, .n_uids = 1, .allows = rules, .n_allows = 1};
    const struct ha_config config = {.clients = &client, .n_clients = 1};
    const struct ha_principal one = {.uid = 1};
    for (unsigned i = 0; i < HA_OPERATION_COUNT; i++) {
        enum ha_operation operation = (enum ha_operation)i;
        bool granted = operation == HA_OPERATION_JWT || operation == HA_OPERATION_JWS;
        assert_int_equal(decide(&config, &one, "a", operation, HA_ALG_PS256, "uae-tpp/client-assertion").allowed,
                         granted);
        assert_false(decide(&config, &one, "a", operation, HA_ALG_PS256, "jose/jwt").allowed);
        assert_false(decide(&config, &one, "a", operation, HA_ALG_PS256, "xuae-tpp/jwt").allowed);
        assert_false(decide(&config, &one, "a", operation, HA_ALG_PS256, NULL).allowed);
    }
}

static void policy_operations_have_names_of_their_own(void **state)
{
    for (unsigned i = 0; i < HA_OPERATION_COUNT; i++) {
        assert_true(strlen(ha_operation_info((enum ha_operation)i)->help) > 0);
        for (unsigned j = 0; j < i; j++)
            assert_string_not_equal(ha_operation_info((enum ha_operation)i)->name,
                                    ha_operation_info((enum ha_operation)j)->name);
    }
}

static void principal_of_a_socket_pair_is_ourselves(void **state)
{
    int fds[2];
    struct ha_principal principal;
    struct ha_err err = {0};
    gid_t groups[HA_GROUPS_MAX];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    assert_int_equal(ha_principal_read(fds[0], NULL, &principal, &err), HA_OK);
    assert_int_equal(principal.uid, geteuid());
    assert_int_equal(principal.gid, getegid());
    assert_int_equal(principal.pid, getpid());
    assert_int_equal(principal.n_groups, getgroups(HA_GROUPS_MAX, groups));
    assert_non_null(principal.exe);
    ha_principal_clear(&principal);
    close(fds[0]);
    close(fds[1]);
}

static void principal_of_no_socket_is_an_error(void **state)
{
    int fds[2];
    struct ha_principal principal = {.pid = 77};
    struct ha_err err = {0};
    assert_int_equal(pipe(fds), 0);
    assert_int_equal(ha_principal_read(fds[0], NULL, &principal, &err), HA_E_IO);
    assert_int_equal(principal.pid, 77);
    close(fds[0]);
    close(fds[1]);
}

// In a child process, for it gives up its rights: makes a socket pair as somebody in n groups, and reads it.
static int read_with_groups(size_t n)
{
    int fds[2];
    gid_t groups[HA_GROUPS_MAX + 1];
    struct ha_principal principal;
    struct ha_err err = {0};
    for (size_t i = 0; i < n; i++)
        groups[i] = (gid_t)(5000 + i);
    if (setgroups(n, groups) != 0 || setregid(4000, 4000) != 0 || setreuid(4001, 4001) != 0 ||
        socketpair(AF_UNIX, SOCK_STREAM, 0, fds) != 0)
        return 100;
    enum ha_code code = ha_principal_read(fds[0], NULL, &principal, &err);
    if (code != HA_OK)
        return code;
    bool right = principal.uid == 4001 && principal.gid == 4000 && principal.n_groups == n &&
                 (n == 0 || principal.groups[n - 1] == 5000 + n - 1);
    return right ? HA_OK : 101;
}

static void principal_has_its_groups_up_to_the_limit(void **state)
{
    static const struct {
        size_t n;
        enum ha_code code;
    } cases[] = {{0, HA_OK}, {3, HA_OK}, {HA_GROUPS_MAX, HA_OK}, {HA_GROUPS_MAX + 1, HA_E_FORBIDDEN}};
    if (geteuid() != 0)
        skip();
    for (size_t i = 0; i < HA_ARRAY_SIZE(cases); i++) {
        int status;
        fflush(stdout);
        pid_t child = fork();
        if (child == 0)
            _exit(read_with_groups(cases[i].n));
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), cases[i].code);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(policy_decides_like_the_reference),
        cmocka_unit_test(policy_decides_each_operation_and_algorithm_like_the_reference),
        cmocka_unit_test(policy_tells_how_near_the_rules_came),
        cmocka_unit_test(policy_in_shadow_does_nothing_of_administrators),
        cmocka_unit_test(policy_without_clients_denies),
        cmocka_unit_test(policy_adds_up_the_rules_of_a_section),
        cmocka_unit_test(policy_grants_a_profile_and_nothing_else),
        cmocka_unit_test(policy_operations_have_names_of_their_own),
        cmocka_unit_test(principal_of_a_socket_pair_is_ourselves),
        cmocka_unit_test(principal_of_no_socket_is_an_error),
        cmocka_unit_test(principal_has_its_groups_up_to_the_limit),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
