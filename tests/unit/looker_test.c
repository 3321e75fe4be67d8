// SPDX-License-Identifier: Apache-2.0
// The process that looks up executables: for who mustn't see them itself, never for long, never another one's.
#include "agentd/looker.h"
#include "base/clock.h"
#include "base/landlock.h"
#include "base/sanitizer.h"

#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include <cmocka.h>

struct fixture {
    struct ha_log log;
    struct ha_looker *looker;
    pid_t looker_pid;
    char *exe;  // ours
};

static pid_t only_child(void)
{
    char path[60];
    int pid = 0, another;
    snprintf(path, sizeof path, "/proc/self/task/%d/children", (int)getpid());
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    assert_int_equal(fscanf(file, "%d %d", &pid, &another), 1);
    fclose(file);
    return pid;
}

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    struct ha_err err = {0};
    f->log = (struct ha_log){.fd = open("/dev/null", O_WRONLY | O_CLOEXEC), .least = HA_LOG_ERROR};
    assert_int_equal(ha_looker_new(&f->log, &f->looker, &err), HA_OK);
    f->looker_pid = only_child();
    f->exe = ha_process_exe(-1, getpid(), geteuid());
    assert_non_null(f->exe);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    ha_looker_free(f->looker);
    close(f->log.fd);
    free(f->exe);
    free(f);
    return 0;
}

static char *look(const struct fixture *f, int pidfd, pid_t pid)
{
    const struct ha_exe_reader *reader = ha_looker_reader(f->looker);
    return reader->read(reader->context, pidfd, pid, geteuid());
}

static void looker_tells_the_executable(void **state)
{
    const struct fixture *f = *state;
    ha_auto(ha_close) int pidfd = pidfd_open(getpid(), 0);
    const int fds[] = {pidfd, -1};
    for (size_t i = 0; i < HA_ARRAY_SIZE(fds); i++) {
        ha_auto(ha_free) char *exe = look(f, fds[i], getpid());
        assert_non_null(exe);
        assert_string_equal(exe, f->exe);
    }
    assert_true(fcntl(pidfd, F_GETFD) >= 0);
}

static void looker_tells_nothing_of_who_has_ended(void **state)
{
    const struct fixture *f = *state;
    pid_t child = fork();
    if (child == 0)
        _exit(0);
    ha_auto(ha_close) int pidfd = pidfd_open(child, 0);
    assert_int_equal(waitpid(child, NULL, 0), child);
    // Ours is what is found under the number, as if it had been given to us.
    assert_null(look(f, pidfd, getpid()));
    assert_null(look(f, -1, child));
    assert_null(look(f, -1, -1));
}

// In a child, for it can't be taken off. 0: seen with the looker and not without.
static int look_under_landlock(const struct fixture *f, pid_t pid)
{
    int abi;
    struct ha_err err = {0};
    const struct ha_landlock_path all = {"/", HA_LANDLOCK_READ};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
        ha_landlock_enter(&(struct ha_landlock){.paths = &all, .n_paths = 1}, &abi, &err))
        return 1;
    if (abi == 0)
        return 77;
    ha_auto(ha_free) char *without = ha_process_exe(-1, pid, geteuid());
    ha_auto(ha_free) char *with = look(f, -1, pid);
    return without ? 2 : with && strcmp(with, f->exe) == 0 ? 0 : 3;
}

static void looker_sees_what_landlock_hides(void **state)
{
    const struct fixture *f = *state;
    int status;
    pid_t parent = getpid(), child = fork();
    if (child == 0)
        _exit(look_under_landlock(f, parent));
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) == 77)
        skip();
    assert_int_equal(WEXITSTATUS(status), 0);
}

static void looker_that_hangs_is_waited_for_once_and_asked_again_later(void **state)
{
    const struct fixture *f = *state;
    int64_t begin_ms;
    kill(f->looker_pid, SIGSTOP);
    begin_ms = ha_now_ms();
    assert_null(look(f, -1, getpid()));
    assert_in_range(ha_now_ms() - begin_ms, 400, 5000);
    begin_ms = ha_now_ms();
    for (int i = 0; i < 100; i++)
        assert_null(look(f, -1, getpid()));
    assert_in_range(ha_now_ms() - begin_ms, 0, 400);
    kill(f->looker_pid, SIGCONT);
    // The late answer is ours; a process that isn't there doesn't get it.
    ha_auto(ha_free) char *exe = NULL;
    for (int64_t deadline_ms = ha_now_ms() + 10000; !exe; exe = look(f, -1, getpid())) {
        assert_null(look(f, -1, INT_MAX));
        assert_true(ha_left_ms(deadline_ms) > 0);
    }
    assert_string_equal(exe, f->exe);
}

static void looker_that_is_gone_leaves_executables_unknown(void **state)
{
    const struct fixture *f = *state;
    int64_t begin_ms = ha_now_ms();
    kill(f->looker_pid, SIGKILL);
    assert_int_equal(waitid(P_PID, (id_t)f->looker_pid, &(siginfo_t){0}, WEXITED | WNOWAIT), 0);
    assert_null(look(f, -1, getpid()));
    assert_null(look(f, -1, getpid()));
    assert_in_range(ha_now_ms() - begin_ms, 0, 400);
}

static void looker_has_its_calls_filtered(void **state)
{
    const struct fixture *f = *state;
    char path[60], line[200];
    int filtered = -1;
    free(look(f, -1, getpid()));  // it serves by now
    snprintf(path, sizeof path, "/proc/%d/status", (int)f->looker_pid);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    while (fgets(line, sizeof line, file))
        sscanf(line, "Seccomp: %d", &filtered);
    fclose(file);
    assert_int_equal(filtered, HA_SANITIZER ? 0 : 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(looker_tells_the_executable, setup, teardown),
        cmocka_unit_test_setup_teardown(looker_tells_nothing_of_who_has_ended, setup, teardown),
        cmocka_unit_test_setup_teardown(looker_sees_what_landlock_hides, setup, teardown),
        cmocka_unit_test_setup_teardown(looker_that_hangs_is_waited_for_once_and_asked_again_later, setup, teardown),
        cmocka_unit_test_setup_teardown(looker_that_is_gone_leaves_executables_unknown, setup, teardown),
        cmocka_unit_test_setup_teardown(looker_has_its_calls_filtered, setup, teardown),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);  // for filters without being root
    return cmocka_run_group_tests(tests, NULL, NULL);
}
