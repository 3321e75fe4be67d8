// SPDX-License-Identifier: Apache-2.0
// A request's deadline and a token's: who fails when, and which of them costs a child its life.
#include "fake.h"

#include "base/clock.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { LONG_MS = 60000 };

struct bench {
    struct fake fake;
    struct ha_token *token;
    char held[128];
};

static void bench_start(struct bench *bench, unsigned sessions, unsigned deadline_ms)
{
    struct ha_err err = {0};
    fake_init(&bench->fake, NULL, NULL);
    bench->fake.config.sessions = sessions;
    bench->fake.config.deadline_ms = deadline_ms;
    snprintf(bench->held, sizeof(bench->held), "%s/held", bench->fake.directory);
    assert_int_equal(ha_token_new(&bench->fake.config, &bench->fake.host, &bench->token, &err), HA_OK);
    ha_token_wait_first(bench->token);
}

static void bench_stop(struct bench *bench)
{
    ha_token_free(bench->token);
    fake_clear(&bench->fake);
}

static unsigned restarts(const struct bench *bench)
{
    struct ha_token_status status;
    ha_token_status(bench->token, &status);
    return status.restarts;
}

static void wait_until_held(const struct bench *bench)
{
    while (access(bench->held, F_OK))
        poll(NULL, 0, 1);
}

// A request of one item or more, in a thread of its own or in the caller's.
struct request {
    struct bench *bench;
    struct ha_caller caller;
    struct ha_exchange items[8];
    size_t n;
    pthread_t thread;
};

static void request_init(struct request *request, struct bench *bench, unsigned limit_ms, const char *const *inputs)
{
    *request = (struct request){.bench = bench, .caller = {.uid = 1, .limit_ms = limit_ms}};
    for (; inputs[request->n]; request->n++)
        request->items[request->n] = (struct ha_exchange){
            .question = {.op = HA_OP_SIGN, .part[2] = {inputs[request->n], strlen(inputs[request->n])}},
            .caller = &request->caller};
}

static void *request_run(void *argument)
{
    struct request *request = argument;
    struct ha_exchange *items[HA_ARRAY_SIZE(request->items)];
    for (size_t i = 0; i < request->n; i++)
        items[i] = &request->items[i];
    request->caller.start_ms = ha_now_ms();
    ha_token_exchange(request->bench->token, items, request->n);
    for (size_t i = 0; i < request->n; i++)
        ha_buf_clear(&request->items[i].output);
    return NULL;
}

static void request_start(struct request *request)
{
    assert_int_equal(pthread_create(&request->thread, NULL, request_run, request), 0);
}

static enum ha_code request_end(struct request *request)
{
    pthread_join(request->thread, NULL);
    return request->items[0].code;
}

static enum ha_code ask(struct bench *bench, unsigned limit_ms, const char *input)
{
    struct request request;
    request_init(&request, bench, limit_ms, (const char *const[]){input, NULL});
    request_run(&request);
    return request.items[0].code;
}

static void exchange_with_a_shorter_deadline_ends_then_and_spares_the_child(void **state)
{
    struct bench bench;
    bench_start(&bench, 1, LONG_MS);
    int64_t before = ha_now_ms();
    assert_int_equal(ask(&bench, 30, "hold"), HA_E_DEADLINE);
    assert_true(ha_now_ms() - before < LONG_MS / 2);
    // The only session is still at it; once it is done, it serves the next one.
    wait_until_held(&bench);
    unlink(bench.held);
    assert_int_equal(ask(&bench, 0, "after"), HA_OK);
    assert_int_equal(restarts(&bench), 0);
    bench_stop(&bench);
}

static void exchange_cannot_lengthen_the_deadline(void **state)
{
    struct bench bench;
    bench_start(&bench, 1, 50);
    int64_t before = ha_now_ms();
    assert_int_equal(ask(&bench, LONG_MS, "hang"), HA_E_DEADLINE);
    assert_true(ha_now_ms() - before < LONG_MS / 2);
    bench_stop(&bench);
}

static void exchange_that_expires_in_the_queue_spares_the_child(void **state)
{
    struct bench bench;
    struct request first;
    bench_start(&bench, 1, LONG_MS);
    request_init(&first, &bench, 0, (const char *const[]){"hold", NULL});
    request_start(&first);
    wait_until_held(&bench);
    assert_int_equal(ask(&bench, 30, "waits"), HA_E_DEADLINE);
    unlink(bench.held);
    assert_int_equal(request_end(&first), HA_OK);
    assert_int_equal(restarts(&bench), 0);
    bench_stop(&bench);
}

static void exchange_that_left_a_hanging_child_lets_it_be_replaced_at_the_token_s_deadline(void **state)
{
    struct bench bench;
    bench_start(&bench, 1, 1000);
    assert_int_equal(ask(&bench, 20, "hang"), HA_E_DEADLINE);
    for (int i = 0; i < 600 && ask(&bench, 0, "after"); i++)
        continue;
    assert_int_equal(ask(&bench, 0, "after"), HA_OK);
    assert_int_equal(restarts(&bench), 1);
    bench_stop(&bench);
}

// One hangs; what is under way beside it in the same child is done by the next one, within its own time.
static void exchange_beside_a_hanging_one_is_done_by_the_next_child(void **state)
{
    struct bench bench;
    struct request hangs;
    bench_start(&bench, 2, 1500);
    request_init(&hangs, &bench, 0, (const char *const[]){"hang", NULL});
    request_start(&hangs);
    for (int i = 0; i < 20; i++)
        assert_int_equal(ask(&bench, 0, "beside"), HA_OK);
    assert_int_equal(request_end(&hangs), HA_E_DEADLINE);
    assert_int_equal(ask(&bench, 0, "after"), HA_OK);
    bench_stop(&bench);
}

static void exchange_of_a_batch_has_one_deadline(void **state)
{
    struct bench bench;
    struct request batch;
    bench_start(&bench, 1, LONG_MS);
    request_init(&batch, &bench, 1500, (const char *const[]){"one", "hold", "three", "four", NULL});
    int64_t before = ha_now_ms();
    request_run(&batch);
    assert_true(ha_now_ms() - before < LONG_MS / 2);
    assert_int_equal(batch.items[0].code, HA_OK);
    for (size_t i = 1; i < 4; i++)
        assert_int_equal(batch.items[i].code, HA_E_DEADLINE);
    unlink(bench.held);
    assert_int_equal(ask(&bench, 0, "after"), HA_OK);
    assert_int_equal(restarts(&bench), 0);
    bench_stop(&bench);
}

static void exchange_of_a_batch_when_the_queue_is_full_is_busy_as_a_whole(void **state)
{
    struct bench bench;
    struct request first, second, batch;
    bench_start(&bench, 1, LONG_MS);
    bench.fake.config.queue = 1;
    request_init(&first, &bench, 0, (const char *const[]){"hold", NULL});
    request_init(&second, &bench, 0, (const char *const[]){"waits", NULL});
    request_init(&batch, &bench, 0, (const char *const[]){"one", "two", "three", NULL});
    request_start(&first);
    wait_until_held(&bench);
    request_start(&second);
    while (ha_token_waiting(bench.token) == 0)
        poll(NULL, 0, 1);
    request_run(&batch);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(batch.items[i].code, HA_E_BUSY);
        assert_true(batch.items[i].err.retry_after_s > 0);
    }
    unlink(bench.held);
    assert_int_equal(request_end(&first), HA_OK);
    assert_int_equal(request_end(&second), HA_OK);
    assert_int_equal(restarts(&bench), 0);
    bench_stop(&bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(exchange_with_a_shorter_deadline_ends_then_and_spares_the_child),
        cmocka_unit_test(exchange_cannot_lengthen_the_deadline),
        cmocka_unit_test(exchange_that_expires_in_the_queue_spares_the_child),
        cmocka_unit_test(exchange_that_left_a_hanging_child_lets_it_be_replaced_at_the_token_s_deadline),
        cmocka_unit_test(exchange_beside_a_hanging_one_is_done_by_the_next_child),
        cmocka_unit_test(exchange_of_a_batch_has_one_deadline),
        cmocka_unit_test(exchange_of_a_batch_when_the_queue_is_full_is_busy_as_a_whole),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
