// SPDX-License-Identifier: Apache-2.0
// Packets, and the supervision of a child that dies, hangs, lies or won't start.
#include "fake.h"

#include "base/clock.h"
#include "base/text.h"

#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

static void pair_make(int pair[2])
{
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
}

static void packet_send_and_recv_keep_every_field(void **state)
{
    int pair[2];
    pair_make(pair);
    struct ha_err err = {0};
    ha_auto(ha_packet_buffer_free) struct ha_packet_buffer *buffer = ha_packet_buffer_new();
    struct ha_packet out = {.op = HA_OP_SIGN,
                            .alg = 3,
                            .key_type = 4,
                            .purposes = 5,
                            .flags = 6,
                            .serial = 1ull << 40,
                            .part = {{"a", 1}, {NULL, 0}, {"ccc", 3}, {"dd", 2}}},
                     in;
    assert_int_equal(ha_packet_send(pair[0], &out, NULL, 0, &err), HA_OK);
    assert_int_equal(ha_packet_recv(pair[1], ha_now_ms() + 1000, buffer, &in, NULL, NULL, &err), HA_OK);
    assert_int_equal(in.op, HA_OP_SIGN);
    assert_int_equal(in.alg, 3);
    assert_int_equal(in.key_type, 4);
    assert_int_equal(in.purposes, 5);
    assert_int_equal(in.flags, 6);
    assert_true(in.serial == 1ull << 40);
    assert_int_equal(in.part[1].len, 0);
    assert_int_equal(in.part[2].len, 3);
    assert_memory_equal(in.part[2].data, "ccc", 3);
    assert_memory_equal(in.part[3].data, "dd", 2);
    close(pair[0]);
    assert_int_equal(ha_packet_recv(pair[1], ha_now_ms() + 1000, buffer, &in, NULL, NULL, &err), HA_E_TOKEN_DOWN);
    close(pair[1]);
}

static void packet_send_at_the_limit_fits_and_over_it_is_too_large(void **state)
{
    int pair[2];
    pair_make(pair);
    struct ha_err err = {0};
    static uint8_t big[HA_PACKET_MAX];
    ha_auto(ha_packet_buffer_free) struct ha_packet_buffer *buffer = ha_packet_buffer_new();
    struct ha_packet out = {.op = HA_OP_SIGN, .part[2] = {big, HA_PACKET_MAX - 128}}, in;
    assert_int_equal(ha_packet_send(pair[0], &out, NULL, 0, &err), HA_OK);
    assert_int_equal(ha_packet_recv(pair[1], ha_now_ms() + 1000, buffer, &in, NULL, NULL, &err), HA_OK);
    assert_int_equal(in.part[2].len, HA_PACKET_MAX - 128);
    out.part[2].len = HA_PACKET_MAX;
    assert_int_equal(ha_packet_send(pair[0], &out, NULL, 0, &err), HA_E_TOO_LARGE);
    close(pair[0]);
    close(pair[1]);
}

static void packet_recv_of_garbage_is_refused(void **state)
{
    int pair[2];
    pair_make(pair);
    struct ha_err err = {0};
    ha_auto(ha_packet_buffer_free) struct ha_packet_buffer *buffer = ha_packet_buffer_new();
    struct ha_packet out = {.op = HA_OP_SIGN, .part[0] = {"abc", 3}}, in;
    uint8_t good[256];
    assert_int_equal(ha_packet_send(pair[0], &out, NULL, 0, &err), HA_OK);
    ssize_t n = recv(pair[1], good, sizeof(good), 0);
    assert_true(n > 0);
    // Each truncation, one byte too many, and each length field blown up.
    for (ssize_t len = 1; len <= n + 1; len++) {
        uint8_t bytes[257] = {0};
        memcpy(bytes, good, (size_t)n);
        assert_int_equal(send(pair[0], bytes, (size_t)len, 0), len);
        enum ha_code code = ha_packet_recv(pair[1], ha_now_ms() + 1000, buffer, &in, NULL, NULL, &err);
        assert_int_equal(code, len == n ? HA_OK : HA_E_INTERNAL);
    }
    for (size_t at = 0; at < 4; at++) {
        uint8_t bytes[256];
        memcpy(bytes, good, (size_t)n);
        memset(bytes + 32 + 4 * at, 0xff, 4);
        assert_int_equal(send(pair[0], bytes, (size_t)n, 0), n);
        assert_int_equal(ha_packet_recv(pair[1], ha_now_ms() + 1000, buffer, &in, NULL, NULL, &err), HA_E_INTERNAL);
    }
    close(pair[0]);
    close(pair[1]);
}

static const struct ha_packet three[] = {
    {.op = HA_OP_SIGN, .serial = 1, .cpu = 2, .part = {{"a", 1}, {NULL, 0}, {"ccc", 3}}},
    {.op = HA_OP_DECRYPT, .serial = 2, .alg = 7},
    {.op = HA_OP_SIGN, .serial = 3, .code = HA_E_TOKEN_ERROR, .part[5] = {"last", 4}},
};

static void packet_send_several_and_recv_keep_order_and_fields(void **state)
{
    int pair[2];
    pair_make(pair);
    struct ha_err err = {0};
    struct ha_packet in[HA_PACKET_ITEMS_MAX], one = {.serial = 77};
    const struct ha_packet *out[HA_PACKET_ITEMS_MAX + 1] = {&three[0], &three[1], &three[2]};
    size_t n = 0;
    ha_auto(ha_packet_buffer_free) struct ha_packet_buffer *buffer = ha_packet_buffer_new();
    assert_int_equal(ha_packet_send_several(pair[0], out, 3, &err), HA_OK);
    assert_int_equal(ha_packet_recv_several(pair[1], ha_now_ms() + 1000, buffer, in, &n, &err), HA_OK);
    assert_int_equal(n, 3);
    assert_int_equal(in[0].cpu, 2);
    assert_memory_equal(in[0].part[2].data, "ccc", 3);
    assert_int_equal(in[1].op, HA_OP_DECRYPT);
    assert_int_equal(in[1].alg, 7);
    assert_int_equal(in[2].serial, 3);
    assert_int_equal(in[2].code, HA_E_TOKEN_ERROR);
    assert_memory_equal(in[2].part[5].data, "last", 4);
    // Who wants one takes none of several.
    assert_int_equal(ha_packet_send_several(pair[0], out, 2, &err), HA_OK);
    assert_int_equal(ha_packet_recv(pair[1], ha_now_ms() + 1000, buffer, &one, NULL, NULL, &err), HA_E_INTERNAL);
    assert_int_equal(one.serial, 77);
    // As many as there may be, and one more.
    for (size_t i = 0; i < HA_ARRAY_SIZE(out); i++)
        out[i] = &three[i % 3];
    assert_int_equal(ha_packet_send_several(pair[0], out, HA_PACKET_ITEMS_MAX, &err), HA_OK);
    assert_int_equal(ha_packet_recv_several(pair[1], ha_now_ms() + 1000, buffer, in, &n, &err), HA_OK);
    assert_int_equal(n, HA_PACKET_ITEMS_MAX);
    assert_int_equal(in[HA_PACKET_ITEMS_MAX - 1].serial, three[(HA_PACKET_ITEMS_MAX - 1) % 3].serial);
    assert_int_equal(ha_packet_send_several(pair[0], out, HA_PACKET_ITEMS_MAX + 1, &err), HA_E_INTERNAL);
    close(pair[0]);
    close(pair[1]);
}

static void packet_send_several_over_the_limit_is_too_large(void **state)
{
    int pair[2];
    pair_make(pair);
    struct ha_err err = {0};
    static uint8_t big[HA_PACKET_MAX];
    struct ha_packet large = {.op = HA_OP_SIGN, .part[2] = {big, HA_PACKET_MAX / 2 - 128}};
    const struct ha_packet *out[] = {&large, &large, &three[0], &large};
    struct ha_packet in[HA_PACKET_ITEMS_MAX];
    size_t n = 0;
    ha_auto(ha_packet_buffer_free) struct ha_packet_buffer *buffer = ha_packet_buffer_new();
    assert_int_equal(ha_packet_send_several(pair[0], out, 2, &err), HA_OK);
    assert_int_equal(ha_packet_recv_several(pair[1], ha_now_ms() + 1000, buffer, in, &n, &err), HA_OK);
    assert_int_equal(n, 2);
    assert_int_equal(in[1].part[2].len, HA_PACKET_MAX / 2 - 128);
    assert_int_equal(ha_packet_send_several(pair[0], out, 4, &err), HA_E_TOO_LARGE);
    large.part[2].len = HA_PACKET_MAX / 2;  // no room is left, not even for the second one's head
    assert_int_equal(ha_packet_send_several(pair[0], out, 3, &err), HA_E_TOO_LARGE);
    close(pair[0]);
    close(pair[1]);
}

// Each truncation, one byte too many, each head broken, each length blown up, and one packet more than there may be.
static void packet_recv_several_of_garbage_is_refused(void **state)
{
    enum { HEAD = 72, LENGTHS = 32 };
    const size_t ends[] = {HEAD + 4, 2 * HEAD + 4, 3 * HEAD + 8};
    int pair[2];
    pair_make(pair);
    struct ha_err err = {0};
    struct ha_packet in[HA_PACKET_ITEMS_MAX];
    const struct ha_packet *out[] = {&three[0], &three[1], &three[2]};
    uint8_t good[512], bytes[HEAD * (HA_PACKET_ITEMS_MAX + 1)] = {0};
    ha_auto(ha_packet_buffer_free) struct ha_packet_buffer *buffer = ha_packet_buffer_new();
    assert_int_equal(ha_packet_send_several(pair[0], out, 3, &err), HA_OK);
    assert_int_equal(recv(pair[1], good, sizeof(good), 0), ends[2]);
    for (size_t len = 1; len <= ends[2] + 1; len++) {
        size_t whole = len == ends[0] ? 1 : len == ends[1] ? 2 : len == ends[2] ? 3 : 0, n = 0;
        memcpy(bytes, good, ends[2]);
        assert_int_equal(send(pair[0], bytes, len, 0), len);
        enum ha_code code = ha_packet_recv_several(pair[1], ha_now_ms() + 1000, buffer, in, &n, &err);
        assert_int_equal(code, whole ? HA_OK : HA_E_INTERNAL);
        assert_int_equal(n, whole);
    }
    for (size_t k = 0; k < 3; k++) {
        size_t begin = k ? ends[k - 1] : 0, n = 0;
        for (size_t at = 0; at < 2 + HA_PACKET_PARTS; at++) {  // the magic number, the operation, the lengths
            memcpy(bytes, good, ends[2]);
            memset(bytes + begin + (at < 2 ? 4 * at : LENGTHS + 4 * (at - 2)), 0xff, 4);
            assert_int_equal(send(pair[0], bytes, ends[2], 0), ends[2]);
            assert_int_equal(ha_packet_recv_several(pair[1], ha_now_ms() + 1000, buffer, in, &n, &err), HA_E_INTERNAL);
        }
    }
    for (size_t i = 0; i <= HA_PACKET_ITEMS_MAX; i++)
        memcpy(bytes + i * HEAD, good + ends[0], HEAD);
    for (size_t i = HA_PACKET_ITEMS_MAX; i <= HA_PACKET_ITEMS_MAX + 1; i++) {
        size_t n = 0;
        assert_int_equal(send(pair[0], bytes, i * HEAD, 0), i * HEAD);
        enum ha_code code = ha_packet_recv_several(pair[1], ha_now_ms() + 1000, buffer, in, &n, &err);
        assert_int_equal(code, i > HA_PACKET_ITEMS_MAX ? HA_E_INTERNAL : HA_OK);
    }
    close(pair[0]);
    close(pair[1]);
}

static void packet_recv_of_unwanted_descriptors_is_refused(void **state)
{
    int pair[2], carried[1];
    pair_make(pair);
    struct ha_err err = {0};
    ha_auto(ha_packet_buffer_free) struct ha_packet_buffer *buffer = ha_packet_buffer_new();
    struct ha_packet out = {.op = HA_OP_START}, in;
    carried[0] = pair[0];
    assert_int_equal(ha_packet_send(pair[0], &out, carried, 1, &err), HA_OK);
    assert_int_equal(ha_packet_recv(pair[1], ha_now_ms() + 1000, buffer, &in, NULL, NULL, &err), HA_E_INTERNAL);
    int got[HA_PACKET_FDS_MAX];
    size_t n = 0;
    assert_int_equal(ha_packet_send(pair[0], &out, carried, 1, &err), HA_OK);
    assert_int_equal(ha_packet_recv(pair[1], ha_now_ms() + 1000, buffer, &in, got, &n, &err), HA_OK);
    assert_int_equal(n, 1);
    close(got[0]);
    struct ha_packet several[HA_PACKET_ITEMS_MAX];
    assert_int_equal(ha_packet_send(pair[0], &out, carried, 1, &err), HA_OK);
    assert_int_equal(ha_packet_recv_several(pair[1], ha_now_ms() + 1000, buffer, several, &n, &err), HA_E_INTERNAL);
    close(pair[0]);
    close(pair[1]);
}

static void packet_recv_waits_no_longer_than_the_deadline(void **state)
{
    int pair[2];
    pair_make(pair);
    struct ha_err err = {0};
    struct ha_packet in;
    ha_auto(ha_packet_buffer_free) struct ha_packet_buffer *buffer = ha_packet_buffer_new();
    assert_int_equal(ha_packet_recv(pair[1], ha_now_ms() + 20, buffer, &in, NULL, NULL, &err), HA_E_DEADLINE);
    close(pair[0]);
    close(pair[1]);
}

static void packet_error_texts_are_made_printable(void **state)
{
    struct ha_err err = {0};
    struct ha_packet answer = {.op = HA_OP_SIGN,
                               .code = HA_E_TOKEN_ERROR,
                               .rv = 0x30,
                               .part = {{"a\nb\x01\xff", 5}, {"hint", 4}, {"C_Sign", 6}}};
    assert_int_equal(ha_packet_error(&answer, &err), HA_E_TOKEN_ERROR);
    assert_string_equal(err.detail, "a?b??");
    assert_string_equal(err.hint, "hint");
    assert_string_equal(err.function, "C_Sign");
    assert_int_equal(err.rv, 0x30);
}

// --- A token over the fake child.

static struct ha_token *token_start(struct fake *fake)
{
    struct ha_token *token = NULL;
    struct ha_err err = {0};
    assert_int_equal(ha_token_new(&fake->config, &fake->host, &token, &err), HA_OK);
    ha_token_wait_first(token);
    return token;
}

static struct ha_exchange exchange_of(const char *input)
{
    return (struct ha_exchange){.question = {.op = HA_OP_SIGN, .part[2] = {input, strlen(input)}}};
}

static enum ha_code sign(struct ha_token *token, const char *input, struct ha_buf *output, struct ha_err *err)
{
    struct ha_exchange exchange = exchange_of(input), *one = &exchange;
    ha_token_exchange(token, &one, 1);
    if (output)
        ha_buf_append(output, exchange.output.data, exchange.output.len);
    ha_buf_clear(&exchange.output);
    *err = exchange.err;
    return exchange.code;
}

static void token_start_reports_what_the_child_said(void **state)
{
    struct fake fake;
    fake_init(&fake, NULL, NULL);
    struct ha_token *token = token_start(&fake);
    struct ha_token_status status;
    ha_token_status(token, &status);
    assert_int_equal(status.state, HA_TOKEN_READY);
    assert_string_equal(status.serial, "serial");
    assert_string_equal(status.model, "fake model");
    assert_int_equal(ha_token_way(token, HA_ALG_ES256), HA_WAY_DATA);
    ha_token_free(token);
    fake_clear(&fake);
}

static void exchange_of_one_gives_the_answer(void **state)
{
    struct fake fake;
    fake_init(&fake, NULL, NULL);
    struct ha_token *token = token_start(&fake);
    struct ha_err err = {0};
    ha_auto(ha_buf_clear) struct ha_buf output = {0};
    assert_int_equal(sign(token, "hello", &output, &err), HA_OK);
    assert_string_equal(ha_buf_text(&output), "signed:hello");
    assert_int_equal(sign(token, "fail", NULL, &err), HA_E_TOKEN_ERROR);
    assert_int_equal(err.rv, 5);
    assert_string_equal(err.function, "C_Sign");
    ha_token_free(token);
    fake_clear(&fake);
}

static void exchange_of_a_batch_keeps_the_order(void **state)
{
    struct fake fake;
    fake_init(&fake, NULL, NULL);
    struct ha_token *token = token_start(&fake);
    enum { N = 256 };
    static char inputs[N][16];
    static struct ha_exchange items[N];
    struct ha_exchange *list[N];
    for (int i = 0; i < N; i++) {
        snprintf(inputs[i], sizeof(inputs[i]), i % 50 == 7 ? "fail" : "item-%d", i);
        items[i] = exchange_of(inputs[i]);
        list[i] = &items[i];
    }
    ha_token_exchange(token, list, N);
    for (int i = 0; i < N; i++) {
        char wanted[32];
        snprintf(wanted, sizeof(wanted), "signed:%s", inputs[i]);
        assert_int_equal(items[i].code, i % 50 == 7 ? HA_E_TOKEN_ERROR : HA_OK);
        if (items[i].code == HA_OK)
            assert_string_equal(ha_buf_text(&items[i].output), wanted);
        ha_buf_clear(&items[i].output);
    }
    ha_token_free(token);
    fake_clear(&fake);
}

static void exchange_with_a_child_that_dies_once_succeeds(void **state)
{
    struct fake fake;
    fake_init(&fake, NULL, NULL);
    fake.config.deadline_ms = 20000;
    struct ha_token *token = token_start(&fake);
    struct ha_err err = {0};
    ha_auto(ha_buf_clear) struct ha_buf output = {0};
    assert_int_equal(sign(token, "die-once", &output, &err), HA_OK);
    assert_string_equal(ha_buf_text(&output), "signed:die-once");
    struct ha_token_status status;
    ha_token_status(token, &status);
    assert_int_equal(status.restarts, 1);
    ha_token_free(token);
    fake_clear(&fake);
}

static void exchange_that_kills_every_child_ends_after_three(void **state)
{
    struct fake fake;
    fake_init(&fake, NULL, NULL);
    fake.config.deadline_ms = 20000;
    struct ha_token *token = token_start(&fake);
    struct ha_err err = {0};
    assert_int_equal(sign(token, "die", NULL, &err), HA_E_TOKEN_DOWN);
    assert_int_equal(sign(token, "after", NULL, &err), HA_OK);
    struct ha_token_status status;
    ha_token_status(token, &status);
    assert_int_equal(status.restarts, 3);
    ha_token_free(token);
    fake_clear(&fake);
}

static void exchange_with_a_hanging_child_ends_at_the_deadline_and_replaces_it(void **state)
{
    struct fake fake;
    fake_init(&fake, NULL, NULL);
    fake.config.deadline_ms = 150;
    struct ha_token *token = token_start(&fake);
    struct ha_err err = {0};
    assert_int_equal(sign(token, "hang", NULL, &err), HA_E_DEADLINE);
    fake.config.deadline_ms = 5000;
    assert_int_equal(sign(token, "after", NULL, &err), HA_OK);
    ha_token_free(token);
    fake_clear(&fake);
}

static void exchange_with_an_answer_to_something_else_is_an_internal_error(void **state)
{
    struct fake fake;
    fake_init(&fake, NULL, NULL);
    struct ha_token *token = token_start(&fake);
    struct ha_err err = {0};
    assert_int_equal(sign(token, "echo-wrong", NULL, &err), HA_E_INTERNAL);
    assert_int_equal(sign(token, "after", NULL, &err), HA_OK);
    ha_token_free(token);
    fake_clear(&fake);
}

static void exchange_with_a_token_that_does_not_start_fails_at_once(void **state)
{
    struct fake fake;
    fake_init(&fake, NULL, NULL);
    fake.config.deadline_ms = 60000;
    fake_mode(&fake, "fail-start");
    struct ha_token *token = token_start(&fake);
    struct ha_err err = {0};
    int64_t before = ha_now_ms();
    assert_int_equal(sign(token, "hello", NULL, &err), HA_E_TOKEN_DOWN);
    assert_true(err.retry_after_s > 0);
    assert_true(ha_now_ms() - before < 30000);  // not the deadline
    // When it can start again, the supervisor notices by itself.
    fake_mode(&fake, "");
    for (int i = 0; i < 600 && sign(token, "hello", NULL, &err); i++)
        poll(NULL, 0, 50);
    assert_int_equal(err.code, HA_OK);
    ha_token_free(token);
    fake_clear(&fake);
}

static void token_that_refuses_the_pin_is_asked_once(void **state)
{
    struct fake fake;
    fake_init(&fake, NULL, NULL);
    fake_mode(&fake, "refuse-pin");
    struct ha_token *token = token_start(&fake);
    struct ha_err err = {0};
    struct ha_token_status status;
    ha_token_status(token, &status);
    assert_int_equal(status.state, HA_TOKEN_PIN_REFUSED);
    fake_mode(&fake, "");  // another try would now succeed: there must be none
    assert_int_equal(sign(token, "hello", NULL, &err), HA_E_PIN);
    ha_token_status(token, &status);
    assert_int_equal(status.state, HA_TOKEN_PIN_REFUSED);
    assert_int_equal(status.restarts, 0);
    // Until somebody who knows says so.
    assert_int_equal(ha_token_unlock(token, ha_now_ms() + 30000, &err), HA_OK);
    assert_int_equal(sign(token, "hello", NULL, &err), HA_OK);
    assert_int_equal(ha_token_unlock(token, ha_now_ms() + 30000, &err), HA_OK);
    assert_int_equal(sign(token, "hello", NULL, &err), HA_OK);
    ha_token_free(token);
    fake_clear(&fake);
}

static void token_retry_tries_a_refused_pin_again(void **state)
{
    struct fake fake;
    fake_init(&fake, NULL, NULL);
    fake_mode(&fake, "refuse-pin");
    struct ha_token *token = token_start(&fake);
    struct ha_err err = {0};
    fake_mode(&fake, "");
    ha_token_retry(token);
    for (int i = 0; i < 600 && sign(token, "hello", NULL, &err); i++)
        poll(NULL, 0, 50);
    assert_int_equal(sign(token, "hello", NULL, &err), HA_OK);
    ha_token_retry(token);  // no harm to one that serves
    struct ha_token_status status;
    assert_int_equal(sign(token, "hello", NULL, &err), HA_OK);
    ha_token_status(token, &status);
    assert_int_equal(status.state, HA_TOKEN_READY);
    assert_int_equal(status.restarts, 0);
    ha_token_free(token);
    fake_clear(&fake);
}

static void token_free_does_not_wait_for_a_start_that_hangs(void **state)
{
    struct fake fake;
    struct ha_err err = {0};
    struct ha_token *token = NULL;
    fake_init(&fake, NULL, NULL);
    fake_mode(&fake, "hang-start");
    int64_t before = ha_now_ms();
    assert_int_equal(ha_token_new(&fake.config, &fake.host, &token, &err), HA_OK);
    ha_token_free(token);
    assert_true(ha_now_ms() - before < 20000);  // a start may take 30 s
    fake_clear(&fake);
}

struct storm {
    struct ha_token *token;
    atomic_int failed, wrong, done;
};

static void *storm_run(void *argument)
{
    struct storm *storm = argument;
    for (int i = 0; i < 200; i++) {
        char input[32], wanted[48];
        struct ha_err err = {0};
        ha_auto(ha_buf_clear) struct ha_buf output = {0};
        snprintf(input, sizeof(input), "storm-%d-%p", i, (void *)&output);
        snprintf(wanted, sizeof(wanted), "signed:%s", input);
        if (sign(storm->token, input, &output, &err))
            atomic_fetch_add(&storm->failed, 1);
        else if (strcmp(ha_buf_text(&output), wanted) != 0)
            atomic_fetch_add(&storm->wrong, 1);
        atomic_fetch_add(&storm->done, 1);
    }
    return NULL;
}

static void exchange_of_many_threads_survives_kills(void **state)
{
    struct fake fake;
    fake_init(&fake, NULL, NULL);
    fake.config.deadline_ms = 20000;
    struct storm storm = {.token = token_start(&fake)};
    pthread_t threads[8];
    for (int i = 0; i < 8; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, storm_run, &storm), 0);
    struct ha_token_status status;
    // A hundred answers between two kills, so that no request is hit by all of them: it is tried three times only.
    for (int killed = 0, done = 0; killed < 3;) {
        ha_token_status(storm.token, &status);
        if (storm.done > done + 100 && (int)status.restarts == killed && status.pid > 0) {
            kill(status.pid, SIGKILL);
            done = storm.done;
            killed++;
        }
        poll(NULL, 0, 1);
    }
    for (int i = 0; i < 8; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(storm.failed, 0);
    assert_int_equal(storm.wrong, 0);
    ha_token_free(storm.token);
    fake_clear(&fake);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(packet_send_and_recv_keep_every_field),
        cmocka_unit_test(packet_send_at_the_limit_fits_and_over_it_is_too_large),
        cmocka_unit_test(packet_recv_of_garbage_is_refused),
        cmocka_unit_test(packet_send_several_and_recv_keep_order_and_fields),
        cmocka_unit_test(packet_send_several_over_the_limit_is_too_large),
        cmocka_unit_test(packet_recv_several_of_garbage_is_refused),
        cmocka_unit_test(packet_recv_of_unwanted_descriptors_is_refused),
        cmocka_unit_test(packet_recv_waits_no_longer_than_the_deadline),
        cmocka_unit_test(packet_error_texts_are_made_printable),
        cmocka_unit_test(token_start_reports_what_the_child_said),
        cmocka_unit_test(exchange_of_one_gives_the_answer),
        cmocka_unit_test(exchange_of_a_batch_keeps_the_order),
        cmocka_unit_test(exchange_with_a_child_that_dies_once_succeeds),
        cmocka_unit_test(exchange_that_kills_every_child_ends_after_three),
        cmocka_unit_test(exchange_with_a_hanging_child_ends_at_the_deadline_and_replaces_it),
        cmocka_unit_test(exchange_with_an_answer_to_something_else_is_an_internal_error),
        cmocka_unit_test(exchange_with_a_token_that_does_not_start_fails_at_once),
        cmocka_unit_test(token_that_refuses_the_pin_is_asked_once),
        cmocka_unit_test(token_retry_tries_a_refused_pin_again),
        cmocka_unit_test(token_free_does_not_wait_for_a_start_that_hangs),
        cmocka_unit_test(exchange_of_many_threads_survives_kills),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
