// SPDX-License-Identifier: Apache-2.0
// A question is a packet with the process's descriptor, an answer one with the path. Both are numbered: an answer that
// comes too late isn't taken for another one's.
#include "agentd/looker.h"

#include "base/clock.h"
#include "base/pass.h"
#include "base/sanitizer.h"
#include "base/seccomp.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { WAIT_MS = 500, LOOKER_FD = 3 };

struct question {
    uint32_t number;
    int32_t pid;
    uint32_t uid;
};

struct answer {
    uint32_t number;
    char path[PATH_MAX];  // as long as the packet is; without a NUL; empty: not known
};

struct ha_looker {
    const struct ha_log *log;
    struct ha_exe_reader reader;
    pid_t pid;
    int fd;  // -1: it is gone
    pthread_mutex_t lock;
    uint32_t asked, answered;  // not the same: it is behind
};

// --- The looker's side

// Of open's flags, whatever writes or makes something.
#define MAKES (O_ACCMODE | O_CREAT | O_TRUNC | O_TMPFILE)

static const struct ha_seccomp_rule rules[] = {
    HA_ALLOW(recvmsg),
    HA_ALLOW(sendmsg),
    {.number = SYS_openat,
     .argument = 2,
     .mask = MAKES & ~O_DIRECTORY,
     .values = {O_RDONLY},
     .n_values = 1,
     .otherwise = HA_SECCOMP_REFUSE},
    HA_ALLOW(read),
    HA_ALLOW(close),
    HA_ALLOW(readlinkat),
    HA_ALLOW(newfstatat),
    HA_ALLOW(fstat),
    HA_ALLOW(ppoll),
    HA_ALLOW(brk),
    HA_ALLOW(munmap),
    {.number = SYS_mmap,
     .argument = 2,
     .mask = PROT_EXEC,
     .values = {0},
     .n_values = 1,
     .otherwise = HA_SECCOMP_REFUSE},
    HA_ALLOW(futex),
    HA_ALLOW(rt_sigreturn),
    HA_ALLOW(restart_syscall),
    HA_ALLOW(exit_group),
#ifdef SYS_poll  // processors that have the old ones as well
    HA_ALLOW(poll),
#endif
};

static _Noreturn void serve(int fd)
{
    bool filtered;
    struct ha_err err = {0};
    if (!HA_SANITIZER && ha_seccomp_enter(rules, HA_ARRAY_SIZE(rules), HA_SECCOMP_UNKNOWN, &filtered, &err))
        _exit(1);
    for (;;) {
        struct question question;
        struct answer answer;
        int pidfd;
        ssize_t n = ha_pass_receive(fd, &question, sizeof question, &pidfd);
        if (n != sizeof question)
            _exit(0);
        ha_auto(ha_free) char *path = ha_process_exe(pidfd, question.pid, question.uid);
        size_t length = path ? strnlen(path, sizeof answer.path) : 0;
        answer.number = question.number;
        memcpy(answer.path, path ? path : "", length);
        if (pidfd >= 0)
            close(pidfd);
        if (ha_pass_send(fd, &answer, offsetof(struct answer, path) + length, -1) < 0)
            _exit(0);
    }
}

// --- The daemon's side

static void lose(struct ha_looker *looker)
{
    close(looker->fd);
    looker->fd = -1;
    looker->answered = looker->asked;
    ha_log(looker->log, HA_LOG_ERROR, "executables-unknown",
           HA_S("cause", "the process that looks up callers' executables is gone"),
           HA_S("remedy", "Restart the agent."));
}

// The answer to the last question, if it comes until then. The number of bytes of its path.
static size_t receive(struct ha_looker *looker, int64_t deadline_ms, struct answer *ret_answer)
{
    while (looker->fd >= 0 && looker->answered != looker->asked) {
        struct pollfd wait = {.fd = looker->fd, .events = POLLIN};
        int ready = poll(&wait, 1, ha_left_ms(deadline_ms));
        if (ready == 0)
            return 0;
        if (ready < 0)
            continue;
        ssize_t n = recv(looker->fd, ret_answer, sizeof *ret_answer, MSG_DONTWAIT);
        if (n < (ssize_t)offsetof(struct answer, path)) {
            lose(looker);
            return 0;
        }
        looker->answered = ret_answer->number;
        if (looker->answered == looker->asked)
            return (size_t)n - offsetof(struct answer, path);
    }
    return 0;
}

// With the lock held.
static char *ask(struct ha_looker *looker, int pidfd, pid_t pid, uid_t uid)
{
    struct answer answer;
    (void)receive(looker, 0, &answer);
    if (looker->fd < 0 || looker->answered != looker->asked)
        return NULL;
    const struct question question = {.number = ++looker->asked, .pid = pid, .uid = uid};
    if (ha_pass_send(looker->fd, &question, sizeof question, pidfd) < 0) {
        lose(looker);
        return NULL;
    }
    size_t n = receive(looker, ha_now_ms() + WAIT_MS, &answer);
    if (looker->answered != looker->asked)
        ha_log(looker->log, HA_LOG_WARN, "executables-unknown",
               HA_S("cause", "looking up a caller's executable takes long"), HA_N("pid", pid));
    return n > 0 && answer.path[0] == '/' && !memchr(answer.path, '\0', n) ? strndup(answer.path, n) : NULL;
}

static char *look(void *context, int pidfd, pid_t pid, uid_t uid)
{
    struct ha_looker *looker = context;
    pthread_mutex_lock(&looker->lock);
    char *path = ask(looker, pidfd, pid, uid);
    pthread_mutex_unlock(&looker->lock);
    return path;
}

enum ha_code ha_looker_new(const struct ha_log *log, struct ha_looker **ret_looker, struct ha_err *err)
{
    int pair[2];
    ha_auto(ha_looker_free) struct ha_looker *looker = calloc(1, sizeof *looker);
    if (!looker)
        return ha_fail(err, HA_E_MEMORY, "out of memory");
    *looker = (struct ha_looker){.log = log, .reader = {.read = look, .context = looker}, .fd = -1};
    pthread_mutex_init(&looker->lock, NULL);
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
        return ha_fail_errno(err, errno, "a channel to the process that looks up executables can't be made");
    looker->fd = pair[0];
    looker->pid = fork();
    if (looker->pid == 0) {
        // Neither the daemon's end, nor sockets of the service manager's.
        if (dup2(pair[1], LOOKER_FD) < 0 || syscall(SYS_close_range, LOOKER_FD + 1, ~0U, 0U) != 0)
            _exit(1);
        prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
        prctl(PR_SET_NAME, "hsm-agent-look", 0, 0, 0);
        serve(LOOKER_FD);
    }
    close(pair[1]);
    if (looker->pid < 0)
        return ha_fail_errno(err, errno, "the process that looks up executables can't be made");
    *ret_looker = ha_take(&looker);
    return HA_OK;
}

const struct ha_exe_reader *ha_looker_reader(const struct ha_looker *looker)
{
    return &looker->reader;
}

void ha_looker_free(struct ha_looker *looker)
{
    if (!looker)
        return;
    bool behind = looker->answered != looker->asked;
    if (looker->fd >= 0)
        close(looker->fd);
    // One that hangs may hang in the kernel. It ends with the daemon, or when it is let go.
    while (looker->pid > 0 && !behind && waitpid(looker->pid, NULL, 0) < 0 && errno == EINTR)
        ;
    pthread_mutex_destroy(&looker->lock);
    free(looker);
}
