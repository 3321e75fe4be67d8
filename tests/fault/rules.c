// SPDX-License-Identifier: Apache-2.0
#include "rules.h"

#include "base/auto.h"
#include "token/ckr.h"

#include <assert.h>
#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#define LINE_MAX_BYTES 256
#define SPACE          " \t\r"

enum argument {
    NOTHING,
    NUMBER,
    CODE,
    HOW,
};

static const struct {
    const char *word;
    enum argument argument;
    bool output;  // concerns functions that write a buffer
} actions[] = {
    [FAULT_ERROR] = {"error", CODE, false},        [FAULT_HANG] = {"hang", NOTHING, false},
    [FAULT_CRASH] = {"crash", HOW, false},         [FAULT_DELAY] = {"delay", NUMBER, false},
    [FAULT_HOLD] = {"hold", NOTHING, false},       [FAULT_KILL_SESSIONS] = {"kill-sessions", NOTHING, false},
    [FAULT_LOGOUT] = {"logout", NOTHING, false},   [FAULT_LATE] = {"late", CODE, false},
    [FAULT_GARBAGE] = {"garbage", NOTHING, true},  [FAULT_FLIP] = {"flip", NOTHING, true},
    [FAULT_SHORTEN] = {"shorten", NUMBER, true},   [FAULT_TOO_SMALL] = {"too-small", NOTHING, true},
    [FAULT_SIGNALS] = {"signals", NOTHING, false},
};
static_assert(HA_ARRAY_SIZE(actions) == FAULT_ACTION_COUNT, "a row for each action");

static const struct {
    const char *word;
    bool number;
} traits[] = {
    [FAULT_ABSENT] = {"absent", false},
    [FAULT_SLOTS_SHIFT] = {"slots-shift", true},
    [FAULT_SLOTS_MOVE] = {"slots-move", true},
    [FAULT_SESSION_CAP] = {"session-cap", true},
    [FAULT_SESSION_IDLE] = {"session-idle", true},
    [FAULT_MAX_SESSIONS] = {"max-sessions", true},
    [FAULT_OBJECTS_TWICE] = {"objects-twice", false},
    [FAULT_OBJECTS_TWINS] = {"objects-twins", false},
    [FAULT_OBJECTS_HIDDEN] = {"objects-hidden", false},
    [FAULT_PIN_COUNT_LOW] = {"pin-count-low", false},
    [FAULT_PIN_FINAL_TRY] = {"pin-final-try", false},
    [FAULT_PIN_LOCKED] = {"pin-locked", false},
    [FAULT_PIN_TRIES] = {"pin-tries", true},
};
static_assert(HA_ARRAY_SIZE(traits) == FAULT_TRAIT_COUNT, "a row for each trait");

static const char *const crashes[] = {
    [FAULT_CRASH_ABORT] = "abort",
    [FAULT_CRASH_SEGV] = "segv",
    [FAULT_CRASH_KILL] = "kill",
    [FAULT_CRASH_EXIT] = "exit",
};
static_assert(HA_ARRAY_SIZE(crashes) == FAULT_CRASH_COUNT, "a word for each way to crash");

// The words of one line.
struct words {
    char text[LINE_MAX_BYTES];
    char *rest, *here;  // here: the word at hand, NULL after the last one
};

static void next(struct words *words)
{
    words->here = strtok_r(NULL, SPACE, &words->rest);
}

static bool is(const struct words *words, const char *word)
{
    return words->here && strcmp(words->here, word) == 0;
}

static enum ha_code take_number(struct words *words, const char *what, uint64_t *ret_number, struct ha_err *err)
{
    char *end;
    if (!words->here || words->here[0] < '0' || words->here[0] > '9')
        return ha_fail(err, HA_E_CONFIG, "'%s' wants a number", what);
    errno = 0;
    unsigned long long number = strtoull(words->here, &end, strncmp(words->here, "0x", 2) == 0 ? 16 : 10);
    if (*end != '\0' || errno)
        return ha_fail(err, HA_E_CONFIG, "'%s' wants a number, not '%s'", what, words->here);
    *ret_number = number;
    next(words);
    return HA_OK;
}

static enum ha_code take_code(struct words *words, const char *what, unsigned long *ret_code, struct ha_err *err)
{
    const struct ha_ckr_info *row;
    uint64_t number;
    for (size_t i = 0; words->here && (row = ha_ckr_row(i)); i++) {
        if (strcmp(row->name, words->here) != 0)
            continue;
        *ret_code = row->rv;
        next(words);
        return HA_OK;
    }
    if (words->here && strncmp(words->here, "CKR_", 4) == 0)
        return ha_fail(err, HA_E_CONFIG, "there is no %s", words->here);
    if (take_number(words, what, &number, err))
        return err->code;
    *ret_code = number;
    return HA_OK;
}

static enum ha_code take_rate(struct words *words, double *ret_rate, struct ha_err *err)
{
    char *end = NULL;
    double rate = words->here ? strtod(words->here, &end) : -1;
    if (!end || end == words->here || *end != '\0' || !(rate >= 0 && rate <= 1))
        return ha_fail(err, HA_E_CONFIG, "'rate' wants a probability, 0 to 1");
    *ret_rate = rate;
    next(words);
    return HA_OK;
}

static enum ha_code take_conditions(struct words *words, struct fault_rule *rule, struct ha_err *err)
{
    while (words->here) {
        bool rate = is(words, "rate"), after = is(words, "after"), count = is(words, "count"),
             for_ms = is(words, "for"), every = is(words, "every");
        bool per_process = is(words, "per-process");
        if (!rate && !after && !every && !count && !for_ms && !per_process)
            return ha_fail(err, HA_E_CONFIG, "'%s' is no condition", words->here);
        next(words);
        if (per_process)
            rule->per_process = true;
        else if (rate && take_rate(words, &rule->rate, err))
            return err->code;
        else if (after && take_number(words, "after", &rule->after, err))
            return err->code;
        else if (every && (take_number(words, "every", &rule->every, err) || rule->every == 0))
            return ha_fail(err, HA_E_CONFIG, "'every' wants a number, 1 at least");
        else if (count && take_number(words, "count", &rule->count, err))
            return err->code;
        else if (for_ms && take_number(words, "for", &rule->for_ms, err))
            return err->code;
    }
    return HA_OK;
}

static enum ha_code take_action(struct words *words, struct fault_rule *rule, struct ha_err *err)
{
    enum fault_action action = 0;
    while (action < FAULT_ACTION_COUNT && !is(words, actions[action].word))
        action++;
    if (action == FAULT_ACTION_COUNT)
        return ha_fail(err, HA_E_CONFIG, "'%s' is no action", words->here ? words->here : "");
    rule->action = action;
    next(words);
    uint64_t number;
    switch (actions[action].argument) {
    case NOTHING:
        break;
    case NUMBER:
        if (take_number(words, actions[action].word, &number, err))
            return err->code;
        rule->argument = number;
        break;
    case CODE:
        return take_code(words, actions[action].word, &rule->argument, err);
    case HOW:
        for (unsigned how = 0; words->here && how < FAULT_CRASH_COUNT; how++) {
            if (!is(words, crashes[how]))
                continue;
            rule->argument = how;
            next(words);
            break;
        }
        break;
    }
    return HA_OK;
}

static enum ha_code take_functions(struct words *words, struct fault_rule *rule, struct ha_err *err)
{
    bool any = false;
    for (unsigned i = 0; i < FAULT_FUNCTION_COUNT; i++) {
        rule->on[i] = fnmatch(words->here, fault_function_name(i), 0) == 0;
        any = any || rule->on[i];
    }
    if (!any)
        return ha_fail(err, HA_E_CONFIG, "there is no function '%s'", words->here);
    next(words);
    return HA_OK;
}

// A pattern may fit more functions than the action makes sense for.
static enum ha_code keep_outputs(struct fault_rule *rule, struct ha_err *err)
{
    bool any = false;
    for (unsigned i = 0; i < FAULT_FUNCTION_COUNT; i++) {
        rule->on[i] = rule->on[i] && (fault_function_traits(i) & FAULT_HAS_OUTPUT);
        any = any || rule->on[i];
    }
    return any ? HA_OK
               : ha_fail(err, HA_E_CONFIG, "'%s' is for functions that write a buffer", actions[rule->action].word);
}

static enum ha_code take_rule(struct words *words, struct fault_rules *rules, struct ha_err *err)
{
    if (rules->n == FAULT_RULES_MAX)
        return ha_fail(err, HA_E_CONFIG, "there are more than %d rules", FAULT_RULES_MAX);
    struct fault_rule rule = {.rate = 1, .every = 1, .count = UINT64_MAX};
    if (take_functions(words, &rule, err) || take_action(words, &rule, err) || take_conditions(words, &rule, err))
        return err->code;
    if (actions[rule.action].output && keep_outputs(&rule, err))
        return err->code;
    rules->rule[rules->n++] = rule;
    return HA_OK;
}

static enum ha_code take_trait(struct words *words, struct fault_rules *rules, struct ha_err *err)
{
    next(words);
    enum fault_trait trait = 0;
    while (trait < FAULT_TRAIT_COUNT && !is(words, traits[trait].word))
        trait++;
    if (trait == FAULT_TRAIT_COUNT)
        return ha_fail(err, HA_E_CONFIG, "'%s' is no trait of a token", words->here ? words->here : "");
    next(words);
    uint64_t number = 0, for_ms = 0;
    if (traits[trait].number && take_number(words, traits[trait].word, &number, err))
        return err->code;
    if (is(words, "for")) {
        next(words);
        if (take_number(words, "for", &for_ms, err))
            return err->code;
    }
    rules->trait[trait].on = true;
    rules->trait[trait].value = number;
    rules->trait[trait].for_ms = for_ms;
    return HA_OK;
}

static enum ha_code take_line(struct words *words, struct fault_rules *rules, struct ha_err *err)
{
    words->text[strcspn(words->text, "#")] = '\0';
    words->here = strtok_r(words->text, SPACE, &words->rest);
    if (!words->here)
        return HA_OK;
    if (is(words, "token")) {
        if (take_trait(words, rules, err))
            return err->code;
    } else if (is(words, "seed")) {
        next(words);
        if (take_number(words, "seed", &rules->seed, err))
            return err->code;
    } else if (take_rule(words, rules, err)) {
        return err->code;
    }
    return words->here ? ha_fail(err, HA_E_CONFIG, "'%s' is too much", words->here) : HA_OK;
}

enum ha_code fault_rules_parse(const char *text, struct fault_rules *ret_rules, struct ha_err *err)
{
    struct fault_rules rules = {.seed = 1};
    for (unsigned line = 1; *text != '\0'; line++) {
        struct words words = {0};
        size_t n = strcspn(text, "\n");
        enum ha_code code = HA_OK;
        if (n >= sizeof(words.text)) {
            code = ha_fail(err, HA_E_CONFIG, "it has more than %zu bytes", sizeof(words.text) - 1);
        } else {
            memcpy(words.text, text, n);
            code = take_line(&words, &rules, err);
        }
        if (code)
            return ha_wrap(err, "line %u", line);
        text += n + (text[n] == '\n');
    }
    *ret_rules = rules;
    return HA_OK;
}
