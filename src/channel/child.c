// SPDX-License-Identifier: Apache-2.0
#include "channel/child.h"

#include "base/clock.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static enum ha_code make_channels(struct ha_child *child, size_t n, int *ret_far, struct ha_err *err)
{
    const struct timeval patience = {.tv_usec = HA_CHANNEL_PATIENCE_MS * 1000};
    child->channels = calloc(n, sizeof(*child->channels));
    if (!child->channels)
        return ha_fail(err, HA_E_MEMORY, "out of memory");
    for (size_t i = 0; i < n; i++) {
        int pair[2];
        if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
            return ha_fail_errno(err, errno, "a channel to the token's process can't be made");
        child->channels[i] = (struct ha_channel){.fd = pair[0], .buffer = ha_packet_buffer_new(), .child = child};
        child->n_channels = i + 1;
        ret_far[i] = pair[1];
        if (setsockopt(pair[0], SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)))
            return ha_fail_errno(err, errno, "a channel's patience can't be set");
        if (!child->channels[i].buffer)
            return ha_fail(err, HA_E_MEMORY, "out of memory");
    }
    return HA_OK;
}

static void take_text(char *out, size_t size, const struct ha_part *part)
{
    size_t n = part->len < size - 1 ? part->len : size - 1;
    memcpy(out, part->data, n);
    out[n] = '\0';
}

// Receives on the control channel.
static enum ha_code receive(struct ha_child *child, int64_t deadline_ms, struct ha_packet *ret_answer,
                            struct ha_err *err)
{
    struct pollfd waits[2] = {{.fd = child->control, .events = POLLIN}, {.fd = child->cancel, .events = POLLIN}};
    while (poll(waits, 2, ha_left_ms(deadline_ms)) < 0 && errno == EINTR)
        ;
    if (!waits[0].revents && waits[1].revents)
        return ha_fail(err, HA_E_STOPPING, "the agent doesn't wait for the token's process any more");
    return ha_packet_recv(child->control, deadline_ms, child->control_buffer, ret_answer, NULL, NULL, err);
}

static enum ha_code greet(struct ha_child *child, const int *far, size_t n_far, int64_t deadline_ms, struct ha_err *err)
{
    struct ha_packet start = {.op = HA_OP_START}, answer;
    if (ha_packet_send(child->control, &start, far, n_far, err))
        return err->code;
    if (receive(child, deadline_ms, &answer, err))
        return err->code;
    if (answer.code != HA_OK)
        return ha_packet_error(&answer, err);
    if (answer.op != HA_OP_START || answer.part[3].len != HA_ALG_COUNT)
        return ha_fail(err, HA_E_INTERNAL, "the token's process is of another version");
    take_text(child->label, sizeof(child->label), &answer.part[0]);
    take_text(child->serial, sizeof(child->serial), &answer.part[1]);
    take_text(child->model, sizeof(child->model), &answer.part[2]);
    memcpy(child->ways, answer.part[3].data, HA_ALG_COUNT);
    return HA_OK;
}

static enum ha_code spawn(const struct ha_token_host *host, const struct ha_token_config *config, const char *pin_guard,
                          int control, pid_t *ret_pid, struct ha_err *err)
{
    ha_auto(ha_command_clear) struct ha_command command = {0};
    if (ha_command_of_token(host->program, config, pin_guard, host->log->json, &command, err))
        return err->code;
    if (host->spawner)
        return host->spawner->spawn(host->spawner->context, &command, control, ret_pid, err);
    return ha_command_spawn(&command, control, ret_pid, err);
}

static enum ha_code launch(struct ha_child *child, const struct ha_token_host *host,
                           const struct ha_token_config *config, const char *pin_guard, int64_t deadline_ms,
                           struct ha_err *err)
{
    child->control_buffer = ha_packet_buffer_new();
    if (!child->control_buffer)
        return ha_fail(err, HA_E_MEMORY, "out of memory");
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
        return ha_fail_errno(err, errno, "a channel to the token's process can't be made");
    child->control = pair[0];
    ha_auto(ha_close) int far_control = pair[1];
    if (spawn(host, config, pin_guard, far_control, &child->pid, err))
        return err->code;
    child->pidfd = pidfd_open(child->pid, 0);
    if (child->pidfd < 0 && errno != ENOSYS)  // which is what valgrind answers; ha_child_watch does without
        return ha_fail_errno(err, errno, "pidfd_open of the token's process");
    // Ours must be the only end left, or the child's death would never read as an end of file.
    close(far_control);
    far_control = -1;

    int far[HA_PACKET_FDS_MAX];
    enum ha_code code = make_channels(child, config->sessions, far, err);
    if (code == HA_OK)
        code = greet(child, far, child->n_channels, deadline_ms, err);
    for (size_t i = 0; i < child->n_channels; i++)
        close(far[i]);
    return code;
}

enum ha_code ha_child_start(const struct ha_token_host *host, const struct ha_token_config *config,
                            const char *pin_guard, int cancel, int64_t deadline_ms, struct ha_child **ret_child,
                            int *ret_status, struct ha_err *err)
{
    struct ha_child *child = calloc(1, sizeof(*child));
    if (!child)
        return ha_fail(err, HA_E_MEMORY, "out of memory");
    child->pid = -1;
    child->pidfd = child->control = -1;
    child->cancel = cancel;
    if (launch(child, host, config, pin_guard, deadline_ms, err)) {
        int status = *ret_status = ha_child_end(child, 500);
        if (err->code == HA_E_TOKEN_DOWN && status > 128)
            ha_fail(err, HA_E_TOKEN_DOWN, "the token's process was ended by signal %d (%s) while it started",
                    status - 128, strsignal(status - 128));
        ha_child_free(child);
        return err->code;
    }
    *ret_child = child;
    return HA_OK;
}

enum ha_code ha_child_control(struct ha_child *child, const struct ha_packet *question, int64_t deadline_ms,
                              void (*object)(void *context, const struct ha_packet *object), void *context,
                              struct ha_packet *ret_answer, struct ha_err *err)
{
    if (ha_packet_send(child->control, question, NULL, 0, err))
        return err->code;
    for (;;) {
        struct ha_packet answer;
        if (receive(child, deadline_ms, &answer, err))
            return err->code;
        if (answer.op == HA_OP_OBJECT && object) {
            object(context, &answer);
            continue;
        }
        if (answer.op != question->op || answer.serial != question->serial)
            return ha_fail(err, HA_E_INTERNAL, "the token's process answered something else than was asked");
        if (answer.code != HA_OK)
            return ha_packet_error(&answer, err);
        *ret_answer = answer;
        return HA_OK;
    }
}

struct pollfd ha_child_watch(const struct ha_child *child)
{
    if (child->pidfd >= 0)
        return (struct pollfd){.fd = child->pidfd, .events = POLLIN};
    return (struct pollfd){.fd = child->control};  // a hang-up is always told
}

void ha_child_kill(const struct ha_child *child)
{
    if (child->pidfd >= 0)
        pidfd_send_signal(child->pidfd, SIGKILL, NULL, 0);
    else
        shutdown(child->control, SHUT_RDWR);  // the number could be another's by now; whoever watches ends the child
}

int ha_child_end(struct ha_child *child, int grace_ms)
{
    if (child->control >= 0)
        shutdown(child->control, SHUT_RDWR);
    for (size_t i = 0; i < child->n_channels; i++)
        shutdown(child->channels[i].fd, SHUT_RDWR);  // wakes whoever waits for an answer that won't come
    if (child->pid < 0 || child->reaped)
        return 0;
    struct pollfd gone = {.fd = child->pidfd, .events = POLLIN};
    if (child->pidfd < 0 || poll(&gone, 1, grace_ms) <= 0)
        kill(child->pid, SIGKILL);  // not reaped yet, so the number is still its own
    int status = 0;
    while (waitpid(child->pid, &status, 0) < 0 && errno == EINTR)
        ;
    child->reaped = true;
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

void ha_child_free(struct ha_child *child)
{
    if (!child)
        return;
    for (size_t i = 0; i < child->n_channels; i++) {
        close(child->channels[i].fd);
        ha_packet_buffer_free(child->channels[i].buffer);
    }
    free(child->channels);
    ha_packet_buffer_free(child->control_buffer);
    if (child->control >= 0)
        close(child->control);
    if (child->pidfd >= 0)
        close(child->pidfd);
    free(child);
}
