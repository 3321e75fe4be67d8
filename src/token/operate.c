// SPDX-License-Identifier: Apache-2.0
#include "token/operate.h"

#include "token/ckr.h"
#include "token/decrypt.h"
#include "token/derive.h"
#include "token/object.h"
#include "token/session.h"
#include "token/sign.h"
#include "token/p11.h"

enum ha_code ha_operate(struct ha_p11 *token, struct ha_session *session, ha_operation run, void *context,
                        struct ha_err *err)
{
    struct ha_err first = {0};
    if (run(token, session, context, &first) == HA_OK)
        return HA_OK;
    if (!ha_ckr_curable(&first)) {
        *err = first;
        return err->code;
    }
    if (ha_session_renew(token, session, err))
        return err->code;
    return run(token, session, context, err);
}

struct worker_job {
    const struct ha_packet *question;
    struct ha_key_name name;
    struct ha_buf *out;
};

static enum ha_code do_op(struct ha_p11 *token, struct ha_session *session, const struct ha_p11_key *key,
                          const struct worker_job *job, struct ha_err *err)
{
    switch (job->question->op) {
    case HA_OP_SIGN:
        return ha_sign(token, session, key, job->question, job->out, err);
    case HA_OP_DECRYPT:
        return ha_decrypt(token, session, key, job->question, job->out, err);
    case HA_OP_DERIVE:
        return ha_derive(token, session, key, job->question, job->out, err);
    case HA_OP_START:
    case HA_OP_LIST:
    case HA_OP_OBJECT:
    case HA_OP_GENERATE:
    case HA_OP_DESTROY:
        break;
    }
    return ha_fail(err, HA_E_MALFORMED, "that isn't an operation for a worker channel");
}

static enum ha_code run_job(struct ha_p11 *token, struct ha_session *session, void *context, struct ha_err *err)
{
    const struct worker_job *job = context;
    struct ha_p11_key key;
    if (ha_object_get(token, session, &job->name, &key, err))
        return err->code;
    enum ha_code code = do_op(token, session, &key, job, err);
    if (code == HA_OK && key.generation != atomic_load(&token->generation)) {
        // Somebody logged in anew while we worked, and the handle may have meant another key.
        ha_buf_reset(job->out);
        session->poisoned = true;
        code = ha_fail(err, HA_E_TOKEN_ERROR, "the token's objects were renumbered during the operation");
        err->rv = CKR_KEY_HANDLE_INVALID;
    }
    if (code && ha_ckr_curable(err))
        ha_cache_drop(&token->cache, &job->name);
    return code;
}

static enum ha_code check(const struct ha_packet *question, struct ha_err *err)
{
    if (question->op != HA_OP_SIGN && question->op != HA_OP_DECRYPT && question->op != HA_OP_DERIVE)
        return ha_fail(err, HA_E_MALFORMED, "that isn't an operation for a worker channel");
    if (question->part[0].len == 0 || question->part[0].len > HA_CKA_ID_MAX)
        return ha_fail(err, HA_E_MALFORMED, "a CKA_ID has 1 to %d bytes, not %zu", HA_CKA_ID_MAX,
                       question->part[0].len);
    if (question->part[1].len != HA_SPKI_HASH_LEN)
        return ha_fail(err, HA_E_MALFORMED, "the hash of a public key has %d bytes, not %zu", HA_SPKI_HASH_LEN,
                       question->part[1].len);
    return HA_OK;
}

enum ha_code ha_operate_worker(struct ha_p11 *token, size_t index, const struct ha_packet *question, struct ha_buf *out,
                               struct ha_err *err)
{
    struct ha_session *session = NULL;
    if (check(question, err) || ha_session_take(token, index, &session, err))
        return err->code;
    struct worker_job job = {
        .question = question,
        .name = {question->part[0].data, question->part[0].len, question->part[1].data},
        .out = out,
    };
    enum ha_code code = ha_operate(token, session, run_job, &job, err);
    ha_session_return(token, session);
    return code;
}
