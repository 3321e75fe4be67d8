// SPDX-License-Identifier: Apache-2.0
// dev: an agent of one's own, in the foreground or around a command.
#include "base/clock.h"
#include "cli/command.h"
#include "cli/dev_daemon.h"
#include "cli/dev_setup.h"
#include "cli/out.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

enum { SOCKET, CONFIG, ENROL_DIR, VARIABLES };

struct dev {
    struct ha_dev_dir *dir;
    struct ha_dev_programs programs;
    struct ha_dev_signals signals;
    struct ha_dev_child daemon;
    char *variables[VARIABLES + 1];  // "HSM_AGENT_SOCKET=...", and where this agent's other things are; then NULL
    int log;
    off_t log_start;  // what this run writes begins there
};

static void dev_clear(struct dev *dev)
{
    ha_dev_daemon_stop(&dev->daemon);
    ha_dev_signals_restore(&dev->signals);
    ha_dev_setup_clear(&dev->programs);
    ha_dev_dir_free(dev->dir);
    for (size_t i = 0; i < VARIABLES; i++)
        free(dev->variables[i]);
    if (dev->log > STDERR_FILENO)
        close(dev->log);
}
HA_AUTO_DEFINE_CLEAR(struct dev, dev_clear)

// In the foreground the log goes to stderr. Around a command, which owns stderr, to a file.
static enum ha_code open_log(struct dev *dev, bool foreground, struct ha_err *err)
{
    ha_auto(ha_free) char *path = ha_dev_dir_file(dev->dir, "agent.log");
    if (foreground) {
        dev->log = STDERR_FILENO;
        return HA_OK;
    }
    if (!path)
        return ha_fail(err, HA_E_MEMORY, "out of memory for a path");
    dev->log = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (dev->log < 0)
        return ha_fail_errno(err, errno, "can't open %s", path);
    dev->log_start = lseek(dev->log, 0, SEEK_END);
    return HA_OK;
}

// What the daemon said in this run, its last part if that is much; and where to find it, if it will be there.
static void show_log(const struct dev *dev)
{
    enum { SHOWN_MAX = 8 * 1024 };
    char text[SHOWN_MAX];
    if (dev->log <= STDERR_FILENO)
        return;
    off_t end = lseek(dev->log, 0, SEEK_END);
    off_t from = end - dev->log_start > SHOWN_MAX ? end - SHOWN_MAX : dev->log_start;
    ssize_t n = pread(dev->log, text, sizeof text, from);
    if (n > 0)
        ha_out_stderr(text, (size_t)n);
    if (!dev->dir->temporary)
        ha_out_note("the log is %s/agent.log", dev->dir->path);
}

// A daemon without its token is a daemon that serves, but nothing to develop with.
static enum ha_code check_ready(const struct dev *dev, const struct ha_cli *cli, struct ha_err *err)
{
    ha_auto(ha_client_free) struct ha_client *client = NULL;
    ha_auto(ha_buf_clear) struct ha_buf body = {0};
    const struct ha_call call = {.method = "GET", .path = "/v1/health/ready"};
    unsigned status = 0;
    enum ha_code code = ha_client_new(strchr(dev->variables[SOCKET], '=') + 1, cli->timeout_ms, &client, err);
    if (code == HA_OK)
        code = ha_client_call(client, &call, &status, &body, err);
    if (status != 503)
        return code;
    ha_fail(err, HA_E_TOKEN_DOWN, "hsm-agentd runs, but its token isn't ready");
    return ha_hint(err, "Its log says why.");
}

static enum ha_code make_variables(struct dev *dev, struct ha_err *err)
{
    static const char *const names[VARIABLES][2] = {
        [SOCKET] = {"HSM_AGENT_SOCKET", "agent.sock"},
        [CONFIG] = {"HSM_AGENT_CONFIG", "hsm-agent.conf"},
        [ENROL_DIR] = {"HSM_AGENT_ENROL_DIR", "enrol"},
    };
    for (size_t i = 0; i < VARIABLES; i++) {
        ha_auto(ha_buf_clear) struct ha_buf variable = {0};
        ha_buf_printf(&variable, "%s=%s/%s", names[i][0], dev->dir->path, names[i][1]);
        dev->variables[i] = ha_buf_steal(&variable, NULL);
        if (!dev->variables[i])
            return ha_fail(err, HA_E_MEMORY, "out of memory for a variable");
    }
    return HA_OK;
}

static enum ha_code start(struct dev *dev, const struct ha_cli *cli, struct ha_err *err)
{
    int64_t deadline_ms = ha_now_ms() + cli->timeout_ms;
    if (ha_dev_signals_take(&dev->signals, err) != HA_OK || ha_dev_setup_find(&dev->programs, err) != HA_OK ||
        ha_dev_dir_open(ha_opt_value(cli->opts, HA_OPT_DIR), &dev->dir, err) != HA_OK ||
        make_variables(dev, err) != HA_OK || open_log(dev, !cli->opts->rest, err) != HA_OK)
        return err->code;
    enum ha_code code = ha_dev_setup(dev->dir, &dev->programs, &dev->signals, dev->log, err);
    if (code == HA_OK)
        code = ha_dev_daemon_start(dev->programs.daemon, dev->dir, &dev->signals, dev->log, deadline_ms, &dev->daemon,
                                   err);
    if (code == HA_OK)
        code = check_ready(dev, cli, err);
    if (code != HA_OK)
        show_log(dev);
    return code;
}

static enum ha_code daemon_ended(struct dev *dev, struct ha_err *err)
{
    ha_dev_child_reap(&dev->daemon);
    show_log(dev);
    ha_fail(err, HA_E_AGENT, "hsm-agentd ended by itself with status %d", dev->daemon.status);
    return ha_hint(err, "Its log says why.");
}

// Until a signal asks to end, or the daemon ends.
static enum ha_code stay(struct dev *dev, struct ha_err *err)
{
    ha_auto(ha_buf_clear) struct ha_buf line = {0};
    ha_buf_printf(&line, "%s\n", dev->variables[SOCKET]);
    enum ha_code code = ha_out_text(&line, err);
    if (code != HA_OK)
        return code;
    struct pollfd ready[] = {{.fd = dev->signals.fd, .events = POLLIN}, {.fd = dev->daemon.pidfd, .events = POLLIN}};
    for (;;) {
        bool from_terminal;
        if (poll(ready, HA_ARRAY_SIZE(ready), -1) < 0)
            continue;
        if (ready[1].revents)
            return daemon_ended(dev, err);
        int signal = ha_dev_signals_next(&dev->signals, &from_terminal);
        if (signal == SIGINT || signal == SIGTERM || signal == SIGHUP || signal == SIGQUIT)
            return HA_OK;
    }
}

// Until the command ends. Signals are passed on; those of the terminal the command got itself.
static void attend(struct dev *dev, struct ha_dev_child *command)
{
    struct pollfd ready[] = {{.fd = dev->signals.fd, .events = POLLIN},
                             {.fd = command->pidfd, .events = POLLIN},
                             {.fd = dev->daemon.pidfd, .events = POLLIN}};
    for (;;) {
        bool from_terminal = false;
        if (poll(ready, HA_ARRAY_SIZE(ready), -1) < 0)
            continue;
        int signal = ready[0].revents ? ha_dev_signals_next(&dev->signals, &from_terminal) : 0;
        if (signal && !from_terminal)
            ha_dev_child_signal(command, signal);
        if (ready[2].revents) {
            struct ha_err err = {0};
            daemon_ended(dev, &err);
            ha_out_error(&err);
            ready[2].fd = -1;
        }
        if (ready[1].revents)
            break;
    }
    ha_dev_child_reap(command);
}

static enum ha_code run_command(struct dev *dev, char *const *argv, int *ret_status, struct ha_err *err)
{
    ha_auto(ha_dev_child_clear) struct ha_dev_child command = {.pidfd = -1};
    struct ha_dev_start how = {
        .argv = (const char *const *)argv, .environment = (const char *const *)dev->variables, .out = -1, .err = -1};
    enum ha_code code = ha_dev_child_start(&how, &dev->signals, &command, err);
    if (code != HA_OK)
        return code;
    attend(dev, &command);
    *ret_status = command.status;
    return HA_OK;
}

enum ha_code ha_cmd_dev(struct ha_cli *cli, struct ha_err *err)
{
    ha_auto(dev_clear) struct dev dev = {.signals.fd = -1, .daemon.pidfd = -1, .log = -1};
    enum ha_code code = start(&dev, cli, err);
    if (code != HA_OK)
        return code;
    return cli->opts->rest ? run_command(&dev, cli->opts->rest, &cli->exit_status, err) : stay(&dev, err);
}
