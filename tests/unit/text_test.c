// SPDX-License-Identifier: Apache-2.0
// Tests of base/text.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/text.h"

#include <string.h>

// RFC 4648 section 10, and bytes that tell the two alphabets apart.
static const struct {
    const char *bytes;
    const char *standard;
    const char *url;
} vectors[] = {
    {"", "", ""},
    {"f", "Zg==", "Zg"},
    {"fo", "Zm8=", "Zm8"},
    {"foo", "Zm9v", "Zm9v"},
    {"foob", "Zm9vYg==", "Zm9vYg"},
    {"fooba", "Zm9vYmE=", "Zm9vYmE"},
    {"foobar", "Zm9vYmFy", "Zm9vYmFy"},
    {"\xfb\xff\xbe", "+/++", "-_--"},
    {"\xff\xff\xff", "////", "____"},
};

static void text_base64_encodes_the_vectors(void **state)
{
    for (size_t i = 0; i < HA_ARRAY_SIZE(vectors); i++) {
        ha_auto(ha_buf_clear) struct ha_buf standard = {0};
        ha_auto(ha_buf_clear) struct ha_buf url = {0};
        ha_b64_encode(&standard, vectors[i].bytes, strlen(vectors[i].bytes), 0);
        ha_b64u_encode(&url, vectors[i].bytes, strlen(vectors[i].bytes));
        assert_string_equal(ha_buf_text(&standard), vectors[i].standard);
        assert_string_equal(ha_buf_text(&url), vectors[i].url);
    }
}

static void text_base64_wraps_lines(void **state)
{
    ha_auto(ha_buf_clear) struct ha_buf out = {0};
    ha_b64_encode(&out, "foobar", 6, 4);
    assert_string_equal(ha_buf_text(&out), "Zm9v\nYmFy\n");
    ha_buf_reset(&out);
    ha_b64_encode(&out, "fooba", 5, 6);
    assert_string_equal(ha_buf_text(&out), "Zm9vYm\nE=\n");
    ha_buf_reset(&out);
    ha_b64_encode(&out, "", 0, 64);
    assert_string_equal(ha_buf_text(&out), "");
}

static void text_base64url_decodes_what_it_encodes(void **state)
{
    uint8_t bytes[300];
    struct ha_err err = {0};
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(i * 167 + 13);
    for (size_t n = 0; n <= sizeof bytes; n++) {
        ha_auto(ha_buf_clear) struct ha_buf text = {0};
        ha_auto(ha_buf_clear) struct ha_buf back = {0};
        ha_buf_puts(&back, "before");
        ha_b64u_encode(&text, bytes, n);
        assert_int_equal(ha_b64u_decode(&back, ha_buf_text(&text), text.len, &err), HA_OK);
        assert_int_equal(back.len, 6 + n);
        assert_memory_equal(back.data, "before", 6);
        assert_memory_equal(back.data + 6, bytes, n);
    }
    assert_int_equal(err.code, HA_OK);
}

static void text_base64url_refuses_every_other_form(void **state)
{
    static const char *const bad[] = {
        "A",  "AAAAA", "Zg=",  "Zg==",        "Zm9v\n", " Zm9v", "Zm 9v", "Zm9v+A", "Zm/v",
        "Zh", "Zm9",   "Z!==", "Zm9\xc3\xa4", "_____",  "-_-.",  "AB",    "AAB",    "\x80"};
    for (size_t i = 0; i < HA_ARRAY_SIZE(bad); i++) {
        ha_auto(ha_buf_clear) struct ha_buf out = {0};
        struct ha_err err = {0};
        ha_buf_puts(&out, "kept");
        assert_int_equal(ha_b64u_decode(&out, bad[i], strlen(bad[i]), &err), HA_E_MALFORMED);
        assert_int_equal(out.len, 4);
        assert_true(ha_buf_ok(&out));
    }
    ha_auto(ha_buf_clear) struct ha_buf out = {0};
    struct ha_err err = {0};
    assert_int_equal(ha_b64u_decode(&out, "AA\0A", 4, &err), HA_E_MALFORMED);
}

// Whichever byte it is, wherever it stands among those that are decoded together.
static void text_base64url_takes_64_characters(void **state)
{
    for (size_t at = 0; at < 8; at++) {
        unsigned taken = 0;
        for (unsigned c = 0; c < 256; c++) {
            ha_auto(ha_buf_clear) struct ha_buf out = {0};
            struct ha_err err = {0};
            char text[] = "AAAAAAAA";
            text[at] = (char)c;
            taken += ha_b64u_decode(&out, text, 8, &err) == HA_OK;
        }
        assert_int_equal(taken, 64);
    }
}

static void text_standard_base64_is_refused_with_the_way_out(void **state)
{
    static const char *const standard[] = {"+A", "/A", "Zg=="};
    for (size_t i = 0; i < HA_ARRAY_SIZE(standard); i++) {
        ha_auto(ha_buf_clear) struct ha_buf out = {0};
        struct ha_err err = {0};
        ha_b64u_decode(&out, standard[i], strlen(standard[i]), &err);
        assert_non_null(strstr(err.hint, "Base64url without padding"));
    }
}

static void text_base64url_takes_one_form_for_each_value(void **state)
{
    // Of all texts of two characters, exactly 256 decode: one for each byte.
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    unsigned taken = 0;
    for (size_t i = 0; i < 64; i++) {
        for (size_t k = 0; k < 64; k++) {
            ha_auto(ha_buf_clear) struct ha_buf out = {0};
            struct ha_err err = {0};
            taken += ha_b64u_decode(&out, (const char[]){alphabet[i], alphabet[k]}, 2, &err) == HA_OK;
        }
    }
    assert_int_equal(taken, 256);
}

static void text_hex_goes_there_and_back(void **state)
{
    ha_auto(ha_buf_clear) struct ha_buf text = {0};
    ha_auto(ha_buf_clear) struct ha_buf back = {0};
    struct ha_err err = {0};
    uint8_t bytes[256];
    for (unsigned i = 0; i < 256; i++)
        bytes[i] = (uint8_t)i;
    ha_hex_encode(&text, bytes, sizeof bytes);
    assert_int_equal(text.len, 512);
    assert_memory_equal(text.data + 508, "feff", 5);
    assert_int_equal(ha_hex_decode(&back, ha_buf_text(&text), text.len, &err), HA_OK);
    assert_int_equal(back.len, 256);
    assert_memory_equal(back.data, bytes, 256);
    assert_int_equal(ha_hex_decode(&back, "aBCd", 4, &err), HA_OK);
    assert_memory_equal(back.data + 256, "\xab\xcd", 2);
}

static void text_hex_refuses_what_isnt_hex(void **state)
{
    static const char *const bad[] = {"a", "abc", "0x", "g0", "0g", " a", "a:", "-1"};
    for (size_t i = 0; i < HA_ARRAY_SIZE(bad); i++) {
        ha_auto(ha_buf_clear) struct ha_buf out = {0};
        struct ha_err err = {0};
        assert_int_equal(ha_hex_decode(&out, bad[i], strlen(bad[i]), &err), HA_E_MALFORMED);
        assert_int_equal(out.len, 0);
    }
    ha_auto(ha_buf_clear) struct ha_buf out = {0};
    struct ha_err err = {0};
    assert_int_equal(ha_hex_decode(&out, "abcd", 3, &err), HA_E_MALFORMED);
    assert_int_equal(out.len, 0);
}

static void text_utf8_knows_the_edges(void **state)
{
    static const char *const good[] = {"",
                                       "plain",
                                       "\x7f",
                                       "\xc2\x80",
                                       "\xdf\xbf",
                                       "\xe0\xa0\x80",
                                       "\xed\x9f\xbf",
                                       "\xee\x80\x80",
                                       "\xef\xbf\xbf",
                                       "\xf0\x90\x80\x80",
                                       "\xf4\x8f\xbf\xbf"};
    static const char *const bad[] = {"\x80",
                                      "\xbf",
                                      "\xc0\x80",
                                      "\xc1\xbf",
                                      "\xc2",
                                      "\xc2\x41",
                                      "\xe0\x9f\xbf",
                                      "\xe0\xa0",
                                      "\xed\xa0\x80",
                                      "\xed\xbf\xbf",
                                      "\xf0\x8f\xbf\xbf",
                                      "\xf0\x90\x80",
                                      "\xf4\x90\x80\x80",
                                      "\xf5\x80\x80\x80",
                                      "\xff",
                                      "\xe2\x82\x41",
                                      "ok\xfe"};
    for (size_t i = 0; i < HA_ARRAY_SIZE(good); i++)
        assert_true(ha_utf8_valid(good[i], strlen(good[i])));
    for (size_t i = 0; i < HA_ARRAY_SIZE(bad); i++)
        assert_false(ha_utf8_valid(bad[i], strlen(bad[i])));
    assert_true(ha_utf8_valid("a\0b", 3));
    assert_int_equal(ha_utf8_next("\xf0\x9f\x94\x91x", 5), 4);
    assert_int_equal(ha_utf8_next("", 0), 0);
    assert_int_equal(ha_utf8_next("\xc3\xa4", 1), 0);
    assert_int_equal(ha_utf8_next("\xe2\x82\xac", 2), 0);
    assert_int_equal(ha_utf8_next("\xf0\x9f\x94\x91", 3), 0);
}

static void text_names_are_plain_and_short(void **state)
{
    char name[66];
    memset(name, 'n', sizeof name);
    name[65] = '\0';
    assert_false(ha_name_valid(name));
    name[64] = '\0';
    assert_true(ha_name_valid(name));
    static const char *const good[] = {"a", "9", "edge-tls", "A.b_c-1"};
    static const char *const bad[] = {"", ".", "..", "-a", "_a", ".a", "a/b", "a b", "a\n", "a*", "k\xc3\xa4se", "a%"};
    for (size_t i = 0; i < HA_ARRAY_SIZE(good); i++)
        assert_true(ha_name_valid(good[i]));
    for (size_t i = 0; i < HA_ARRAY_SIZE(bad); i++)
        assert_false(ha_name_valid(bad[i]));
}

static void text_glob_matches_like_a_shell(void **state)
{
    assert_true(ha_glob_match("*", "anything"));
    assert_true(ha_glob_match("edge-*", "edge-tls"));
    assert_true(ha_glob_match("edge-[ab]?", "edge-a1"));
    assert_true(ha_glob_match("exact", "exact"));
    assert_false(ha_glob_match("exact", "Exact"));
    assert_false(ha_glob_match("edge-*", "xedge-a"));
    assert_false(ha_glob_match("edge-[!a]", "edge-a"));
    assert_false(ha_glob_match("", "a"));
}

static void text_numbers_are_digits_in_range(void **state)
{
    uint64_t value = 77;
    static const char *const bad[] = {
        "", " 1", "1 ", "-1", "+1", "1.0", "0x10", "1e3", "18446744073709551616", "30000000000000000000", "a"};
    for (size_t i = 0; i < HA_ARRAY_SIZE(bad); i++)
        assert_false(ha_parse_uint(bad[i], 0, UINT64_MAX, &value));
    assert_false(ha_parse_uint("4", 5, 10, &value));
    assert_false(ha_parse_uint("11", 5, 10, &value));
    assert_int_equal(value, 77);
    assert_true(ha_parse_uint("5", 5, 10, &value));
    assert_int_equal(value, 5);
    assert_true(ha_parse_uint("18446744073709551615", 0, UINT64_MAX, &value));
    assert_true(value == UINT64_MAX);
}

static void text_equal_sees_every_byte(void **state)
{
    char a[40], b[40];
    memset(a, 'x', sizeof a);
    memset(b, 'x', sizeof b);
    assert_true(ha_equal_ct(a, b, sizeof a));
    for (size_t i = 0; i < sizeof a; i++) {
        b[i] ^= (char)0x80;
        assert_false(ha_equal_ct(a, b, sizeof a));
        b[i] ^= (char)0x80;
    }
    assert_true(ha_equal_ct(NULL, NULL, 0));
}

static void b64u_bad_character_in_a_whole_group_is_refused(void **state)
{
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    for (size_t at = 0; at < 8; at++) {
        for (unsigned c = 0; c <= UINT8_MAX; c++) {
            ha_auto(ha_buf_clear) struct ha_buf out = {0};
            struct ha_err err = {0};
            char text[] = "aGVsbG8h";
            text[at] = (char)c;
            bool good = c && strchr(alphabet, (char)c);
            assert_int_equal(ha_b64u_decode(&out, text, 8, &err), good ? HA_OK : HA_E_MALFORMED);
            assert_int_equal(out.len, good ? 6 : 0);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(b64u_bad_character_in_a_whole_group_is_refused),
        cmocka_unit_test(text_base64_encodes_the_vectors),
        cmocka_unit_test(text_base64_wraps_lines),
        cmocka_unit_test(text_base64url_decodes_what_it_encodes),
        cmocka_unit_test(text_base64url_refuses_every_other_form),
        cmocka_unit_test(text_base64url_takes_64_characters),
        cmocka_unit_test(text_standard_base64_is_refused_with_the_way_out),
        cmocka_unit_test(text_base64url_takes_one_form_for_each_value),
        cmocka_unit_test(text_hex_goes_there_and_back),
        cmocka_unit_test(text_hex_refuses_what_isnt_hex),
        cmocka_unit_test(text_utf8_knows_the_edges),
        cmocka_unit_test(text_names_are_plain_and_short),
        cmocka_unit_test(text_glob_matches_like_a_shell),
        cmocka_unit_test(text_numbers_are_digits_in_range),
        cmocka_unit_test(text_equal_sees_every_byte),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
