// SPDX-License-Identifier: Apache-2.0
// OAEP decoding: what OpenSSL encrypted comes out again; every broken block gives the same bytes of the same error.
#include "crypto/digest.h"
#include "crypto/ossl.h"
#include "crypto/sigenc.h"
#include "softkey.h"

#include <openssl/err.h>
#include <openssl/rsa.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define K 256  // bytes of the modulus

static void encrypt(const struct softkey *key, enum ha_hash hash, const char *label, const void *plain, size_t n,
                    uint8_t ret_ciphertext[static K])
{
    const EVP_MD *md = EVP_get_digestbyname(hash == HA_HASH_SHA1 ? "sha1" : "sha256");
    ha_auto(EVP_PKEY_CTX_free) EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, ha_pubkey_evp(key->pub), NULL);
    assert_int_equal(EVP_PKEY_encrypt_init(ctx), 1);
    assert_true(EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_OAEP_PADDING) > 0);
    assert_true(EVP_PKEY_CTX_set_rsa_oaep_md(ctx, md) > 0);
    assert_true(EVP_PKEY_CTX_set_rsa_mgf1_md(ctx, md) > 0);
    if (label) {
        void *copy = OPENSSL_memdup(label, strlen(label));
        assert_true(EVP_PKEY_CTX_set0_rsa_oaep_label(ctx, copy, (int)strlen(label)) > 0);
    }
    size_t len = K;
    assert_int_equal(EVP_PKEY_encrypt(ctx, ret_ciphertext, &len, plain, n), 1);
    assert_int_equal(len, K);
}

static void oaep_decode_opens_what_openssl_encrypted(void **state)
{
    static const char *const labels[] = {NULL, "a label"};
    const struct softkey *key = *state;
    for (int hash = HA_HASH_SHA1; hash <= HA_HASH_SHA256; hash++) {
        size_t most = K - 2 * ha_hash_info(hash)->len - 2;
        size_t lengths[] = {0, 1, 32, most};
        for (size_t i = 0; i < 2 * HA_ARRAY_SIZE(lengths); i++) {
            struct ha_err err = {0};
            const char *label = labels[i % 2];
            size_t n = lengths[i / 2];
            uint8_t plain[K], ciphertext[K], block[K];
            memset(plain, 0xa5, sizeof plain);
            ha_auto(ha_buf_clear) struct ha_buf out = {0};
            ha_buf_putc(&out, 'x');
            encrypt(key, hash, label, plain, n, ciphertext);
            softkey_raw_rsa(key, ciphertext, K, block);
            assert_int_equal(
                ha_oaep_decode(hash, block, K, (const uint8_t *)label, label ? strlen(label) : 0, &out, &err), HA_OK);
            assert_int_equal(out.len, 1 + n);
            assert_int_equal(out.data[0], 'x');
            assert_memory_equal(out.data + 1, plain, n);
        }
    }
}

static void mgf1_xor(enum ha_hash hash, const uint8_t *seed, size_t seed_len, uint8_t *mask, size_t n)
{
    struct ha_err err = {0};
    uint8_t input[K + 4], digest[HA_DIGEST_MAX];
    memcpy(input, seed, seed_len);
    for (size_t i = 0; i < n; i++) {
        size_t h_len = ha_hash_info(hash)->len;
        if (i % h_len == 0) {
            memcpy(input + seed_len, (uint8_t[]){0, 0, 0, (uint8_t)(i / h_len)}, 4);
            assert_int_equal(ha_digest(hash, input, seed_len + 4, digest, &err), HA_OK);
        }
        mask[i] ^= digest[i % h_len];
    }
}

// EME-OAEP of SHA-256 with a chosen data block and first byte.
static void encode(uint8_t first, const uint8_t db[static K - 33], uint8_t ret_block[static K])
{
    uint8_t *seed = ret_block + 1, *masked = ret_block + 33;
    ret_block[0] = first;
    memset(seed, 0x3c, 32);
    memcpy(masked, db, K - 33);
    mgf1_xor(HA_HASH_SHA256, seed, 32, masked, K - 33);
    mgf1_xor(HA_HASH_SHA256, masked, K - 33, seed, 32);
}

// lHash of the empty label, zeros, 01, "secret"
static void good_db(uint8_t ret_db[static K - 33])
{
    struct ha_err err = {0};
    uint8_t digest[HA_DIGEST_MAX];
    memset(ret_db, 0, K - 33);
    assert_int_equal(ha_digest(HA_HASH_SHA256, "", 0, digest, &err), HA_OK);
    memcpy(ret_db, digest, 32);
    memcpy(ret_db + K - 33 - 7, "\1secret", 7);
}

// Decodes and compares every byte of the error with the one that ha_decryption_failed makes.
static void assert_refused(const char *what, enum ha_hash hash, const uint8_t *block, size_t n, const char *label)
{
    struct ha_err err, expected;
    memset(&err, 0, sizeof err);
    memset(&expected, 0, sizeof expected);
    ha_auto(ha_buf_clear) struct ha_buf out = {0};
    ha_decryption_failed(&expected);
    enum ha_code code = ha_oaep_decode(hash, block, n, (const uint8_t *)label, strlen(label), &out, &err);
    if (code != HA_E_DECRYPTION || out.len != 0 || memcmp(&err, &expected, sizeof err) != 0 || ERR_peek_error() != 0)
        fail_msg("%s: code %d, %s", what, code, err.detail);
}

struct change {
    const char *what;
    uint8_t first;
    int at;  // of the data block; -1: nowhere
    uint8_t value;
};

static void oaep_decode_refuses_every_broken_block_alike(void **state)
{
    enum { DB = K - 33, ONE = DB - 7 };
    static const struct change changes[] = {
        {"first byte 01", 0x01, -1, 0},
        {"first byte 80", 0x80, -1, 0},
        {"first byte of lHash", 0, 0, 0x00},
        {"last byte of lHash", 0, 31, 0x00},
        {"first byte of the padding", 0, 32, 0xff},
        {"02 in the padding", 0, 100, 0x02},
        {"80 before the separator", 0, ONE - 1, 0x80},
        {"separator 02", 0, ONE, 0x02},
        {"separator ff", 0, ONE, 0xff},
    };
    uint8_t db[DB], block[K];
    good_db(db);
    encode(0, db, block);
    struct ha_err err = {0};
    ha_auto(ha_buf_clear) struct ha_buf out = {0};
    assert_int_equal(ha_oaep_decode(HA_HASH_SHA256, block, K, NULL, 0, &out, &err), HA_OK);
    assert_string_equal(ha_buf_text(&out), "secret");

    assert_refused("another label", HA_HASH_SHA256, block, K, "label");
    assert_refused("another hash", HA_HASH_SHA1, block, K, "");
    assert_refused("a block without its first byte", HA_HASH_SHA256, block + 1, K - 1, "");
    assert_refused("a block without its last byte", HA_HASH_SHA256, block, K - 1, "");
    assert_refused("a block shorter than two hashes", HA_HASH_SHA256, block, 65, "");
    assert_refused("a block of one byte", HA_HASH_SHA256, block, 1, "");
    assert_refused("an empty block", HA_HASH_SHA256, block, 0, "");
    for (size_t i = 0; i < HA_ARRAY_SIZE(changes); i++) {
        good_db(db);
        if (changes[i].at >= 0)
            db[changes[i].at] = changes[i].value;
        encode(changes[i].first, db, block);
        assert_refused(changes[i].what, HA_HASH_SHA256, block, K, "");
    }
    good_db(db);
    memset(db + 32, 0, DB - 32);
    encode(0, db, block);
    assert_refused("no separator at all", HA_HASH_SHA256, block, K, "");
    memset(block, 0, K);
    assert_refused("zeros", HA_HASH_SHA256, block, K, "");
    memset(block, 0xff, K);
    assert_refused("ones", HA_HASH_SHA256, block, K, "");
}

static void oaep_decode_refuses_a_flip_of_any_byte(void **state)
{
    uint8_t db[K - 33], block[K];
    good_db(db);
    encode(0, db, block);
    for (size_t i = 0; i < K; i++) {
        block[i] ^= 0x10;
        // A flip in the masked message changes the seed too, and with it lHash.
        assert_refused("a flipped bit", HA_HASH_SHA256, block, K, "");
        block[i] ^= 0x10;
    }
}

static int make_key(void **state)
{
    *state = softkey_new(HA_KEY_RSA_2048);
    return 0;
}

static int free_key(void **state)
{
    softkey_free(*state);
    return 0;
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(oaep_decode_opens_what_openssl_encrypted),
        cmocka_unit_test(oaep_decode_refuses_every_broken_block_alike),
        cmocka_unit_test(oaep_decode_refuses_a_flip_of_any_byte),
    };
    return cmocka_run_group_tests_name("oaep", tests, make_key, free_key);
}
