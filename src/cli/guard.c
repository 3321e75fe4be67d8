// SPDX-License-Identifier: Apache-2.0
#include "cli/guard.h"

#include "cli/out.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static enum ha_code refuse(const char *what, const char *why, const char *name, struct ha_err *err)
{
    ha_fail(err, HA_E_USAGE, "nothing was %s: %s", what, why);
    return ha_hint(err, "If you mean it, give --confirm %s.", name);
}

static enum ha_code ask(const char *name, const char *what, struct ha_err *err)
{
    char line[256], question[192];
    int n =
        snprintf(question, sizeof question, "What is %s can't be brought back. Type the name again to go on: ", what);
    ha_out_stderr(question, (size_t)n);
    if (!fgets(line, sizeof line, stdin))
        return refuse(what, "no name was typed", name, err);
    line[strcspn(line, "\n")] = '\0';
    return strcmp(line, name) == 0 ? HA_OK : refuse(what, "another name was typed", name, err);
}

enum ha_code ha_guard_name(const struct ha_cli *cli, const char *what, struct ha_err *err)
{
    const char *name = cli->opts->arguments[0], *confirmed = ha_opt_value(cli->opts, HA_OPT_CONFIRM);
    if (!confirmed && isatty(STDIN_FILENO))
        return ask(name, what, err);
    if (!confirmed)
        return refuse(what, "what is gone can't be brought back", name, err);
    return strcmp(confirmed, name) == 0 ? HA_OK : refuse(what, "--confirm has another name", name, err);
}
