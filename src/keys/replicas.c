// SPDX-License-Identifier: Apache-2.0
#include "keys/replicas.h"

#include "base/clock.h"
#include "keys/prove.h"

#include <assert.h>
#include <time.h>

#define TRIES_MAX 3     // tokens asked for one operation, or as many as hold the key if that is more
#define SHUN_MS   1000  // that one which failed is the last choice, or waits for its next proof
#define PROOF_MS  500   // that a caller must have left to let a replica prove itself
#define LOOK_MS   20    // between two looks for a token that comes back; most are heard of at once

struct job {
    struct ha_key *key;
    const struct ha_caller *caller;
    struct ha_use *left[HA_USES_MAX];  // without an answer that is kept
    size_t n_left;
    pid_t tried[HA_REPLICAS_MAX];  // each token's process that was asked last
    size_t tries;
    int64_t deadline_ms;
};

struct choice {
    struct ha_replica *replica;  // NULL: none
    struct ha_token *token;
    pid_t run;
    unsigned outstanding;
    bool shunned;
};

static void one_token(struct ha_key *key, const struct ha_caller *caller, struct ha_use *const *uses, size_t n)
{
    struct ha_replica *replica = &key->replicas[0];
    struct ha_token *token = atomic_load(&replica->token);
    struct ha_exchange *exchanges[HA_USES_MAX];
    size_t n_exchanges = 0;
    ha_auto(ha_use_hasher_clear) struct ha_use_hasher hasher = {0};
    for (size_t i = 0; i < n; i++) {
        struct ha_exchange *exchange = &uses[i]->exchange;
        exchange->caller = caller;
        if (!token)  // the configuration has lost it since the key was looked at
            exchange->code = ha_fail(&exchange->err, HA_E_TOKEN_DOWN, "the token '%s' isn't in the configuration",
                                     replica->token_name);
        else
            exchange->code = ha_use_aim(uses[i], key, replica, token, n > 1 ? &hasher : NULL, &exchange->err);
        if (exchange->code == HA_OK)
            exchanges[n_exchanges++] = exchange;
    }
    if (n_exchanges)
        ha_token_exchange(token, exchanges, n_exchanges);
}

// Whether another token may do what this one couldn't. What the caller's input is to blame for fails everywhere.
static bool is_the_tokens_fault(enum ha_code code)
{
    static const enum ha_code codes[] = {HA_E_TOKEN_DOWN, HA_E_TOKEN_ERROR, HA_E_DEADLINE,  HA_E_BUSY,    HA_E_PIN,
                                         HA_E_KEY_CANNOT, HA_E_NO_KEY,      HA_E_AMBIGUOUS, HA_E_INTERNAL};
    for (size_t i = 0; i < HA_ARRAY_SIZE(codes); i++)
        if (codes[i] == code)
            return true;
    return false;
}

// The replica has to prove itself again before it is used, unless its token has been bound anew meanwhile.
static void distrust(struct ha_key *key, struct ha_replica *replica, pid_t run, const struct ha_err *err)
{
    if (atomic_load(&replica->run) != run || atomic_load(&replica->state) != HA_STATE_READY)
        return;
    ha_replica_set_state(key, replica, HA_STATE_UNPROVEN, err->detail);
}

static void blame(struct ha_key *key, const struct choice *choice, const struct ha_err *err)
{
    enum ha_code code = err->code;
    if (code == HA_E_BUSY || code == HA_E_KEY_CANNOT)
        return;
    atomic_store(&choice->replica->shun_ms, ha_now_ms() + SHUN_MS);
    // Of other errors the caller's input may be the cause, so they are no reason to do without the replica.
    if (code == HA_E_TOKEN_DOWN || code == HA_E_NO_KEY || code == HA_E_AMBIGUOUS)
        distrust(key, choice->replica, choice->run, err);
}

// Whether the replica's token has a process that this job hasn't asked, and that the replica's state is about.
static bool look(const struct job *job, size_t i, struct choice *ret_choice)
{
    struct ha_replica *replica = &job->key->replicas[i];
    struct choice choice = {.replica = replica, .token = atomic_load(&replica->token)};
    if (!choice.token || !ha_token_outstanding(choice.token, &choice.outstanding, &choice.run) ||
        choice.run == job->tried[i] || choice.run != atomic_load(&replica->run))
        return false;
    choice.shunned = atomic_load(&replica->shun_ms) > ha_now_ms();
    *ret_choice = choice;
    return true;
}

// Whether the replica may become ready before the deadline: its token is being started or looked through, the end of
// its process is about to be noticed, or it will have its next chance to prove itself.
static bool may_come(const struct job *job, size_t i)
{
    const struct ha_replica *replica = &job->key->replicas[i];
    struct ha_token *token = atomic_load(&replica->token);
    struct ha_token_status status;
    unsigned outstanding;
    pid_t run;
    if (!token)
        return false;
    ha_token_status(token, &status);
    if (status.state != HA_TOKEN_STARTING && status.state != HA_TOKEN_READY)
        return false;
    if (!ha_token_outstanding(token, &outstanding, &run) || run != atomic_load(&replica->run))
        return true;
    return run != job->tried[i] && atomic_load(&replica->state) == HA_STATE_UNPROVEN &&
           atomic_load(&replica->shun_ms) < job->deadline_ms;
}

// How long that replica's token may take, in milliseconds: half of what is left when there is, or soon will be, another
// one to ask.
static unsigned share(const struct job *job, const struct ha_replica *asked)
{
    unsigned left = (unsigned)ha_left_ms(job->deadline_ms);
    struct choice other;
    for (size_t i = 0; i < job->key->n_replicas && left > 1; i++) {
        const struct ha_replica *replica = &job->key->replicas[i];
        bool is_ready = atomic_load(&replica->state) == HA_STATE_READY && look(job, i, &other);
        if (replica != asked && (is_ready || may_come(job, i)))
            return left / 2;
    }
    return left > 0 ? left : 1;
}

// Lets replicas prove themselves that came back: one caller a second does it for all, and none that is in a hurry.
static void prove_returned(struct job *job)
{
    if (ha_left_ms(job->deadline_ms) < PROOF_MS)
        return;
    for (size_t i = 0; i < job->key->n_replicas; i++) {
        struct choice choice;
        if (atomic_load(&job->key->replicas[i].state) != HA_STATE_UNPROVEN || !look(job, i, &choice) || choice.shunned)
            continue;
        int64_t before = atomic_load(&choice.replica->shun_ms);
        if (before > ha_now_ms() ||
            !atomic_compare_exchange_strong(&choice.replica->shun_ms, &before, ha_now_ms() + SHUN_MS))
            continue;
        ha_auto(ha_proof_clear) struct ha_proof proof = {.key = job->key, .replica = choice.replica};
        ha_prove(choice.token, choice.run, share(job, choice.replica), &proof, 1);
    }
}

// The least busy replica that is ready and can do alg; of equals, each in its turn.
static struct choice choose(struct job *job, enum ha_alg alg)
{
    struct choice best = {0};
    size_t n = job->key->n_replicas;
    unsigned turn = atomic_fetch_add_explicit(&job->key->turn, 1, memory_order_relaxed);
    for (size_t k = 0; k < n; k++) {
        size_t i = (turn + k) % n;
        struct choice choice;
        if (!look(job, i, &choice) || atomic_load(&choice.replica->state) != HA_STATE_READY ||
            ha_token_way(choice.token, alg) == HA_WAY_NONE)
            continue;
        if (!best.replica || choice.shunned < best.shunned ||
            (choice.shunned == best.shunned && choice.outstanding < best.outstanding))
            best = choice;
    }
    return best;
}

static bool has_hope(const struct job *job)
{
    for (size_t i = 0; i < job->key->n_replicas; i++)
        if (may_come(job, i))
            return true;
    return false;
}

static bool wait_for_change(struct job *job)
{
    int64_t until_ms = ha_now_ms() + LOOK_MS;
    if (ha_left_ms(job->deadline_ms) == 0 || !has_hope(job))
        return false;
    struct timespec until = {.tv_sec = until_ms / 1000, .tv_nsec = until_ms % 1000 * 1000000};
    pthread_mutex_lock(&job->key->lock);
    pthread_cond_timedwait(&job->key->changed, &job->key->lock, &until);
    pthread_mutex_unlock(&job->key->lock);
    return true;
}

// Asks one replica for all that its token can do. What failed by the token's fault stays left.
static void ask(struct job *job, const struct choice *choice)
{
    struct ha_caller caller = {
        .uid = job->caller->uid, .start_ms = ha_now_ms(), .limit_ms = share(job, choice->replica), .run = choice->run};
    struct ha_exchange *exchanges[HA_USES_MAX];
    struct ha_use *asked[HA_USES_MAX];
    size_t n_asked = 0, n_kept = 0;
    ha_auto(ha_use_hasher_clear) struct ha_use_hasher hasher = {0};
    for (size_t i = 0; i < job->n_left; i++) {
        struct ha_use *use = job->left[i];
        if (ha_token_way(choice->token, (enum ha_alg)use->exchange.question.alg) == HA_WAY_NONE) {
            job->left[n_kept++] = use;
            continue;
        }
        use->exchange.tries = 0;
        use->exchange.caller = &caller;
        ha_buf_reset(&use->exchange.output);
        use->exchange.code = ha_use_aim(use, job->key, choice->replica, choice->token, job->n_left > 1 ? &hasher : NULL,
                                        &use->exchange.err);
        if (use->exchange.code)
            continue;
        asked[n_asked] = use;
        exchanges[n_asked++] = &use->exchange;
    }
    ha_token_exchange(choice->token, exchanges, n_asked);
    for (size_t i = 0; i < n_asked; i++) {
        if (!is_the_tokens_fault(asked[i]->exchange.code))
            continue;
        blame(job->key, choice, &asked[i]->exchange.err);
        job->left[n_kept++] = asked[i];
    }
    job->n_left = n_kept;
    job->tried[choice->replica - job->key->replicas] = choice->run;
    job->tries++;
}

// The first use that is left gets no answer: it keeps the last token's error, or says that there was none to ask.
static void give_up(struct job *job)
{
    struct ha_use *use = job->left[0];
    if (!use->exchange.code) {
        ha_fail(&use->exchange.err, HA_E_TOKEN_DOWN, "none of the %zu tokens that hold the key '%s' is ready",
                job->key->n_replicas, job->key->name);
        use->exchange.err.retry_after_s = 1;
        use->exchange.code = ha_hint(&use->exchange.err, "`hsm-agent key show %s` says why", job->key->name);
    }
    job->left[0] = job->left[--job->n_left];
}

// The deadline of the request as a token would count it, whichever has the most patience.
static int64_t deadline_of(const struct ha_key *key, const struct ha_caller *caller)
{
    unsigned limit_ms = 0;
    for (size_t i = 0; i < key->n_replicas; i++) {
        struct ha_token *token = atomic_load(&key->replicas[i].token);
        if (token && ha_token_config(token)->deadline_ms > limit_ms)
            limit_ms = ha_token_config(token)->deadline_ms;
    }
    if (caller->limit_ms && caller->limit_ms < limit_ms)
        limit_ms = caller->limit_ms;
    return caller->start_ms + (int64_t)limit_ms;
}

void ha_replicas_use(struct ha_key *key, const struct ha_caller *caller, struct ha_use *const *uses, size_t n)
{
    assert(n <= HA_USES_MAX);
    if (key->n_replicas == 1) {
        one_token(key, caller, uses, n);
        return;
    }
    struct job job = {.key = key, .caller = caller, .n_left = n, .deadline_ms = deadline_of(key, caller)};
    for (size_t i = 0; i < n; i++)
        job.left[i] = uses[i];
    size_t tries_max = key->n_replicas > TRIES_MAX ? key->n_replicas : TRIES_MAX;
    while (job.n_left > 0) {
        prove_returned(&job);
        struct choice choice = choose(&job, (enum ha_alg)job.left[0]->exchange.question.alg);
        if (choice.replica && job.tries < tries_max && ha_left_ms(job.deadline_ms) > 0)
            ask(&job, &choice);
        else if (choice.replica || !wait_for_change(&job))
            give_up(&job);
    }
}
