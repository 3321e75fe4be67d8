// SPDX-License-Identifier: Apache-2.0
#include "channel/child.h"

#include "base/buf.h"
#include "base/clock.h"
#include "token/options.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <fcntl.h>

#define ARGS_MAX 16

// The child's argument vector. Each `--name=value` is owned by its slot.
struct args {
    char *items[ARGS_MAX + 1];
    size_t n;
    bool failed;
};

static void args_add(struct args *args, const char *name, const char *value)
{
    char *text = NULL;
    if (args->n == ARGS_MAX || (value ? asprintf(&text, "--%s=%s", name, value) : asprintf(&text, "--%s", name)) < 0) {
        args->failed = true;
        return;
    }
    args->items[args->n++] = text;
}

static void args_clear(struct args *args)
{
    for (size_t i = 0; i < args->n; i++)
        free(args->items[i]);
}
HA_AUTO_DEFINE_CLEAR(struct args, args_clear)

// credential:NAME becomes the file that the service manager put there; the daemon itself never opens it.
static enum ha_code pin_source(const char *pin, struct ha_buf *out, struct ha_err *err)
{
    static const char prefix[] = "credential:";
    if (strncmp(pin, prefix, sizeof(prefix) - 1) != 0) {
        ha_buf_puts(out, pin);
        return HA_OK;
    }
    const char *directory = getenv("CREDENTIALS_DIRECTORY");
    if (!directory) {
        ha_fail(err, HA_E_CONFIG, "pin = %s, but there is no CREDENTIALS_DIRECTORY in the daemon's environment", pin);
        return ha_hint(err, "start the daemon with systemd's LoadCredential= or use pin = file:/path");
    }
    ha_buf_printf(out, "file:%s/%s", directory, pin + sizeof(prefix) - 1);
    return HA_OK;
}

static enum ha_code build_args(const char *program, const struct ha_token_config *config, const char *pin_guard,
                               bool log_json, struct args *args, struct ha_err *err)
{
    ha_auto(ha_buf_clear) struct ha_buf pin = {0};
    if (pin_source(config->pin, &pin, err))
        return err->code;
    char sessions[16];
    snprintf(sessions, sizeof(sessions), "%u", config->sessions);

    args->items[args->n++] = strdup(program);
    args_add(args, HA_TOKEN_OPT_NAME, config->name);
    args_add(args, HA_TOKEN_OPT_URI, config->uri);
    args_add(args, HA_TOKEN_OPT_MODULE, config->module);
    if (config->module_args)
        args_add(args, HA_TOKEN_OPT_MODULE_ARGS, config->module_args);
    args_add(args, HA_TOKEN_OPT_PIN, ha_buf_text(&pin));
    if (pin_guard)
        args_add(args, HA_TOKEN_OPT_PIN_GUARD, pin_guard);
    args_add(args, HA_TOKEN_OPT_SESSIONS, sessions);
    if (config->software_oaep)
        args_add(args, HA_TOKEN_OPT_SOFTWARE_OAEP, NULL);
    if (config->verify)
        args_add(args, HA_TOKEN_OPT_VERIFY, config->verify);
    if (log_json)
        args_add(args, HA_TOKEN_OPT_LOG_JSON, NULL);
    if (args->failed || !args->items[0] || !ha_buf_ok(&pin))
        return ha_fail(err, HA_E_MEMORY, "out of memory");
    return HA_OK;
}

// posix_spawn: the daemon has threads. The child gets three standard descriptors, the control channel, and nothing
// else.
static enum ha_code spawn(const char *program, char *const *argv, char *const *environment, int control, pid_t *ret_pid,
                          struct ha_err *err)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, 2, 1);  // a module that prints, prints into the log
    posix_spawn_file_actions_adddup2(&actions, control, HA_CONTROL_FD);
    posix_spawn_file_actions_addclosefrom_np(&actions, HA_CONTROL_FD + 1);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &all);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    pid_t pid;
    int failure = posix_spawn(&pid, program, &actions, &attributes, argv, environment);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    if (failure) {
        ha_fail_errno(err, failure, "%s can't be started", program);
        return ha_hint(err,
                       "install hsm-agent whole; the program stands beside hsm-agentd or in its libexec directory");
    }
    *ret_pid = pid;
    return HA_OK;
}

static enum ha_code make_channels(struct ha_child *child, size_t n, int *ret_far, struct ha_err *err)
{
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

static enum ha_code launch(struct ha_child *child, const char *program, const struct ha_token_config *config,
                           const char *pin_guard, bool log_json, int64_t deadline_ms, struct ha_err *err)
{
    ha_auto(args_clear) struct args args = {0};
    if (build_args(program, config, pin_guard, log_json, &args, err))
        return err->code;
    ha_auto(ha_free) char **environment = calloc(config->environment.n + 1, sizeof(char *));
    child->control_buffer = ha_packet_buffer_new();
    if (!environment || !child->control_buffer)
        return ha_fail(err, HA_E_MEMORY, "out of memory");
    for (size_t i = 0; i < config->environment.n; i++)
        environment[i] = config->environment.items[i];

    int pair[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
        return ha_fail_errno(err, errno, "a channel to the token's process can't be made");
    child->control = pair[0];
    ha_auto(ha_close) int far_control = pair[1];
    if (spawn(program, args.items, environment, far_control, &child->pid, err))
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

enum ha_code ha_child_start(const char *program, const struct ha_token_config *config, const char *pin_guard,
                            bool log_json, int cancel, int64_t deadline_ms, struct ha_child **ret_child,
                            int *ret_status, struct ha_err *err)
{
    struct ha_child *child = calloc(1, sizeof(*child));
    if (!child)
        return ha_fail(err, HA_E_MEMORY, "out of memory");
    child->pid = -1;
    child->pidfd = child->control = -1;
    child->cancel = cancel;
    if (launch(child, program, config, pin_guard, log_json, deadline_ms, err)) {
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
