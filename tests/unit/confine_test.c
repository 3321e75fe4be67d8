// SPDX-License-Identifier: Apache-2.0
// What a daemon, and a token's process, can't do any more once it is confined. Each act is a process of its own.
#include "agentd/confine.h"
#include "base/sanitizer.h"
#include "token/confine.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { KILLED = 1000, NOT_CONFINED = 98 };

struct fixture {
    char directory[40], state[60], module[60], elsewhere[60], socket[80], path[80];
    struct ha_config *config;
};

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    struct ha_err err = {0};
    struct ha_mistakes mistakes = {0};
    char text[600];
    strcpy(f->directory, "/tmp/confine_test.XXXXXX");
    assert_non_null(mkdtemp(f->directory));
    snprintf(f->state, sizeof f->state, "%s/state", f->directory);
    snprintf(f->module, sizeof f->module, "%s/module", f->directory);
    snprintf(f->elsewhere, sizeof f->elsewhere, "%s/elsewhere", f->directory);
    snprintf(f->path, sizeof f->path, "%s/state/agent.conf", f->directory);
    const char *all[] = {f->state, f->module, f->elsewhere};
    for (size_t i = 0; i < HA_ARRAY_SIZE(all); i++)
        assert_int_equal(mkdir(all[i], 0700), 0);
    snprintf(text, sizeof text,
             "[agent]\nstate-dir = %s\n[listen a]\nsocket = %s/agent.sock\n[token main]\nuri = pkcs11:token=x\n"
             "module = /nowhere/m.so\npin = prompt\n[client c]\nuser = 0\nallow = *:*\n",
             f->state, f->state);
    assert_int_equal(ha_config_parse(f->path, text, strlen(text), &f->config, &mistakes, &err), HA_OK);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    char command[60];
    snprintf(command, sizeof command, "rm -rf %s", f->directory);
    ha_config_free(f->config);
    free(f);
    return system(command);
}

typedef enum ha_code (*confine_fn)(const struct fixture *f, struct ha_err *err);

static enum ha_code as_daemon(const struct fixture *f, struct ha_err *err)
{
    const struct ha_log log = {.fd = 2, .least = HA_LOG_ERROR};
    return ha_confine_daemon(f->config, &log, err);
}

static enum ha_code as_token(const struct fixture *f, enum ha_sandbox sandbox, struct ha_err *err)
{
    struct ha_token_options options = {.sandbox = sandbox, .writes = {f->module}, .n_writes = 1};
    struct ha_confined confined;
    return ha_confine(&options, &confined, err);
}

static enum ha_code as_strict(const struct fixture *f, struct ha_err *err)
{
    return as_token(f, HA_SANDBOX_STRICT, err);
}

static enum ha_code as_module(const struct fixture *f, struct ha_err *err)
{
    return as_token(f, HA_SANDBOX_MODULE, err);
}

static enum ha_code as_off(const struct fixture *f, struct ha_err *err)
{
    return as_token(f, HA_SANDBOX_OFF, err);
}

// What comes of an act: 0, an errno, or KILLED for the filter's signal.
static int after(confine_fn confine, const struct fixture *f, int (*act)(const struct fixture *f))
{
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        struct ha_err err = {0};
        prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
        _exit(confine(f, &err) ? NOT_CONFINED : act(f));
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    if (WIFSIGNALED(status))
        return WTERMSIG(status) == SIGSYS ? KILLED : -WTERMSIG(status);
    assert_int_not_equal(WEXITSTATUS(status), NOT_CONFINED);
    return WEXITSTATUS(status);
}

static int outcome(bool ok)
{
    return ok ? 0 : errno;
}

static int run_program(const struct fixture *f)
{
    return outcome(execl("/bin/true", "true", NULL) == 0);
}

static int fork_once(const struct fixture *f)
{
    pid_t pid = fork();
    if (pid == 0)
        _exit(0);
    return outcome(pid > 0);
}

static void *nothing(void *context)
{
    return context;
}

static int make_thread(const struct fixture *f)
{
    pthread_t thread;
    int error = pthread_create(&thread, NULL, nothing, NULL);
    return error ? error : pthread_join(thread, NULL);
}

static int trace_parent(const struct fixture *f)
{
    return outcome(ptrace(PTRACE_ATTACH, getppid(), NULL, NULL) == 0);
}

static int run_memory(const struct fixture *f)
{
    return outcome(mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) !=
                   MAP_FAILED);
}

static int run_written_memory(const struct fixture *f)
{
    void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return outcome(page != MAP_FAILED && mprotect(page, 4096, PROT_READ | PROT_EXEC) == 0);
}

static int use_network(const struct fixture *f)
{
    return outcome(socket(AF_INET, SOCK_STREAM, 0) >= 0);
}

static int use_unix(const struct fixture *f)
{
    return outcome(socket(AF_UNIX, SOCK_STREAM, 0) >= 0);
}

static int make_file(const char *directory)
{
    char path[100];
    snprintf(path, sizeof path, "%s/new", directory);
    return outcome(open(path, O_WRONLY | O_CREAT, 0600) >= 0);
}

static int write_state(const struct fixture *f)
{
    return make_file(f->state);
}

static int write_module(const struct fixture *f)
{
    return make_file(f->module);
}

static int write_elsewhere(const struct fixture *f)
{
    return make_file(f->elsewhere);
}

static int read_users(const struct fixture *f)
{
    return outcome(open("/etc/passwd", O_RDONLY) >= 0);
}

static int read_elsewhere(const struct fixture *f)
{
    return outcome(open("/bin/sh", O_RDONLY) >= 0);
}

static int inject_input(const struct fixture *f)
{
    return outcome(ioctl(0, 0x5412 /* TIOCSTI */, "x") == 0);
}

static int load_module(const struct fixture *f)
{
    return outcome(syscall(SYS_finit_module, -1, "", 0) == 0);
}

// By the numbers that x86 has for programs with short pointers: the same calls, and a filter that doesn't know them.
static int call_by_other_numbers(const struct fixture *f)
{
#ifdef __x86_64__
    return outcome(syscall(0x40000000 | SYS_getppid) == getppid());
#else
    raise(SIGSYS);
    return 0;
#endif
}

// At an address whose low half is 0, as no address is.
static int set_limit(const struct fixture *f)
{
    struct rlimit *limit = mmap((void *)0x200000000000, 4096, PROT_READ | PROT_WRITE,
                                MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
    if (limit == MAP_FAILED || getrlimit(RLIMIT_NOFILE, limit) != 0)
        return 99;
    return outcome(setrlimit(RLIMIT_NOFILE, limit) == 0);
}

static int run_shared_memory(const struct fixture *f)
{
    int id = shmget(IPC_PRIVATE, 4096, 0700);
    if (id < 0)
        return errno;
    int result = outcome(shmat(id, NULL, SHM_EXEC) != (void *)-1);
    shmctl(id, IPC_RMID, NULL);
    return result;
}

// What each of them gets: the daemon, a token's process with strict, module and off.
static const struct {
    const char *what;
    int (*act)(const struct fixture *f);
    int daemon, strict, module, off;
} acts[] = {
    {"start a program", run_program, KILLED, KILLED, 0, 0},
    {"fork", fork_once, KILLED, EPERM, 0, 0},
    {"make a thread", make_thread, 0, 0, 0, 0},
    {"trace another process", trace_parent, KILLED, KILLED, KILLED, 0},
    {"map memory to be written and run", run_memory, EPERM, EPERM, 0, 0},
    {"run what was written", run_written_memory, EPERM, EPERM, 0, 0},
    {"make an internet socket", use_network, EPERM, EPERM, 0, 0},
    {"make a Unix socket", use_unix, 0, 0, 0, 0},
    {"write the state directory", write_state, 0, EACCES, EACCES, 0},
    {"write the module's directory", write_module, EACCES, 0, 0, 0},
    {"write elsewhere", write_elsewhere, EACCES, EACCES, EACCES, 0},
    {"read /etc/passwd", read_users, 0, 0, 0, 0},
    {"read /bin/sh", read_elsewhere, EACCES, 0, 0, 0},
    {"run shared memory", run_shared_memory, ENOSYS, EPERM, 0, 0},
    {"set a limit", set_limit, EPERM, 0, 0, 0},
    {"call by another architecture's numbers", call_by_other_numbers, KILLED, KILLED, KILLED, ENOSYS},
    {"load a module into the kernel", load_module, KILLED, KILLED, KILLED, EPERM},
};

static void confine_takes_what_is_not_needed(void **state)
{
    const struct fixture *f = *state;
    for (size_t i = 0; i < HA_ARRAY_SIZE(acts); i++) {
        const int wanted[] = {acts[i].daemon, acts[i].strict, acts[i].module};
        const confine_fn kinds[] = {as_daemon, as_strict, as_module};
        // A daemon with a sanitizer in it isn't confined.
        for (size_t kind = HA_SANITIZER ? 1 : 0; kind < HA_ARRAY_SIZE(kinds); kind++) {
            int got = after(kinds[kind], f, acts[i].act);
            if (got != wanted[kind])
                fail_msg("kind %zu can %s: %d instead of %d", kind, acts[i].what, got, wanted[kind]);
        }
    }
}

static void confine_off_takes_nothing(void **state)
{
    const struct fixture *f = *state;
    assert_int_equal(after(as_off, f, run_program), 0);
    assert_int_equal(after(as_off, f, fork_once), 0);
    assert_int_equal(after(as_off, f, run_memory), 0);
    assert_int_equal(after(as_off, f, use_network), 0);
    assert_int_equal(after(as_off, f, write_elsewhere), 0);
}

static void confine_daemon_forges_no_input(void **state)
{
    if (!HA_SANITIZER)
        assert_int_equal(after(as_daemon, *state, inject_input), EPERM);
}

static void confine_user_that_is_not_root_is_refused(void **state)
{
    struct ha_err err = {0};
    char name[] = "daemon";
    struct ha_agent_config agent = {.user = name, .uid = 1};
    if (geteuid() == 0) {
        pid_t pid = fork();
        if (pid == 0)
            _exit(ha_confine_user(&agent, &err) == HA_OK && geteuid() == 1 && getuid() == 1 && getgid() != 0 &&
                          setresuid(0, 0, 0) != 0 && ha_confine_user(&agent, &err) == HA_OK
                      ? 0
                      : 1);
        int status;
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_int_equal(status, 0);
        return;
    }
    assert_int_equal(ha_confine_user(&agent, &err), HA_E_CONFIG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(confine_takes_what_is_not_needed, setup, teardown),
        cmocka_unit_test_setup_teardown(confine_off_takes_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(confine_daemon_forges_no_input, setup, teardown),
        cmocka_unit_test(confine_user_that_is_not_root_is_refused),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
