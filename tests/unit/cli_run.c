// SPDX-License-Identifier: Apache-2.0
#include "cli_run.h"

#include "base/file.h"
#include "cli/cli.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <cmocka.h>

enum { ARGS_MAX = 32 };

char *cli_run_path(const struct cli_run *run, const char *name, char path[static 128])
{
    snprintf(path, 128, "%s/%s", run->directory, name);
    return path;
}

void cli_run_write(const struct cli_run *run, const char *name, const char *text)
{
    char path[128];
    struct ha_err err = {0};
    assert_int_equal(ha_file_write(cli_run_path(run, name, path), text, strlen(text), 0600, &err), HA_OK);
}

size_t cli_run_read(const struct cli_run *run, const char *name, char *ret_text, size_t size)
{
    char path[128];
    int fd = open(cli_run_path(run, name, path), O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return SIZE_MAX;
    ssize_t n = read(fd, ret_text, size - 1);
    close(fd);
    assert_true(n >= 0);
    ret_text[n] = '\0';
    return (size_t)n;
}

static void become_cli(const struct cli_run *run, char **argv, int argc)
{
    char path[128];
    int in = open(cli_run_path(run, "stdin", path), O_RDONLY);
    int out = open(cli_run_path(run, "stdout", path), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    int err = open(cli_run_path(run, "stderr", path), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    dup2(in, 0);
    dup2(out, 1);
    dup2(err, 2);
    umask(022);
    if (chdir(run->directory) != 0)
        _exit(99);
    _exit(ha_cli_main(argc, argv));
}

// Runs `hsm-agent LINE` (words at single spaces) in a process of its own, in a directory of its own.
void cli_run(struct cli_run *run, const char *line)
{
    char words[512], *argv[ARGS_MAX + 1];
    int argc = 0, status;
    snprintf(words, sizeof words, "%s", line);
    argv[argc++] = (char *)"hsm-agent";
    for (char *word = strtok(words, " "); word && argc < ARGS_MAX; word = strtok(NULL, " "))
        argv[argc++] = word;
    argv[argc] = NULL;
    cli_run_write(run, "stdin", run->input ? run->input : "");
    pid_t pid = fork();
    if (pid == 0)
        become_cli(run, argv, argc);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    run->status = WEXITSTATUS(status);
    run->out_len = cli_run_read(run, "stdout", run->out, sizeof run->out);
    cli_run_read(run, "stderr", run->err, sizeof run->err);
}

void cli_run_init(struct cli_run *run)
{
    strcpy(run->directory, "/tmp/cli-test.XXXXXX");
    assert_non_null(mkdtemp(run->directory));
}

void cli_run_start(struct cli_run *run, const struct fake_step *steps, size_t n)
{
    memset(run, 0, sizeof *run);
    cli_run_init(run);
    fake_agent_start(&run->agent, steps, n);
    setenv("HSM_AGENT_SOCKET", run->agent.path, 1);
}

void cli_run_finish(struct cli_run *run)
{
    static const char *const names[] = {"stdin", "stdout", "stderr", "sig", "plain", "peer", "link"};
    char path[128];
    if (run->agent.n_steps > 0)
        fake_agent_stop(&run->agent);
    fake_agent_clear(&run->agent);
    for (size_t i = 0; i < HA_ARRAY_SIZE(names); i++)
        unlink(cli_run_path(run, names[i], path));
    assert_int_equal(rmdir(run->directory), 0);
}

const char *cli_run_body(const struct cli_run *run, size_t i)
{
    const char *end = strstr(run->agent.requests[i], "\r\n\r\n");
    return end ? end + 4 : "";
}

bool cli_run_begins(const char *text, const char *start_text)
{
    return strncmp(text, start_text, strlen(start_text)) == 0;
}
