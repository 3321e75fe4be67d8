// SPDX-License-Identifier: Apache-2.0
#include "channel/spawn.h"

#include "base/buf.h"
#include "channel/packet.h"
#include "token/options.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OWN_ARGS_MAX 20  // those of which there is one at most

void ha_command_clear(struct ha_command *command)
{
    for (size_t i = 0; i < command->n; i++)
        free(command->argv[i]);
    free(command->argv);
    free(command->environment);
    *command = (struct ha_command){0};
}

// Appends "--NAME=VALUE", or "--NAME". False: out of memory.
static bool add(struct ha_command *command, const char *name, const char *value)
{
    char *text = NULL;
    if ((value ? asprintf(&text, "--%s=%s", name, value) : asprintf(&text, "--%s", name)) < 0)
        return false;
    command->argv[command->n++] = text;
    return true;
}

// credential:NAME becomes the file that the service manager put there; the daemon itself never opens it.
static enum ha_code pin_source(const char *pin, struct ha_buf *out, struct ha_err *err)
{
    static const char prefix[] = "credential:";
    if (strncmp(pin, prefix, sizeof(prefix) - 1) != 0) {
        ha_buf_puts(out, pin);
        return HA_OK;
    }
    const char *directory = getenv("CREDENTIALS_DIRECTORY");
    if (!directory) {
        ha_fail(err, HA_E_CONFIG, "pin = %s, but there is no CREDENTIALS_DIRECTORY in the daemon's environment", pin);
        return ha_hint(err, "start the daemon with systemd's LoadCredential= or use pin = file:/path");
    }
    ha_buf_printf(out, "file:%s/%s", directory, pin + sizeof(prefix) - 1);
    return HA_OK;
}

static bool add_all(struct ha_command *command, const char *program, const struct ha_token_config *config,
                    const char *pin, const char *pin_guard, bool log_json)
{
    char sessions[16];
    snprintf(sessions, sizeof(sessions), "%u", config->sessions);
    bool ok = (command->argv[0] = strdup(program)) != NULL;
    command->n = ok ? 1 : 0;
    ok = ok && add(command, HA_TOKEN_OPT_NAME, config->name) && add(command, HA_TOKEN_OPT_URI, config->uri) &&
         add(command, HA_TOKEN_OPT_MODULE, config->module) &&
         (!config->module_args || add(command, HA_TOKEN_OPT_MODULE_ARGS, config->module_args)) &&
         add(command, HA_TOKEN_OPT_PIN, pin) && (!pin_guard || add(command, HA_TOKEN_OPT_PIN_GUARD, pin_guard)) &&
         add(command, HA_TOKEN_OPT_SESSIONS, sessions) &&
         (!config->software_oaep || add(command, HA_TOKEN_OPT_SOFTWARE_OAEP, NULL)) &&
         (!config->verify || add(command, HA_TOKEN_OPT_VERIFY, config->verify)) &&
         (!config->sandbox || add(command, HA_TOKEN_OPT_SANDBOX, config->sandbox)) &&
         (!log_json || add(command, HA_TOKEN_OPT_LOG_JSON, NULL));
    for (size_t i = 0; ok && i < config->writes.n; i++)
        ok = add(command, HA_TOKEN_OPT_WRITE, config->writes.items[i]);
    return ok;
}

enum ha_code ha_command_of_token(const char *program, const struct ha_token_config *config, const char *pin_guard,
                                 bool log_json, struct ha_command *ret_command, struct ha_err *err)
{
    ha_auto(ha_buf_clear) struct ha_buf pin = {0};
    if (pin_source(config->pin, &pin, err))
        return err->code;
    ha_auto(ha_command_clear) struct ha_command command = {
        .argv = calloc(OWN_ARGS_MAX + config->writes.n + 1, sizeof(char *)),
        .environment = calloc(config->environment.n + 1, sizeof(char *)),
    };
    if (!command.argv || !command.environment || !ha_buf_ok(&pin) ||
        !add_all(&command, program, config, ha_buf_text(&pin), pin_guard, log_json))
        return ha_fail(err, HA_E_MEMORY, "out of memory");
    for (size_t i = 0; i < config->environment.n; i++)
        command.environment[command.n_environment++] = config->environment.items[i];
    *ret_command = command;
    command = (struct ha_command){0};
    return HA_OK;
}

enum ha_code ha_command_pin_guard(const char *state_dir, const char *token, char **ret_path, struct ha_err *err)
{
    char *path;
    if (asprintf(&path, "%s/pin-guard/%s", state_dir, token) < 0)
        return ha_fail(err, HA_E_MEMORY, "out of memory");
    *ret_path = path;
    return HA_OK;
}

// posix_spawn: the caller has threads. The program gets three standard descriptors, the control channel, and nothing
// else.
enum ha_code ha_command_spawn(const struct ha_command *command, int control, pid_t *ret_pid, struct ha_err *err)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, 2, 1);  // a module that prints, prints into the log
    posix_spawn_file_actions_adddup2(&actions, control, HA_CONTROL_FD);
    posix_spawn_file_actions_addclosefrom_np(&actions, HA_CONTROL_FD + 1);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &all);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    pid_t pid;
    int failure = posix_spawn(&pid, command->argv[0], &actions, &attributes, command->argv, command->environment);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    if (failure) {
        ha_fail_errno(err, failure, "%s can't be started", command->argv[0]);
        return ha_hint(err,
                       "install hsm-agent whole; the program stands beside hsm-agentd or in its libexec directory");
    }
    *ret_pid = pid;
    return HA_OK;
}
