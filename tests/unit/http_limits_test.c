// SPDX-License-Identifier: Apache-2.0
// HTTP where it ends: sizes of headers and bodies, malformed requests, numbers of connections.
#include "http_peer.h"

#include "base/clock.h"
#include "http/callers.h"

#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

static const char get[] = "GET /x HTTP/1.1\r\nHost: h\r\n\r\n";

static void http_length_over_the_limit_is_refused_at_once(void **state)
{
    struct bench bench;
    bench_start(&bench, (struct ha_http_options){0});
    static const char *const lengths[] = {"262145", "18446744073709551614"};
    for (size_t i = 0; i < HA_ARRAY_SIZE(lengths); i++) {
        ha_auto(peer_close) struct peer peer;
        ha_auto(answer_clear) struct answer answer = {0};
        char head[256], text[256];
        peer_open(&peer, &bench);
        snprintf(head, sizeof head, "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: %s\r\n\r\n", lengths[i]);
        assert_int_equal(peer_ask(&peer, head, &answer), 413);
        answer_assert_problem(&answer, "too-large");
        assert_string_equal(answer_field(&answer, "Connection", text), "close");
        assert_true(strlen(answer_field(&answer, "Request-Id", text)) > 0);
        assert_true(peer_is_closed(&peer, 5000));
    }
    bench_stop(&bench);
}

// Also without reading while it sends: the refusal is there when it comes to look.
static void http_client_that_sends_it_all_the_same_gets_the_refusal(void **state)
{
    enum { LENGTH = 4 * 1024 * 1024 };
    struct bench bench;
    ha_auto(peer_close) struct peer peer;
    ha_auto(answer_clear) struct answer answer = {0};
    ha_auto(ha_free) char *body = calloc(1, LENGTH);
    bench_start(&bench, (struct ha_http_options){0});
    peer_open(&peer, &bench);
    peer_say(&peer, "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 4194304\r\n\r\n");
    assert_true(peer_send(&peer, body, LENGTH));
    peer_take(&peer, true, &answer);
    assert_int_equal(answer.status, 413);
    bench_stop(&bench);
}

static void send_chunks(struct peer *peer, size_t total, bool finish)
{
    char chunk[8 + 4096 + 2] = "1000\r\n";
    memset(chunk + 6, 'c', 4096);
    memcpy(chunk + 6 + 4096, "\r\n", 2);
    peer_say(peer, "POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n");
    for (size_t sent = 0; sent < total; sent += 4096)
        peer_send(peer, chunk, 6 + 4096 + 2);
    if (finish)
        peer_say(peer, "0\r\n\r\n");
}

static void http_chunked_body_is_counted(void **state)
{
    struct bench bench;
    bench_start(&bench, (struct ha_http_options){0});
    static const struct {
        size_t total;
        bool finish;
        unsigned status;
    } cases[] = {{HA_BODY_MAX, true, 200},
                 {HA_BODY_MAX + 4096, true, 413},
                 {HA_BODY_MAX + 4096, false, 413},
                 {4 * HA_BODY_MAX, false, 413}};
    for (size_t i = 0; i < HA_ARRAY_SIZE(cases); i++) {
        ha_auto(peer_close) struct peer peer;
        ha_auto(answer_clear) struct answer answer = {0};
        peer_open(&peer, &bench);
        send_chunks(&peer, cases[i].total, cases[i].finish);
        peer_take(&peer, true, &answer);
        assert_int_equal(answer.status, cases[i].status);
        if (answer.status != 200) {
            answer_assert_problem(&answer, "too-large");
            assert_true(peer_is_closed(&peer, 5000));
        }
    }
    bench_assert_quiet(&bench);
    bench_stop(&bench);
}

// A request of exactly n bytes, with its size in one field, or in the target.
static void make_header(struct ha_buf *out, size_t n, bool in_target)
{
    static const char tail[] = "\r\n\r\n";
    ha_buf_puts(out, in_target ? "GET /" : "GET /x HTTP/1.1\r\nHost: h\r\nX-Filler: ");
    size_t rest = in_target ? strlen(" HTTP/1.1\r\nHost: h\r\n\r\n") : strlen(tail);
    while (out->len < n - rest)
        ha_buf_putc(out, 'f');
    ha_buf_puts(out, in_target ? " HTTP/1.1\r\nHost: h\r\n\r\n" : tail);
    assert_int_equal(out->len, n);
}

static void http_header_limit_is_exact(void **state)
{
    struct bench bench;
    bench_start(&bench, (struct ha_http_options){0});
    static const struct {
        size_t n;
        unsigned status;
    } cases[] = {
        {HA_HEADERS_MAX, 200}, {HA_HEADERS_MAX + 1, 431}, {2 * HA_HEADERS_MAX, 431}, {3 * HA_HEADERS_MAX, 431}};
    for (size_t i = 0; i < 2 * HA_ARRAY_SIZE(cases); i++) {
        ha_auto(peer_close) struct peer peer;
        ha_auto(answer_clear) struct answer answer = {0};
        ha_auto(ha_buf_clear) struct ha_buf header = {0};
        make_header(&header, cases[i / 2].n, i % 2 == 1);
        peer_open(&peer, &bench);
        // A first line that fills the connection's memory never reaches us: that is libmicrohttpd's own refusal.
        bool is_ours = i % 2 == 0 || cases[i / 2].n <= HA_HEADERS_MAX + 1;
        assert_int_equal(peer_ask(&peer, ha_buf_text(&header), &answer), is_ours ? cases[i / 2].status : 414);
        if (answer.status != 200) {
            if (is_ours)
                answer_assert_problem(&answer, "headers-too-large");
            assert_true(peer_is_closed(&peer, 5000));
        }
    }
    bench_stop(&bench);
}

static void http_header_far_over_the_limit_is_refused(void **state)
{
    struct bench bench;
    bench_start(&bench, (struct ha_http_options){0});
    for (size_t n = 56 * 1024; n < 72 * 1024; n += 512) {
        ha_auto(peer_close) struct peer peer;
        ha_auto(answer_clear) struct answer answer = {0};
        ha_auto(ha_buf_clear) struct ha_buf header = {0};
        make_header(&header, n, false);
        peer_open(&peer, &bench);
        assert_int_equal(peer_ask(&peer, ha_buf_text(&header), &answer), 431);
        answer_assert_problem(&answer, "headers-too-large");
        assert_true(peer_is_closed(&peer, 5000));
    }
    bench_stop(&bench);
}

static void http_endless_header_is_refused(void **state)
{
    struct bench bench;
    ha_auto(peer_close) struct peer peer;
    ha_auto(answer_clear) struct answer answer = {0};
    ha_auto(ha_buf_clear) struct ha_buf header = {0};
    bench_start(&bench, (struct ha_http_options){0});
    make_header(&header, 64 * HA_HEADERS_MAX, false);
    peer_open(&peer, &bench);
    assert_int_equal(peer_ask(&peer, ha_buf_text(&header), &answer), 431);
    answer_assert_problem(&answer, "headers-too-large");
    assert_int_equal(peer_status(&bench, get), 200);
    bench_stop(&bench);
}

static void http_malformed_second_request_gets_an_id_of_its_own(void **state)
{
    struct bench bench;
    ha_auto(peer_close) struct peer peer;
    ha_auto(answer_clear) struct answer answer = {0};
    char first[256], second[256];
    bench_start(&bench, (struct ha_http_options){0});
    peer_open(&peer, &bench);
    assert_int_equal(peer_ask(&peer, get, &answer), 200);
    answer_field(&answer, "Request-Id", first);
    assert_int_equal(peer_ask(&peer, "GET /x HTTP/9.9\r\nHost: h\r\n\r\n", &answer), 400);
    answer_assert_problem(&answer, "malformed");
    answer_field(&answer, "Request-Id", second);
    assert_string_not_equal(first, second);
    assert_true(peer_is_closed(&peer, 5000));
    bench_assert_quiet(&bench);
    bench_stop(&bench);
}

static void http_malformed_requests_are_refused(void **state)
{
    static const struct {
        const char *text;
        unsigned status;
        const char *code;  // of the problem document
    } cases[] = {
        {"GET /x HTTP/1.1\r\n\r\n", 400, "malformed"},
        {"GET /x HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400, "malformed"},
        {"GET /x HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n", 400, "malformed"},
        {"GET /a b HTTP/1.1\r\nHost: h\r\n\r\n", 400, "malformed"},
        {"GET /x HTTP/1.1\r\nHost: h\r\nContent-Length : 3\r\n\r\nabc", 400, "malformed"},
        {"POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\nabc", 400, "malformed"},
        {"POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd", 400, "malformed"},
        {"POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400,
         "malformed"},
        {"POST /x HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip\r\n\r\nabc", 400, "malformed"},
        {"POST /x HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 400, "malformed"},
        {"POST /x HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
         400, "malformed"},
        // Those that libmicrohttpd refuses by itself.
        {"GET /x HTTP/1.1\r\nHost: h\r\nno colon\r\n\r\n", 400, "malformed"},
        {"POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: -1\r\n\r\n", 400, "malformed"},
        {"POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 1x\r\n\r\nx", 400, "malformed"},
        {"POST /x HTTP/1.1\r\nHost: h\r\nContent-Length:\r\n\r\n", 400, "malformed"},
        {"POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 99999999999999999999\r\n\r\n", 413, "too-large"},
        {"POST /x HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n", 400, "malformed"},
        {"POST /x HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcdef\r\n", 400, "malformed"},
        {"POST /x HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n", 413, "too-large"},
        // And those where it can't be told for which connection: a page of HTML, or nothing.
        {"GET /x\r\n\r\n", 400, NULL},
        {"GET /x HTTP/9.9\r\nHost: h\r\n\r\n", 505, NULL},
        {"nonsense\r\n\r\n", 0, NULL},
        {"GET\r\n\r\n", 0, NULL},
    };
    struct bench bench;
    bench_start(&bench, (struct ha_http_options){0});
    for (size_t i = 0; i < HA_ARRAY_SIZE(cases); i++) {
        ha_auto(peer_close) struct peer peer;
        ha_auto(answer_clear) struct answer answer = {0};
        peer_open(&peer, &bench);
        if (peer_ask(&peer, cases[i].text, &answer) != cases[i].status)
            fail_msg("%u for %s", answer.status, cases[i].text);
        if (cases[i].code)
            answer_assert_problem(&answer, cases[i].code);
        assert_true(peer_is_closed(&peer, 5000));
    }
    assert_int_equal(peer_status(&bench, get), 200);
    bench_assert_quiet(&bench);
    bench_stop(&bench);
}

static void http_connections_over_the_limit_get_503(void **state)
{
    enum { LIMIT = 8, MORE = 4 };
    struct bench bench;
    struct peer peers[LIMIT + MORE];
    ha_auto(answer_clear) struct answer answer = {0};
    char text[256];
    bench_start(&bench, (struct ha_http_options){.connections = LIMIT});
    for (size_t i = 0; i < LIMIT + MORE; i++) {
        peer_open(&peers[i], &bench);
        if (i < LIMIT)
            assert_int_equal(peer_ask(&peers[i], get, &answer), 200);
    }
    for (size_t i = LIMIT; i < LIMIT + MORE; i++) {
        assert_int_equal(peer_ask(&peers[i], get, &answer), 503);
        answer_assert_problem(&answer, "busy");
        assert_string_equal(answer_field(&answer, "Retry-After", text), "1");
        assert_true(peer_is_closed(&peers[i], 5000));
    }
    for (size_t i = 0; i < LIMIT + MORE; i++) {
        if (i < LIMIT)
            assert_int_equal(peer_ask(&peers[i], get, &answer), 200);
        peer_close(&peers[i]);
    }
    // They are free again, as soon as the server has noticed.
    int64_t deadline_ms = ha_now_ms() + 5000;
    unsigned status;
    while ((status = peer_status(&bench, get)) == 503 && ha_left_ms(deadline_ms) > 0)
        poll(NULL, 0, 10);
    assert_int_equal(status, 200);
    bench_stop(&bench);
}

static void http_connections_over_the_limit_of_a_user_get_429(void **state)
{
    enum { LIMIT = 4, MORE = 8 };
    struct bench bench;
    struct peer peers[LIMIT + MORE + 1];
    ha_auto(answer_clear) struct answer answer = {0};
    char text[256];
    bench_start(&bench, (struct ha_http_options){.connections = 64, .connections_per_uid = LIMIT});
    for (size_t i = 0; i < LIMIT; i++) {
        peer_open(&peers[i], &bench);
        assert_int_equal(peer_ask(&peers[i], get, &answer), 200);
    }
    // Some more are told, and then none is kept at all, since those that say nothing would take the others' places.
    for (size_t i = LIMIT; i < HA_ARRAY_SIZE(peers); i++)
        peer_open(&peers[i], &bench);
    assert_true(peer_is_closed(&peers[LIMIT + MORE], 5000));
    for (size_t i = LIMIT; i < LIMIT + MORE; i++) {
        assert_int_equal(peer_ask(&peers[i], get, &answer), 429);
        answer_assert_problem(&answer, "too-many-requests");
        assert_string_equal(answer_field(&answer, "Retry-After", text), "1");
        assert_true(peer_is_closed(&peers[i], 5000));
    }
    assert_int_equal(peer_ask(&peers[0], get, &answer), 200);
    for (size_t i = 0; i < HA_ARRAY_SIZE(peers); i++)
        peer_close(&peers[i]);
    int64_t deadline_ms = ha_now_ms() + 5000;
    unsigned status;
    while ((status = peer_status(&bench, get)) != 200 && ha_left_ms(deadline_ms) > 0)
        poll(NULL, 0, 10);
    assert_int_equal(status, 200);
    bench_stop(&bench);
}

static void http_requests_over_the_limit_of_a_user_get_429(void **state)
{
    enum { LIMIT = 2 };
    static const char block[] = "GET /block HTTP/1.1\r\nHost: h\r\n\r\n";
    struct bench bench;
    struct peer blocked[LIMIT], more;
    ha_auto(answer_clear) struct answer answer = {0};
    bench_start(&bench, (struct ha_http_options){.requests_per_uid = LIMIT});
    for (size_t i = 0; i < LIMIT; i++) {
        peer_open(&blocked[i], &bench);
        assert_true(peer_say(&blocked[i], block));
        sem_wait(&bench.entered);
    }
    peer_open(&more, &bench);
    assert_int_equal(peer_ask(&more, get, &answer), 429);
    answer_assert_problem(&answer, "too-many-requests");
    peer_close(&more);
    for (size_t i = 0; i < LIMIT; i++)
        sem_post(&bench.release);
    for (size_t i = 0; i < LIMIT; i++) {
        peer_take(&blocked[i], true, &answer);
        assert_int_equal(answer.status, 200);
    }
    bench_assert_quiet(&bench);
    for (size_t i = 0; i < LIMIT; i++)
        assert_int_equal(peer_ask(&blocked[i], get, &answer), 200);
    for (size_t i = 0; i < LIMIT; i++)
        peer_close(&blocked[i]);
    bench_stop(&bench);
}

static void http_callers_are_counted_each_for_itself(void **state)
{
    struct ha_http_caller *callers = NULL;
    struct ha_http_caller *one = ha_http_callers_enter(&callers, 1), *two = ha_http_callers_enter(&callers, 2);
    assert_ptr_not_equal(one, two);
    assert_ptr_equal(ha_http_callers_enter(&callers, 1), one);
    assert_int_equal(one->connections, 2);
    assert_int_equal(two->connections, 1);
    ha_http_callers_leave(&callers, one);
    ha_http_callers_leave(&callers, one);
    assert_ptr_equal(callers, two);
    assert_null(two->next);
    ha_http_callers_leave(&callers, two);
    assert_null(callers);
}

static void http_many_connections_are_served_at_one_time(void **state)
{
    enum { MANY = 200, ROUNDS = 5 };
    struct bench bench;
    static struct peer peers[MANY];
    bench_start(&bench, (struct ha_http_options){.connections = MANY});
    for (size_t i = 0; i < MANY; i++)
        peer_open(&peers[i], &bench);
    for (int round = 0; round < ROUNDS; round++) {
        for (size_t i = 0; i < MANY; i++)
            assert_true(peer_say(&peers[i], get));
        for (size_t i = 0; i < MANY; i++) {
            ha_auto(answer_clear) struct answer answer = {0};
            peer_take(&peers[i], true, &answer);
            assert_int_equal(answer.status, 200);
        }
    }
    bench_assert_quiet(&bench);
    for (size_t i = 0; i < MANY; i++)
        peer_close(&peers[i]);
    bench_stop(&bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(http_length_over_the_limit_is_refused_at_once),
        cmocka_unit_test(http_client_that_sends_it_all_the_same_gets_the_refusal),
        cmocka_unit_test(http_chunked_body_is_counted),
        cmocka_unit_test(http_header_limit_is_exact),
        cmocka_unit_test(http_header_far_over_the_limit_is_refused),
        cmocka_unit_test(http_endless_header_is_refused),
        cmocka_unit_test(http_malformed_second_request_gets_an_id_of_its_own),
        cmocka_unit_test(http_malformed_requests_are_refused),
        cmocka_unit_test(http_connections_over_the_limit_get_503),
        cmocka_unit_test(http_connections_over_the_limit_of_a_user_get_429),
        cmocka_unit_test(http_requests_over_the_limit_of_a_user_get_429),
        cmocka_unit_test(http_callers_are_counted_each_for_itself),
        cmocka_unit_test(http_many_connections_are_served_at_one_time),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
