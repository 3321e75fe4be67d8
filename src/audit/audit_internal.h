// SPDX-License-Identifier: Apache-2.0
// What the files of this folder share about a log that is written.
#pragma once

#include "audit/audit.h"

#include <pthread.h>
#include <stdatomic.h>

struct ha_audit {
    struct ha_audit_options options;
    char *path;
    pthread_t syncer;
    bool has_syncer;
    int syslog_fd;             // -1: none
    atomic_bool in_trouble;    // as trouble says, without the lock
    struct ha_hasher *hasher;  // under the lock, as all that follows
    pthread_mutex_t lock;
    pthread_cond_t synced;  // synced_seq, or syncing
    pthread_cond_t dirty;   // there is something for the syncer
    pthread_cond_t due;     // there is something for ha_audit_wait
    bool stop, woken;
    int fd;
    uint64_t size;   // of the file: what is whole
    uint64_t first;  // the number of the file's first line; 0: it has none yet
    int64_t begun;   // UNIX time of that
    uint64_t seq;    // of the last line
    char hash[HA_AUDIT_HEX_LEN];
    uint64_t uncovered;
    uint64_t awaited;  // as many of these ha_audit_wait waits for; 0: for none
    uint64_t synced_seq;
    bool syncing;         // somebody syncs the file without the lock
    bool started;         // the line "start" is written
    struct ha_buf start;  // its members
    struct ha_err trouble;
    int64_t retry_ms;   // before which a log in trouble isn't tried again
    uint64_t missed;    // records that couldn't be written since
    struct ha_buf out;  // the lines on their way
    struct ha_buf checkpoint;
};

// A line to be written.
struct ha_audit_entry {
    const char *event;
    const struct ha_buf *body;
};
// Writes n lines, all or none. With the lock held.
enum ha_code ha_audit_append(struct ha_audit *audit, const struct ha_audit_entry *entries, size_t n,
                             struct ha_err *err);
// The same, and syncs as the options say. Takes the lock.
enum ha_code ha_audit_write(struct ha_audit *audit, const struct ha_audit_entry *entries, size_t n, struct ha_err *err);
// Syncs the file up to seq at least; others may write meanwhile. With the lock held, which it gives up for a while.
enum ha_code ha_audit_sync_to(struct ha_audit *audit, uint64_t seq, struct ha_err *err);
// The lines in out, for the system's log. They aren't waited for.
void ha_audit_copy(struct ha_audit *audit);
void ha_audit_set_trouble(struct ha_audit *audit, const struct ha_err *cause);

// Opens the file at path, new or not, for us alone. HA_E_CONFLICT, HA_E_CONFIG.
enum ha_code ha_audit_open_file(const char *path, bool must_be_new, int *ret_fd, struct ha_err *err);
// Finds the end of the chain: cuts off what a crash left of a line. Appends what is to be told of it to body.
enum ha_code ha_audit_find_end(struct ha_audit *audit, struct ha_buf *body, struct ha_err *err);
enum ha_code ha_audit_sync_directory(const char *path, struct ha_err *err);
char *ha_audit_checkpoint_path(const char *log_path);
