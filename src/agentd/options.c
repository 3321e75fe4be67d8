// SPDX-License-Identifier: Apache-2.0
#include "agentd/options.h"

#include <getopt.h>
#include <string.h>

struct row {
    char letter;  // 0: none
    const char *name;
    const char *argument;  // NULL: takes none
    const char *help;      // NULL: not shown
    enum ha_agentd_mode mode;
};

enum {
    ROW_CONFIG,
    ROW_CHECK,
    ROW_DUMP,
    ROW_FORMAT,
    ROW_DEBUG,
    ROW_HELP,
    ROW_VERSION,
    ROW_MANUAL,
    ROW_MANUAL_PROFILES,
    ROW_COUNT
};

static const struct row rows[ROW_COUNT] = {
    [ROW_CONFIG] = {'c', "config", "FILE", "the configuration (" HA_SYSCONFDIR "/hsm-agent/hsm-agent.conf)",
                    HA_AGENTD_RUN},
    [ROW_CHECK] = {0, "check", NULL, "report every mistake of the configuration and of the profiles, and end",
                   HA_AGENTD_CHECK},
    [ROW_DUMP] = {0, "dump", NULL, "print the effective configuration, and end", HA_AGENTD_DUMP},
    [ROW_FORMAT] = {0, "log-format", "text|json", "the form of a log line on standard error (text)", HA_AGENTD_RUN},
    [ROW_DEBUG] = {0, "debug", NULL, "log more", HA_AGENTD_RUN},
    [ROW_HELP] = {'h', "help", NULL, "print this, and end", HA_AGENTD_HELP},
    [ROW_VERSION] = {'V', "version", NULL, "print the version, and end", HA_AGENTD_VERSION},
    [ROW_MANUAL] = {0, "manual", NULL, NULL, HA_AGENTD_MANUAL},
    [ROW_MANUAL_PROFILES] = {0, "manual-profiles", NULL, NULL, HA_AGENTD_MANUAL_PROFILES},
};

void ha_agentd_help(struct ha_buf *out)
{
    ha_buf_puts(
        out,
        "usage: hsm-agentd [OPTION...]\n\n"
        "Answers sign, decrypt and certificate requests over Unix sockets with keys that stay in a PKCS#11 token.\n\n");
    for (size_t i = 0; i < ROW_COUNT; i++) {
        if (!rows[i].help)
            continue;
        ha_auto(ha_buf_clear) struct ha_buf head = {0};
        if (rows[i].letter)
            ha_buf_printf(&head, "-%c, ", rows[i].letter);
        else
            ha_buf_puts(&head, "    ");
        ha_buf_printf(&head, "--%s%s%s", rows[i].name, rows[i].argument ? "=" : "",
                      rows[i].argument ? rows[i].argument : "");
        ha_buf_printf(out, "  %-28s %s\n", ha_buf_text(&head), rows[i].help);
    }
    ha_buf_puts(out, "\nhsm-agentd(8) and hsm-agent.conf(5) say the rest.\n");
}

static enum ha_code wrong(struct ha_err *err, const char *word, const char *what)
{
    ha_fail(err, HA_E_USAGE, "%s %s", word, what);
    return ha_hint(err, "See 'hsm-agentd --help'.");
}

static enum ha_code apply(size_t row, const char *value, struct ha_agentd_options *options, struct ha_err *err)
{
    if (rows[row].mode != HA_AGENTD_RUN)
        options->mode = rows[row].mode;
    if (row == ROW_CONFIG)
        options->config = value;
    else if (row == ROW_DEBUG)
        options->debug = true;
    else if (row == ROW_FORMAT) {
        options->log_json = strcmp(value, "json") == 0;
        if (!options->log_json && strcmp(value, "text") != 0)
            return wrong(err, "--log-format", "takes text or json");
    }
    return HA_OK;
}

enum ha_code ha_agentd_options(int argc, char **argv, struct ha_agentd_options *ret_options, struct ha_err *err)
{
    struct option longs[ROW_COUNT + 1] = {0};
    char shorts[2 + 2 * ROW_COUNT] = ":", *end = shorts + 1;
    for (size_t i = 0; i < ROW_COUNT; i++) {
        longs[i] = (struct option){
            .name = rows[i].name, .has_arg = rows[i].argument ? required_argument : no_argument, .val = 256 + (int)i};
        if (rows[i].letter)
            *end++ = rows[i].letter;
        if (rows[i].letter && rows[i].argument)
            *end++ = ':';
    }
    struct ha_agentd_options options = {.mode = HA_AGENTD_RUN, .config = HA_SYSCONFDIR "/hsm-agent/hsm-agent.conf"};
    for (int got; (got = getopt_long(argc, argv, shorts, longs, NULL)) != -1;) {
        if (got == '?')
            return wrong(err, argv[optind - 1], "is no option");
        if (got == ':')
            return wrong(err, argv[optind - 1], "needs a value");
        size_t row = 0;
        while (row < ROW_COUNT && got != 256 + (int)row && got != rows[row].letter)
            row++;
        if (apply(row, optarg, &options, err))
            return err->code;
    }
    if (optind < argc)
        return wrong(err, argv[optind], "is no option");
    *ret_options = options;
    return HA_OK;
}
