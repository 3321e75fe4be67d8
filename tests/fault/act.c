// SPDX-License-Identifier: Apache-2.0
#include "act.h"

#include "decide.h"
#include "module.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define HOLD_POLL_MS 5

static void sleep_ms(unsigned long ms)
{
    struct timespec rest = {.tv_sec = (time_t)(ms / 1000), .tv_nsec = (long)(ms % 1000) * 1000000};
    while (nanosleep(&rest, &rest) != 0 && errno == EINTR)
        continue;
}

// A rule of another version of the file holds on, if it is the same line.
static bool still_there(const struct fault_set *set, const struct fault_rule *rule)
{
    for (size_t i = 0; i < set->rules.n; i++) {
        const struct fault_rule *other = &set->rules.rule[i];
        bool equal = other->action == FAULT_HOLD;
        for (unsigned f = 0; f < FAULT_FUNCTION_COUNT; f++)
            equal = equal && other->on[f] == rule->on[f];
        if (equal && fault_set_lasts(set, other->for_ms))
            return true;
    }
    return false;
}

static void hold(struct fault_call *call, const struct fault_rule *rule)
{
    while (still_there(fault_watch_get(&call->module->watch), rule))
        sleep_ms(HOLD_POLL_MS);
}

static _Noreturn void crash(enum fault_crash how)
{
    switch (how) {
    case FAULT_CRASH_SEGV:
        // By the signal rather than by a bad pointer, and without the handler of a sanitizer, whose report a test
        // would take for a real one.
        signal(SIGSEGV, SIG_DFL);
        raise(SIGSEGV);
        break;
    case FAULT_CRASH_KILL:
        raise(SIGKILL);
        break;
    case FAULT_CRASH_EXIT:
        _exit(0);
    case FAULT_CRASH_ABORT:
    case FAULT_CRASH_COUNT:
        break;
    }
    abort();
}

CK_RV fault_act_before(struct fault_call *call, const struct fault_rule *rule)
{
    switch (rule->action) {
    case FAULT_ERROR:
        return rule->argument;
    case FAULT_HANG:
        for (;;)
            pause();
    case FAULT_CRASH:
        crash((enum fault_crash)rule->argument);
    case FAULT_DELAY:
        sleep_ms(rule->argument);
        break;
    case FAULT_HOLD:
        hold(call, rule);
        break;
    case FAULT_KILL_SESSIONS:
        fault_sessions_kill(call->module);
        break;
    case FAULT_LOGOUT:
        fault_sessions_logout(call->module);
        break;
    case FAULT_LATE:
    case FAULT_GARBAGE:
    case FAULT_FLIP:
    case FAULT_SHORTEN:
    case FAULT_TOO_SMALL:
    case FAULT_SIGNALS:
    case FAULT_ACTION_COUNT:
        break;
    }
    return CKR_OK;
}

static void garble(struct fault_call *call, const struct fault_rule *rule, uint64_t number)
{
    CK_BYTE *output = call->output;
    size_t index = (size_t)(rule - call->set->rules.rule);
    for (CK_ULONG i = 0; i < *call->output_len; i++)
        output[i] = (CK_BYTE)fault_random(call->set->rules.seed, index, number, i + 1);
}

static void count_signal(int number)
{
    int saved = errno;
    atomic_fetch_add(&fault_module()->watch.shared->signals, 1);
    errno = saved;
}

static void install_handlers(void)
{
    static const int numbers[] = {SIGPIPE, SIGINT, SIGTERM, SIGHUP};
    struct sigaction action = {.sa_handler = count_signal};
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
        sigaction(numbers[i], &action, NULL);
}

static CK_RV spoil(struct fault_call *call, const struct fault_rule *rule, uint64_t number)
{
    CK_ULONG n = *call->output_len;
    if (rule->action == FAULT_TOO_SMALL) {
        *call->output_len = 2 * call->room;
        return CKR_BUFFER_TOO_SMALL;
    }
    if (rule->action == FAULT_GARBAGE)
        garble(call, rule, number);
    else if (rule->action == FAULT_FLIP && n > 0)
        call->output[n - 1] ^= 1;
    else if (rule->action == FAULT_SHORTEN)
        *call->output_len = n > rule->argument ? n - rule->argument : 0;
    return CKR_OK;
}

CK_RV fault_act_after(struct fault_call *call, const struct fault_rule *rule, uint64_t number, CK_RV rv)
{
    if (rule->action == FAULT_LATE)
        return rule->argument;
    if (rule->action == FAULT_SIGNALS)
        install_handlers();
    else if (rv == CKR_OK)
        return spoil(call, rule, number);
    return rv;
}
