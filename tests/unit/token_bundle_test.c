// SPDX-License-Identifier: Apache-2.0
// Several questions in one datagram, as the real child answers them.
#include "token_rig.h"

#include "base/clock.h"

#include <p11-kit/pkcs11.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

enum { N = HA_PACKET_ITEMS_MAX, SPECIAL = 3 };

struct fixture {
    struct rig rig;
    struct ha_pubkey *key;
    char inputs[N][16];
    struct ha_packet questions[N], answers[N];
    size_t n_answers;
};

static int set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    rig_init(&fixture->rig);
    rig_up(&fixture->rig, &(struct rig_options){0});
    fixture->key = rig_key(&fixture->rig, "key", HA_KEY_EC_P256, HA_PURPOSE_SIGN);
    rig_stop(&fixture->rig);
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    rig_clear(&fixture->rig);
    ha_pubkey_free(fixture->key);
    free(fixture);
    return 0;
}

// A child, and N questions for it.
static int begin(void **state)
{
    struct fixture *fixture = *state;
    memset(fixture->rig.faults, 0, sizeof(*fixture->rig.faults));
    rig_up(&fixture->rig, &(struct rig_options){0});
    for (size_t i = 0; i < N; i++) {
        snprintf(fixture->inputs[i], sizeof(fixture->inputs[i]), "input %zu", i);
        fixture->questions[i] = (struct ha_packet){.op = HA_OP_SIGN,
                                                   .alg = HA_ALG_ES256,
                                                   .serial = 1000 + i,
                                                   .part = {{"key", 3},
                                                            {ha_pubkey_spki_sha256(fixture->key), HA_SPKI_HASH_LEN},
                                                            {fixture->inputs[i], strlen(fixture->inputs[i])}}};
    }
    return 0;
}

static int end(void **state)
{
    struct fixture *fixture = *state;
    rig_stop(&fixture->rig);
    return 0;
}

// Sends the first n questions in one datagram; the answers to all of them come in one, in their order.
static void ask(struct fixture *fixture, size_t n)
{
    const struct ha_packet *list[N] = {NULL};
    struct ha_err err = {0};
    for (size_t i = 0; i < n; i++)
        list[i] = &fixture->questions[i];
    assert_int_equal(ha_packet_send_several(fixture->rig.worker[0], list, n, &err), HA_OK);
    assert_int_equal(ha_packet_recv_several(fixture->rig.worker[0], ha_now_ms() + 120000, fixture->rig.buffer,
                                            fixture->answers, &fixture->n_answers, &err),
                     HA_OK);
    assert_int_equal(fixture->n_answers, n);
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(fixture->answers[i].op, HA_OP_SIGN);
        assert_int_equal(fixture->answers[i].serial, 1000 + i);
    }
}

static bool is_signed(const struct fixture *fixture, size_t i)
{
    const struct ha_packet *answer = &fixture->answers[i];
    return answer->code == HA_OK &&
           ha_pubkey_verify(fixture->key, HA_ALG_ES256, fixture->inputs[i], strlen(fixture->inputs[i]),
                            answer->part[0].data, answer->part[0].len);
}

static int signatures(const struct fixture *fixture)
{
    return fixture->rig.faults->call[FAULT_SIGN].calls;
}

static void several_are_each_signed_in_their_order(void **state)
{
    struct fixture *fixture = *state;
    for (size_t n = N; n > 0; n /= 2) {
        ask(fixture, n);
        for (size_t i = 0; i < n; i++)
            assert_true(is_signed(fixture, i));
    }
}

static void several_with_one_that_is_refused_are_signed_but_for_it(void **state)
{
    struct fixture *fixture = *state;
    fixture->questions[SPECIAL].part[0].len = 0;
    fixture->questions[SPECIAL + 1].alg = HA_ALG_RS256;
    ask(fixture, N);
    assert_int_equal(fixture->answers[SPECIAL].code, HA_E_MALFORMED);
    assert_int_not_equal(fixture->answers[SPECIAL + 1].code, HA_OK);
    for (size_t i = 0; i < N; i++)
        assert_true(i == SPECIAL || i == SPECIAL + 1 || is_signed(fixture, i));
}

static void several_with_one_that_the_token_fails_are_signed_but_for_it(void **state)
{
    struct fixture *fixture = *state;
    ask(fixture, 1);
    fixture->rig.faults->call[FAULT_SIGN].rv = CKR_HOST_MEMORY;  // which nothing cures
    fixture->rig.faults->call[FAULT_SIGN].count = 1;
    ask(fixture, N);
    assert_int_not_equal(fixture->answers[0].code, HA_OK);
    assert_int_equal(fixture->answers[0].rv, CKR_HOST_MEMORY);
    for (size_t i = 1; i < N; i++)
        assert_true(is_signed(fixture, i));
}

static void several_after_a_failure_that_ends_the_process_are_not_tried(void **state)
{
    struct fixture *fixture = *state;
    ask(fixture, 1);
    fixture->rig.faults->call[FAULT_SIGN].rv = CKR_DEVICE_ERROR;
    fixture->rig.faults->call[FAULT_SIGN].count = 1000;
    int before = signatures(fixture);
    ask(fixture, N);
    for (size_t i = 0; i < N; i++) {
        assert_int_equal(fixture->answers[i].code, HA_E_TOKEN_DOWN);
        assert_int_equal(fixture->answers[i].rv, CKR_DEVICE_ERROR);
        assert_int_equal(fixture->answers[i].flags & HA_PACKET_AGAIN, 0);
    }
    assert_int_equal(signatures(fixture), before + 3);  // the first one's tries
    assert_int_equal(rig_wait(&fixture->rig), HA_TOKEN_EXIT_FAILED);
}

// What is behind the last whole packet spoils all: one answer says so, and the next datagram is answered.
static void several_with_something_behind_them_are_refused(void **state)
{
    struct fixture *fixture = *state;
    int pair[2];
    uint8_t bytes[1024];
    struct ha_err err = {0};
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
    const struct ha_packet *list[] = {&fixture->questions[0], &fixture->questions[1]};
    assert_int_equal(ha_packet_send_several(pair[0], list, 2, &err), HA_OK);
    ssize_t n = recv(pair[1], bytes, sizeof(bytes), 0);
    assert_in_range(n, 1, sizeof(bytes) - 1);
    bytes[n] = 0;
    int before = signatures(fixture);
    assert_int_equal(send(fixture->rig.worker[0], bytes, (size_t)n + 1, 0), n + 1);
    assert_int_equal(ha_packet_recv_several(fixture->rig.worker[0], ha_now_ms() + 120000, fixture->rig.buffer,
                                            fixture->answers, &fixture->n_answers, &err),
                     HA_OK);
    assert_int_equal(fixture->n_answers, 1);
    assert_int_equal(fixture->answers[0].code, HA_E_INTERNAL);
    assert_int_equal(fixture->answers[0].serial, 0);
    assert_int_equal(signatures(fixture), before);
    ask(fixture, 2);
    assert_true(is_signed(fixture, 0) && is_signed(fixture, 1));
    close(pair[0]);
    close(pair[1]);
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(several_are_each_signed_in_their_order, begin, end),
        cmocka_unit_test_setup_teardown(several_with_one_that_is_refused_are_signed_but_for_it, begin, end),
        cmocka_unit_test_setup_teardown(several_with_one_that_the_token_fails_are_signed_but_for_it, begin, end),
        cmocka_unit_test_setup_teardown(several_after_a_failure_that_ends_the_process_are_not_tried, begin, end),
        cmocka_unit_test_setup_teardown(several_with_something_behind_them_are_refused, begin, end),
    };
    return cmocka_run_group_tests_name("token_bundle", tests, set_up, tear_down);
}
