// SPDX-License-Identifier: Apache-2.0
// How many operations share a datagram.
#include "channel/bundle.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

enum { N = 256, ALG = HA_ALG_ES256, OTHER_ALG = HA_ALG_RS256 };

struct batch {
    struct ha_bundle_pace pace;
    struct ha_exchange items[N];
    struct ha_exchange *list[N];
};

// Of one algorithm, with inputs of so many bytes; the token was seen to take us for each.
static struct batch *batch_of(unsigned us, size_t bytes)
{
    static struct batch batch;
    static uint8_t input[300 * 1024];
    batch = (struct batch){.pace.ns[ALG] = us * 1000};
    for (size_t i = 0; i < N; i++) {
        batch.items[i].question = (struct ha_packet){.op = HA_OP_SIGN, .alg = ALG, .part[2] = {input, bytes}};
        batch.list[i] = &batch.items[i];
    }
    return &batch;
}

static size_t size(const struct batch *batch, size_t n, size_t n_free)
{
    return ha_bundle_size(&batch->pace, batch->list, n, n_free);
}

static void size_for_a_token_that_is_slow_or_unknown_is_one(void **state)
{
    static const unsigned slow[] = {0, 600, 1000, 20000, 1000000};
    for (size_t i = 0; i < HA_ARRAY_SIZE(slow); i++) {
        assert_int_equal(size(batch_of(slow[i], 32), 16, 0), 1);
        assert_int_equal(size(batch_of(slow[i], 32), 256, 7), 1);
    }
    assert_int_equal(size(batch_of(65, 32), 1, 0), 1);
}

static void size_for_a_fast_token_is_about_a_millisecond_s_worth(void **state)
{
    assert_int_equal(size(batch_of(1, 32), 256, 0), HA_PACKET_ITEMS_MAX);
    assert_int_equal(size(batch_of(65, 32), 16, 0), 16);
    assert_int_equal(size(batch_of(65, 32), 10, 0), 10);
    assert_int_equal(size(batch_of(95, 32), 16, 0), 16);
    assert_int_equal(size(batch_of(150, 32), 16, 0), 8);
    assert_int_equal(size(batch_of(300, 32), 16, 0), 4);
    assert_int_equal(size(batch_of(500, 32), 16, 0), 3);
}

static void size_beside_free_sessions_is_a_share_that_is_worth_a_wake_up(void **state)
{
    assert_int_equal(size(batch_of(65, 32), 16, 1), 8);
    assert_int_equal(size(batch_of(65, 32), 16, 7), 8);
    assert_int_equal(size(batch_of(65, 32), 15, 7), 15);
    assert_int_equal(size(batch_of(65, 32), 2, 7), 2);
    assert_int_equal(size(batch_of(65, 32), 256, 7), 16);
    assert_int_equal(size(batch_of(150, 32), 16, 3), 4);
    assert_int_equal(size(batch_of(300, 32), 16, 7), 2);
    assert_int_equal(size(batch_of(500, 32), 8, 7), 1);
}

static void size_ends_before_what_takes_another_time(void **state)
{
    struct batch *batch = batch_of(10, 32);
    batch->items[5].question.alg = OTHER_ALG;
    assert_int_equal(size(batch, 16, 0), 5);
    batch->items[3].question.op = HA_OP_DECRYPT;
    assert_int_equal(size(batch, 16, 0), 3);
}

static void size_keeps_large_inputs_apart(void **state)
{
    assert_int_equal(size(batch_of(10, 4096), 16, 0), 16);
    assert_int_equal(size(batch_of(10, 4097), 16, 0), 15);
    assert_int_equal(size(batch_of(10, 32 * 1024), 16, 0), 2);
    assert_int_equal(size(batch_of(10, 32 * 1024 + 1), 16, 0), 1);
    assert_int_equal(size(batch_of(10, 300 * 1024), 16, 0), 1);
}

static void size_of_an_algorithm_that_nobody_knows_is_one(void **state)
{
    struct batch *batch = batch_of(10, 32);
    batch->items[0].question.alg = HA_ALG_COUNT;
    ha_bundle_note(&batch->pace, HA_ALG_COUNT, 16, 160);
    assert_int_equal(size(batch, 16, 0), 1);
}

static void note_is_of_one_operation_and_one_algorithm(void **state)
{
    struct batch *batch = batch_of(0, 32);
    ha_bundle_note(&batch->pace, OTHER_ALG, 1, 65);
    assert_int_equal(size(batch, 16, 0), 1);
    ha_bundle_note(&batch->pace, ALG, 4, 4 * 150);
    assert_int_equal(size(batch, 16, 0), 8);
    ha_bundle_note(&batch->pace, ALG, 1, 0);
    assert_int_equal(size(batch, 16, 0), 16);
}

static void note_of_waiting_for_a_processor_hides_no_fast_token(void **state)
{
    struct batch *batch = batch_of(0, 32);
    for (int i = 0; i < 400; i++)
        ha_bundle_note(&batch->pace, ALG, 1, i % 64 == 0 ? 65 : 400);
    assert_true(size(batch, 16, 0) >= 8);
}

static void note_of_a_token_that_became_slow_or_fast_is_heeded(void **state)
{
    struct batch *batch = batch_of(65, 32);
    for (int i = 0; i < 12; i++)
        ha_bundle_note(&batch->pace, ALG, 16, 16 * 20000);
    assert_int_equal(size(batch, 16, 0), 1);
    ha_bundle_note(&batch->pace, ALG, 1, 65);
    assert_int_equal(size(batch, 16, 0), 16);
    for (int i = 0; i < 10000; i++)
        ha_bundle_note(&batch->pace, ALG, 1, INT64_MAX);
    assert_int_equal(size(batch, 16, 0), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(size_for_a_token_that_is_slow_or_unknown_is_one),
        cmocka_unit_test(size_for_a_fast_token_is_about_a_millisecond_s_worth),
        cmocka_unit_test(size_beside_free_sessions_is_a_share_that_is_worth_a_wake_up),
        cmocka_unit_test(size_ends_before_what_takes_another_time),
        cmocka_unit_test(size_keeps_large_inputs_apart),
        cmocka_unit_test(size_of_an_algorithm_that_nobody_knows_is_one),
        cmocka_unit_test(note_is_of_one_operation_and_one_algorithm),
        cmocka_unit_test(note_of_waiting_for_a_processor_hides_no_fast_token),
        cmocka_unit_test(note_of_a_token_that_became_slow_or_fast_is_heeded),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
