// SPDX-License-Identifier: Apache-2.0
#include "token/operate.h"

#include "token/ckr.h"
#include "token/decrypt.h"
#include "token/derive.h"
#include "token/object.h"
#include "token/session.h"
#include "token/sign.h"
#include "token/p11.h"

#define TRIES_MAX  3
#define STREAK_MAX 3  // operations that nothing cured, before a vague failure is taken for the token's end

static enum ha_code try_once(struct ha_p11 *token, size_t index, ha_operation run, void *context, struct ha_err *err)
{
    struct ha_session *session = NULL;
    ha_ladder_enter(&token->ladder);
    enum ha_code code = index == HA_OPERATE_HELD ? ha_session_take_held(token, &session, err)
                                                 : ha_session_take(token, index, &session, err);
    if (code == HA_OK) {
        code = run(token, session, context, err);
        if (code && ha_ckr_curable(err))
            session->poisoned = true;  // so the next try gets a new one
        ha_session_return(token, session);
    }
    ha_ladder_leave(&token->ladder);
    return code;
}

// Before try number `next`. HA_OK: there is one.
static enum ha_code cure(struct ha_p11 *token, unsigned next, unsigned began, unsigned climbs, struct ha_err *err)
{
    struct ha_err failure = *err;
    struct ha_ckr_cure cure = ha_ckr_cure(&failure);
    enum ha_rung rung = next == 2 ? cure.first : cure.second;
    if (rung == HA_RUNG_NONE)
        return err->code;
    if (rung == HA_RUNG_SESSION || ha_ladder_was_well(&token->ladder, began)) {
        ha_ladder_enter(&token->ladder);
        ha_session_revive_held(token);
        ha_ladder_leave(&token->ladder);
        return HA_OK;
    }
    return ha_ladder_climb(token, rung, climbs, err);
}

// Whether the process should give its place to another: nothing helped, and nobody else succeeds.
static bool is_the_end(struct ha_p11 *token, size_t index, unsigned began, const struct ha_err *err)
{
    struct ha_ckr_cure cure = ha_ckr_cure(err);
    if (cure.second == HA_RUNG_NONE || ha_ladder_was_well(&token->ladder, began))
        return false;
    if (cure.last == HA_RUNG_PROCESS)
        return true;
    // A token that is full, or a key that it can't use, fails like that too, so one such failure proves little.
    return index != HA_OPERATE_HELD && atomic_fetch_add(&token->ladder.streak, 1) + 1 >= STREAK_MAX;
}

enum ha_code ha_operate(struct ha_p11 *token, size_t index, ha_operation run, void *context, struct ha_err *err)
{
    unsigned began = atomic_load(&token->ladder.successes);
    struct ha_err failure = {0};
    for (unsigned try = 1;; try++) {
        unsigned climbs = atomic_load(&token->ladder.climbs);
        failure = (struct ha_err){0};
        if (try_once(token, index, run, context, &failure) == HA_OK) {
            ha_ladder_well(&token->ladder);
            return HA_OK;
        }
        if (try == TRIES_MAX)
            break;
        if (cure(token, try + 1, began, climbs, &failure)) {
            *err = failure;
            return err->code;
        }
    }
    if (is_the_end(token, index, began, &failure))
        failure.code = HA_E_TOKEN_DOWN;
    else if (failure.code == HA_E_TOKEN_DOWN)
        failure.code = HA_E_TOKEN_ERROR;
    *err = failure;
    return err->code;
}

bool ha_operate_again(const struct ha_err *err)
{
    return (err->code == HA_E_TOKEN_ERROR || err->code == HA_E_BUSY) && ha_ckr_cure(err).second != HA_RUNG_NONE;
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
    case HA_OP_WRAPPER:
    case HA_OP_UNWRAP:
    case HA_OP_CERTIFICATE:
    case HA_OP_WRAP:
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
    if (check(question, err))
        return err->code;
    struct worker_job job = {
        .question = question,
        .name = {question->part[0].data, question->part[0].len, question->part[1].data,
                 question->alg < HA_ALG_COUNT && ha_alg_info((enum ha_alg)question->alg)->use == HA_USE_MAC, false},
        .out = out,
    };
    return ha_operate(token, index, run_job, &job, err);
}
