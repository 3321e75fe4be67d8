// SPDX-License-Identifier: Apache-2.0
// What bytes are: whole contents of each class, every truncation of them, and what differs from them by a little.
#include "policy/content.h"

#include "base/buf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

// Classifies a copy of exactly n bytes, so that a read behind them is seen by valgrind and the sanitizers.
static enum ha_content classify(const void *bytes, size_t n)
{
    uint8_t *copy = malloc(n > 0 ? n : 1);
    assert_non_null(copy);
    if (n > 0)
        memcpy(copy, bytes, n);
    enum ha_content content = ha_content_classify(copy, n);
    free(copy);
    return content;
}

static enum ha_content classify_buf(struct ha_buf *buf)
{
    assert_true(ha_buf_ok(buf));
    return classify(buf->data, buf->len);
}

static void put(struct ha_buf *buf, uint8_t byte, size_t times)
{
    for (size_t i = 0; i < times; i++)
        ha_buf_putc(buf, (char)byte);
}

static void put_number(struct ha_buf *buf, size_t bytes, size_t number)
{
    while (bytes-- > 0)
        ha_buf_putc(buf, (char)(number >> (8 * bytes)));
}

static void put_vector(struct ha_buf *buf, size_t length_bytes, uint8_t byte, size_t n)
{
    put_number(buf, length_bytes, n);
    put(buf, byte, n);
}

static void verify_content(struct ha_buf *buf, const char *context, size_t hash_len)
{
    ha_buf_reset(buf);
    put(buf, ' ', 64);
    ha_buf_append(buf, context, strlen(context) + 1);
    put(buf, 0xab, hash_len);
}

static void ecdhe(struct ha_buf *buf, size_t curve, uint8_t form, size_t point_len)
{
    ha_buf_reset(buf);
    put(buf, 0x5c, 64);
    put_number(buf, 1, 3);
    put_number(buf, 2, curve);
    put_number(buf, 1, point_len);
    if (point_len > 0)
        put_number(buf, 1, form);
    put(buf, 0x77, point_len > 0 ? point_len - 1 : 0);
}

static void dhe(struct ha_buf *buf, size_t p, size_t g, size_t y)
{
    ha_buf_reset(buf);
    put(buf, 0x5c, 64);
    put_vector(buf, 2, 0xfd, p);
    put_vector(buf, 2, 2, g);
    put_vector(buf, 2, 0x9a, y);
}

enum { TLS = 4, DTLS = 12 };

static void put_message(struct ha_buf *buf, size_t header, uint8_t type, const void *body, size_t n)
{
    put_number(buf, 1, type);
    put_number(buf, 3, n);
    if (header == DTLS) {
        put_number(buf, 2, type);
        put_number(buf, 3, 0);
        put_number(buf, 3, n);
    }
    if (n > 0)
        ha_buf_append(buf, body, n);
}

struct hello {
    size_t session, suites, compressions, extensions, trailing;
};
static const struct hello usual_hello = {.session = 32, .suites = 62, .compressions = 1, .extensions = 150};

static void put_client_hello(struct ha_buf *buf, size_t header, struct hello hello)
{
    ha_auto(ha_buf_clear) struct ha_buf body = {0};
    put_number(&body, 2, header == DTLS ? 0xfefd : 0x0303);
    put(&body, 0x11, 32);
    put_vector(&body, 1, 0x22, hello.session);
    if (header == DTLS)
        put_vector(&body, 1, 0x33, 20);
    put_vector(&body, 2, 0xc0, hello.suites);
    put_vector(&body, 1, 0, hello.compressions);
    if (hello.extensions)
        put_vector(&body, 2, 0, hello.extensions);
    put(&body, 0, hello.trailing);
    put_message(buf, header, 1, body.data, body.len);
}

// ServerHello, Certificate, ServerHelloDone, Certificate, ClientKeyExchange
static void put_answers(struct ha_buf *buf, size_t header)
{
    static const uint8_t types[] = {2, 11, 14, 11, 16}, body[] = {3, 3, 1, 2, 3, 4, 5, 6, 7, 8, 9};
    for (size_t i = 0; i < sizeof types; i++)
        put_message(buf, header, types[i], body, types[i] == 14 ? 0 : sizeof body);
}

static void transcript(struct ha_buf *buf, size_t header, struct hello hello)
{
    ha_buf_reset(buf);
    put_client_hello(buf, header, hello);
    put_answers(buf, header);
}

static void old_transcript(struct ha_buf *buf, size_t suites, size_t session, size_t challenge)
{
    ha_buf_reset(buf);
    put_number(buf, 1, 1);
    put_number(buf, 2, 0x0303);
    put_number(buf, 2, suites);
    put_number(buf, 2, session);
    put_number(buf, 2, challenge);
    put(buf, 0x44, suites + session + challenge);
    put_answers(buf, TLS);
}

static void put_der(struct ha_buf *buf, uint8_t tag, const struct ha_buf *value)
{
    put_number(buf, 1, tag);
    if (value->len >= 0x100)
        put_number(buf, 1, 0x82);
    else if (value->len >= 0x80)
        put_number(buf, 1, 0x81);
    put_number(buf, value->len >= 0x100 ? 2 : 1, value->len);
    ha_buf_append(buf, value->data, value->len);
}

// The elements, each a tag and a filling of that many bytes, in a SEQUENCE.
struct element {
    uint8_t tag, fill;
    size_t n;
};

static void sequence(struct ha_buf *buf, const struct element *elements, size_t n)
{
    ha_auto(ha_buf_clear) struct ha_buf body = {0};
    for (size_t i = 0; i < n; i++) {
        ha_auto(ha_buf_clear) struct ha_buf value = {0};
        put(&value, elements[i].fill, elements[i].n);
        put_der(&body, elements[i].tag, &value);
    }
    ha_buf_reset(buf);
    put_der(buf, 0x30, &body);
}

static const struct element csr_elements[] = {{0x02, 0, 1}, {0x30, 5, 40}, {0x30, 6, 300}, {0xa0, 7, 130}};
static const struct element x509_elements[] = {{0xa0, 2, 3},  {0x02, 9, 16},  {0x30, 1, 10},  {0x30, 2, 40},
                                               {0x30, 3, 30}, {0x30, 4, 140}, {0x30, 5, 294}, {0x81, 0, 5},
                                               {0x82, 0, 5},  {0xa3, 6, 200}};

static void content_of_tls13_is_its_context(void **state)
{
    static const struct {
        const char *context;
        enum ha_content content;
    } rows[] = {
        {"TLS 1.3, server CertificateVerify", HA_CONTENT_TLS13_SERVER},
        {"TLS 1.3, client CertificateVerify", HA_CONTENT_TLS13_CLIENT},
        {"TLS 1.3, Server CertificateVerify", HA_CONTENT_OTHER},
        {"TLS 1.3, server CertificateVerifY", HA_CONTENT_OTHER},
        {"TLS 1.3, server  ertificateVerify", HA_CONTENT_OTHER},
        {"TLS, server delegated credentials", HA_CONTENT_OTHER},
    };
    ha_auto(ha_buf_clear) struct ha_buf buf = {0};
    for (size_t i = 0; i < HA_ARRAY_SIZE(rows); i++) {
        for (size_t hash_len = 0; hash_len <= 80; hash_len++) {
            bool known = hash_len == 32 || hash_len == 48 || hash_len == 64;
            verify_content(&buf, rows[i].context, hash_len);
            assert_int_equal(classify_buf(&buf), known ? rows[i].content : HA_CONTENT_OTHER);
        }
    }
    // Any other byte before the hash makes something else of it.
    verify_content(&buf, rows[0].context, 32);
    for (size_t i = 0; i < buf.len - 32; i++) {
        buf.data[i] ^= 1;
        assert_int_equal(classify_buf(&buf), HA_CONTENT_OTHER);
        buf.data[i] ^= 1;
    }
    assert_int_equal(classify_buf(&buf), HA_CONTENT_TLS13_SERVER);
}

static void content_of_ecdhe_fits_its_curve(void **state)
{
    static const struct {
        size_t curve, field;
    } rows[] = {{23, 32}, {24, 48}, {25, 66}, {1, 21}, {14, 72}, {19, 24}, {21, 28}, {22, 32}, {26, 32}, {28, 64}};
    ha_auto(ha_buf_clear) struct ha_buf buf = {0};
    for (size_t i = 0; i < HA_ARRAY_SIZE(rows); i++) {
        for (size_t n = 0; n <= 255; n++) {
            for (unsigned form = 0; form <= 8; form++) {
                bool whole = n == 1 + 2 * rows[i].field && (form == 4 || form == 6 || form == 7);
                bool compressed = n == 1 + rows[i].field && (form == 2 || form == 3);
                ecdhe(&buf, rows[i].curve, (uint8_t)form, n);
                assert_int_equal(classify_buf(&buf), whole || compressed ? HA_CONTENT_TLS12_SERVER : HA_CONTENT_OTHER);
            }
        }
    }
    for (size_t n = 0; n <= 255; n++) {
        ecdhe(&buf, 29, 0x99, n);
        assert_int_equal(classify_buf(&buf), n == 32 ? HA_CONTENT_TLS12_SERVER : HA_CONTENT_OTHER);
        ecdhe(&buf, 30, 0x99, n);
        assert_int_equal(classify_buf(&buf), n == 56 ? HA_CONTENT_TLS12_SERVER : HA_CONTENT_OTHER);
        for (size_t curve = 31; curve < 35; curve++) {
            ecdhe(&buf, curve, 4, n);
            assert_int_equal(classify_buf(&buf), HA_CONTENT_OTHER);
        }
        ecdhe(&buf, 0, 4, n);
        assert_int_equal(classify_buf(&buf), HA_CONTENT_OTHER);
    }
    // Explicit curves, and a byte more.
    ecdhe(&buf, 23, 4, 65);
    buf.data[64] = 1;
    assert_int_equal(classify_buf(&buf), HA_CONTENT_OTHER);
    buf.data[64] = 3;
    put(&buf, 0, 1);
    assert_int_equal(classify_buf(&buf), HA_CONTENT_OTHER);
}

static void content_of_dhe_is_three_numbers(void **state)
{
    ha_auto(ha_buf_clear) struct ha_buf buf = {0};
    dhe(&buf, 256, 1, 256);
    assert_int_equal(classify_buf(&buf), HA_CONTENT_TLS12_SERVER);
    dhe(&buf, 128, 128, 127);
    assert_int_equal(classify_buf(&buf), HA_CONTENT_TLS12_SERVER);
    for (size_t empty = 0; empty < 3; empty++) {
        dhe(&buf, empty == 0 ? 0 : 256, empty == 1 ? 0 : 1, empty == 2 ? 0 : 256);
        assert_int_equal(classify_buf(&buf), HA_CONTENT_OTHER);
    }
    dhe(&buf, 256, 1, 256);
    put(&buf, 0, 1);
    assert_int_equal(classify_buf(&buf), HA_CONTENT_OTHER);
}

static void content_of_a_client_is_the_handshake(void **state)
{
    ha_auto(ha_buf_clear) struct ha_buf buf = {0};
    for (size_t header = TLS; header <= DTLS; header += DTLS - TLS) {
        const struct {
            struct hello hello;
            enum ha_content content;
        } rows[] = {
            {usual_hello, HA_CONTENT_TLS12_CLIENT},  {{0, 2, 1, 0, 0}, HA_CONTENT_TLS12_CLIENT},
            {{33, 62, 1, 150, 0}, HA_CONTENT_OTHER}, {{32, 61, 1, 150, 0}, HA_CONTENT_OTHER},
            {{32, 0, 1, 150, 0}, HA_CONTENT_OTHER},  {{32, 62, 0, 150, 0}, HA_CONTENT_OTHER},
            {{32, 62, 1, 150, 1}, HA_CONTENT_OTHER}, {{32, 62, 1, 0, 1}, HA_CONTENT_OTHER},
        };
        for (size_t i = 0; i < HA_ARRAY_SIZE(rows); i++) {
            transcript(&buf, header, rows[i].hello);
            assert_int_equal(classify_buf(&buf), rows[i].content);
        }
        // Another first message, no answer, no ServerHello among the answers.
        transcript(&buf, header, usual_hello);
        buf.data[0] = 2;
        assert_int_equal(classify_buf(&buf), HA_CONTENT_OTHER);
        ha_buf_reset(&buf);
        put_client_hello(&buf, header, usual_hello);
        assert_int_equal(classify_buf(&buf), HA_CONTENT_OTHER);
        put_message(&buf, header, 11, "x", 1);
        assert_int_equal(classify_buf(&buf), HA_CONTENT_OTHER);
        put_message(&buf, header, 2, "x", 1);
        assert_int_equal(classify_buf(&buf), HA_CONTENT_TLS12_CLIENT);
        put(&buf, 0, 1);
        assert_int_equal(classify_buf(&buf), HA_CONTENT_OTHER);
    }
    // A message of DTLS in fragments is hashed as one.
    transcript(&buf, DTLS, usual_hello);
    buf.data[8] ^= 1;
    assert_int_equal(classify_buf(&buf), HA_CONTENT_OTHER);
    transcript(&buf, DTLS, usual_hello);
    buf.data[11] ^= 1;
    assert_int_equal(classify_buf(&buf), HA_CONTENT_OTHER);
}

static void content_of_a_client_may_begin_as_in_ssl2(void **state)
{
    static const struct {
        size_t suites, session, challenge;
        enum ha_content content;
    } rows[] = {
        {30, 0, 32, HA_CONTENT_TLS12_CLIENT}, {3, 16, 16, HA_CONTENT_TLS12_CLIENT}, {31, 0, 32, HA_CONTENT_OTHER},
        {0, 0, 32, HA_CONTENT_OTHER},         {30, 33, 32, HA_CONTENT_OTHER},       {30, 0, 15, HA_CONTENT_OTHER},
        {30, 0, 33, HA_CONTENT_OTHER},
    };
    ha_auto(ha_buf_clear) struct ha_buf buf = {0};
    for (size_t i = 0; i < HA_ARRAY_SIZE(rows); i++) {
        old_transcript(&buf, rows[i].suites, rows[i].session, rows[i].challenge);
        assert_int_equal(classify_buf(&buf), rows[i].content);
    }
}

static void content_in_der_is_a_request_or_a_certificate(void **state)
{
    ha_auto(ha_buf_clear) struct ha_buf buf = {0};
    struct element csr[HA_ARRAY_SIZE(csr_elements)], x509[HA_ARRAY_SIZE(x509_elements)];
    sequence(&buf, csr_elements, HA_ARRAY_SIZE(csr));
    assert_int_equal(classify_buf(&buf), HA_CONTENT_CSR);
    put(&buf, 0, 1);
    assert_int_equal(classify_buf(&buf), HA_CONTENT_OTHER);
    sequence(&buf, csr_elements, HA_ARRAY_SIZE(csr) - 1);
    assert_int_equal(classify_buf(&buf), HA_CONTENT_OTHER);
    for (size_t i = 0; i < HA_ARRAY_SIZE(csr); i++) {
        memcpy(csr, csr_elements, sizeof csr);
        csr[i].tag ^= 1;
        sequence(&buf, csr, HA_ARRAY_SIZE(csr));
        assert_int_equal(classify_buf(&buf), HA_CONTENT_OTHER);
    }
    memcpy(csr, csr_elements, sizeof csr);
    csr[0].fill = 1;
    sequence(&buf, csr, HA_ARRAY_SIZE(csr));
    assert_int_equal(classify_buf(&buf), HA_CONTENT_OTHER);

    // From all down to what isn't optional at the end; without a version it is one of version 1.
    for (size_t n = HA_ARRAY_SIZE(x509); n >= 7; n--) {
        sequence(&buf, x509_elements, n);
        assert_int_equal(classify_buf(&buf), HA_CONTENT_X509);
        sequence(&buf, x509_elements + 1, n - 1);
        assert_int_equal(classify_buf(&buf), HA_CONTENT_X509);
    }
    sequence(&buf, x509_elements, 6);
    assert_int_equal(classify_buf(&buf), HA_CONTENT_OTHER);
    for (size_t i = 0; i < HA_ARRAY_SIZE(x509); i++) {
        memcpy(x509, x509_elements, sizeof x509);
        x509[i].tag ^= 0x40;
        sequence(&buf, x509, HA_ARRAY_SIZE(x509));
        assert_int_equal(classify_buf(&buf), HA_CONTENT_OTHER);
    }
    // Lengths that are indefinite, longer than they must be, or more than there is.
    static const struct {
        const char *bytes;
        size_t n;
    } wrong[] = {{"\x30\x80\x02\x01\x00", 5}, {"\x30\x81\x03\x02\x01\x00", 6}, {"\x30\x84\xff\xff\xff\xff", 6},
                 {"\x30\x83\xff\xff\xff", 5}, {"\x30\x82\x00\x80", 4},         {"\x30", 1}};
    for (size_t i = 0; i < HA_ARRAY_SIZE(wrong); i++)
        assert_int_equal(classify(wrong[i].bytes, wrong[i].n), HA_CONTENT_OTHER);
}

// No beginning of a content is one of its class, and no single bit that is changed brings a read out of bounds.
static void check_near(struct ha_buf *buf, enum ha_content content, size_t fixed)
{
    assert_int_equal(classify_buf(buf), content);
    for (size_t n = 0; n < buf->len; n++) {
        enum ha_content cut = classify(buf->data, n);
        assert_true(cut == HA_CONTENT_OTHER || (cut == content && n >= fixed));
    }
    for (size_t i = 0; i < buf->len * 8; i++) {
        buf->data[i / 8] ^= (uint8_t)(1u << i % 8);
        assert_in_range(classify_buf(buf), HA_CONTENT_OTHER, HA_CONTENT_COUNT - 1);
        buf->data[i / 8] ^= (uint8_t)(1u << i % 8);
    }
}

static void content_cut_off_is_another(void **state)
{
    ha_auto(ha_buf_clear) struct ha_buf buf = {0};
    verify_content(&buf, "TLS 1.3, server CertificateVerify", 32);
    check_near(&buf, HA_CONTENT_TLS13_SERVER, buf.len);
    // The other lengths of a hash are beginnings of this one.
    verify_content(&buf, "TLS 1.3, client CertificateVerify", 64);
    check_near(&buf, HA_CONTENT_TLS13_CLIENT, buf.len - 32);
    ecdhe(&buf, 23, 4, 65);
    check_near(&buf, HA_CONTENT_TLS12_SERVER, buf.len);
    ecdhe(&buf, 29, 4, 32);
    check_near(&buf, HA_CONTENT_TLS12_SERVER, buf.len);
    dhe(&buf, 256, 1, 256);
    check_near(&buf, HA_CONTENT_TLS12_SERVER, buf.len);
    // A handshake may end after any message behind the ServerHello.
    transcript(&buf, TLS, usual_hello);
    check_near(&buf, HA_CONTENT_TLS12_CLIENT, buf.len - 4 * TLS - 3 * 11);
    transcript(&buf, DTLS, usual_hello);
    check_near(&buf, HA_CONTENT_TLS12_CLIENT, buf.len - 4 * DTLS - 3 * 11);
    old_transcript(&buf, 30, 0, 32);
    check_near(&buf, HA_CONTENT_TLS12_CLIENT, buf.len - 4 * TLS - 3 * 11);
    sequence(&buf, csr_elements, HA_ARRAY_SIZE(csr_elements));
    check_near(&buf, HA_CONTENT_CSR, buf.len);
    sequence(&buf, x509_elements, HA_ARRAY_SIZE(x509_elements));
    check_near(&buf, HA_CONTENT_X509, buf.len);
}

static void content_of_messages_is_other(void **state)
{
    static const char *const texts[] = {
        "",
        "hello",
        "eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCJ9.eyJpc3MiOiJqb2UiLCJleHAiOjEzMDA4MTkzODB9",
        "\"@method\": POST\n\"@target-uri\": https://example.com/\n\"@signature-params\": ();created=1618884473",
        "                                                                TLS 1.3, server CertificateVerify",
        "<Document xmlns=\"urn:iso:std:iso:20022:tech:xsd:pain.001.001.03\"><CstmrCdtTrfInitn><GrpHdr/>",
    };
    for (size_t i = 0; i < HA_ARRAY_SIZE(texts); i++)
        assert_int_equal(classify(texts[i], strlen(texts[i])), HA_CONTENT_OTHER);
    // Bytes of every kind, from a generator that is the same everywhere.
    uint32_t random = 1;
    for (size_t n = 0; n < 2000; n++) {
        uint8_t bytes[512];
        for (size_t i = 0; i < sizeof bytes; i++) {
            random = random * 1664525 + 1013904223;
            bytes[i] = (uint8_t)(random >> 24);
        }
        assert_int_equal(classify(bytes, n % sizeof bytes), HA_CONTENT_OTHER);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(content_of_tls13_is_its_context),
        cmocka_unit_test(content_of_ecdhe_fits_its_curve),
        cmocka_unit_test(content_of_dhe_is_three_numbers),
        cmocka_unit_test(content_of_a_client_is_the_handshake),
        cmocka_unit_test(content_of_a_client_may_begin_as_in_ssl2),
        cmocka_unit_test(content_in_der_is_a_request_or_a_certificate),
        cmocka_unit_test(content_cut_off_is_another),
        cmocka_unit_test(content_of_messages_is_other),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("content", tests, NULL, NULL);
}
