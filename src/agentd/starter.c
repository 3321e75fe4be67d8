// SPDX-License-Identifier: Apache-2.0
// Questions and answers are packets of a socket pair, one at a time. A program is made with CLONE_PARENT, so that the
// daemon can wait for it, and dies with the daemon, not with the starter.
#include "agentd/starter.h"

#include "agentd/hook.h"
#include "base/pass.h"
#include "channel/packet.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum kind { START_TOKEN, START_HOOK };
enum { MESSAGE_MAX = 65536, STRINGS_MAX = 256, FAR_FD = 16 };

// What goes to the starter: this, then the arguments and the environment, each string with its NUL.
struct question {
    uint32_t kind;
    uint32_t n_arguments, n_environment;
};

struct answer {
    int32_t pid;    // of the program; 0: there is none
    int32_t error;  // 0; ENOENT and the like; EACCES also when the configuration doesn't have it
    bool unknown;   // it doesn't
};

struct ha_starter {
    pid_t pid;
    int fd;
    pthread_mutex_t lock;  // one question at a time
    struct ha_spawner spawner;
};

// --- The starter's side

struct known {
    const char *program;
    const char *path;  // of the configuration
    bool log_json;
    struct ha_buf *tokens;  // questions that are answered
    size_t n_tokens;
    char **hooks;
    size_t n_hooks;
};

static void put_strings(struct ha_buf *out, char *const *strings, size_t n)
{
    for (size_t i = 0; i < n; i++)
        ha_buf_append(out, strings[i], strlen(strings[i]) + 1);
}

static void write_question(enum kind kind, char *const *argv, size_t n, char *const *environment, size_t n_environment,
                           struct ha_buf *out)
{
    const struct question question = {
        .kind = kind, .n_arguments = (uint32_t)n, .n_environment = (uint32_t)n_environment};
    ha_buf_append(out, &question, sizeof question);
    put_strings(out, argv, n);
    put_strings(out, environment, n_environment);
}

static bool knows_token(const struct known *known, const void *bytes, size_t n)
{
    for (size_t i = 0; i < known->n_tokens; i++)
        if (known->tokens[i].len == n && memcmp(known->tokens[i].data, bytes, n) == 0)
            return true;
    return false;
}

static bool knows_hook(const struct known *known, const char *path)
{
    for (size_t i = 0; i < known->n_hooks; i++)
        if (strcmp(known->hooks[i], path) == 0)
            return true;
    return false;
}

static void learn_token(struct known *known, const struct ha_config *config, const struct ha_token_config *section)
{
    ha_auto(ha_command_clear) struct ha_command command = {0};
    ha_auto(ha_free) char *guard = NULL;
    struct ha_buf question = {0};
    struct ha_err ignored = {0};  // then the daemon can't ask for it either
    if (ha_command_pin_guard(config->agent.state_dir, section->name, &guard, &ignored) ||
        ha_command_of_token(known->program, section, guard, known->log_json, &command, &ignored))
        return;
    write_question(START_TOKEN, command.argv, command.n, command.environment, command.n_environment, &question);
    struct ha_buf *more = knows_token(known, question.data, question.len)
                              ? NULL
                              : reallocarray(known->tokens, known->n_tokens + 1, sizeof *more);
    if (!more || !ha_buf_ok(&question)) {
        ha_buf_clear(&question);
        known->tokens = more ? more : known->tokens;
        return;
    }
    known->tokens = more;
    known->tokens[known->n_tokens++] = question;
}

static void learn_hook(struct known *known, const char *path)
{
    char **more = knows_hook(known, path) ? NULL : reallocarray(known->hooks, known->n_hooks + 1, sizeof *more);
    if (!more)
        return;
    known->hooks = more;
    if ((known->hooks[known->n_hooks] = strdup(path)))
        known->n_hooks++;
}

static void learn(struct known *known, const struct ha_config *config)
{
    for (size_t i = 0; i < config->n_tokens; i++)
        learn_token(known, config, &config->tokens[i]);
    if (config->agent.expiry_hook)
        learn_hook(known, config->agent.expiry_hook);
}

// What the file says now. A daemon that was taken over can't write it.
static void learn_again(struct known *known)
{
    ha_auto(ha_config_free) struct ha_config *config = NULL;
    ha_auto(ha_mistakes_clear) struct ha_mistakes mistakes = {0};
    struct ha_err err = {0};
    if (ha_config_load(known->path, &config, &mistakes, &err) == HA_OK)
        learn(known, config);
}

// The strings of a question, whose bytes end with a NUL.
struct strings {
    char *arguments[STRINGS_MAX + 1];
    char *environment[STRINGS_MAX + 1];
};

static bool read_strings(char *bytes, size_t n, struct strings *out)
{
    struct question head;
    char *at = bytes + sizeof head, *end = bytes + n;
    if (n < sizeof head || (n > sizeof head && end[-1] != '\0'))
        return false;
    memcpy(&head, bytes, sizeof head);
    if (head.n_arguments < 1 || head.n_arguments > STRINGS_MAX || head.n_environment > STRINGS_MAX)
        return false;
    for (size_t i = 0; i < head.n_arguments + head.n_environment; i++, at += strlen(at) + 1) {
        if (at >= end)
            return false;
        *(i < head.n_arguments ? &out->arguments[i] : &out->environment[i - head.n_arguments]) = at;
    }
    return at == end;
}

// Nothing with which the program's interpreter or loader could be told what to run.
static bool is_environment_of_hook(char *const *environment)
{
    for (; *environment; environment++)
        if (strncmp(*environment, "HSM_AGENT_", 10) != 0 && strcmp(*environment, HA_HOOK_PATH) != 0)
            return false;
    return true;
}

static bool is_known(const struct known *known, enum kind kind, const char *bytes, size_t n,
                     const struct strings *strings)
{
    if (kind == START_TOKEN)
        return knows_token(known, bytes, n);
    return knows_hook(known, strings->arguments[0]) && is_environment_of_hook(strings->environment);
}

// In the new process: system calls alone. complaint gets the cause if there is no exec.
static _Noreturn void become_token(const struct strings *strings, int control, int complaint)
{
    sigset_t none;
    sigemptyset(&none);
    for (int number = 1; number < NSIG; number++)
        signal(number, SIG_DFL);
    int far_control = fcntl(control, F_DUPFD_CLOEXEC, FAR_FD),
        far_complaint = fcntl(complaint, F_DUPFD_CLOEXEC, FAR_FD);
    int null = open("/dev/null", O_RDONLY);
    if (far_control >= 0 && far_complaint >= 0 && null >= 0 && dup2(null, 0) == 0 && dup2(2, 1) == 1 &&
        dup2(far_control, HA_CONTROL_FD) == HA_CONTROL_FD &&
        dup3(far_complaint, HA_CONTROL_FD + 1, O_CLOEXEC) == HA_CONTROL_FD + 1 &&
        syscall(SYS_close_range, HA_CONTROL_FD + 2, ~0U, 0U) == 0) {
        far_complaint = HA_CONTROL_FD + 1;
        sigprocmask(SIG_SETMASK, &none, NULL);
        execve(strings->arguments[0], strings->arguments, strings->environment);
    }
    int error = errno;
    ssize_t ignored = write(far_complaint, &error, sizeof error);
    (void)ignored;
    _exit(127);
}

static struct answer start(enum kind kind, const struct strings *strings, int control)
{
    int complaint[2] = {-1, -1};
    int error = 0;
    if (pipe2(complaint, O_CLOEXEC) != 0)
        return (struct answer){.error = errno};
    pid_t pid = (pid_t)syscall(SYS_clone, CLONE_PARENT | SIGCHLD, NULL, NULL, NULL, NULL);
    if (pid == 0 && kind == START_HOOK)
        ha_hook_become(strings->arguments, strings->environment);
    if (pid == 0)
        become_token(strings, control, complaint[1]);
    error = pid < 0 ? errno : 0;
    close(complaint[1]);
    while (pid > 0 && read(complaint[0], &error, sizeof error) < 0 && errno == EINTR)
        ;
    close(complaint[0]);
    return (struct answer){.pid = pid < 0 ? 0 : pid, .error = error};
}

static struct answer answer(struct known *known, char *bytes, size_t n, int control)
{
    struct strings strings = {0};
    if (!read_strings(bytes, n, &strings))
        return (struct answer){.error = EINVAL};
    enum kind kind = ((const struct question *)(const void *)bytes)->kind == START_TOKEN ? START_TOKEN : START_HOOK;
    if (!is_known(known, kind, bytes, n, &strings))
        learn_again(known);
    if (!is_known(known, kind, bytes, n, &strings))
        return (struct answer){.error = EACCES, .unknown = true};
    return start(kind, &strings, control);
}

static _Noreturn void serve(struct known *known, int fd)
{
    static char bytes[MESSAGE_MAX] __attribute__((aligned(8)));
    for (;;) {
        int control;
        ssize_t n = ha_pass_receive(fd, bytes, sizeof bytes, &control);
        if (n <= 0)
            _exit(0);
        const struct answer reply = answer(known, bytes, (size_t)n, control);
        if (control >= 0)
            close(control);
        if (send(fd, &reply, sizeof reply, MSG_NOSIGNAL) < 0)
            _exit(0);
    }
}

// --- The daemon's side

static enum ha_code ask(const struct ha_starter *starter, const struct ha_buf *question, int control,
                        struct answer *ret_answer, struct ha_err *err)
{
    struct answer got = {0};
    ssize_t n;
    if (!ha_buf_ok(question))
        return ha_fail(err, HA_E_MEMORY, "out of memory");
    if (question->len > MESSAGE_MAX)
        return ha_fail(err, HA_E_CONFIG, "arguments and environment are longer than %d bytes", MESSAGE_MAX);
    pthread_mutex_t *lock = (pthread_mutex_t *)&starter->lock;
    pthread_mutex_lock(lock);
    n = ha_pass_send(starter->fd, question->data, question->len, control);
    while (n >= 0 && (n = recv(starter->fd, &got, sizeof got, 0)) < 0 && errno == EINTR)
        n = 0;
    pthread_mutex_unlock(lock);
    if (n != (ssize_t)sizeof got) {
        ha_fail(err, HA_E_INTERNAL, "the process that starts programs for the daemon is gone");
        return ha_hint(err, "Restart the agent.");
    }
    *ret_answer = got;
    return HA_OK;
}

static enum ha_code run(const struct ha_starter *starter, const char *program, const struct ha_buf *question,
                        int control, pid_t *ret_pid, struct ha_err *err)
{
    struct answer got = {0};
    if (ask(starter, question, control, &got, err))
        return err->code;
    if (got.unknown) {
        ha_fail(err, HA_E_CONFIG, "%s isn't started in a way that the configuration's file doesn't have", program);
        return ha_hint(err, "The file was changed: have the agent reload it.");
    }
    if (!got.error) {
        *ret_pid = got.pid;
        return HA_OK;
    }
    if (got.pid)
        waitpid(got.pid, NULL, 0);
    ha_fail_errno(err, got.error, "%s can't be started", program);
    return ha_hint(err, "install hsm-agent whole; the program stands beside hsm-agentd or in its libexec directory");
}

static enum ha_code spawn(void *context, const struct ha_command *command, int control, pid_t *ret_pid,
                          struct ha_err *err)
{
    ha_auto(ha_buf_clear) struct ha_buf question = {0};
    write_question(START_TOKEN, command->argv, command->n, command->environment, command->n_environment, &question);
    return run(context, command->argv[0], &question, control, ret_pid, err);
}

static size_t count(char *const *strings)
{
    size_t n = 0;
    while (strings[n])
        n++;
    return n;
}

enum ha_code ha_starter_hook(const struct ha_starter *starter, char *const argv[], char *const environment[],
                             pid_t *ret_pid, struct ha_err *err)
{
    ha_auto(ha_buf_clear) struct ha_buf question = {0};
    write_question(START_HOOK, argv, count(argv), environment, count(environment), &question);
    return run(starter, argv[0], &question, -1, ret_pid, err);
}

enum ha_code ha_starter_new(const char *program, const struct ha_config *config, const struct ha_log *log,
                            struct ha_starter **ret_starter, struct ha_err *err)
{
    int pair[2];
    ha_auto(ha_starter_free) struct ha_starter *starter = calloc(1, sizeof *starter);
    if (!starter)
        return ha_fail(err, HA_E_MEMORY, "out of memory");
    starter->fd = -1;
    pthread_mutex_init(&starter->lock, NULL);
    starter->spawner = (struct ha_spawner){.spawn = spawn, .context = starter};
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
        return ha_fail_errno(err, errno, "a channel to the process that starts programs can't be made");
    starter->fd = pair[0];
    starter->pid = fork();
    if (starter->pid == 0) {
        // Neither the daemon's end, nor sockets of the service manager's.
        if (dup2(pair[1], HA_CONTROL_FD) < 0 || syscall(SYS_close_range, HA_CONTROL_FD + 1, ~0U, 0U) != 0)
            _exit(1);
        prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
        prctl(PR_SET_NAME, "hsm-agent-start", 0, 0, 0);
        struct known known = {.program = program, .path = config->path, .log_json = log->json};
        learn(&known, config);
        serve(&known, HA_CONTROL_FD);
    }
    close(pair[1]);
    if (starter->pid < 0)
        return ha_fail_errno(err, errno, "the process that starts programs can't be made");
    *ret_starter = ha_take(&starter);
    return HA_OK;
}

const struct ha_spawner *ha_starter_spawner(const struct ha_starter *starter)
{
    return &starter->spawner;
}

void ha_starter_free(struct ha_starter *starter)
{
    if (!starter)
        return;
    if (starter->fd >= 0)
        close(starter->fd);
    while (starter->pid > 0 && waitpid(starter->pid, NULL, 0) < 0 && errno == EINTR)
        ;
    pthread_mutex_destroy(&starter->lock);
    free(starter);
}
