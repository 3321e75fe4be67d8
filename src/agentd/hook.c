// SPDX-License-Identifier: Apache-2.0
// fork, not posix_spawn, which can't change the user. Between fork and exec the child makes system calls alone, since
// another thread may have held any lock.
#include "agentd/hook.h"

#include "agentd/starter.h"
#include "base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define NOBODY       65534  // the user and group of that name, everywhere
#define LOOK_MS      50     // where there are no pidfds
#define EXIT_CANNOT  126    // as shells have it
#define EXIT_MISSING 127

static enum ha_code check(const char *program, struct ha_err *err)
{
    struct stat st;
    if (stat(program, &st))
        return ha_fail_errno(err, errno, "%s", program);
    bool is_ours = st.st_uid == 0 || st.st_uid == geteuid();
    if (S_ISREG(st.st_mode) && is_ours && !(st.st_mode & (S_IWGRP | S_IWOTH)))
        return HA_OK;
    ha_fail(err, HA_E_CONFIG, "%s isn't run, since others than its owner could change it", program);
    return ha_hint(err, "give it to root or to uid %u, with mode 0755: chown root %s; chmod 755 %s",
                   (unsigned)geteuid(), program, program);
}

_Noreturn void ha_hook_become(char *const argv[], char *const environment[])
{
    sigset_t none;
    sigemptyset(&none);
    for (int number = 1; number < NSIG; number++)
        signal(number, SIG_DFL);
    setsid();
    int null = open("/dev/null", O_RDWR);
    if (null < 0 || dup2(null, 0) < 0 || dup2(null, 1) < 0 || dup2(null, 2) < 0 ||
        syscall(SYS_close_range, 3U, ~0U, 0U))
        _exit(EXIT_CANNOT);
    // Not the library's functions, which would have the other threads do the same: there are none here.
    if (geteuid() == 0 && (syscall(SYS_setgroups, 0, NULL) || syscall(SYS_setresgid, NOBODY, NOBODY, NOBODY) ||
                           syscall(SYS_setresuid, NOBODY, NOBODY, NOBODY)))
        _exit(EXIT_CANNOT);
    sigprocmask(SIG_SETMASK, &none, NULL);
    execve(argv[0], argv, environment);
    _exit(errno == ENOENT ? EXIT_MISSING : EXIT_CANNOT);
}

// Waits for the end. The process isn't reaped, so its number stays its own.
static enum ha_code wait_for(pid_t pid, int timeout_ms, int cancel, struct ha_err *err)
{
    int64_t deadline_ms = ha_now_ms() + timeout_ms;
    ha_auto(ha_close) int pidfd = pidfd_open(pid, 0);
    for (;;) {
        struct pollfd waits[] = {{.fd = pidfd, .events = POLLIN}, {.fd = cancel, .events = POLLIN}};
        siginfo_t info = {0};
        int left_ms = ha_left_ms(deadline_ms);
        if (waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid == pid)
            return HA_OK;
        if (!left_ms)
            return ha_fail(err, HA_E_DEADLINE, "it wasn't done after %d s, and was killed", timeout_ms / 1000);
        if (poll(waits, 2, pidfd < 0 && left_ms > LOOK_MS ? LOOK_MS : left_ms) > 0 && waits[1].revents)
            return ha_fail(err, HA_E_STOPPING, "it was killed, since the agent stops");
    }
}

static enum ha_code start(const struct ha_starter *starter, char *const argv[], char *const environment[],
                          pid_t *ret_pid, struct ha_err *err)
{
    if (starter)
        return ha_starter_hook(starter, argv, environment, ret_pid, err);
    pid_t pid = fork();
    if (pid < 0)
        return ha_fail_errno(err, errno, "%s can't be started", argv[0]);
    if (pid == 0)
        ha_hook_become(argv, environment);
    *ret_pid = pid;
    return HA_OK;
}

enum ha_code ha_hook_run(const struct ha_starter *starter, char *const argv[], char *const environment[],
                         int timeout_ms, int cancel, struct ha_err *err)
{
    int status = 0;
    pid_t pid;
    if (check(argv[0], err) || start(starter, argv, environment, &pid, err))
        return err->code;
    enum ha_code code = wait_for(pid, timeout_ms, cancel, err);
    // Also what it left behind in its group, and before its number can be another's.
    kill(-pid, SIGKILL);
    kill(pid, SIGKILL);
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    if (code)
        return code;
    if (WIFSIGNALED(status))
        return ha_fail(err, HA_E_IO, "it was ended by signal %d (%s)", WTERMSIG(status), strsignal(WTERMSIG(status)));
    if (WEXITSTATUS(status))
        return ha_fail(err, HA_E_IO, "it ended with status %d", WEXITSTATUS(status));
    return HA_OK;
}
