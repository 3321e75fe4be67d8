// SPDX-License-Identifier: Apache-2.0
// Encodings of signatures: ECDSA raw and DER, EMSA-PKCS1-v1_5, EMSA-PSS.
#include "crypto/sigenc.h"

#include "crypto/digest.h"
#include "crypto/ossl.h"

#include <openssl/err.h>
#include <openssl/rand.h>
#include <string.h>

#define FIELD_MAX   (HA_ECDSA_RAW_MAX / 2)
#define DER_MAX     (2 * (FIELD_MAX + 3) + 3)
#define MODULUS_MAX 2048  // bytes of a 16384 bit modulus

static enum ha_code out_of_memory(struct ha_err *err)
{
    return ha_fail(err, HA_E_MEMORY, "no memory for an encoding");
}

static enum ha_code append(struct ha_buf *out, const void *bytes, size_t n, struct ha_err *err)
{
    ha_buf_append(out, bytes, n);
    return ha_buf_ok(out) ? HA_OK : out_of_memory(err);
}

// A positive number of n bytes as a DER INTEGER of FIELD_MAX + 3 bytes at most; returns how many. 0: it is zero.
static size_t put_integer(const uint8_t *number, size_t n, uint8_t *out)
{
    for (; n > 0 && *number == 0; n--)
        number++;
    if (n == 0)
        return 0;
    size_t pad = *number >> 7;  // without it the number would be negative
    out[0] = 0x02;
    out[1] = (uint8_t)(n + pad);
    out[2] = 0;
    memcpy(out + 2 + pad, number, n);
    return 2 + pad + n;
}

// By hand, since OpenSSL takes a dozen allocations for it, as much time as all the rest of a small answer.
enum ha_code ha_ecdsa_raw_to_der(const uint8_t *raw, size_t n, struct ha_buf *out, struct ha_err *err)
{
    if (n == 0 || n % 2 != 0 || n > 2 * FIELD_MAX)
        return ha_fail(err, HA_E_MALFORMED, "an ECDSA signature r||s can't have %zu bytes", n);
    uint8_t der[DER_MAX], *body = der + 3;
    size_t r_len = put_integer(raw, n / 2, body);
    size_t s_len = put_integer(raw + n / 2, n / 2, body + r_len);
    size_t body_len = r_len + s_len;
    if (r_len == 0 || s_len == 0)
        return ha_fail(err, HA_E_MALFORMED, "an ECDSA signature can't have r or s of zero");
    // A length over 127 has a byte that says how long it is.
    bool is_long = body_len > 127;
    uint8_t *start = is_long ? der : der + 1;
    start[0] = 0x30;
    start[1] = is_long ? 0x81 : (uint8_t)body_len;
    if (is_long)
        start[2] = (uint8_t)body_len;
    return append(out, start, (size_t)(body - start) + body_len, err);
}

enum ha_code ha_ecdsa_der_to_raw(const uint8_t *der, size_t n, size_t field_len, struct ha_buf *out, struct ha_err *err)
{
    if (field_len == 0 || field_len > FIELD_MAX)
        return ha_fail(err, HA_E_INTERNAL, "no curve has coordinates of %zu bytes", field_len);
    const uint8_t *at = der;
    ha_auto(ECDSA_SIG_free) ECDSA_SIG *sig = n > 0 && n <= DER_MAX ? d2i_ECDSA_SIG(NULL, &at, (long)n) : NULL;
    // A signature has one DER encoding only: written again, it must be the same bytes, all of them.
    uint8_t again[DER_MAX], *again_end = again;
    if (!sig || i2d_ECDSA_SIG(sig, NULL) != (int)n || i2d_ECDSA_SIG(sig, &again_end) != (int)n ||
        memcmp(again, der, n) != 0) {
        ERR_clear_error();
        return ha_fail(err, HA_E_MALFORMED, "the ECDSA signature isn't a DER ECDSA-Sig-Value");
    }
    const BIGNUM *r = ECDSA_SIG_get0_r(sig), *s = ECDSA_SIG_get0_s(sig);
    uint8_t raw[2 * FIELD_MAX];
    if (BN_is_zero(r) || BN_is_zero(s) || BN_bn2binpad(r, raw, (int)field_len) < 0 ||
        BN_bn2binpad(s, raw + field_len, (int)field_len) < 0) {
        ERR_clear_error();
        return ha_fail(err, HA_E_MALFORMED, "r or s of the ECDSA signature is out of the curve's range");
    }
    return append(out, raw, 2 * field_len, err);
}

void ha_digest_info(enum ha_hash hash, const uint8_t *digest, struct ha_buf *out)
{
    const struct ha_hash_info *info = ha_hash_info(hash);
    ha_buf_append(out, info->digest_info, info->digest_info_len);
    ha_buf_append(out, digest, info->len);
}

enum ha_code ha_emsa_pkcs1(enum ha_hash hash, const uint8_t *digest, size_t modulus_bytes, struct ha_buf *out,
                           struct ha_err *err)
{
    const struct ha_hash_info *info = ha_hash_info(hash);
    size_t t_len = info->digest_info_len + info->len;
    if (!info->len || modulus_bytes > MODULUS_MAX)
        return ha_fail(err, HA_E_INTERNAL, "no EMSA-PKCS1-v1_5 block of %zu bytes with %s", modulus_bytes, info->name);
    if (modulus_bytes < t_len + 11)
        return ha_fail(err, HA_E_KEY_CANNOT, "a modulus of %zu bytes is too small for %s", modulus_bytes, info->name);
    uint8_t *block = ha_buf_reserve(out, modulus_bytes);
    if (!block)
        return out_of_memory(err);
    uint8_t *t = block + modulus_bytes - t_len;
    memset(block, 0xff, modulus_bytes - t_len);
    block[0] = 0x00;
    block[1] = 0x01;
    t[-1] = 0x00;
    memcpy(t, info->digest_info, info->digest_info_len);
    memcpy(t + info->digest_info_len, digest, info->len);
    ha_buf_advance(out, modulus_bytes);
    return HA_OK;
}

// XORs MGF1(seed) onto n bytes of mask (RFC 8017 appendix B.2.1). The seed has the hash's length.
static enum ha_code mgf1_xor(enum ha_hash hash, const uint8_t *seed, uint8_t *mask, size_t n, struct ha_err *err)
{
    size_t h_len = ha_hash_info(hash)->len;
    uint8_t input[HA_DIGEST_MAX + 4], digest[HA_DIGEST_MAX];
    memcpy(input, seed, h_len);
    for (size_t done = 0, counter = 0; done < n; done += h_len, counter++) {
        for (size_t i = 0; i < 4; i++)
            input[h_len + i] = (uint8_t)(counter >> (24 - 8 * i));
        enum ha_code code = ha_digest(hash, input, h_len + 4, digest, err);
        if (code)
            return code;
        for (size_t i = 0; i < h_len && done + i < n; i++)
            mask[done + i] ^= digest[i];
    }
    return HA_OK;
}

// H = Hash(eight zero bytes || mHash || salt)
static enum ha_code pss_hash(enum ha_hash hash, const uint8_t *digest, const uint8_t *salt, uint8_t *ret_h,
                             struct ha_err *err)
{
    size_t h_len = ha_hash_info(hash)->len;
    uint8_t m[8 + 2 * HA_DIGEST_MAX] = {0}, h[HA_DIGEST_MAX];
    memcpy(m + 8, digest, h_len);
    memcpy(m + 8 + h_len, salt, h_len);
    enum ha_code code = ha_digest(hash, m, 8 + 2 * h_len, h, err);
    if (code)
        return code;
    memcpy(ret_h, h, h_len);
    return HA_OK;
}

enum ha_code ha_emsa_pss(enum ha_hash hash, const uint8_t *digest, unsigned modulus_bits, struct ha_buf *out,
                         struct ha_err *err)
{
    size_t h_len = ha_hash_info(hash)->len;
    if (!h_len || modulus_bits < 16 || modulus_bits > 8 * MODULUS_MAX)
        return ha_fail(err, HA_E_INTERNAL, "no EMSA-PSS block for a modulus of %u bits", modulus_bits);
    size_t block_len = (modulus_bits + 7) / 8, em_len = (modulus_bits - 1 + 7) / 8;
    if (em_len < 2 * h_len + 2)
        return ha_fail(err, HA_E_KEY_CANNOT, "a modulus of %u bits is too small for PSS with %s", modulus_bits,
                       ha_hash_info(hash)->name);
    uint8_t block[MODULUS_MAX] = {0}, salt[HA_DIGEST_MAX];
    // em is one byte shorter than the block when the modulus has 8k+1 bits.
    uint8_t *em = block + (block_len - em_len), *h = em + em_len - 1 - h_len;
    size_t db_len = em_len - 1 - h_len;
    if (RAND_bytes(salt, (int)h_len) != 1)
        return ha_ossl_fail(err, HA_E_INTERNAL, "no random bytes for the PSS salt");
    enum ha_code code = pss_hash(hash, digest, salt, h, err);
    if (code)
        return code;
    em[db_len - h_len - 1] = 0x01;
    memcpy(em + db_len - h_len, salt, h_len);
    code = mgf1_xor(hash, h, em, db_len, err);
    if (code)
        return code;
    em[0] &= (uint8_t)(0xff >> (8 * em_len - (modulus_bits - 1)));
    em[em_len - 1] = 0xbc;
    return append(out, block, block_len, err);
}
