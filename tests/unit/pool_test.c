// SPDX-License-Identifier: Apache-2.0
// Loans of channels: who gets one, who is turned away, who waits on. The child is one without a process.
#include "channel/pool.h"

#include "base/clock.h"

#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

enum { CHANNELS_MAX = 4, TAKERS_MAX = 32 };

struct bench;

struct taker {
    struct bench *bench;
    struct ha_pool_wish wish;
    pthread_t thread;
    enum ha_code code;
    struct ha_err err;
    struct ha_channel *channel;
    bool done;  // guarded by the bench's lock
};

struct bench {
    struct ha_pool pool;
    struct ha_child *child;
    int far[CHANNELS_MAX + 1];  // the other ends of its channels; the last one is that of the control channel
    size_t n_far;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct taker takers[TAKERS_MAX];
    size_t n_takers;
    char order[TAKERS_MAX + 1];  // of those that came to an end: their users
    size_t n_done;
};

static int pair_end(int *ret_far)
{
    int pair[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
    *ret_far = pair[1];
    return pair[0];
}

static void make_child(struct bench *bench, size_t n)
{
    struct ha_child *child = calloc(1, sizeof(*child));
    child->pid = child->pidfd = -1;
    child->channels = calloc(n, sizeof(*child->channels));
    child->n_channels = bench->n_far = n;
    for (size_t i = 0; i < n; i++)
        child->channels[i] =
            (struct ha_channel){.fd = pair_end(&bench->far[i]), .buffer = ha_packet_buffer_new(), .child = child};
    child->control = pair_end(&bench->far[CHANNELS_MAX]);
    bench->child = child;
}

static void end_child(struct bench *bench)
{
    ha_child_end(bench->child, 0);
    ha_pool_retire(&bench->pool, bench->child);
    for (size_t i = 0; i < bench->n_far; i++)
        close(bench->far[i]);
    close(bench->far[CHANNELS_MAX]);
    bench->child = NULL;
}

static void bench_start(struct bench *bench, size_t n_channels)
{
    struct ha_err err = {0};
    *bench = (struct bench){.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};
    assert_int_equal(ha_pool_init(&bench->pool, &err), HA_OK);
    if (n_channels) {
        make_child(bench, n_channels);
        ha_pool_publish(&bench->pool, bench->child);
    }
}

static void bench_stop(struct bench *bench)
{
    for (size_t i = 0; i < bench->n_takers; i++)
        pthread_join(bench->takers[i].thread, NULL);
    if (bench->child)
        end_child(bench);
    ha_pool_clear(&bench->pool);
}

static void *take(void *argument)
{
    struct taker *taker = argument;
    struct bench *bench = taker->bench;
    enum ha_code code = ha_pool_take(&bench->pool, &taker->wish, &taker->channel, &taker->err);
    pthread_mutex_lock(&bench->lock);
    taker->code = code;
    taker->done = true;
    bench->order[bench->n_done++] = (char)taker->wish.uid;
    pthread_cond_broadcast(&bench->changed);
    pthread_mutex_unlock(&bench->lock);
    return NULL;
}

static struct taker *start_taker(struct bench *bench, char user, size_t queue_max, int64_t deadline_ms)
{
    struct taker *taker = &bench->takers[bench->n_takers++];
    taker->bench = bench;
    taker->wish = (struct ha_pool_wish){.uid = (uid_t)user, .deadline_ms = deadline_ms, .queue_max = queue_max};
    assert_int_equal(pthread_create(&taker->thread, NULL, take, taker), 0);
    return taker;
}

// Starts one taker for each user, each after the one before is in the queue.
static void queue_up(struct bench *bench, const char *users)
{
    for (const char *user = users; *user; user++) {
        size_t before = ha_pool_waiting(&bench->pool);
        start_taker(bench, *user, 1000, ha_now_ms() + 60000);
        while (ha_pool_waiting(&bench->pool) == before)
            poll(NULL, 0, 1);
    }
}

static void wait_for_done(struct bench *bench, size_t n)
{
    pthread_mutex_lock(&bench->lock);
    while (bench->n_done < n)
        pthread_cond_wait(&bench->changed, &bench->lock);
    pthread_mutex_unlock(&bench->lock);
}

static enum ha_code take_now(struct bench *bench, struct ha_channel **ret_channel, struct ha_err *err)
{
    const struct ha_pool_wish wish = {.uid = 'x', .deadline_ms = ha_now_ms() - 1, .queue_max = 1000};
    return ha_pool_take(&bench->pool, &wish, ret_channel, err);
}

static void pool_take_of_a_free_channel_does_not_wait(void **state)
{
    struct bench bench;
    struct ha_channel *one, *two;
    struct ha_err err = {0};
    bench_start(&bench, 2);
    assert_int_equal(take_now(&bench, &one, &err), HA_OK);
    two = ha_pool_take_free(&bench.pool);
    assert_non_null(two);
    assert_ptr_not_equal(one, two);
    assert_null(ha_pool_take_free(&bench.pool));
    ha_pool_return(&bench.pool, one);
    assert_ptr_equal(ha_pool_take_free(&bench.pool), one);
    ha_pool_return(&bench.pool, one);
    ha_pool_return(&bench.pool, two);
    bench_stop(&bench);
}

static void pool_return_goes_round_the_users(void **state)
{
    struct bench bench;
    bench_start(&bench, 1);
    struct ha_channel *channel = ha_pool_take_free(&bench.pool);
    queue_up(&bench, "aaaabbc");
    for (size_t n = 1; n <= 7; n++) {
        ha_pool_return(&bench.pool, channel);
        wait_for_done(&bench, n);
        assert_int_equal(bench.n_done, n);  // one was woken, not more
        assert_null(ha_pool_take_free(&bench.pool));
    }
    assert_string_equal(bench.order, "abcabaa");
    ha_pool_return(&bench.pool, channel);
    bench_stop(&bench);
}

static void pool_take_from_a_full_queue_is_busy_at_once(void **state)
{
    struct bench bench;
    bench_start(&bench, 1);
    struct ha_channel *channel = ha_pool_take_free(&bench.pool);
    queue_up(&bench, "aa");
    const struct ha_pool_wish wish = {.uid = 'a', .deadline_ms = INT64_MAX / 2, .queue_max = 2};
    struct ha_err err = {0};
    struct ha_channel *none;
    assert_int_equal(ha_pool_take(&bench.pool, &wish, &none, &err), HA_E_BUSY);
    assert_true(err.retry_after_s > 0);
    for (size_t n = 1; n <= 2; n++) {
        ha_pool_return(&bench.pool, channel);
        wait_for_done(&bench, n);
    }
    ha_pool_return(&bench.pool, channel);
    bench_stop(&bench);
}

static void pool_take_of_another_user_outdoes_the_newest_in_a_full_queue(void **state)
{
    struct bench bench;
    bench_start(&bench, 1);
    struct ha_channel *channel = ha_pool_take_free(&bench.pool);
    queue_up(&bench, "aaa");
    struct taker *other = start_taker(&bench, 'b', 3, ha_now_ms() + 60000);
    wait_for_done(&bench, 1);
    assert_int_equal(bench.takers[2].code, HA_E_BUSY);
    assert_true(bench.takers[2].err.retry_after_s > 0);
    for (size_t n = 2; n <= 4; n++) {
        ha_pool_return(&bench.pool, channel);
        wait_for_done(&bench, n);
    }
    assert_int_equal(other->code, HA_OK);
    assert_string_equal(bench.order, "aaba");
    ha_pool_return(&bench.pool, channel);
    bench_stop(&bench);
}

static void pool_take_for_a_request_that_was_served_waits_in_a_full_queue(void **state)
{
    struct bench bench;
    bench_start(&bench, 1);
    struct ha_channel *channel = ha_pool_take_free(&bench.pool);
    queue_up(&bench, "a");
    const struct ha_pool_wish wish = {.uid = 'a', .deadline_ms = ha_now_ms() - 1, .queue_max = 1, .pushy = true};
    struct ha_err err = {0};
    struct ha_channel *none;
    assert_int_equal(ha_pool_take(&bench.pool, &wish, &none, &err), HA_E_DEADLINE);
    ha_pool_return(&bench.pool, channel);
    wait_for_done(&bench, 1);
    ha_pool_return(&bench.pool, channel);
    bench_stop(&bench);
}

static void pool_take_that_expires_leaves_the_queue_and_the_child(void **state)
{
    struct bench bench;
    bench_start(&bench, 1);
    struct ha_channel *channel = ha_pool_take_free(&bench.pool);
    queue_up(&bench, "a");
    struct taker *late = start_taker(&bench, 'b', 1000, ha_now_ms() + 20);
    wait_for_done(&bench, 1);
    assert_int_equal(late->code, HA_E_DEADLINE);
    assert_int_equal(ha_pool_waiting(&bench.pool), 1);
    assert_ptr_equal(bench.pool.child, bench.child);
    ha_pool_return(&bench.pool, channel);
    wait_for_done(&bench, 2);
    assert_int_equal(bench.takers[0].code, HA_OK);
    ha_pool_return(&bench.pool, channel);
    bench_stop(&bench);
}

static void pool_take_without_a_child_waits_until_one_is_published(void **state)
{
    struct bench bench;
    bench_start(&bench, 0);
    queue_up(&bench, "aab");
    make_child(&bench, 2);
    ha_pool_publish(&bench.pool, bench.child);
    wait_for_done(&bench, 2);
    assert_int_equal(ha_pool_waiting(&bench.pool), 1);
    struct ha_channel *lent = NULL;
    for (size_t i = 0; i < 3; i++)
        if (bench.takers[i].done) {
            lent = bench.takers[i].channel;
            ha_pool_return(&bench.pool, lent);
            wait_for_done(&bench, 3);
            break;
        }
    pthread_mutex_lock(&bench.pool.lock);
    assert_int_equal(bench.child->loans, 2);
    pthread_mutex_unlock(&bench.pool.lock);
    for (size_t i = 0; i < bench.child->n_channels; i++)
        ha_pool_return(&bench.pool, &bench.child->channels[i]);
    bench_stop(&bench);
}

static void pool_take_when_the_mood_changes_fails_with_its_reason(void **state)
{
    struct bench bench;
    struct ha_err why = {0}, err = {0};
    struct ha_channel *none;
    bench_start(&bench, 0);
    queue_up(&bench, "abc");
    ha_fail(&why, HA_E_TOKEN_DOWN, "the token is away");
    ha_pool_set_mood(&bench.pool, &why);
    wait_for_done(&bench, 3);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(bench.takers[i].code, HA_E_TOKEN_DOWN);
        assert_string_equal(bench.takers[i].err.detail, "the token is away");
    }
    assert_int_equal(take_now(&bench, &none, &err), HA_E_TOKEN_DOWN);
    assert_string_equal(err.detail, "the token is away");
    bench_stop(&bench);
}

static void pool_take_that_waits_outlives_a_child(void **state)
{
    struct bench bench;
    bench_start(&bench, 1);
    struct ha_channel *channel = ha_pool_take_free(&bench.pool);
    queue_up(&bench, "a");
    ha_pool_lost(&bench.pool, bench.child);
    ha_pool_return(&bench.pool, channel);
    assert_int_equal(ha_pool_waiting(&bench.pool), 1);
    end_child(&bench);
    make_child(&bench, 1);
    ha_pool_publish(&bench.pool, bench.child);
    wait_for_done(&bench, 1);
    assert_int_equal(bench.takers[0].code, HA_OK);
    ha_pool_return(&bench.pool, bench.takers[0].channel);
    bench_stop(&bench);
}

static void answer(const struct bench *bench, size_t i)
{
    struct ha_packet packet = {.op = HA_OP_SIGN};
    struct ha_err err = {0};
    assert_int_equal(ha_packet_send(bench->far[i], &packet, NULL, 0, &err), HA_OK);
}

static void pool_leave_returns_the_channel_with_its_late_answer(void **state)
{
    struct bench bench;
    bench_start(&bench, 1);
    struct ha_channel *channel = ha_pool_take_free(&bench.pool);
    queue_up(&bench, "a");
    ha_pool_leave(&bench.pool, channel, ha_now_ms() + 60000);
    assert_null(ha_pool_take_free(&bench.pool));
    answer(&bench, 0);
    wait_for_done(&bench, 1);
    assert_ptr_equal(bench.takers[0].channel, channel);
    assert_ptr_equal(bench.pool.child, bench.child);
    // The late answer has been taken: the channel is in step again.
    assert_int_equal(poll(&(struct pollfd){.fd = channel->fd, .events = POLLIN}, 1, 0), 0);
    ha_pool_return(&bench.pool, channel);
    bench_stop(&bench);
}

static struct ha_child *present_child(struct bench *bench)
{
    pthread_mutex_lock(&bench->pool.lock);
    struct ha_child *child = bench->pool.child;
    pthread_mutex_unlock(&bench->pool.lock);
    return child;
}

static void pool_leave_without_an_answer_gives_the_child_up(void **state)
{
    struct bench bench;
    bench_start(&bench, 2);
    struct ha_channel *hangs = ha_pool_take_free(&bench.pool), *works = ha_pool_take_free(&bench.pool);
    ha_pool_leave(&bench.pool, works, ha_now_ms() + 60000);
    ha_pool_leave(&bench.pool, hangs, ha_now_ms() + 20);
    while (present_child(&bench))
        poll(NULL, 0, 1);
    // It is killed, which a child without a pidfd notices by its control channel.
    char byte;
    assert_int_equal(recv(bench.far[CHANNELS_MAX], &byte, 1, 0), 0);
    bench_stop(&bench);
}

static void pool_clear_waits_for_what_was_left(void **state)
{
    struct bench bench;
    bench_start(&bench, 4);
    for (struct ha_channel *channel; (channel = ha_pool_take_free(&bench.pool));)
        ha_pool_leave(&bench.pool, channel, ha_now_ms() + 60000);
    bench_stop(&bench);  // a sanitizer would find a child that wasn't freed
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pool_take_of_a_free_channel_does_not_wait),
        cmocka_unit_test(pool_return_goes_round_the_users),
        cmocka_unit_test(pool_take_from_a_full_queue_is_busy_at_once),
        cmocka_unit_test(pool_take_of_another_user_outdoes_the_newest_in_a_full_queue),
        cmocka_unit_test(pool_take_for_a_request_that_was_served_waits_in_a_full_queue),
        cmocka_unit_test(pool_take_that_expires_leaves_the_queue_and_the_child),
        cmocka_unit_test(pool_take_without_a_child_waits_until_one_is_published),
        cmocka_unit_test(pool_take_when_the_mood_changes_fails_with_its_reason),
        cmocka_unit_test(pool_take_that_waits_outlives_a_child),
        cmocka_unit_test(pool_leave_returns_the_channel_with_its_late_answer),
        cmocka_unit_test(pool_leave_without_an_answer_gives_the_child_up),
        cmocka_unit_test(pool_clear_waits_for_what_was_left),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
