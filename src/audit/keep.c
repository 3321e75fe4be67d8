// SPDX-License-Identifier: Apache-2.0
// What a log needs beside its lines: checkpoints, a new file when it is due, compression and removal of old ones.
#include "audit/audit_internal.h"

#include "audit/archive.h"
#include "audit/checkpoint.h"
#include "audit/files.h"
#include "audit/reader.h"
#include "base/file.h"
#include "base/json.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

// A verifier remembers the hashes of so many lines (audit/verify.h).
#define CHECKPOINT_REACH 32768
#define DAY_S            86400

// --- Checkpoints

char *ha_audit_checkpoint_path(const char *log_path)
{
    char *path = NULL;
    return asprintf(&path, "%s.checkpoint", log_path) < 0 ? NULL : path;
}

static enum ha_code keep_line(struct ha_audit *audit, const struct ha_buf *line, struct ha_err *err)
{
    ha_auto(ha_free) char *path = ha_audit_checkpoint_path(audit->path);
    if (!path || !ha_buf_ok(line))
        return ha_fail(err, HA_E_MEMORY, "out of memory for a checkpoint");
    return ha_file_write(path, line->data, line->len, 0600, err);
}

enum ha_code ha_audit_checkpoint(struct ha_audit *audit, const struct ha_audit_head *head, const struct ha_buf *body,
                                 struct ha_err *err)
{
    ha_auto(ha_buf_clear) struct ha_buf line = {0};
    const struct ha_audit_entry entry = ha_audit_entry("checkpoint", body);
    pthread_mutex_lock(&audit->lock);
    enum ha_code code = HA_OK;
    if (audit->seq - head->seq >= CHECKPOINT_REACH)
        code = ha_fail(err, HA_E_CONFLICT, "%llu lines were written while the checkpoint was signed",
                       (unsigned long long)(audit->seq - head->seq));
    if (code == HA_OK)
        code = ha_audit_append(audit, &entry, 1, err);
    if (code == HA_OK) {
        audit->uncovered -= head->uncovered + 1;  // and itself
        // It is the last of the lines that were written, if there was something to tell before it.
        const char *out = ha_buf_text(&audit->out);
        const char *before = memrchr(out, '\n', audit->out.len - 1);
        const char *start = before ? before + 1 : out;
        ha_buf_reset(&audit->checkpoint);
        ha_buf_append(&audit->checkpoint, start, (size_t)(out + audit->out.len - 1 - start));
        ha_buf_append(&line, start, (size_t)(out + audit->out.len - start));
        // What is kept beside the log has to be in it after a loss of power.
        code = audit->options.sync == HA_AUDIT_OFF ? HA_OK : ha_audit_sync_to(audit, audit->seq, err);
    }
    pthread_mutex_unlock(&audit->lock);
    return code == HA_OK ? keep_line(audit, &line, err) : code;
}

void ha_audit_last_checkpoint(struct ha_audit *audit, struct ha_buf *out)
{
    pthread_mutex_lock(&audit->lock);
    ha_buf_append(out, audit->checkpoint.data, audit->checkpoint.len);
    pthread_mutex_unlock(&audit->lock);
}

// --- A new file

static bool another_period(enum ha_audit_period period, int64_t begun_s, int64_t now_s)
{
    time_t begun = (time_t)begun_s, now = (time_t)now_s;
    struct tm a, b;
    if (period == HA_AUDIT_NEVER || now_s <= begun_s || !gmtime_r(&begun, &a) || !gmtime_r(&now, &b))
        return false;
    bool month = a.tm_year != b.tm_year || a.tm_mon != b.tm_mon;
    return month || (period == HA_AUDIT_DAY && a.tm_mday != b.tm_mday);
}

static bool rotation_due(const struct ha_audit *audit, int64_t now_s)
{
    const struct ha_audit_options *options = &audit->options;
    if (audit->first == 0)
        return false;
    bool large = options->rotate_bytes && audit->size >= options->rotate_bytes;
    return large || another_period(options->rotate, audit->begun, now_s);
}

// Goes on in the file fd, which is new and empty. The other one is settled.
static void go_on_in(struct ha_audit *audit, int fd)
{
    close(audit->fd);
    audit->fd = fd;
    audit->size = audit->synced_size = audit->first = 0;
}

// With the lock held. A crash in between leaves the chain's end in the file that was renamed.
static enum ha_code rotate(struct ha_audit *audit, struct ha_err *err)
{
    int fd = -1;
    ha_auto(ha_free) char *path = ha_audit_files_path(audit->path, audit->first);
    if (!path)
        return ha_fail(err, HA_E_MEMORY, "out of memory for a new file");
    // Most of it while others may write, the rest while nobody may.
    if (ha_audit_sync_to(audit, audit->seq, err) || ha_audit_settle(audit, err))
        return err->code;
    if (rename(audit->path, path) != 0)
        return ha_fail_errno(err, errno, "can't rename %s to %s", audit->path, path);
    if (ha_audit_open_file(audit->path, true, &fd, err)) {
        // There was none, so it takes its old name again.
        if (rename(path, audit->path) != 0)
            return ha_fail_errno(err, errno, "can't rename %s to %s", path, audit->path);
        return err->code;
    }
    go_on_in(audit, fd);
    ha_log(audit->options.log, HA_LOG_INFO, "audit-rotated", HA_S("file", path), HA_N("last", audit->seq));
    return HA_OK;
}

// Somebody renamed or removed the file, or changed its length. The chain goes on, so that the gap shows.
static void look_after_file(struct ha_audit *audit)
{
    struct stat ours, there;
    struct ha_err err = {0};
    ha_auto(ha_buf_clear) struct ha_buf body = {0};
    int fd = -1;
    if (ha_audit_take_back(audit, &err) || fstat(audit->fd, &ours) != 0)
        return;
    bool gone = lstat(audit->path, &there) != 0 || there.st_ino != ours.st_ino || there.st_dev != ours.st_dev;
    bool other_size = (uint64_t)ours.st_size != audit->size;
    if (!gone && !other_size)
        return;
    if (gone && (ha_audit_settle(audit, &err) || ha_audit_open_file(audit->path, false, &fd, &err))) {
        ha_audit_set_trouble(audit, &err);
        return;
    }
    const char *cause = gone ? "the file was taken away" : "the file's length was changed";
    ha_log(audit->options.log, HA_LOG_ERROR, "audit-tampered", HA_S("file", audit->path), HA_S("cause", cause),
           HA_N("last", audit->seq));
    if (gone) {
        go_on_in(audit, fd);
        if (fstat(fd, &ours) != 0)
            return;
    }
    audit->size = audit->synced_size = (uint64_t)ours.st_size;
    ha_jw_object(&body, NULL);
    ha_jw_string(&body, "cause", cause);
    ha_jw_object_end(&body);
    const struct ha_audit_entry entry = ha_audit_entry("alarm", &body);
    ha_audit_append(audit, &entry, 1, &err);
}

// --- Old files

static enum ha_code note_removal(struct ha_audit *audit, const struct ha_audit_file *file,
                                 const struct ha_audit_file *next, struct ha_err *err)
{
    ha_auto(ha_audit_reader_free) struct ha_audit_reader *reader = NULL;
    ha_auto(ha_buf_clear) struct ha_buf body = {0};
    struct ha_audit_text text;
    struct ha_audit_line line;
    char hash[HA_AUDIT_HEX_LEN + 1] = {0};
    if (audit->removing == file->first)
        return HA_OK;  // and it couldn't be removed
    if (ha_audit_reader_open(next->path, 0, &reader, err) || ha_audit_reader_next(reader, &text, err))
        return err->code;
    if (!text.text || !ha_audit_line_read(text.text, text.n, &line))
        return ha_fail(err, HA_E_CONFIG, "%s doesn't begin with a line of an audit log", next->path);
    memcpy(hash, line.prev, HA_AUDIT_HEX_LEN);
    ha_jw_object(&body, NULL);
    ha_jw_string(&body, "file", file->path);
    ha_jw_number(&body, "first", (int64_t)file->first);
    ha_jw_number(&body, "last", (int64_t)line.seq - 1);
    ha_jw_string(&body, "hash", hash);
    ha_jw_object_end(&body);
    const struct ha_audit_entry entry = ha_audit_entry("removed", &body);
    if (ha_audit_write(audit, &entry, 1, err))
        return err->code;
    audit->removing = file->first;
    return HA_OK;
}

static enum ha_code tend_files(struct ha_audit *audit, int64_t now_s, struct ha_err *err)
{
    ha_auto(ha_audit_files_clear) struct ha_audit_files files = {0};
    const int64_t live_s = (int64_t)audit->options.live_days * DAY_S;
    const int64_t kept_s = live_s + (int64_t)audit->options.archive_days * DAY_S;
    bool oldest = true;
    if (ha_audit_files_list(audit->path, &files, err))
        return err->code;
    for (size_t i = 0; i + 1 < files.n && files.items[i].first > 0; i++) {
        const struct ha_audit_file *file = &files.items[i];
        int64_t age_s = now_s - file->changed;
        bool removed = oldest && audit->options.archive_days && age_s > kept_s;
        if (removed) {
            if (note_removal(audit, file, &files.items[i + 1], err) || ha_file_remove(file->path, err))
                return err->code;
            ha_log(audit->options.log, HA_LOG_INFO, "audit-removed", HA_S("file", file->path));
        } else if (!file->compressed && age_s > live_s) {
            if (ha_audit_compress(file->path, &audit->ending, err))
                return err->code;
            ha_log(audit->options.log, HA_LOG_INFO, "audit-compressed", HA_S("file", file->path));
        }
        oldest = oldest && removed;
    }
    return HA_OK;
}

void ha_audit_tend(struct ha_audit *audit, int64_t now_s)
{
    struct ha_err err = {0};
    pthread_mutex_lock(&audit->lock);
    look_after_file(audit);
    ha_audit_tell_suppressed(audit, false);
    // Refusals don't wait for the disk.
    struct ha_err told = {0};
    if (audit->options.sync == HA_AUDIT_ALWAYS)
        ha_audit_sync_to(audit, audit->seq, &told);
    if (rotation_due(audit, now_s) && rotate(audit, &err))
        ha_log_err(audit->options.log, HA_LOG_ERROR, "audit-not-rotated", &err, HA_S("file", audit->path));
    pthread_mutex_unlock(&audit->lock);
    if (tend_files(audit, now_s, &err) && err.code != HA_E_STOPPING)
        ha_log_err(audit->options.log, HA_LOG_ERROR, "audit-files-not-tended", &err, HA_S("file", audit->path));
}
