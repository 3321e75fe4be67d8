// SPDX-License-Identifier: Apache-2.0
#include "token/receive.h"

#include "base/auto.h"
#include "token/ckr.h"
#include "token/generate.h"
#include "token/operate.h"
#include "token/public.h"
#include "token/session.h"
#include "token/wrapping.h"
#include "token/p11.h"

#define WRAPPER_BITS 3072  // as strong as AES-128 and P-256 are

static CK_BBOOL yes = CK_TRUE, no = CK_FALSE;

static enum ha_code make_wrapper(struct ha_p11 *token, struct ha_session *session, struct ha_pair *ret_pair,
                                 struct ha_err *err)
{
    static uint8_t exponent[] = {0x01, 0x00, 0x01};
    CK_ULONG bits = WRAPPER_BITS;
    CK_MECHANISM mechanism = {.mechanism = CKM_RSA_PKCS_KEY_PAIR_GEN};
    CK_ATTRIBUTE public_key[] = {
        {CKA_TOKEN, &no, sizeof(no)},
        {CKA_WRAP, &yes, sizeof(yes)},
        {CKA_MODULUS_BITS, &bits, sizeof(bits)},
        {CKA_PUBLIC_EXPONENT, exponent, sizeof(exponent)},
    };
    CK_ATTRIBUTE private_key[] = {
        {CKA_TOKEN, &no, sizeof(no)},       {CKA_PRIVATE, &yes, sizeof(yes)}, {CKA_SENSITIVE, &yes, sizeof(yes)},
        {CKA_EXTRACTABLE, &no, sizeof(no)}, {CKA_UNWRAP, &yes, sizeof(yes)},  {CKA_SIGN, &no, sizeof(no)},
        {CKA_DECRYPT, &no, sizeof(no)},
    };
    CK_RV rv =
        token->p11->C_GenerateKeyPair(session->handle, &mechanism, public_key, HA_ARRAY_SIZE(public_key), private_key,
                                      HA_ARRAY_SIZE(private_key), &ret_pair->public_key, &ret_pair->private_key);
    if (rv == CKR_OK)
        return HA_OK;
    session->poisoned = true;
    return ha_ckr_fail(err, "C_GenerateKeyPair", rv);
}

static bool is_alive(const struct ha_p11 *token, const struct ha_session *session)
{
    return token->wrapper.sealed_len > 0 && token->wrapper.session == session->handle &&
           token->wrapper.generation == atomic_load(&token->generation);
}

static void drop_wrapper(struct ha_p11 *token, struct ha_session *session)
{
    if (is_alive(token, session))
        ha_wrapping_drop(token, session, token->wrapper.private_key);
    token->wrapper = (struct ha_wrapper){0};
}

static enum ha_code prepare(struct ha_p11 *token, struct ha_session *session, struct ha_buf *out, struct ha_err *err)
{
    ha_auto(ha_pubkey_free) struct ha_pubkey *key = NULL;
    struct ha_pair pair;
    size_t n;
    drop_wrapper(token, session);
    if (make_wrapper(token, session, &pair, err))
        return err->code;
    enum ha_code code = ha_public_of_object(token, session, pair.public_key, &key, err);
    ha_wrapping_drop(token, session, pair.public_key);
    if (code) {
        ha_wrapping_drop(token, session, pair.private_key);
        return code;
    }
    token->wrapper = (struct ha_wrapper){pair.private_key, session->handle, atomic_load(&token->generation),
                                         (ha_pubkey_bits(key) + 7) / 8};
    const uint8_t *spki = ha_pubkey_spki(key, &n);
    ha_buf_append(out, spki, n);
    return HA_OK;
}

static enum ha_code run_prepare(struct ha_p11 *token, struct ha_session *session, void *context, struct ha_err *err)
{
    mtx_lock(&token->object_lock);
    enum ha_code code = prepare(token, session, context, err);
    mtx_unlock(&token->object_lock);
    return code;
}

enum ha_code ha_receive_prepare(struct ha_p11 *token, const struct ha_packet *question, struct ha_buf *out,
                                struct ha_err *err)
{
    bool wraps = question->flags & HA_PACKET_SHARED;
    const struct ha_wrapping_ways *ways = &token->wrapping;
    const char *lacks = wraps ? ways->out_lacks : ways->in_lacks;
    if (lacks) {
        ha_fail(err, HA_E_KEY_CANNOT, "the token can't share a key with others: it lacks %s", lacks);
        return ha_hint(err,
                       "import one key pair into each token with the tokens' own tools, and adopt them as one key: "
                       "`hsm-agent key adopt NAME URI URI`");
    }
    ha_buf_putc(out, (char)(wraps ? ways->out : ways->in));
    enum ha_code code = wraps ? HA_OK : ha_operate(token, HA_OPERATE_HELD, run_prepare, out, err);
    if (code == HA_OK && !ha_buf_ok(out))
        code = ha_fail(err, HA_E_MEMORY, "out of memory for a wrapping key");
    return code;
}

struct job {
    const struct ha_packet *question;
    unsigned runs;
    const struct ha_pubkey *public_key;
    struct ha_err first;  // what the first run failed with
};

static enum ha_code receive(struct ha_p11 *token, struct ha_session *session, const struct job *job, struct ha_err *err)
{
    const struct ha_part *sealed = &job->question->part[3];
    size_t key_len = token->wrapper.sealed_len;
    CK_OBJECT_HANDLE key = CK_INVALID_HANDLE;
    if (!is_alive(token, session)) {
        if (job->runs > 1) {
            *err = job->first;  // it cost the session
            return err->code;
        }
        ha_fail(err, HA_E_TOKEN_ERROR, "the session with the wrapping key was lost meanwhile");
        return ha_hint(err, "Create the key again.");
    }
    if (sealed->len <= key_len)
        return ha_fail(err, HA_E_MALFORMED, "a sealed key is cut off");
    if (ha_generate_refuse_taken(token, session, &job->question->part[0], err) ||
        ha_wrapping_unseal(token, session, token->wrapper.private_key, &(struct ha_part){sealed->data, key_len}, &key,
                           err))
        return err->code;
    const struct ha_wrapping_job unwrap = {job->question,
                                           job->runs,
                                           job->public_key,
                                           key,
                                           {(const uint8_t *)sealed->data + key_len, sealed->len - key_len}};
    enum ha_code code = ha_wrapping_unwrap(token, session, &unwrap, err);
    ha_wrapping_drop(token, session, key);
    return code;
}

static enum ha_code run(struct ha_p11 *token, struct ha_session *session, void *context, struct ha_err *err)
{
    struct job *job = context;
    job->runs++;
    mtx_lock(&token->object_lock);
    enum ha_code code = receive(token, session, job, err);
    if (code && job->runs == 1)
        job->first = *err;
    if (code == HA_OK)
        drop_wrapper(token, session);
    mtx_unlock(&token->object_lock);
    return code;
}

enum ha_code ha_receive(struct ha_p11 *token, const struct ha_packet *question, struct ha_err *err)
{
    ha_auto(ha_pubkey_free) struct ha_pubkey *public_key = NULL;
    if (ha_generate_check(question, err) ||
        ha_pubkey_restore(question->part[2].data, question->part[2].len, &public_key, err))
        return err->code;
    if (question->alg >= HA_WRAP_COUNT || !(token->wrapping.in & 1u << question->alg) ||
        (uint32_t)ha_pubkey_type(public_key) != question->key_type)
        return ha_fail(err, HA_E_MALFORMED, "that isn't a key that this token can unwrap");
    struct job job = {.question = question, .public_key = public_key};
    enum ha_code code = ha_operate(token, HA_OPERATE_HELD, run, &job, err);
    if (code)
        token->wrapper = (struct ha_wrapper){0};  // the object goes with its session
    return code;
}
