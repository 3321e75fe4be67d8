// SPDX-License-Identifier: Apache-2.0
// From the file to the disk, and back to a file that is whole.
//
// A sync that fails is told to the caller once: the system calls the pages clean then, and the next sync says that all
// is well. So what it was about is written again first, from what the file reads as.
#include "audit/audit_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PIECE = 16 * 1024 };

enum ha_code ha_audit_take_back(struct ha_audit *audit, struct ha_err *err)
{
    struct stat st;
    if (!audit->torn)
        return HA_OK;
    if (fstat(audit->fd, &st) != 0 ||
        ((uint64_t)st.st_size > audit->size && ftruncate(audit->fd, (off_t)audit->size) != 0))
        return ha_fail_errno(err, errno, "can't take a part of a line back from %s", audit->path);
    audit->torn = false;
    return HA_OK;
}

static enum ha_code write_piece(int fd, const char *piece, size_t n, uint64_t at)
{
    for (size_t done = 0; done < n;) {
        ssize_t m = pwrite(fd, piece + done, n - done, (off_t)(at + done));
        if (m < 0 && errno == EINTR)
            continue;
        if (m <= 0)
            return HA_E_IO;
        done += (size_t)m;
    }
    return HA_OK;
}

static enum ha_code write_again(const struct ha_audit *audit, uint64_t from)
{
    char piece[PIECE];
    while (from < audit->size) {
        size_t n = audit->size - from < PIECE ? (size_t)(audit->size - from) : PIECE;
        ssize_t got = pread(audit->fd, piece, n, (off_t)from);
        if (got < 0 && errno == EINTR)
            continue;
        if (got == 0)
            errno = EIO;  // it has become shorter
        if (got <= 0 || write_piece(audit->fd, piece, (size_t)got, from))
            return HA_E_IO;
        from += (uint64_t)got;
    }
    return HA_OK;
}

// What is appended can't be written in place.
static enum ha_code dirty_again(const struct ha_audit *audit, struct ha_err *err)
{
    int flags = fcntl(audit->fd, F_GETFL);
    if (flags < 0 || fcntl(audit->fd, F_SETFL, flags & ~O_APPEND) != 0)
        return ha_fail_errno(err, errno, "can't write %s again", audit->path);
    enum ha_code code = write_again(audit, audit->synced_size);
    int failed = errno;
    if (fcntl(audit->fd, F_SETFL, flags) != 0) {
        failed = errno;
        code = HA_E_IO;
    }
    return code ? ha_fail_errno(err, failed, "can't write %s again", audit->path) : HA_OK;
}

static void note_failure(struct ha_audit *audit)
{
    audit->failed_syncs++;
    audit->unsynced = true;
}

static enum ha_code sync_now(struct ha_audit *audit, struct ha_err *err)
{
    if (fdatasync(audit->fd) != 0) {
        int failed = errno;
        note_failure(audit);
        return ha_fail_errno(err, failed, "can't sync %s", audit->path);
    }
    audit->unsynced = false;
    audit->synced_seq = audit->seq;
    audit->synced_size = audit->size;
    return HA_OK;
}

static void wait_for_others(struct ha_audit *audit)
{
    while (audit->syncing)
        pthread_cond_wait(&audit->synced, &audit->lock);
}

enum ha_code ha_audit_make_good(struct ha_audit *audit, struct ha_err *err)
{
    if (ha_audit_take_back(audit, err))
        return err->code;
    if (!audit->unsynced)
        return HA_OK;
    // Nothing is promised of the disk with HA_AUDIT_OFF, and there may be much.
    if (audit->options.sync != HA_AUDIT_OFF && dirty_again(audit, err))
        return err->code;
    return sync_now(audit, err);
}

enum ha_code ha_audit_settle(struct ha_audit *audit, struct ha_err *err)
{
    wait_for_others(audit);
    return audit->synced_seq < audit->seq || audit->unsynced ? sync_now(audit, err) : HA_OK;
}

enum ha_code ha_audit_sync_to(struct ha_audit *audit, uint64_t seq, struct ha_err *err)
{
    // Whoever waits for a sync that fails has failed with it.
    const unsigned failures = audit->failed_syncs;
    while (audit->synced_seq < seq) {
        if (audit->failed_syncs != failures)
            return ha_audit_unavailable(audit, err);
        if (audit->syncing) {
            pthread_cond_wait(&audit->synced, &audit->lock);
            continue;
        }
        const uint64_t upto = audit->seq, size = audit->size;
        int fd = audit->fd;
        audit->syncing = true;
        pthread_mutex_unlock(&audit->lock);
        int failed = fdatasync(fd) == 0 ? 0 : errno;
        pthread_mutex_lock(&audit->lock);
        audit->syncing = false;
        pthread_cond_broadcast(&audit->synced);
        if (failed) {
            struct ha_err cause = {0};
            note_failure(audit);
            ha_fail_errno(&cause, failed, "can't sync %s", audit->path);
            ha_audit_set_trouble(audit, &cause);
            return ha_audit_unavailable(audit, err);
        }
        if (audit->failed_syncs != failures)
            continue;
        audit->synced_seq = upto;
        audit->synced_size = size;
    }
    return HA_OK;
}
