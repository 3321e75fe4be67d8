// SPDX-License-Identifier: Apache-2.0
// The daemon is our own code and the libraries that it is linked with, so its calls are known, and listed. What isn't
// in the list looks as if the kernel didn't have it; libraries then take what they had before. What only an intruder
// would try ends the process.
#include "agentd/confine.h"

#include "base/file.h"
#include "base/landlock.h"
#include "base/program.h"
#include "base/sanitizer.h"
#include "base/seccomp.h"

#include <asm/termbits.h>
#include <errno.h>
#include <grp.h>
#include <linux/sockios.h>
#include <pwd.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#define ALLOW(name)                                                                                                    \
    {                                                                                                                  \
        .number = SYS_##name                                                                                           \
    }
#define KILL(name)                                                                                                     \
    {                                                                                                                  \
        .number = SYS_##name, .action = HA_SECCOMP_KILL                                                                \
    }

static const struct ha_seccomp_rule rules[] = {
    // Memory: nothing that was written is ever run.
    ALLOW(brk),
    ALLOW(munmap),
    ALLOW(mremap),
    ALLOW(madvise),
    ALLOW(mlock),
    ALLOW(mlock2),
    ALLOW(munlock),
    {.number = SYS_mmap,
     .argument = 2,
     .mask = PROT_EXEC,
     .values = {0},
     .n_values = 1,
     .otherwise = HA_SECCOMP_REFUSE},
    {.number = SYS_mprotect,
     .argument = 2,
     .mask = PROT_EXEC,
     .values = {0},
     .n_values = 1,
     .otherwise = HA_SECCOMP_REFUSE},
    // Threads and no processes. clone3's flags are in memory, where a filter can't look.
    {.number = SYS_clone, .mask = CLONE_THREAD, .values = {CLONE_THREAD}, .n_values = 1, .otherwise = HA_SECCOMP_KILL},
    ALLOW(futex),
    ALLOW(set_robust_list),
    ALLOW(rseq),
    ALLOW(exit),
    ALLOW(exit_group),
    ALLOW(gettid),
    ALLOW(getpid),
    ALLOW(getppid),
    ALLOW(sched_yield),
    ALLOW(sched_getaffinity),
    {.number = SYS_sched_setaffinity, .mask = UINT32_MAX, .values = {0}, .n_values = 1, .otherwise = HA_SECCOMP_REFUSE},
    ALLOW(membarrier),
    ALLOW(restart_syscall),
    ALLOW(sysinfo),
    ALLOW(uname),
    ALLOW(getrusage),
    ALLOW(getcpu),
    {.number = SYS_prctl,
     .mask = UINT32_MAX,
     .values = {PR_SET_NAME, PR_GET_NAME, PR_GET_DUMPABLE},
     .n_values = 3,
     .otherwise = HA_SECCOMP_REFUSE},
    // Limits are read, never set: without a place for new ones.
    {.number = SYS_prlimit64,
     .argument = 2,
     .pointer = true,
     .mask = UINT32_MAX,
     .values = {0},
     .n_values = 1,
     .otherwise = HA_SECCOMP_REFUSE},
    // Time.
    ALLOW(clock_gettime),
    ALLOW(clock_getres),
    ALLOW(gettimeofday),
    ALLOW(nanosleep),
    ALLOW(clock_nanosleep),
    ALLOW(adjtimex),
    ALLOW(clock_adjtime),
    ALLOW(getrandom),
    // Signals, and the children that the starter made.
    ALLOW(rt_sigaction),
    ALLOW(rt_sigprocmask),
    ALLOW(rt_sigreturn),
    ALLOW(rt_sigtimedwait),
    ALLOW(rt_sigpending),
    ALLOW(sigaltstack),
    ALLOW(tgkill),
    ALLOW(kill),
    ALLOW(wait4),
    ALLOW(waitid),
    ALLOW(pidfd_open),
    ALLOW(pidfd_send_signal),
    // Who somebody is.
    ALLOW(getuid),
    ALLOW(geteuid),
    ALLOW(getgid),
    ALLOW(getegid),
    ALLOW(getgroups),
    ALLOW(getresuid),
    ALLOW(getresgid),
    // Files.
    ALLOW(openat),
    ALLOW(close),
    ALLOW(close_range),
    ALLOW(read),
    ALLOW(readv),
    ALLOW(pread64),
    ALLOW(preadv),
    ALLOW(write),
    ALLOW(writev),
    ALLOW(pwrite64),
    ALLOW(pwritev),
    ALLOW(lseek),
    ALLOW(newfstatat),
    ALLOW(fstat),
    ALLOW(statx),
    ALLOW(statfs),
    ALLOW(fstatfs),
    ALLOW(faccessat),
    ALLOW(faccessat2),
    ALLOW(readlinkat),
    ALLOW(getdents64),
    ALLOW(getcwd),
    ALLOW(mkdirat),
    ALLOW(unlinkat),
    ALLOW(renameat),
    ALLOW(renameat2),
    ALLOW(fchmod),
    ALLOW(fchmodat),
    ALLOW(fchown),
    ALLOW(fchownat),
    ALLOW(umask),
    ALLOW(fsync),
    ALLOW(fdatasync),
    ALLOW(ftruncate),
    ALLOW(fallocate),
    ALLOW(fadvise64),
    ALLOW(sync_file_range),
    ALLOW(utimensat),
    ALLOW(flock),
    ALLOW(linkat),
    ALLOW(copy_file_range),
    ALLOW(sendfile),
    ALLOW(fcntl),
    ALLOW(dup),
    ALLOW(dup3),
    ALLOW(pipe2),
    ALLOW(eventfd2),
    ALLOW(timerfd_create),
    ALLOW(timerfd_settime),
    ALLOW(ppoll),
    ALLOW(pselect6),
    ALLOW(epoll_create1),
    ALLOW(epoll_ctl),
    ALLOW(epoll_pwait),
    {.number = SYS_ioctl,
     .argument = 1,
     .mask = UINT32_MAX,
     .values = {FIONBIO, FIONREAD, TCGETS},
     .n_values = 3,
     .otherwise = HA_SECCOMP_REFUSE},
    // Sockets on this machine.
    {.number = SYS_socket, .mask = UINT32_MAX, .values = {AF_UNIX}, .n_values = 1, .otherwise = HA_SECCOMP_REFUSE},
    {.number = SYS_socketpair, .mask = UINT32_MAX, .values = {AF_UNIX}, .n_values = 1, .otherwise = HA_SECCOMP_REFUSE},
    ALLOW(bind),
    ALLOW(listen),
    ALLOW(connect),
    ALLOW(accept),
    ALLOW(accept4),
    ALLOW(shutdown),
    ALLOW(getsockopt),
    ALLOW(setsockopt),
    ALLOW(getsockname),
    ALLOW(getpeername),
    ALLOW(sendto),
    ALLOW(sendmsg),
    ALLOW(recvfrom),
    ALLOW(recvmsg),
#ifdef SYS_open  // processors that have the old ones as well
    ALLOW(open),
    ALLOW(stat),
    ALLOW(lstat),
    ALLOW(access),
    ALLOW(readlink),
    ALLOW(mkdir),
    ALLOW(rmdir),
    ALLOW(unlink),
    ALLOW(rename),
    ALLOW(link),
    ALLOW(chmod),
    ALLOW(chown),
    ALLOW(lchown),
    ALLOW(dup2),
    ALLOW(pipe),
    ALLOW(poll),
    ALLOW(select),
    ALLOW(epoll_wait),
    ALLOW(time),
    ALLOW(arch_prctl),
    KILL(fork),
    KILL(vfork),
#endif
    // Nobody but an intruder.
    KILL(execve),
    KILL(execveat),
    KILL(ptrace),
    KILL(process_vm_readv),
    KILL(process_vm_writev),
    KILL(bpf),
    KILL(init_module),
    KILL(finit_module),
    KILL(mount),
    KILL(unshare),
    KILL(setns),
    KILL(keyctl),
    KILL(pidfd_getfd),
};

enum ha_code ha_confine_user(const struct ha_agent_config *agent, struct ha_err *err)
{
    if (agent->uid == (uid_t)-1 || (agent->uid == geteuid() && agent->uid == getuid()))
        return HA_OK;
    const struct passwd *user = getpwuid(agent->uid);
    if (!user)
        return ha_fail(err, HA_E_CONFIG, "user = %s: nothing is known of that user", agent->user);
    if (geteuid() != 0) {
        ha_fail(err, HA_E_CONFIG, "user = %s, but the agent was started by another user than root", agent->user);
        return ha_hint(err, "Start it as root or as that user, or remove the line.");
    }
    if (initgroups(user->pw_name, user->pw_gid) || setresgid(user->pw_gid, user->pw_gid, user->pw_gid) ||
        setresuid(user->pw_uid, user->pw_uid, user->pw_uid))
        return ha_fail_errno(err, errno, "becoming the user %s", agent->user);
    return HA_OK;
}

// Modules of the name service are loaded here and not later, when nothing can be loaded any more.
static void load_name_service(void)
{
    (void)getpwuid((uid_t)-2);
    (void)getgrgid((gid_t)-2);
}

// The paths are owned.
struct paths {
    struct ha_landlock_path *items;
    size_t n;
    bool failed;
};

static void paths_clear(struct paths *paths)
{
    for (size_t i = 0; i < paths->n; i++)
        free((char *)paths->items[i].path);
    free(paths->items);
}
HA_AUTO_DEFINE_CLEAR(struct paths, paths_clear)

static void add(struct paths *paths, const char *path, enum ha_landlock_access access)
{
    struct ha_landlock_path *more = reallocarray(paths->items, paths->n + 1, sizeof *more);
    if (more)
        paths->items = more;
    if (!more || !(more[paths->n].path = strdup(path))) {
        paths->failed = true;
        return;
    }
    more[paths->n++].access = access;
}

// Files are replaced by others of their name, so it is their directory that counts.
static void add_directory(struct paths *paths, const char *path, enum ha_landlock_access access)
{
    ha_auto(ha_free) char *directory = strdup(path);
    char *slash = directory ? strrchr(directory, '/') : NULL;
    if (slash)
        slash[slash == directory] = '\0';
    add(paths, slash ? directory : ".", access);
    paths->failed = paths->failed || !directory;
}

static void add_of_profile(void *context, const char *path)
{
    add(context, path, HA_LANDLOCK_READ);
    add_directory(context, path, HA_LANDLOCK_READ);
}

static enum ha_code make_audit_directory(const struct ha_agent_config *agent, struct ha_err *err)
{
    if (!agent->audit || !agent->audit_log)
        return HA_OK;
    ha_auto(ha_free) char *directory = strdup(agent->audit_log);
    if (!directory)
        return ha_fail(err, HA_E_MEMORY, "out of memory");
    *strrchr(directory, '/') = '\0';
    return directory[0] ? ha_dir_make(directory, 0700, err) : HA_OK;
}

static enum ha_code limit_files(const struct ha_config *config, int *ret_abi, struct ha_err *err)
{
    ha_auto(ha_free) char *shipped = NULL;
    ha_auto(paths_clear) struct paths paths = {0};
    if (ha_dir_make(config->agent.state_dir, 0700, err))
        return ha_wrap(err, "the state directory can't be made");
    if (make_audit_directory(&config->agent, err))
        return ha_wrap(err, "the directory of the audit log can't be made");
    if (ha_program_data("hsm-config/profiles", HA_PKGDATADIR "/profiles", &shipped, err))
        return err->code;
    add(&paths, "/etc", HA_LANDLOCK_READ);  // users and groups
    add(&paths, "/proc", HA_LANDLOCK_READ);
    add(&paths, "/dev/null", HA_LANDLOCK_USE);
    add(&paths, "/dev/urandom", HA_LANDLOCK_READ);
    add(&paths, shipped, HA_LANDLOCK_READ);
    if (access(config->agent.profiles, F_OK) == 0)
        add(&paths, config->agent.profiles, HA_LANDLOCK_READ);
    else
        add_directory(&paths, config->agent.profiles, HA_LANDLOCK_READ);  // it may come to be
    add(&paths, config->agent.state_dir, HA_LANDLOCK_WRITE);
    if (config->agent.audit && config->agent.audit_log)
        add_directory(&paths, config->agent.audit_log, HA_LANDLOCK_WRITE);
    add_directory(&paths, config->path, HA_LANDLOCK_READ);
    for (size_t i = 0; i < config->n_tokens; i++)  // the module's hash is in transcripts
        add_directory(&paths, config->tokens[i].module, HA_LANDLOCK_READ);
    for (size_t i = 0; i < config->n_listens; i++)
        add_directory(&paths, config->listens[i].socket, HA_LANDLOCK_WRITE);
    ha_profiles_paths(config->profiles, &paths, add_of_profile);
    if (paths.failed)
        return ha_fail(err, HA_E_MEMORY, "out of memory");
    return ha_landlock_enter(&(struct ha_landlock){.paths = paths.items, .n_paths = paths.n}, ret_abi, err);
}

enum ha_code ha_confine_daemon(const struct ha_config *config, const struct ha_log *log, struct ha_err *err)
{
    int abi = 0;
    bool filtered = false;
    // The leak checker of AddressSanitizer traces its own process; ThreadSanitizer needs calls that nobody else does.
    if (HA_SANITIZER)
        return HA_OK;
    load_name_service();
    if (limit_files(config, &abi, err) ||
        ha_seccomp_enter(rules, HA_ARRAY_SIZE(rules), HA_SECCOMP_UNKNOWN, &filtered, err))
        return err->code;
    ha_log(log, abi && filtered ? HA_LOG_INFO : HA_LOG_WARN, "confined",
           HA_S("system-calls", filtered ? "filtered" : "all"), HA_N("landlock", abi));
    return HA_OK;
}
