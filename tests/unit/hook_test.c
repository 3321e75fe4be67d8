// SPDX-License-Identifier: Apache-2.0
// A program of the operator's: how it ends, in time or not, and who may have written it.
#include "agentd/hook.h"
#include "base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

struct fixture {
    char directory[40], program[60];
    int cancel[2];  // a pipe
};

static int setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    strcpy(fixture->directory, "/tmp/hsm-agent-hook.XXXXXX");
    assert_non_null(mkdtemp(fixture->directory));
    // A hook of root's runs as nobody.
    assert_int_equal(chmod(fixture->directory, 0755), 0);
    snprintf(fixture->program, sizeof fixture->program, "%s/hook", fixture->directory);
    assert_int_equal(pipe(fixture->cancel), 0);
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    unlink(fixture->program);
    rmdir(fixture->directory);
    close(fixture->cancel[0]);
    close(fixture->cancel[1]);
    free(fixture);
    return 0;
}

static void write_program(const struct fixture *fixture, const char *text, mode_t mode)
{
    unlink(fixture->program);
    FILE *file = fopen(fixture->program, "w");
    assert_non_null(file);
    fprintf(file, "#!/bin/sh\n%s\n", text);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(chmod(fixture->program, mode), 0);
}

static enum ha_code run(struct fixture *fixture, const char *text, mode_t mode, int timeout_ms, struct ha_err *err)
{
    char one[] = "one", two[] = "two words", variable[] = "A=b c", path[] = "PATH=/usr/bin:/bin";
    char *argv[] = {fixture->program, one, two, NULL};
    char *environment[] = {variable, path, NULL};
    *err = (struct ha_err){0};
    if (text)
        write_program(fixture, text, mode);
    return ha_hook_run(NULL, argv, environment, timeout_ms, fixture->cancel[0], err);
}

static void hook_run_tells_how_it_ended(void **state)
{
    struct fixture *fixture = *state;
    struct ha_err err;
    assert_int_equal(run(fixture, "[ \"$1/$2/$#/$A\" = 'one/two words/2/b c' ]", 0755, 20000, &err), HA_OK);
    assert_int_equal(run(fixture, "exit 3", 0755, 20000, &err), HA_E_IO);
    assert_string_equal(err.detail, "it ended with status 3");
    assert_int_equal(run(fixture, "kill -9 $$", 0755, 20000, &err), HA_E_IO);
    assert_non_null(strstr(err.detail, "ended by signal 9"));
    assert_int_equal(run(fixture, "exit 0", 0644, 20000, &err), HA_E_IO);
    assert_string_equal(err.detail, "it ended with status 126");
}

static void hook_run_gives_nothing_away(void **state)
{
    struct fixture *fixture = *state;
    struct ha_err err;
    // Standard descriptors alone, no blocked or ignored signals, a session of its own.
    enum ha_code code = run(fixture,
                            "ls -l /proc/$$/fd | grep -e '->' | grep -v '/dev/null$' | grep -v -F '->"
                            " /tmp/hsm-agent-hook.' && exit 4\n"
                            // Read by the shell itself: it blocks signals for a moment when it starts a program. What
                            // posix_spawn started, as make does, ignores glibc's own two, 32 and 33, for good.
                            "while read -r name bits; do case $name:$bits in\n"
                            "SigIgn:*0000000180000000) ;;\n"
                            "SigBlk:*[1-9a-f]*) exit 5;; SigIgn:*[1-9a-f]*) exit 6;; esac; done </proc/self/status\n"
                            "[ \"$(cut -d ' ' -f 6 /proc/$$/stat)\" = $$ ] || exit 7\n"
                            "[ \"$(id -u)\" != 0 ] || exit 8",
                            0755, 20000, &err);
    assert_string_equal(err.detail, "");
    assert_int_equal(code, HA_OK);
}

static void hook_run_ends_in_time(void **state)
{
    struct fixture *fixture = *state;
    struct ha_err err;
    int64_t began_ms = ha_now_ms();
    assert_int_equal(run(fixture, "sleep 1000 & wait", 0755, 1000, &err), HA_E_DEADLINE);
    assert_in_range(ha_now_ms() - began_ms, 1000, 15000);
    assert_int_equal(write(fixture->cancel[1], "x", 1), 1);
    assert_int_equal(run(fixture, "trap '' TERM; sleep 1000", 0755, 60000, &err), HA_E_STOPPING);
    assert_in_range(ha_now_ms() - began_ms, 1000, 30000);
}

static void hook_run_refuses_what_others_could_change(void **state)
{
    struct fixture *fixture = *state;
    struct ha_err err;
    static const mode_t modes[] = {0775, 0757, 0777};
    for (size_t i = 0; i < HA_ARRAY_SIZE(modes); i++)
        assert_int_equal(run(fixture, "exit 0", modes[i], 20000, &err), HA_E_CONFIG);
    assert_non_null(strstr(err.hint, "chmod 755"));
    unlink(fixture->program);
    assert_int_equal(run(fixture, NULL, 0, 20000, &err), HA_E_IO);
    assert_int_equal(mkdir(fixture->program, 0755), 0);
    assert_int_equal(run(fixture, NULL, 0, 20000, &err), HA_E_CONFIG);
    assert_int_equal(rmdir(fixture->program), 0);
    if (geteuid() == 0) {
        write_program(fixture, "exit 0", 0755);
        assert_int_equal(chown(fixture->program, 1234, 0), 0);
        assert_int_equal(run(fixture, NULL, 0, 20000, &err), HA_E_CONFIG);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(hook_run_tells_how_it_ended),
        TEST(hook_run_gives_nothing_away),
        TEST(hook_run_ends_in_time),
        TEST(hook_run_refuses_what_others_could_change),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
