// SPDX-License-Identifier: Apache-2.0
// HTTP over time: requests that don't arrive, replies that nobody takes, idleness, draining and stopping.
#include "http_peer.h"

#include "base/clock.h"

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

static void assert_timeout(struct peer *peer, int64_t from_ms, int least_ms)
{
    ha_auto(answer_clear) struct answer answer = {0};
    peer_take(peer, true, &answer);
    assert_int_equal(answer.status, 408);
    answer_assert_problem(&answer, "request-timeout");
    assert_true(peer_is_closed(peer, 5000));
    assert_true(ha_now_ms() - from_ms >= least_ms);
}

static void http_half_request_times_out(void **state)
{
    static const char *const beginnings[] = {
        "",
        "GET /x",
        "GET /x HTTP/1.1\r\n",
        "GET /x HTTP/1.1\r\nHost: h\r\nX-Y: ",
        "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\n",
        "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nhalf",
        "POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhal",
    };
    struct bench bench;
    bench_start(&bench, (struct ha_http_options){.receive_ms = 200});
    for (size_t i = 0; i < HA_ARRAY_SIZE(beginnings); i++) {
        ha_auto(peer_close) struct peer peer;
        int64_t from_ms = ha_now_ms();
        peer_open(&peer, &bench);
        peer_say(&peer, beginnings[i]);
        assert_timeout(&peer, from_ms, 190);
    }
    bench_assert_quiet(&bench);
    bench_stop(&bench);
}

static void http_dripping_request_times_out(void **state)
{
    static const char text[] =
        "POST /echo HTTP/1.1\r\nHost: h\r\nX-Y: zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz";
    struct bench bench;
    ha_auto(peer_close) struct peer peer;
    bench_start(&bench, (struct ha_http_options){.receive_ms = 300});
    int64_t from_ms = ha_now_ms();
    peer_open(&peer, &bench);
    for (size_t i = 0; i < strlen(text) && peer_send(&peer, text + i, 1); i++)
        poll(NULL, 0, 20);
    assert_timeout(&peer, from_ms, 290);
    bench_stop(&bench);
}

// The same in half of the time that it has.
static void http_dripping_request_in_time_is_served(void **state)
{
    static const char text[] = "GET /x HTTP/1.1\r\nHost: h\r\n\r\n";
    struct bench bench;
    ha_auto(peer_close) struct peer peer;
    ha_auto(answer_clear) struct answer answer = {0};
    bench_start(&bench, (struct ha_http_options){.receive_ms = 2000});
    peer_open(&peer, &bench);
    for (size_t i = 0; i < strlen(text); i++) {
        assert_true(peer_send(&peer, text + i, 1));
        poll(NULL, 0, 30);
    }
    peer_take(&peer, true, &answer);
    assert_int_equal(answer.status, 200);
    bench_stop(&bench);
}

static void http_second_request_times_out_too(void **state)
{
    struct bench bench;
    ha_auto(peer_close) struct peer peer;
    ha_auto(answer_clear) struct answer answer = {0};
    bench_start(&bench, (struct ha_http_options){.receive_ms = 200});
    peer_open(&peer, &bench);
    assert_int_equal(peer_ask(&peer, get, &answer), 200);
    assert_false(peer_is_closed(&peer, 400));  // idle is something else
    int64_t from_ms = ha_now_ms();
    peer_say(&peer, "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nhalf");
    assert_timeout(&peer, from_ms, 190);
    bench_stop(&bench);
}

static void http_idle_connection_is_closed_without_a_word(void **state)
{
    struct bench bench;
    ha_auto(peer_close) struct peer peer;
    ha_auto(answer_clear) struct answer answer = {0};
    bench_start(&bench, (struct ha_http_options){.idle_ms = 1000});
    peer_open(&peer, &bench);
    for (int i = 0; i < 4; i++) {  // each request starts the time anew
        assert_int_equal(peer_ask(&peer, get, &answer), 200);
        poll(NULL, 0, 300);
    }
    assert_true(peer_is_closed(&peer, 5000));
    // A request line that doesn't end is no request yet.
    ha_auto(peer_close) struct peer dripping;
    peer_open(&dripping, &bench);
    assert_int_equal(peer_ask(&dripping, get, &answer), 200);
    for (int i = 0; i < 100 && peer_say(&dripping, "G"); i++)
        poll(NULL, 0, 20);
    assert_true(peer_is_closed(&dripping, 1000));
    bench_stop(&bench);
}

static void http_handler_may_take_longer_than_every_limit(void **state)
{
    struct bench bench;
    ha_auto(peer_close) struct peer peer;
    ha_auto(answer_clear) struct answer answer = {0};
    bench_start(&bench, (struct ha_http_options){.receive_ms = 500, .idle_ms = 500});
    peer_open(&peer, &bench);
    peer_say(&peer, "GET /block HTTP/1.1\r\nHost: h\r\n\r\n");
    sem_wait(&bench.entered);
    poll(NULL, 0, 1200);
    sem_post(&bench.release);
    peer_take(&peer, true, &answer);
    assert_int_equal(answer.status, 200);
    bench_stop(&bench);
}

static void http_client_that_takes_no_reply_is_cut_off(void **state)
{
    struct bench bench;
    ha_auto(peer_close) struct peer peer;
    ha_auto(answer_clear) struct answer answer = {0};
    char first;
    bench_start(&bench, (struct ha_http_options){.idle_ms = 200});
    peer_open(&peer, &bench);
    peer_say(&peer, "GET /big HTTP/1.1\r\nHost: h\r\n\r\n");
    assert_int_equal(recv(peer.fd, &first, 1, MSG_PEEK), 1);
    assert_int_equal(ha_http_server_pending(bench.server), 1);
    bench_assert_quiet(&bench);
    peer_take(&peer, true, &answer);
    assert_int_equal(answer.status, 0);  // the rest is missing
    bench_stop(&bench);
}

static void http_drain_finishes_what_is_under_way(void **state)
{
    struct bench bench;
    ha_auto(peer_close) struct peer busy, kept, idle;
    ha_auto(answer_clear) struct answer answer = {0};
    bench_start(&bench, (struct ha_http_options){0});
    peer_open(&idle, &bench);
    peer_open(&kept, &bench);
    assert_int_equal(peer_ask(&kept, get, &answer), 200);
    peer_open(&busy, &bench);
    peer_say(&busy, "GET /block HTTP/1.1\r\nHost: h\r\n\r\n");
    sem_wait(&bench.entered);
    assert_int_equal(ha_http_server_pending(bench.server), 1);

    ha_http_server_drain(bench.server);
    int64_t from_ms = ha_now_ms();
    assert_false(ha_http_server_wait(bench.server, from_ms + 100));
    assert_true(ha_now_ms() - from_ms >= 100);
    assert_int_equal(peer_ask(&kept, get, &answer), 503);
    answer_assert_problem(&answer, "stopping");
    assert_true(peer_is_closed(&kept, 5000));

    ha_auto(peer_close) struct peer late;
    peer_open(&late, &bench);  // queued by the kernel, accepted by nobody
    peer_say(&late, get);
    assert_false(peer_is_closed(&late, 100));

    sem_post(&bench.release);
    peer_take(&busy, true, &answer);
    assert_int_equal(answer.status, 200);
    assert_true(ha_http_server_wait(bench.server, ha_now_ms() + 5000));
    assert_int_equal(ha_http_server_pending(bench.server), 0);
    ha_http_server_drain(bench.server);  // once more does no harm
    bench_stop(&bench);
    assert_true(peer_is_closed(&idle, 5000));
    assert_true(peer_is_closed(&late, 5000));
}

static void http_free_waits_for_nobody_who_is_idle(void **state)
{
    enum { EACH = 10 };
    static const char *const beginnings[] = {"", "GET /x", "GET /x HTTP/1.1\r\nHost: h\r\n",
                                             "POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nabc", get};
    struct bench bench;
    struct peer peers[HA_ARRAY_SIZE(beginnings) * EACH];
    bench_start(&bench, (struct ha_http_options){.connections = 100, .receive_ms = 600000, .idle_ms = 600000});
    for (size_t i = 0; i < HA_ARRAY_SIZE(peers); i++) {
        peer_open(&peers[i], &bench);
        peer_say(&peers[i], beginnings[i / EACH]);
    }
    poll(NULL, 0, 100);
    int64_t from_ms = ha_now_ms();
    bench_stop(&bench);
    assert_true(ha_now_ms() - from_ms < 5000);
    for (size_t i = 0; i < HA_ARRAY_SIZE(peers); i++)
        peer_close(&peers[i]);
}

// Clients that go on asking as long as they may lose nothing.
static void http_retire_ends_each_connection_with_a_reply(void **state)
{
    struct bench bench;
    ha_auto(peer_close) struct peer busy = {.fd = -1}, idle = {.fd = -1}, fresh = {.fd = -1};
    ha_auto(answer_clear) struct answer answer = {0};
    char text[256];
    bench_start(&bench, (struct ha_http_options){.idle_ms = 600000});
    peer_open(&idle, &bench);
    assert_int_equal(peer_ask(&idle, get, &answer), 200);
    peer_open(&busy, &bench);
    peer_say(&busy, "GET /block HTTP/1.1\r\nHost: h\r\n\r\n");
    sem_wait(&bench.entered);
    ha_http_server_retire(bench.server);
    peer_open(&fresh, &bench);
    assert_int_equal(peer_ask(&fresh, get, &answer), 200);
    assert_string_equal(answer_field(&answer, "Connection", text), "close");
    ha_http_server_shut(bench.server);
    sem_post(&bench.release);
    peer_take(&busy, true, &answer);
    assert_int_equal(answer.status, 200);
    assert_string_equal(answer_field(&answer, "Connection", text), "close");
    assert_true(peer_is_closed(&busy, 5000));
    assert_int_equal(peer_ask(&idle, get, &answer), 200);
    assert_string_equal(answer_field(&answer, "Connection", text), "close");
    assert_true(peer_is_closed(&idle, 5000));
    for (int i = 0; i < 500 && ha_http_server_connections(bench.server) > 0; i++)
        poll(NULL, 0, 10);
    assert_int_equal(ha_http_server_connections(bench.server), 0);
    bench_stop(&bench);
}

static void http_end_idle_answers_what_was_sent(void **state)
{
    struct bench bench;
    ha_auto(peer_close) struct peer idle = {.fd = -1}, asking = {.fd = -1};
    ha_auto(answer_clear) struct answer answer = {0};
    bench_start(&bench, (struct ha_http_options){.idle_ms = 600000});
    peer_open(&idle, &bench);
    peer_open(&asking, &bench);
    assert_int_equal(peer_ask(&idle, get, &answer), 200);
    assert_int_equal(peer_ask(&asking, get, &answer), 200);
    bench_assert_quiet(&bench);
    ha_http_server_retire(bench.server);
    peer_say(&asking, get);
    ha_http_server_end_idle(bench.server);
    peer_take(&asking, true, &answer);
    assert_int_equal(answer.status, 200);
    assert_true(peer_is_closed(&asking, 5000));
    assert_true(peer_is_closed(&idle, 5000));
    bench_stop(&bench);
}

static void *open_and_close(void *argument)
{
    const struct bench *bench = argument;
    for (int i = 0; i < 100; i++) {
        struct peer peer = {.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
        if (connect(peer.fd, (const struct sockaddr *)&bench->address, sizeof bench->address) == 0)
            peer_say(&peer, i % 2 == 0 ? get : "GET /x HTTP/1.1\r\n");
        poll(NULL, 0, i % 5);
        peer_close(&peer);
    }
    return NULL;
}

// The watcher, the connections' threads and the clients all end connections at the same time.
static void http_connections_end_from_every_side_at_one_time(void **state)
{
    enum { CLIENTS = 8 };
    pthread_t clients[CLIENTS];
    struct bench bench;
    bench_start(&bench, (struct ha_http_options){.receive_ms = 2, .idle_ms = 1});
    for (size_t i = 0; i < CLIENTS; i++)
        assert_int_equal(pthread_create(&clients[i], NULL, open_and_close, &bench), 0);
    for (size_t i = 0; i < CLIENTS; i++)
        pthread_join(clients[i], NULL);
    assert_true(ha_http_server_wait(bench.server, ha_now_ms() + 5000));
    bench_stop(&bench);
}

static void *send_malformed(void *argument)
{
    const struct bench *bench = argument;
    for (int i = 0; i < 20; i++) {
        struct peer peer = {.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
        if (connect(peer.fd, (const struct sockaddr *)&bench->address, sizeof bench->address) == 0)
            peer_say(&peer, "POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: -1\r\n\r\n");
        peer_close(&peer);
    }
    return NULL;
}

static void http_free_while_requests_are_refused_is_clean(void **state)
{
    for (int round = 0; round < 40; round++) {
        pthread_t clients[4];
        struct bench bench, for_clients;
        bench_start(&bench, (struct ha_http_options){0});
        for_clients = bench;  // the bench's path is cut when it stops
        for (size_t i = 0; i < HA_ARRAY_SIZE(clients); i++)
            assert_int_equal(pthread_create(&clients[i], NULL, send_malformed, &for_clients), 0);
        poll(NULL, 0, round % 8);
        bench_stop(&bench);
        for (size_t i = 0; i < HA_ARRAY_SIZE(clients); i++)
            pthread_join(clients[i], NULL);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(http_half_request_times_out),
        cmocka_unit_test(http_dripping_request_times_out),
        cmocka_unit_test(http_dripping_request_in_time_is_served),
        cmocka_unit_test(http_second_request_times_out_too),
        cmocka_unit_test(http_idle_connection_is_closed_without_a_word),
        cmocka_unit_test(http_handler_may_take_longer_than_every_limit),
        cmocka_unit_test(http_client_that_takes_no_reply_is_cut_off),
        cmocka_unit_test(http_drain_finishes_what_is_under_way),
        cmocka_unit_test(http_free_waits_for_nobody_who_is_idle),
        cmocka_unit_test(http_retire_ends_each_connection_with_a_reply),
        cmocka_unit_test(http_end_idle_answers_what_was_sent),
        cmocka_unit_test(http_connections_end_from_every_side_at_one_time),
        cmocka_unit_test(http_free_while_requests_are_refused_is_clean),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
