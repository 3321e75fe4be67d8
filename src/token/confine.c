// SPDX-License-Identifier: Apache-2.0
// Nobody knows what a vendor's module calls, so what no module has any business with is refused, and the rest is left.
// `strict` takes more: other programs, processes, networks, and memory that is both written and run.
#include "token/confine.h"

#include "base/landlock.h"
#include "base/seccomp.h"

#include <errno.h>
#include <sched.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/syscall.h>

// The kernel's own, other processes, and what exploits are made of.
#define OF_NO_MODULE                                                                                                   \
    HA_KILL(ptrace), HA_KILL(process_vm_readv), HA_KILL(process_vm_writev), HA_KILL(bpf), HA_KILL(init_module),        \
        HA_KILL(finit_module), HA_KILL(delete_module), HA_KILL(kexec_load), HA_KILL(reboot), HA_KILL(mount),           \
        HA_KILL(umount2), HA_KILL(pivot_root), HA_KILL(chroot), HA_KILL(setns), HA_KILL(unshare), HA_KILL(swapon),     \
        HA_KILL(swapoff), HA_KILL(acct), HA_KILL(quotactl), HA_REFUSE(add_key), HA_REFUSE(request_key),                \
        HA_REFUSE(keyctl), HA_REFUSE(userfaultfd), HA_REFUSE(perf_event_open), HA_REFUSE(io_uring_setup),              \
        HA_REFUSE(io_uring_enter), HA_REFUSE(io_uring_register), HA_REFUSE(open_by_handle_at),                         \
        HA_REFUSE(settimeofday), HA_REFUSE(clock_settime), HA_REFUSE(adjtimex), HA_REFUSE(clock_adjtime),              \
        HA_REFUSE(sethostname), HA_REFUSE(setdomainname), HA_REFUSE(syslog), HA_REFUSE(vhangup),                       \
        HA_REFUSE(fanotify_init), HA_REFUSE(lookup_dcookie), HA_REFUSE(move_pages), HA_REFUSE(migrate_pages),          \
        HA_REFUSE(mbind), HA_REFUSE(set_mempolicy), HA_REFUSE(personality), HA_REFUSE(kcmp), HA_REFUSE(pidfd_getfd),   \
        HA_REFUSE(process_madvise)

static const struct ha_seccomp_rule module_rules[] = {OF_NO_MODULE};

static const struct ha_seccomp_rule strict_rules[] = {
    OF_NO_MODULE,
    HA_KILL(execve),
    HA_KILL(execveat),
#ifdef SYS_fork
    HA_REFUSE(fork),
    HA_REFUSE(vfork),
#endif
    // clone3's flags are in memory, where a filter can't look; without it the library takes clone.
    {.number = SYS_clone3, .action = HA_SECCOMP_UNKNOWN},
    {.number = SYS_clone,
     .argument = 0,
     .mask = CLONE_THREAD,
     .values = {CLONE_THREAD},
     .n_values = 1,
     .otherwise = HA_SECCOMP_REFUSE},
    {.number = SYS_socket, .mask = UINT32_MAX, .values = {AF_UNIX}, .n_values = 1, .otherwise = HA_SECCOMP_REFUSE},
    {.number = SYS_socketpair, .mask = UINT32_MAX, .values = {AF_UNIX}, .n_values = 1, .otherwise = HA_SECCOMP_REFUSE},
    {.number = SYS_mmap,
     .action = HA_SECCOMP_REFUSE,
     .argument = 2,
     .mask = PROT_WRITE | PROT_EXEC,
     .values = {PROT_WRITE | PROT_EXEC},
     .n_values = 1},
    {.number = SYS_mprotect,
     .action = HA_SECCOMP_REFUSE,
     .argument = 2,
     .mask = PROT_EXEC,
     .values = {PROT_EXEC},
     .n_values = 1},
    {.number = SYS_pkey_mprotect, .action = HA_SECCOMP_REFUSE},
    {.number = SYS_shmat,
     .action = HA_SECCOMP_REFUSE,
     .argument = 2,
     .mask = SHM_EXEC,
     .values = {SHM_EXEC},
     .n_values = 1},
    // Code could be written there, and then mapped.
    {.number = SYS_memfd_create, .action = HA_SECCOMP_REFUSE},
    {.number = SYS_listen, .action = HA_SECCOMP_REFUSE},
};

static enum ha_code filter(enum ha_sandbox sandbox, bool *ret_entered, struct ha_err *err)
{
    switch (sandbox) {
    case HA_SANDBOX_MODULE:
        return ha_seccomp_enter(module_rules, HA_ARRAY_SIZE(module_rules), HA_SECCOMP_ALLOW, ret_entered, err);
    case HA_SANDBOX_STRICT:
        return ha_seccomp_enter(strict_rules, HA_ARRAY_SIZE(strict_rules), HA_SECCOMP_ALLOW, ret_entered, err);
    case HA_SANDBOX_OFF:
        break;
    }
    *ret_entered = false;
    return HA_OK;
}

// The record's directory: it is written beside itself and renamed.
static char *directory_of(const char *path)
{
    char *directory = path ? strdup(path) : NULL;
    if (directory)
        *strrchr(directory, '/') = '\0';
    return directory;
}

static enum ha_code limit(const struct ha_token_options *options, int *ret_abi, struct ha_err *err)
{
    enum { OWN = 3 };
    struct ha_landlock_path paths[OWN + HA_TOKEN_WRITES_MAX];
    ha_auto(ha_free) char *guard = directory_of(options->pin_guard);
    size_t n = 0;
    paths[n++] =
        (struct ha_landlock_path){"/", options->sandbox == HA_SANDBOX_STRICT ? HA_LANDLOCK_READ : HA_LANDLOCK_RUN};
    paths[n++] = (struct ha_landlock_path){"/dev", HA_LANDLOCK_USE};
    paths[n++] = (struct ha_landlock_path){guard, HA_LANDLOCK_WRITE};
    for (size_t i = 0; i < options->n_writes; i++)
        paths[n++] = (struct ha_landlock_path){options->writes[i], HA_LANDLOCK_WRITE};
    const struct ha_landlock landlock = {
        .paths = paths,
        .n_paths = n,
        .any_file = options->n_writes == 0,
        .tcp = options->sandbox != HA_SANDBOX_STRICT,
        .own_signals = true,
    };
    return ha_landlock_enter(&landlock, ret_abi, err);
}

enum ha_code ha_confine(const struct ha_token_options *options, struct ha_confined *ret_confined, struct ha_err *err)
{
    struct ha_confined confined = {0};
    if (options->sandbox != HA_SANDBOX_OFF && limit(options, &confined.landlock, err))
        return err->code;
    if (filter(options->sandbox, &confined.filter, err))
        return err->code;
    *ret_confined = confined;
    return HA_OK;
}
