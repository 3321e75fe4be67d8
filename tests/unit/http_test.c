// SPDX-License-Identifier: Apache-2.0
// HTTP as clients speak it: requests arrive as they were sent, replies go out whole, connections are kept.
#include "http_peer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

static const char get[] = "GET /x HTTP/1.1\r\nHost: h\r\n\r\n";

// The first word at that place of a handler's text.
static const char *word(const struct answer *answer, size_t index, char text[static 256])
{
    const char *at = ha_buf_text(&answer->body);
    while (index-- > 0)
        at += strcspn(at, " ") + 1;
    snprintf(text, 256, "%.*s", (int)strcspn(at, " "), at);
    return text;
}

static int setup(void **state)
{
    static struct bench bench;
    bench_start(&bench, (struct ha_http_options){0});
    *state = &bench;
    return 0;
}

static int teardown(void **state)
{
    bench_stop(*state);
    return 0;
}

static void http_connection_is_kept_over_requests(void **state)
{
    ha_auto(peer_close) struct peer peer;
    ha_auto(answer_clear) struct answer answer = {0};
    char text[256];
    peer_open(&peer, *state);
    for (int i = 0; i < 100; i++) {
        assert_int_equal(peer_ask(&peer, get, &answer), 200);
        assert_string_equal(answer_field(&answer, "Connection", text), "");
    }
    assert_false(peer_is_closed(&peer, 50));
}

static void http_request_arrives_as_sent(void **state)
{
    ha_auto(peer_close) struct peer peer;
    ha_auto(answer_clear) struct answer answer = {0};
    char expected[512], id[256];
    peer_open(&peer, *state);
    assert_int_equal(peer_ask(&peer,
                              "PUT /v1/keys/a%2fb%20c/sign?x=%41&y HTTP/1.1\r\nHost: h\r\nOrigin: http://evil\r\n"
                              "If-None-Match: *\r\nContent-Length: 5\r\n\r\nhello",
                              &answer),
                     200);
    answer_field(&answer, "Request-Id", id);
    snprintf(expected, sizeof expected, "PUT /v1/keys/a%%2fb%%20c/sign x=%%41&y 5 http://evil * bench 1 %u %s",
             geteuid(), id);
    assert_string_equal(ha_buf_text(&answer.body), expected);
}

static void http_reply_has_its_fields(void **state)
{
    ha_auto(peer_close) struct peer peer;
    ha_auto(answer_clear) struct answer answer = {0};
    char text[256];
    peer_open(&peer, *state);
    assert_int_equal(peer_ask(&peer, "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc", &answer), 200);
    assert_string_equal(answer_field(&answer, "Content-Type", text), "text/plain");
    assert_string_equal(answer_field(&answer, "Content-Length", text), "3");
    assert_string_equal(answer_field(&answer, "Cache-Control", text), "no-store");
    assert_string_equal(answer_field(&answer, "Retry-After", text), "");
    assert_string_equal(answer_field(&answer, "Allow", text), "");
    assert_true(strlen(answer_field(&answer, "Request-Id", text)) >= 12);
    assert_int_equal(peer_ask(&peer, "GET /busy HTTP/1.1\r\nHost: h\r\n\r\n", &answer), 503);
    assert_string_equal(answer_field(&answer, "Retry-After", text), "7");
    assert_string_equal(answer_field(&answer, "Allow", text), "GET, PUT");
    assert_string_equal(answer_field(&answer, "Connection", text), "close");
    assert_string_equal(answer_field(&answer, "Content-Length", text), "0");
    assert_true(peer_is_closed(&peer, 5000));
}

static void http_request_ids_differ(void **state)
{
    enum { IDS = 200 };
    ha_auto(peer_close) struct peer peer;
    char ids[IDS][256];
    peer_open(&peer, *state);
    for (size_t i = 0; i < IDS; i++) {
        ha_auto(answer_clear) struct answer answer = {0};
        assert_int_equal(peer_ask(&peer, get, &answer), 200);
        answer_field(&answer, "Request-Id", ids[i]);
        assert_true(strlen(ids[i]) < sizeof(((struct ha_request *)NULL)->id));
        for (size_t j = 0; j < i; j++)
            assert_string_not_equal(ids[i], ids[j]);
    }
}

static void http_pipelined_requests_are_answered_in_order(void **state)
{
    ha_auto(peer_close) struct peer peer;
    ha_auto(answer_clear) struct answer answer = {0};
    char text[256];
    peer_open(&peer, *state);
    peer_say(&peer, "GET /one HTTP/1.1\r\nHost: h\r\n\r\n"
                    "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\ntwo"
                    "GET /three HTTP/1.1\r\nHost: h\r\n\r\n");
    peer_take(&peer, true, &answer);
    assert_string_equal(word(&answer, 1, text), "/one");
    peer_take(&peer, true, &answer);
    assert_string_equal(ha_buf_text(&answer.body), "two");
    peer_take(&peer, true, &answer);
    assert_string_equal(word(&answer, 1, text), "/three");
}

static void http_body_arrives_in_any_pieces(void **state)
{
    static const char head[] = "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 262144\r\n\r\n";
    ha_auto(peer_close) struct peer peer;
    ha_auto(answer_clear) struct answer answer = {0};
    ha_auto(ha_buf_clear) struct ha_buf body = {0};
    peer_open(&peer, *state);
    for (unsigned i = 0; i < HA_BODY_MAX; i++)
        ha_buf_putc(&body, (char)(i * 7 + i / 251));
    for (const char *c = head; *c; c++)
        assert_true(peer_send(&peer, c, 1));
    assert_true(peer_send(&peer, body.data, 1));
    assert_true(peer_send(&peer, body.data + 1, 70000));
    assert_true(peer_send(&peer, body.data + 70001, HA_BODY_MAX - 70001));
    peer_take(&peer, true, &answer);
    assert_int_equal(answer.status, 200);
    assert_int_equal(answer.body.len, HA_BODY_MAX);
    assert_memory_equal(answer.body.data, body.data, HA_BODY_MAX);
}

static void http_chunked_body_is_put_together(void **state)
{
    ha_auto(peer_close) struct peer peer;
    ha_auto(answer_clear) struct answer answer = {0};
    peer_open(&peer, *state);
    assert_int_equal(peer_ask(&peer,
                              "POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
                              "5\r\nhello\r\n1;ext=1\r\n \r\n6\r\nworld!\r\n0\r\nTrailer: x\r\n\r\n",
                              &answer),
                     200);
    assert_string_equal(ha_buf_text(&answer.body), "hello world!");
    assert_int_equal(peer_ask(&peer, get, &answer), 200);
}

static void http_expect_continue_is_answered_first(void **state)
{
    ha_auto(peer_close) struct peer peer;
    ha_auto(answer_clear) struct answer answer = {0};
    peer_open(&peer, *state);
    peer_say(&peer, "POST /echo HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
    peer_take(&peer, false, &answer);
    assert_int_equal(answer.status, 100);
    assert_int_equal(peer_ask(&peer, "ok", &answer), 200);
    assert_string_equal(ha_buf_text(&answer.body), "ok");
}

static void http_1_0_connection_is_closed_after_the_reply(void **state)
{
    ha_auto(peer_close) struct peer peer;
    ha_auto(answer_clear) struct answer answer = {0};
    peer_open(&peer, *state);
    assert_int_equal(peer_ask(&peer, "GET /x HTTP/1.0\r\n\r\n", &answer), 200);
    assert_true(peer_is_closed(&peer, 5000));
}

static void http_1_0_connection_is_kept_when_asked(void **state)
{
    ha_auto(peer_close) struct peer peer;
    ha_auto(answer_clear) struct answer answer = {0};
    peer_open(&peer, *state);
    for (int i = 0; i < 3; i++)
        assert_int_equal(peer_ask(&peer, "GET /x HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", &answer), 200);
}

static void http_connection_close_is_obeyed(void **state)
{
    ha_auto(peer_close) struct peer peer;
    ha_auto(answer_clear) struct answer answer = {0};
    peer_open(&peer, *state);
    assert_int_equal(peer_ask(&peer, "GET /x HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", &answer), 200);
    assert_true(peer_is_closed(&peer, 5000));
}

static void http_head_has_no_body(void **state)
{
    ha_auto(peer_close) struct peer peer;
    ha_auto(answer_clear) struct answer answer = {0};
    char text[256];
    peer_open(&peer, *state);
    peer_say(&peer, "HEAD /x HTTP/1.1\r\nHost: h\r\n\r\n");
    peer_take(&peer, false, &answer);
    assert_int_equal(answer.status, 200);
    assert_true(strtoul(answer_field(&answer, "Content-Length", text), NULL, 10) > 0);
    assert_int_equal(peer_ask(&peer, get, &answer), 200);
    assert_string_equal(word(&answer, 0, text), "GET");
}

static void http_absolute_target_gives_its_path(void **state)
{
    ha_auto(peer_close) struct peer peer;
    ha_auto(answer_clear) struct answer answer = {0};
    char text[256];
    peer_open(&peer, *state);
    assert_int_equal(
        peer_ask(&peer, "GET http://localhost:80/v1/keys?a=b HTTP/1.1\r\nHost: localhost\r\n\r\n", &answer), 200);
    assert_string_equal(word(&answer, 1, text), "/v1/keys");
    assert_string_equal(word(&answer, 2, text), "a=b");
}

static void http_half_closed_client_gets_its_reply(void **state)
{
    ha_auto(peer_close) struct peer peer;
    ha_auto(answer_clear) struct answer answer = {0};
    peer_open(&peer, *state);
    peer_say(&peer, get);
    assert_int_equal(shutdown(peer.fd, SHUT_WR), 0);
    peer_take(&peer, true, &answer);
    assert_int_equal(answer.status, 200);
    assert_true(peer_is_closed(&peer, 5000));
}

static void http_big_reply_goes_out_whole(void **state)
{
    ha_auto(peer_close) struct peer peer;
    ha_auto(answer_clear) struct answer answer = {0};
    peer_open(&peer, *state);
    assert_int_equal(peer_ask(&peer, "GET /big HTTP/1.1\r\nHost: h\r\n\r\n", &answer), 200);
    assert_int_equal(answer.body.len, BIG_REPLY);
    assert_int_equal(peer_ask(&peer, get, &answer), 200);
}

static void http_client_that_leaves_harms_nobody(void **state)
{
    for (int i = 0; i < 50; i++) {
        struct peer peer;
        peer_open(&peer, *state);
        peer_say(&peer, i % 3 == 0   ? "GET /big HTTP/1.1\r\nHost: h\r\n\r\n"
                        : i % 3 == 1 ? "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nabc"
                                     : "GET /x HT");
        peer_close(&peer);
    }
    assert_int_equal(peer_status(*state, get), 200);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(http_connection_is_kept_over_requests),
        cmocka_unit_test(http_request_arrives_as_sent),
        cmocka_unit_test(http_reply_has_its_fields),
        cmocka_unit_test(http_request_ids_differ),
        cmocka_unit_test(http_pipelined_requests_are_answered_in_order),
        cmocka_unit_test(http_body_arrives_in_any_pieces),
        cmocka_unit_test(http_chunked_body_is_put_together),
        cmocka_unit_test(http_expect_continue_is_answered_first),
        cmocka_unit_test(http_1_0_connection_is_closed_after_the_reply),
        cmocka_unit_test(http_1_0_connection_is_kept_when_asked),
        cmocka_unit_test(http_connection_close_is_obeyed),
        cmocka_unit_test(http_head_has_no_body),
        cmocka_unit_test(http_absolute_target_gives_its_path),
        cmocka_unit_test(http_half_closed_client_gets_its_reply),
        cmocka_unit_test(http_big_reply_goes_out_whole),
        cmocka_unit_test(http_client_that_leaves_harms_nobody),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, setup, teardown);
}
