// SPDX-License-Identifier: Apache-2.0
#include "format/jwe.h"

#include "base/secret.h"
#include "base/text.h"
#include "crypto/ossl.h"
#include "crypto/point.h"
#include "crypto/sigenc.h"
#include "format/jwe_header.h"
#include "format/jwe_key.h"
#include "format/jwe_message.h"

#include <openssl/rand.h>
#include <string.h>

const struct ha_jwe_profile *ha_jwe_plain(void)
{
    static const struct ha_jwe_profile plain = {0};
    return &plain;
}

void ha_jwe_clear(struct ha_jwe *job)
{
    struct ha_buf *const bufs[] = {&job->encrypted_key, &job->header, &job->apu,        &job->apv,
                                   &job->aad,           &job->iv,     &job->ciphertext, &job->tag};
    for (size_t i = 0; i < HA_ARRAY_SIZE(bufs); i++)
        ha_buf_clear(bufs[i]);
    ha_pubkey_free(job->epk);
    ha_json_free(job->protected_header);
    ha_json_free(job->message);
    *job = (struct ha_jwe){0};
}

// --- Whose message it is

static void look_at(struct ha_jwe *job, const struct ha_jwe_message *message, size_t i,
                    struct ha_json_text *ret_encrypted_key)
{
    job->parts[0] = job->protected_header;
    job->parts[1] = message->unprotected;
    ha_jwe_message_recipient(message, i, &job->parts[2], ret_encrypted_key);
}

static bool alg_fits(const struct ha_jwe *job, const struct ha_jwe_key *key)
{
    const char *name = ha_jwe_header_string(job, "alg");
    enum ha_jwe_alg alg = name ? ha_jwe_alg_by_name(name) : HA_JWE_ALG_NONE;
    return alg && ha_jwe_alg_fits(alg, ha_pubkey_type(key->key));
}

static bool kid_is(const struct ha_jwe *job, const char *wanted)
{
    const char *kid = ha_jwe_header_string(job, "kid");
    return kid && strcmp(kid, wanted) == 0;
}

// How many recipients fit; the last of them in ret_index. kid NULL: all whose algorithm does.
static size_t count_fitting(struct ha_jwe *job, const struct ha_jwe_message *message, const struct ha_jwe_key *key,
                            const char *kid, size_t *ret_index)
{
    size_t count = 0;
    struct ha_json_text ignored;
    for (size_t i = 0; i < ha_jwe_message_recipients(message); i++) {
        look_at(job, message, i, &ignored);
        if (alg_fits(job, key) && (!kid || kid_is(job, kid))) {
            *ret_index = i;
            count++;
        }
    }
    return count;
}

static enum ha_code thumbprint(const struct ha_pubkey *key, struct ha_buf *out, struct ha_err *err)
{
    uint8_t hash[32];
    if (ha_pubkey_thumbprint(key, hash, err))
        return err->code;
    ha_b64u_encode(out, hash, sizeof(hash));
    return ha_buf_ok(out) ? HA_OK : ha_fail(err, HA_E_MEMORY, "no memory for a kid");
}

// Of several recipients the one that the key is, and no guess.
static enum ha_code choose_recipient(struct ha_jwe *job, const struct ha_jwe_message *message,
                                     const struct ha_jwe_key *key, size_t *ret_index, struct ha_err *err)
{
    ha_auto(ha_buf_clear) struct ha_buf own = {0};
    size_t index = 0, count;
    if (ha_jwe_message_recipients(message) == 1)
        return HA_OK;
    if (!key->kid && thumbprint(key->key, &own, err))
        return err->code;
    count = count_fitting(job, message, key, key->kid ? key->kid : ha_buf_text(&own), &index);
    if (count == 0 && !key->kid)
        count = count_fitting(job, message, key, NULL, &index);
    if (count == 0)
        return ha_fail(err, HA_E_KEY_CANNOT, "the message is for none of the key's kind%s%.90s%s",
                       key->kid ? " with the kid \"" : "", key->kid ? key->kid : "", key->kid ? "\"" : "");
    if (count > 1) {
        ha_fail(err, HA_E_AMBIGUOUS, "%zu of the message's recipients could be the key", count);
        return ha_hint(err, "say the key's kid, so that one of them fits");
    }
    *ret_index = index;
    return HA_OK;
}

// --- What is behind the header

// Base64url that decodes to len bytes; what doesn't is replaced by as many zeros, so that the work stays the same.
static void read_fixed(struct ha_jwe *job, struct ha_json_text text, size_t len, struct ha_buf *into)
{
    struct ha_err ignored = {0};
    if (text.data && ha_b64u_decode(into, text.data, text.n, &ignored) == HA_OK && into->len == len)
        return;
    job->broken = true;
    ha_buf_reset(into);
    for (size_t i = 0; i < len; i++)
        ha_buf_putc(into, 0);
}

static void read_iv(struct ha_jwe *job, const struct ha_jwe_profile *profile, struct ha_json_text text)
{
    struct ha_err ignored = {0};
    if (profile->long_iv && text.data && ha_b64u_decode(&job->iv, text.data, text.n, &ignored) == HA_OK &&
        job->iv.len == HA_AEAD_IV_MAX)
        return;
    ha_buf_reset(&job->iv);
    read_fixed(job, text, ha_aead_info(job->enc)->iv_len, &job->iv);
}

static void read_any(struct ha_jwe *job, struct ha_json_text text, struct ha_buf *into)
{
    struct ha_err ignored = {0};
    if (text.data && ha_b64u_decode(into, text.data, text.n, &ignored))
        job->broken = true;
}

static enum ha_code read_rest(struct ha_jwe *job, const struct ha_jwe_profile *profile, const struct ha_pubkey *key,
                              const struct ha_jwe_message *message, struct ha_json_text encrypted_key,
                              struct ha_err *err)
{
    const struct ha_aead_info *enc = ha_aead_info(job->enc);
    ha_auto(ha_buf_clear) struct ha_buf aad = {0};
    if (job->alg == HA_ALG_ECDH)
        read_any(job, encrypted_key, &job->encrypted_key);
    else
        read_fixed(job, encrypted_key, (ha_pubkey_bits(key) + 7) / 8, &job->encrypted_key);
    read_any(job, message->ciphertext, &job->ciphertext);
    read_any(job, message->aad, &aad);
    read_iv(job, profile, message->iv);
    read_fixed(job, message->tag, enc->tag_len, &job->tag);
    if (job->jwe_alg == HA_JWE_ECDH_ES && (job->encrypted_key.len || ha_jwe_message_recipients(message) > 1))
        job->broken = true;
    ha_buf_append(&job->aad, message->protected_text.data, message->protected_text.n);
    if (message->aad.data) {
        ha_buf_putc(&job->aad, '.');
        ha_buf_append(&job->aad, message->aad.data, message->aad.n);
    }
    return ha_buf_ok(&job->aad) && ha_buf_ok(&job->iv) && ha_buf_ok(&job->tag) && ha_buf_ok(&job->ciphertext) &&
                   ha_buf_ok(&job->encrypted_key)
               ? HA_OK
               : ha_fail(err, HA_E_MEMORY, "no memory for a JWE");
}

enum ha_code ha_jwe_begin(const struct ha_jwe_profile *profile, const struct ha_jwe_key *key, const char *text,
                          size_t n, struct ha_jwe *ret_job, struct ha_err *err)
{
    ha_auto(ha_jwe_message_clear) struct ha_jwe_message message = {0};
    struct ha_json_text encrypted_key = {0};
    size_t index = 0;
    if (ha_jwe_message_read(text, n, &message, err) || ha_jwe_header_protected(ret_job, message.protected_text, err) ||
        choose_recipient(ret_job, &message, key, &index, err))
        return err->code;
    look_at(ret_job, &message, index, &encrypted_key);
    enum ha_code code = ha_jwe_header_check(ret_job, profile, key, err);
    if (!code)
        code = read_rest(ret_job, profile, key->key, &message, encrypted_key, err);
    ret_job->message = ha_take(&message.json);  // which the parts and kid and cty are borrowed from
    return code;
}

// --- The end

enum ha_code ha_jwe_end(const struct ha_jwe *job, const uint8_t *secret, size_t n, struct ha_buf *plaintext,
                        struct ha_err *err)
{
    const struct ha_aead_info *enc = ha_aead_info(job->enc);
    ha_auto(ha_buf_clear) struct ha_buf random = {0};
    ha_auto(ha_buf_clear) struct ha_buf cek = {0};
    uint8_t *at = ha_buf_reserve(&random, HA_AEAD_KEY_MAX + HA_POINT_MAX);
    if (!at)
        return ha_fail(err, HA_E_MEMORY, "no memory for a key");
    if (RAND_bytes(at, HA_AEAD_KEY_MAX + HA_POINT_MAX) != 1)
        return ha_ossl_fail(err, HA_E_INTERNAL, "no random bytes");
    bool good = secret && !job->broken;
    if (!secret) {  // a random one takes its place
        secret = at + HA_AEAD_KEY_MAX;
        n = job->epk ? ha_point_field_len(ha_pubkey_type(job->epk)) : enc->key_len;
    }
    struct ha_err first = {0};
    enum ha_code code = ha_jwe_key_open(job, secret, n, &cek, &first);
    if (code && code != HA_E_DECRYPTION) {
        *err = first;
        return code;
    }
    good = good && !code && cek.len == enc->key_len;
    const struct ha_aead_use use = {
        .aead = job->enc,
        .key = good ? cek.data : at,
        .iv = job->iv.data,
        .iv_len = job->iv.len,
        .aad = job->aad.data,
        .aad_len = job->aad.len,
    };
    return ha_aead_open(&use, job->ciphertext.data, job->ciphertext.len, job->tag.data, plaintext, err);
}
