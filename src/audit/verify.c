// SPDX-License-Identifier: Apache-2.0
#include "audit/verify.h"

#include "audit/files.h"
#include "audit/reader.h"
#include "audit/verify_state.h"
#include "base/json.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { PROGRESS_LINES = 4096, PATIENCE = 5, PATIENCE_MS = 20 };

struct verifier {
    const struct ha_audit_verify_options *options;
    struct ha_hasher *hasher;
    struct ha_audit_verdict verdict;
    struct ha_audit_files files;
    uint64_t done, size;  // bytes of files that are done with, and of all
    const struct ha_audit_file *file;
    struct ha_audit_text text;
    bool started;  // a line was read
    bool resumes;  // the first line read is to be the one at which the last verification ended
    bool lost;     // the line before wasn't one: the next is believed its number and hash
    bool split;    // so is the rest of a line that was too long
    char first_prev[HA_AUDIT_HEX_LEN];
    uint64_t removed_last;  // what the log says was removed from its beginning
    char removed_hash[HA_AUDIT_HEX_LEN];
    bool head_found;
    struct ha_audit_state state;     // how far all is well
    char (*ring)[HA_AUDIT_HEX_LEN];  // the hashes of the last lines, by number
};

static void verifier_clear(struct verifier *verifier)
{
    ha_hasher_free(verifier->hasher);
    ha_audit_files_clear(&verifier->files);
    free(verifier->ring);
}
HA_AUTO_DEFINE_CLEAR(struct verifier, verifier_clear)

static void find(struct verifier *verifier, const char *name, uint64_t seq, const char *format, ...) HA_PRINTF(4, 5);
static void find(struct verifier *verifier, const char *name, uint64_t seq, const char *format, ...)
{
    struct ha_audit_finding finding = {
        .name = name, .file = verifier->file ? verifier->file->path : "", .offset = verifier->text.offset, .seq = seq};
    va_list args;
    va_start(args, format);
    vsnprintf(finding.words, sizeof finding.words, format, args);
    va_end(args);
    // Some of it may be the log's own words.
    for (char *at = finding.words; *at; at++)
        if ((unsigned char)*at < 0x20 || *at == 0x7f)
            *at = '?';
    verifier->verdict.findings++;
    if (verifier->options->found)
        verifier->options->found(verifier->options->context, &finding);
}

// --- Checkpoints and what else the log says of itself

static void judge_signature(struct verifier *verifier, uint64_t seq, const struct ha_audit_checkpoint *checkpoint)
{
    const struct ha_audit_verify_options *options = verifier->options;
    struct ha_audit_verdict *verdict = &verifier->verdict;
    if (options->n_keys == 0) {
        verdict->unsigned_checkpoints++;
        return;
    }
    bool known = false;
    for (size_t i = 0; i < options->n_keys; i++) {
        if (memcmp(ha_pubkey_spki_sha256(options->keys[i]), checkpoint->spki_sha256, HA_SPKI_HASH_LEN) != 0)
            continue;
        known = true;
        if (ha_audit_checkpoint_verify(checkpoint, options->keys[i])) {
            verdict->checkpoints++;
            if (checkpoint->of > verdict->signed_to)
                verdict->signed_to = checkpoint->of;
            return;
        }
    }
    if (known)
        find(verifier, "wrong-signature", seq, "the checkpoint's signature isn't one of its key '%s'", checkpoint->key);
    else
        find(verifier, "unknown-key", seq,
             "the checkpoint is signed by version %u of '%s', of which no public key is "
             "given",
             checkpoint->version, checkpoint->key);
}

static void judge_checkpoint(struct verifier *verifier, uint64_t seq)
{
    ha_auto(ha_audit_checkpoint_clear) struct ha_audit_checkpoint checkpoint = {0};
    struct ha_err err = {0};
    if (ha_audit_checkpoint_read(verifier->text.text, verifier->text.n, &checkpoint, &err)) {
        find(verifier, "bad-checkpoint", seq, "the checkpoint can't be read: %.100s", err.detail);
        return;
    }
    if (checkpoint.of >= seq || seq - checkpoint.of >= HA_AUDIT_REACH) {
        find(verifier, "bad-checkpoint", seq, "the checkpoint is about line %" PRIu64, checkpoint.of);
        return;
    }
    // Lines from before the log's beginning, or from before it was gone on, aren't known.
    uint64_t from = verifier->verdict.resumed ? verifier->verdict.resumed : verifier->verdict.first;
    if (checkpoint.of < from)
        return;
    if (memcmp(verifier->ring[checkpoint.of % HA_AUDIT_REACH], checkpoint.hash, HA_AUDIT_HEX_LEN) != 0) {
        find(verifier, "wrong-checkpoint", seq, "line %" PRIu64 " isn't the one that the checkpoint signs",
             checkpoint.of);
        return;
    }
    judge_signature(verifier, seq, &checkpoint);
}

static void judge_notice(struct verifier *verifier, const struct ha_audit_line *line)
{
    ha_auto(ha_json_free) ha_json *json = NULL;
    struct ha_err err = {0};
    uint64_t number;
    if (ha_json_parse(verifier->text.text, verifier->text.n, 4, &json, &err)) {
        find(verifier, "malformed-line", line->seq, "the line can't be read: %.100s", err.detail);
        return;
    }
    const char *hash = ha_json_get_string(json, "hash"), *cause = ha_json_get_string(json, "cause");
    if (ha_audit_line_is(line, "alarm"))
        find(verifier, "alarm", line->seq, "the agent noticed: %.100s", cause ? cause : "");
    else if (ha_audit_line_is(line, "start") && ha_json_uint(ha_json_get(json, "missing"), 1ull << 53, &number))
        find(verifier, "missing-lines", line->seq, "when the agent started, lines up to %" PRIu64 " had been there",
             number);
    else if (ha_audit_line_is(line, "removed") && hash && strlen(hash) == HA_AUDIT_HEX_LEN &&
             ha_json_uint(ha_json_get(json, "last"), 1ull << 53, &number) && number > verifier->removed_last) {
        verifier->removed_last = number;
        memcpy(verifier->removed_hash, hash, HA_AUDIT_HEX_LEN);
    }
}

// --- Lines

static void judge_place(struct verifier *verifier, const struct ha_audit_line *line)
{
    struct ha_audit_verdict *verdict = &verifier->verdict;
    if (!verifier->started) {
        verdict->first = line->seq;
        memcpy(verifier->first_prev, line->prev, HA_AUDIT_HEX_LEN);
        if (line->seq == 1 && memcmp(line->prev, HA_AUDIT_NO_HASH, HA_AUDIT_HEX_LEN) != 0)
            find(verifier, "wrong-hash", 1, "the first line has the hash of another one before it");
        return;
    }
    if (line->seq != verdict->last + 1)
        find(verifier, "wrong-number", line->seq, "line %" PRIu64 " comes after line %" PRIu64, line->seq,
             verdict->last);
    if (!verifier->lost && memcmp(line->prev, verdict->hash, HA_AUDIT_HEX_LEN) != 0)
        find(verifier, "wrong-hash", line->seq,
             "line %" PRIu64 " isn't the one that was there when line %" PRIu64 " was written", verdict->last,
             line->seq);
}

static void say_changed(struct verifier *verifier)
{
    verifier->resumes = false;
    find(verifier, "missing-verified", verifier->state.seq,
         "line %" PRIu64 ", up to which the log was verified before, isn't there any more", verifier->state.seq);
}

// The line at which the last verification ended, which was verified then.
static enum ha_code judge_resumed(struct verifier *verifier, struct ha_err *err)
{
    struct ha_audit_line line;
    char hash[HA_AUDIT_HEX_LEN];
    bool is_line = verifier->text.whole && ha_audit_line_read(verifier->text.text, verifier->text.n, &line);
    if (!ha_audit_line_hash(verifier->hasher, verifier->text.text, verifier->text.n, hash))
        return ha_fail(err, HA_E_MEMORY, "out of memory for hashing");
    verifier->resumes = false;
    if (!is_line || line.seq != verifier->state.seq || memcmp(hash, verifier->state.hash, sizeof hash) != 0)
        say_changed(verifier);
    return HA_OK;
}

static enum ha_code judge_line(struct verifier *verifier, struct ha_err *err)
{
    struct ha_audit_verdict *verdict = &verifier->verdict;
    struct ha_audit_line line;
    verdict->bytes += verifier->text.n + 1;
    bool rest = verifier->split;
    verifier->split = !verifier->text.whole && verifier->text.n == HA_AUDIT_LINE_MAX;
    if (rest || !verifier->text.whole || !ha_audit_line_read(verifier->text.text, verifier->text.n, &line)) {
        if (!rest)
            find(verifier, "malformed-line", 0, "after line %" PRIu64 " comes what is no line of the log",
                 verdict->last);
        verifier->lost = true;
        return HA_OK;
    }
    judge_place(verifier, &line);
    if (!ha_audit_line_hash(verifier->hasher, verifier->text.text, verifier->text.n, verdict->hash))
        return ha_fail(err, HA_E_MEMORY, "out of memory for hashing");
    memcpy(verifier->ring[line.seq % HA_AUDIT_REACH], verdict->hash, HA_AUDIT_HEX_LEN);
    verifier->started = true;
    verifier->lost = false;
    verdict->last = line.seq;
    verdict->lines++;
    const struct ha_audit_checkpoint *head = verifier->options->head;
    if (head && head->of == line.seq && memcmp(head->hash, verdict->hash, HA_AUDIT_HEX_LEN) == 0)
        verifier->head_found = true;
    // A use, a refusal and a failure say nothing of the log.
    if (line.event[0] == 'u' || line.event[0] == 'f' || ha_audit_line_is(&line, "refusal"))
        return HA_OK;
    if (!ha_audit_line_is(&line, "checkpoint")) {
        judge_notice(verifier, &line);
        return HA_OK;
    }
    judge_checkpoint(verifier, line.seq);
    if (verdict->findings == 0 && verifier->options->state) {
        verifier->state.file = verifier->file->first;
        verifier->state.offset = verifier->text.offset;
        verifier->state.begins = verdict->first;
        verifier->state.seq = line.seq;
        memcpy(verifier->state.hash, verdict->hash, HA_AUDIT_HEX_LEN);
        verifier->state.signed_to = verdict->signed_to;
    }
    return HA_OK;
}

static void tell_progress(const struct verifier *verifier, const struct ha_audit_reader *reader)
{
    if (verifier->options->progress)
        verifier->options->progress(verifier->options->context,
                                    verifier->done + (reader ? ha_audit_reader_consumed(reader) : 0), verifier->size);
}

// The line at the end of the file that is written may be on its way.
static enum ha_code next_line(struct verifier *verifier, struct ha_audit_reader *reader, struct ha_err *err)
{
    const struct timespec pause = {.tv_nsec = PATIENCE_MS * 1000000L};
    for (int i = 0;; i++) {
        if (ha_audit_reader_next(reader, &verifier->text, err))
            return err->code;
        bool cut = verifier->text.text && !verifier->text.whole && verifier->text.n < HA_AUDIT_LINE_MAX;
        if (!cut || i == PATIENCE)
            return HA_OK;
        nanosleep(&pause, NULL);
    }
}

static enum ha_code judge_file(struct verifier *verifier, uint64_t offset, struct ha_err *err)
{
    ha_auto(ha_audit_reader_free) struct ha_audit_reader *reader = NULL;
    struct ha_err trouble = {0};
    enum ha_code code = ha_audit_reader_open(verifier->file->path, offset, &reader, &trouble);
    for (unsigned n = 1; code == HA_OK; n++) {
        code = next_line(verifier, reader, &trouble);
        if (code || !verifier->text.text)
            break;
        if (verifier->resumes ? judge_resumed(verifier, err) : judge_line(verifier, err))
            return err->code;
        if (!verifier->text.whole && verifier->text.n < HA_AUDIT_LINE_MAX)
            break;
        if (n % PROGRESS_LINES == 0) {
            tell_progress(verifier, reader);
            ha_audit_state_save(verifier->options->state, &verifier->state, false);
        }
    }
    if (verifier->resumes)
        say_changed(verifier);
    if (code)
        find(verifier, "unreadable-file", 0, "%.150s", trouble.detail);
    verifier->done += verifier->file->size;
    tell_progress(verifier, NULL);
    return HA_OK;
}

// --- The whole

static void judge_ends(struct verifier *verifier)
{
    struct ha_audit_verdict *verdict = &verifier->verdict;
    const struct ha_audit_checkpoint *head = verifier->options->head;
    bool whole = verdict->first == 1 || verdict->resumed ||
                 (verifier->removed_last == verdict->first - 1 &&
                  memcmp(verifier->removed_hash, verifier->first_prev, HA_AUDIT_HEX_LEN) == 0);
    verifier->text.offset = 0;
    if (verdict->first && !whole)
        find(verifier, "missing-beginning", verdict->first,
             "the log begins with line %" PRIu64 ", and says nothing of a removal of those before", verdict->first);
    if (head && !verifier->head_found && head->of > verdict->resumed)
        find(verifier, "missing-end", head->of, "line %" PRIu64 ", as it was signed, isn't in the log", head->of);
    if (verifier->options->n_keys && verdict->signed_to == 0)
        find(verifier, "no-checkpoint", 0, "no checkpoint signs any of the log");
}

// The file that is written has no number in its name, but in its first line.
static uint64_t first_of(const struct ha_audit_file *file)
{
    ha_auto(ha_audit_reader_free) struct ha_audit_reader *reader = NULL;
    struct ha_err ignored = {0};
    struct ha_audit_text text;
    struct ha_audit_line line;
    if (file->first)
        return file->first;
    if (ha_audit_reader_open(file->path, 0, &reader, &ignored) || ha_audit_reader_next(reader, &text, &ignored))
        return 0;
    return text.text && ha_audit_line_read(text.text, text.n, &line) ? line.seq : 0;
}

// The first file to read, and the offset in it.
static size_t resume(struct verifier *verifier, uint64_t *ret_offset)
{
    struct ha_audit_state state;
    struct ha_audit_verdict *verdict = &verifier->verdict;
    size_t i = 0;
    *ret_offset = 0;
    if (!verifier->options->state || !ha_audit_state_read(verifier->options->state, &state))
        return 0;
    while (i < verifier->files.n && verifier->files.items[i].first != state.file)
        verifier->done += verifier->files.items[i++].size;
    if (i == verifier->files.n) {  // it was removed since
        verifier->done = 0;
        return 0;
    }
    verifier->state = state;
    verdict->resumed = verdict->last = state.seq;
    verdict->first = state.begins;
    verdict->signed_to = state.signed_to;
    memcpy(verdict->hash, state.hash, HA_AUDIT_HEX_LEN);
    verifier->started = verifier->resumes = true;
    *ret_offset = state.offset;
    return i;
}

enum ha_code ha_audit_verify(const char *log_path, const struct ha_audit_verify_options *options,
                             struct ha_audit_verdict *ret_verdict, struct ha_err *err)
{
    ha_auto(verifier_clear) struct verifier verifier = {.options = options};
    uint64_t offset;
    verifier.ring = calloc(HA_AUDIT_REACH, sizeof *verifier.ring);
    if (!verifier.ring)
        return ha_fail(err, HA_E_MEMORY, "out of memory for verifying");
    if (ha_hasher_new(HA_HASH_SHA256, &verifier.hasher, err) || ha_audit_files_list(log_path, &verifier.files, err))
        return err->code;
    if (verifier.files.n == 0)
        return ha_fail(err, HA_E_IO, "there is no log at %s", log_path);
    for (size_t i = 0; i < verifier.files.n; i++) {
        verifier.files.items[i].first = first_of(&verifier.files.items[i]);
        verifier.size += verifier.files.items[i].size;
    }
    for (size_t i = resume(&verifier, &offset); i < verifier.files.n; i++, offset = 0) {
        verifier.file = &verifier.files.items[i];
        if (judge_file(&verifier, offset, err))
            return err->code;
    }
    judge_ends(&verifier);
    ha_audit_state_save(options->state, &verifier.state, true);
    *ret_verdict = verifier.verdict;
    return HA_OK;
}
