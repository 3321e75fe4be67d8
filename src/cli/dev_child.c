// SPDX-License-Identifier: Apache-2.0
// fork and exec, pidfd and signalfd.
#include "cli/dev_child.h"

#include "base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>

enum { NOT_EXECUTABLE = 126, NOT_FOUND = 127 };

enum ha_code ha_dev_signals_take(struct ha_dev_signals *ret_signals, struct ha_err *err)
{
    static const int taken[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2};
    struct ha_dev_signals signals;
    sigset_t set;
    sigemptyset(&set);
    for (size_t i = 0; i < HA_ARRAY_SIZE(taken); i++)
        sigaddset(&set, taken[i]);
    signals.fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (signals.fd < 0)
        return ha_fail_errno(err, errno, "can't watch for signals");
    sigprocmask(SIG_BLOCK, &set, &signals.before);
    signal(SIGCHLD, SIG_DFL);  // whoever ignores it gets no exit statuses
    *ret_signals = signals;
    return HA_OK;
}

void ha_dev_signals_restore(struct ha_dev_signals *signals)
{
    if (signals->fd < 0)
        return;
    close(signals->fd);
    signals->fd = -1;
    sigprocmask(SIG_SETMASK, &signals->before, NULL);
}

int ha_dev_signals_next(const struct ha_dev_signals *signals, bool *ret_from_terminal)
{
    struct signalfd_siginfo info;
    if (read(signals->fd, &info, sizeof info) != sizeof info)
        return 0;
    *ret_from_terminal = info.ssi_code == SI_KERNEL;
    return (int)info.ssi_signo;
}

static void redirect(const struct ha_dev_start *start)
{
    // stderr first: out may be what stderr is now
    int out = start->out >= 0 ? start->out : STDOUT_FILENO;
    if (start->daemon) {
        int null = open("/dev/null", O_RDWR | O_CLOEXEC);
        dup2(null, STDIN_FILENO);
    } else if (start->in > 0) {
        dup2(start->in, STDIN_FILENO);
    }
    dup2(out, STDOUT_FILENO);
    if (start->err >= 0)
        dup2(start->err, STDERR_FILENO);
}

static void set_environment(const struct ha_dev_start *start)
{
    if (start->only_environment)
        clearenv();
    for (size_t i = 0; start->environment && start->environment[i]; i++)
        putenv((char *)start->environment[i]);
}

// In the child; doesn't return.
static void become(const struct ha_dev_start *start, const struct ha_dev_signals *signals, pid_t parent)
{
    if (start->daemon) {
        setsid();  // Ctrl-C is for dev, which ends the daemon when it is time
        prctl(PR_SET_PDEATHSIG, SIGTERM);
        if (getppid() != parent)
            _exit(NOT_EXECUTABLE);
    }
    redirect(start);
    set_environment(start);
    signal(SIGPIPE, SIG_DFL);
    sigprocmask(SIG_SETMASK, &signals->before, NULL);
    execvp(start->argv[0], (char *const *)start->argv);  // POSIX promises not to change them
    int cause = errno;
    dprintf(STDERR_FILENO, "hsm-agent: can't run %s: %s\n", start->argv[0], strerror(cause));
    _exit(cause == ENOENT || cause == ENOTDIR ? NOT_FOUND : NOT_EXECUTABLE);
}

enum ha_code ha_dev_child_start(const struct ha_dev_start *start, const struct ha_dev_signals *signals,
                                struct ha_dev_child *ret_child, struct ha_err *err)
{
    pid_t parent = getpid();
    pid_t pid = fork();
    if (pid < 0)
        return ha_fail_errno(err, errno, "can't start %s", start->argv[0]);
    if (pid == 0)
        become(start, signals, parent);
    int pidfd = pidfd_open(pid, 0);
    if (pidfd < 0) {
        int cause = errno;
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
        return ha_fail_errno(err, cause, "can't watch %s", start->argv[0]);
    }
    *ret_child = (struct ha_dev_child){.pid = pid, .pidfd = pidfd};
    return HA_OK;
}

void ha_dev_child_signal(const struct ha_dev_child *child, int signal)
{
    if (child->pidfd >= 0)
        pidfd_send_signal(child->pidfd, signal, NULL, 0);
}

void ha_dev_child_reap(struct ha_dev_child *child)
{
    int status = 0;
    if (child->pidfd < 0)
        return;
    while (waitpid(child->pid, &status, 0) < 0 && errno == EINTR)
        continue;
    child->status = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
    close(child->pidfd);
    child->pidfd = -1;
}

void ha_dev_child_stop(struct ha_dev_child *child, int grace_ms)
{
    struct pollfd ended = {.fd = child->pidfd, .events = POLLIN};
    int64_t deadline_ms = ha_now_ms() + grace_ms;
    if (child->pidfd < 0)
        return;
    ha_dev_child_signal(child, SIGTERM);
    while (poll(&ended, 1, ha_left_ms(deadline_ms)) < 0 && errno == EINTR)
        continue;
    if (ended.revents == 0)
        ha_dev_child_signal(child, SIGKILL);
    ha_dev_child_reap(child);
}

void ha_dev_child_clear(struct ha_dev_child *child)
{
    ha_dev_child_stop(child, 0);
}
