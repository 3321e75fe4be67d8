// SPDX-License-Identifier: Apache-2.0
// The response head's reader: what it takes, what it refuses, and that it does both alike however the bytes come.
#include "client/http1.h"

#include "base/buf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static enum ha_code read_text(const char *text, bool *ret_complete, struct ha_http1_head *ret_head)
{
    struct ha_err err = {0};
    return ha_http1_head_read(text, strlen(text), ret_complete, ret_head, &err);
}

static void http1_whole_head_is_read(void **state)
{
    static const char text[] = "HTTP/1.1 503 Service Unavailable\r\ncontent-LENGTH: \t17 \r\nRetry-After: 3\r\n"
                               "Connection: keep-alive, Close\r\nX-Empty:\r\n\r\n";
    bool complete = false;
    struct ha_http1_head head = {0};
    assert_int_equal(read_text(text, &complete, &head), HA_OK);
    assert_true(complete);
    assert_int_equal(head.len, strlen(text));
    assert_int_equal(head.status, 503);
    assert_int_equal(head.body_len, 17);
    assert_int_equal(head.retry_after_s, 3);
    assert_true(head.close);
}

static void http1_head_without_close_stays_open(void **state)
{
    bool complete = false;
    struct ha_http1_head head = {.close = true};
    assert_int_equal(read_text("HTTP/1.1 200\r\nContent-Length: 0\r\nConnection: closely\r\n\r\n", &complete, &head),
                     HA_OK);
    assert_true(complete);
    assert_false(head.close);
    assert_int_equal(head.status, 200);
}

static void http1_every_prefix_asks_for_more(void **state)
{
    static const char text[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nA: b\r\n\r\n";
    for (size_t n = 0; n < sizeof text - 1; n++) {
        bool complete = true;
        struct ha_http1_head head;
        struct ha_err err = {0};
        assert_int_equal(ha_http1_head_read(text, n, &complete, &head, &err), HA_OK);
        assert_false(complete);
    }
}

static void http1_body_behind_the_head_is_not_looked_at(void **state)
{
    bool complete = false;
    struct ha_http1_head head;
    assert_int_equal(read_text("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n\x01\r\n\r\n:", &complete, &head), HA_OK);
    assert_true(complete);
    assert_int_equal(head.len, 38);
    assert_int_equal(head.body_len, 6);
}

static void http1_wrong_heads_are_refused(void **state)
{
    static const char *const wrong[] = {
        "SSH-2.0-OpenSSH_9.2\r\n",
        "H x",
        "HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n",
        "HTTP/2 200\r\n\r\n",
        "HTTP/1.1 2 0\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 2000\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 20x OK\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 100 Continue\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 600 Odd\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 200 OK\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length:\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: +1\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1 1\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 0x1\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1,1\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 8388609\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 18446744073709551616\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: identity\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length : 1\r\n\r\n",
        "HTTP/1.1 200 OK\r\n Content-Length: 1\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n folded\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n: none\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nnone\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\nA: b\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nA: b\rc\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nA: \x7f\r\n\r\n",
        "HTTP/1.1 200 O\x1b[2J\r\nContent-Length: 1\r\n\r\n",
    };
    for (size_t i = 0; i < HA_ARRAY_SIZE(wrong); i++) {
        bool complete = false;
        struct ha_http1_head head = {.status = 1};
        if (read_text(wrong[i], &complete, &head) != HA_E_AGENT)
            fail_msg("taken: %s", wrong[i]);
        assert_false(complete);
        assert_int_equal(head.status, 1);
    }
}

static void http1_largest_length_is_taken(void **state)
{
    bool complete = false;
    struct ha_http1_head head;
    assert_int_equal(read_text("HTTP/1.1 200 OK\r\nContent-Length: 8388608\r\n\r\n", &complete, &head), HA_OK);
    assert_int_equal(head.body_len, HA_HTTP1_BODY_MAX);
}

static void http1_nul_in_the_head_is_refused(void **state)
{
    static const char text[] = "HTTP/1.1 200 OK\r\nA: \0\r\nContent-Length: 1\r\n\r\n";
    bool complete = false;
    struct ha_http1_head head;
    struct ha_err err = {0};
    assert_int_equal(ha_http1_head_read(text, sizeof text - 1, &complete, &head, &err), HA_E_AGENT);
}

// A head of exactly n bytes.
static void make_head(struct ha_buf *out, size_t n)
{
    ha_buf_puts(out, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nA: ");
    while (out->len < n - 4)
        ha_buf_putc(out, 'a');
    ha_buf_puts(out, "\r\n\r\n");
}

static void http1_head_of_the_limit_is_taken_and_one_more_refused(void **state)
{
    for (size_t over = 0; over < 2; over++) {
        ha_auto(ha_buf_clear) struct ha_buf text = {0};
        bool complete = false;
        struct ha_http1_head head;
        struct ha_err err = {0};
        make_head(&text, HA_HTTP1_HEAD_MAX + over);
        enum ha_code code = ha_http1_head_read(ha_buf_text(&text), text.len, &complete, &head, &err);
        assert_int_equal(code, over ? HA_E_AGENT : HA_OK);
        assert_int_equal(complete, !over);
    }
}

// Whatever bytes are changed: taken or refused, never read outside (valgrind and the sanitizers watch), never a wrong
// length.
static void http1_changed_bytes_never_break_it(void **state)
{
    static const char text[] = "HTTP/1.1 200 OK\r\nContent-Length: 21\r\nConnection: close\r\n\r\n";
    for (size_t at = 0; at < sizeof text - 1; at++) {
        for (unsigned byte = 0; byte < 256; byte++) {
            char *copy = malloc(sizeof text - 1);
            bool complete = false;
            struct ha_http1_head head = {0};
            struct ha_err err = {0};
            assert_non_null(copy);
            memcpy(copy, text, sizeof text - 1);
            copy[at] = (char)byte;
            enum ha_code code = ha_http1_head_read(copy, sizeof text - 1, &complete, &head, &err);
            assert_true(code == HA_OK || code == HA_E_AGENT);
            if (complete) {
                assert_true(head.len <= sizeof text - 1 && head.body_len <= 999);
                assert_true(head.status >= 200 && head.status <= 599);
            }
            free(copy);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(http1_whole_head_is_read),
        cmocka_unit_test(http1_head_without_close_stays_open),
        cmocka_unit_test(http1_every_prefix_asks_for_more),
        cmocka_unit_test(http1_body_behind_the_head_is_not_looked_at),
        cmocka_unit_test(http1_wrong_heads_are_refused),
        cmocka_unit_test(http1_largest_length_is_taken),
        cmocka_unit_test(http1_nul_in_the_head_is_refused),
        cmocka_unit_test(http1_head_of_the_limit_is_taken_and_one_more_refused),
        cmocka_unit_test(http1_changed_bytes_never_break_it),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("client_http1", tests, NULL, NULL);
}
