// SPDX-License-Identifier: Apache-2.0
// Certificates as CAs send them, and the names of one in a request for the next.
#include "enrol/answer.h"

#include "base/json.h"
#include "base/text.h"
#include "enrol/names.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/pem.h>
#include <openssl/pkcs7.h>
#include <openssl/x509v3.h>

#include <cmocka.h>

// Three certificates, self-signed each, and a request for the second one's key.
struct made {
    EVP_PKEY *keys[3];
    X509 *certificates[3];
    char *pem[3];
    char *csr;
};

static char *take_text(BIO *bio)
{
    char *data, *text;
    long n = BIO_get_mem_data(bio, &data);
    text = strndup(data, (size_t)n);
    assert_non_null(text);
    BIO_free(bio);
    return text;
}

static char *certificate_text(X509 *certificate)
{
    BIO *bio = BIO_new(BIO_s_mem());
    assert_int_equal(PEM_write_bio_X509(bio, certificate), 1);
    return take_text(bio);
}

static X509 *make_certificate(EVP_PKEY *key, long serial)
{
    X509 *certificate = X509_new();
    X509_set_version(certificate, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), serial);
    X509_gmtime_adj(X509_getm_notBefore(certificate), 0);
    X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
    assert_int_equal(X509_set_pubkey(certificate, key), 1);
    return certificate;
}

static void add(X509 *certificate, const char *type, const char *value, int set)
{
    assert_int_equal(X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), type, MBSTRING_UTF8,
                                                (const unsigned char *)value, -1, -1, set),
                     1);
}

static void sign(X509 *certificate, EVP_PKEY *key)
{
    X509_set_issuer_name(certificate, X509_get_subject_name(certificate));
    assert_true(X509_sign(certificate, key, EVP_sha256()) > 0);
}

static int setup(void **state)
{
    static const long serials[] = {0x1f, 0x7abcdef, 3};
    static struct made made;
    for (size_t i = 0; i < 3; i++) {
        made.keys[i] = EVP_EC_gen("P-256");
        made.certificates[i] = make_certificate(made.keys[i], serials[i]);
        add(made.certificates[i], "CN", "made", 0);
        sign(made.certificates[i], made.keys[i]);
        made.pem[i] = certificate_text(made.certificates[i]);
    }
    X509_REQ *request = X509_REQ_new();
    X509_REQ_set_pubkey(request, made.keys[1]);
    assert_true(X509_REQ_sign(request, made.keys[1], EVP_sha256()) > 0);
    BIO *bio = BIO_new(BIO_s_mem());
    PEM_write_bio_X509_REQ(bio, request);
    made.csr = take_text(bio);
    X509_REQ_free(request);
    *state = &made;
    return 0;
}

static int teardown(void **state)
{
    struct made *made = *state;
    for (size_t i = 0; i < 3; i++) {
        EVP_PKEY_free(made->keys[i]);
        X509_free(made->certificates[i]);
        free(made->pem[i]);
    }
    free(made->csr);
    return 0;
}

static void make_pkcs7(const struct made *made, size_t n, struct ha_buf *out)
{
    PKCS7 *message = PKCS7_new();
    unsigned char *der = NULL;
    PKCS7_set_type(message, NID_pkcs7_signed);
    PKCS7_content_new(message, NID_pkcs7_data);
    PKCS7_set_detached(message, 1);
    for (size_t i = 0; i < n; i++)
        PKCS7_add_certificate(message, made->certificates[i % 3]);
    int len = i2d_PKCS7(message, &der);
    assert_true(len > 0);
    ha_buf_append(out, der, (size_t)len);
    OPENSSL_free(der);
    PKCS7_free(message);
}

static void pkcs7_is_read_in_each_form(void **state)
{
    const struct made *made = *state;
    struct ha_err err = {0};
    ha_auto(ha_buf_clear) struct ha_buf der = {0}, wanted = {0};
    make_pkcs7(made, 3, &der);
    for (size_t i = 0; i < 3; i++)
        ha_buf_puts(&wanted, made->pem[i]);
    for (int form = 0; form < 4; form++) {
        ha_auto(ha_buf_clear) struct ha_buf text = {0}, out = {0};
        if (form == 0)
            ha_buf_append(&text, der.data, der.len);
        if (form == 3)
            ha_buf_puts(&text, "-----BEGIN PKCS7-----\n");
        if (form > 0)
            ha_b64_encode(&text, der.data, der.len, form == 1 ? 0 : 64);
        if (form == 3)
            ha_buf_puts(&text, "-----END PKCS7-----\n");
        assert_int_equal(ha_answer_pkcs7(text.data, text.len, &out, &err), HA_OK);
        assert_string_equal(ha_buf_text(&out), ha_buf_text(&wanted));
    }
}

static void pkcs7_that_is_none_is_refused(void **state)
{
    const struct made *made = *state;
    ha_auto(ha_buf_clear) struct ha_buf der = {0}, none = {0}, many = {0}, out = {0};
    make_pkcs7(made, 1, &der);
    make_pkcs7(made, 0, &none);
    make_pkcs7(made, HA_ANSWER_CERTIFICATES_MAX + 1, &many);
    const struct {
        const void *data;
        size_t n;
    } cases[] = {
        {"", 0},           {"<html>", 6},         {"AAAA", 4},           {der.data, der.len - 1},
        {der.data, 2},     {none.data, none.len}, {many.data, many.len}, {made->pem[0], strlen(made->pem[0])},
        {"MIIB\0MIIB", 9},
    };
    for (size_t i = 0; i < HA_ARRAY_SIZE(cases); i++) {
        struct ha_err err = {0};
        assert_int_equal(ha_answer_pkcs7(cases[i].data, cases[i].n, &out, &err), HA_E_CA);
        assert_string_equal(ha_buf_text(&out), "");
    }
}

static void sorting_puts_the_asked_one_first_and_each_once(void **state)
{
    const struct made *made = *state;
    struct ha_err err = {0};
    ha_auto(ha_buf_clear) struct ha_buf all = {0}, wanted = {0}, out = {0}, other = {0};
    const size_t order[] = {0, 2, 0, 1, 2, 1};
    for (size_t i = 0; i < HA_ARRAY_SIZE(order); i++)
        ha_buf_puts(&all, made->pem[order[i]]);
    ha_buf_printf(&wanted, "%s%s%s", made->pem[1], made->pem[0], made->pem[2]);
    assert_int_equal(ha_answer_sort(made->csr, ha_buf_text(&all), &out, &err), HA_OK);
    assert_string_equal(ha_buf_text(&out), ha_buf_text(&wanted));
    assert_int_equal(ha_answer_sort(made->csr, made->pem[0], &other, &err), HA_E_CA);
    assert_int_equal(ha_answer_sort(made->pem[0], made->pem[0], &other, &err), HA_E_MALFORMED);
}

static void serial_is_hexadecimal_without_zeros(void **state)
{
    const struct made *made = *state;
    static const char *const wanted[] = {"0x1f", "0x7abcdef", "0x3"};
    for (size_t i = 0; i < 3; i++) {
        struct ha_err err = {0};
        ha_auto(ha_buf_clear) struct ha_buf out = {0};
        assert_int_equal(ha_answer_serial(made->pem[i], &out, &err), HA_OK);
        assert_string_equal(ha_buf_text(&out), wanted[i]);
    }
}

static void requests_are_the_same_by_their_bytes(void **state)
{
    const struct made *made = *state;
    ha_auto(ha_buf_clear) struct ha_buf spaced = {0};
    ha_buf_printf(&spaced, "something before\n%s\n", made->csr);
    assert_true(ha_answer_same_csr(made->csr, ha_buf_text(&spaced)));
    assert_false(ha_answer_same_csr(made->csr, made->pem[0]));
    assert_false(ha_answer_same_csr("", ""));
}

// --- Names

static void put_names(const struct made *made, const char *san, void (*name)(X509 *), struct ha_buf *out,
                      struct ha_err *err)
{
    X509 *certificate = make_certificate(made->keys[0], 1);
    if (name)
        name(certificate);
    if (san) {
        X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, san);
        assert_non_null(extension);
        X509_add_ext(certificate, extension, -1);
        X509_EXTENSION_free(extension);
    }
    sign(certificate, made->keys[0]);
    char *pem = certificate_text(certificate);
    ha_jw_object(out, NULL);
    ha_enrol_put_names(pem, out, err);
    ha_jw_object_end(out);
    free(pem);
    X509_free(certificate);
}

static void name_of_all_kinds(X509 *certificate)
{
    add(certificate, "C", "AE", 0);
    add(certificate, "O", "Acme \"\xc3\xa9\", Inc", 0);
    add(certificate, "OU", "one", 0);
    add(certificate, "CN", "two", -1);
    add(certificate, "GN", "Ada", 0);
    add(certificate, "2.5.4.97", "OFBBR-1", 0);
    add(certificate, "1.2.3.4.5", "odd", 0);
}

static void names_become_those_of_a_request(void **state)
{
    struct ha_err err = {0};
    ha_auto(ha_buf_clear) struct ha_buf out = {0};
    put_names(*state, "email:a@b.example,DNS:b.example,IP:10.0.0.1,URI:https://b.example/x,DNS:*.example,IP:::1",
              name_of_all_kinds, &out, &err);
    assert_int_equal(err.code, HA_OK);
    assert_string_equal(
        ha_buf_text(&out),
        "{\"subject\":[{\"C\":\"AE\"},{\"O\":\"Acme \\\"\xc3\xa9\\\", Inc\"},{\"CN\":\"two\",\"OU\":\"one\"},"
        "{\"givenName\":\"Ada\"},{\"organizationIdentifier\":\"OFBBR-1\"},{\"1.2.3.4.5\":\"odd\"}],"
        "\"san\":{\"dns\":[\"b.example\",\"*.example\"],\"ip\":[\"10.0.0.1\",\"::1\"],"
        "\"uri\":[\"https://b.example/x\"],\"email\":[\"a@b.example\"]}}");
}

static void names_may_be_none(void **state)
{
    struct ha_err err = {0};
    ha_auto(ha_buf_clear) struct ha_buf out = {0};
    put_names(*state, NULL, NULL, &out, &err);
    assert_int_equal(err.code, HA_OK);
    assert_string_equal(ha_buf_text(&out), "{\"subject\":[]}");
}

static void names_that_a_request_can_not_have_are_refused(void **state)
{
    static const char *const sans[] = {"DNS:b.example,otherName:1.2.3.4;UTF8:x", "RID:1.2.3"};
    for (size_t i = 0; i < HA_ARRAY_SIZE(sans); i++) {
        struct ha_err err = {0};
        ha_auto(ha_buf_clear) struct ha_buf out = {0};
        put_names(*state, sans[i], NULL, &out, &err);
        assert_int_equal(err.code, HA_E_KEY_CANNOT);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pkcs7_is_read_in_each_form),
        cmocka_unit_test(pkcs7_that_is_none_is_refused),
        cmocka_unit_test(sorting_puts_the_asked_one_first_and_each_once),
        cmocka_unit_test(serial_is_hexadecimal_without_zeros),
        cmocka_unit_test(requests_are_the_same_by_their_bytes),
        cmocka_unit_test(names_become_those_of_a_request),
        cmocka_unit_test(names_may_be_none),
        cmocka_unit_test(names_that_a_request_can_not_have_are_refused),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("enrol_answer", tests, setup, teardown);
}
