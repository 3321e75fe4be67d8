// SPDX-License-Identifier: Apache-2.0
// The supervisor: the thread that starts a token's child, watches it, and starts it again when pace.h says so.
#include "base/clock.h"
#include "channel/pace.h"
#include "channel/token_internal.h"
#include "token/options.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#define START_MS     30000   // to load the module, find the token and log in
#define PROMPT_MS    600000  // the same with a person typing the PIN
#define PROVEN_MS    1000    // a token that failed and came back is back
#define DEATH_MS     100     // from the end of a child's channels to its own
#define END_GRACE_MS 2000

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

// A start has come to an end, and its outcome is in the status.
static void set_first_done(struct ha_token *token)
{
    pthread_mutex_lock(&token->status_lock);
    token->first_done = true;
    token->ends++;
    pthread_cond_broadcast(&token->first);
    pthread_mutex_unlock(&token->status_lock);
}

// Waits for the wish to stop, or for the child's end, or until timeout_ms have passed (-1: for ever). False: only that.
static bool wait_for_end(struct ha_token *token, const struct ha_child *child, int timeout_ms)
{
    struct pollfd waits[2] = {{.fd = token->wake, .events = POLLIN}, ha_child_watch(child)};
    int64_t deadline_ms = ha_now_ms() + timeout_ms;
    while (!atomic_load(&token->stopping) && !waits[1].revents) {
        int ready = poll(waits, 2, timeout_ms < 0 ? -1 : ha_left_ms(deadline_ms));
        if (ready == 0)
            return false;
        if (ready > 0 && waits[0].revents)
            eventfd_read(token->wake, &(eventfd_t){0});  // a wish to retry what is serving already
    }
    return true;
}

// Waits for the wish to stop or to try again, or until timeout_ms have passed (-1: for ever). True: stop.
static bool wait_for_retry(struct ha_token *token, int timeout_ms)
{
    int64_t deadline_ms = ha_now_ms() + timeout_ms;
    while (!atomic_load(&token->stopping) && !atomic_exchange(&token->retry, false)) {
        struct pollfd wait = {.fd = token->wake, .events = POLLIN};
        if (poll(&wait, 1, timeout_ms < 0 ? -1 : ha_left_ms(deadline_ms)) == 0)
            break;
        if (wait.revents)
            eventfd_read(token->wake, &(eventfd_t){0});
    }
    return atomic_load(&token->stopping);
}

static void set_control_child(struct ha_token *token, struct ha_child *child)
{
    pthread_mutex_lock(&token->control_lock);
    token->control_child = child;
    pthread_mutex_unlock(&token->control_lock);
}

static void log_ready(const struct ha_token *token, const struct ha_child *child)
{
    ha_log(token->host.log, HA_LOG_INFO, "token-ready", HA_S("token", token->config->name), HA_S("label", child->label),
           HA_S("serial", child->serial), HA_N("sessions", child->n_channels), HA_N("pid", child->pid));
}

static void publish(struct ha_token *token, struct ha_child *child)
{
    for (size_t i = 0; i < HA_ALG_COUNT; i++)
        atomic_store_explicit(&token->ways[i], child->ways[i], memory_order_relaxed);
    set_control_child(token, child);
    set_state(token, HA_TOKEN_READY, child, NULL);
    ha_pool_publish(&token->pool, child);
}

// How a child ended that was ready; err gets what it said, if it gave up.
static enum ha_pace_end end_of(struct ha_token *token, const struct ha_child *child, int status, struct ha_err *err)
{
    pthread_mutex_lock(&token->pool.lock);
    struct ha_err why = child->why;
    pthread_mutex_unlock(&token->pool.lock);
    if (status == HA_TOKEN_EXIT_PIN) {
        ha_fail(err, HA_E_PIN, "the token refused the PIN when a session had to log in again");
        return HA_PACE_FAILED;
    }
    if (!why.code && status != HA_TOKEN_EXIT_FAILED)
        return HA_PACE_DIED;
    if (!why.code)
        ha_fail(&why, HA_E_TOKEN_DOWN, "the token failed");
    *err = why;
    return atomic_load_explicit(&child->useful, memory_order_relaxed) ? HA_PACE_GAVE_UP : HA_PACE_USELESS;
}

static bool has_died(const struct ha_child *child, int timeout_ms)
{
    struct pollfd gone = ha_child_watch(child);
    return poll(&gone, 1, timeout_ms) > 0;
}

// Until the child's end, or the wish to stop. A token that only seemed to come back is worth no line.
static void watch(struct ha_token *token, const struct ha_child *child, bool *quiet)
{
    if (*quiet) {
        if (wait_for_end(token, child, PROVEN_MS))
            return;
        *quiet = false;
        log_ready(token, child);
    }
    wait_for_end(token, child, -1);
}

// Serves with one child until it ends or we stop.
static enum ha_pace_end serve(struct ha_token *token, struct ha_child *child, bool *quiet, struct ha_err *err)
{
    publish(token, child);
    if (!*quiet)
        log_ready(token, child);
    bool useful = token->host.ready(token->host.context, token, err) == HA_OK;
    bool stop = atomic_load(&token->stopping), died = true;
    if (useful) {
        set_first_done(token);
        watch(token, child, quiet);
        stop = atomic_load(&token->stopping);
    } else {
        died = has_died(child, err->code == HA_E_TOKEN_DOWN ? DEATH_MS : 0);
    }
    // Whoever asks on the control channel now gets an end of file, lets the lock go, and we can take the child away.
    shutdown(child->control, SHUT_RDWR);
    set_control_child(token, NULL);
    if (!stop)
        set_state(token, HA_TOKEN_STARTING, NULL, NULL);
    int status = ha_child_end(child, stop ? END_GRACE_MS : 0);
    enum ha_pace_end end = died && status > 128 ? HA_PACE_CRASHED : HA_PACE_FAILED;
    if (useful)
        end = end_of(token, child, status, err);
    ha_pool_retire(&token->pool, child);
    if (!stop && !*quiet)
        ha_log(token->host.log, HA_LOG_WARN, "token-process-ended", HA_S("token", token->config->name),
               HA_N("status", status), HA_S("cause", err->detail));
    return end;
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

// True: stop.
static bool refused(struct ha_token *token, struct ha_err *err)
{
    ha_log_err(token->host.log, HA_LOG_ERROR, "pin-refused", err, HA_S("token", token->config->name));
    fail_pool(token, HA_TOKEN_PIN_REFUSED, err);
    set_first_done(token);
    bool stop = wait_for_retry(token, -1);
    if (!stop)
        ha_pool_set_mood(&token->pool, NULL);  // callers can wait for what comes of it
    return stop;
}

// One child, from its start to its end. err is the cause of any end but HA_PACE_DIED.
static enum ha_pace_end run_child(struct ha_token *token, struct ha_pace *pace, bool *quiet, struct ha_err *err)
{
    atomic_store(&token->retry, false);  // a wish that comes from now on is for the next one
    bool prompt = strcmp(token->config->pin, "prompt") == 0;
    int start_ms = prompt ? PROMPT_MS : ha_pace_limit_ms(pace, (int)token->config->deadline_ms, START_MS);
    struct ha_child *child;
    int status = 0;
    if (ha_child_start(&token->host, token->config, token->pin_guard, token->halt, ha_now_ms() + start_ms, &child,
                       &status, err)) {
        if (err->code == HA_E_DEADLINE)
            ha_pace_stalled(pace);
        return status > 128 && err->code != HA_E_DEADLINE ? HA_PACE_CRASHED : HA_PACE_FAILED;
    }
    ha_pace_started(pace, ha_now_ms());
    enum ha_pace_end end = serve(token, child, quiet, err);
    if (!atomic_load(&token->stopping)) {
        pthread_mutex_lock(&token->status_lock);
        token->status.restarts++;
        pthread_mutex_unlock(&token->status_lock);
    }
    return end;
}

// Callers are told that the token is down. One line each time it goes down, and not one a probe.
static void go_down(struct ha_token *token, bool was_down, struct ha_err *err)
{
    if (!was_down)
        ha_log_err(token->host.log, HA_LOG_ERROR, "token-down", err, HA_S("token", token->config->name));
    fail_pool(token, HA_TOKEN_DOWN, err);
    set_first_done(token);
}

// The part of a child's life that the breaker decides about. True: stop.
static bool live(struct ha_token *token, struct ha_pace *pace, bool *down, bool *quiet)
{
    struct ha_err err = {0};
    ha_pace_start(pace, ha_now_ms());
    enum ha_pace_end end = run_child(token, pace, quiet, &err);
    if (atomic_load(&token->stopping))
        return true;
    if (err.code == HA_E_PIN) {
        *down = *quiet = false;
        *pace = (struct ha_pace){0};
        return refused(token, &err);
    }
    struct ha_pace_step step = ha_pace_after(pace, end, ha_now_ms(), arc4random());
    if (step.down)
        go_down(token, *quiet || (*down && end == HA_PACE_FAILED), &err);
    // A token that starts well and then fails, again and again, isn't back when it has started.
    *quiet = step.down && (end == HA_PACE_GAVE_UP || end == HA_PACE_USELESS);
    *down = step.down;
    return wait_for_retry(token, step.pause_ms);
}

void *ha_token_supervise(void *argument)
{
    struct ha_token *token = argument;
    struct ha_pace pace = {0};
    bool down = false, quiet = false;
    while (!atomic_load(&token->stopping) && !live(token, &pace, &down, &quiet))
        ;
    struct ha_err err = {0};
    ha_fail(&err, HA_E_STOPPING, "the agent is stopping");
    set_state(token, HA_TOKEN_STOPPED, NULL, &err);
    ha_pool_set_mood(&token->pool, &err);
    set_first_done(token);
    return NULL;
}
