// SPDX-License-Identifier: Apache-2.0
#include "token/decrypt.h"

#include "crypto/sigenc.h"
#include "token/ckr.h"
#include "token/login.h"
#include "token/oaep_probe.h"
#include "token/session.h"
#include "token/p11.h"

#include <string.h>

enum decrypt_way {
    WAY_NO,        // nobody can
    WAY_UNPROVED,  // the token has the mechanism; whether it takes the parameters is not known
    WAY_TOKEN,     // it does
    WAY_SOFTWARE,  // raw RSA by the token, OAEP here
};

static enum decrypt_way fallback(const struct ha_decrypt_ways *ways, bool software_oaep)
{
    return ways->raw && software_oaep ? WAY_SOFTWARE : WAY_NO;
}

void ha_decrypt_choose(const struct ha_mechanisms *mechanisms, bool software_oaep, struct ha_decrypt_ways *ret_ways)
{
    ret_ways->raw = ha_mechanisms_have(mechanisms, CKM_RSA_X_509, CKF_DECRYPT);
    bool oaep = ha_mechanisms_have(mechanisms, CKM_RSA_PKCS_OAEP, CKF_DECRYPT);
    bool pkcs1 = ha_mechanisms_have(mechanisms, CKM_RSA_PKCS, CKF_DECRYPT);
    for (unsigned i = HA_ALG_NONE + 1; i < HA_ALG_COUNT; i++) {
        const struct ha_alg_info *alg = ha_alg_info((enum ha_alg)i);
        enum decrypt_way way = WAY_NO;
        if (alg->use == HA_USE_DECRYPT && alg->padding == HA_PAD_OAEP)
            way = oaep ? WAY_UNPROVED : fallback(ret_ways, software_oaep);
        else if (alg->use == HA_USE_DECRYPT)
            way = pkcs1 ? WAY_TOKEN : WAY_NO;
        for (unsigned label = 0; label < 2; label++)
            atomic_store(&ret_ways->way[i][label], way);
    }
}

enum ha_way ha_decrypt_way(const struct ha_decrypt_ways *ways, enum ha_alg alg)
{
    return atomic_load(&ways->way[alg][0]) == WAY_NO ? HA_WAY_NONE : HA_WAY_DATA;
}

static enum ha_code cannot(const struct ha_p11 *token, const struct ha_alg_info *alg, bool label, struct ha_err *err)
{
    ha_fail(err, HA_E_KEY_CANNOT, "the token can't do %s%s", alg->name, label ? " with a label" : "");
    if (alg->padding != HA_PAD_OAEP || !token->decrypt.raw || token->options->software_oaep)
        return err->code;
    return ha_hint(err,
                   "The token does raw RSA: with 'software-oaep = yes' in its section, the agent undoes the padding.");
}

static CK_RV init_plain(struct ha_p11 *token, const struct ha_session *session, const struct ha_p11_key *key,
                        CK_MECHANISM_TYPE type)
{
    CK_MECHANISM mechanism = {.mechanism = type};
    return token->p11->C_DecryptInit(session->handle, &mechanism, key->handle);
}

// The way that is settled; settles it. The result is for all keys: what a token takes isn't a matter of the key.
static enum ha_code settle(struct ha_p11 *token, struct ha_session *session, const struct ha_p11_key *key,
                           const struct ha_packet *question, enum decrypt_way *ret_way, struct ha_err *err)
{
    atomic_int *settled = &token->decrypt.way[question->alg][question->part[3].len > 0];
    int way = atomic_load(settled);
    if (way == WAY_UNPROVED) {
        bool works = false;
        if (ha_oaep_probe(token, session, key, question, &works, err))
            return err->code;
        way = works ? WAY_TOKEN : fallback(&token->decrypt, token->options->software_oaep);
        atomic_store(settled, way);
    }
    *ret_way = (enum decrypt_way)way;
    return HA_OK;
}

static enum ha_code start(struct ha_p11 *token, struct ha_session *session, const struct ha_p11_key *key,
                          const struct ha_packet *question, enum decrypt_way way, struct ha_err *err)
{
    const struct ha_alg_info *alg = ha_alg_info((enum ha_alg)question->alg);
    CK_RV rv = CKR_OK;
    session->poisoned = true;  // until the operation has ended well
    switch (way) {
    case WAY_NO:
    case WAY_UNPROVED:
        session->poisoned = false;
        return cannot(token, alg, question->part[3].len > 0, err);
    case WAY_SOFTWARE:
        rv = init_plain(token, session, key, CKM_RSA_X_509);
        break;
    case WAY_TOKEN:
        rv = alg->padding == HA_PAD_OAEP ? ha_oaep_init(token, session, key, alg->hash, &question->part[3])
                                         : init_plain(token, session, key, CKM_RSA_PKCS);
        break;
    }
    if (rv != CKR_OK)
        return ha_ckr_fail(err, "C_DecryptInit", rv);
    return key->always_authenticate ? ha_login_context(token, session->handle, err) : HA_OK;
}

// Which failures of C_Decrypt can't come from the ciphertext. Everything else is taken to: SoftHSM says
// CKR_GENERAL_ERROR for wrong padding, others have codes of their own. What may come from it isn't tried again: how
// long that took, or how often it was done, would tell the codes apart.
static bool is_independent(CK_RV rv)
{
    switch (ha_ckr_class(rv)) {
    case HA_CKR_SESSION:
    case HA_CKR_DEVICE:
    case HA_CKR_PIN:
    case HA_CKR_KEY:
        return true;
    case HA_CKR_OK:
    case HA_CKR_DATA:
    case HA_CKR_VAGUE:
    case HA_CKR_OTHER:
        break;
    }
    return rv == CKR_HOST_MEMORY || rv == CKR_DEVICE_MEMORY || rv == CKR_SESSION_COUNT;
}

// Appends what C_Decrypt gives, at most block_len bytes.
static enum ha_code finish(struct ha_p11 *token, struct ha_session *session, const struct ha_part *ciphertext,
                           size_t block_len, struct ha_buf *out, struct ha_err *err)
{
    CK_ULONG got = block_len;
    uint8_t *plain = ha_buf_reserve(out, block_len);
    if (!plain)
        return ha_fail(err, HA_E_MEMORY, "out of memory for a plaintext");
    CK_RV rv =
        token->p11->C_Decrypt(session->handle, (CK_BYTE *)(uintptr_t)ciphertext->data, ciphertext->len, plain, &got);
    if (rv != CKR_OK || got > block_len) {
        ha_wipe(plain, block_len);
        return rv != CKR_OK && is_independent(rv) ? ha_ckr_fail(err, "C_Decrypt", rv) : ha_decryption_failed(err);
    }
    ha_buf_advance(out, got);
    session->poisoned = false;
    return HA_OK;
}

static enum ha_code finish_software(struct ha_p11 *token, struct ha_session *session, const struct ha_packet *question,
                                    size_t block_len, struct ha_buf *out, struct ha_err *err)
{
    ha_auto(ha_buf_clear) struct ha_buf raw = {0};
    ha_auto(ha_buf_clear) struct ha_buf block = {0};
    if (finish(token, session, &question->part[2], block_len, &raw, err))
        return err->code;
    // A token may leave out the leading zeros of the number; OAEP's block always has at least one.
    uint8_t *padded = ha_buf_reserve(&block, block_len);
    if (!padded)
        return ha_fail(err, HA_E_MEMORY, "out of memory for a plaintext");
    memset(padded, 0, block_len - raw.len);
    memcpy(padded + block_len - raw.len, raw.data, raw.len);
    ha_buf_advance(&block, block_len);
    const struct ha_part *label = &question->part[3];
    return ha_oaep_decode(ha_alg_info((enum ha_alg)question->alg)->hash, block.data, block.len, label->data, label->len,
                          out, err);
}

enum ha_code ha_decrypt(struct ha_p11 *token, struct ha_session *session, const struct ha_p11_key *key,
                        const struct ha_packet *question, struct ha_buf *out, struct ha_err *err)
{
    enum ha_alg alg = question->alg < HA_ALG_COUNT ? (enum ha_alg)question->alg : HA_ALG_NONE;
    if (alg == HA_ALG_NONE || ha_alg_info(alg)->use != HA_USE_DECRYPT)
        return ha_fail(err, HA_E_MALFORMED, "that isn't an algorithm for decryption");
    if (!ha_alg_fits(alg, key->type))
        return ha_fail(err, HA_E_KEY_CANNOT, "%s doesn't go with a key of type %s", ha_alg_info(alg)->name,
                       ha_key_type_info(key->type)->name);
    size_t block_len = (key->bits + 7) / 8;
    if (question->part[2].len != block_len)
        return ha_decryption_failed(err);
    enum decrypt_way way = WAY_NO;
    if (settle(token, session, key, question, &way, err) || start(token, session, key, question, way, err))
        return err->code;
    return way == WAY_SOFTWARE ? finish_software(token, session, question, block_len, out, err)
                               : finish(token, session, &question->part[2], block_len, out, err);
}
