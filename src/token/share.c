// SPDX-License-Identifier: Apache-2.0
#include "token/share.h"

#include "base/auto.h"
#include "token/generate.h"
#include "token/kek.h"
#include "token/operate.h"
#include "token/public.h"
#include "token/session.h"
#include "token/wrapping.h"
#include "token/p11.h"

#include <string.h>

#define PEERS_MAX 8

struct job {
    const struct ha_packet *question;
    unsigned runs;
    struct ha_pubkey *peer[PEERS_MAX];
    size_t n_peers;
    struct ha_buf wrapped;            // the private key
    struct ha_buf sealed[PEERS_MAX];  // the AES key, then the private key
    struct ha_pubkey *made;
};

static void forget_result(struct job *job)
{
    ha_buf_clear(&job->wrapped);
    for (size_t i = 0; i < PEERS_MAX; i++)
        ha_buf_clear(&job->sealed[i]);
    ha_pubkey_free(job->made);
    job->made = NULL;
}

static void job_clear(struct job *job)
{
    forget_result(job);
    for (size_t i = 0; i < job->n_peers; i++)
        ha_pubkey_free(job->peer[i]);
    job->n_peers = 0;
}
HA_AUTO_DEFINE_CLEAR(struct job, job_clear)

static enum ha_code read_peers(struct job *job, struct ha_err *err)
{
    const struct ha_part *list = &job->question->part[2];
    const uint8_t *at = list->data;
    for (size_t left = list->len; left > 0;) {
        uint32_t n;
        if (job->n_peers == PEERS_MAX || left < sizeof(n))
            return ha_fail(err, HA_E_MALFORMED, "that is no list of at most %d wrapping keys", PEERS_MAX);
        memcpy(&n, at, sizeof(n));
        if (n > left - sizeof(n))
            return ha_fail(err, HA_E_MALFORMED, "a wrapping key is cut off");
        if (ha_pubkey_from_spki(at + sizeof(n), n, &job->peer[job->n_peers], err))
            return err->code;
        if (ha_key_type_info(ha_pubkey_type(job->peer[job->n_peers++]))->family != HA_FAMILY_RSA)
            return ha_fail(err, HA_E_MALFORMED, "a wrapping key isn't one of RSA");
        at += sizeof(n) + n;
        left -= sizeof(n) + n;
    }
    return HA_OK;
}

static enum ha_code wrap_for_peers(struct ha_p11 *token, struct ha_session *session, struct job *job,
                                   CK_OBJECT_HANDLE key, CK_OBJECT_HANDLE private_key, struct ha_err *err)
{
    if (ha_wrapping_wrap(token, session, (enum ha_wrap)job->question->alg, key, private_key, &job->wrapped, err))
        return err->code;
    for (size_t i = 0; i < job->n_peers; i++) {
        if (ha_wrapping_seal(token, session, job->peer[i], key, &job->sealed[i], err))
            return err->code;
        ha_buf_append(&job->sealed[i], job->wrapped.data, job->wrapped.len);
        if (!ha_buf_ok(&job->sealed[i]))
            return ha_fail(err, HA_E_MEMORY, "out of memory for a wrapped key");
    }
    return HA_OK;
}

static enum ha_code make(struct ha_p11 *token, struct ha_session *session, struct job *job, struct ha_err *err)
{
    struct ha_pair pair = {CK_INVALID_HANDLE, CK_INVALID_HANDLE};
    CK_OBJECT_HANDLE key = CK_INVALID_HANDLE;
    bool kek = job->question->key_type == HA_KEY_AES_256;
    if (ha_generate_refuse_taken(token, session, &job->question->part[0], err) ||
        (kek ? ha_kek_make(token, session, job->question, job->runs, &pair.private_key, err)
             : ha_generate_pair(token, session, job->question, job->runs, &pair, err)))
        return err->code;
    enum ha_code code = kek ? ha_kek_identity(token, session, pair.private_key, &job->made, err)
                            : ha_public_of_object(token, session, pair.public_key, &job->made, err);
    if (code == HA_OK && ha_pubkey_type(job->made) != (enum ha_key_type)job->question->key_type)
        code = ha_fail(err, HA_E_TOKEN_ERROR, "the token made a key of another type than it was asked for");
    if (code == HA_OK)
        code = ha_wrapping_new_key(token, session, &key, err);
    if (code == HA_OK)
        code = wrap_for_peers(token, session, job, key, pair.private_key, err);
    // Ours is made last, so that there is nothing on the token if the wrapping fails.
    ha_wrapping_drop(token, session, pair.private_key);
    ha_wrapping_drop(token, session, pair.public_key);
    if (code == HA_OK) {
        const struct ha_wrapping_job unwrap = {
            job->question, job->runs, job->made, key, {job->wrapped.data, job->wrapped.len}};
        code = ha_wrapping_unwrap(token, session, &unwrap, err);
    }
    ha_wrapping_drop(token, session, key);
    return code;
}

static enum ha_code run(struct ha_p11 *token, struct ha_session *session, void *context, struct ha_err *err)
{
    struct job *job = context;
    job->runs++;
    mtx_lock(&token->object_lock);
    enum ha_code code = make(token, session, job, err);
    mtx_unlock(&token->object_lock);
    if (code)
        forget_result(job);
    return code;
}

enum ha_code ha_share(struct ha_p11 *token, const struct ha_packet *question,
                      enum ha_code (*give)(void *context, struct ha_packet *object, struct ha_err *err), void *context,
                      struct ha_pubkey **ret_key, struct ha_err *err)
{
    ha_auto(job_clear) struct job job = {.question = question};
    if (ha_generate_check(question, err) || read_peers(&job, err))
        return err->code;
    if (question->alg >= HA_WRAP_COUNT || !(token->wrapping.out & 1u << question->alg))
        return ha_fail(err, HA_E_KEY_CANNOT, "the token can't wrap keys in that way");
    if (ha_operate(token, HA_OPERATE_HELD, run, &job, err))
        return err->code;
    for (size_t i = 0; i < job.n_peers; i++) {
        struct ha_packet object = {.op = HA_OP_OBJECT};
        object.part[0] = (struct ha_part){job.sealed[i].data, job.sealed[i].len};
        if (give(context, &object, err))
            return err->code;
    }
    *ret_key = ha_take(&job.made);
    return HA_OK;
}
