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

static const struct ha_seccomp_rule rules[] = {
    // Memory: nothing that was written is ever run.
    HA_ALLOW(brk),
    HA_ALLOW(munmap),
    HA_ALLOW(mremap),
    HA_ALLOW(madvise),
    HA_ALLOW(mlock),
    HA_ALLOW(mlock2),
    HA_ALLOW(munlock),
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
    HA_ALLOW(futex),
    HA_ALLOW(set_robust_list),
    HA_ALLOW(rseq),
    HA_ALLOW(exit),
    HA_ALLOW(exit_group),
    HA_ALLOW(gettid),
    HA_ALLOW(getpid),
    HA_ALLOW(getppid),
    HA_ALLOW(sched_yield),
    HA_ALLOW(sched_getaffinity),
    {.number = SYS_sched_setaffinity, .mask = UINT32_MAX, .values = {0}, .n_values = 1, .otherwise = HA_SECCOMP_REFUSE},
    HA_ALLOW(membarrier),
    HA_ALLOW(restart_syscall),
    HA_ALLOW(sysinfo),
    HA_ALLOW(uname),
    HA_ALLOW(getrusage),
    HA_ALLOW(getcpu),
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
    HA_ALLOW(clock_gettime),
    HA_ALLOW(clock_getres),
    HA_ALLOW(gettimeofday),
    HA_ALLOW(nanosleep),
    HA_ALLOW(clock_nanosleep),
    HA_ALLOW(adjtimex),
    HA_ALLOW(clock_adjtime),
    HA_ALLOW(getrandom),
    // Signals, and the children that the starter made.
    HA_ALLOW(rt_sigaction),
    HA_ALLOW(rt_sigprocmask),
    HA_ALLOW(rt_sigreturn),
    HA_ALLOW(rt_sigtimedwait),
    HA_ALLOW(rt_sigpending),
    HA_ALLOW(sigaltstack),
    HA_ALLOW(tgkill),
    HA_ALLOW(kill),
    HA_ALLOW(wait4),
    HA_ALLOW(waitid),
    HA_ALLOW(pidfd_open),
    HA_ALLOW(pidfd_send_signal),
    // Who somebody is.
    HA_ALLOW(getuid),
    HA_ALLOW(geteuid),
    HA_ALLOW(getgid),
    HA_ALLOW(getegid),
    HA_ALLOW(getgroups),
    HA_ALLOW(getresuid),
    HA_ALLOW(getresgid),
    // Files.
    HA_ALLOW(openat),
    HA_ALLOW(close),
    HA_ALLOW(close_range),
    HA_ALLOW(read),
    HA_ALLOW(readv),
    HA_ALLOW(pread64),
    HA_ALLOW(preadv),
    HA_ALLOW(write),
    HA_ALLOW(writev),
    HA_ALLOW(pwrite64),
    HA_ALLOW(pwritev),
    HA_ALLOW(lseek),
    HA_ALLOW(newfstatat),
    HA_ALLOW(fstat),
    HA_ALLOW(statx),
    HA_ALLOW(statfs),
    HA_ALLOW(fstatfs),
    HA_ALLOW(faccessat),
    HA_ALLOW(faccessat2),
    HA_ALLOW(readlinkat),
    HA_ALLOW(getdents64),
    HA_ALLOW(getcwd),
    HA_ALLOW(mkdirat),
    HA_ALLOW(unlinkat),
    HA_ALLOW(renameat),
    HA_ALLOW(renameat2),
    HA_ALLOW(fchmod),
    HA_ALLOW(fchmodat),
    HA_ALLOW(fchown),
    HA_ALLOW(fchownat),
    HA_ALLOW(umask),
    HA_ALLOW(fsync),
    HA_ALLOW(fdatasync),
    HA_ALLOW(ftruncate),
    HA_ALLOW(fallocate),
    HA_ALLOW(fadvise64),
    HA_ALLOW(sync_file_range),
    HA_ALLOW(utimensat),
    HA_ALLOW(flock),
    HA_ALLOW(linkat),
    HA_ALLOW(copy_file_range),
    HA_ALLOW(sendfile),
    HA_ALLOW(fcntl),
    HA_ALLOW(dup),
    HA_ALLOW(dup3),
    HA_ALLOW(pipe2),
    HA_ALLOW(eventfd2),
    HA_ALLOW(timerfd_create),
    HA_ALLOW(timerfd_settime),
    HA_ALLOW(ppoll),
    HA_ALLOW(pselect6),
    HA_ALLOW(epoll_create1),
    HA_ALLOW(epoll_ctl),
    HA_ALLOW(epoll_pwait),
    {.number = SYS_ioctl,
     .argument = 1,
     .mask = UINT32_MAX,
     .values = {FIONBIO, FIONREAD, TCGETS},
     .n_values = 3,
     .otherwise = HA_SECCOMP_REFUSE},
    // Sockets on this machine.
    {.number = SYS_socket, .mask = UINT32_MAX, .values = {AF_UNIX}, .n_values = 1, .otherwise = HA_SECCOMP_REFUSE},
    {.number = SYS_socketpair, .mask = UINT32_MAX, .values = {AF_UNIX}, .n_values = 1, .otherwise = HA_SECCOMP_REFUSE},
    HA_ALLOW(bind),
    HA_ALLOW(listen),
    HA_ALLOW(connect),
    HA_ALLOW(accept),
    HA_ALLOW(accept4),
    HA_ALLOW(shutdown),
    HA_ALLOW(getsockopt),
    HA_ALLOW(setsockopt),
    HA_ALLOW(getsockname),
    HA_ALLOW(getpeername),
    HA_ALLOW(sendto),
    HA_ALLOW(sendmsg),
    HA_ALLOW(recvfrom),
    HA_ALLOW(recvmsg),
#ifdef SYS_open  // processors that have the old ones as well
    HA_ALLOW(open),
    HA_ALLOW(stat),
    HA_ALLOW(lstat),
    HA_ALLOW(access),
    HA_ALLOW(readlink),
    HA_ALLOW(mkdir),
    HA_ALLOW(rmdir),
    HA_ALLOW(unlink),
    HA_ALLOW(rename),
    HA_ALLOW(link),
    HA_ALLOW(chmod),
    HA_ALLOW(chown),
    HA_ALLOW(lchown),
    HA_ALLOW(dup2),
    HA_ALLOW(pipe),
    HA_ALLOW(poll),
    HA_ALLOW(select),
    HA_ALLOW(epoll_wait),
    HA_ALLOW(time),
    HA_ALLOW(arch_prctl),
    HA_KILL(fork),
    HA_KILL(vfork),
#endif
    // Nobody but an intruder.
    HA_KILL(execve),
    HA_KILL(execveat),
    HA_KILL(ptrace),
    HA_KILL(process_vm_readv),
    HA_KILL(process_vm_writev),
    HA_KILL(bpf),
    HA_KILL(init_module),
    HA_KILL(finit_module),
    HA_KILL(mount),
    HA_KILL(unshare),
    HA_KILL(setns),
    HA_KILL(keyctl),
    HA_KILL(pidfd_getfd),
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
