// SPDX-License-Identifier: Apache-2.0
// The supervisor of a token's child, and the token's state.
#include "base/clock.h"
#include "channel/token_internal.h"
#include "token/options.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#define START_MS       30000   // to load the module, find the token and log in
#define PROMPT_MS      600000  // the same with a person typing the PIN
#define PAUSE_FIRST_MS 100     // before the second start that follows a failed one; doubles
#define PAUSE_MAX_MS   5000
#define CRASHES_MAX    3  // in a row, before callers are told that the token is down
#define END_GRACE_MS   2000

static const char *const state_names[] = {
    [HA_TOKEN_STARTING] = "starting",       [HA_TOKEN_READY] = "ready",     [HA_TOKEN_DOWN] = "down",
    [HA_TOKEN_PIN_REFUSED] = "pin-refused", [HA_TOKEN_STOPPED] = "stopped",
};
static_assert(HA_ARRAY_SIZE(state_names) == HA_TOKEN_STOPPED + 1, "a name for each state");

const char *ha_token_state_name(enum ha_token_state state)
{
    return state_names[state];
}

const struct ha_token_config *ha_token_config(const struct ha_token *token)
{
    return token->config;
}

static void set_state(struct ha_token *token, enum ha_token_state state, const struct ha_child *child,
                      const struct ha_err *err)
{
    pthread_mutex_lock(&token->status_lock);
    struct ha_token_status *status = &token->status;
    status->state = state;
    status->pid = child ? child->pid : 0;
    status->err = err ? *err : (struct ha_err){0};
    if (child) {
        memcpy(status->label, child->label, sizeof(status->label));
        memcpy(status->serial, child->serial, sizeof(status->serial));
        memcpy(status->model, child->model, sizeof(status->model));
        memcpy(status->ways, child->ways, sizeof(status->ways));
    }
    pthread_mutex_unlock(&token->status_lock);
}

static void set_first_done(struct ha_token *token)
{
    pthread_mutex_lock(&token->status_lock);
    token->first_done = true;
    pthread_cond_broadcast(&token->first);
    pthread_mutex_unlock(&token->status_lock);
}

// Waits for the wish to stop, or for the child's end (child NULL: for nothing else), or timeout_ms (-1: for ever).
// True: stop.
static bool wait_or_stop(struct ha_token *token, const struct ha_child *child, int timeout_ms)
{
    struct pollfd waits[2] = {
        {.fd = token->wake, .events = POLLIN},
        child ? ha_child_watch(child) : (struct pollfd){.fd = -1},
    };
    while (poll(waits, 2, timeout_ms) < 0 && errno == EINTR)
        ;
    return atomic_load(&token->stopping);
}

static void set_control_child(struct ha_token *token, struct ha_child *child)
{
    pthread_mutex_lock(&token->control_lock);
    token->control_child = child;
    pthread_mutex_unlock(&token->control_lock);
}

// Serves with one child until it ends or we stop; ret_status is how it ended. Fails when it was of no use.
static enum ha_code serve(struct ha_token *token, struct ha_child *child, int *ret_status, struct ha_err *err)
{
    for (size_t i = 0; i < HA_ALG_COUNT; i++)
        atomic_store_explicit(&token->ways[i], child->ways[i], memory_order_relaxed);
    set_control_child(token, child);
    set_state(token, HA_TOKEN_READY, child, NULL);
    ha_pool_publish(&token->pool, child);
    ha_log(token->host.log, HA_LOG_INFO, "token-ready", HA_S("token", token->config->name), HA_S("label", child->label),
           HA_S("serial", child->serial), HA_N("sessions", child->n_channels), HA_N("pid", child->pid));
    enum ha_code code = token->host.ready(token->host.context, token, err);
    bool stop = atomic_load(&token->stopping);
    if (code == HA_OK) {
        set_first_done(token);
        stop = wait_or_stop(token, child, -1);
    }
    // Whoever asks on the control channel now gets an end of file, lets the lock go, and we can take the child away.
    shutdown(child->control, SHUT_RDWR);
    set_control_child(token, NULL);
    if (!stop)
        set_state(token, HA_TOKEN_STARTING, NULL, NULL);
    *ret_status = ha_child_end(child, stop ? END_GRACE_MS : 0);
    ha_pool_retire(&token->pool, child);
    return code;
}

static void fail_pool(struct ha_token *token, enum ha_token_state state, struct ha_err *err)
{
    if (err->code != HA_E_PIN) {
        // Whatever it was in detail, for a caller the token is away.
        err->code = HA_E_TOKEN_DOWN;
        err->retry_after_s = 1;
    }
    ha_wrap(err, "token '%s'", token->config->name);
    set_state(token, state, NULL, err);
    ha_pool_set_mood(&token->pool, err);
}

static bool take_retry(struct ha_token *token)
{
    pthread_mutex_lock(&token->status_lock);
    bool retry = token->retry;
    token->retry = false;
    pthread_mutex_unlock(&token->status_lock);
    return retry;
}

// Returns when it is worth another try, or we stop.
static void refused(struct ha_token *token, struct ha_err *err)
{
    eventfd_t ignored;
    ha_log_err(token->host.log, HA_LOG_ERROR, "pin-refused", err, HA_S("token", token->config->name));
    fail_pool(token, HA_TOKEN_PIN_REFUSED, err);
    set_first_done(token);
    while (!wait_or_stop(token, NULL, -1))
        if (take_retry(token)) {
            eventfd_read(token->wake, &ignored);
            ha_pool_set_mood(&token->pool, NULL);
            return;
        }
}

// One child, from its start to its end. HA_OK: it was ready and has ended, which is worth an immediate successor.
static enum ha_code run_child(struct ha_token *token, int *ret_status, struct ha_err *err)
{
    int start_ms = strcmp(token->config->pin, "prompt") == 0 ? PROMPT_MS : START_MS;
    struct ha_child *child;
    if (ha_child_start(token->host.program, token->config, token->host.log->json, token->end, ha_now_ms() + start_ms,
                       &child, ret_status, err))
        return err->code;
    enum ha_code code = serve(token, child, ret_status, err);
    if (atomic_load(&token->stopping))
        return code;
    ha_log(token->host.log, HA_LOG_WARN, "token-process-ended", HA_S("token", token->config->name),
           HA_N("status", *ret_status));
    pthread_mutex_lock(&token->status_lock);
    token->status.restarts++;
    pthread_mutex_unlock(&token->status_lock);
    if (*ret_status == HA_TOKEN_EXIT_PIN)
        return ha_fail(err, HA_E_PIN, "the token refused the PIN when a session had to log in again");
    return code;
}

// What follows a child that was of no use. Returns the pause before the next one.
static int after_failure(struct ha_token *token, unsigned failures, int status, struct ha_err *err)
{
    // A module that crashes as it starts may do better the next time, and callers can wait for that.
    if (status > 128 && failures <= CRASHES_MAX)
        return PAUSE_FIRST_MS / 4;
    if (failures == 1 || status > 128)  // a token that stays away is worth one line, not one a try
        ha_log_err(token->host.log, HA_LOG_ERROR, "token-down", err, HA_S("token", token->config->name));
    fail_pool(token, HA_TOKEN_DOWN, err);
    set_first_done(token);
    unsigned doublings = failures < 7 ? failures - 1 : 6;
    return PAUSE_FIRST_MS << doublings < PAUSE_MAX_MS ? PAUSE_FIRST_MS << doublings : PAUSE_MAX_MS;
}

static void *supervise(void *argument)
{
    struct ha_token *token = argument;
    unsigned failures = 0;  // in a row
    while (!atomic_load(&token->stopping)) {
        struct ha_err err = {0};
        int status = 0;
        enum ha_code code = run_child(token, &status, &err);
        if (atomic_load(&token->stopping))
            break;
        failures = code == HA_OK ? 0 : failures + 1;
        if (code == HA_OK)
            continue;
        if (code == HA_E_PIN) {
            refused(token, &err);
            failures = 0;
            continue;
        }
        if (wait_or_stop(token, NULL, after_failure(token, failures, status, &err)))
            break;
    }
    struct ha_err err = {0};
    ha_fail(&err, HA_E_STOPPING, "the agent is stopping");
    set_state(token, HA_TOKEN_STOPPED, NULL, &err);
    ha_pool_set_mood(&token->pool, &err);
    set_first_done(token);
    return NULL;
}

enum ha_code ha_token_new(const struct ha_token_config *config, const struct ha_token_host *host,
                          struct ha_token **ret_token, struct ha_err *err)
{
    struct ha_token *token = calloc(1, sizeof(*token));
    if (!token)
        return ha_fail(err, HA_E_MEMORY, "out of memory");
    token->config = config;
    token->host = *host;
    token->wake = eventfd(0, EFD_CLOEXEC);
    token->end = eventfd(0, EFD_CLOEXEC);
    if (token->wake < 0 || token->end < 0) {
        ha_fail_errno(err, errno, "eventfd");
        close(token->wake);
        close(token->end);
        free(token);
        return err->code;
    }
    ha_pool_init(&token->pool);
    pthread_mutex_init(&token->control_lock, NULL);
    pthread_mutex_init(&token->status_lock, NULL);
    pthread_cond_init(&token->first, NULL);
    int failure = pthread_create(&token->supervisor, NULL, supervise, token);
    if (failure) {
        ha_fail_errno(err, failure, "a thread for the token '%s' can't be made", config->name);
        token->supervisor = 0;
        ha_token_free(token);
        return err->code;
    }
    *ret_token = token;
    return HA_OK;
}

void ha_token_retry(struct ha_token *token)
{
    pthread_mutex_lock(&token->status_lock);
    // Written in no other state: whoever watches a child would take it for the child's end.
    if (token->status.state == HA_TOKEN_PIN_REFUSED) {
        token->status.state = HA_TOKEN_STARTING;
        token->status.err = (struct ha_err){0};
        token->retry = true;
        eventfd_write(token->wake, 1);
    }
    pthread_mutex_unlock(&token->status_lock);
}

void ha_token_stop(struct ha_token *token)
{
    atomic_store(&token->stopping, true);
    eventfd_write(token->end, 1);
    eventfd_write(token->wake, 1);
}

void ha_token_free(struct ha_token *token)
{
    if (!token)
        return;
    ha_token_stop(token);
    if (token->supervisor)
        pthread_join(token->supervisor, NULL);
    ha_pool_clear(&token->pool);
    pthread_cond_destroy(&token->first);
    pthread_mutex_destroy(&token->status_lock);
    pthread_mutex_destroy(&token->control_lock);
    close(token->wake);
    close(token->end);
    free(token);
}

void ha_token_wait_first(struct ha_token *token)
{
    pthread_mutex_lock(&token->status_lock);
    while (!token->first_done)
        pthread_cond_wait(&token->first, &token->status_lock);
    pthread_mutex_unlock(&token->status_lock);
}

void ha_token_status(struct ha_token *token, struct ha_token_status *ret_status)
{
    pthread_mutex_lock(&token->status_lock);
    *ret_status = token->status;
    pthread_mutex_unlock(&token->status_lock);
}

enum ha_way ha_token_way(struct ha_token *token, enum ha_alg alg)
{
    return (enum ha_way)atomic_load_explicit(&token->ways[alg], memory_order_relaxed);
}

enum ha_code ha_token_control(struct ha_token *token, const struct ha_packet *question, int64_t deadline_ms,
                              void (*object)(void *context, const struct ha_packet *object), void *context,
                              struct ha_buf *answer, struct ha_err *err)
{
    pthread_mutex_lock(&token->control_lock);
    struct ha_packet got;
    enum ha_code code;
    if (token->control_child) {
        code = ha_child_control(token->control_child, question, deadline_ms, object, context, &got, err);
        if (code == HA_OK && answer) {
            ha_buf_append(answer, got.part[0].data, got.part[0].len);
            if (!ha_buf_ok(answer))
                code = ha_fail(err, HA_E_MEMORY, "out of memory");
        }
        // After a missed deadline or a strange answer the next answer would be taken for the wrong question.
        if (code == HA_E_DEADLINE || code == HA_E_INTERNAL)
            ha_pool_lost(&token->pool, token->control_child);
    } else {
        struct ha_token_status status;
        ha_token_status(token, &status);
        code = ha_fail(err, HA_E_TOKEN_DOWN, "the token '%s' is %s", token->config->name,
                       ha_token_state_name(status.state));
        if (status.err.code)
            *err = status.err, code = err->code;
        else
            err->retry_after_s = 1;
    }
    pthread_mutex_unlock(&token->control_lock);
    return code;
}
