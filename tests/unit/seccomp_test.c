// SPDX-License-Identifier: Apache-2.0
// A filter's actions, seen by a process that is under it.
#include "base/seccomp.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <errno.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { NO_FILTERS = 77 };

static const struct ha_seccomp_rule rules[] = {
    {.number = SYS_getppid, .action = HA_SECCOMP_REFUSE},
    {.number = SYS_getuid, .action = HA_SECCOMP_UNKNOWN},
    {.number = SYS_getgid, .action = HA_SECCOMP_KILL},
    {.number = SYS_socket,
     .mask = UINT32_MAX,
     .values = {AF_UNIX, AF_INET},
     .n_values = 2,
     .otherwise = HA_SECCOMP_REFUSE},
    {.number = SYS_umask, .action = HA_SECCOMP_REFUSE, .mask = 022, .values = {022}, .n_values = 1},
};

// How a process ends that is under the filter and has the act's result as its status.
static int under_filter(enum ha_seccomp_action rest, int (*act)(void))
{
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        bool entered = false;
        struct ha_err err = {0};
        prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
        if (ha_seccomp_enter(rules, HA_ARRAY_SIZE(rules), rest, &entered, &err))
            _exit(99);
        _exit(entered ? act() : NO_FILTERS);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    if (WIFEXITED(status) && WEXITSTATUS(status) == NO_FILTERS)
        skip();
    return status;
}

static int call_refused(void)
{
    return syscall(SYS_getppid) == -1 ? errno : 0;
}

static int call_unknown(void)
{
    return syscall(SYS_getuid) == -1 ? errno : 0;
}

static int call_deadly(void)
{
    return syscall(SYS_getgid) ? 1 : 0;
}

static int call_unnamed(void)
{
    return syscall(SYS_getsid, 0) == -1 ? errno : 0;
}

static int arguments(void)
{
    int sort = 0;
    sort |= socket(AF_UNIX, SOCK_STREAM, 0) >= 0 ? 1 : 0;
    sort |= socket(AF_INET, SOCK_STREAM, 0) >= 0 ? 2 : 0;
    sort |= socket(AF_NETLINK, SOCK_RAW, 0) < 0 && errno == EPERM ? 4 : 0;
    sort |= syscall(SYS_umask, 0) >= 0 ? 8 : 0;
    sort |= syscall(SYS_umask, 02) >= 0 ? 16 : 0;
    sort |= syscall(SYS_umask, 0777) == -1 && errno == EPERM ? 32 : 0;
    return sort;
}

static void seccomp_refused_call_gets_eperm(void **state)
{
    assert_int_equal(WEXITSTATUS(under_filter(HA_SECCOMP_ALLOW, call_refused)), EPERM);
}

static void seccomp_unknown_call_gets_enosys(void **state)
{
    assert_int_equal(WEXITSTATUS(under_filter(HA_SECCOMP_ALLOW, call_unknown)), ENOSYS);
}

static void seccomp_deadly_call_ends_the_process(void **state)
{
    int status = under_filter(HA_SECCOMP_ALLOW, call_deadly);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGSYS);
}

static void seccomp_unnamed_call_gets_the_rest(void **state)
{
    static const struct ha_seccomp_rule exit_only[] = {{.number = SYS_exit_group}};
    assert_int_equal(WEXITSTATUS(under_filter(HA_SECCOMP_ALLOW, call_unnamed)), 0);
    pid_t pid = fork();
    if (pid == 0) {
        bool entered = false;
        struct ha_err err = {0};
        prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
        if (ha_seccomp_enter(exit_only, 1, HA_SECCOMP_UNKNOWN, &entered, &err) || !entered)
            _exit(NO_FILTERS);
        syscall(SYS_exit_group, call_unnamed());  // not _exit, which a sanitizer makes more calls for
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(WEXITSTATUS(status), ENOSYS);
}

static void seccomp_rule_of_an_argument_looks_at_it(void **state)
{
    assert_int_equal(WEXITSTATUS(under_filter(HA_SECCOMP_ALLOW, arguments)), 63);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(seccomp_refused_call_gets_eperm),         cmocka_unit_test(seccomp_unknown_call_gets_enosys),
        cmocka_unit_test(seccomp_deadly_call_ends_the_process),    cmocka_unit_test(seccomp_unnamed_call_gets_the_rest),
        cmocka_unit_test(seccomp_rule_of_an_argument_looks_at_it),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
