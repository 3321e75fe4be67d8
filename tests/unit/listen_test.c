// SPDX-License-Identifier: Apache-2.0
// Listening sockets: owner and mode, what stands there already, the lock, who removes what.
#include "agentd/listen.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <cmocka.h>

enum { PATH_SIZE = 128 };

// A directory of its own for each test.
struct place {
    char dir[64];
    char path[PATH_SIZE], lock[PATH_SIZE], temporary[PATH_SIZE];
    struct ha_listen_config config;
};

static int setup(void **state)
{
    struct place *place = calloc(1, sizeof *place);
    snprintf(place->dir, sizeof place->dir, "/tmp/hsm-agent-listen-XXXXXX");
    if (!mkdtemp(place->dir))
        return -1;
    snprintf(place->path, PATH_SIZE, "%s/s", place->dir);
    snprintf(place->lock, PATH_SIZE, "%s/s.lock", place->dir);
    snprintf(place->temporary, PATH_SIZE, "%s/s.new", place->dir);
    static char name[] = "test";
    place->config = (struct ha_listen_config){
        .name = name, .socket = place->path, .uid = (uid_t)-1, .gid = (gid_t)-1, .mode = 0660};
    *state = place;
    return 0;
}

static int teardown(void **state)
{
    struct place *place = *state;
    unlink(place->path);
    unlink(place->lock);
    unlink(place->temporary);
    int left = rmdir(place->dir);
    free(place);
    return left;
}

static bool exists(const char *path)
{
    struct stat file;
    return lstat(path, &file) == 0;
}

static struct sockaddr_un address_of(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    assert_true(strlen(path) < sizeof address.sun_path);
    memcpy(address.sun_path, path, strlen(path));
    return address;
}

static int connect_to(const char *path)
{
    struct sockaddr_un address = address_of(path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connect(fd, (struct sockaddr *)&address, sizeof address) == 0)
        return fd;
    close(fd);
    return -1;
}

static int bind_to(const char *path, int type)
{
    struct sockaddr_un address = address_of(path);
    int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    if (type == SOCK_STREAM)
        assert_int_equal(listen(fd, 1), 0);
    return fd;
}

static void write_file(const char *path)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs("mine", file);
    fclose(file);
}

static void assert_serves(const char *path)
{
    int fd = connect_to(path);
    assert_true(fd >= 0);
    close(fd);
}

static void assert_refused(const struct place *place, enum ha_code code, const char *words)
{
    struct ha_listen *listener = NULL;
    struct ha_err err = {0};
    assert_int_equal(ha_listen_new(&place->config, 8, &listener, &err), code);
    assert_null(listener);
    if (!strstr(err.detail, words) && !strstr(err.hint, words))
        fail_msg("no '%s' in: %s (%s)", words, err.detail, err.hint);
    assert_non_null(strstr(err.detail, "[listen test]"));
}

static struct ha_listen *make(const struct place *place)
{
    struct ha_listen *listener = NULL;
    struct ha_err err = {0};
    if (ha_listen_new(&place->config, 8, &listener, &err) != HA_OK)
        fail_msg("%s", err.detail);
    return listener;
}

static void listen_makes_a_socket_and_removes_it(void **state)
{
    const struct place *place = *state;
    struct ha_listen *listener = make(place);
    assert_serves(place->path);
    assert_true(ha_listen_fd(listener) >= 0);
    assert_true(exists(place->lock));
    assert_false(exists(place->temporary));
    ha_listen_free(listener);
    assert_false(exists(place->path));
    assert_false(exists(place->lock));
    ha_listen_free(NULL);
}

static void listen_mode_is_exact_whatever_the_umask(void **state)
{
    struct place *place = *state;
    static const mode_t modes[] = {0660, 0666, 0600, 0777}, masks[] = {0, 022, 077, 0777};
    for (size_t i = 0; i < HA_ARRAY_SIZE(modes); i++) {
        struct stat file;
        mode_t before = umask(masks[i]);
        place->config.mode = modes[i];
        struct ha_listen *listener = make(place);
        umask(before);
        assert_int_equal(lstat(place->path, &file), 0);
        assert_int_equal(file.st_mode & 07777, modes[i]);
        ha_listen_free(listener);
    }
}

static void listen_gives_the_socket_to_user_and_group(void **state)
{
    struct place *place = *state;
    struct stat file;
    if (geteuid() != 0)
        skip();
    place->config.uid = 1;
    place->config.gid = 2;
    struct ha_listen *listener = make(place);
    assert_int_equal(lstat(place->path, &file), 0);
    assert_int_equal(file.st_uid, 1);
    assert_int_equal(file.st_gid, 2);
    ha_listen_free(listener);
}

static void listen_access_changes_under_its_connections(void **state)
{
    struct place *place = *state;
    struct stat before, file;
    struct ha_err err = {0};
    struct ha_listen *listener = make(place);
    int fd = connect_to(place->path);
    assert_int_equal(lstat(place->path, &before), 0);
    place->config.mode = 0602;
    if (geteuid() == 0) {
        place->config.uid = 1;
        place->config.gid = 2;
    }
    assert_int_equal(ha_listen_set_access(listener, &place->config, &err), HA_OK);
    assert_int_equal(lstat(place->path, &file), 0);
    assert_int_equal(file.st_ino, before.st_ino);
    assert_int_equal(file.st_mode & 07777, 0602);
    assert_int_equal(file.st_uid, geteuid() == 0 ? 1 : before.st_uid);
    assert_int_equal(file.st_gid, geteuid() == 0 ? 2 : before.st_gid);
    // Unset, it is again what it was at first.
    place->config.uid = (uid_t)-1;
    place->config.gid = (gid_t)-1;
    assert_int_equal(ha_listen_set_access(listener, &place->config, &err), HA_OK);
    assert_int_equal(lstat(place->path, &file), 0);
    assert_int_equal(file.st_uid, before.st_uid);
    assert_int_equal(file.st_gid, before.st_gid);
    assert_true(fd >= 0);
    close(fd);
    ha_listen_free(listener);
}

static void listen_access_of_what_is_not_ours_stays(void **state)
{
    struct place *place = *state;
    struct stat file;
    struct ha_err err = {0};
    struct ha_listen *listener = make(place);
    unlink(place->path);
    write_file(place->path);
    chmod(place->path, 0600);
    assert_int_equal(ha_listen_set_access(listener, &place->config, &err), HA_E_CONFLICT);
    assert_int_equal(lstat(place->path, &file), 0);
    assert_int_equal(file.st_mode & 07777, 0600);
    ha_listen_free(listener);
    assert_true(exists(place->path));
}

static void listen_unlink_leaves_the_queue(void **state)
{
    const struct place *place = *state;
    struct ha_listen *listener = make(place);
    int fd = connect_to(place->path);
    ha_listen_unlink(listener);
    assert_false(exists(place->path));
    assert_true(exists(place->lock));
    int accepted = accept(ha_listen_fd(listener), NULL, NULL);
    assert_true(fd >= 0 && accepted >= 0);
    close(accepted);
    close(fd);
    write_file(place->path);
    ha_listen_free(listener);
    assert_true(exists(place->path));
}

static void listen_replaces_a_stale_socket(void **state)
{
    const struct place *place = *state;
    close(bind_to(place->path, SOCK_STREAM));
    assert_int_equal(connect_to(place->path), -1);
    struct ha_listen *listener = make(place);
    assert_serves(place->path);
    ha_listen_free(listener);
}

static void listen_leaves_a_live_socket_alone(void **state)
{
    const struct place *place = *state;
    int other = bind_to(place->path, SOCK_STREAM);
    assert_refused(place, HA_E_CONFLICT, "another program answers");
    assert_serves(place->path);
    // Nor one whose queue is full.
    int queued[8];
    for (size_t i = 0; i < HA_ARRAY_SIZE(queued); i++) {
        struct sockaddr_un address = address_of(place->path);
        queued[i] = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        connect(queued[i], (struct sockaddr *)&address, sizeof address);
    }
    assert_refused(place, HA_E_CONFLICT, "another program answers");
    for (size_t i = 0; i < HA_ARRAY_SIZE(queued); i++)
        close(queued[i]);
    close(other);
    assert_false(exists(place->lock));
}

static void listen_leaves_a_live_socket_of_another_type_alone(void **state)
{
    const struct place *place = *state;
    int other = bind_to(place->path, SOCK_DGRAM);
    assert_refused(place, HA_E_CONFLICT, "another program answers");
    assert_true(exists(place->path));
    close(other);
}

static void listen_leaves_files_alone(void **state)
{
    const struct place *place = *state;
    write_file(place->path);
    assert_refused(place, HA_E_CONFLICT, "isn't a socket");
    assert_true(exists(place->path));
    assert_int_equal(unlink(place->path), 0);

    assert_int_equal(mkdir(place->path, 0755), 0);
    assert_refused(place, HA_E_CONFLICT, "isn't a socket");
    assert_int_equal(rmdir(place->path), 0);

    assert_int_equal(symlink("/tmp", place->path), 0);
    assert_refused(place, HA_E_CONFLICT, "isn't a socket");
    assert_int_equal(unlink(place->path), 0);

    write_file(place->temporary);
    assert_refused(place, HA_E_CONFLICT, "isn't a socket");
    assert_true(exists(place->temporary));
}

static void listen_clears_what_a_killed_agent_left(void **state)
{
    const struct place *place = *state;
    close(bind_to(place->temporary, SOCK_STREAM));
    close(bind_to(place->path, SOCK_STREAM));
    write_file(place->lock);
    struct ha_listen *listener = make(place);
    assert_serves(place->path);
    assert_false(exists(place->temporary));
    ha_listen_free(listener);
}

static void listen_of_two_agents_refuses_the_second(void **state)
{
    const struct place *place = *state;
    struct ha_listen *first = make(place);
    assert_refused(place, HA_E_CONFLICT, "another process serves");
    // Even when the socket itself is gone, the lock counts.
    assert_int_equal(unlink(place->path), 0);
    assert_refused(place, HA_E_CONFLICT, "another process serves");
    assert_true(exists(place->lock));
    ha_listen_free(first);
    struct ha_listen *second = make(place);
    assert_serves(place->path);
    ha_listen_free(second);
}

static void listen_follows_no_link_to_its_lock(void **state)
{
    const struct place *place = *state;
    char target[PATH_SIZE];
    snprintf(target, sizeof target, "%s/target", place->dir);
    assert_int_equal(symlink(target, place->lock), 0);
    assert_refused(place, HA_E_IO, "symbolic link");
    assert_false(exists(target));
    assert_int_equal(unlink(place->lock), 0);
    assert_int_equal(mkfifo(place->lock, 0600), 0);
    assert_refused(place, HA_E_CONFLICT, "isn't a regular file");
}

static void listen_without_its_directory_says_so(void **state)
{
    struct place *place = *state;
    char path[PATH_SIZE];
    snprintf(path, sizeof path, "%s/missing/s", place->dir);
    place->config.socket = path;
    assert_refused(place, HA_E_IO, "Make the directory");
    place->config.socket = place->path;
}

// Runs act in a process of user 65534, whose end tells: 0 is good.
static int as_nobody(const struct place *place, int (*act)(const struct place *place))
{
    int status;
    fflush(stdout);
    pid_t child = fork();
    if (child == 0)
        _exit(setresgid(65534, 65534, 65534) == 0 && setresuid(65534, 65534, 65534) == 0 ? act(place) : 99);
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 98;
}

static int expect_no_lock(const struct place *place)
{
    struct ha_listen *listener = NULL;
    struct ha_err err = {0};
    return ha_listen_new(&place->config, 8, &listener, &err) == HA_E_IO && strstr(err.hint, "may make files") ? 0 : 1;
}

static int expect_no_access(const struct place *place)
{
    struct ha_listen *listener = NULL;
    struct ha_err err = {0};
    return ha_listen_new(&place->config, 8, &listener, &err) == HA_E_CONFLICT && strstr(err.detail, "may not connect")
               ? 0
               : 1;
}

static int expect_no_chown(const struct place *place)
{
    struct ha_listen *listener = NULL;
    struct ha_err err = {0};
    bool refused = ha_listen_new(&place->config, 8, &listener, &err) == HA_E_IO && strstr(err.hint, "run as root");
    return refused && !exists(place->path) && !exists(place->temporary) && !exists(place->lock) ? 0 : 1;
}

static void listen_without_rights_says_which(void **state)
{
    struct place *place = *state;
    if (geteuid() != 0)
        skip();
    assert_int_equal(chmod(place->dir, 0755), 0);
    assert_int_equal(as_nobody(place, expect_no_lock), 0);
    assert_int_equal(chmod(place->dir, 0777), 0);
    int other = bind_to(place->path, SOCK_STREAM);
    assert_int_equal(chmod(place->path, 0600), 0);
    assert_int_equal(as_nobody(place, expect_no_access), 0);
    assert_serves(place->path);
    close(other);
    assert_int_equal(unlink(place->path), 0);
    place->config.gid = 1;
    assert_int_equal(as_nobody(place, expect_no_chown), 0);
}

static void listen_free_leaves_what_is_not_its_own(void **state)
{
    const struct place *place = *state;
    struct ha_listen *listener = make(place);
    assert_int_equal(unlink(place->path), 0);
    int other = bind_to(place->path, SOCK_STREAM);
    ha_listen_free(listener);
    assert_serves(place->path);
    assert_false(exists(place->lock));
    close(other);
}

static void listen_after_a_killed_agent_takes_over(void **state)
{
    const struct place *place = *state;
    int status;
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        struct ha_listen *listener = NULL;
        struct ha_err err = {0};
        if (ha_listen_new(&place->config, 8, &listener, &err) != HA_OK)
            _exit(1);
        raise(SIGKILL);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    assert_true(exists(place->path) && exists(place->lock));
    struct ha_listen *listener = make(place);
    assert_serves(place->path);
    ha_listen_free(listener);
}

static void listen_takes_the_longest_path(void **state)
{
    struct place *place = *state;
    char path[PATH_SIZE];
    memset(path, 'x', sizeof path);
    memcpy(path, place->path, strlen(place->path));
    path[102] = '\0';
    place->config.socket = path;
    struct ha_listen *listener = make(place);
    assert_serves(path);
    ha_listen_free(listener);
    path[102] = 'x';
    path[108] = '\0';
    assert_refused(place, HA_E_CONFIG, "too long");
    place->config.socket = place->path;
}

// In a process: takes and leaves the path again and again; nobody else may have it meanwhile.
static int contend(const struct place *place, atomic_int *holders, atomic_int *turns)
{
    for (int i = 0; i < 300; i++) {
        struct ha_listen *listener = NULL;
        struct ha_err err = {0};
        enum ha_code code = ha_listen_new(&place->config, 8, &listener, &err);
        if (code == HA_E_CONFLICT)
            continue;
        if (code != HA_OK)
            return 1;
        int before = atomic_fetch_add(holders, 1);
        int fd = connect_to(place->path);
        if (before != 0 || fd < 0)
            return 2;
        close(fd);
        atomic_fetch_add(turns, 1);
        atomic_fetch_sub(holders, 1);
        ha_listen_free(listener);
    }
    return 0;
}

static void listen_has_one_holder_at_any_time(void **state)
{
    enum { PROCESSES = 6 };
    const struct place *place = *state;
    pid_t children[PROCESSES];
    atomic_int *counters = mmap(NULL, 2 * sizeof *counters, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(counters != MAP_FAILED);
    fflush(stdout);
    for (size_t i = 0; i < PROCESSES; i++) {
        children[i] = fork();
        if (children[i] == 0)
            _exit(contend(place, &counters[0], &counters[1]));
    }
    for (size_t i = 0; i < PROCESSES; i++) {
        int status;
        assert_int_equal(waitpid(children[i], &status, 0), children[i]);
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), 0);
    }
    assert_true(atomic_load(&counters[1]) >= PROCESSES);
    munmap(counters, 2 * sizeof *counters);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(listen_makes_a_socket_and_removes_it),
        TEST(listen_mode_is_exact_whatever_the_umask),
        TEST(listen_gives_the_socket_to_user_and_group),
        TEST(listen_access_changes_under_its_connections),
        TEST(listen_access_of_what_is_not_ours_stays),
        TEST(listen_unlink_leaves_the_queue),
        TEST(listen_replaces_a_stale_socket),
        TEST(listen_leaves_a_live_socket_alone),
        TEST(listen_leaves_a_live_socket_of_another_type_alone),
        TEST(listen_leaves_files_alone),
        TEST(listen_clears_what_a_killed_agent_left),
        TEST(listen_of_two_agents_refuses_the_second),
        TEST(listen_follows_no_link_to_its_lock),
        TEST(listen_without_its_directory_says_so),
        TEST(listen_without_rights_says_which),
        TEST(listen_free_leaves_what_is_not_its_own),
        TEST(listen_after_a_killed_agent_takes_over),
        TEST(listen_takes_the_longest_path),
        TEST(listen_has_one_holder_at_any_time),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
