// SPDX-License-Identifier: Apache-2.0
// What a process can do to files and others once it is limited.
#include "base/landlock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { NO_LANDLOCK = 77 };

struct fixture {
    char directory[40], readable[60], writable[60], closed[60];
};

static void put(const char *directory, const char *name)
{
    char path[80];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs("text", file);
    fclose(file);
}

static int setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    strcpy(fixture->directory, "/tmp/landlock_test.XXXXXX");
    assert_non_null(mkdtemp(fixture->directory));
    snprintf(fixture->readable, sizeof fixture->readable, "%s/readable", fixture->directory);
    snprintf(fixture->writable, sizeof fixture->writable, "%s/writable", fixture->directory);
    snprintf(fixture->closed, sizeof fixture->closed, "%s/closed", fixture->directory);
    const char *all[] = {fixture->readable, fixture->writable, fixture->closed};
    for (size_t i = 0; i < HA_ARRAY_SIZE(all); i++) {
        assert_int_equal(mkdir(all[i], 0700), 0);
        put(all[i], "file");
    }
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    char command[60];
    snprintf(command, sizeof command, "rm -rf %s", fixture->directory);
    int status = system(command);
    free(fixture);
    return status;
}

static bool can_open(const char *directory, const char *name, int flags)
{
    char path[80];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    int fd = open(path, flags, 0600);
    if (fd >= 0)
        close(fd);
    return fd >= 0;
}

// The status of a process that is limited and does the act.
static int limited(const struct fixture *fixture, bool any_file, int least_abi, int (*act)(const struct fixture *))
{
    const struct ha_landlock_path paths[] = {{fixture->readable, HA_LANDLOCK_READ},
                                             {fixture->writable, HA_LANDLOCK_WRITE},
                                             {NULL, HA_LANDLOCK_WRITE},
                                             {"/nowhere/at/all", HA_LANDLOCK_WRITE}};
    const struct ha_landlock limit = {
        .paths = paths, .n_paths = HA_ARRAY_SIZE(paths), .any_file = any_file, .own_signals = true};
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        int abi = -1;
        struct ha_err err = {0};
        prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
        if (ha_landlock_enter(&limit, &abi, &err))
            _exit(99);
        _exit(abi < least_abi ? NO_LANDLOCK : act(fixture));
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) == NO_LANDLOCK)
        skip();
    return WEXITSTATUS(status);
}

static int open_all(const struct fixture *fixture)
{
    return can_open(fixture->readable, "file", O_RDONLY) << 0 | can_open(fixture->readable, "file", O_WRONLY) << 1 |
           can_open(fixture->readable, "new", O_WRONLY | O_CREAT) << 2 |
           can_open(fixture->writable, "file", O_RDWR) << 3 |
           can_open(fixture->writable, "new", O_WRONLY | O_CREAT) << 4 |
           can_open(fixture->closed, "file", O_RDONLY) << 5 | can_open(fixture->closed, "new", O_WRONLY | O_CREAT) << 6;
}

static void landlock_limits_files_to_the_paths(void **state)
{
    assert_int_equal(limited(*state, false, 1, open_all), 1 << 0 | 1 << 3 | 1 << 4);
}

static void landlock_leaves_files_when_any_will_do(void **state)
{
    assert_int_equal(limited(*state, true, 1, open_all), 0x7f);
}

static int connect_tcp(const struct fixture *fixture)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(9)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    return connect(fd, (const struct sockaddr *)&address, sizeof address) == 0 ? 0 : errno;
}

static void landlock_refuses_tcp(void **state)
{
    assert_int_equal(limited(*state, true, 4, connect_tcp), EACCES);
}

static int signal_parent(const struct fixture *fixture)
{
    return kill(getppid(), 0) == 0 ? 0 : errno;
}

static void landlock_keeps_signals_inside(void **state)
{
    assert_int_equal(limited(*state, true, 6, signal_parent), EPERM);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(landlock_limits_files_to_the_paths, setup, teardown),
        cmocka_unit_test_setup_teardown(landlock_leaves_files_when_any_will_do, setup, teardown),
        cmocka_unit_test_setup_teardown(landlock_refuses_tcp, setup, teardown),
        cmocka_unit_test_setup_teardown(landlock_keeps_signals_inside, setup, teardown),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
