// SPDX-License-Identifier: Apache-2.0
// The audit log that is written: one line for each use of a key and each refusal, before its result is sent.
// Thread-safe but for ha_audit_tend.
//
// A line is written whole or not at all. While it can't be written (a full disk), ha_audit_ready and ha_audit_use fail,
// so that no key is used; each call tries again, at most ten times a second. The first line that is written then tells
// what was missed.
#pragma once

#include "audit/line.h"
#include "audit/record.h"
#include "base/log.h"

enum ha_audit_sync {
    HA_AUDIT_BATCH,   // in the file before the result is sent, on the disk 50 ms later
    HA_AUDIT_ALWAYS,  // on the disk before the result is sent; lines that come at one time share a sync
    HA_AUDIT_OFF,     // in the file before the result is sent, on the disk when the system likes
};

enum ha_audit_period { HA_AUDIT_NEVER, HA_AUDIT_DAY, HA_AUDIT_MONTH };

struct ha_audit_options {
    const char *path;
    enum ha_audit_sync sync;
    const char *syslog;           // a copy of each line to that socket (/dev/log), as far as it takes it; NULL: none
    unsigned checkpoint_lines;    // lines after which ha_audit_wait returns; 0: never
    uint64_t rotate_bytes;        // a new file when this one is larger; 0: whatever its size
    enum ha_audit_period rotate;  // and with each new day or month (UTC)
    unsigned live_days;           // older files are compressed
    unsigned archive_days;        // that much later they are removed; 0: never
    const struct ha_log *log;
};

struct ha_audit;

// Opens the log, goes on with its chain, and writes the line "start". HA_E_CONFLICT: another process has it open.
// HA_E_CONFIG: its last line is no line of a log, or the file isn't ours. A disk that is full is no failure.
enum ha_code ha_audit_open(const struct ha_audit_options *options, struct ha_audit **ret_audit, struct ha_err *err);
void ha_audit_free(struct ha_audit *audit);  // NULL is fine
HA_AUTO_DEFINE(struct ha_audit, ha_audit_free)

// HA_E_AUDIT: nothing may be done that ha_audit_use would have to tell of. audit NULL here and below: there is no log,
// and nothing to tell.
enum ha_code ha_audit_ready(struct ha_audit *audit, struct ha_err *err);
// Writes n lines, all or none of them. HA_E_AUDIT: the results mustn't be sent.
enum ha_code ha_audit_use(struct ha_audit *audit, const struct ha_audit_record *records, size_t n, struct ha_err *err);

// The SHA-256 of something that a record tells of. false: out of memory.
bool ha_audit_hash(const struct ha_audit *audit, const void *data, size_t n,
                   uint8_t ret_hash[static HA_AUDIT_HASH_LEN]);

// Something was refused, or failed, before anything was done: a line, which is on the disk when the system likes.
// Nobody fills the disk by that: of a user's refusals 256 at once have lines, and one a second after that; of the
// others a line "suppressed" tells how many there were, 10 s after the first. HA_E_AUDIT: it couldn't be written.
enum ha_code ha_audit_refuse(struct ha_audit *audit, const struct ha_audit_record *record, struct ha_err *err);

// The end of the chain.
struct ha_audit_head {
    uint64_t seq;  // of the last line
    char hash[HA_AUDIT_HEX_LEN + 1];
    uint64_t uncovered;  // lines after those that the last checkpoint signs, checkpoints not counted
};
void ha_audit_head(struct ha_audit *audit, struct ha_audit_head *ret_head);
// Why it can't be written at present; code HA_OK: it can.
void ha_audit_trouble(struct ha_audit *audit, struct ha_err *ret_err);
const char *ha_audit_path(const struct ha_audit *audit);
// Writes the line of a checkpoint of head; body: its members (audit/checkpoint.h). Keeps it beside the log, as what the
// log has to have. HA_E_CONFLICT: too many lines came meanwhile, and it has to be signed anew.
enum ha_code ha_audit_checkpoint(struct ha_audit *audit, const struct ha_audit_head *head, const struct ha_buf *body,
                                 struct ha_err *err);
// Appends the line of the last checkpoint, without newline; nothing if there is none.
void ha_audit_last_checkpoint(struct ha_audit *audit, struct ha_buf *out);

// Waits until a checkpoint is due by the number of lines (true), if by_lines, or ha_audit_end, or the time has passed.
bool ha_audit_wait(struct ha_audit *audit, int timeout_ms, bool by_lines);
// Ends that, and what ha_audit_tend does that takes long. It may be begun anew with the next start.
void ha_audit_end(struct ha_audit *audit);
// What is to be done about once a second by one thread: a new file when it is due, compression, removal; a look whether
// somebody took the file away. Failures are logged.
void ha_audit_tend(struct ha_audit *audit, int64_t now_s);
