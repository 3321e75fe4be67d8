// SPDX-License-Identifier: Apache-2.0
// The pool of idle connections: whose they are, and what became of their descriptors.
#include "client/pool.h"

#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <cmocka.h>

// A connection of this process; *ret_peer is its other end.
static struct ha_link *make_link(int *ret_peer)
{
    struct ha_link *link = calloc(1, sizeof *link);
    struct stat st;
    int fds[2];
    assert_non_null(link);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
    assert_int_equal(fstat(fds[0], &st), 0);
    *link = (struct ha_link){
        .fd = fds[0], .pid = getpid(), .euid = geteuid(), .egid = getegid(), .device = st.st_dev, .inode = st.st_ino};
    *ret_peer = fds[1];
    return link;
}

static bool is_open(int fd)
{
    return fcntl(fd, F_GETFD) >= 0;
}

static void pool_gives_back_what_it_got(void **state)
{
    struct ha_pool pool = {.idle = {NULL}};
    int peer;
    struct ha_link *link = make_link(&peer);
    assert_null(ha_pool_take(&pool));
    ha_pool_give(&pool, link);
    assert_ptr_equal(ha_pool_take(&pool), link);
    assert_null(ha_pool_take(&pool));
    ha_link_close(link);
    close(peer);
}

static void pool_closes_what_others_opened(void **state)
{
    for (int i = 0; i < 3; i++) {
        struct ha_pool pool = {.idle = {NULL}};
        int peer;
        struct ha_link *link = make_link(&peer);
        int fd = link->fd;
        link->pid += i == 0;
        link->euid += i == 1;
        link->egid += i == 2;
        ha_pool_give(&pool, link);
        assert_null(ha_pool_take(&pool));
        assert_false(is_open(fd));
        close(peer);
    }
}

static void pool_child_leaves_the_parents_connection_alone(void **state)
{
    struct ha_pool pool = {.idle = {NULL}};
    int peer, status;
    char byte;
    struct ha_link *link = make_link(&peer);
    int fd = link->fd;
    ha_pool_give(&pool, link);
    pid_t child = fork();
    if (child == 0)
        _exit(ha_pool_take(&pool) == NULL && !is_open(fd) ? 0 : 1);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_ptr_equal(ha_pool_take(&pool), link);
    assert_int_equal(write(link->fd, "x", 1), 1);
    assert_int_equal(read(peer, &byte, 1), 1);
    ha_link_close(link);
    close(peer);
}

static void pool_drops_connections_that_the_other_end_left_or_spoke_on(void **state)
{
    for (int i = 0; i < 2; i++) {
        struct ha_pool pool = {.idle = {NULL}};
        int peer;
        struct ha_link *link = make_link(&peer);
        ha_pool_give(&pool, link);
        if (i == 0)
            close(peer);
        else
            assert_int_equal(write(peer, "x", 1), 1);
        assert_null(ha_pool_take(&pool));
        if (i == 1)
            close(peer);
    }
}

static void pool_spares_a_descriptor_that_is_the_programs_now(void **state)
{
    struct ha_pool pool = {.idle = {NULL}};
    int peer, other_peer;
    struct ha_link *link = make_link(&peer), *other = make_link(&other_peer);
    int fd = link->fd;
    ha_pool_give(&pool, link);
    assert_int_equal(dup2(other->fd, fd), fd);  // as after closefrom and socket
    assert_null(ha_pool_take(&pool));
    assert_true(is_open(fd));
    close(fd);
    ha_pool_give(&pool, make_link(&fd));
    close(fd);
    ha_pool_clear(&pool);
    ha_link_close(other);
    close(peer);
    close(other_peer);
}

static void pool_closes_what_it_has_no_room_for(void **state)
{
    struct ha_pool pool = {.idle = {NULL}};
    int peers[HA_POOL_SIZE + 1], fd = -1;
    for (size_t i = 0; i < HA_ARRAY_SIZE(peers); i++) {
        struct ha_link *link = make_link(&peers[i]);
        fd = link->fd;
        ha_pool_give(&pool, link);
    }
    assert_false(is_open(fd));
    ha_pool_clear(&pool);
    assert_null(ha_pool_take(&pool));
    for (size_t i = 0; i < HA_ARRAY_SIZE(peers); i++)
        close(peers[i]);
}

enum { THREADS = 8, LINKS = 3, TURNS = 5000 };

struct crowd {
    struct ha_pool pool;
    atomic_int holders[4096];  // by descriptor
    atomic_int failures;
};

static void *take_and_give(void *context)
{
    struct crowd *crowd = context;
    for (int i = 0; i < TURNS; i++) {
        struct ha_link *link = ha_pool_take(&crowd->pool);
        if (!link)
            continue;
        if (atomic_fetch_add(&crowd->holders[link->fd], 1) != 0)
            crowd->failures++;
        atomic_fetch_sub(&crowd->holders[link->fd], 1);
        ha_pool_give(&crowd->pool, link);
    }
    return NULL;
}

static void pool_lends_a_connection_to_one_thread_only(void **state)
{
    static struct crowd crowd;
    pthread_t threads[THREADS];
    int peers[LINKS], left = 0;
    for (size_t i = 0; i < LINKS; i++)
        ha_pool_give(&crowd.pool, make_link(&peers[i]));
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, take_and_give, &crowd), 0);
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_int_equal(crowd.failures, 0);
    for (struct ha_link *link; (link = ha_pool_take(&crowd.pool)); left++)
        ha_link_close(link);
    assert_int_equal(left, LINKS);
    for (size_t i = 0; i < LINKS; i++)
        close(peers[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pool_gives_back_what_it_got),
        cmocka_unit_test(pool_closes_what_others_opened),
        cmocka_unit_test(pool_child_leaves_the_parents_connection_alone),
        cmocka_unit_test(pool_drops_connections_that_the_other_end_left_or_spoke_on),
        cmocka_unit_test(pool_spares_a_descriptor_that_is_the_programs_now),
        cmocka_unit_test(pool_closes_what_it_has_no_room_for),
        cmocka_unit_test(pool_lends_a_connection_to_one_thread_only),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("client_pool", tests, NULL, NULL);
}
