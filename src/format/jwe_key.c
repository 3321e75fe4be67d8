// SPDX-License-Identifier: Apache-2.0
#include "format/jwe_key.h"

#include "crypto/aeskw.h"
#include "crypto/challenge.h"
#include "crypto/kdf.h"
#include "crypto/ossl.h"
#include "crypto/point.h"
#include "crypto/sigenc.h"

#include <openssl/rand.h>

// The key that was agreed on: the content's for ECDH-ES, else the one that wraps it.
static enum ha_code agreed_key(enum ha_jwe_alg alg, enum ha_aead enc, const uint8_t *secret, size_t n,
                               const struct ha_buf *apu, const struct ha_buf *apv, struct ha_buf *out,
                               struct ha_err *err)
{
    const struct ha_jwe_alg_info *info = ha_jwe_alg_info(alg);
    const struct ha_kdf_info bound = {
        .algorithm = info->kek_len ? info->name : ha_aead_info(enc)->name,
        .apu = apu->data,
        .apu_len = apu->len,
        .apv = apv->data,
        .apv_len = apv->len,
    };
    return ha_kdf_concat(secret, n, &bound, info->kek_len ? info->kek_len : ha_aead_info(enc)->key_len, out, err);
}

enum ha_code ha_jwe_key_open(const struct ha_jwe *job, const uint8_t *secret, size_t n, struct ha_buf *cek,
                             struct ha_err *err)
{
    if (job->alg != HA_ALG_ECDH) {
        ha_buf_append(cek, secret, n);
        return ha_buf_ok(cek) ? HA_OK : ha_fail(err, HA_E_MEMORY, "no memory for a key");
    }
    if (n != ha_point_field_len(ha_pubkey_type(job->epk)))
        return ha_decryption_failed(err);
    size_t kek_len = ha_jwe_alg_info(job->jwe_alg)->kek_len;
    if (!kek_len)
        return agreed_key(job->jwe_alg, job->enc, secret, n, &job->apu, &job->apv, cek, err);
    ha_auto(ha_buf_clear) struct ha_buf kek = {0};
    if (agreed_key(job->jwe_alg, job->enc, secret, n, &job->apu, &job->apv, &kek, err))
        return err->code;
    return ha_aeskw_unwrap(kek.data, kek_len, job->encrypted_key.data, job->encrypted_key.len, cek, err);
}

void ha_jwe_sealed_clear(struct ha_jwe_sealed *sealed)
{
    ha_buf_clear(&sealed->cek);
    ha_buf_clear(&sealed->encrypted_key);
    ha_pubkey_free(sealed->epk);
    *sealed = (struct ha_jwe_sealed){0};
}

static enum ha_code random_key(enum ha_aead enc, struct ha_buf *cek, struct ha_err *err)
{
    size_t len = ha_aead_info(enc)->key_len;
    uint8_t *at = ha_buf_reserve(cek, len);
    if (!at)
        return ha_fail(err, HA_E_MEMORY, "no memory for a key");
    if (RAND_priv_bytes(at, (int)len) != 1)
        return ha_ossl_fail(err, HA_E_INTERNAL, "no random bytes");
    ha_buf_advance(cek, len);
    return HA_OK;
}

static enum ha_code seal_agreed(enum ha_jwe_alg alg, enum ha_aead enc, const struct ha_pubkey *recipient,
                                const struct ha_buf *apu, const struct ha_buf *apv, struct ha_jwe_sealed *sealed,
                                struct ha_err *err)
{
    ha_auto(ha_buf_clear) struct ha_buf point = {0};
    ha_auto(ha_buf_clear) struct ha_buf secret = {0};
    ha_auto(ha_buf_clear) struct ha_buf key = {0};
    size_t kek_len = ha_jwe_alg_info(alg)->kek_len;
    if (ha_challenge_agree(recipient, &point, &secret, err) ||
        ha_pubkey_from_point(ha_pubkey_type(recipient), point.data, point.len, &sealed->epk, err))
        return err->code;
    if (!kek_len)
        return agreed_key(alg, enc, secret.data, secret.len, apu, apv, &sealed->cek, err);
    if (agreed_key(alg, enc, secret.data, secret.len, apu, apv, &key, err) || random_key(enc, &sealed->cek, err))
        return err->code;
    return ha_aeskw_wrap(key.data, kek_len, sealed->cek.data, sealed->cek.len, &sealed->encrypted_key, err);
}

enum ha_code ha_jwe_key_seal(enum ha_jwe_alg alg, enum ha_aead enc, const struct ha_pubkey *recipient,
                             const struct ha_buf *apu, const struct ha_buf *apv, struct ha_jwe_sealed *ret_sealed,
                             struct ha_err *err)
{
    enum ha_alg transport = ha_jwe_alg_info(alg)->alg;
    if (transport == HA_ALG_ECDH)
        return seal_agreed(alg, enc, recipient, apu, apv, ret_sealed, err);
    if (random_key(enc, &ret_sealed->cek, err))
        return err->code;
    return ha_challenge_encrypt(recipient, transport, ret_sealed->cek.data, ret_sealed->cek.len,
                                &ret_sealed->encrypted_key, err);
}
