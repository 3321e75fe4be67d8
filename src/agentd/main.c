// SPDX-License-Identifier: Apache-2.0
// hsm-agentd: reads its options and configuration, hardens itself, runs.
#include "agentd/confine.h"
#include "agentd/daemon.h"
#include "agentd/options.h"
#include "base/sanitizer.h"
#include "config/config.h"
#include "crypto/memory.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>

enum { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_WRONG_USAGE = 2 };

// After a change of the user, which makes a process dumpable or not by another rule.
static enum ha_code harden(struct ha_err *err)
{
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
    umask(077);
    if (setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0}) != 0)
        return ha_fail_errno(err, errno, "can't forbid core dumps");
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return ha_fail_errno(err, errno, "can't give up new privileges");
    // The leak checker traces the process.
    if (!HA_SANITIZER_ADDRESS && prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
        return ha_fail_errno(err, errno, "can't become not dumpable");
    return HA_OK;
}

static int print(struct ha_buf *text)
{
    bool ok = ha_buf_ok(text) && fwrite(text->data, 1, text->len, stdout) == text->len && fflush(stdout) == 0;
    ha_buf_clear(text);
    return ok ? EXIT_DONE : EXIT_FAILED;
}

static void tell(const struct ha_err *err)
{
    fprintf(stderr, "hsm-agentd: %s\n", err->detail);
    if (err->hint[0])
        fprintf(stderr, "  remedy: %s\n", err->hint);
}

static void tell_mistakes(const char *path, const struct ha_mistakes *mistakes)
{
    for (size_t i = 0; i < mistakes->n; i++) {
        const struct ha_mistake *mistake = &mistakes->items[i];
        const char *file = mistake->file ? mistake->file : path;
        if (mistake->line)
            fprintf(stderr, "%s:%u: %s\n", file, mistake->line, mistake->cause);
        else
            fprintf(stderr, "%s: %s\n", file, mistake->cause);
        if (mistake->remedy[0])
            fprintf(stderr, "  remedy: %s\n", mistake->remedy);
    }
}

static int with_config(const struct ha_agentd_options *options)
{
    ha_auto(ha_config_free) struct ha_config *config = NULL;
    ha_auto(ha_mistakes_clear) struct ha_mistakes mistakes = {0};
    struct ha_err err = {0};
    if (ha_config_load(options->config, &config, &mistakes, &err)) {
        tell_mistakes(options->config, &mistakes);
        tell(&err);
        return EXIT_FAILED;
    }
    if (options->mode == HA_AGENTD_CHECK) {
        printf("%s: no mistakes\n", options->config);
        return EXIT_DONE;
    }
    if (options->mode == HA_AGENTD_DUMP) {
        struct ha_buf text = {0};
        ha_config_dump(config, &text);
        return print(&text);
    }
    const struct ha_log log = {
        .fd = 2, .json = options->log_json, .least = options->debug ? HA_LOG_DEBUG : HA_LOG_INFO};
    ha_daemon_block_signals();
    if (ha_confine_user(&config->agent, &err) || harden(&err) || ha_daemon_run(config, &log, &err)) {
        ha_log_err(&log, HA_LOG_ERROR, "start-failed", &err);
        return EXIT_FAILED;
    }
    ha_log(&log, HA_LOG_INFO, "stopped");
    return EXIT_DONE;
}

int main(int argc, char **argv)
{
    ha_memory_wipe_freed();
    // The system's openssl.cnf may load providers, one day even one that asks this very daemon.
    OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, NULL);
    struct ha_agentd_options options;
    struct ha_err err = {0};
    if (ha_agentd_options(argc, argv, &options, &err)) {
        tell(&err);
        return EXIT_WRONG_USAGE;
    }
    struct ha_buf text = {0};
    switch (options.mode) {
    case HA_AGENTD_HELP:
        ha_agentd_help(&text);
        return print(&text);
    case HA_AGENTD_MANUAL:
        ha_config_manual(&text);
        return print(&text);
    case HA_AGENTD_MANUAL_PROFILES:
        ha_profiles_manual(&text);
        return print(&text);
    case HA_AGENTD_VERSION:
        puts("hsm-agentd " HA_VERSION);
        return EXIT_DONE;
    case HA_AGENTD_RUN:
    case HA_AGENTD_CHECK:
    case HA_AGENTD_DUMP:
        break;
    }
    return with_config(&options);
}
