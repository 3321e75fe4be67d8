// SPDX-License-Identifier: Apache-2.0
#include "token/sign.h"

#include "crypto/digest.h"
#include "crypto/sigenc.h"
#include "token/ckr.h"
#include "token/login.h"
#include "token/session.h"
#include "token/p11.h"

// What the mechanism is given.
enum sign_input {
    INPUT_DIGEST_INFO,  // the digest with its DER head
    INPUT_DIGEST,
    INPUT_DATA,
    INPUT_BLOCK,  // the padded block, as large as the modulus
};

struct ha_sign_way {
    enum ha_alg alg;
    CK_MECHANISM_TYPE mechanism;
    enum sign_input input;
};

// The first row that the token can do is taken. A digest goes before data: large data then needs no large packet, and
// every hash is as good as any other. Raw RSA comes last, since the token can't see what it signs.
static const struct ha_sign_way rows[] = {
    {HA_ALG_RS256, CKM_RSA_PKCS, INPUT_DIGEST_INFO},
    {HA_ALG_RS256, CKM_SHA256_RSA_PKCS, INPUT_DATA},
    {HA_ALG_RS256, CKM_RSA_X_509, INPUT_BLOCK},
    {HA_ALG_RS384, CKM_RSA_PKCS, INPUT_DIGEST_INFO},
    {HA_ALG_RS384, CKM_SHA384_RSA_PKCS, INPUT_DATA},
    {HA_ALG_RS384, CKM_RSA_X_509, INPUT_BLOCK},
    {HA_ALG_RS512, CKM_RSA_PKCS, INPUT_DIGEST_INFO},
    {HA_ALG_RS512, CKM_SHA512_RSA_PKCS, INPUT_DATA},
    {HA_ALG_RS512, CKM_RSA_X_509, INPUT_BLOCK},
    {HA_ALG_PS256, CKM_RSA_PKCS_PSS, INPUT_DIGEST},
    {HA_ALG_PS256, CKM_SHA256_RSA_PKCS_PSS, INPUT_DATA},
    {HA_ALG_PS256, CKM_RSA_X_509, INPUT_BLOCK},
    {HA_ALG_PS384, CKM_RSA_PKCS_PSS, INPUT_DIGEST},
    {HA_ALG_PS384, CKM_SHA384_RSA_PKCS_PSS, INPUT_DATA},
    {HA_ALG_PS384, CKM_RSA_X_509, INPUT_BLOCK},
    {HA_ALG_PS512, CKM_RSA_PKCS_PSS, INPUT_DIGEST},
    {HA_ALG_PS512, CKM_SHA512_RSA_PKCS_PSS, INPUT_DATA},
    {HA_ALG_PS512, CKM_RSA_X_509, INPUT_BLOCK},
    {HA_ALG_ES256, CKM_ECDSA, INPUT_DIGEST},
    {HA_ALG_ES256, CKM_ECDSA_SHA256, INPUT_DATA},
    {HA_ALG_ES384, CKM_ECDSA, INPUT_DIGEST},
    {HA_ALG_ES384, CKM_ECDSA_SHA384, INPUT_DATA},
    {HA_ALG_ES512, CKM_ECDSA, INPUT_DIGEST},
    {HA_ALG_ES512, CKM_ECDSA_SHA512, INPUT_DATA},
    {HA_ALG_ED25519, CKM_EDDSA, INPUT_DATA},
    {HA_ALG_HMAC_SHA256, CKM_SHA256_HMAC, INPUT_DATA},
};

void ha_sign_choose(const struct ha_mechanisms *mechanisms, struct ha_sign_ways *ret_ways)
{
    *ret_ways = (struct ha_sign_ways){0};
    for (size_t i = 0; i < HA_ARRAY_SIZE(rows); i++) {
        const struct ha_sign_way **way = &ret_ways->way[rows[i].alg];
        if (!*way && ha_mechanisms_have(mechanisms, rows[i].mechanism, CKF_SIGN))
            *way = &rows[i];
    }
}

enum ha_way ha_sign_way(const struct ha_sign_ways *ways, enum ha_alg alg)
{
    if (!ways->way[alg])
        return HA_WAY_NONE;
    return ways->way[alg]->input == INPUT_DATA ? HA_WAY_DATA : HA_WAY_DIGEST;
}

static void pss_params(enum ha_hash hash, CK_RSA_PKCS_PSS_PARAMS *ret_params)
{
    static const struct {
        CK_MECHANISM_TYPE hash;
        CK_RSA_PKCS_MGF_TYPE mgf;
    } mechanisms[HA_HASH_COUNT] = {
        [HA_HASH_SHA1] = {CKM_SHA_1, CKG_MGF1_SHA1},
        [HA_HASH_SHA256] = {CKM_SHA256, CKG_MGF1_SHA256},
        [HA_HASH_SHA384] = {CKM_SHA384, CKG_MGF1_SHA384},
        [HA_HASH_SHA512] = {CKM_SHA512, CKG_MGF1_SHA512},
    };
    *ret_params = (CK_RSA_PKCS_PSS_PARAMS){
        .hashAlg = mechanisms[hash].hash,
        .mgf = mechanisms[hash].mgf,
        .sLen = ha_hash_info(hash)->len,  // as JOSE and TLS 1.3 have it
    };
}

static enum ha_code choose_way(const struct ha_p11 *token, const struct ha_p11_key *key,
                               const struct ha_packet *question, const struct ha_sign_way **ret_way, struct ha_err *err)
{
    enum ha_alg alg = question->alg < HA_ALG_COUNT ? (enum ha_alg)question->alg : HA_ALG_NONE;
    if (alg == HA_ALG_NONE || (ha_alg_info(alg)->use != HA_USE_SIGN && ha_alg_info(alg)->use != HA_USE_MAC))
        return ha_fail(err, HA_E_MALFORMED, "that isn't an algorithm for signatures");
    if (!ha_alg_fits(alg, key->type))
        return ha_fail(err, HA_E_KEY_CANNOT, "%s doesn't go with a key of type %s", ha_alg_info(alg)->name,
                       ha_key_type_info(key->type)->name);
    const struct ha_sign_way *way = token->sign.way[alg];
    if (!way)
        return ha_fail(err, HA_E_KEY_CANNOT, "the token has no mechanism for %s", ha_alg_info(alg)->name);
    bool digest = question->flags & HA_PACKET_DIGEST;
    if (digest && way->input == INPUT_DATA)
        return ha_fail(err, HA_E_KEY_CANNOT, "%s takes the data itself, not a digest", ha_alg_info(alg)->name);
    if (digest && question->part[2].len != ha_hash_info(ha_alg_info(alg)->hash)->len)
        return ha_fail(err, HA_E_MALFORMED, "the digest has %zu bytes; %s takes %zu", question->part[2].len,
                       ha_alg_info(alg)->name, ha_hash_info(ha_alg_info(alg)->hash)->len);
    *ret_way = way;
    return HA_OK;
}

// Appends what the mechanism is to be given.
static enum ha_code make_input(const struct ha_sign_way *way, const struct ha_p11_key *key,
                               const struct ha_packet *question, struct ha_buf *out, struct ha_err *err)
{
    const struct ha_part *given = &question->part[2];
    const struct ha_alg_info *alg = ha_alg_info(way->alg);
    uint8_t hashed[HA_DIGEST_MAX];
    const uint8_t *digest = given->data;
    if (way->input != INPUT_DATA && !(question->flags & HA_PACKET_DIGEST)) {
        if (ha_digest(alg->hash, given->data, given->len, hashed, err))
            return err->code;
        digest = hashed;
    }
    enum ha_code code = HA_OK;
    switch (way->input) {
    case INPUT_DIGEST_INFO:
        ha_digest_info(alg->hash, digest, out);
        break;
    case INPUT_DIGEST:
        ha_buf_append(out, digest, ha_hash_info(alg->hash)->len);
        break;
    case INPUT_DATA:
        ha_buf_append(out, given->data, given->len);
        break;
    case INPUT_BLOCK:
        code = alg->padding == HA_PAD_PSS ? ha_emsa_pss(alg->hash, digest, key->bits, out, err)
                                          : ha_emsa_pkcs1(alg->hash, digest, (key->bits + 7) / 8, out, err);
        break;
    }
    if (code == HA_OK && !ha_buf_ok(out))
        code = ha_fail(err, HA_E_MEMORY, "out of memory for the input of a signature");
    return code;
}

static size_t signature_len(const struct ha_p11_key *key)
{
    size_t bytes = (key->bits + 7) / 8;
    switch (ha_key_type_info(key->type)->family) {
    case HA_FAMILY_RSA:
    case HA_FAMILY_MAC:
        return bytes;
    case HA_FAMILY_EC:
    case HA_FAMILY_ED:
    case HA_FAMILY_KEK:
        break;
    }
    return 2 * bytes;
}

static enum ha_code call_token(struct ha_p11 *token, struct ha_session *session, const struct ha_p11_key *key,
                               const struct ha_sign_way *way, struct ha_buf *input, struct ha_buf *out,
                               struct ha_err *err)
{
    CK_RSA_PKCS_PSS_PARAMS pss;
    CK_MECHANISM mechanism = {.mechanism = way->mechanism};
    const struct ha_alg_info *alg = ha_alg_info(way->alg);
    if (alg->padding == HA_PAD_PSS && way->input != INPUT_BLOCK) {
        pss_params(alg->hash, &pss);
        mechanism.pParameter = &pss;
        mechanism.ulParameterLen = sizeof(pss);
    }
    const size_t want = signature_len(key);
    CK_ULONG got = want;
    uint8_t nothing = 0;
    uint8_t *signature = ha_buf_reserve(out, want);
    if (!signature)
        return ha_fail(err, HA_E_MEMORY, "out of memory for a signature");

    session->poisoned = true;  // until it has proved to be well
    CK_RV rv = token->p11->C_SignInit(session->handle, &mechanism, key->handle);
    if (rv != CKR_OK)
        return ha_ckr_fail(err, "C_SignInit", rv);
    if (key->always_authenticate && ha_login_context(token, session->handle, err))
        return err->code;
    // Modules refuse NULL even where there are no bytes (an empty message for Ed25519).
    rv = token->p11->C_Sign(session->handle, input->data ? input->data : &nothing, input->len, signature, &got);
    if (rv != CKR_OK)
        return ha_ckr_fail(err, "C_Sign", rv);
    if (got != want)
        return ha_fail(err, HA_E_TOKEN_ERROR, "the token's signature has %lu bytes instead of %zu", got, want);
    session->poisoned = false;
    ha_buf_advance(out, got);
    return HA_OK;
}

enum ha_code ha_sign(struct ha_p11 *token, struct ha_session *session, const struct ha_p11_key *key,
                     const struct ha_packet *question, struct ha_buf *out, struct ha_err *err)
{
    ha_auto(ha_buf_clear) struct ha_buf input = {0};
    const struct ha_sign_way *way = NULL;
    if (choose_way(token, key, question, &way, err) || make_input(way, key, question, &input, err))
        return err->code;
    size_t before = out->len;
    if (call_token(token, session, key, way, &input, out, err))
        return err->code;
    if (ha_verify_signature(token, question, out->data + before, out->len - before))
        return HA_OK;
    // A wrong RSA signature must not leave: with the right one it gives the key away.
    ha_buf_reset(out);
    session->poisoned = true;
    ha_fail(err, HA_E_TOKEN_ERROR, "the token's signature doesn't verify with the key's public key; it was held back");
    err->rv = CKR_SIGNATURE_INVALID;
    return ha_hint(err, "Try again. If it happens more than once, the token is faulty or under attack: stop using it, "
                        "and ask its vendor.");
}
