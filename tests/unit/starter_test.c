// SPDX-License-Identifier: Apache-2.0
// The process that starts programs: what the configuration's file says, and nothing else.
#include "agentd/hook.h"
#include "agentd/starter.h"

#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

struct fixture {
    char directory[40], program[60], hook[60], path[60];
    struct ha_log log;
    struct ha_config *config;
    struct ha_starter *starter;
};

static void write_file(const char *path, const char *text, mode_t mode)
{
    unlink(path);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
    assert_int_equal(chmod(path, mode), 0);
}

// The configuration with one more line in its token's section.
static void write_config(const struct fixture *f, const char *line, const char *hook)
{
    char text[800];
    snprintf(text, sizeof text,
             "[agent]\nstate-dir = %s\nprofiles = %s/none\nexpiry-hook = %s\n[listen a]\nsocket = "
             "%s/agent.sock\n[token main]\n"
             "uri = pkcs11:token=x\nmodule = /m.so\npin = prompt\nenvironment = A=B\n%s\n[client c]\nuser = 0\nallow = "
             "*:*\n",
             f->directory, f->directory, hook, f->directory, line);
    write_file(f->path, text, 0600);
}

static struct ha_config *load(const struct fixture *f)
{
    struct ha_config *config;
    struct ha_mistakes mistakes = {0};
    struct ha_err err = {0};
    assert_int_equal(ha_config_load(f->path, &config, &mistakes, &err), HA_OK);
    return config;
}

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    struct ha_err err = {0};
    strcpy(f->directory, "/tmp/starter_test.XXXXXX");
    assert_non_null(mkdtemp(f->directory));
    assert_int_equal(chmod(f->directory, 0711), 0);  // hooks are nobody
    snprintf(f->program, sizeof f->program, "%s/program", f->directory);
    snprintf(f->hook, sizeof f->hook, "%s/hook", f->directory);
    snprintf(f->path, sizeof f->path, "%s/agent.conf", f->directory);
    // It tells what it was given over descriptor 3, and which descriptors it has.
    write_file(f->program,
               "#!/bin/sh\nprintf 'A is %s;' \"$A\" >&3\nfor n in 4 5 6 7 8 9 11 12 16 17 18 19; do\n"
               "[ ! -e /proc/self/fd/$n ] || printf '%s is open;' $n >&3\ndone\nexit 7\n",
               0755);
    write_file(f->hook, "#!/bin/sh\nexit 5\n", 0755);
    write_config(f, "", f->hook);
    f->log = (struct ha_log){.fd = 2, .least = HA_LOG_ERROR};
    f->config = load(f);
    assert_int_equal(ha_starter_new(f->program, f->config, &f->log, &f->starter, &err), HA_OK);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    char command[60];
    snprintf(command, sizeof command, "rm -rf %s", f->directory);
    ha_starter_free(f->starter);
    ha_config_free(f->config);
    free(f);
    return system(command);
}

// Has the token of a configuration started, with `program`. The text is what it sent.
static enum ha_code start(const struct fixture *f, const char *program, const struct ha_config *config, char text[200],
                          int *ret_status, struct ha_err *err)
{
    ha_auto(ha_command_clear) struct ha_command command = {0};
    ha_auto(ha_free) char *guard = NULL;
    int pair[2];
    pid_t pid = -1;
    assert_int_equal(ha_command_pin_guard(f->directory, "main", &guard, err), HA_OK);
    assert_int_equal(ha_command_of_token(program, &config->tokens[0], guard, false, &command, err), HA_OK);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    const struct ha_spawner *spawner = ha_starter_spawner(f->starter);
    enum ha_code code = spawner->spawn(spawner->context, &command, pair[1], &pid, err);
    close(pair[1]);
    ssize_t n = code ? 0 : recv(pair[0], text, 199, MSG_WAITALL);
    text[n < 0 ? 0 : n] = '\0';
    close(pair[0]);
    if (code == HA_OK)
        assert_int_equal(waitpid(pid, ret_status, 0), pid);
    return code;
}

static void starter_starts_a_token_of_the_configuration(void **state)
{
    const struct fixture *f = *state;
    struct ha_err err = {0};
    char text[200];
    int status = 0;
    assert_int_equal(start(f, f->program, f->config, text, &status, &err), HA_OK);
    assert_int_equal(WEXITSTATUS(status), 7);  // our child: we could wait for it
    assert_string_equal(text, "A is B;");
}

static void starter_refuses_another_program(void **state)
{
    const struct fixture *f = *state;
    struct ha_err err = {0};
    char text[200];
    int status;
    assert_int_equal(start(f, "/bin/sh", f->config, text, &status, &err), HA_E_CONFIG);
}

static void starter_refuses_a_token_that_the_file_does_not_have(void **state)
{
    const struct fixture *f = *state;
    struct ha_err err = {0};
    char text[200];
    int status;
    write_config(f, "module-args = evil", f->hook);
    struct ha_config *evil = load(f);
    write_config(f, "", f->hook);
    assert_int_equal(start(f, f->program, evil, text, &status, &err), HA_E_CONFIG);
    ha_config_free(evil);
}

static void starter_learns_what_the_file_has_meanwhile(void **state)
{
    const struct fixture *f = *state;
    struct ha_err err = {0};
    char text[200];
    int status;
    write_config(f, "module-args = other", f->hook);
    struct ha_config *other = load(f);
    assert_int_equal(start(f, f->program, other, text, &status, &err), HA_OK);
    write_config(f, "this is a mistake", f->hook);
    assert_int_equal(start(f, f->program, other, text, &status, &err), HA_OK);
    assert_int_equal(start(f, f->program, f->config, text, &status, &err), HA_OK);
    ha_config_free(other);
}

static void starter_tells_why_a_program_does_not_start(void **state)
{
    const struct fixture *f = *state;
    struct ha_err err = {0};
    char text[200];
    int status;
    unlink(f->program);
    assert_int_equal(start(f, f->program, f->config, text, &status, &err), HA_E_IO);
    assert_non_null(strstr(err.detail, "No such file"));
    assert_int_equal(waitpid(-1, &status, WNOHANG), 0);  // no zombie but the starter, which runs
}

static enum ha_code run_hook(const struct fixture *f, const char *program, const char *variable, struct ha_err *err)
{
    char *argv[] = {(char *)program, (char *)"key", NULL};
    char *environment[] = {(char *)HA_HOOK_PATH, (char *)variable, NULL};
    pid_t pid;
    int status;
    enum ha_code code = ha_starter_hook(f->starter, argv, environment, &pid, err);
    if (code == HA_OK) {
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_int_equal(WEXITSTATUS(status), strcmp(program, f->hook) == 0 ? 5 : 7);
    }
    return code;
}

static void starter_starts_the_hook_of_the_configuration_alone(void **state)
{
    struct fixture *f = *state;
    struct ha_err err = {0};
    assert_int_equal(run_hook(f, f->hook, "HSM_AGENT_KEY=k", &err), HA_OK);
    assert_int_equal(run_hook(f, f->program, "HSM_AGENT_KEY=k", &err), HA_E_CONFIG);
    assert_int_equal(run_hook(f, f->hook, "LD_PRELOAD=/tmp/evil.so", &err), HA_E_CONFIG);
    assert_int_equal(run_hook(f, f->hook, "PATH=/tmp", &err), HA_E_CONFIG);
    write_config(f, "", f->program);
    assert_int_equal(run_hook(f, f->program, "HSM_AGENT_KEY=k", &err), HA_OK);
}

struct asker {
    const struct fixture *fixture;
    int number;
    bool well;
};

static void *start_often(void *context)
{
    struct asker *asker = context;
    char variable[40];
    snprintf(variable, sizeof variable, "HSM_AGENT_KEY=%d", asker->number);
    char *argv[] = {(char *)asker->fixture->hook, NULL};
    char *environment[] = {(char *)HA_HOOK_PATH, variable, NULL};
    for (int i = 0; i < 10 && asker->well; i++) {
        struct ha_err err = {0};
        pid_t pid;
        int status;
        asker->well = ha_starter_hook(asker->fixture->starter, argv, environment, &pid, &err) == HA_OK &&
                      waitpid(pid, &status, 0) == pid && WEXITSTATUS(status) == asker->number;
    }
    return NULL;
}

static void starter_gives_each_thread_its_own_program(void **state)
{
    const struct fixture *f = *state;
    struct asker askers[4];
    pthread_t threads[4];
    write_file(f->hook, "#!/bin/sh\nexit $HSM_AGENT_KEY\n", 0755);
    for (int i = 0; i < 4; i++) {
        askers[i] = (struct asker){.fixture = f, .number = 20 + i, .well = true};
        assert_int_equal(pthread_create(&threads[i], NULL, start_often, &askers[i]), 0);
    }
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    for (int i = 0; i < 4; i++)
        assert_true(askers[i].well);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(starter_starts_a_token_of_the_configuration, setup, teardown),
        cmocka_unit_test_setup_teardown(starter_refuses_another_program, setup, teardown),
        cmocka_unit_test_setup_teardown(starter_refuses_a_token_that_the_file_does_not_have, setup, teardown),
        cmocka_unit_test_setup_teardown(starter_learns_what_the_file_has_meanwhile, setup, teardown),
        cmocka_unit_test_setup_teardown(starter_tells_why_a_program_does_not_start, setup, teardown),
        cmocka_unit_test_setup_teardown(starter_starts_the_hook_of_the_configuration_alone, setup, teardown),
        cmocka_unit_test_setup_teardown(starter_gives_each_thread_its_own_program, setup, teardown),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
