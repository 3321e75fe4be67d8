// SPDX-License-Identifier: Apache-2.0
// A token as a whole: made, ended, asked for its state, asked on its control channel.
#include "base/clock.h"
#include "base/file.h"
#include "channel/token_internal.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

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

static void init_first(struct ha_token *token)
{
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&token->first, &attributes);
    pthread_condattr_destroy(&attributes);
}

static enum ha_code make_guard(struct ha_token *token, struct ha_err *err)
{
    ha_auto(ha_free) char *directory = NULL;
    if (!token->host.state_dir)
        return HA_OK;
    if (ha_command_pin_guard(token->host.state_dir, "", &directory, err) ||
        ha_command_pin_guard(token->host.state_dir, token->config->name, &token->pin_guard, err))
        return err->code;
    if (ha_dir_make(directory, 0700, err))
        return ha_wrap(err, "the directory for records of refused PINs can't be made");
    return HA_OK;
}

static void close_events(const struct ha_token *token)
{
    if (token->wake >= 0)
        close(token->wake);
    if (token->halt >= 0)
        close(token->halt);
}

enum ha_code ha_token_new(const struct ha_token_config *config, const struct ha_token_host *host,
                          struct ha_token **ret_token, struct ha_err *err)
{
    struct ha_token *token = calloc(1, sizeof(*token));
    if (!token)
        return ha_fail(err, HA_E_MEMORY, "out of memory");
    token->config = config;
    token->host = *host;
    token->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    token->halt = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (token->wake < 0 || token->halt < 0 ? ha_fail_errno(err, errno, "eventfd") : ha_pool_init(&token->pool, err)) {
        close_events(token);
        free(token);
        return err->code;
    }
    pthread_mutex_init(&token->control_lock, NULL);
    pthread_mutex_init(&token->status_lock, NULL);
    init_first(token);
    if (make_guard(token, err)) {
        ha_token_free(token);
        return err->code;
    }
    int failure = pthread_create(&token->supervisor, NULL, ha_token_supervise, token);
    if (failure) {
        ha_fail_errno(err, failure, "a thread for the token '%s' can't be made", config->name);
        token->supervisor = 0;
        ha_token_free(token);
        return err->code;
    }
    *ret_token = token;
    return HA_OK;
}

void ha_token_stop(struct ha_token *token)
{
    atomic_store(&token->stopping, true);
    eventfd_write(token->halt, 1);
    eventfd_write(token->wake, 1);
}

void ha_token_retry(struct ha_token *token)
{
    atomic_store(&token->retry, true);
    eventfd_write(token->wake, 1);
}

static bool may_come_up(const struct ha_token_status *status)
{
    return status->state == HA_TOKEN_DOWN || status->state == HA_TOKEN_PIN_REFUSED;
}

enum ha_code ha_token_unlock(struct ha_token *token, int64_t deadline_ms, struct ha_err *err)
{
    struct timespec until = {.tv_sec = deadline_ms / 1000, .tv_nsec = deadline_ms % 1000 * 1000000};
    if (token->pin_guard && ha_file_remove(token->pin_guard, err))
        return ha_wrap(err, "the record of refused PINs can't be removed");
    pthread_mutex_lock(&token->status_lock);
    unsigned before = token->ends;
    if (may_come_up(&token->status)) {
        ha_token_retry(token);
        while (token->ends == before && pthread_cond_timedwait(&token->first, &token->status_lock, &until) == 0)
            ;
    }
    pthread_mutex_unlock(&token->status_lock);
    return HA_OK;
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
    close_events(token);
    free(token->pin_guard);
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

void ha_token_faulty(struct ha_token *token, unsigned n)
{
    pthread_mutex_lock(&token->status_lock);
    token->status.faulty += n;
    pthread_mutex_unlock(&token->status_lock);
}

enum ha_way ha_token_way(struct ha_token *token, enum ha_alg alg)
{
    return (enum ha_way)atomic_load_explicit(&token->ways[alg], memory_order_relaxed);
}

bool ha_token_outstanding(struct ha_token *token, unsigned *ret_outstanding, pid_t *ret_run)
{
    return ha_pool_outstanding(&token->pool, ret_outstanding, ret_run);
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
