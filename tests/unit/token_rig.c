// SPDX-License-Identifier: Apache-2.0
#include "token_rig.h"

#include "base/clock.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define ANSWER_MS 120000
#define CHECK(condition)                                                                                               \
    do {                                                                                                               \
        if (!(condition)) {                                                                                            \
            fprintf(stderr, "%s:%d: the rig failed: %s\n", __FILE__, __LINE__, #condition);                            \
            abort();                                                                                                   \
        }                                                                                                              \
    } while (0)

const char *rig_softhsm(void)
{
    const char *path = getenv("SOFTHSM_MODULE");
    return path ? path : "/usr/lib/softhsm/libsofthsm2.so";
}

const char *rig_program(void)
{
    const char *program = getenv("HSM_AGENT_TOKEN");
    return program ? program : "./hsm-agent-token";
}

void rig_path(const struct rig *rig, const char *name, char ret_path[static 128])
{
    CHECK(snprintf(ret_path, 128, "%s/%s", rig->dir, name) < 128);
}

void rig_write(const struct rig *rig, const char *name, const char *text, mode_t mode)
{
    char path[128];
    rig_path(rig, name, path);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
    CHECK(fd >= 0 && fchmod(fd, mode) == 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
    close(fd);
}

// The child's whole environment; the sanitizers' options are handed on.
static void environment(const struct rig *rig, char **ret_environment, char texts[static 3][192])
{
    size_t n = 0;
    snprintf(texts[0], 192, "SOFTHSM2_CONF=%s/softhsm2.conf", rig->dir);
    snprintf(texts[1], 192, FAULT_ENVIRONMENT "=%s/faults", rig->dir);
    snprintf(texts[2], 192, FAULT_MODULE "=%s", rig_softhsm());
    for (size_t i = 0; i < 3; i++)
        ret_environment[n++] = texts[i];
    for (char **item = environ; *item && n < 15; item++) {
        if (strstr(*item, "SAN_OPTIONS=") || strncmp(*item, "PATH=", 5) == 0)
            ret_environment[n++] = *item;
    }
    ret_environment[n] = NULL;
}

static char *read_all(int fd)
{
    size_t n = 0;
    char *text = calloc(1, 65536);
    CHECK(text);
    for (ssize_t got; n < 65535 && (got = read(fd, text + n, 65535 - n)) > 0;)
        n += (size_t)got;
    return text;
}

int rig_run(const struct rig *rig, const char *const *argv, char **ret_output)
{
    char *env[16], texts[3][192];
    int ends[2];
    pid_t pid;
    posix_spawn_file_actions_t actions;
    environment(rig, env, texts);
    CHECK(pipe2(ends, O_CLOEXEC) == 0);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    CHECK(posix_spawnp(&pid, argv[0], &actions, NULL, (char *const *)(uintptr_t)argv, env) == 0);
    posix_spawn_file_actions_destroy(&actions);
    close(ends[1]);
    char *output = read_all(ends[0]);
    close(ends[0]);
    int status;
    CHECK(waitpid(pid, &status, 0) == pid);
    if (ret_output)
        *ret_output = output;
    else
        free(output);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static void map_faults(struct rig *rig)
{
    char path[128];
    rig_path(rig, "faults", path);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    CHECK(fd >= 0 && ftruncate(fd, sizeof(*rig->faults)) == 0);
    rig->faults = mmap(NULL, sizeof(*rig->faults), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    CHECK(rig->faults != MAP_FAILED);
    close(fd);
}

void rig_init(struct rig *rig)
{
    char text[192], so_pin[160], pin[160], module[160], *serial = NULL;
    *rig = (struct rig){.dir = "/tmp/hsm-agent-test-XXXXXX", .control = -1};
    CHECK(mkdtemp(rig->dir));
    rig->buffer = ha_packet_buffer_new();
    CHECK(rig->buffer);
    rig_path(rig, "tokens", text);
    CHECK(mkdir(text, 0700) == 0);
    snprintf(text, sizeof(text), "directories.tokendir = %s/tokens\nlog.level = ERROR\n", rig->dir);
    rig_write(rig, "softhsm2.conf", text, 0600);
    rig_write(rig, "pin", RIG_PIN "\n", 0600);
    rig_write(rig, "so-pin", RIG_SO_PIN "\n", 0600);
    map_faults(rig);
    snprintf(so_pin, sizeof(so_pin), "--so-pin=file:%s/so-pin", rig->dir);
    snprintf(pin, sizeof(pin), "--pin=file:%s/pin", rig->dir);
    snprintf(module, sizeof(module), "--module=%s", rig_softhsm());
    const char *argv[] = {rig_program(), "--init", module, "--label=" RIG_LABEL, so_pin, pin, NULL};
    CHECK(rig_run(rig, argv, &serial) == 0);
    CHECK(strlen(serial) > 1 && strlen(serial) < sizeof(rig->serial));
    strcpy(rig->serial, serial);
    rig->serial[strcspn(rig->serial, "\n")] = '\0';
    free(serial);
}

void rig_clear(struct rig *rig)
{
    rig_stop(rig);
    munmap(rig->faults, sizeof(*rig->faults));
    ha_packet_buffer_free(rig->buffer);
    const char *argv[] = {"rm", "-rf", rig->dir, NULL};
    CHECK(rig_run(rig, argv, NULL) == 0);
}

// The test program's current folder is the build's top.
static void module_path(bool plain, char ret_option[static 256])
{
    char cwd[200];
    const char *faulty = getenv("HSM_AGENT_FAULT_MODULE");
    CHECK(getcwd(cwd, sizeof(cwd)));
    if (plain)
        snprintf(ret_option, 256, "--module=%s", rig_softhsm());
    else if (faulty)
        snprintf(ret_option, 256, "--module=%s", faulty);
    else
        snprintf(ret_option, 256, "--module=%s/tests/unit/.libs/token_fault.so", cwd);
}

void rig_spawn(struct rig *rig, const struct rig_options *options)
{
    char uri[160], pin[160], guard[160], module[256], args[160], sessions[32], *env[16], texts[3][192];
    int ends[2];
    posix_spawn_file_actions_t actions;
    rig->n_workers = options->sessions ? options->sessions : 2;
    CHECK(rig->n_workers <= RIG_WORKERS_MAX && rig->pid == 0);
    snprintf(uri, sizeof(uri), "--uri=%s", options->uri ? options->uri : "pkcs11:token=" RIG_LABEL);
    if (options->pin)
        snprintf(pin, sizeof(pin), "--pin=%s", options->pin);
    else
        snprintf(pin, sizeof(pin), "--pin=file:%s/pin", rig->dir);
    module_path(options->plain_module, module);
    snprintf(sessions, sizeof(sessions), "--sessions=%zu", rig->n_workers);
    const char *argv[12] = {rig_program(), "--name=rig", uri, module, sessions};
    size_t n = 5;
    if (!options->no_pin)
        argv[n++] = pin;
    snprintf(guard, sizeof(guard), "--pin-guard=%s/guard", rig->dir);
    if (options->guard)
        argv[n++] = guard;
    snprintf(args, sizeof(args), "--module-args=%s", options->module_args ? options->module_args : "");
    if (options->module_args)
        argv[n++] = args;
    if (options->software_oaep)
        argv[n++] = "--software-oaep";
    environment(rig, env, texts);
    CHECK(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) == 0);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[1], HA_CONTROL_FD);
    CHECK(posix_spawn(&rig->pid, rig_program(), &actions, NULL, (char *const *)(uintptr_t)argv, env) == 0);
    posix_spawn_file_actions_destroy(&actions);
    close(ends[1]);
    rig->control = ends[0];
    for (size_t i = 0; i < RIG_WORKERS_MAX; i++)
        rig->worker[i] = -1;
}

static enum ha_code receive(struct rig *rig, int fd, struct ha_packet *ret_answer, struct ha_err *err)
{
    enum ha_code code = ha_packet_recv(fd, ha_now_ms() + ANSWER_MS, rig->buffer, ret_answer, NULL, NULL, err);
    if (code == HA_OK && ret_answer->code != HA_OK)
        code = ha_packet_error(ret_answer, err);
    return code;
}

enum ha_code rig_start(struct rig *rig, struct ha_err *err)
{
    int theirs[RIG_WORKERS_MAX];
    struct ha_packet question = {.op = HA_OP_START, .serial = 1}, answer;
    for (size_t i = 0; i < rig->n_workers; i++) {
        int ends[2];
        CHECK(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) == 0);
        rig->worker[i] = ends[0];
        theirs[i] = ends[1];
    }
    enum ha_code code = ha_packet_send(rig->control, &question, theirs, rig->n_workers, err);
    for (size_t i = 0; i < rig->n_workers; i++)
        close(theirs[i]);
    if (code == HA_OK)
        code = receive(rig, rig->control, &answer, err);
    if (code)
        return code;
    CHECK(answer.part[3].len == HA_ALG_COUNT);
    memcpy(rig->ways, answer.part[3].data, HA_ALG_COUNT);
    CHECK(answer.part[1].len == strlen(rig->serial) &&
          memcmp(answer.part[1].data, rig->serial, answer.part[1].len) == 0);
    return HA_OK;
}

void rig_up(struct rig *rig, const struct rig_options *options)
{
    struct ha_err err = {0};
    rig_spawn(rig, options);
    if (rig_start(rig, &err) != HA_OK) {
        fprintf(stderr, "START: %s\n", err.detail);
        abort();
    }
}

static void close_channels(struct rig *rig)
{
    for (size_t i = 0; i < rig->n_workers; i++) {
        if (rig->worker[i] >= 0)
            close(rig->worker[i]);
        rig->worker[i] = -1;
    }
    if (rig->control >= 0)
        close(rig->control);
    rig->control = -1;
}

int rig_wait(struct rig *rig)
{
    int status = 0;
    CHECK(rig->pid > 0 && waitpid(rig->pid, &status, 0) == rig->pid);
    rig->pid = 0;
    close_channels(rig);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

int rig_stop(struct rig *rig)
{
    if (rig->pid == 0)
        return 0;
    close_channels(rig);
    return rig_wait(rig);
}

enum ha_code rig_ask(struct rig *rig, int fd, struct ha_packet *question, struct ha_packet *ret_answer,
                     struct ha_err *err)
{
    static const uint64_t serial = 0x1122334455667788;
    question->serial = serial;
    enum ha_code code = ha_packet_send(fd, question, NULL, 0, err);
    if (code == HA_OK)
        code = receive(rig, fd, ret_answer, err);
    CHECK(code != HA_OK ||
          (ret_answer->serial == serial && (ret_answer->op == question->op || ret_answer->op == HA_OP_OBJECT)));
    return code;
}

struct ha_pubkey *rig_key(struct rig *rig, const char *id, enum ha_key_type type, unsigned purposes)
{
    struct ha_packet question = {.op = HA_OP_GENERATE, .key_type = type, .purposes = purposes}, answer;
    struct ha_err err = {0};
    struct ha_pubkey *key = NULL;
    question.part[0] = (struct ha_part){id, strlen(id)};
    question.part[1] = (struct ha_part){"test", 4};
    if (rig_ask(rig, rig->control, &question, &answer, &err) != HA_OK ||
        ha_pubkey_restore(answer.part[0].data, answer.part[0].len, &key, &err) != HA_OK) {
        fprintf(stderr, "GENERATE: %s\n", err.detail);
        abort();
    }
    return key;
}

enum ha_code rig_use(struct rig *rig, size_t worker, enum ha_op op, enum ha_alg alg, const char *id,
                     const struct ha_pubkey *key, struct ha_part input, struct ha_packet *ret_answer,
                     struct ha_err *err)
{
    struct ha_packet question = {.op = op, .alg = alg};
    question.part[0] = (struct ha_part){id, strlen(id)};
    question.part[1] = (struct ha_part){ha_pubkey_spki_sha256(key), HA_SPKI_HASH_LEN};
    question.part[2] = input;
    return rig_ask(rig, rig->worker[worker], &question, ret_answer, err);
}
