// SPDX-License-Identifier: Apache-2.0
// The ciphers of JOSE, AES Key Wrap and the Concat KDF, by the vectors of their standards.
#include "base/text.h"
#include "crypto/aead.h"
#include "crypto/aeskw.h"
#include "crypto/kdf.h"
#include "crypto/sigenc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static const char kerckhoffs[] = "A cipher system must not be required to be secret, and it must be able to fall into "
                                 "the hands of the enemy without inconvenience";
static const char kerckhoffs_aad[] = "The second principle of Auguste Kerckhoffs";
static const uint8_t kerckhoffs_iv[] = {0x1a, 0xf3, 0x8c, 0x2d, 0xc2, 0xb9, 0x6f, 0xfd,
                                        0xd8, 0x66, 0x94, 0x09, 0x23, 0x41, 0xbc, 0x04};

static void count_up(uint8_t *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++)
        bytes[i] = (uint8_t)i;
}

static void assert_hex(const void *bytes, size_t n, const char *hex)
{
    ha_auto(ha_buf_clear) struct ha_buf text = {0};
    ha_hex_encode(&text, bytes, n);
    assert_string_equal(ha_buf_text(&text), hex);
}

// RFC 7518 appendix B.
static void aead_seal_gives_the_tags_of_the_standard(void **state)
{
    static const struct {
        enum ha_aead aead;
        const char *tag;
    } vectors[] = {
        {HA_AEAD_A128CBC_HS256, "652c3fa36b0a7c5b3219fab3a30bc1c4"},
        {HA_AEAD_A192CBC_HS384, "8490ac0e58949bfe51875d733f93ac2075168039ccc733d7"},
        {HA_AEAD_A256CBC_HS512, "4dd3b4c088a7f45c216839645b2012bf2e6269a8c56a816dbc1b267761955bc5"},
    };
    for (size_t i = 0; i < HA_ARRAY_SIZE(vectors); i++) {
        uint8_t key[HA_AEAD_KEY_MAX], tag[HA_AEAD_TAG_MAX];
        struct ha_err err = {0};
        ha_auto(ha_buf_clear) struct ha_buf ciphertext = {0};
        ha_auto(ha_buf_clear) struct ha_buf plaintext = {0};
        count_up(key, sizeof(key));
        const struct ha_aead_use use = {
            .aead = vectors[i].aead,
            .key = key,
            .iv = kerckhoffs_iv,
            .iv_len = sizeof(kerckhoffs_iv),
            .aad = kerckhoffs_aad,
            .aad_len = strlen(kerckhoffs_aad),
        };
        assert_int_equal(ha_aead_seal(&use, kerckhoffs, strlen(kerckhoffs), &ciphertext, tag, &err), HA_OK);
        assert_hex(tag, ha_aead_info(use.aead)->tag_len, vectors[i].tag);
        assert_int_equal(ciphertext.len, 144);
        assert_int_equal(ha_aead_open(&use, ciphertext.data, ciphertext.len, tag, &plaintext, &err), HA_OK);
        assert_string_equal(ha_buf_text(&plaintext), kerckhoffs);
    }
}

// Every bit of IV, additional data, ciphertext and tag counts, and of the key as far as it authenticates (the half of
// it that only encrypts is bound to the other by whoever made both). Nothing comes out when one is wrong.
static void aead_open_of_anything_changed_gives_nothing(void **state)
{
    for (unsigned aead = HA_AEAD_NONE + 1; aead < HA_AEAD_COUNT; aead++) {
        const struct ha_aead_info *info = ha_aead_info((enum ha_aead)aead);
        uint8_t key[HA_AEAD_KEY_MAX], iv[HA_AEAD_IV_MAX], aad[4] = {1, 2, 3, 4}, tag[HA_AEAD_TAG_MAX];
        struct ha_err err = {0}, expected = {0};
        ha_auto(ha_buf_clear) struct ha_buf ciphertext = {0};
        ha_auto(ha_buf_clear) struct ha_buf plaintext = {0};
        count_up(key, sizeof(key));
        count_up(iv, sizeof(iv));
        ha_decryption_failed(&expected);
        const struct ha_aead_use use = {(enum ha_aead)aead, key, iv, info->iv_len, aad, sizeof(aad)};
        assert_int_equal(ha_aead_seal(&use, "hello, hello, hello", 19, &ciphertext, tag, &err), HA_OK);
        struct {
            uint8_t *bytes;
            size_t n;
        } parts[] = {{key, aead < HA_AEAD_A128CBC_HS256 ? info->key_len : info->key_len / 2},
                     {iv, info->iv_len},
                     {aad, sizeof(aad)},
                     {tag, info->tag_len},
                     {ciphertext.data, ciphertext.len}};
        for (size_t p = 0; p < HA_ARRAY_SIZE(parts); p++) {
            for (size_t bit = 0; bit < parts[p].n * 8; bit++) {
                parts[p].bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
                err = (struct ha_err){0};
                assert_int_equal(ha_aead_open(&use, ciphertext.data, ciphertext.len, tag, &plaintext, &err),
                                 HA_E_DECRYPTION);
                assert_memory_equal(&err, &expected, sizeof(err));
                assert_int_equal(plaintext.len, 0);
                parts[p].bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
            }
        }
        for (size_t n = 0; n < ciphertext.len; n++)
            assert_int_equal(ha_aead_open(&use, ciphertext.data, n, tag, &plaintext, &err), HA_E_DECRYPTION);
        assert_int_equal(ha_aead_open(&use, ciphertext.data, ciphertext.len, tag, &plaintext, &err), HA_OK);
        assert_string_equal(ha_buf_text(&plaintext), "hello, hello, hello");
    }
}

static void aead_open_takes_ivs_of_the_right_length_only(void **state)
{
    for (unsigned aead = HA_AEAD_NONE + 1; aead < HA_AEAD_COUNT; aead++) {
        uint8_t key[HA_AEAD_KEY_MAX] = {0}, iv[64] = {0}, tag[HA_AEAD_TAG_MAX];
        for (size_t iv_len = 0; iv_len <= sizeof(iv); iv_len++) {
            struct ha_err err = {0};
            ha_auto(ha_buf_clear) struct ha_buf ciphertext = {0};
            const struct ha_aead_use use = {(enum ha_aead)aead, key, iv, iv_len, NULL, 0};
            bool fits = iv_len == ha_aead_info((enum ha_aead)aead)->iv_len || iv_len == 16;
            assert_int_equal(ha_aead_seal(&use, "", 0, &ciphertext, tag, &err), fits ? HA_OK : HA_E_INTERNAL);
        }
    }
}

// RFC 3394 section 4.
static void aeskw_gives_the_keys_of_the_standard(void **state)
{
    static const struct {
        size_t kek_len, n;
        const char *wrapped;
    } vectors[] = {
        {16, 16, "1fa68b0a8112b447aef34bd8fb5a7b829d3e862371d2cfe5"},
        {24, 16, "96778b25ae6ca435f92b5b97c050aed2468ab8a17ad84e5d"},
        {32, 16, "64e8c3f9ce0f5ba263e9777905818a2a93c8191e7d6e8ae7"},
    };
    for (size_t i = 0; i < HA_ARRAY_SIZE(vectors); i++) {
        static const uint8_t key[] = {0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77,
                                      0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff};
        uint8_t kek[32];
        struct ha_err err = {0};
        ha_auto(ha_buf_clear) struct ha_buf wrapped = {0};
        ha_auto(ha_buf_clear) struct ha_buf unwrapped = {0};
        count_up(kek, sizeof(kek));
        assert_int_equal(ha_aeskw_wrap(kek, vectors[i].kek_len, key, sizeof(key), &wrapped, &err), HA_OK);
        assert_hex(wrapped.data, wrapped.len, vectors[i].wrapped);
        assert_int_equal(ha_aeskw_unwrap(kek, vectors[i].kek_len, wrapped.data, wrapped.len, &unwrapped, &err), HA_OK);
        assert_int_equal(unwrapped.len, sizeof(key));
        assert_memory_equal(unwrapped.data, key, sizeof(key));
        ha_buf_reset(&unwrapped);
        wrapped.data[5] ^= 4;
        assert_int_equal(ha_aeskw_unwrap(kek, vectors[i].kek_len, wrapped.data, wrapped.len, &unwrapped, &err),
                         HA_E_DECRYPTION);
        for (size_t n = 0; n < wrapped.len; n++)
            assert_int_equal(ha_aeskw_unwrap(kek, vectors[i].kek_len, wrapped.data, n, &unwrapped, &err),
                             HA_E_DECRYPTION);
        assert_int_equal(unwrapped.len, 0);
    }
}

// RFC 7518 appendix C.
static void kdf_gives_the_key_of_the_standard(void **state)
{
    static const uint8_t secret[] = {158, 86, 217, 29,  129, 113, 53,  211, 114, 131, 66,  131, 191, 132, 38,  156,
                                     251, 49, 110, 163, 218, 128, 106, 72,  246, 218, 167, 121, 140, 254, 144, 196};
    const struct ha_kdf_info info = {"A128GCM", (const uint8_t *)"Alice", (const uint8_t *)"Bob", 5, 3};
    struct ha_err err = {0};
    ha_auto(ha_buf_clear) struct ha_buf key = {0};
    ha_auto(ha_buf_clear) struct ha_buf text = {0};
    assert_int_equal(ha_kdf_concat(secret, sizeof(secret), &info, 16, &key, &err), HA_OK);
    ha_b64u_encode(&text, key.data, key.len);
    assert_string_equal(ha_buf_text(&text), "VqqN6vgjbSBcIijNcacQGg");
}

static void aead_names_lead_back(void **state)
{
    for (unsigned i = HA_AEAD_NONE + 1; i < HA_AEAD_COUNT; i++)
        assert_int_equal(ha_aead_by_name(ha_aead_info((enum ha_aead)i)->name), i);
    assert_int_equal(ha_aead_by_name("none"), HA_AEAD_NONE);
    assert_int_equal(ha_aead_by_name(""), HA_AEAD_NONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(aead_seal_gives_the_tags_of_the_standard),
        cmocka_unit_test(aead_open_of_anything_changed_gives_nothing),
        cmocka_unit_test(aead_open_takes_ivs_of_the_right_length_only),
        cmocka_unit_test(aeskw_gives_the_keys_of_the_standard),
        cmocka_unit_test(kdf_gives_the_key_of_the_standard),
        cmocka_unit_test(aead_names_lead_back),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
