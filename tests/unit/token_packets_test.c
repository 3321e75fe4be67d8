// SPDX-License-Identifier: Apache-2.0
// Packets that aren't in order: each is answered, and the child lives on.
#include "token_rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

static int set_up(void **state)
{
    struct rig *rig = calloc(1, sizeof(*rig));
    rig_init(rig);
    *state = rig;
    return 0;
}

static int tear_down(void **state)
{
    rig_clear(*state);
    free(*state);
    return 0;
}

static int stop(void **state)
{
    struct rig *rig = *state;
    rig_stop(rig);
    memset(rig->faults, 0, sizeof(*rig->faults));
    rig_write(rig, "pin", RIG_PIN "\n", 0600);
    return 0;
}

static bool lists(struct rig *rig)
{
    struct ha_packet question = {.op = HA_OP_LIST}, answer;
    struct ha_err err = {0};
    enum ha_code code = rig_ask(rig, rig->control, &question, &answer, &err);
    while (code == HA_OK && answer.op == HA_OP_OBJECT)
        code = ha_packet_recv(rig->control, -1, rig->buffer, &answer, NULL, NULL, &err);
    return code == HA_OK;
}

static void first_packet_must_be_start(void **state)
{
    struct rig *rig = *state;
    struct ha_packet question = {.op = HA_OP_LIST}, answer;
    struct ha_err err = {0};
    rig_spawn(rig, &(struct rig_options){0});
    assert_int_equal(rig_ask(rig, rig->control, &question, &answer, &err), HA_E_MALFORMED);
    assert_int_equal(rig_wait(rig), HA_TOKEN_EXIT_USAGE);
}

static void start_with_other_channels_than_announced_is_refused(void **state)
{
    struct rig *rig = *state;
    struct ha_packet question = {.op = HA_OP_START}, answer;
    struct ha_err err = {0};
    rig_spawn(rig, &(struct rig_options){.sessions = 3});
    assert_int_equal(rig_ask(rig, rig->control, &question, &answer, &err), HA_E_MALFORMED);
    assert_int_equal(rig_wait(rig), HA_TOKEN_EXIT_USAGE);
}

static void operations_on_the_wrong_channel_are_refused(void **state)
{
    struct rig *rig = *state;
    static const enum ha_op on_worker[] = {HA_OP_START,   HA_OP_LIST,    HA_OP_OBJECT, HA_OP_GENERATE,
                                           HA_OP_DESTROY, HA_OP_WRAPPER, HA_OP_UNWRAP};
    static const enum ha_op on_control[] = {HA_OP_START, HA_OP_SIGN, HA_OP_DECRYPT, HA_OP_DERIVE, HA_OP_OBJECT};
    rig_up(rig, &(struct rig_options){0});
    for (size_t i = 0; i < HA_ARRAY_SIZE(on_worker); i++) {
        struct ha_packet question = {.op = on_worker[i]}, answer;
        struct ha_err err = {0};
        assert_int_equal(rig_ask(rig, rig->worker[0], &question, &answer, &err), HA_E_MALFORMED);
    }
    for (size_t i = 0; i < HA_ARRAY_SIZE(on_control); i++) {
        struct ha_packet question = {.op = on_control[i]}, answer;
        struct ha_err err = {0};
        assert_int_equal(rig_ask(rig, rig->control, &question, &answer, &err), HA_E_MALFORMED);
    }
    assert_true(lists(rig));
}

static void parts_of_wrong_size_are_refused(void **state)
{
    struct rig *rig = *state;
    uint8_t bytes[300] = {0};
    static const size_t sizes[][2] = {{0, 32}, {256, 32}, {300, 32}, {4, 0}, {4, 31}, {4, 33}, {0, 0}};
    static const enum ha_op ops[] = {HA_OP_SIGN, HA_OP_DECRYPT, HA_OP_DERIVE};
    rig_up(rig, &(struct rig_options){0});
    for (size_t i = 0; i < HA_ARRAY_SIZE(sizes); i++) {
        for (size_t k = 0; k < HA_ARRAY_SIZE(ops); k++) {
            struct ha_packet question = {.op = ops[k], .alg = HA_ALG_RS256}, answer;
            struct ha_err err = {0};
            question.part[0] = (struct ha_part){bytes, sizes[i][0]};
            question.part[1] = (struct ha_part){bytes, sizes[i][1]};
            assert_int_equal(rig_ask(rig, rig->worker[0], &question, &answer, &err), HA_E_MALFORMED);
        }
    }
    assert_true(lists(rig));
}

static void garbage_is_answered_and_survived(void **state)
{
    struct rig *rig = *state;
    uint8_t bytes[2048];
    unsigned seed = 7;
    rig_up(rig, &(struct rig_options){0});
    const int channels[] = {rig->worker[0], rig->control};
    for (unsigned i = 0; i < 200; i++) {
        struct ha_packet answer;
        struct ha_err err = {0};
        size_t n = 1 + (size_t)rand_r(&seed) % (sizeof(bytes) - 1);
        for (size_t k = 0; k < n; k++)
            bytes[k] = (uint8_t)rand_r(&seed);
        int fd = channels[i % 2];
        assert_int_equal(send(fd, bytes, n, MSG_NOSIGNAL), n);
        assert_int_equal(ha_packet_recv(fd, -1, rig->buffer, &answer, NULL, NULL, &err), HA_OK);
        assert_int_equal(answer.code, HA_E_INTERNAL);
        assert_int_equal(answer.serial, 0);
    }
    assert_true(lists(rig));
}

static void end_of_one_worker_channel_leaves_the_others(void **state)
{
    struct rig *rig = *state;
    struct ha_packet answer;
    struct ha_err err = {0};
    rig_up(rig, &(struct rig_options){0});
    close(rig->worker[0]);
    rig->worker[0] = -1;
    struct ha_pubkey *key = rig_key(rig, "others", HA_KEY_EC_P256, HA_PURPOSE_SIGN);
    assert_int_equal(rig_use(rig, 1, HA_OP_SIGN, HA_ALG_ES256, "others", key, (struct ha_part){"x", 1}, &answer, &err),
                     HA_OK);
    ha_pubkey_free(key);
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(first_packet_must_be_start, stop),
        cmocka_unit_test_teardown(start_with_other_channels_than_announced_is_refused, stop),
        cmocka_unit_test_teardown(operations_on_the_wrong_channel_are_refused, stop),
        cmocka_unit_test_teardown(parts_of_wrong_size_are_refused, stop),
        cmocka_unit_test_teardown(garbage_is_answered_and_survived, stop),
        cmocka_unit_test_teardown(end_of_one_worker_channel_leaves_the_others, stop),
    };
    return cmocka_run_group_tests_name("token_packets", tests, set_up, tear_down);
}
