// SPDX-License-Identifier: Apache-2.0
// Several items in one datagram: each has its own fate, and the child's is that of all.
#include "fake.h"

#include "base/clock.h"
#include "base/file.h"
#include "channel/token_internal.h"

#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { N = HA_PACKET_ITEMS_MAX, SPECIAL = 7 };

struct bench {
    struct fake fake;
    struct ha_token *token;
    struct ha_exchange items[N];
    struct ha_exchange *list[N];
    char inputs[N][16];
};

// One session, and a token that is known to be so fast that the whole batch is one datagram. Item SPECIAL has another
// input.
static struct bench *bench_start(unsigned deadline_ms, const char *special)
{
    struct bench *bench = calloc(1, sizeof(*bench));
    struct ha_err err = {0};
    fake_init(&bench->fake, NULL, NULL);
    bench->fake.config.sessions = 1;
    bench->fake.config.deadline_ms = deadline_ms;
    assert_int_equal(ha_token_new(&bench->fake.config, &bench->fake.host, &bench->token, &err), HA_OK);
    ha_token_wait_first(bench->token);
    atomic_store(&bench->token->pace.ns[HA_ALG_ES256], 1);
    for (int i = 0; i < N; i++) {
        snprintf(bench->inputs[i], sizeof(bench->inputs[i]), "item-%d", i);
        const char *input = i == SPECIAL && special ? special : bench->inputs[i];
        bench->items[i].question =
            (struct ha_packet){.op = HA_OP_SIGN, .alg = HA_ALG_ES256, .part[2] = {input, strlen(input)}};
        bench->list[i] = &bench->items[i];
    }
    return bench;
}

static void bench_stop(struct bench *bench)
{
    ha_token_free(bench->token);
    fake_clear(&bench->fake);
    for (int i = 0; i < N; i++)
        ha_buf_clear(&bench->items[i].output);
    free(bench);
}

static void exchange(struct bench *bench)
{
    ha_token_exchange(bench->token, bench->list, N);
}

static bool is_signed(const struct bench *bench, int i)
{
    const struct ha_exchange *item = &bench->items[i];
    const struct ha_part *input = &item->question.part[2];
    return item->code == HA_OK && item->output.len == strlen("signed:") + input->len &&
           memcmp(item->output.data + strlen("signed:"), input->data, input->len) == 0;
}

// All but SPECIAL are signed, each with its own input.
static void assert_others_signed(const struct bench *bench)
{
    for (int i = 0; i < N; i++)
        assert_true(i == SPECIAL || is_signed(bench, i));
}

static void assert_all_fail(const struct bench *bench, enum ha_code code)
{
    for (int i = 0; i < N; i++) {
        assert_int_equal(bench->items[i].code, code);
        assert_int_equal(bench->items[i].err.code, code);
        assert_int_equal(bench->items[i].output.len, 0);
    }
}

// How many items each of the datagrams had: 'a' for one.
static void assert_datagrams(const struct bench *bench, const char *wanted)
{
    char path[128];
    struct ha_err err = {0};
    ha_auto(ha_buf_clear) struct ha_buf text = {0};
    snprintf(path, sizeof(path), "%s/datagrams", bench->fake.directory);
    assert_int_equal(ha_file_read(path, 4096, HA_FILE_ANY, &text, &err), HA_OK);
    assert_string_equal(ha_buf_text(&text), wanted);
}

static unsigned restarts(const struct bench *bench)
{
    struct ha_token_status status;
    ha_token_status(bench->token, &status);
    return status.restarts;
}

static bool still_signs(struct bench *bench)
{
    struct ha_exchange item = {.question = {.op = HA_OP_SIGN, .part[2] = {"after", 5}}}, *one = &item;
    bench->fake.config.deadline_ms = 20000;
    ha_token_exchange(bench->token, &one, 1);
    ha_buf_clear(&item.output);
    return item.code == HA_OK;
}

static void exchange_with_a_fast_token_is_one_datagram(void **state)
{
    struct bench *bench = bench_start(20000, NULL);
    exchange(bench);
    assert_others_signed(bench);
    assert_true(is_signed(bench, SPECIAL));
    assert_datagrams(bench, "p");
    bench_stop(bench);
}

static void exchange_with_a_token_of_unknown_speed_is_a_datagram_an_item_at_first(void **state)
{
    struct bench *bench = bench_start(20000, NULL);
    atomic_store(&bench->token->pace.ns[HA_ALG_ES256], 0);
    exchange(bench);
    assert_others_signed(bench);
    assert_true(atomic_load(&bench->token->pace.ns[HA_ALG_ES256]) > 0);
    bench_stop(bench);
}

static void exchange_with_a_slow_token_is_a_datagram_an_item(void **state)
{
    struct bench *bench = bench_start(20000, NULL);
    atomic_store(&bench->token->pace.ns[HA_ALG_ES256], 0);
    fake_mode(&bench->fake, "slow");
    exchange(bench);
    assert_others_signed(bench);
    assert_datagrams(bench, "aaaaaaaaaaaaaaaa");
    bench_stop(bench);
}

static void exchange_of_one_that_fails_among_others_fails_for_it_alone(void **state)
{
    struct bench *bench = bench_start(20000, "fail");
    exchange(bench);
    assert_others_signed(bench);
    assert_int_equal(bench->items[SPECIAL].code, HA_E_TOKEN_ERROR);
    assert_int_equal(bench->items[SPECIAL].err.rv, 5);
    assert_datagrams(bench, "p");
    bench_stop(bench);
}

static void exchange_whose_child_dies_amid_a_datagram_sends_each_item_again_by_itself(void **state)
{
    struct bench *bench = bench_start(20000, "die-once");
    exchange(bench);
    assert_others_signed(bench);
    assert_true(is_signed(bench, SPECIAL));
    assert_int_equal(restarts(bench), 1);
    assert_datagrams(bench, "paaaaaaaaaaaaaaaa");
    bench_stop(bench);
}

static void exchange_of_one_that_kills_every_child_fails_for_it_alone(void **state)
{
    struct bench *bench = bench_start(20000, "die");
    exchange(bench);
    assert_others_signed(bench);
    assert_int_equal(bench->items[SPECIAL].code, HA_E_TOKEN_DOWN);
    assert_int_equal(bench->items[SPECIAL].tries, 3);
    assert_true(still_signs(bench));
    bench_stop(bench);
}

static void exchange_whose_child_hangs_amid_a_datagram_ends_at_the_deadline_and_replaces_it(void **state)
{
    struct bench *bench = bench_start(300, "hang");
    exchange(bench);
    assert_all_fail(bench, HA_E_DEADLINE);
    assert_true(still_signs(bench));
    bench_stop(bench);
}

// The answers that nobody waits for any more come in one datagram too, and the child is none the worse.
static void exchange_that_leaves_a_datagram_under_way_spares_the_child(void **state)
{
    struct bench *bench = bench_start(60000, "hold");
    const struct ha_caller caller = {.start_ms = ha_now_ms(), .limit_ms = 50};
    char held[128];
    for (int i = 0; i < N; i++)
        bench->items[i].caller = &caller;
    snprintf(held, sizeof(held), "%s/held", bench->fake.directory);
    exchange(bench);
    assert_all_fail(bench, HA_E_DEADLINE);
    while (access(held, F_OK))
        poll(NULL, 0, 1);
    unlink(held);
    assert_true(still_signs(bench));
    assert_int_equal(restarts(bench), 0);
    bench_stop(bench);
}

static void exchange_with_other_answers_than_questions_is_an_internal_error_of_all(void **state)
{
    static const char *const lies[] = {"unanswered", "echo-wrong"};
    for (size_t i = 0; i < HA_ARRAY_SIZE(lies); i++) {
        struct bench *bench = bench_start(20000, lies[i]);
        exchange(bench);
        assert_all_fail(bench, HA_E_INTERNAL);
        assert_true(still_signs(bench));
        assert_int_equal(restarts(bench), 1);
        bench_stop(bench);
    }
}

static void exchange_with_more_answers_than_questions_is_an_internal_error_of_all(void **state)
{
    struct bench *bench = bench_start(20000, "twice");
    ha_token_exchange(bench->token, bench->list, N - 1);
    for (int i = 0; i < N - 1; i++)
        assert_int_equal(bench->items[i].code, HA_E_INTERNAL);
    assert_true(still_signs(bench));
    assert_int_equal(restarts(bench), 1);
    bench_stop(bench);
}

static void exchange_with_a_child_that_gives_up_asks_the_next_one_each(void **state)
{
    struct bench *bench = bench_start(20000, "give-up-once");
    exchange(bench);
    assert_others_signed(bench);
    assert_true(is_signed(bench, SPECIAL));
    assert_int_equal(restarts(bench), 1);
    bench_stop(bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(exchange_with_a_fast_token_is_one_datagram),
        cmocka_unit_test(exchange_with_a_token_of_unknown_speed_is_a_datagram_an_item_at_first),
        cmocka_unit_test(exchange_with_a_slow_token_is_a_datagram_an_item),
        cmocka_unit_test(exchange_of_one_that_fails_among_others_fails_for_it_alone),
        cmocka_unit_test(exchange_whose_child_dies_amid_a_datagram_sends_each_item_again_by_itself),
        cmocka_unit_test(exchange_of_one_that_kills_every_child_fails_for_it_alone),
        cmocka_unit_test(exchange_whose_child_hangs_amid_a_datagram_ends_at_the_deadline_and_replaces_it),
        cmocka_unit_test(exchange_that_leaves_a_datagram_under_way_spares_the_child),
        cmocka_unit_test(exchange_with_other_answers_than_questions_is_an_internal_error_of_all),
        cmocka_unit_test(exchange_with_more_answers_than_questions_is_an_internal_error_of_all),
        cmocka_unit_test(exchange_with_a_child_that_gives_up_asks_the_next_one_each),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
