// SPDX-License-Identifier: Apache-2.0
// Opening a log and finding the end of its chain.
#include "audit/audit_internal.h"

#include "audit/checkpoint.h"
#include "audit/files.h"
#include "audit/reader.h"
#include "base/file.h"
#include "base/json.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { BATCH_MS = 50 };

// --- The file

static enum ha_code check_file(const char *path, int fd, struct ha_err *err)
{
    struct stat st;
    if (fstat(fd, &st) != 0)
        return ha_fail_errno(err, errno, "can't look at %s", path);
    if (!S_ISREG(st.st_mode) || st.st_nlink != 1)
        return ha_fail(err, HA_E_CONFIG, "the audit log %s isn't a regular file with one name", path);
    if (st.st_uid != geteuid() || (st.st_mode & (S_IWGRP | S_IWOTH))) {
        ha_fail(err, HA_E_CONFIG, "the audit log %s belongs to somebody else, or others may write it", path);
        return ha_hint(err, "It belongs to the agent's user, who alone may write it.");
    }
    if (flock(fd, LOCK_EX | LOCK_NB) != 0)
        return errno == EWOULDBLOCK ? ha_fail(err, HA_E_CONFLICT, "another agent writes the audit log %s", path)
                                    : ha_fail_errno(err, errno, "can't lock %s", path);
    return HA_OK;
}

enum ha_code ha_audit_open_file(const char *path, bool must_be_new, int *ret_fd, struct ha_err *err)
{
    const int flags = O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK;
    ha_auto(ha_close) int fd = open(path, must_be_new ? flags | O_EXCL : flags, 0600);
    if (fd < 0)
        return ha_fail_errno(err, errno, "can't open the audit log %s", path);
    if (check_file(path, fd, err) || ha_audit_sync_directory(path, err))
        return err->code;
    *ret_fd = fd;
    fd = -1;
    return HA_OK;
}

static char *directory_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? strndup(path, slash == path ? 1 : (size_t)(slash - path)) : strdup(".");
}

enum ha_code ha_audit_sync_directory(const char *path, struct ha_err *err)
{
    ha_auto(ha_free) char *directory = directory_of(path);
    ha_auto(ha_close) int fd = directory ? open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    if (!directory)
        return ha_fail(err, HA_E_MEMORY, "out of memory for syncing %s", path);
    // Some file systems can't sync a directory and say EINVAL.
    if (fd < 0 || (fsync(fd) != 0 && errno != EINVAL))
        return ha_fail_errno(err, errno, "can't sync the directory %s", directory);
    return HA_OK;
}

// --- The end of the chain

struct found {
    uint64_t first, seq;  // 0: there is no line
    int64_t begun;
    uint64_t good;  // bytes that are whole lines
    uint64_t torn;  // bytes behind them
    struct ha_buf last;
};

static void found_clear(struct found *found)
{
    ha_buf_clear(&found->last);
}
HA_AUTO_DEFINE_CLEAR(struct found, found_clear)

static int64_t time_of(const struct ha_audit_line *line)
{
    struct tm tm = {0};
    char text[25] = {0};
    memcpy(text, line->time, 24);
    return strptime(text, "%Y-%m-%dT%H:%M:%S", &tm) ? (int64_t)timegm(&tm) : 0;
}

static enum ha_code no_line(const char *path, struct ha_err *err)
{
    ha_fail(err, HA_E_CONFIG, "%s doesn't begin and end with a line of an audit log", path);
    return ha_hint(err, "See what `hsm-agent audit verify %s` says of it, and move the file aside to begin a new log.",
                   path);
}

// What is no line, but more than one can have: a loss of power may leave zeros where there was to be more.
static bool ends_in_zeros(const struct ha_audit_text *text)
{
    const char *zero = memchr(text->text, '\0', text->n), *end = text->text + text->n;
    while (zero && zero < end && *zero == '\0')
        zero++;
    return zero == end;
}

static enum ha_code read_end(const char *path, uint64_t from, struct found *found, struct ha_err *err)
{
    ha_auto(ha_audit_reader_free) struct ha_audit_reader *reader = NULL;
    struct ha_audit_text text;
    if (ha_audit_reader_open(path, from, &reader, err))
        return err->code;
    for (;;) {
        if (ha_audit_reader_next(reader, &text, err))
            return err->code;
        if (!text.text)
            return HA_OK;
        if (!text.whole) {
            found->torn += text.n;
            if (text.n < HA_AUDIT_LINE_MAX)
                return HA_OK;
            if (!ends_in_zeros(&text))
                return no_line(path, err);
            continue;
        }
        found->torn = 0;
        ha_buf_reset(&found->last);
        ha_buf_append(&found->last, text.text, text.n);
        found->good = text.offset + text.n + 1;
    }
}

static enum ha_code read_first(const char *path, struct found *found, struct ha_err *err)
{
    ha_auto(ha_audit_reader_free) struct ha_audit_reader *reader = NULL;
    struct ha_audit_text text;
    struct ha_audit_line line;
    if (ha_audit_reader_open(path, 0, &reader, err) || ha_audit_reader_next(reader, &text, err))
        return err->code;
    if (!text.text || !text.whole)
        return HA_OK;
    if (!ha_audit_line_read(text.text, text.n, &line))
        return no_line(path, err);
    found->first = line.seq;
    found->begun = time_of(&line);
    return HA_OK;
}

// A file that isn't compressed is read at its end alone.
static enum ha_code look(const struct ha_audit_file *file, struct found *found, struct ha_err *err)
{
    const uint64_t near = 4 * HA_AUDIT_LINE_MAX;
    struct ha_audit_line line;
    bool skips = !file->compressed && file->size > near;
    if (read_first(file->path, found, err) || read_end(file->path, skips ? file->size - near : 0, found, err))
        return err->code;
    if (found->first == 0)
        return HA_OK;
    if (!ha_buf_ok(&found->last) || !ha_audit_line_read(ha_buf_text(&found->last), found->last.len, &line))
        return no_line(file->path, err);
    found->seq = line.seq;
    return HA_OK;
}

static enum ha_code take_end(struct ha_audit *audit, const struct found *found, struct ha_err *err)
{
    audit->seq = found->seq;
    if (!ha_audit_line_hash(audit->hasher, ha_buf_text(&found->last), found->last.len, audit->hash))
        return ha_fail(err, HA_E_MEMORY, "out of memory for the audit log");
    return HA_OK;
}

static enum ha_code cut_torn(struct ha_audit *audit, const struct found *found, struct ha_buf *body, struct ha_err *err)
{
    audit->size = found->good;
    if (found->torn == 0)
        return HA_OK;
    if (ftruncate(audit->fd, (off_t)found->good) != 0)
        return ha_fail_errno(err, errno, "can't cut off the end of %s", audit->path);
    ha_log(audit->options.log, HA_LOG_WARN, "audit-torn-line", HA_S("file", audit->path), HA_N("bytes", found->torn),
           HA_S("cause", "the agent or the machine stopped while it was written"));
    ha_jw_number(body, "torn", (int64_t)found->torn);
    return HA_OK;
}

// What the last checkpoint knew of is there, or its absence is told.
static void compare_checkpoint(struct ha_audit *audit, struct ha_buf *body)
{
    ha_auto(ha_free) char *path = ha_audit_checkpoint_path(audit->path);
    struct ha_audit_line line;
    struct ha_err err = {0};
    if (!path || ha_file_read(path, HA_AUDIT_LINE_MAX, HA_FILE_TRUSTED, &audit->checkpoint, &err))
        return;
    while (audit->checkpoint.len > 0 && audit->checkpoint.data[audit->checkpoint.len - 1] == '\n')
        audit->checkpoint.data[--audit->checkpoint.len] = '\0';
    struct ha_audit_checkpoint checkpoint = {0};
    if (!ha_audit_line_read(ha_buf_text(&audit->checkpoint), audit->checkpoint.len, &line) ||
        ha_audit_checkpoint_read(ha_buf_text(&audit->checkpoint), audit->checkpoint.len, &checkpoint, &err)) {
        ha_log_err(audit->options.log, HA_LOG_WARN, "audit-checkpoint-unreadable", &err, HA_S("file", path));
        ha_buf_reset(&audit->checkpoint);
        return;
    }
    if (audit->seq >= checkpoint.of)
        audit->uncovered = audit->seq - checkpoint.of;
    if (audit->seq < line.seq) {
        ha_log(audit->options.log, HA_LOG_ERROR, "audit-lines-missing", HA_S("file", audit->path),
               HA_N("last", audit->seq), HA_N("checkpoint", line.seq));
        ha_jw_number(body, "missing", (int64_t)line.seq);
    }
    ha_audit_checkpoint_clear(&checkpoint);
}

enum ha_code ha_audit_find_end(struct ha_audit *audit, struct ha_buf *body, struct ha_err *err)
{
    ha_auto(ha_audit_files_clear) struct ha_audit_files files = {0};
    memcpy(audit->hash, HA_AUDIT_NO_HASH, sizeof audit->hash);
    if (ha_audit_files_list(audit->path, &files, err))
        return err->code;
    for (size_t i = files.n; i-- > 0 && audit->seq == 0;) {
        ha_auto(found_clear) struct found found = {0};
        bool current = files.items[i].first == 0;
        if (look(&files.items[i], &found, err))
            return err->code;
        if (current) {
            audit->first = found.first;
            audit->begun = found.begun;
            if (cut_torn(audit, &found, body, err))
                return err->code;
        }
        if (found.seq && take_end(audit, &found, err))
            return err->code;
    }
    compare_checkpoint(audit, body);
    return HA_OK;
}

// --- The log

static void *sync_often(void *context)
{
    struct ha_audit *audit = context;
    const struct timespec pause = {.tv_nsec = BATCH_MS * 1000000L};
    pthread_mutex_lock(&audit->lock);
    for (;;) {
        while (!audit->stop && audit->synced_seq >= audit->seq)
            pthread_cond_wait(&audit->dirty, &audit->lock);
        if (audit->stop)
            break;
        pthread_mutex_unlock(&audit->lock);
        nanosleep(&pause, NULL);
        pthread_mutex_lock(&audit->lock);
        struct ha_err told = {0};  // it is in the log's trouble
        if (ha_audit_sync_to(audit, audit->seq, &told)) {
            pthread_mutex_unlock(&audit->lock);
            nanosleep(&pause, NULL);
            pthread_mutex_lock(&audit->lock);
        }
    }
    pthread_mutex_unlock(&audit->lock);
    return NULL;
}

static void init_conditions(struct ha_audit *audit)
{
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_mutex_init(&audit->lock, NULL);
    pthread_cond_init(&audit->synced, NULL);
    pthread_cond_init(&audit->dirty, NULL);
    pthread_cond_init(&audit->due, &attributes);
    pthread_condattr_destroy(&attributes);
}

void ha_audit_free(struct ha_audit *audit)
{
    if (!audit)
        return;
    if (audit->has_syncer) {
        pthread_mutex_lock(&audit->lock);
        audit->stop = true;
        pthread_cond_signal(&audit->dirty);
        pthread_mutex_unlock(&audit->lock);
        pthread_join(audit->syncer, NULL);
    }
    if (audit->fd >= 0) {
        fdatasync(audit->fd);
        close(audit->fd);
    }
    if (audit->syslog_fd >= 0)
        close(audit->syslog_fd);
    pthread_cond_destroy(&audit->synced);
    pthread_cond_destroy(&audit->dirty);
    pthread_cond_destroy(&audit->due);
    pthread_mutex_destroy(&audit->lock);
    ha_hasher_free(audit->hasher);
    ha_buf_clear(&audit->start);
    ha_buf_clear(&audit->out);
    ha_buf_clear(&audit->checkpoint);
    free(audit->path);
    free(audit);
}

static enum ha_code open_log(struct ha_audit *audit, struct ha_err *err)
{
    ha_auto(ha_free) char *directory = directory_of(audit->path);
    if (!directory)
        return ha_fail(err, HA_E_MEMORY, "out of memory for the audit log");
    if (ha_dir_make(directory, 0700, err) || ha_dir_check(directory, err) ||
        ha_hasher_new(HA_HASH_SHA256, &audit->hasher, err) || ha_audit_open_file(audit->path, false, &audit->fd, err))
        return err->code;
    ha_jw_object(&audit->start, NULL);
    ha_jw_string(&audit->start, "agent", HA_VERSION);
    if (ha_audit_find_end(audit, &audit->start, err))
        return err->code;
    ha_jw_object_end(&audit->start);
    audit->synced_seq = audit->seq;
    audit->synced_size = audit->size;
    struct ha_err told = {0};  // the log is in trouble then, and says so
    ha_audit_write(audit, NULL, 0, &told);
    if (audit->options.sync != HA_AUDIT_BATCH)
        return HA_OK;
    int failed = pthread_create(&audit->syncer, NULL, sync_often, audit);
    if (failed)
        return ha_fail_errno(err, failed, "the audit log's thread");
    audit->has_syncer = true;
    return HA_OK;
}

enum ha_code ha_audit_open(const struct ha_audit_options *options, struct ha_audit **ret_audit, struct ha_err *err)
{
    ha_auto(ha_audit_free) struct ha_audit *audit = calloc(1, sizeof *audit);
    if (!audit)
        return ha_fail(err, HA_E_MEMORY, "out of memory for the audit log");
    audit->fd = audit->syslog_fd = -1;
    audit->options = *options;
    init_conditions(audit);
    audit->path = strdup(options->path);
    if (!audit->path)
        return ha_fail(err, HA_E_MEMORY, "out of memory for the audit log");
    audit->options.path = audit->path;
    if (open_log(audit, err))
        return err->code;
    *ret_audit = ha_take(&audit);
    return HA_OK;
}
