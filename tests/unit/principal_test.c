// SPDX-License-Identifier: Apache-2.0
// The unit of a control group, and what is read of a process: never another one's.
#include "policy/process.h"
#include "base/unit.h"

#include "base/auto.h"

#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>

#include <cmocka.h>

static void unit_of_a_cgroup_is_its_first_component_that_is_no_slice(void **state)
{
    static const struct {
        const char *text, *unit;
    } cases[] = {
        {"0::/system.slice/nginx.service\n", "nginx.service"},
        {"0::/system.slice/nginx.service", "nginx.service"},
        {"0::/system.slice/system-getty.slice/getty@tty1.service\n", "getty@tty1.service"},
        {"0::/nginx.service/payload\n", "nginx.service"},
        {"0::/user.slice/user-1000.slice/user@1000.service/app.slice/nginx.service\n", "user@1000.service"},
        {"0::/user.slice/user-1000.slice/session-3.scope\n", "session-3.scope"},
        {"0::/system.slice/docker-0a1b.scope/nginx.service\n", "docker-0a1b.scope"},
        {"0::/_cgroup.service\n", "cgroup.service"},
        {"0::/system.slice/dev-hugepages.mount\n", "dev-hugepages.mount"},
        {"0::/system.slice/a\\x2db.service\n", "a\\x2db.service"},
        {"12:cpu:/a.service\n1:name=systemd:/b.service\n0::/c.service\n", "b.service"},
        {"12:cpu:/a.service\n0::/c.service\n", "c.service"},
        {"0::/\n", NULL},
        {"0::/system.slice\n", NULL},
        {"0::/init\n", NULL},
        {"0::/../nginx.service\n", NULL},
        {"0::/kubepods/nginx.service\n", NULL},
        {"0::/.service\n", NULL},
        {"0::/ngi nx.service\n", NULL},
        {"0::/nginx.service (deleted)\n", NULL},
        {"0::/nginx.service.d\n", NULL},
        {"0::/a*.service\n", NULL},
        {"12:cpu:/a.service\n", NULL},
        {":name=systemd:/a.service\n", NULL},
        {"::/a.service\n", NULL},
        {"", NULL},
    };
    for (size_t i = 0; i < HA_ARRAY_SIZE(cases); i++) {
        char unit[HA_UNIT_MAX + 1] = "unchanged";
        assert_int_equal(ha_unit_of_cgroup(cases[i].text, unit), cases[i].unit != NULL);
        assert_string_equal(unit, cases[i].unit ? cases[i].unit : "unchanged");
    }
}

static void unit_names_have_a_length(void **state)
{
    char text[600] = "0::/", unit[HA_UNIT_MAX + 1];
    memset(text + 4, 'a', HA_UNIT_MAX - strlen(".service"));
    strcpy(text + 4 + HA_UNIT_MAX - strlen(".service"), ".service\n");
    assert_true(ha_unit_of_cgroup(text, unit));
    assert_int_equal(strlen(unit), HA_UNIT_MAX);
    memset(text + 4, 'a', HA_UNIT_MAX + 1 - strlen(".service"));
    strcpy(text + 4 + HA_UNIT_MAX + 1 - strlen(".service"), ".service\n");
    assert_false(ha_unit_of_cgroup(text, unit));
}

static void unit_patterns_are_no_units(void **state)
{
    assert_true(ha_unit_valid("web@*.service", 13, true));
    assert_false(ha_unit_valid("web@*.service", 13, false));
    assert_false(ha_unit_valid("web", 3, true));
    assert_false(ha_unit_valid("a.service\0b.service", 19, true));
}

static char *own_exe(void)
{
    char path[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", path, sizeof path - 1);
    assert_true(n > 0);
    path[n] = '\0';
    return strdup(path);
}

// With a descriptor of the process, and without: as the kernel has it or not.
static void process_that_runs_has_its_executable(void **state)
{
    ha_auto(ha_free) char *exe = own_exe();
    ha_auto(ha_close) int pidfd = pidfd_open(getpid(), 0);
    const int fds[] = {pidfd, -1};
    for (size_t i = 0; i < HA_ARRAY_SIZE(fds); i++) {
        struct ha_process process;
        ha_process_read(NULL, fds[i], getpid(), geteuid(), &process);
        assert_non_null(process.exe);
        assert_string_equal(process.exe, exe);
        ha_process_clear(&process);
        assert_null(process.exe);
    }
}

static void process_that_has_ended_is_not_the_one_with_its_number(void **state)
{
    struct ha_process process;
    pid_t child = fork();
    if (child == 0)
        _exit(0);
    ha_auto(ha_close) int pidfd = pidfd_open(child, 0);
    assert_true(pidfd >= 0);
    assert_int_equal(waitpid(child, NULL, 0), child);
    // Ours is what is found under the number, as if it had been given to us.
    ha_process_read(NULL, pidfd, getpid(), geteuid(), &process);
    assert_null(process.unit);
    assert_null(process.exe);
}

static void process_of_another_user_is_not_the_one_without_a_descriptor(void **state)
{
    struct ha_process process;
    ha_process_read(NULL, -1, getpid(), geteuid() + 1, &process);
    assert_null(process.unit);
    assert_null(process.exe);
}

static void process_that_became_another_users_has_no_executable(void **state)
{
    struct ha_process process;
    ha_auto(ha_close) int pidfd = pidfd_open(getpid(), 0);
    ha_process_read(NULL, pidfd, getpid(), geteuid() + 1, &process);
    assert_null(process.exe);
    ha_process_clear(&process);
}

static void process_without_a_number_is_unknown(void **state)
{
    static const pid_t numbers[] = {0, -1, INT_MAX};
    for (size_t i = 0; i < HA_ARRAY_SIZE(numbers); i++) {
        struct ha_process process;
        ha_process_read(NULL, -1, numbers[i], geteuid(), &process);
        assert_null(process.exe);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(unit_of_a_cgroup_is_its_first_component_that_is_no_slice),
        cmocka_unit_test(unit_names_have_a_length),
        cmocka_unit_test(unit_patterns_are_no_units),
        cmocka_unit_test(process_that_runs_has_its_executable),
        cmocka_unit_test(process_that_has_ended_is_not_the_one_with_its_number),
        cmocka_unit_test(process_of_another_user_is_not_the_one_without_a_descriptor),
        cmocka_unit_test(process_that_became_another_users_has_no_executable),
        cmocka_unit_test(process_without_a_number_is_unknown),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
