// SPDX-License-Identifier: Apache-2.0
// A line is written under the lock, since it has to have the hash of the one before it; one system call for all that a
// request has to say. What waits for the disk waits without the lock.
#include "audit/audit_internal.h"

#include "base/clock.h"
#include "base/json.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { RETRY_MS = 100 };

void ha_audit_set_trouble(struct ha_audit *audit, const struct ha_err *cause)
{
    if (!audit->trouble.code)
        ha_log_err(audit->options.log, HA_LOG_ERROR, "audit-unavailable", cause, HA_S("file", audit->path));
    audit->trouble = *cause;
    audit->retry_ms = ha_now_ms() + RETRY_MS;
    atomic_store(&audit->in_trouble, true);
}

enum ha_code ha_audit_unavailable(const struct ha_audit *audit, struct ha_err *err)
{
    struct ha_err cause = audit->trouble;
    ha_fail(err, HA_E_AUDIT, "the audit log can't be written: %s", cause.detail);
    err->retry_after_s = 1;
    return err->code;
}

// Writes all of it, or leaves the file as it was.
static enum ha_code write_lines(struct ha_audit *audit, struct ha_err *err)
{
    const struct ha_buf *out = &audit->out;
    size_t done = 0;
    while (done < out->len) {
        ssize_t n = write(audit->fd, out->data + done, out->len - done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            break;
        done += (size_t)n;
    }
    if (done == out->len)
        return HA_OK;
    int cause = errno;
    // A line that can't be taken back is no line for who comes after it.
    audit->torn = done > 0;
    if (ha_audit_take_back(audit, err))
        return err->code;
    return ha_fail_errno(err, cause, "can't write %s", audit->path);
}

static void put_resumed(const struct ha_audit *audit, struct ha_buf *body)
{
    ha_jw_object(body, NULL);
    ha_jw_string(body, "cause", audit->trouble.detail);
    ha_jw_number(body, "missed", (int64_t)audit->missed);
    ha_jw_object_end(body);
}

struct end {
    uint64_t seq;
    char hash[HA_AUDIT_HEX_LEN];
};

static bool put_line(struct ha_audit *audit, const struct ha_audit_entry *entry, struct end *end)
{
    size_t start = audit->out.len;
    if (!entry->body)
        return false;
    ha_audit_line_write(&audit->out, end->seq + 1, end->hash, audit->now.text, entry->event, entry->body, entry->n);
    if (!ha_buf_ok(&audit->out) || !ha_audit_line_hash(audit->hasher, (const char *)audit->out.data + start,
                                                       audit->out.len - start - 1, end->hash))
        return false;
    end->seq++;
    return true;
}

// Only a line "start", or of what was missed, may stand before the others.
static enum ha_code put_lines(struct ha_audit *audit, const struct ha_audit_entry *entries, size_t n, struct end *end,
                              struct ha_err *err)
{
    ha_auto(ha_buf_clear) struct ha_buf resumed = {0};
    bool fits = true;
    ha_buf_rewind(&audit->out);  // it is in the file as well
    ha_time_iso_again(&audit->now);
    if (!audit->started) {
        const struct ha_audit_entry entry = ha_audit_entry("start", &audit->start);
        fits = put_line(audit, &entry, end);
    } else if (audit->trouble.code) {
        put_resumed(audit, &resumed);
        const struct ha_audit_entry entry = ha_audit_entry("resumed", &resumed);
        fits = put_line(audit, &entry, end);
    }
    for (size_t i = 0; i < n && fits; i++)
        fits = put_line(audit, &entries[i], end);
    return fits ? HA_OK : ha_fail(err, HA_E_MEMORY, "out of memory for the audit log");
}

static void commit(struct ha_audit *audit, const struct end *end, size_t n)
{
    if (audit->first == 0) {
        audit->first = audit->seq + 1;
        audit->begun = time(NULL);
    }
    audit->size += audit->out.len;
    audit->seq = end->seq;
    memcpy(audit->hash, end->hash, sizeof audit->hash);
    audit->uncovered += n;
    audit->started = true;
    if (audit->trouble.code) {
        ha_log(audit->options.log, HA_LOG_WARN, "audit-resumed", HA_S("file", audit->path),
               HA_N("missed", audit->missed));
        audit->trouble = (struct ha_err){0};
        audit->missed = 0;
        atomic_store(&audit->in_trouble, false);
    }
    if (audit->awaited && audit->uncovered >= audit->awaited) {
        audit->awaited = 0;
        pthread_cond_signal(&audit->due);
    }
    if (audit->options.sync == HA_AUDIT_BATCH)
        pthread_cond_signal(&audit->dirty);
}

enum ha_code ha_audit_append(struct ha_audit *audit, const struct ha_audit_entry *entries, size_t n, struct ha_err *err)
{
    struct end end = {.seq = audit->seq};
    struct ha_err cause = {0};
    memcpy(end.hash, audit->hash, sizeof end.hash);
    if (audit->trouble.code && ha_left_ms(audit->retry_ms) > 0) {
        audit->missed += n;
        return ha_audit_unavailable(audit, err);
    }
    if (ha_audit_make_good(audit, &cause) || put_lines(audit, entries, n, &end, &cause) || write_lines(audit, &cause)) {
        ha_audit_set_trouble(audit, &cause);
        audit->missed += n;
        return ha_audit_unavailable(audit, err);
    }
    commit(audit, &end, n);
    ha_audit_copy(audit);
    return HA_OK;
}

enum ha_code ha_audit_write(struct ha_audit *audit, const struct ha_audit_entry *entries, size_t n, struct ha_err *err)
{
    pthread_mutex_lock(&audit->lock);
    // What couldn't be written or synced has to be on the disk before it is believed again.
    bool sync = audit->options.sync == HA_AUDIT_ALWAYS || audit->trouble.code;
    enum ha_code code = ha_audit_append(audit, entries, n, err);
    if (code == HA_OK && sync)
        code = ha_audit_sync_to(audit, audit->seq, err);
    pthread_mutex_unlock(&audit->lock);
    return code;
}

enum ha_code ha_audit_ready(struct ha_audit *audit, struct ha_err *err)
{
    if (!audit || !atomic_load_explicit(&audit->in_trouble, memory_order_relaxed))
        return HA_OK;
    return ha_audit_write(audit, NULL, 0, err);
}

enum ha_code ha_audit_use(struct ha_audit *audit, const struct ha_audit_record *records, size_t n, struct ha_err *err)
{
    if (!audit || n == 0)
        return HA_OK;
    ha_auto(ha_buf_clear) struct ha_buf bodies = {0};
    ha_auto(ha_free) struct ha_audit_entry *many = n > 1 ? calloc(n, sizeof *many) : NULL;
    struct ha_audit_entry one, *entries = n > 1 ? many : &one;
    if (!entries)
        return ha_fail(err, HA_E_AUDIT, "out of memory for the audit log");
    struct ha_audit_written last = {0};
    ha_buf_reserve(&bodies, n * HA_AUDIT_RECORD_USUAL);
    for (size_t i = 0; i < n; i++) {
        const size_t start = bodies.len;
        ha_audit_record_write(&bodies, &records[i], &last);
        entries[i] = (struct ha_audit_entry){.event = ha_audit_record_event(&records[i]), .n = bodies.len - start};
        ha_buf_putc(&bodies, '\n');
    }
    // Only now they don't move any more.
    const char *body = ha_buf_ok(&bodies) ? ha_buf_text(&bodies) : NULL;
    for (size_t i = 0; i < n; i++) {
        entries[i].body = body;
        body += body ? entries[i].n + 1 : 0;
    }
    return ha_audit_write(audit, entries, n, err);
}

bool ha_audit_hash(const struct ha_audit *audit, const void *data, size_t n, uint8_t ret_hash[static HA_AUDIT_HASH_LEN])
{
    return ha_hasher_digest_shared(audit->hasher, data, n, ret_hash);
}

void ha_audit_head(struct ha_audit *audit, struct ha_audit_head *ret_head)
{
    pthread_mutex_lock(&audit->lock);
    *ret_head = (struct ha_audit_head){.seq = audit->seq, .uncovered = audit->uncovered};
    memcpy(ret_head->hash, audit->hash, HA_AUDIT_HEX_LEN);
    pthread_mutex_unlock(&audit->lock);
}

void ha_audit_trouble(struct ha_audit *audit, struct ha_err *ret_err)
{
    pthread_mutex_lock(&audit->lock);
    *ret_err = audit->trouble;
    pthread_mutex_unlock(&audit->lock);
}

const char *ha_audit_path(const struct ha_audit *audit)
{
    return audit->path;
}

bool ha_audit_wait(struct ha_audit *audit, int timeout_ms, bool by_lines)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += timeout_ms / 1000;
    until.tv_nsec += timeout_ms % 1000 * 1000000L;
    if (until.tv_nsec >= 1000000000L) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000L;
    }
    const unsigned lines = by_lines ? audit->options.checkpoint_lines : 0;
    pthread_mutex_lock(&audit->lock);
    while (!audit->woken && !(lines && audit->uncovered >= lines)) {
        audit->awaited = lines;
        if (pthread_cond_timedwait(&audit->due, &audit->lock, &until))
            break;
    }
    audit->awaited = 0;
    bool due = lines && audit->uncovered >= lines;
    audit->woken = false;
    pthread_mutex_unlock(&audit->lock);
    return due;
}

void ha_audit_end(struct ha_audit *audit)
{
    atomic_store(&audit->ending, true);
    pthread_mutex_lock(&audit->lock);
    audit->woken = true;
    pthread_cond_signal(&audit->due);
    pthread_mutex_unlock(&audit->lock);
}
