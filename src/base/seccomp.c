// SPDX-License-Identifier: Apache-2.0
// One comparison a rule; the kernel remembers which calls are always allowed, so that those cost nothing.
#include "base/seccomp.h"

#include <assert.h>
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__x86_64__)
#define ARCHITECTURE AUDIT_ARCH_X86_64
#elif defined(__aarch64__) && defined(__AARCH64EL__)
#define ARCHITECTURE AUDIT_ARCH_AARCH64
#endif

#ifdef ARCHITECTURE

#define DATA(field)            ((uint32_t)offsetof(struct seccomp_data, field))
#define LOAD(at)               ((struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (at)))
#define MASK(bits)             ((struct sock_filter)BPF_STMT(BPF_ALU | BPF_AND | BPF_K, (bits)))
#define RETURN(what)           ((struct sock_filter)BPF_STMT(BPF_RET | BPF_K, (what)))
#define SKIP_IF(value, by)     ((struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (value), (by), 0))
#define SKIP_UNLESS(value, by) ((struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (value), 0, (by)))

// x86 has each call under this as well, for programs with short pointers, and some under others.
#define OTHER_NUMBERS 0x40000000U

enum { PROLOGUE = 6, PER_RULE_MOST = 7 + 2 * HA_SECCOMP_VALUES };

static uint32_t outcome(enum ha_seccomp_action action)
{
    switch (action) {
    case HA_SECCOMP_ALLOW:
        return SECCOMP_RET_ALLOW;
    case HA_SECCOMP_REFUSE:
        return SECCOMP_RET_ERRNO | EPERM;
    case HA_SECCOMP_UNKNOWN:
        return SECCOMP_RET_ERRNO | ENOSYS;
    case HA_SECCOMP_KILL:
        break;
    }
    return SECCOMP_RET_KILL_PROCESS;
}

// Returns how many instructions were written to out. The number of the call is loaded before and, for the next rule,
// after it: a rule that looked at an argument always decides.
static size_t compile(const struct ha_seccomp_rule *rule, struct sock_filter *out)
{
    size_t n = 0;
    size_t body = rule->n_values ? (rule->pointer ? 6 : 3) + 2 * rule->n_values : 1;
    uint32_t argument = DATA(args) + rule->argument * (uint32_t)sizeof(uint64_t);
    out[n++] = SKIP_UNLESS((uint32_t)rule->number, (uint8_t)body);
    if (rule->n_values) {
        if (rule->pointer) {
            out[n++] = LOAD(argument + (uint32_t)sizeof(uint32_t));
            out[n++] = SKIP_IF(0, 1);
            out[n++] = RETURN(outcome(rule->otherwise));
        }
        out[n++] = LOAD(argument);  // little-endian: the low half
        out[n++] = MASK(rule->mask);
        for (size_t i = 0; i < rule->n_values; i++) {
            out[n++] = SKIP_UNLESS(rule->values[i], 1);
            out[n++] = RETURN(outcome(rule->action));
        }
        out[n++] = RETURN(outcome(rule->otherwise));
    } else {
        out[n++] = RETURN(outcome(rule->action));
    }
    return n;
}

enum ha_code ha_seccomp_enter(const struct ha_seccomp_rule *rules, size_t n, enum ha_seccomp_action rest,
                              bool *ret_entered, struct ha_err *err)
{
    ha_auto(ha_free) struct sock_filter *code = calloc(PROLOGUE + n * PER_RULE_MOST + 1, sizeof *code);
    if (!code)
        return ha_fail(err, HA_E_MEMORY, "out of memory");
    size_t at = 0;
    code[at++] = LOAD(DATA(arch));
    code[at++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ARCHITECTURE, 1, 0);
    code[at++] = RETURN(SECCOMP_RET_KILL_PROCESS);
    code[at++] = LOAD(DATA(nr));
    code[at++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, OTHER_NUMBERS, 0, 1);
    code[at++] = RETURN(SECCOMP_RET_KILL_PROCESS);
    for (size_t i = 0; i < n; i++)
        at += compile(&rules[i], code + at);
    code[at++] = RETURN(outcome(rest));
    assert(at <= BPF_MAXINSNS);
    const struct sock_fprog program = {.len = (unsigned short)at, .filter = code};
    if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) == 0) {
        *ret_entered = true;
        return HA_OK;
    }
    if (errno != ENOSYS && errno != EINVAL)
        return ha_fail_errno(err, errno, "the filter of system calls can't be set");
    *ret_entered = false;
    return HA_OK;
}

#else

enum ha_code ha_seccomp_enter(const struct ha_seccomp_rule *rules, size_t n, enum ha_seccomp_action rest,
                              bool *ret_entered, struct ha_err *err)
{
    *ret_entered = false;
    return HA_OK;
}

#endif
