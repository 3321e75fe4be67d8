// SPDX-License-Identifier: Apache-2.0
// Messages that are encrypted here: they come back, and their header is what was asked for.
#include "jwe_rig.h"

#include "base/text.h"
#include "format/jwe_encrypt.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static enum ha_code encrypt(const struct ha_jwe_profile *profile, const struct softkey *key, enum ha_jwe_alg alg,
                            enum ha_aead enc, const char *kid, const char *header, const char *plaintext,
                            struct ha_buf *out, struct ha_err *err)
{
    const struct ha_jwe_encryption encryption = {
        .profile = profile,
        .recipient = key->pub,
        .alg = alg,
        .enc = enc,
        .kid = kid,
        .header = {header, header ? strlen(header) : 0},
    };
    return ha_jwe_encrypt(&encryption, plaintext, strlen(plaintext), out, err);
}

static void jwe_encrypted_with_everything_comes_back(void **state)
{
    static const enum ha_key_type types[] = {HA_KEY_RSA_2048, HA_KEY_EC_P256, HA_KEY_EC_P384, HA_KEY_EC_P521};
    static const char *const plaintexts[] = {"", "x", "exactly 16 bytes", "somewhat more than just two blocks"};
    for (size_t t = 0; t < HA_ARRAY_SIZE(types); t++) {
        ha_auto(softkey_free) struct softkey *key = softkey_new(types[t]);
        for (unsigned alg = HA_JWE_ALG_NONE; alg < HA_JWE_ALG_COUNT; alg++) {
            if (alg && !ha_jwe_alg_fits((enum ha_jwe_alg)alg, types[t]))
                continue;
            for (unsigned i = 0; i < HA_AEAD_COUNT * HA_ARRAY_SIZE(plaintexts); i++) {
                const char *plaintext = plaintexts[i / HA_AEAD_COUNT];
                ha_auto(ha_buf_clear) struct ha_buf message = {0}, opened = {0};
                struct ha_err err = {0};
                assert_int_equal(encrypt(ha_jwe_plain(), key, (enum ha_jwe_alg)alg, (enum ha_aead)(i % HA_AEAD_COUNT),
                                         NULL, "{\"apu\":\"QWxpY2U\",\"apv\":\"Qm9i\"}", plaintext, &message, &err),
                                 HA_OK);
                assert_int_equal(
                    jwe_rig_open(key, ha_jwe_plain(), NULL, ha_buf_text(&message), message.len, &opened, &err), HA_OK);
                assert_string_equal(ha_buf_text(&opened), plaintext);
            }
        }
    }
}

static void check_header(const struct ha_jwe_profile *profile, const struct softkey *key, const char *kid,
                         const char *header, const char *expected)
{
    ha_auto(ha_buf_clear) struct ha_buf message = {0};
    ha_auto(ha_jwe_clear) struct ha_jwe job = {0};
    const struct ha_jwe_key own = {key->pub, NULL};
    struct ha_err err = {0};
    if (encrypt(profile, key, HA_JWE_ALG_NONE, HA_AEAD_NONE, kid, header, "x", &message, &err) ||
        ha_jwe_begin(profile, &own, ha_buf_text(&message), message.len, &job, &err))
        fail_msg("%s: %s", expected, err.detail);
    assert_string_equal(ha_buf_text(&job.header), expected);
}

static void jwe_header_is_as_asked_for(void **state)
{
    char *algs[] = {(char *)"ECDH-ES", (char *)"RSA-OAEP"}, *encs[] = {(char *)"A128GCM"};
    const struct ha_jwe_profile profile = {
        .algs = {algs, 2}, .encs = {encs, 1}, .kid_required = true, .typ = (char *)"JOSE", .cty = (char *)"JWT"};
    ha_auto(softkey_free) struct softkey *key = softkey_new(HA_KEY_RSA_2048);
    check_header(ha_jwe_plain(), key, NULL, NULL, "{\"alg\":\"RSA-OAEP-256\",\"enc\":\"A256GCM\"}");
    check_header(ha_jwe_plain(), key, "a", NULL, "{\"alg\":\"RSA-OAEP-256\",\"enc\":\"A256GCM\",\"kid\":\"a\"}");
    check_header(
        ha_jwe_plain(), key, "a", "{ \"z\": [1, 1.50], \"cty\":\"JWT\",\"kid\":\"b\" ,\"y\":{} }",
        "{\"alg\":\"RSA-OAEP-256\",\"enc\":\"A256GCM\",\"kid\":\"b\",\"cty\":\"JWT\",\"z\":[1,1.50],\"y\":{}}");
    check_header(&profile, key, "a", NULL,
                 "{\"alg\":\"RSA-OAEP\",\"enc\":\"A128GCM\",\"kid\":\"a\",\"typ\":\"JOSE\",\"cty\":\"JWT\"}");
    check_header(&profile, key, NULL, "{\"kid\":\"c\",\"typ\":\"JOSE\"}",
                 "{\"alg\":\"RSA-OAEP\",\"enc\":\"A128GCM\",\"kid\":\"c\",\"typ\":\"JOSE\",\"cty\":\"JWT\"}");
}

static void jwe_encrypt_refuses_what_is_not_the_callers_to_say(void **state)
{
    char *algs[] = {(char *)"RSA-OAEP-256"}, *encs[] = {(char *)"A256GCM"};
    const struct ha_jwe_profile strict = {
        .algs = {algs, 1}, .encs = {encs, 1}, .kid_required = true, .cty = (char *)"JWT"};
    const struct {
        const struct ha_jwe_profile *profile;
        enum ha_jwe_alg alg;
        enum ha_aead enc;
        const char *kid, *header;
        enum ha_code code;
        const char *pointer;
    } cases[] = {
        {ha_jwe_plain(), 0, 0, NULL, "{\"alg\":\"dir\"}", HA_E_MALFORMED, "/header/alg"},
        {ha_jwe_plain(), 0, 0, NULL, "{\"enc\":\"A256GCM\"}", HA_E_MALFORMED, "/header/enc"},
        {ha_jwe_plain(), 0, 0, NULL, "{\"zip\":\"DEF\"}", HA_E_MALFORMED, "/header/zip"},
        {ha_jwe_plain(), 0, 0, NULL, "{\"crit\":[\"x\"],\"x\":1}", HA_E_MALFORMED, "/header/crit"},
        {ha_jwe_plain(), 0, 0, NULL, "{\"epk\":{}}", HA_E_MALFORMED, "/header/epk"},
        {ha_jwe_plain(), 0, 0, NULL, "{\"kid\":1}", HA_E_MALFORMED, "/header/kid"},
        {ha_jwe_plain(), 0, 0, NULL, "{\"apu\":\"+\"}", HA_E_MALFORMED, "/header/apu"},
        {ha_jwe_plain(), 0, 0, NULL, "[]", HA_E_MALFORMED, "/header"},
        {ha_jwe_plain(), 0, 0, NULL, "{", HA_E_MALFORMED, "/header"},
        {ha_jwe_plain(), HA_JWE_ECDH_ES, 0, NULL, NULL, HA_E_KEY_CANNOT, "/algorithm"},
        {&strict, 0, 0, NULL, NULL, HA_E_MALFORMED, "/header/kid"},
        {&strict, HA_JWE_RSA_OAEP, 0, "a", NULL, HA_E_FORBIDDEN, "/algorithm"},
        {&strict, 0, HA_AEAD_A128GCM, "a", NULL, HA_E_FORBIDDEN, "/encryption"},
        {&strict, 0, 0, "a", "{\"cty\":\"json\"}", HA_E_FORBIDDEN, "/header/cty"},
    };
    ha_auto(softkey_free) struct softkey *key = softkey_new(HA_KEY_RSA_2048);
    for (size_t i = 0; i < HA_ARRAY_SIZE(cases); i++) {
        ha_auto(ha_buf_clear) struct ha_buf message = {0};
        struct ha_err err = {0};
        if (encrypt(cases[i].profile, key, cases[i].alg, cases[i].enc, cases[i].kid, cases[i].header, "x", &message,
                    &err) != cases[i].code)
            fail_msg("case %zu: %d %s", i, err.code, err.detail);
        assert_string_equal(err.pointer, cases[i].pointer);
        assert_int_equal(message.len, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(jwe_encrypted_with_everything_comes_back),
        cmocka_unit_test(jwe_header_is_as_asked_for),
        cmocka_unit_test(jwe_encrypt_refuses_what_is_not_the_callers_to_say),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
