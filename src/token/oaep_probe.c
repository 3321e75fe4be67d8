// SPDX-License-Identifier: Apache-2.0
#include "token/oaep_probe.h"

#include "crypto/ossl.h"
#include "crypto/pubkey.h"
#include "token/ckr.h"
#include "token/login.h"
#include "token/public.h"
#include "token/session.h"
#include "token/p11.h"

#include <openssl/err.h>
#include <openssl/rsa.h>
#include <string.h>

#define MODULUS_MAX 2048  // bytes

static const char sample[] = "hsm-agent";

CK_RV ha_oaep_init(struct ha_p11 *token, const struct ha_session *session, const struct ha_p11_key *key,
                   enum ha_hash hash, const struct ha_part *label)
{
    CK_RSA_PKCS_OAEP_PARAMS params = {
        .hashAlg = hash == HA_HASH_SHA1 ? CKM_SHA_1 : CKM_SHA256,
        .mgf = hash == HA_HASH_SHA1 ? CKG_MGF1_SHA1 : CKG_MGF1_SHA256,
        .source = CKZ_DATA_SPECIFIED,
        .pSourceData = label->len ? (void *)(uintptr_t)label->data : NULL,
        .ulSourceDataLen = label->len,
    };
    CK_MECHANISM mechanism = {CKM_RSA_PKCS_OAEP, &params, sizeof(params)};
    return token->p11->C_DecryptInit(session->handle, &mechanism, key->handle);
}

static bool set_label(EVP_PKEY_CTX *ctx, const struct ha_part *label)
{
    if (label->len == 0)
        return true;
    void *copy = OPENSSL_memdup(label->data, label->len);
    if (copy && EVP_PKEY_CTX_set0_rsa_oaep_label(ctx, copy, (int)label->len) > 0)
        return true;
    OPENSSL_free(copy);
    return false;
}

static enum ha_code encrypt(const struct ha_pubkey *key, enum ha_hash hash, const struct ha_part *label,
                            uint8_t ret_ciphertext[static MODULUS_MAX], size_t *ret_n, struct ha_err *err)
{
    ha_auto(EVP_PKEY_CTX_free) EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, ha_pubkey_evp(key), NULL);
    const EVP_MD *md = hash == HA_HASH_SHA1 ? EVP_sha1() : EVP_sha256();
    size_t n = MODULUS_MAX;
    if (!ctx || EVP_PKEY_encrypt_init(ctx) <= 0 || EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_OAEP_PADDING) <= 0 ||
        EVP_PKEY_CTX_set_rsa_oaep_md(ctx, md) <= 0 || EVP_PKEY_CTX_set_rsa_mgf1_md(ctx, md) <= 0 ||
        !set_label(ctx, label) ||
        EVP_PKEY_encrypt(ctx, ret_ciphertext, &n, (const uint8_t *)sample, sizeof(sample)) <= 0)
        return ha_ossl_fail(err, HA_E_INTERNAL, "encrypting a sample for the token");
    *ret_n = n;
    return HA_OK;
}

static enum ha_code public_key(struct ha_p11 *token, struct ha_session *session, const struct ha_p11_key *key,
                               const struct ha_packet *question, struct ha_pubkey **ret_key, struct ha_err *err)
{
    struct ha_key_name name = {question->part[0].data, question->part[0].len, question->part[1].data, false, false};
    bool told = false;
    mtx_lock(&token->object_lock);
    enum ha_code code = ha_public_match(token, session, key->handle, &name, &told, ret_key, err);
    mtx_unlock(&token->object_lock);
    if (code == HA_OK && !*ret_key)
        code = ha_fail(err, HA_E_NO_KEY, "the private key on the token was replaced");
    return code;
}

// Codes that don't come from the parameters or from the sample.
static bool is_other_trouble(CK_RV rv)
{
    return ha_ckr_class(rv) == HA_CKR_SESSION || ha_ckr_class(rv) == HA_CKR_DEVICE || rv == CKR_HOST_MEMORY ||
           rv == CKR_DEVICE_MEMORY || rv == CKR_KEY_FUNCTION_NOT_PERMITTED;
}

// What the token makes of it is *ret_rv, and the function that said so *ret_function.
static enum ha_code decrypt_once(struct ha_p11 *token, struct ha_session *session, const struct ha_p11_key *key,
                                 const struct ha_packet *question, const struct ha_part *ciphertext, bool *ret_works,
                                 CK_RV *ret_rv, const char **ret_function, struct ha_err *err)
{
    uint8_t plain[MODULUS_MAX];
    CK_ULONG got = sizeof(plain);
    *ret_function = "C_DecryptInit";
    CK_RV rv = ha_oaep_init(token, session, key, ha_alg_info((enum ha_alg)question->alg)->hash, &question->part[3]);
    if (rv == CKR_OK) {
        if (key->always_authenticate && ha_login_context(token, session->handle, err))
            return err->code;
        *ret_function = "C_Decrypt";
        rv = token->p11->C_Decrypt(session->handle, (CK_BYTE *)(uintptr_t)ciphertext->data, ciphertext->len, plain,
                                   &got);
        *ret_works = rv == CKR_OK && got == sizeof(sample) && memcmp(plain, sample, got) == 0;
    }
    *ret_rv = rv;
    return HA_OK;
}

// Whether the token decrypts with this key at all: the sample's bytes as a number, or the beginning of that.
static bool decrypts_otherwise(struct ha_p11 *token, struct ha_session *session, const struct ha_p11_key *key,
                               const struct ha_part *ciphertext)
{
    uint8_t plain[MODULUS_MAX];
    CK_ULONG got = sizeof(plain);
    bool raw = token->decrypt.raw;
    CK_MECHANISM mechanism = {.mechanism = raw ? CKM_RSA_X_509 : CKM_RSA_PKCS};
    session->poisoned = true;
    struct ha_err ignored = {0};  // a PIN that is refused is by the next operation, too
    if (token->p11->C_DecryptInit(session->handle, &mechanism, key->handle) != CKR_OK ||
        (raw && key->always_authenticate && ha_login_context(token, session->handle, &ignored)))
        return false;
    return !raw || token->p11->C_Decrypt(session->handle, (CK_BYTE *)(uintptr_t)ciphertext->data, ciphertext->len,
                                         plain, &got) == CKR_OK;
}

// How much one failure says about the parameters, of which 4 is enough: the answer holds for as long as the process
// lives. A vague code says little, and nothing at all when the token fails without them, too.
static enum ha_code weigh(struct ha_p11 *token, struct ha_session *session, const struct ha_p11_key *key,
                          const struct ha_part *ciphertext, const char *function, CK_RV rv, unsigned *weight,
                          struct ha_err *err)
{
    bool vague = ha_ckr_class(rv) == HA_CKR_VAGUE;
    if (is_other_trouble(rv))
        return ha_ckr_fail(err, function, rv);
    if (ha_session_renew(token, session, err))
        return err->code;
    if (vague && !decrypts_otherwise(token, session, key, ciphertext))
        return ha_ckr_fail(err, function, rv);
    *weight += vague ? 1 : 2;
    return vague ? ha_session_renew(token, session, err) : HA_OK;
}

enum ha_code ha_oaep_probe(struct ha_p11 *token, struct ha_session *session, const struct ha_p11_key *key,
                           const struct ha_packet *question, bool *ret_works, struct ha_err *err)
{
    ha_auto(ha_pubkey_free) struct ha_pubkey *public = NULL;
    uint8_t bytes[MODULUS_MAX];
    struct ha_part ciphertext = {.data = bytes};
    if (public_key(token, session, key, question, &public, err) ||
        encrypt(public, ha_alg_info((enum ha_alg)question->alg)->hash, &question->part[3], bytes, &ciphertext.len, err))
        return err->code;
    bool works = false;
    for (unsigned weight = 0; weight < 4 && !works;) {
        const char *function = NULL;
        session->poisoned = true;
        CK_RV rv = CKR_OK;
        if (decrypt_once(token, session, key, question, &ciphertext, &works, &rv, &function, err))
            return err->code;
        if (rv == CKR_OK) {
            session->poisoned = false;
            weight += 2;
        } else if (weigh(token, session, key, &ciphertext, function, rv, &weight, err)) {
            return err->code;
        }
    }
    *ret_works = works;
    return HA_OK;
}
