// SPDX-License-Identifier: Apache-2.0
// Encrypted messages: the published ones, broken ones, and which recipient is meant.
#include "jwe_rig.h"

#include "base/text.h"
#include "crypto/sigenc.h"
#include "format/jwe_encrypt.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void jwe_opens_the_published_messages(void **state)
{
    ha_auto(ha_json_free) ha_json *vectors = jwe_rig_vectors("jwe.json");
    size_t opened = 0;
    for (const ha_json *one = ha_json_first(ha_json_get(vectors, "cases")); one; one = ha_json_next(one)) {
        ha_auto(softkey_free) struct softkey *key = jwe_rig_key(ha_json_get_string(one, "private"));
        for (const ha_json *form = ha_json_first(ha_json_get(one, "jwe")); form; form = ha_json_next(form)) {
            const char *text = ha_json_string(form);
            const char *kids[] = {NULL, ha_json_get_string(one, "kid")};
            for (size_t i = 0; i < HA_ARRAY_SIZE(kids); i++) {
                struct ha_err err = {0};
                ha_auto(ha_buf_clear) struct ha_buf plaintext = {0};
                if (jwe_rig_open(key, ha_jwe_plain(), kids[i], text, strlen(text), &plaintext, &err))
                    fail_msg("%s: %s", ha_json_get_string(one, "source"), err.detail);
                assert_string_equal(ha_buf_text(&plaintext), ha_json_get_string(one, "plaintext"));
                opened++;
            }
        }
    }
    assert_true(opened > 80);
}

static void jwe_refuses_what_needs_a_shared_secret_or_is_an_oracle(void **state)
{
    ha_auto(ha_json_free) ha_json *vectors = jwe_rig_vectors("jwe.json");
    ha_auto(softkey_free) struct softkey *rsa = softkey_new(HA_KEY_RSA_2048);
    ha_auto(softkey_free) struct softkey *ec = softkey_new(HA_KEY_EC_P256);
    const struct softkey *keys[] = {rsa, ec};
    for (const ha_json *one = ha_json_first(ha_json_get(vectors, "refused")); one; one = ha_json_next(one)) {
        const char *text = ha_json_get_string(one, "jwe");
        for (size_t i = 0; i < HA_ARRAY_SIZE(keys); i++) {
            struct ha_err err = {0};
            ha_auto(ha_buf_clear) struct ha_buf plaintext = {0};
            assert_int_equal(jwe_rig_open(keys[i], ha_jwe_plain(), NULL, text, strlen(text), &plaintext, &err),
                             HA_E_KEY_CANNOT);
            assert_int_equal(plaintext.len, 0);
        }
    }
}

// --- Everything that is broken gets one answer

static char *encrypt(const struct ha_pubkey *recipient, enum ha_jwe_alg alg, enum ha_aead enc, const char *header,
                     const char *plaintext)
{
    struct ha_err err = {0};
    ha_auto(ha_buf_clear) struct ha_buf out = {0};
    const struct ha_jwe_encryption encryption = {
        .profile = ha_jwe_plain(),
        .recipient = recipient,
        .alg = alg,
        .enc = enc,
        .header = {header, header ? strlen(header) : 0},
    };
    if (ha_jwe_encrypt(&encryption, plaintext, strlen(plaintext), &out, &err))
        fail_msg("%s", err.detail);
    return ha_buf_steal(&out, NULL);
}

static void expect_the_one_answer(const struct softkey *key, const char *text)
{
    struct ha_err err = {0}, expected = {0};
    ha_auto(ha_buf_clear) struct ha_buf plaintext = {0};
    ha_decryption_failed(&expected);
    if (jwe_rig_open(key, ha_jwe_plain(), NULL, text, strlen(text), &plaintext, &err) != HA_E_DECRYPTION)
        fail_msg("code %d (%s) for %s", err.code, err.detail, text);
    assert_memory_equal(&err, &expected, sizeof(err));
    assert_int_equal(plaintext.len, 0);
}

// The message with another text in the place of one of its parts.
static char *with_part(const char *message, size_t index, const char *text, size_t n)
{
    ha_auto(ha_buf_clear) struct ha_buf out = {0};
    const char *at = message;
    for (size_t i = 0; i < 5; i++) {
        size_t len = strcspn(at, ".");
        if (i > 0)
            ha_buf_putc(&out, '.');
        ha_buf_append(&out, i == index ? text : at, i == index ? n : len);
        at += len + (at[len] == '.');
    }
    return ha_buf_steal(&out, NULL);
}

static void break_part(const struct softkey *key, const char *message, size_t index)
{
    const char *at = message;
    for (size_t i = 0; i < index; i++)
        at += strcspn(at, ".") + 1;
    size_t len = strcspn(at, ".");
    char *part = calloc(1, len + 8);
    assert_non_null(part);
    memcpy(part, at, len);
    static const char *const texts[] = {
        "", "A", "AA", "AAAA", "====", "+/+/", "!", " ", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"};
    for (size_t i = 0; i < HA_ARRAY_SIZE(texts); i++) {
        if (len == strlen(texts[i]))
            continue;
        ha_auto(ha_free) char *broken = with_part(message, index, texts[i], strlen(texts[i]));
        expect_the_one_answer(key, broken);
    }
    for (size_t i = 0; i<len; i += len> 64 ? 7 : 1) {  // each character another one, and cut off before it
        char before = part[i];
        part[i] = before == 'A' ? 'Q' : 'A';
        ha_auto(ha_free) char *changed = with_part(message, index, part, len);
        ha_auto(ha_free) char *cut = with_part(message, index, at, i);
        expect_the_one_answer(key, changed);
        expect_the_one_answer(key, cut);
        part[i] = before;
    }
    memcpy(part + len, "AAAA", 4);
    ha_auto(ha_free) char *longer = with_part(message, index, part, len + 4);
    expect_the_one_answer(key, longer);
    free(part);
}

static void jwe_that_is_broken_gets_the_one_answer(void **state)
{
    ha_auto(softkey_free) struct softkey *rsa = softkey_new(HA_KEY_RSA_2048);
    ha_auto(softkey_free) struct softkey *ec = softkey_new(HA_KEY_EC_P256);
    static const enum ha_jwe_alg algs[] = {HA_JWE_RSA_OAEP_256, HA_JWE_ECDH_ES, HA_JWE_ECDH_ES_A192KW};
    static const enum ha_aead encs[] = {HA_AEAD_A256GCM, HA_AEAD_A128CBC_HS256};
    for (size_t a = 0; a < HA_ARRAY_SIZE(algs); a++) {
        struct softkey *key = algs[a] == HA_JWE_RSA_OAEP_256 ? rsa : ec;
        for (size_t e = 0; e < HA_ARRAY_SIZE(encs); e++) {
            ha_auto(ha_free) char *message = encrypt(key->pub, algs[a], encs[e], NULL, "nobody should know");
            for (size_t part = 1; part < 5; part++)
                break_part(key, message, part);
            ha_auto(softkey_free) struct softkey *other = softkey_new(ha_pubkey_type(key->pub));
            ha_auto(ha_free) char *foreign = encrypt(other->pub, algs[a], encs[e], NULL, "for another key");
            expect_the_one_answer(key, foreign);
        }
    }
}

// The header is authenticated, and the other hash of OAEP is a broken message like any other.
static void jwe_with_another_header_gets_the_one_answer(void **state)
{
    ha_auto(softkey_free) struct softkey *rsa = softkey_new(HA_KEY_RSA_2048);
    ha_auto(ha_free) char *message = encrypt(rsa->pub, HA_JWE_RSA_OAEP_256, HA_AEAD_A128CBC_HS256, NULL, "text");
    static const char *const headers[] = {
        "{\"alg\":\"RSA-OAEP-256\",\"enc\":\"A128CBC-HS256\" }", "{\"enc\":\"A128CBC-HS256\",\"alg\":\"RSA-OAEP-256\"}",
        "{\"alg\":\"RSA-OAEP\",\"enc\":\"A128CBC-HS256\"}",      "{\"alg\":\"RSA-OAEP-256\",\"enc\":\"A256GCM\"}",
        "{\"alg\":\"RSA-OAEP-256\",\"enc\":\"A128GCM\"}",        "{\"alg\":\"RSA-OAEP-256\",\"enc\":\"A256CBC-HS512\"}",
    };
    for (size_t i = 0; i < HA_ARRAY_SIZE(headers); i++) {
        ha_auto(ha_buf_clear) struct ha_buf text = {0};
        ha_b64u_encode(&text, headers[i], strlen(headers[i]));
        ha_auto(ha_free) char *changed = with_part(message, 0, ha_buf_text(&text), text.len);
        expect_the_one_answer(rsa, changed);
    }
}

static void jwe_end_with_another_secret_gets_the_one_answer(void **state)
{
    static const enum ha_key_type types[] = {HA_KEY_RSA_2048, HA_KEY_EC_P256, HA_KEY_EC_P521};
    for (size_t i = 0; i < HA_ARRAY_SIZE(types); i++) {
        ha_auto(softkey_free) struct softkey *key = softkey_new(types[i]);
        ha_auto(ha_free) char *message = encrypt(key->pub, HA_JWE_ALG_NONE, HA_AEAD_NONE, NULL, "text");
        ha_auto(ha_jwe_clear) struct ha_jwe job = {0};
        ha_auto(ha_buf_clear) struct ha_buf secret = {0}, plaintext = {0};
        struct ha_err err = {0}, expected = {0};
        const struct ha_jwe_key own = {key->pub, NULL};
        ha_decryption_failed(&expected);
        assert_int_equal(ha_jwe_begin(ha_jwe_plain(), &own, message, strlen(message), &job, &err), HA_OK);
        assert_true(jwe_rig_unwrap(key, &job, &secret));
        assert_int_equal(ha_jwe_end(&job, NULL, 0, &plaintext, &err), HA_E_DECRYPTION);
        assert_memory_equal(&err, &expected, sizeof(err));
        for (size_t n = 0; n < secret.len; n++) {
            err = (struct ha_err){0};
            assert_int_equal(ha_jwe_end(&job, secret.data, n, &plaintext, &err), HA_E_DECRYPTION);
            assert_memory_equal(&err, &expected, sizeof(err));
        }
        assert_int_equal(ha_jwe_end(&job, secret.data, secret.len, &plaintext, &err), HA_OK);
        assert_string_equal(ha_buf_text(&plaintext), "text");
    }
}

// --- Headers

struct header_case {
    const char *header;
    enum ha_code code;
    const char *says;
};

static void check_header(const struct softkey *key, const struct ha_jwe_profile *profile, const struct header_case *one)
{
    ha_auto(ha_buf_clear) struct ha_buf text = {0}, plaintext = {0};
    struct ha_err err = {0};
    ha_b64u_encode(&text, one->header, strlen(one->header));
    ha_buf_puts(&text, ".AAAA.AAAAAAAAAAAAAAAA.AAAA.AAAAAAAAAAAAAAAAAAAAAA");
    enum ha_code code = jwe_rig_open(key, profile, "mine", ha_buf_text(&text), text.len, &plaintext, &err);
    if (code != one->code || !strstr(err.detail, one->says))
        fail_msg("%s: %d %s", one->header, code, err.detail);
}

#define RSA_HEAD "{\"alg\":\"RSA-OAEP-256\",\"enc\":\"A256GCM\""
#define EC_HEAD  "{\"alg\":\"ECDH-ES\",\"enc\":\"A256GCM\""
#define EC_ONE   "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAE"
// The generator of P-256, as good as any point.
#define EC_POINT                                                                                                       \
    "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"axfR8uEsQkf4vOblY6RA8ncDfYEt6zOg9KE5RdiYwpY\","                         \
    "\"y\":\"T-NC4v4af5uO5-tKfA-eFivOM1drMV7Oy7ZAaDe_UfU\"}"

static void jwe_header_that_is_wrong_is_named(void **state)
{
    static const struct header_case rsa_cases[] = {
        {RSA_HEAD "}", HA_E_DECRYPTION, ""},
        {RSA_HEAD ",\"kid\":\"mine\"}", HA_E_DECRYPTION, ""},
        {RSA_HEAD ",\"kid\":\"yours\"}", HA_E_KEY_CANNOT, "\"yours\""},
        {RSA_HEAD ",\"kid\":1}", HA_E_MALFORMED, "\"kid\""},
        {RSA_HEAD ",\"typ\":{}}", HA_E_MALFORMED, "\"typ\""},
        {RSA_HEAD ",\"crit\":[\"exp\"]}", HA_E_KEY_CANNOT, "\"exp\""},
        {RSA_HEAD ",\"crit\":[]}", HA_E_MALFORMED, "\"crit\""},
        {RSA_HEAD ",\"crit\":\"exp\"}", HA_E_MALFORMED, "\"crit\""},
        {RSA_HEAD ",\"zip\":\"DEF\"}", HA_E_KEY_CANNOT, "zip"},
        {RSA_HEAD ",\"alg\":\"RSA-OAEP\"}", HA_E_MALFORMED, "header"},
        {RSA_HEAD, HA_E_MALFORMED, "header"},
        {"[]", HA_E_MALFORMED, "no JSON object"},
        {"{}", HA_E_MALFORMED, "no \"alg\""},
        {"{\"alg\":\"RSA-OAEP\"}", HA_E_MALFORMED, "no \"enc\""},
        {"{\"alg\":1,\"enc\":\"A256GCM\"}", HA_E_MALFORMED, "\"alg\""},
        {"{\"alg\":\"RSA1_5\",\"enc\":\"A256GCM\"}", HA_E_KEY_CANNOT, "RSA1_5"},
        {"{\"alg\":\"none\",\"enc\":\"A256GCM\"}", HA_E_KEY_CANNOT, "none"},
        {"{\"alg\":\"dir\",\"enc\":\"A256GCM\"}", HA_E_KEY_CANNOT, "dir"},
        {"{\"alg\":\"A256KW\",\"enc\":\"A256GCM\"}", HA_E_KEY_CANNOT, "A256KW"},
        {"{\"alg\":\"PBES2-HS256+A128KW\",\"enc\":\"A256GCM\"}", HA_E_KEY_CANNOT, "PBES2"},
        {"{\"alg\":\"rsa-oaep\",\"enc\":\"A256GCM\"}", HA_E_KEY_CANNOT, "rsa-oaep"},
        {"{\"alg\":\"ECDH-ES\",\"enc\":\"A256GCM\"}", HA_E_KEY_CANNOT, "of type rsa:2048"},
        {"{\"alg\":\"RSA-OAEP\",\"enc\":\"none\"}", HA_E_KEY_CANNOT, "\"enc\""},
        {"{\"alg\":\"RSA-OAEP\",\"enc\":\"A256CBC\"}", HA_E_KEY_CANNOT, "\"enc\""},
    };
    static const struct header_case ec_cases[] = {
        {EC_HEAD ",\"epk\":" EC_POINT "}", HA_E_DECRYPTION, ""},
        {EC_HEAD ",\"epk\":" EC_POINT ",\"apu\":\"QQ\",\"apv\":\"\"}", HA_E_DECRYPTION, ""},
        {EC_HEAD ",\"epk\":" EC_POINT ",\"apu\":\"Q\"}", HA_E_MALFORMED, "\"apu\""},
        {EC_HEAD ",\"epk\":" EC_POINT ",\"apv\":7}", HA_E_MALFORMED, "\"apv\""},
        {EC_HEAD "}", HA_E_MALFORMED, "no \"epk\""},
        {EC_HEAD ",\"epk\":\"\"}", HA_E_MALFORMED, "epk"},
        {EC_HEAD ",\"epk\":{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" EC_ONE "\",\"y\":\"" EC_ONE "\"}}",
         HA_E_MALFORMED, "epk"},
        {EC_HEAD ",\"epk\":{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"AAA\",\"y\":\"" EC_ONE "\"}}", HA_E_MALFORMED,
         "epk"},
        {EC_HEAD ",\"epk\":{\"kty\":\"OKP\",\"crv\":\"X25519\",\"x\":\"" EC_ONE "\"}}", HA_E_KEY_CANNOT, "epk"},
        {"{\"alg\":\"RSA-OAEP\",\"enc\":\"A256GCM\"}", HA_E_KEY_CANNOT, "of type ec:p256"},
    };
    ha_auto(softkey_free) struct softkey *rsa = softkey_new(HA_KEY_RSA_2048);
    ha_auto(softkey_free) struct softkey *ec = softkey_new(HA_KEY_EC_P256);
    ha_auto(softkey_free) struct softkey *other = softkey_new(HA_KEY_EC_P384);
    for (size_t i = 0; i < HA_ARRAY_SIZE(rsa_cases); i++)
        check_header(rsa, ha_jwe_plain(), &rsa_cases[i]);
    for (size_t i = 0; i < HA_ARRAY_SIZE(ec_cases); i++)
        check_header(ec, ha_jwe_plain(), &ec_cases[i]);
    const struct header_case curve = {EC_HEAD ",\"epk\":" EC_POINT "}", HA_E_KEY_CANNOT, "of type ec:p384"};
    check_header(other, ha_jwe_plain(), &curve);
}

static void jwe_profile_narrows_what_is_taken(void **state)
{
    char *algs[] = {(char *)"RSA-OAEP-256"}, *encs[] = {(char *)"A256GCM", (char *)"A128GCM"};
    const struct ha_jwe_profile profile = {
        .algs = {algs, 1}, .encs = {encs, 2}, .kid_required = true, .cty = (char *)"JWT"};
    static const struct header_case cases[] = {
        {RSA_HEAD ",\"kid\":\"mine\",\"cty\":\"JWT\"}", HA_E_DECRYPTION, ""},
        {RSA_HEAD ",\"kid\":\"mine\",\"cty\":\"application/jwt\"}", HA_E_DECRYPTION, ""},
        {RSA_HEAD ",\"kid\":\"mine\",\"cty\":\"json\"}", HA_E_MALFORMED, "\"cty\""},
        {RSA_HEAD ",\"kid\":\"mine\"}", HA_E_MALFORMED, "\"cty\""},
        {RSA_HEAD ",\"cty\":\"JWT\"}", HA_E_MALFORMED, "no \"kid\""},
        {"{\"alg\":\"RSA-OAEP\",\"enc\":\"A256GCM\",\"kid\":\"mine\"}", HA_E_KEY_CANNOT, "doesn't permit"},
        {"{\"alg\":\"RSA-OAEP-256\",\"enc\":\"A192GCM\",\"kid\":\"mine\"}", HA_E_KEY_CANNOT, "doesn't permit"},
    };
    ha_auto(softkey_free) struct softkey *rsa = softkey_new(HA_KEY_RSA_2048);
    for (size_t i = 0; i < HA_ARRAY_SIZE(cases); i++)
        check_header(rsa, &profile, &cases[i]);
}

static void jwe_that_is_none_is_malformed(void **state)
{
    static const char *const texts[] = {
        "",
        ".",
        "....",
        "a.b.c",
        "e30.e30.e30",
        "a.b.c.d.e.f",
        "!!!!.AAAA.AAAA.AAAA.AAAA",
        "{}",
        "{",
        " {\"ciphertext\":1}",
        "{\"ciphertext\":\"\"}",
        "{\"ciphertext\":\"\",\"protected\":{}}",
        "{\"ciphertext\":\"\",\"unprotected\":[]}",
        "{\"ciphertext\":\"\",\"header\":\"x\"}",
        "{\"ciphertext\":\"\",\"recipients\":[]}",
        "{\"ciphertext\":\"\",\"recipients\":{}}",
        "{\"ciphertext\":\"\",\"recipients\":[1]}",
        "{\"ciphertext\":\"\",\"recipients\":[{}],\"header\":{}}",
        "{\"ciphertext\":\"\",\"recipients\":[{}],\"encrypted_key\":\"\"}",
        "{\"ciphertext\":\"\",\"recipients\":[{\"encrypted_key\":7}]}",
        "{\"ciphertext\":\"\",\"ciphertext\":\"\"}",
        "{\"ciphertext\":\"\",\"header\":{\"alg\":\"RSA-OAEP\"},\"unprotected\":{\"alg\":\"RSA-OAEP\"}}",
    };
    ha_auto(softkey_free) struct softkey *rsa = softkey_new(HA_KEY_RSA_2048);
    for (size_t i = 0; i < HA_ARRAY_SIZE(texts); i++) {
        struct ha_err err = {0};
        ha_auto(ha_buf_clear) struct ha_buf plaintext = {0};
        if (jwe_rig_open(rsa, ha_jwe_plain(), NULL, texts[i], strlen(texts[i]), &plaintext, &err) != HA_E_MALFORMED)
            fail_msg("%s: %d %s", texts[i], err.code, err.detail);
        assert_true(err.detail[0] != '\0');
    }
}

static void jwe_that_is_too_large_is_refused(void **state)
{
    ha_auto(softkey_free) struct softkey *rsa = softkey_new(HA_KEY_RSA_2048);
    ha_auto(ha_buf_clear) struct ha_buf header = {0}, text = {0}, huge = {0}, plaintext = {0};
    struct ha_err err = {0};
    ha_buf_puts(&header, RSA_HEAD ",\"x\":\"");
    while (header.len < HA_JOSE_HEADER_MAX)
        ha_buf_puts(&header, "0123456789abcdef");
    ha_buf_puts(&header, "\"}");
    ha_b64u_encode(&text, header.data, header.len);
    ha_buf_puts(&text, ".AAAA.AAAA.AAAA.AAAA");
    assert_int_equal(jwe_rig_open(rsa, ha_jwe_plain(), NULL, ha_buf_text(&text), text.len, &plaintext, &err),
                     HA_E_TOO_LARGE);
    while (huge.len <= HA_JOSE_TEXT_MAX)
        ha_buf_puts(&huge, "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA.");
    assert_int_equal(jwe_rig_open(rsa, ha_jwe_plain(), NULL, ha_buf_text(&huge), huge.len, &plaintext, &err),
                     HA_E_TOO_LARGE);
}

// --- Recipients

// A message in the general form: one of the compact form, and its recipient twice, with these headers.
static char *general(const char *compact, const char *first, const char *second)
{
    const char *at[5];
    int n[5];
    for (size_t i = 0; i < 5; i++) {
        at[i] = compact;
        n[i] = (int)strcspn(compact, ".");
        compact += n[i] + (compact[n[i]] == '.');
    }
    ha_auto(ha_buf_clear) struct ha_buf out = {0};
    ha_buf_printf(
        &out,
        "{\"protected\":\"%.*s\",\"recipients\":[{\"header\":%s,\"encrypted_key\":\"%.*s\"},"
        "{\"header\":%s,\"encrypted_key\":\"%.*s\"}],\"iv\":\"%.*s\",\"ciphertext\":\"%.*s\",\"tag\":\"%.*s\"}",
        n[0], at[0], first, n[1], at[1], second, n[1], at[1], n[2], at[2], n[3], at[3], n[4], at[4]);
    return ha_buf_steal(&out, NULL);
}

static enum ha_code open_as(const struct softkey *key, const char *kid, const char *text)
{
    struct ha_err err = {0};
    ha_auto(ha_buf_clear) struct ha_buf plaintext = {0};
    return jwe_rig_open(key, ha_jwe_plain(), kid, text, strlen(text), &plaintext, &err);
}

static void jwe_of_several_recipients_is_for_one_of_them_or_refused(void **state)
{
    ha_auto(softkey_free) struct softkey *rsa = softkey_new(HA_KEY_RSA_2048);
    ha_auto(softkey_free) struct softkey *ec = softkey_new(HA_KEY_EC_P256);
    ha_auto(ha_free) char *compact = encrypt(rsa->pub, HA_JWE_RSA_OAEP, HA_AEAD_A128GCM, NULL, "text");
    ha_auto(ha_free) char *named = general(compact, "{\"kid\":\"a\"}", "{\"kid\":\"b\"}");
    assert_int_equal(open_as(rsa, "a", named), HA_OK);
    assert_int_equal(open_as(rsa, "b", named), HA_OK);
    assert_int_equal(open_as(rsa, "c", named), HA_E_KEY_CANNOT);
    assert_int_equal(open_as(ec, "a", named), HA_E_KEY_CANNOT);
    assert_int_equal(open_as(rsa, NULL, named), HA_E_AMBIGUOUS);
    ha_auto(ha_free) char *twice = general(compact, "{\"kid\":\"a\"}", "{\"kid\":\"a\"}");
    assert_int_equal(open_as(rsa, "a", twice), HA_E_AMBIGUOUS);
    uint8_t hash[32];
    struct ha_err err = {0};
    ha_auto(ha_buf_clear) struct ha_buf own = {0};
    assert_int_equal(ha_pubkey_thumbprint(rsa->pub, hash, &err), HA_OK);
    ha_buf_puts(&own, "{\"kid\":\"");
    ha_b64u_encode(&own, hash, sizeof(hash));
    ha_buf_puts(&own, "\"}");
    ha_auto(ha_free) char *by_thumbprint = general(compact, "{\"kid\":\"a\"}", ha_buf_text(&own));
    assert_int_equal(open_as(rsa, NULL, by_thumbprint), HA_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(jwe_opens_the_published_messages),
        cmocka_unit_test(jwe_refuses_what_needs_a_shared_secret_or_is_an_oracle),
        cmocka_unit_test(jwe_that_is_broken_gets_the_one_answer),
        cmocka_unit_test(jwe_with_another_header_gets_the_one_answer),
        cmocka_unit_test(jwe_end_with_another_secret_gets_the_one_answer),
        cmocka_unit_test(jwe_header_that_is_wrong_is_named),
        cmocka_unit_test(jwe_profile_narrows_what_is_taken),
        cmocka_unit_test(jwe_that_is_none_is_malformed),
        cmocka_unit_test(jwe_that_is_too_large_is_refused),
        cmocka_unit_test(jwe_of_several_recipients_is_for_one_of_them_or_refused),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
