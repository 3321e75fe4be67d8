// SPDX-License-Identifier: Apache-2.0
// Signature encodings: ECDSA raw and DER both ways, EMSA-PKCS1-v1_5 and EMSA-PSS against OpenSSL's verification.
#include "crypto/sigenc.h"

#include "crypto/digest.h"
#include "softkey.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void from_hex(const char *hex, struct ha_buf *out)
{
    for (unsigned byte; sscanf(hex, " %2x", &byte) == 1; hex += strspn(hex, " ") + 2)
        ha_buf_putc(out, (char)byte);
}

struct der_case {
    const char *what;
    const char *der;
};

static void ecdsa_der_to_raw_refuses_all_but_der(void **state)
{
    static const struct der_case cases[] = {
        {"nothing", ""},
        {"a tag alone", "30"},
        {"an empty sequence", "3000"},
        {"r alone", "3003 020101"},
        {"an integer in place of the sequence", "020101"},
        {"a set in place of the sequence", "3106 020101 020102"},
        {"no content in r", "3005 0200 020102"},
        {"r of zero", "3006 020100 020101"},
        {"s of zero", "3006 020101 020100"},
        {"negative r", "3006 0201ff 020101"},
        {"negative s", "3006 020101 020180"},
        {"a byte after the sequence", "3006 020101 020102 00"},
        {"a byte at the sequence's end", "3007 020101 020102 00"},
        {"a third integer", "3009 020101 020102 020103"},
        {"BER long form length of the sequence", "308106 020101 020102"},
        {"BER long form length of two bytes", "30820006 020101 020102"},
        {"BER long form length of r", "3007 02810101 020102"},
        {"BER indefinite length", "3080 020101 020102 0000"},
        {"a needless zero before r", "3007 02020001 020102"},
        {"a needless ff before negative r", "3007 0202ff80 020102"},
        {"a sequence too long for its content", "3007 020101 020102"},
        {"a sequence too short for its content", "3005 020101 020102"},
        {"a length of 4 GiB", "3084ffffffff 020101 020102"},
        {"r in a bit string", "3006 030101 020102"},
    };
    for (size_t i = 0; i < HA_ARRAY_SIZE(cases); i++) {
        struct ha_err err = {0};
        ha_auto(ha_buf_clear) struct ha_buf der = {0};
        ha_auto(ha_buf_clear) struct ha_buf out = {0};
        from_hex(cases[i].der, &der);
        enum ha_code code = ha_ecdsa_der_to_raw(der.data, der.len, 32, &out, &err);
        if (code != HA_E_MALFORMED || out.len != 0)
            fail_msg("%s: code %d", cases[i].what, code);
    }
}

static void ecdsa_der_to_raw_pads_small_numbers(void **state)
{
    struct ha_err err = {0};
    ha_auto(ha_buf_clear) struct ha_buf der = {0};
    ha_auto(ha_buf_clear) struct ha_buf out = {0};
    from_hex("3007 020101 02020080", &der);
    uint8_t expected[64] = {[31] = 0x01, [63] = 0x80};
    assert_int_equal(ha_ecdsa_der_to_raw(der.data, der.len, 32, &out, &err), HA_OK);
    assert_int_equal(out.len, 64);
    assert_memory_equal(out.data, expected, 64);
}

static void ecdsa_der_to_raw_refuses_numbers_longer_than_the_field(void **state)
{
    struct ha_err err = {0};
    ha_auto(ha_buf_clear) struct ha_buf der = {0};
    ha_auto(ha_buf_clear) struct ha_buf out = {0};
    from_hex("3026 0221 01 0000000000000000000000000000000000000000000000000000000000000000 020101", &der);
    assert_int_equal(ha_ecdsa_der_to_raw(der.data, der.len, 32, &out, &err), HA_E_MALFORMED);
    assert_int_equal(out.len, 0);
    assert_int_equal(ha_ecdsa_der_to_raw(der.data, der.len, 48, &out, &err), HA_OK);
    assert_int_equal(out.len, 96);
    assert_int_equal(ha_ecdsa_der_to_raw(der.data, der.len, 67, &out, &err), HA_E_INTERNAL);
}

static void ecdsa_raw_to_der_is_minimal_der(void **state)
{
    struct ha_err err = {0};
    ha_auto(ha_buf_clear) struct ha_buf out = {0};
    ha_auto(ha_buf_clear) struct ha_buf expected = {0};
    uint8_t raw[64] = {[31] = 0x7f, [63] = 0x80};
    from_hex("3007 02017f 02020080", &expected);
    ha_buf_putc(&out, 'x');
    assert_int_equal(ha_ecdsa_raw_to_der(raw, sizeof raw, &out, &err), HA_OK);
    assert_int_equal(out.len, 1 + expected.len);
    assert_int_equal(out.data[0], 'x');
    assert_memory_equal(out.data + 1, expected.data, expected.len);
}

static void ecdsa_raw_to_der_refuses_zero_and_odd_lengths(void **state)
{
    struct ha_err err = {0};
    ha_auto(ha_buf_clear) struct ha_buf out = {0};
    uint8_t raw[134];
    memset(raw, 1, sizeof raw);
    static const size_t lengths[] = {0, 1, 63, 65, 131, 133, 134};
    for (size_t i = 0; i < HA_ARRAY_SIZE(lengths); i++)
        assert_int_equal(ha_ecdsa_raw_to_der(raw, lengths[i], &out, &err), HA_E_MALFORMED);
    memset(raw, 0, 32);
    assert_int_equal(ha_ecdsa_raw_to_der(raw, 64, &out, &err), HA_E_MALFORMED);
    memset(raw, 1, 32);
    memset(raw + 32, 0, 32);
    assert_int_equal(ha_ecdsa_raw_to_der(raw, 64, &out, &err), HA_E_MALFORMED);
    assert_int_equal(out.len, 0);
}

static void ecdsa_round_trip_keeps_every_signature(void **state)
{
    static const size_t fields[] = {32, 48, 66};
    uint32_t seed = 1;
    for (size_t i = 0; i < 3000; i++) {
        struct ha_err err = {0};
        ha_auto(ha_buf_clear) struct ha_buf der = {0};
        ha_auto(ha_buf_clear) struct ha_buf back = {0};
        uint8_t raw[132];
        size_t field_len = fields[i % 3];
        for (size_t j = 0; j < 2 * field_len; j++) {
            seed = seed * 1664525 + 1013904223;
            // Every second byte at the front is zero or one, where the encoding has its corners.
            raw[j] = (uint8_t)(j % field_len < 3 ? (seed >> 24) % 2 * 0x80 : seed >> 24);
        }
        assert_int_equal(ha_ecdsa_raw_to_der(raw, 2 * field_len, &der, &err), HA_OK);
        assert_int_equal(ha_ecdsa_der_to_raw(der.data, der.len, field_len, &back, &err), HA_OK);
        assert_int_equal(back.len, 2 * field_len);
        assert_memory_equal(back.data, raw, back.len);
    }
}

// Encodes, applies the raw private operation, and has OpenSSL verify.
static void check_emsa(const struct softkey *key, enum ha_alg alg)
{
    static const char text[] = "the message";
    struct ha_err err = {0};
    const struct ha_alg_info *info = ha_alg_info(alg);
    ha_auto(ha_buf_clear) struct ha_buf block = {0};
    uint8_t digest[HA_DIGEST_MAX], sig[2048];
    unsigned bits = ha_pubkey_bits(key->pub);
    assert_int_equal(ha_digest(info->hash, text, sizeof text, digest, &err), HA_OK);
    if (info->padding == HA_PAD_PSS)
        assert_int_equal(ha_emsa_pss(info->hash, digest, bits, &block, &err), HA_OK);
    else
        assert_int_equal(ha_emsa_pkcs1(info->hash, digest, (bits + 7) / 8, &block, &err), HA_OK);
    assert_int_equal(block.len, (bits + 7) / 8);
    softkey_raw_rsa(key, block.data, block.len, sig);
    assert_true(ha_pubkey_verify(key->pub, alg, text, sizeof text, sig, block.len));
    sig[block.len - 1] ^= 1;
    assert_false(ha_pubkey_verify(key->pub, alg, text, sizeof text, sig, block.len));
}

static void emsa_blocks_verify_at_every_modulus_size(void **state)
{
    // 2049 bits: EMSA-PSS is a byte shorter than the block there. Beyond, 1 to 7 bits of the first byte are masked.
    static const unsigned sizes[] = {2048, 2049, 2050, 2055};
    for (size_t i = 0; i < HA_ARRAY_SIZE(sizes); i++) {
        ha_auto(softkey_free) struct softkey *key = softkey_new_rsa(sizes[i]);
        for (int alg = HA_ALG_RS256; alg <= HA_ALG_PS512; alg++)
            for (int again = 0; again < 4; again++)
                check_emsa(key, alg);
    }
}

static void emsa_pss_salts_differ(void **state)
{
    struct ha_err err = {0};
    ha_auto(ha_buf_clear) struct ha_buf blocks = {0};
    uint8_t digest[HA_DIGEST_MAX] = {0};
    for (int i = 0; i < 2; i++)
        assert_int_equal(ha_emsa_pss(HA_HASH_SHA256, digest, 2048, &blocks, &err), HA_OK);
    assert_int_equal(blocks.len, 512);
    assert_memory_not_equal(blocks.data, blocks.data + 256, 256);
}

static void emsa_refuses_moduli_too_small_for_the_hash(void **state)
{
    struct ha_err err = {0};
    ha_auto(ha_buf_clear) struct ha_buf out = {0};
    uint8_t digest[HA_DIGEST_MAX] = {0};
    // PKCS#1: 19 + 64 + 11 bytes for SHA-512; PSS: 2 * 64 + 2.
    assert_int_equal(ha_emsa_pkcs1(HA_HASH_SHA512, digest, 93, &out, &err), HA_E_KEY_CANNOT);
    assert_int_equal(ha_emsa_pss(HA_HASH_SHA512, digest, 129 * 8, &out, &err), HA_E_KEY_CANNOT);
    assert_int_equal(out.len, 0);
    assert_int_equal(ha_emsa_pkcs1(HA_HASH_SHA512, digest, 94, &out, &err), HA_OK);
    assert_int_equal(ha_emsa_pss(HA_HASH_SHA512, digest, 130 * 8, &out, &err), HA_OK);
    assert_int_equal(out.len, 94 + 130);
    assert_int_equal(ha_emsa_pss(HA_HASH_NONE, digest, 2048, &out, &err), HA_E_INTERNAL);
    assert_int_equal(ha_emsa_pss(HA_HASH_SHA256, digest, 0, &out, &err), HA_E_INTERNAL);
    assert_int_equal(ha_emsa_pss(HA_HASH_SHA256, digest, 16385, &out, &err), HA_E_INTERNAL);
    assert_int_equal(ha_emsa_pkcs1(HA_HASH_SHA256, digest, 2049, &out, &err), HA_E_INTERNAL);
}

static void digest_info_is_the_tail_of_the_block(void **state)
{
    struct ha_err err = {0};
    ha_auto(ha_buf_clear) struct ha_buf info = {0};
    ha_auto(ha_buf_clear) struct ha_buf block = {0};
    uint8_t digest[HA_DIGEST_MAX];
    memset(digest, 0xd1, sizeof digest);
    for (int hash = HA_HASH_SHA1; hash < HA_HASH_COUNT; hash++) {
        ha_buf_reset(&info);
        ha_buf_reset(&block);
        ha_digest_info(hash, digest, &info);
        assert_int_equal(ha_emsa_pkcs1(hash, digest, 256, &block, &err), HA_OK);
        assert_int_equal(info.data[1], info.len - 2);
        assert_memory_equal(block.data + 256 - info.len, info.data, info.len);
        assert_int_equal(block.data[256 - info.len - 1], 0);
    }
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ecdsa_der_to_raw_refuses_all_but_der),
        cmocka_unit_test(ecdsa_der_to_raw_pads_small_numbers),
        cmocka_unit_test(ecdsa_der_to_raw_refuses_numbers_longer_than_the_field),
        cmocka_unit_test(ecdsa_raw_to_der_is_minimal_der),
        cmocka_unit_test(ecdsa_raw_to_der_refuses_zero_and_odd_lengths),
        cmocka_unit_test(ecdsa_round_trip_keeps_every_signature),
        cmocka_unit_test(emsa_blocks_verify_at_every_modulus_size),
        cmocka_unit_test(emsa_pss_salts_differ),
        cmocka_unit_test(emsa_refuses_moduli_too_small_for_the_hash),
        cmocka_unit_test(digest_info_is_the_tail_of_the_block),
    };
    return cmocka_run_group_tests_name("sigenc", tests, NULL, NULL);
}
