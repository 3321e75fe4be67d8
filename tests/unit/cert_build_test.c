// SPDX-License-Identifier: Apache-2.0
// Certificates as CAs send them, put in order for a key: each form, each order, and each reason to refuse or to warn.
#include "cert_rig.h"

#include "base/text.h"
#include "format/cert_bag.h"
#include "format/cert_json.h"
#include "format/chain_build.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

struct fixture {
    struct softkey *own, *root_key, *issuer_key;
    X509 *root, *issuer, *leaf;
};

static X509 *make_leaf(const struct fixture *fixture, struct cert_rig_wish wish)
{
    wish.cn = wish.cn ? wish.cn : "edge.example";
    wish.key = wish.key ? wish.key : fixture->own->pub;
    wish.issuer = wish.issuer ? wish.issuer : fixture->issuer;
    wish.by = wish.by ? wish.by : fixture->issuer_key;
    return cert_rig_make(&wish);
}

static int setup(void **state)
{
    static struct fixture fixture;
    fixture.own = softkey_new(HA_KEY_EC_P256);
    fixture.root_key = softkey_new(HA_KEY_EC_P384);
    fixture.issuer_key = softkey_new(HA_KEY_RSA_2048);
    fixture.root = cert_rig_make(&(struct cert_rig_wish){.cn = "Root",
                                                         .key = fixture.root_key->pub,
                                                         .by = fixture.root_key,
                                                         .ca = true,
                                                         .from_days = -9,
                                                         .until_days = 900});
    fixture.issuer = cert_rig_make(&(struct cert_rig_wish){.cn = "Issuer",
                                                           .key = fixture.issuer_key->pub,
                                                           .issuer = fixture.root,
                                                           .by = fixture.root_key,
                                                           .ca = true,
                                                           .from_days = -9,
                                                           .until_days = 800});
    fixture.leaf = make_leaf(&fixture, (struct cert_rig_wish){.san = "DNS:edge.example",
                                                              .key_usage = "critical,digitalSignature",
                                                              .extended_key_usage = "serverAuth"});
    *state = &fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    softkey_free(fixture->own);
    softkey_free(fixture->root_key);
    softkey_free(fixture->issuer_key);
    X509_free(fixture->root);
    X509_free(fixture->issuer);
    X509_free(fixture->leaf);
    return 0;
}

struct built {
    struct ha_x5c chain;
    struct ha_chain_notes notes;
};
static void built_clear(struct built *built)
{
    ha_x5c_clear(&built->chain);
}
HA_AUTO_DEFINE_CLEAR(struct built, built_clear)

static enum ha_code build(const struct fixture *fixture, X509 *const *certificates, size_t n, unsigned purposes,
                          struct built *ret_built, struct ha_err *err)
{
    ha_auto(ha_cert_bag_clear) struct ha_cert_bag bag = {0};
    for (size_t i = 0; i < n; i++) {
        assert_true(X509_up_ref(certificates[i]));
        assert_int_equal(ha_cert_bag_put(&bag, certificates[i], err), HA_OK);
    }
    return ha_chain_build(&bag, fixture->own->pub, purposes, time(NULL), &ret_built->chain, &ret_built->notes, err);
}

static bool has_note(const struct built *built, const char *name)
{
    for (size_t i = 0; i < built->notes.n; i++)
        if (strcmp(built->notes.items[i].name, name) == 0)
            return true;
    return false;
}

static void expect_chain(const struct built *built, X509 *const *wanted, size_t n)
{
    assert_int_equal(built->chain.n, n);
    for (size_t i = 0; i < n; i++) {
        ha_auto(ha_buf_clear) struct ha_buf der = {0};
        cert_rig_der(wanted[i], &der);
        assert_int_equal(der.len, built->chain.der[i].len);
        assert_memory_equal(der.data, built->chain.der[i].data, der.len);
    }
}

// What a single certificate for the key leads to: a refusal that says `reason`, or else a note of that name.
static void judged(const struct fixture *fixture, unsigned purposes, struct cert_rig_wish wish, const char *reason,
                   const char *note)
{
    struct ha_err err = {0};
    ha_auto(built_clear) struct built built = {0};
    ha_auto(X509_free) X509 *leaf = make_leaf(fixture, wish);
    X509 *const both[] = {leaf, fixture->issuer};
    enum ha_code code = build(fixture, both, 2, purposes, &built, &err);
    if (!reason) {
        assert_int_equal(code, HA_OK);
        if (note && !has_note(&built, note))
            fail_msg("no note %s", note);
        return;
    }
    assert_int_equal(code, HA_E_CERTIFICATE);
    if (!strstr(err.detail, reason))
        fail_msg("\"%s\" doesn't say \"%s\"", err.detail, reason);
}

static void chain_of_any_order_is_built(void **state)
{
    struct fixture *fixture = *state;
    X509 *const wanted[] = {fixture->leaf, fixture->issuer};
    X509 *const orders[][3] = {{fixture->leaf, fixture->issuer, fixture->root},
                               {fixture->root, fixture->issuer, fixture->leaf},
                               {fixture->issuer, fixture->leaf, fixture->root},
                               {fixture->root, fixture->leaf, fixture->issuer}};
    for (size_t i = 0; i < HA_ARRAY_SIZE(orders); i++) {
        struct ha_err err = {0};
        ha_auto(built_clear) struct built built = {0};
        assert_int_equal(build(fixture, orders[i], 3, HA_PURPOSE_TLS_SERVER, &built, &err), HA_OK);
        expect_chain(&built, wanted, 2);
        assert_int_equal(built.notes.n, 1);
        assert_true(has_note(&built, "root-left-out"));
    }
}

static void chain_of_what_is_there_says_what_is_missing(void **state)
{
    struct fixture *fixture = *state;
    struct ha_err err = {0};
    ha_auto(built_clear) struct built alone = {0}, broken = {0}, rest = {0};
    ha_auto(softkey_free) struct softkey *impostor = softkey_new(HA_KEY_RSA_2048);
    ha_auto(X509_free) X509 *false_issuer =
        cert_rig_make(&(struct cert_rig_wish){.cn = "Issuer", .key = impostor->pub, .by = impostor, .ca = true});
    assert_int_equal(build(fixture, &fixture->leaf, 1, HA_PURPOSE_TLS_SERVER, &alone, &err), HA_OK);
    assert_int_equal(alone.chain.n, 1);
    assert_true(has_note(&alone, "chain-incomplete"));
    X509 *const with_false[] = {false_issuer, fixture->leaf};
    assert_int_equal(build(fixture, with_false, 2, HA_PURPOSE_TLS_SERVER, &broken, &err), HA_OK);
    assert_int_equal(broken.chain.n, 1);
    assert_true(has_note(&broken, "chain-broken") && has_note(&broken, "left-out"));
    X509 *const all[] = {false_issuer, fixture->leaf, fixture->root, fixture->issuer};
    assert_int_equal(build(fixture, all, 4, HA_PURPOSE_TLS_SERVER, &rest, &err), HA_OK);
    X509 *const wanted[] = {fixture->leaf, fixture->issuer};
    expect_chain(&rest, wanted, 2);
    assert_true(has_note(&rest, "left-out") && has_note(&rest, "root-left-out"));
}

static void chain_of_several_for_the_key_takes_the_valid_one_that_is_newest(void **state)
{
    struct fixture *fixture = *state;
    struct ha_err err = {0};
    ha_auto(built_clear) struct built built = {0};
    ha_auto(X509_free) X509 *old = make_leaf(fixture, (struct cert_rig_wish){.from_days = -8, .until_days = 500});
    ha_auto(X509_free) X509 *over = make_leaf(fixture, (struct cert_rig_wish){.from_days = -3, .until_days = -1});
    ha_auto(X509_free) X509 *next = make_leaf(fixture, (struct cert_rig_wish){.from_days = 2, .until_days = 90});
    X509 *const all[] = {next, old, over, fixture->issuer, fixture->leaf};
    X509 *const wanted[] = {fixture->leaf, fixture->issuer};
    assert_int_equal(build(fixture, all, 5, HA_PURPOSE_TLS_SERVER, &built, &err), HA_OK);
    expect_chain(&built, wanted, 2);
}

static void chain_of_certificates_in_a_circle_ends(void **state)
{
    struct fixture *fixture = *state;
    struct ha_err err = {0};
    ha_auto(built_clear) struct built built = {0};
    // The root's name and key, issued by the issuer that it issues.
    ha_auto(X509_free) X509 *cross = cert_rig_make(&(struct cert_rig_wish){
        .cn = "Root", .key = fixture->root_key->pub, .issuer = fixture->issuer, .by = fixture->issuer_key, .ca = true});
    X509 *const all[] = {cross, fixture->issuer, fixture->leaf};
    X509 *const wanted[] = {fixture->leaf, fixture->issuer, cross};
    assert_int_equal(build(fixture, all, 3, HA_PURPOSE_TLS_SERVER, &built, &err), HA_OK);
    expect_chain(&built, wanted, 3);
}

static void chain_for_another_key_is_refused(void **state)
{
    struct fixture *fixture = *state;
    struct ha_err err = {0};
    ha_auto(built_clear) struct built built = {0};
    ha_auto(softkey_free) struct softkey *other = softkey_new(HA_KEY_EC_P256);
    judged(fixture, HA_PURPOSE_SIGN, (struct cert_rig_wish){.key = other->pub}, "none of the 2 certificates", NULL);
    assert_int_equal(build(fixture, &fixture->issuer, 1, HA_PURPOSE_SIGN, &built, &err), HA_E_CERTIFICATE);
    assert_non_null(strstr(err.detail, "the certificate (CN=Issuer) is for another key"));
    assert_int_equal(built.chain.n, 0);
}

static void chain_that_nobody_would_take_is_refused(void **state)
{
    struct fixture *fixture = *state;
    ha_auto(EVP_PKEY_free) EVP_PKEY *weak = EVP_RSA_gen(1024);
    struct softkey weak_key = {.evp = weak};
    judged(fixture, HA_PURPOSE_SIGN, (struct cert_rig_wish){.from_days = -9, .until_days = -2}, "expired on", NULL);
    judged(fixture, HA_PURPOSE_SIGN, (struct cert_rig_wish){.md = EVP_sha1()}, "is signed with sha1WithRSAEncryption",
           NULL);
    judged(fixture, HA_PURPOSE_SIGN, (struct cert_rig_wish){.md = EVP_md5()}, "md5WithRSAEncryption", NULL);
    judged(fixture, HA_PURPOSE_SIGN, (struct cert_rig_wish){.ca = true}, "is a certificate authority's", NULL);
    // An issuer with a weak key, or a weak signature, is refused as well.
    struct ha_err err = {0};
    ha_auto(built_clear) struct built built = {0}, second = {0};
    ha_auto(X509_free) X509 *weak_issuer = cert_rig_make(&(struct cert_rig_wish){
        .cn = "Weak", .evp = weak, .issuer = fixture->root, .by = fixture->root_key, .ca = true});
    ha_auto(X509_free) X509 *below = make_leaf(fixture, (struct cert_rig_wish){.issuer = weak_issuer, .by = &weak_key});
    X509 *const both[] = {below, weak_issuer};
    assert_int_equal(build(fixture, both, 2, HA_PURPOSE_SIGN, &built, &err), HA_E_CERTIFICATE);
    assert_non_null(strstr(err.detail, "\"CN=Weak\" has a key that is too weak"));
    ha_auto(X509_free) X509 *sha1_issuer = cert_rig_make(&(struct cert_rig_wish){.cn = "Issuer",
                                                                                 .key = fixture->issuer_key->pub,
                                                                                 .issuer = fixture->root,
                                                                                 .by = fixture->root_key,
                                                                                 .ca = true,
                                                                                 .md = EVP_sha1()});
    X509 *const old[] = {fixture->leaf, sha1_issuer};
    assert_int_equal(build(fixture, old, 2, HA_PURPOSE_SIGN, &second, &err), HA_E_CERTIFICATE);
    assert_non_null(strstr(err.detail, "\"CN=Issuer\" is signed with ecdsa-with-SHA1"));
}

static void chain_that_is_odd_is_noted(void **state)
{
    struct fixture *fixture = *state;
    const unsigned server = HA_PURPOSE_TLS_SERVER, client = HA_PURPOSE_TLS_CLIENT;
    judged(fixture, HA_PURPOSE_SIGN, (struct cert_rig_wish){.from_days = 1, .until_days = 90}, NULL, "not-yet-valid");
    judged(fixture, HA_PURPOSE_SIGN, (struct cert_rig_wish){.from_days = -1, .until_days = 29}, NULL, "expires-soon");
    judged(fixture, HA_PURPOSE_SIGN, (struct cert_rig_wish){.from_days = -1, .until_days = 850}, NULL,
           "issuer-expires-first");
    judged(fixture, server, (struct cert_rig_wish){.san = NULL}, NULL, "no-names");
    judged(fixture, server, (struct cert_rig_wish){.san = "email:a@b.example"}, NULL, "no-names");
    judged(fixture, server, (struct cert_rig_wish){.san = "DNS:a.example", .extended_key_usage = "clientAuth"}, NULL,
           "usage");
    judged(fixture, client, (struct cert_rig_wish){.extended_key_usage = "serverAuth"}, NULL, "usage");
    judged(fixture, client, (struct cert_rig_wish){.key_usage = "keyEncipherment"}, NULL, "usage");
    judged(fixture, HA_PURPOSE_DECRYPT, (struct cert_rig_wish){.key_usage = "digitalSignature"}, NULL, "usage");
    judged(fixture, HA_PURPOSE_DERIVE, (struct cert_rig_wish){.key_usage = "digitalSignature"}, NULL, "usage");
    struct ha_err err = {0};
    ha_auto(built_clear) struct built built = {0};
    ha_auto(X509_free) X509 *self =
        cert_rig_make(&(struct cert_rig_wish){.cn = "self", .key = fixture->own->pub, .by = fixture->own});
    assert_int_equal(build(fixture, &self, 1, HA_PURPOSE_SIGN, &built, &err), HA_OK);
    assert_int_equal(built.notes.n, 1);
    assert_true(has_note(&built, "self-signed"));
}

// --- The bag.

static size_t in_bag(const void *bytes, size_t n)
{
    struct ha_err err = {0};
    ha_auto(ha_cert_bag_clear) struct ha_cert_bag bag = {0};
    enum ha_code code = ha_cert_bag_add(&bag, bytes, n, &err);
    if (code)
        fail_msg("%s", err.detail);
    return bag.n;
}

static void refused(const void *bytes, size_t n, const char *reason)
{
    struct ha_err err = {0};
    ha_auto(ha_cert_bag_clear) struct ha_cert_bag bag = {0};
    assert_int_not_equal(ha_cert_bag_add(&bag, bytes, n, &err), HA_OK);
    if (!strstr(err.detail, reason))
        fail_msg("\"%s\" doesn't say \"%s\"", err.detail, reason);
}

static void put_block(struct ha_buf *out, const char *name, const struct ha_buf *der)
{
    ha_buf_printf(out, "-----BEGIN %s-----\n", name);
    ha_b64_encode(out, der->data, der->len, 64);
    ha_buf_printf(out, "-----END %s-----\n", name);
}

static void bag_takes_each_form(void **state)
{
    struct fixture *fixture = *state;
    X509 *const all[] = {fixture->root, fixture->issuer, fixture->leaf};
    ha_auto(ha_buf_clear) struct ha_buf pem = {0}, der = {0}, pkcs7 = {0}, armored = {0}, base64 = {0}, dressed = {0};
    ha_buf_puts(&dressed, " 0 s:CN = edge.example\n");
    for (size_t i = 0; i < 3; i++) {
        cert_rig_pem(all[i], &pem);
        cert_rig_der(all[i], &der);
    }
    cert_rig_pkcs7(all, 3, &pkcs7);
    put_block(&armored, "PKCS7", &pkcs7);
    ha_b64_encode(&base64, pkcs7.data, pkcs7.len, 76);
    ha_buf_append(&dressed, pem.data, pem.len);
    assert_int_equal(in_bag(pem.data, pem.len), 3);
    assert_int_equal(in_bag(der.data, der.len), 3);
    assert_int_equal(in_bag(pkcs7.data, pkcs7.len), 3);
    assert_int_equal(in_bag(armored.data, armored.len), 3);
    assert_int_equal(in_bag(base64.data, base64.len), 3);
    assert_int_equal(in_bag(dressed.data, dressed.len), 3);
    // The same again isn't more.
    ha_buf_append(&armored, pem.data, pem.len);
    assert_int_equal(in_bag(armored.data, armored.len), 3);
}

static void bag_refuses_what_is_no_certificate(void **state)
{
    struct fixture *fixture = *state;
    ha_auto(ha_buf_clear) struct ha_buf der = {0}, pkcs7 = {0}, empty = {0}, text = {0};
    cert_rig_der(fixture->leaf, &der);
    cert_rig_pkcs7(&fixture->leaf, 1, &pkcs7);
    cert_rig_pkcs7(NULL, 0, &empty);
    refused("", 0, "that is no certificate");
    refused("hello, world!", 13, "that is no certificate");
    refused("MIIB", 4, "can't be read");
    refused(empty.data, empty.len, "there is no certificate in the PKCS#7");
    put_block(&text, "EC PRIVATE KEY", &der);
    refused(text.data, text.len, "there is a private key in it");
    ha_buf_reset(&text);
    put_block(&text, "CERTIFICATE REQUEST", &der);
    refused(text.data, text.len, "the PEM block \"CERTIFICATE REQUEST\" is no certificate");
    ha_buf_reset(&text);
    put_block(&text, "CERTIFICATE", &der);
    refused(text.data, text.len - 30, "a PEM block can't be read");
    refused(der.data, der.len - 1, "can't be read");
    // Each cut of a PKCS#7, and each byte that isn't what it was: an answer, whatever it is.
    for (size_t n = 0; n < pkcs7.len; n++) {
        struct ha_err err = {0};
        ha_auto(ha_cert_bag_clear) struct ha_cert_bag bag = {0};
        assert_int_not_equal(ha_cert_bag_add(&bag, pkcs7.data, n, &err), HA_OK);
    }
    for (size_t i = 0; i < pkcs7.len * 8; i++) {
        struct ha_err err = {0};
        ha_auto(ha_cert_bag_clear) struct ha_cert_bag bag = {0};
        pkcs7.data[i / 8] ^= (uint8_t)(1u << i % 8);
        if (ha_cert_bag_add(&bag, pkcs7.data, pkcs7.len, &err))
            assert_true(err.detail[0]);
        pkcs7.data[i / 8] ^= (uint8_t)(1u << i % 8);
    }
}

// A PKCS#7 that has no content at all, which OpenSSL's own functions once crashed on, and others that are none.
static void bag_refuses_odd_pkcs7(void **state)
{
    (void)state;
    static const char *const odd[] = {
        "300b06092a864886f70d010702",                  // SignedData without content
        "300d06092a864886f70d010702a000",              // an empty one
        "300f06092a864886f70d010702a0023000",          // an empty SignedData
        "300f06092a864886f70d010701a0020400",          // data
        "300f06092a864886f70d010703a0023000",          // enveloped
        "308006092a864886f70d010702a080308000000000",  // of indefinite length, cut off
        "302306092a864886f70d010702a01630140201013100300b06092a864886f70d0107013100",
    };
    for (size_t i = 0; i < HA_ARRAY_SIZE(odd); i++) {
        ha_auto(ha_buf_clear) struct ha_buf der = {0};
        struct ha_err err = {0};
        assert_int_equal(ha_hex_decode(&der, odd[i], strlen(odd[i]), &err), HA_OK);
        refused(der.data, der.len, "PKCS#7");
    }
}

static void bag_has_a_limit(void **state)
{
    struct fixture *fixture = *state;
    ha_auto(ha_buf_clear) struct ha_buf der = {0};
    for (int i = 0; i <= HA_CERT_BAG_MAX; i++) {
        ha_auto(X509_free) X509 *one = make_leaf(fixture, (struct cert_rig_wish){.md = NULL});
        cert_rig_der(one, &der);
    }
    refused(der.data, der.len, "more than 32 certificates");
}

static void json_says_what_a_renewal_asks_for(void **state)
{
    struct fixture *fixture = *state;
    struct ha_err err = {0};
    ha_auto(ha_buf_clear) struct ha_buf der = {0}, out = {0};
    ha_auto(ha_json_free) ha_json *json = NULL;
    ha_auto(X509_free) X509 *leaf = make_leaf(
        fixture, (struct cert_rig_wish){.cn = "Bänk, \"x\"",
                                        .san = "DNS:a.example,IP:192.0.2.1,DNS:b.example,IP:2001:db8::1,URI:urn:x",
                                        .key_usage = "critical,digitalSignature,keyAgreement",
                                        .extended_key_usage = "serverAuth,1.3.6.1.4.1.99999.7"});
    cert_rig_der(leaf, &der);
    assert_int_equal(ha_cert_json(&out, NULL, der.data, der.len, &err), HA_OK);
    assert_int_equal(ha_json_parse(ha_buf_text(&out), out.len, 5, &json, &err), HA_OK);
    assert_string_equal(ha_json_get_string(json, "subject"), "CN=Bänk\\, \\\"x\\\"");
    assert_string_equal(ha_json_get_string(json, "issuer"), "CN=Issuer");
    assert_string_equal(ha_json_get_string(json, "key"), "ec:p256");
    assert_string_equal(ha_json_get_string(json, "signature"), "sha256WithRSAEncryption");
    assert_int_equal(strlen(ha_json_get_string(json, "serial")), 16);
    assert_int_equal(strlen(ha_json_get_string(json, "not_after")), 20);
    static const char wanted[] =
        "\"request\":{\"subject\":[{\"CN\":\"Bänk, \\\"x\\\"\"}],\"san\":{\"dns\":[\"a.example\",\"b.example\"],"
        "\"ip\":[\"192.0.2.1\",\"2001:db8::1\"],\"uri\":[\"urn:x\"]},"
        "\"key_usage\":[\"digitalSignature\",\"keyAgreement\"],"
        "\"extended_key_usage\":[\"serverAuth\",\"1.3.6.1.4.1.99999.7\"]}";
    if (!strstr(ha_buf_text(&out), wanted))
        fail_msg("%s", ha_buf_text(&out));
    assert_int_equal(ha_cert_json(&out, NULL, der.data, der.len - 1, &err), HA_E_MALFORMED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(chain_of_any_order_is_built),
        cmocka_unit_test(chain_of_what_is_there_says_what_is_missing),
        cmocka_unit_test(chain_of_several_for_the_key_takes_the_valid_one_that_is_newest),
        cmocka_unit_test(chain_of_certificates_in_a_circle_ends),
        cmocka_unit_test(chain_for_another_key_is_refused),
        cmocka_unit_test(chain_that_nobody_would_take_is_refused),
        cmocka_unit_test(chain_that_is_odd_is_noted),
        cmocka_unit_test(bag_takes_each_form),
        cmocka_unit_test(bag_refuses_what_is_no_certificate),
        cmocka_unit_test(bag_refuses_odd_pkcs7),
        cmocka_unit_test(bag_has_a_limit),
        cmocka_unit_test(json_says_what_a_renewal_asks_for),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, setup, teardown);
}
