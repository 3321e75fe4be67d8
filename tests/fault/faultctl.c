// SPDX-License-Identifier: Apache-2.0
// For tests in bash: checks rules, and prints what the fault module has counted in RULES.state.
//
//   faultctl check RULES            exit status 1 and a message when the module wouldn't understand them
//   faultctl calls RULES FUNCTION   how often the function was called
//   faultctl fired RULES LINE       how many calls the rule on that line has met; of all processes, so not for
//   per-process faultctl logins RULES PIN-FILE  C_Login with this PIN: calls, and how many of them gave CKR_OK, a PIN
//   error, another one faultctl pins RULES             how many PINs were tried faultctl sessions RULES         open in
//   the process that opened or closed one last faultctl signals RULES          taken by the handlers of the action
//   `signals`
#include "state.h"

#include "base/auto.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define FILE_MAX_BYTES 65536

// Malloc'ed, and ended by a zero byte.
static enum ha_code read_file(const char *path, char **ret_text, size_t *ret_n, struct ha_err *err)
{
    char *text = calloc(1, FILE_MAX_BYTES + 1);
    FILE *file = text ? fopen(path, "re") : NULL;
    if (!file) {
        free(text);
        return ha_fail_errno(err, errno, "can't open %s", path);
    }
    *ret_n = fread(text, 1, FILE_MAX_BYTES, file);
    *ret_text = text;
    fclose(file);
    return HA_OK;
}

static enum ha_code check(const char *path, struct ha_err *err)
{
    struct fault_rules rules;
    ha_auto(ha_free) char *text = NULL;
    size_t n = 0;
    return read_file(path, &text, &n, err) ? err->code : fault_rules_parse(text, &rules, err);
}

static enum ha_code map(const char *rules, struct fault_shared **ret_shared, struct ha_err *err)
{
    ha_auto(ha_free) char *path = NULL;
    int fd;
    if (asprintf(&path, "%s" FAULT_STATE_NAME, rules) < 0)
        return ha_fail(err, HA_E_MEMORY, "out of memory");
    return fault_state_map(path, ret_shared, &fd, err);
}

static enum ha_code print_calls(const struct fault_shared *shared, const char *name, struct ha_err *err)
{
    for (unsigned i = 0; i < FAULT_FUNCTION_COUNT; i++) {
        if (strcmp(fault_function_name(i), name) != 0)
            continue;
        printf("%" PRIu64 "\n", (uint64_t)atomic_load(&shared->calls[i]));
        return HA_OK;
    }
    return ha_fail(err, HA_E_CONFIG, "there is no function '%s'", name);
}

// The rule on a line is the one that is new when the lines up to it are parsed.
static enum ha_code rule_on(const char *path, unsigned line, size_t *ret_index, struct ha_err *err)
{
    ha_auto(ha_free) char *text = NULL;
    struct fault_rules upto, before;
    size_t n = 0;
    if (read_file(path, &text, &n, err))
        return err->code;
    char *start = text, *end;
    for (unsigned i = 1; i < line && start; i++)
        start = strchr(start, '\n') ? strchr(start, '\n') + 1 : NULL;
    if (!start)
        return ha_fail(err, HA_E_CONFIG, "there is no line %u", line);
    end = start + strcspn(start, "\n");
    *end = '\0';
    if (fault_rules_parse(text, &upto, err))
        return err->code;
    *start = '\0';
    if (fault_rules_parse(text, &before, err))
        return err->code;
    if (upto.n == before.n)
        return ha_fail(err, HA_E_CONFIG, "line %u has no rule for a function", line);
    *ret_index = before.n;
    return HA_OK;
}

static enum ha_code print_fired(const struct fault_shared *shared, const char *path, const char *line,
                                struct ha_err *err)
{
    struct stat file;
    size_t index = 0;
    uint64_t fired = 0;
    if (rule_on(path, (unsigned)strtoul(line, NULL, 10), &index, err))
        return err->code;
    if (stat(path, &file) != 0)
        return ha_fail_errno(err, errno, "can't read %s", path);
    // If no process has seen this file yet, nothing has fired.
    const struct fault_block *block = &shared->block[shared->sequence % FAULT_BLOCKS];
    if (block->version.inode == file.st_ino && block->version.size == (uint64_t)file.st_size)
        fired = atomic_load(&block->rule[index].fired);
    printf("%" PRIu64 "\n", fired);
    return HA_OK;
}

static enum ha_code print_logins(struct fault_shared *shared, const char *pin_file, struct ha_err *err)
{
    ha_auto(ha_free) char *pin = NULL;
    size_t n = 0;
    if (read_file(pin_file, &pin, &n, err))
        return err->code;
    // As the agent reads it: a newline at the end isn't part of the PIN.
    n -= n > 0 && pin[n - 1] == '\n';
    uint64_t hash = fault_pin_hash((const uint8_t *)pin, n);
    for (size_t i = 0; i < FAULT_PINS_MAX; i++) {
        const struct fault_pin *row = &shared->pin[i];
        if (atomic_load(&row->hash) != hash)
            continue;
        printf("%" PRIu64 " ok=%" PRIu64 " refused=%" PRIu64 " other=%" PRIu64 "\n", (uint64_t)atomic_load(&row->asked),
               (uint64_t)atomic_load(&row->ok), (uint64_t)atomic_load(&row->refused),
               (uint64_t)atomic_load(&row->other));
        return HA_OK;
    }
    puts("0 ok=0 refused=0 other=0");
    return HA_OK;
}

static void print_pins(const struct fault_shared *shared)
{
    size_t n = 0;
    for (size_t i = 0; i < FAULT_PINS_MAX; i++)
        n += atomic_load(&shared->pin[i].hash) != 0;
    printf("%zu\n", n);
}

static enum ha_code run(int argc, char **argv, struct ha_err *err)
{
    const char *what = argc > 2 ? argv[1] : "";
    struct fault_shared *shared = NULL;
    if (strcmp(what, "check") == 0 && argc == 3)
        return check(argv[2], err);
    if (argc < 3 || map(argv[2], &shared, err))
        return err->code ? err->code : ha_fail(err, HA_E_CONFIG, "usage: faultctl WHAT RULES [ARGUMENT]");
    if (strcmp(what, "calls") == 0 && argc == 4)
        return print_calls(shared, argv[3], err);
    if (strcmp(what, "fired") == 0 && argc == 4)
        return print_fired(shared, argv[2], argv[3], err);
    if (strcmp(what, "logins") == 0 && argc == 4)
        return print_logins(shared, argv[3], err);
    if (strcmp(what, "pins") == 0)
        print_pins(shared);
    else if (strcmp(what, "sessions") == 0)
        printf("%" PRIu64 "\n", (uint64_t)atomic_load(&shared->sessions));
    else if (strcmp(what, "signals") == 0)
        printf("%" PRIu64 "\n", (uint64_t)atomic_load(&shared->signals));
    else
        return ha_fail(err, HA_E_CONFIG, "faultctl can't do '%s'", what);
    return HA_OK;
}

int main(int argc, char **argv)
{
    struct ha_err err = {0};
    if (run(argc, argv, &err) == HA_OK)
        return 0;
    fprintf(stderr, "faultctl: %s\n", err.detail);
    return 1;
}
