// SPDX-License-Identifier: Apache-2.0
// Finding the programs and the module; the configuration from a template.
#include "cli/dev_setup.h"

#include "base/file.h"
#include "base/program.h"
#include "cli/dev_token.h"

#include <errno.h>
#include <string.h>

static enum ha_code no_memory(struct ha_err *err)
{
    return ha_fail(err, HA_E_MEMORY, "out of memory for the set-up");
}

void ha_dev_setup_clear(struct ha_dev_programs *programs)
{
    free(programs->daemon);
    free(programs->token);
    free(programs->module);
    *programs = (struct ha_dev_programs){0};
}

static enum ha_code find_program(const char *name, const char *directory, char **ret_path, struct ha_err *err)
{
    ha_auto(ha_free) char *path = NULL;
    enum ha_code code = ha_program_find(name, directory, &path, err);
    if (code != HA_OK)
        return code;
    if (access(path, X_OK) != 0) {
        ha_fail_errno(err, errno, "%s is neither beside hsm-agent nor at %s", name, path);
        return ha_hint(err, "Install hsm-agent whole (make install).");
    }
    *ret_path = ha_take(&path);
    return HA_OK;
}

static enum ha_code find_module(char **ret_path, struct ha_err *err)
{
    const char *const places[] = {
        getenv("HSM_AGENT_SOFTHSM2_MODULE"),
        "/usr/lib/softhsm/libsofthsm2.so",
        "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so",
        "/usr/lib/aarch64-linux-gnu/softhsm/libsofthsm2.so",
        "/usr/lib64/pkcs11/libsofthsm2.so",
        "/usr/lib64/softhsm/libsofthsm2.so",
        "/usr/lib/pkcs11/libsofthsm2.so",
        "/usr/local/lib/softhsm/libsofthsm2.so",
    };
    for (size_t i = 0; i < HA_ARRAY_SIZE(places); i++) {
        bool is_named = i == 0 && places[i];
        if (places[i] && access(places[i], R_OK) == 0) {
            *ret_path = strdup(places[i]);
            return *ret_path ? HA_OK : no_memory(err);
        }
        if (is_named) {
            ha_fail_errno(err, errno, "can't read %s, which HSM_AGENT_SOFTHSM2_MODULE names", places[i]);
            return ha_hint(err, "Correct or unset HSM_AGENT_SOFTHSM2_MODULE.");
        }
    }
    ha_fail(err, HA_E_IO, "SoftHSM2's module libsofthsm2.so isn't in any of the usual places");
    return ha_hint(
        err, "Install it (Debian, Ubuntu: apt-get install softhsm2; Fedora: dnf install softhsm), or name it with "
             "HSM_AGENT_SOFTHSM2_MODULE.");
}

enum ha_code ha_dev_setup_find(struct ha_dev_programs *ret_programs, struct ha_err *err)
{
    ha_auto(ha_dev_setup_clear) struct ha_dev_programs programs = {0};
    if (find_program("hsm-agentd", HA_SBINDIR, &programs.daemon, err) != HA_OK ||
        find_program("hsm-agent-token", HA_LIBEXECDIR, &programs.token, err) != HA_OK ||
        find_module(&programs.module, err) != HA_OK)
        return err->code;
    *ret_programs = programs;
    programs = (struct ha_dev_programs){0};
    return HA_OK;
}

static enum ha_code write_conf(const struct ha_dev_dir *dir, const struct ha_dev_programs *programs, const char *serial,
                               struct ha_err *err)
{
    ha_auto(ha_free) char *path = ha_dev_dir_file(dir, "hsm-agent.conf");
    ha_auto(ha_free) char *state = ha_dev_dir_file(dir, "state");
    ha_auto(ha_buf_clear) struct ha_buf text = {0};
    if (!path || !state)
        return no_memory(err);
    ha_buf_printf(&text,
                  "# Written by 'hsm-agent dev' at each start.\n"
                  "[agent]\n"
                  "state-dir = %s\n"
                  "profiles = %s/profiles\n"
                  "\n"
                  "[listen agent]\n"
                  "socket = %s/agent.sock\n"
                  "mode = 0600\n"
                  "admin = yes\n"
                  "\n"
                  "[token dev]\n"
                  "uri = pkcs11:token=dev;serial=%s\n"
                  "module = %s\n"
                  "environment = SOFTHSM2_CONF=%s/softhsm2.conf\n"
                  "pin = file:%s/pin\n"
                  "software-oaep = yes\n"
                  "sandbox = strict\n"
                  "write = %s\n"
                  "\n"
                  "[client dev]\n"
                  "user = %u\n"
                  "allow = *:*\n",
                  state, dir->path, dir->path, serial, programs->module, dir->path, dir->path, dir->path,
                  (unsigned)geteuid());
    if (!ha_buf_ok(&text))
        return no_memory(err);
    enum ha_code code = ha_dir_make(state, 0700, err);
    return code == HA_OK ? ha_file_write(path, text.data, text.len, 0600, err) : code;
}

enum ha_code ha_dev_setup(const struct ha_dev_dir *dir, const struct ha_dev_programs *programs,
                          const struct ha_dev_signals *signals, int log, struct ha_err *err)
{
    ha_auto(ha_buf_clear) struct ha_buf serial = {0};
    enum ha_code code = ha_dev_token_ensure(dir, programs->token, programs->module, signals, log, &serial, err);
    return code == HA_OK ? write_conf(dir, programs, ha_buf_text(&serial), err) : code;
}
