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

#include <cmocka.h>

static uid_t no_uids[1], one_uid[] = {1}, two_uids[] = {1, 2};
static gid_t no_gids[1], one_gid[] = {10}, two_gids[] = {10, 20};
static char any_key[] = "*", key_a[] = "a", some_keys[] = "b?";
static char *const patterns[] = {any_key, key_a, some_keys};
static const unsigned operations[] = {1u << HA_OPERATION_SIGN, 1u << HA_OPERATION_SIGN | 1u << HA_OPERATION_CSR,
                                      HA_OPERATIONS_ALL};
static const uint32_t algs[] = {0, 1u << HA_ALG_ES256, 1u << HA_ALG_ES256 | 1u << HA_ALG_RS256};
static char some_profiles[] = "uae-tpp/*\0", two_profiles[] = "jose/jwt\0c/?\0";
static char *const profiles[] = {NULL, some_profiles, two_profiles};
static const char *const asked_profiles[] = {NULL, "uae-tpp/payment", "c/d"};
static const char *const keys[] = {"a", "b1", "c"};
static const enum ha_operation asked_operations[] = {HA_OPERATION_SIGN, HA_OPERATION_CSR, HA_OPERATION_DELETE};
static const enum ha_alg asked_algs[] = {HA_ALG_NONE, HA_ALG_ES256, HA_ALG_RS256};

enum { CLIENTS = 3 * 3 * 3 * 3 * 3 };

// The i-th of all clients with one rule.
static struct ha_client_config make_client(unsigned i, struct ha_allow *rule)
{
    static const struct {
        uid_t *ids;
        size_t n;
    } uids[] = {{no_uids, 0}, {one_uid, 1}, {two_uids, 2}};
    static const struct {
        gid_t *ids;
        size_t n;
    } gids[] = {{no_gids, 0}, {one_gid, 1}, {two_gids, 2}};
    unsigned u = i % 3, g = i / 3 % 3;
    *rule = (struct ha_allow){.key = patterns[i / 9 % 3],
                              .operations = operations[i / 27 % 3],
                              .algs = algs[i / 81 % 3],
                              .profiles = profiles[(i + i / 9 + i / 81) % 3]};
    return (struct ha_client_config){.uids = uids[u].ids,
                                     .n_uids = uids[u].n,
                                     .gids = gids[g].ids,
                                     .n_gids = gids[g].n,
                                     .allows = rule,
                                     .n_allows = 1};
}

struct question {
    const struct ha_principal *principal;
    const char *key;
    enum ha_operation operation;
    enum ha_alg alg;
    const char *profile;
};

// The reference: "a client is denied for the first reason that fits".
static bool reference_fits(const struct ha_client_config *client, const struct ha_principal *principal)
{
    unsigned uid_hits = 0, gid_hits = 0;
    for (size_t i = 0; i < client->n_uids; i++)
        uid_hits += principal->uid == client->uids[i];
    for (size_t i = 0; i < client->n_gids; i++) {
        gid_hits += principal->gid == client->gids[i];
        for (size_t j = 0; j < principal->n_groups; j++)
            gid_hits += principal->groups[j] == client->gids[i];
    }
    if (client->n_uids + client->n_gids == 0)
        return false;
    if (client->n_uids > 0 && uid_hits == 0)
        return false;
    if (client->n_gids > 0 && gid_hits == 0)
        return false;
    return true;
}

static bool reference_knows(const struct ha_client_config *client, const struct question *question)
{
    return reference_fits(client, question->principal) && fnmatch(client->allows->key, question->key, 0) == 0;
}

static bool reference_allows(const struct ha_client_config *client, const struct question *question)
{
    if (!reference_knows(client, question))
        return false;
    if (((client->allows->operations >> question->operation) & 1) == 0)
        return false;
    if (question->alg != HA_ALG_NONE && client->allows->algs != 0 && ((client->allows->algs >> question->alg) & 1) == 0)
        return false;
    if (client->allows->profiles == some_profiles)
        return question->profile && fnmatch("uae-tpp/*", question->profile, 0) == 0;
    if (client->allows->profiles == two_profiles)
        return question->profile &&
               (strcmp(question->profile, "jose/jwt") == 0 || fnmatch("c/?", question->profile, 0) == 0);
    return true;
}

static unsigned compare(const struct ha_config *config, const struct question *question)
{
    const struct ha_client_config *one = &config->clients[0], *two = &config->clients[1];
    struct ha_decision decision = ha_policy_decide(config, question->principal, question->key, question->operation,
                                                   question->alg, question->profile);
    bool first = reference_allows(one, question), second = reference_allows(two, question);
    const struct ha_client_config *fits = reference_fits(one, question->principal)   ? one
                                          : reference_fits(two, question->principal) ? two
                                                                                     : NULL;
    const struct ha_client_config *client = first ? one : second ? two : fits;
    unsigned wrong = decision.allowed != (first || second);
    wrong += decision.client != client;
    wrong += decision.rule != (decision.allowed ? client->allows : NULL);
    wrong += decision.knows != (reference_knows(one, question) || reference_knows(two, question));
    unsigned granted = (reference_knows(one, question) ? one->allows->operations : 0) |
                       (reference_knows(two, question) ? two->allows->operations : 0);
    wrong += ha_policy_operations(config, question->principal, question->key) != granted;
    return wrong;
}

static unsigned compare_all(const struct ha_config *config, const struct ha_principal *principal, unsigned *asked)
{
    unsigned wrong = 0;
    for (size_t k = 0; k < HA_ARRAY_SIZE(keys); k++) {
        for (size_t o = 0; o < HA_ARRAY_SIZE(asked_operations); o++) {
            for (size_t a = 0; a < HA_ARRAY_SIZE(asked_algs); a++) {
                const struct question question = {principal, keys[k], asked_operations[o], asked_algs[a],
                                                  asked_profiles[(k + o + a + *asked) % 3]};
                wrong += compare(config, &question);
                (*asked)++;
            }
        }
    }
    return wrong;
}

static void policy_decides_like_the_reference(void **state)
{
    static const struct ha_principal principals[] = {
        {.uid = 1, .gid = 10}, {.uid = 2, .gid = 20},
        {.uid = 3, .gid = 30}, {.uid = 1, .gid = 30, .n_groups = 2, .groups = {40, 20}},
        {.uid = 0, .gid = 0},  {.uid = 3, .gid = 40, .n_groups = 1, .groups = {10}},
    };
    unsigned asked = 0, wrong = 0;
    for (unsigned i = 0; i < CLIENTS; i++) {
        for (unsigned j = i % 7; j < CLIENTS; j += 7) {
            struct ha_allow rules[2];
            struct ha_client_config clients[] = {make_client(i, &rules[0]), make_client(j, &rules[1])};
            const struct ha_config config = {.clients = clients, .n_clients = 2};
            for (size_t p = 0; p < HA_ARRAY_SIZE(principals); p++)
                wrong += compare_all(&config, &principals[p], &asked);
        }
    }
    assert_true(asked > 1000000);
    assert_int_equal(wrong, 0);
}

static void policy_without_clients_denies(void **state)
{
    const struct ha_config config = {0};
    const struct ha_principal root = {0};
    struct ha_decision decision = ha_policy_decide(&config, &root, "a", HA_OPERATION_SHOW, HA_ALG_NONE, NULL);
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
    assert_ptr_equal(ha_policy_decide(&config, &one, "a", HA_OPERATION_SIGN, HA_ALG_PS256, NULL).rule, &rules[1]);
    assert_false(ha_policy_decide(&config, &one, "a", HA_OPERATION_SIGN, HA_ALG_RS256, NULL).allowed);
    assert_ptr_equal(ha_policy_decide(&config, &one, "b", HA_OPERATION_SHOW, HA_ALG_NONE, NULL).rule, &rules[2]);
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
        assert_int_equal(
            ha_policy_decide(&config, &one, "a", operation, HA_ALG_PS256, "uae-tpp/client-assertion").allowed, granted);
        assert_false(ha_policy_decide(&config, &one, "a", operation, HA_ALG_PS256, "jose/jwt").allowed);
        assert_false(ha_policy_decide(&config, &one, "a", operation, HA_ALG_PS256, "xuae-tpp/jwt").allowed);
        assert_false(ha_policy_decide(&config, &one, "a", operation, HA_ALG_PS256, NULL).allowed);
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
    assert_int_equal(ha_principal_read(fds[0], &principal, &err), HA_OK);
    assert_int_equal(principal.uid, geteuid());
    assert_int_equal(principal.gid, getegid());
    assert_int_equal(principal.pid, getpid());
    assert_int_equal(principal.n_groups, getgroups(HA_GROUPS_MAX, groups));
    close(fds[0]);
    close(fds[1]);
}

static void principal_of_no_socket_is_an_error(void **state)
{
    int fds[2];
    struct ha_principal principal = {.pid = 77};
    struct ha_err err = {0};
    assert_int_equal(pipe(fds), 0);
    assert_int_equal(ha_principal_read(fds[0], &principal, &err), HA_E_IO);
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
    enum ha_code code = ha_principal_read(fds[0], &principal, &err);
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
