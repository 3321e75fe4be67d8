// SPDX-License-Identifier: Apache-2.0
// What the files of this folder share about a log that is written.
#pragma once

#include "audit/audit.h"
#include "audit/refusals.h"
#include "base/clock.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/un.h>

struct ha_audit {
    struct ha_audit_options options;
    char *path;
    pthread_t syncer;
    bool has_syncer;
    int syslog_fd;  // -1: none
    struct sockaddr_un syslog;
    atomic_bool in_trouble;    // as trouble says, without the lock
    struct ha_hasher *hasher;  // without the lock only for what may be shared
    pthread_mutex_t lock;      // of all that follows
    pthread_cond_t synced;     // synced_seq, or syncing
    pthread_cond_t dirty;      // there is something for the syncer
    pthread_cond_t due;        // there is something for ha_audit_wait
    bool stop, woken;
    atomic_bool ending;  // what takes long is given up
    int fd;
    uint64_t size;   // of the file: what is whole
    uint64_t first;  // the number of the file's first line; 0: it has none yet
    int64_t begun;   // UNIX time of that
    uint64_t seq;    // of the last line
    char hash[HA_AUDIT_HEX_LEN];
    uint64_t uncovered;
    uint64_t awaited;  // as many of these ha_audit_wait waits for; 0: for none
    uint64_t synced_seq;
    uint64_t synced_size;   // of the file: what was on the disk at the last sync
    bool syncing;           // somebody syncs the file without the lock
    unsigned failed_syncs;  // so far
    bool unsynced;          // the last one failed: the system may think by now that all is on the disk
    bool torn;              // a part of a line is behind size
    bool started;           // the line "start" is written
    struct ha_buf start;    // its members
    struct ha_err trouble;
    int64_t retry_ms;   // before which a log in trouble isn't tried again
    uint64_t missed;    // records that couldn't be written since
    struct ha_buf out;  // the lines on their way
    struct ha_time_text now;
    struct ha_refusals refusals;
    struct ha_buf checkpoint;
    uint64_t removing;  // the first line of the file that was told to be removed last; of ha_audit_tend alone
};

// A line to be written.
struct ha_audit_entry {
    const char *event;
    const char *body;  // an object's text; NULL: there was no memory for it
    size_t n;
};
static inline struct ha_audit_entry ha_audit_entry(const char *event, const struct ha_buf *body)
{
    return (struct ha_audit_entry){event, ha_buf_ok(body) ? ha_buf_text(body) : NULL, body->len};
}
// Writes n lines, all or none. With the lock held.
enum ha_code ha_audit_append(struct ha_audit *audit, const struct ha_audit_entry *entries, size_t n,
                             struct ha_err *err);
// The same, and syncs as the options say. Takes the lock.
enum ha_code ha_audit_write(struct ha_audit *audit, const struct ha_audit_entry *entries, size_t n, struct ha_err *err);
// HA_E_AUDIT, for the trouble that there is.
enum ha_code ha_audit_unavailable(const struct ha_audit *audit, struct ha_err *err);
// Takes back what is torn. With the lock held, as the next.
enum ha_code ha_audit_take_back(struct ha_audit *audit, struct ha_err *err);
// What has to be done before a line may follow: the file is whole, and what a sync failed with is on the disk.
enum ha_code ha_audit_make_good(struct ha_audit *audit, struct ha_err *err);
// Syncs the file up to seq at least; others may write meanwhile. With the lock held, which it gives up for a while.
enum ha_code ha_audit_sync_to(struct ha_audit *audit, uint64_t seq, struct ha_err *err);
// Syncs what is left, so that the file can be closed. With the lock held, which it gives up while others sync, but not
// after that.
enum ha_code ha_audit_settle(struct ha_audit *audit, struct ha_err *err);
// Writes how many refusals had no line. With the lock held.
void ha_audit_tell_suppressed(struct ha_audit *audit, bool at_all);
// The lines in out, for the system's log. They aren't waited for.
void ha_audit_copy(struct ha_audit *audit);
void ha_audit_set_trouble(struct ha_audit *audit, const struct ha_err *cause);

// Opens the file at path, new or not, for us alone. HA_E_CONFLICT, HA_E_CONFIG.
enum ha_code ha_audit_open_file(const char *path, bool must_be_new, int *ret_fd, struct ha_err *err);
// Finds the end of the chain: cuts off what a crash left of a line. Appends what is to be told of it to body.
enum ha_code ha_audit_find_end(struct ha_audit *audit, struct ha_buf *body, struct ha_err *err);
enum ha_code ha_audit_sync_directory(const char *path, struct ha_err *err);
char *ha_audit_checkpoint_path(const char *log_path);
