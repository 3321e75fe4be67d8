// SPDX-License-Identifier: Apache-2.0
// The audit log on a disk that fails: what was told to be on it is, and no line follows what isn't whole. The system's
// calls are replaced here, so that they fail when they are to.
#include "audit_case.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

// What the disk does next, and what it has.
static struct {
    unsigned syncs_fail, cuts_fail, removals_fail;  // so many of the next
    void (*at_sync)(void *context, int fd);
    void *context;
    ino_t inode;   // of the file that was synced last
    off_t synced;  // how long it was then
    off_t again;   // bytes that were written in place
} disk;

int fdatasync(int fd)
{
    struct stat st;
    void (*at_sync)(void *, int) = disk.at_sync;
    fstat(fd, &st);
    disk.at_sync = NULL;
    if (at_sync)
        at_sync(disk.context, fd);
    if (disk.syncs_fail > 0) {
        disk.syncs_fail--;
        errno = EIO;
        return -1;
    }
    disk.inode = st.st_ino;
    disk.synced = st.st_size;
    return 0;
}

int ftruncate(int fd, off_t size)
{
    if (disk.cuts_fail > 0) {
        disk.cuts_fail--;
        errno = EIO;
        return -1;
    }
    return (int)syscall(SYS_ftruncate, fd, size);
}

ssize_t pwrite(int fd, const void *bytes, size_t n, off_t at)
{
    disk.again += (off_t)n;
    return syscall(SYS_pwrite64, fd, bytes, n, at);
}

int unlink(const char *path)
{
    if (disk.removals_fail > 0) {
        disk.removals_fail--;
        errno = EPERM;
        return -1;
    }
    return (int)syscall(SYS_unlink, path);
}

static int set_up(void **state)
{
    memset(&disk, 0, sizeof disk);
    return audit_case_set_up(state);
}

static enum ha_code use(struct ha_audit *audit)
{
    struct ha_audit_record record = audit_rig_record();
    struct ha_err err = {0};
    return ha_audit_use(audit, &record, 1, &err);
}

// Until the pause after a failure is over.
static void wait_until_ready(struct ha_audit *audit)
{
    struct ha_err err = {0};
    const time_t until = time(NULL) + 20;
    while (ha_audit_ready(audit, &err)) {
        assert_true(time(NULL) < until);
        sched_yield();
    }
}

static void one_more(void *context, int fd)
{
    assert_int_equal(use(context), HA_OK);
}

static void lines_that_come_while_a_file_is_rotated_are_synced(void **state)
{
    struct rig *rig = *state;
    struct stat st;
    struct found found;
    char path[128];
    const struct ha_audit_options options = {.sync = HA_AUDIT_OFF, .rotate_bytes = 1, .live_days = 9};
    struct ha_audit *audit = open_log(rig, &options);
    audit_rig_fill(audit, rig->key, 10, 5);
    disk.at_sync = one_more;
    disk.context = audit;
    ha_audit_tend(audit, time(NULL));
    assert_null(disk.at_sync);
    snprintf(path, sizeof path, "%s.%018u", rig->path, 1);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(disk.inode, st.st_ino);
    assert_int_equal(disk.synced, st.st_size);
    audit_rig_fill(audit, rig->key, 1, 1);
    ha_audit_free(audit);
    verify(rig, &found);
    assert_string_equal(found.names, "");
}

struct second {
    struct ha_audit *audit;
    pthread_t thread;
    enum ha_code code;
};

static void *use_second(void *context)
{
    struct second *second = context;
    second->code = use(second->audit);
    return NULL;
}

// Returns when the second caller waits for this sync: it has the log's lock from its write until then.
static void let_second_join(void *context, int fd)
{
    struct second *second = context;
    struct stat before, now;
    assert_int_equal(fstat(fd, &before), 0);
    assert_int_equal(pthread_create(&second->thread, NULL, use_second, second), 0);
    do {
        sched_yield();
        assert_int_equal(fstat(fd, &now), 0);
    } while (now.st_size == before.st_size);
}

static void who_shares_a_failed_sync_has_failed(void **state)
{
    struct rig *rig = *state;
    struct stat st;
    struct found found;
    const struct ha_audit_options options = {.sync = HA_AUDIT_ALWAYS, .live_days = 9};
    struct ha_audit *audit = open_log(rig, &options);
    struct second second = {.audit = audit};
    assert_int_equal(use(audit), HA_OK);
    const off_t good = disk.synced;
    disk.at_sync = let_second_join;
    disk.context = &second;
    disk.syncs_fail = 1;
    assert_int_equal(use(audit), HA_E_AUDIT);
    assert_int_equal(pthread_join(second.thread, NULL), 0);
    assert_int_equal(second.code, HA_E_AUDIT);
    // What the system has forgotten is written again.
    assert_int_equal(stat(rig->path, &st), 0);
    wait_until_ready(audit);
    assert_int_equal(disk.again, st.st_size - good);
    audit_rig_fill(audit, rig->key, 1, 1);
    ha_audit_free(audit);
    verify(rig, &found);
    assert_string_equal(found.names, "");
}

static void log_that_cannot_be_synced_does_not_grow(void **state)
{
    struct rig *rig = *state;
    struct stat before, st;
    struct ha_err err = {0};
    const struct ha_audit_options options = {.sync = HA_AUDIT_ALWAYS, .live_days = 9};
    struct ha_audit *audit = open_log(rig, &options);
    disk.syncs_fail = 3;
    assert_int_equal(use(audit), HA_E_AUDIT);
    assert_int_equal(stat(rig->path, &before), 0);
    while (disk.syncs_fail > 0) {
        assert_int_equal(ha_audit_ready(audit, &err), HA_E_AUDIT);
        sched_yield();
    }
    assert_int_equal(stat(rig->path, &st), 0);
    assert_int_equal(st.st_size, before.st_size);
    wait_until_ready(audit);
    ha_audit_free(audit);
}

static void part_of_a_line_is_taken_back_before_the_next(void **state)
{
    struct rig *rig = *state;
    struct stat st;
    struct found found;
    struct rlimit limit, before;
    struct ha_audit *audit = open_log(rig, NULL);
    audit_rig_fill(audit, rig->key, 10, 5);
    assert_int_equal(stat(rig->path, &st), 0);
    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &before);
    limit = before;
    limit.rlim_cur = (rlim_t)st.st_size + 100;  // a part of a line fits
    setrlimit(RLIMIT_FSIZE, &limit);
    disk.cuts_fail = 2;
    enum ha_code code = use(audit);
    ha_audit_tend(audit, time(NULL));  // it is no stranger who changed the length
    setrlimit(RLIMIT_FSIZE, &before);
    assert_int_equal(code, HA_E_AUDIT);
    assert_int_equal(disk.cuts_fail, 0);
    wait_until_ready(audit);
    audit_rig_fill(audit, rig->key, 5, 5);
    ha_audit_free(audit);
    verify(rig, &found);
    assert_string_equal(found.names, "");
}

static void removal_that_fails_is_told_once(void **state)
{
    struct rig *rig = *state;
    struct found found;
    const struct ha_audit_options options = {.rotate_bytes = 8192, .live_days = 0, .archive_days = 1};
    struct ha_audit *audit = open_log(rig, &options);
    audit_rig_fill(audit, rig->key, 20, 20);
    ha_audit_tend(audit, time(NULL));
    audit_rig_fill(audit, rig->key, 5, 5);
    const uint64_t lines = 1 + 21 + 6;
    disk.removals_fail = 3;
    for (unsigned i = 0; i < 4; i++)
        ha_audit_tend(audit, time(NULL) + 3 * 86400);
    assert_int_equal(disk.removals_fail, 0);
    ha_audit_free(audit);
    struct ha_audit_verdict verdict = verify(rig, &found);
    assert_string_equal(found.names, "");
    assert_int_equal(verdict.first, 23);
    assert_int_equal(verdict.last, lines + 1);
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, audit_case_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(lines_that_come_while_a_file_is_rotated_are_synced),
        TEST(who_shares_a_failed_sync_has_failed),
        TEST(log_that_cannot_be_synced_does_not_grow),
        TEST(part_of_a_line_is_taken_back_before_the_next),
        TEST(removal_that_fails_is_told_once),
    };
    return cmocka_run_group_tests_name("audit disk", tests, NULL, NULL);
}
