// SPDX-License-Identifier: Apache-2.0
#include "cli/token_tool.h"

#include "base/program.h"
#include "cli/dev_child.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

enum { ANSWER_MAX = 1 << 20, DEPTH_MAX = 8, SIGNALLED = 128 };

void ha_token_tool_args_clear(struct ha_token_tool_args *args)
{
    for (size_t i = 0; i < args->n; i++)
        free(args->items[i]);
}

static void add(struct ha_token_tool_args *args, char *item)
{
    if (!item || args->n == HA_TOKEN_TOOL_ARGS_MAX) {
        free(item);
        args->failed = true;
        return;
    }
    args->items[args->n++] = item;
}

void ha_token_tool_arg(struct ha_token_tool_args *args, const char *name, const char *value)
{
    char *item = NULL;
    if (value)
        add(args, asprintf(&item, "--%s=%s", name, value) < 0 ? NULL : item);
}

void ha_token_tool_flag(struct ha_token_tool_args *args, const char *name, bool given)
{
    char *item = NULL;
    if (given)
        add(args, asprintf(&item, "--%s", name) < 0 ? NULL : item);
}

static enum ha_code add_file(struct ha_token_tool_args *args, const char *name, const char *path, struct ha_err *err)
{
    char here[PATH_MAX] = "";
    char *item = NULL;
    if (path[0] != '/' && !getcwd(here, sizeof here))
        return ha_fail_errno(err, errno, "can't tell the working directory");
    add(args, asprintf(&item, "--%s=file:%s%s%s", name, here, *here ? "/" : "", path) < 0 ? NULL : item);
    return HA_OK;
}

enum ha_code ha_token_tool_pin(struct ha_token_tool_args *args, const char *name, const char *source,
                               struct ha_err *err)
{
    static const char file[] = "file:", credential[] = "credential:";
    if (!source || strcmp(source, "prompt") == 0) {
        ha_token_tool_arg(args, name, "prompt");
        return HA_OK;
    }
    if (strncmp(source, file, sizeof file - 1) == 0 && source[sizeof file - 1])
        return add_file(args, name, source + sizeof file - 1, err);
    if (strncmp(source, credential, sizeof credential - 1) != 0 || !source[sizeof credential - 1] ||
        strchr(source, '/')) {
        ha_fail(err, HA_E_USAGE, "--%s takes a source, not a PIN: prompt, file:PATH or credential:NAME", name);
        return ha_hint(err, "If that was the PIN: others may have seen it, and your shell may remember it.");
    }
    const char *directory = getenv("CREDENTIALS_DIRECTORY");
    if (!directory || directory[0] != '/') {
        ha_fail(err, HA_E_USAGE, "--%s names a credential, but CREDENTIALS_DIRECTORY isn't set", name);
        return ha_hint(err, "Run it with systemd-run -p LoadCredential=NAME:PATH, or use file:PATH.");
    }
    char *item = NULL;
    int n = asprintf(&item, "--%s=file:%s/%s", name, directory, source + sizeof credential - 1);
    add(args, n < 0 ? NULL : item);
    return HA_OK;
}

// --- The process

struct run {
    struct ha_dev_signals signals;
    struct ha_dev_child child;
    int answer;    // its stdout
    int lifeline;  // the other end of its stdin; a prompt ends when it is closed
    bool signalled;
};

static void run_clear(struct run *run)
{
    ha_dev_child_clear(&run->child);
    ha_dev_signals_restore(&run->signals);
    if (run->answer >= 0)
        close(run->answer);
    if (run->lifeline >= 0)
        close(run->lifeline);
}
HA_AUTO_DEFINE_CLEAR(struct run, run_clear)

static enum ha_code start(struct run *run, const char *program, const struct ha_token_tool_args *args,
                          struct ha_err *err)
{
    const char *argv[HA_TOKEN_TOOL_ARGS_MAX + 2] = {program};
    int in[2], out[2];
    if (pipe2(in, O_CLOEXEC) != 0)
        return ha_fail_errno(err, errno, "can't make a pipe");
    run->lifeline = in[1];
    ha_auto(ha_close) int far_in = in[0];
    if (pipe2(out, O_CLOEXEC) != 0)
        return ha_fail_errno(err, errno, "can't make a pipe");
    run->answer = out[0];
    ha_auto(ha_close) int far_out = out[1];
    for (size_t i = 0; i < args->n; i++)
        argv[i + 1] = args->items[i];
    const struct ha_dev_start start = {.argv = argv, .in = far_in, .out = far_out, .err = -1};
    return ha_dev_child_start(&start, &run->signals, &run->child, err);
}

// What is under way in the token is let come to its end; the second signal is the last word.
static void pass_signal(struct run *run)
{
    bool from_terminal = false;
    if (ha_dev_signals_next(&run->signals, &from_terminal) == 0)
        return;
    if (run->signalled)
        ha_dev_child_signal(&run->child, SIGKILL);
    run->signalled = true;
    if (run->lifeline >= 0)
        close(run->lifeline);
    run->lifeline = -1;
}

static enum ha_code read_answer(struct run *run, struct ha_buf *answer, struct ha_err *err)
{
    struct pollfd ready[] = {{.fd = run->answer, .events = POLLIN}, {.fd = run->signals.fd, .events = POLLIN}};
    for (;;) {
        if (poll(ready, HA_ARRAY_SIZE(ready), -1) < 0)
            continue;
        if (ready[1].revents)
            pass_signal(run);
        if (!ready[0].revents)
            continue;
        uint8_t *room = ha_buf_reserve(answer, PIPE_BUF);
        ssize_t n = room ? read(run->answer, room, PIPE_BUF) : 0;
        if (n <= 0)
            break;
        ha_buf_advance(answer, (size_t)n);
        if (answer->len > ANSWER_MAX)
            return ha_fail(err, HA_E_TOKEN_ERROR, "hsm-agent-token says too much");
    }
    ha_dev_child_reap(&run->child);
    return ha_buf_ok(answer) ? HA_OK : ha_fail(err, HA_E_MEMORY, "out of memory for the answer of hsm-agent-token");
}

// --- The answer

static enum ha_code no_answer(const struct ha_cli *cli, const struct run *run, struct ha_err *err)
{
    int status = run->child.status;
    if (status == SIGNALLED + SIGALRM) {
        ha_fail(err, HA_E_DEADLINE, "the module didn't come to an end within %d s", cli->timeout_ms / 1000);
        return ha_hint(err, "Look with `hsm-agent token list` what became of it; --timeout gives it more time.");
    }
    if (status > SIGNALLED)
        return ha_fail(err, HA_E_TOKEN_ERROR, "the process with the module was ended by signal %d (%s)",
                       status - SIGNALLED, strsignal(status - SIGNALLED));
    return ha_fail(err, HA_E_TOKEN_ERROR, "hsm-agent-token ended with status %d and no answer", status);
}

static enum ha_code read_error(struct ha_cli *cli, const ha_json *error, const struct ha_buf *text, struct ha_err *err)
{
    const char *name = ha_json_get_string(error, "code");
    const char *detail = ha_json_get_string(error, "detail");
    const char *hint = ha_json_get_string(error, "hint");
    ha_fail(err, ha_code_by_name(name ? name : ""), "%s", detail ? detail : "no cause is told");
    if (hint)
        ha_hint(err, "%s", hint);
    ha_buf_reset(&cli->problem);
    ha_buf_append(&cli->problem, text->data, strcspn(ha_buf_text(text), "\n"));
    return err->code;
}

enum ha_code ha_token_tool_run(struct ha_cli *cli, const char *tool, struct ha_token_tool_args *args,
                               struct ha_doc *ret_doc, struct ha_err *err)
{
    ha_auto(run_clear) struct run run = {.signals = {.fd = -1}, .child = {.pidfd = -1}, .answer = -1, .lifeline = -1};
    ha_auto(ha_cli_doc_clear) struct ha_doc doc = {0};
    ha_auto(ha_free) char *program = NULL;
    char seconds[16];
    const char *module = ha_opt_value(cli->opts, HA_OPT_MODULE);
    if (module[0] != '/') {
        ha_fail(err, HA_E_USAGE, "--module %s isn't an absolute path", module);
        return ha_hint(err, "Name the file from / on, as the configuration does: no directories are searched for it.");
    }
    if (ha_program_find("hsm-agent-token", HA_LIBEXECDIR, &program, err))
        return err->code;
    snprintf(seconds, sizeof seconds, "%d", cli->timeout_ms / 1000);
    ha_token_tool_arg(args, HA_TOKEN_OPT_TOOL, tool);
    ha_token_tool_arg(args, HA_TOKEN_OPT_TIMEOUT, seconds);
    ha_token_tool_arg(args, HA_TOKEN_OPT_MODULE, module);
    ha_token_tool_arg(args, HA_TOKEN_OPT_MODULE_ARGS, ha_opt_value(cli->opts, HA_OPT_MODULE_ARGS));
    if (args->failed)
        return ha_fail(err, HA_E_MEMORY, "out of memory for a command line");
    if (ha_dev_signals_take(&run.signals, err) || start(&run, program, args, err) || read_answer(&run, &doc.text, err))
        return err->code;
    struct ha_err reason = {0};
    if (ha_json_parse(ha_buf_text(&doc.text), doc.text.len, DEPTH_MAX, &doc.json, &reason) != HA_OK ||
        ha_json_type(doc.json) != HA_JSON_OBJECT)
        return no_answer(cli, &run, err);
    const ha_json *error = ha_json_get(doc.json, "error");
    if (error)
        return read_error(cli, error, &doc.text, err);
    *ret_doc = doc;
    doc = (struct ha_doc){0};
    return HA_OK;
}
