// SPDX-License-Identifier: Apache-2.0
// The audit log: what is written, what survives, and that whatever is changed is found. AUDIT_DAMAGES (300) random
// damages from the random SEED (1).
#include "audit/checkpoint.h"
#include "audit/files.h"
#include "audit/reader.h"
#include "audit/refusals.h"
#include "audit/verify.h"
#include "audit_case.h"
#include "base/file.h"
#include "base/json.h"

#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

static void write_is_whole_and_goes_on(void **state)
{
    struct rig *rig = *state;
    struct found found;
    for (unsigned i = 1; i <= 3; i++) {
        struct ha_audit *audit = open_log(rig, NULL);
        audit_rig_fill(audit, rig->key, 10, 5);
        ha_audit_free(audit);
    }
    struct ha_audit_verdict verdict = verify(rig, &found);
    assert_string_equal(found.names, "");
    assert_int_equal(verdict.first, 1);
    assert_int_equal(verdict.last, 3 * (1 + 10 + 2));
    assert_int_equal(verdict.checkpoints, 6);
    assert_int_equal(verdict.signed_to, verdict.last - 1);
}

enum { WRITERS = 8, EACH = 200 };

static void *write_many(void *context)
{
    struct ha_audit *audit = context;
    for (unsigned i = 0; i < EACH; i++) {
        struct ha_audit_record records[3] = {audit_rig_record(), audit_rig_record(), audit_rig_record()};
        struct ha_err err = {0};
        if (ha_audit_use(audit, records, 1 + i % 3, &err))
            return audit;
    }
    return NULL;
}

static void threads_share_one_chain_through_rotations(void **state)
{
    struct rig *rig = *state;
    struct found found;
    uint64_t lines = 0;
    for (enum ha_audit_sync sync = HA_AUDIT_BATCH; sync <= HA_AUDIT_OFF; sync++) {
        const struct ha_audit_options options = {
            .sync = sync, .rotate_bytes = 65536, .live_days = 92, .archive_days = 366, .checkpoint_lines = 100};
        struct ha_audit *audit = open_log(rig, &options);
        pthread_t threads[WRITERS];
        for (size_t i = 0; i < WRITERS; i++)
            assert_int_equal(pthread_create(&threads[i], NULL, write_many, audit), 0);
        for (size_t i = 0; i < 20; i++) {
            ha_audit_wait(audit, 5, true);
            audit_rig_checkpoint(audit, rig->key);
            ha_audit_tend(audit, time(NULL));
        }
        for (size_t i = 0; i < WRITERS; i++) {
            void *failed;
            assert_int_equal(pthread_join(threads[i], &failed), 0);
            assert_null(failed);
        }
        audit_rig_checkpoint(audit, rig->key);
        ha_audit_free(audit);
        lines += 1 + 21 + WRITERS * (EACH + EACH - 1);
    }
    struct ha_audit_verdict verdict = verify(rig, &found);
    assert_string_equal(found.names, "");
    assert_int_equal(verdict.last, lines);
}

static void second_opener_is_refused(void **state)
{
    struct rig *rig = *state;
    struct ha_audit *audit = open_log(rig, NULL), *second = NULL;
    struct ha_err err = {0};
    struct ha_audit_options options = {.path = rig->path, .log = &rig->log};
    assert_int_equal(ha_audit_open(&options, &second, &err), HA_E_CONFLICT);
    ha_audit_free(audit);
}

static void directory_that_others_may_write_is_refused(void **state)
{
    struct rig *rig = *state;
    struct ha_audit *audit;
    struct ha_err err = {0};
    struct ha_audit_options options = {.path = rig->path, .log = &rig->log};
    char directory[sizeof rig->path];
    strcpy(directory, rig->path);
    *strrchr(directory, '/') = '\0';
    assert_int_equal(mkdir(directory, 0700), 0);
    assert_int_equal(chmod(directory, 0770), 0);
    assert_int_equal(ha_audit_open(&options, &audit, &err), HA_E_CONFIG);
    assert_int_equal(access(rig->path, F_OK), -1);
}

static void foreign_file_is_refused(void **state)
{
    struct rig *rig = *state;
    struct ha_audit *audit = open_log(rig, NULL);
    struct ha_err err = {0};
    struct ha_audit_options options = {.path = rig->path, .log = &rig->log};
    ha_audit_free(audit);
    assert_int_equal(chmod(rig->path, 0620), 0);
    assert_int_equal(ha_audit_open(&options, &audit, &err), HA_E_CONFIG);
    assert_int_equal(chmod(rig->path, 0600), 0);
    write_file(rig->path, "something else\n", 15);
    assert_int_equal(ha_audit_open(&options, &audit, &err), HA_E_CONFIG);
    assert_int_equal(unlink(rig->path), 0);
    assert_int_equal(symlink("elsewhere", rig->path), 0);
    assert_int_equal(ha_audit_open(&options, &audit, &err), HA_E_IO);
}

static void torn_line_is_cut_off_and_told(void **state)
{
    struct rig *rig = *state;
    ha_auto(ha_buf_clear) struct ha_buf text = {0};
    struct found found;
    struct ha_audit *audit = open_log(rig, NULL);
    audit_rig_fill(audit, rig->key, 10, 10);
    audit_rig_fill(audit, rig->key, 1, 10);
    ha_audit_free(audit);
    read_file(rig->path, &text);
    write_file(rig->path, text.data, text.len - 7);
    assert_int_equal(verify(rig, &found).findings, 1);
    assert_string_equal(found.names, "malformed-line ");
    ha_audit_free(open_log(rig, NULL));
    assert_int_equal(verify(rig, &found).findings, 0);
    read_file(rig->path, &text);
    assert_non_null(strstr(ha_buf_text(&text), "\"event\":\"start\",\"agent\":\"" HA_VERSION "\",\"torn\":"));
}

static void lines_before_the_checkpoint_are_missed_at_start(void **state)
{
    struct rig *rig = *state;
    ha_auto(ha_buf_clear) struct ha_buf text = {0};
    struct found found;
    struct ha_audit *audit = open_log(rig, NULL);
    audit_rig_fill(audit, rig->key, 10, 10);
    ha_audit_free(audit);
    read_file(rig->path, &text);
    size_t n = (size_t)(strchr(ha_buf_text(&text) + text.len / 2, '\n') - ha_buf_text(&text)) + 1;
    write_file(rig->path, text.data, n);
    audit = open_log(rig, NULL);
    audit_rig_fill(audit, rig->key, 10, 10);
    ha_audit_free(audit);
    verify(rig, &found);
    assert_string_equal(found.names, "missing-lines ");
}

static const char *const evil[] = {
    "a\nb", "a\r\nb", "\"}\n{\"seq\":1", "\x01\x02\x1b[2J\x7f", "\xff\xfe\xc3", "\xc2\x85\xe2\x80\xa8",
    "\\",   "\"",     "\xed\xa0\x80",    "\xf4\x90\x80\x80",    "a\tb",
};

static void injection_forges_no_line(void **state)
{
    struct rig *rig = *state;
    ha_auto(ha_buf_clear) struct ha_buf text = {0};
    ha_auto(ha_free) char *huge = malloc(1000001), *controls = malloc(1000001);
    struct found found;
    struct ha_audit *audit = open_log(rig, NULL);
    memset(huge, '\n', 1000000);
    memset(controls, '\x01', 1000000);
    huge[1000000] = controls[1000000] = '\0';
    const size_t n = HA_ARRAY_SIZE(evil) + 2;
    for (size_t i = 0; i < n; i++) {
        struct ha_audit_record record = audit_rig_record();
        struct ha_err err = {0};
        const char *said = i < HA_ARRAY_SIZE(evil) ? evil[i] : i == n - 2 ? huge : controls;
        record.key = record.exe = record.unit = record.profile = record.client = record.request = record.object = said;
        record.token = record.operation = record.algorithm = record.listen = record.route = record.content = said;
        assert_int_equal(ha_audit_use(audit, &record, 1, &err), HA_OK);
    }
    audit_rig_checkpoint(audit, rig->key);
    ha_audit_free(audit);
    struct ha_audit_verdict verdict = verify(rig, &found);
    assert_string_equal(found.names, "");
    assert_int_equal(verdict.lines, n + 2);
    read_file(rig->path, &text);
    size_t lines = 0;
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.data[i];
        assert_true(c == '\n' || (c >= 0x20 && c != 0x7f));
        lines += c == '\n';
    }
    assert_int_equal(lines, n + 2);
    // Each is one JSON object that says what was said, as far as that is text.
    char *at = (char *)text.data;
    for (size_t i = 0; i < lines; i++) {
        ha_auto(ha_json_free) ha_json *json = NULL;
        struct ha_err err = {0};
        char *end = strchr(at, '\n');
        assert_int_equal(ha_json_parse(at, (size_t)(end - at), 2, &json, &err), HA_OK);
        if (i == 1)
            assert_string_equal(ha_json_get_string(json, "key"), "a\nb");
        at = end + 1;
    }
}

// A file size limit is as good as a full disk.
static void full_disk_refuses_and_resumes(void **state)
{
    struct rig *rig = *state;
    ha_auto(ha_buf_clear) struct ha_buf text = {0};
    struct found found;
    struct ha_err err = {0};
    struct rlimit limit, before;
    struct ha_audit_record record = audit_rig_record();
    struct ha_audit *audit = open_log(rig, NULL);
    audit_rig_fill(audit, rig->key, 10, 5);
    struct stat st;
    assert_int_equal(stat(rig->path, &st), 0);
    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &before);
    limit = before;
    limit.rlim_cur = (rlim_t)st.st_size + 100;  // a part of a line fits
    setrlimit(RLIMIT_FSIZE, &limit);
    assert_int_equal(ha_audit_ready(audit, &err), HA_OK);
    enum ha_code first = ha_audit_use(audit, &record, 1, &err);
    enum ha_code second = ha_audit_ready(audit, &err);
    usleep(150000);
    enum ha_code third = ha_audit_ready(audit, &err);
    struct ha_err trouble;
    ha_audit_trouble(audit, &trouble);
    setrlimit(RLIMIT_FSIZE, &before);
    assert_int_equal(first, HA_E_AUDIT);
    assert_int_equal(second, HA_E_AUDIT);
    assert_int_equal(third, HA_E_AUDIT);
    assert_int_equal(trouble.code, HA_E_IO);
    usleep(150000);
    assert_int_equal(ha_audit_ready(audit, &err), HA_OK);
    assert_int_equal(ha_audit_use(audit, &record, 1, &err), HA_OK);
    audit_rig_checkpoint(audit, rig->key);
    ha_audit_free(audit);
    verify(rig, &found);
    assert_string_equal(found.names, "");
    read_file(rig->path, &text);
    assert_non_null(strstr(ha_buf_text(&text), "\"event\":\"resumed\",\"cause\":\"can't write"));
    assert_non_null(strstr(ha_buf_text(&text), "\"missed\":1}"));
}

static void taken_away_file_is_told(void **state)
{
    struct rig *rig = *state;
    struct found found;
    struct ha_audit *audit = open_log(rig, NULL);
    audit_rig_fill(audit, rig->key, 10, 5);
    assert_int_equal(rename(rig->path, rig->copy), 0);
    ha_audit_tend(audit, time(NULL));
    audit_rig_fill(audit, rig->key, 10, 5);
    ha_audit_free(audit);
    verify(rig, &found);
    assert_string_equal(found.names, "alarm missing-beginning ");
}

static void rotation_carries_the_chain_through_all_files(void **state)
{
    struct rig *rig = *state;
    struct found found;
    ha_auto(ha_audit_files_clear) struct ha_audit_files files = {0};
    struct ha_err err = {0};
    const struct ha_audit_options options = {.rotate_bytes = 4096, .live_days = 92, .archive_days = 366};
    struct ha_audit *audit = open_log(rig, &options);
    const int64_t day_s = 86400, now_s = time(NULL);
    for (unsigned i = 0; i < 6; i++) {
        audit_rig_fill(audit, rig->key, 10, 5);
        ha_audit_tend(audit, now_s);
    }
    assert_int_equal(ha_audit_files_list(rig->path, &files, &err), HA_OK);
    assert_int_equal(files.n, 7);
    struct ha_audit_verdict verdict = verify(rig, &found);
    assert_string_equal(found.names, "");
    assert_int_equal(verdict.lines, 1 + 6 * 12);

    // Old files are compressed, and still read.
    ha_audit_tend(audit, now_s + 93 * day_s);
    ha_audit_files_clear(&files);
    assert_int_equal(ha_audit_files_list(rig->path, &files, &err), HA_OK);
    assert_true(files.n >= 7 && files.items[0].compressed && files.items[5].compressed);
    assert_int_equal(verify(rig, &found).lines, 1 + 6 * 12);
    assert_string_equal(found.names, "");
    ha_audit_free(audit);

    // A file in the middle that is gone is found.
    assert_int_equal(rename(files.items[2].path, rig->copy), 0);
    verify(rig, &found);
    assert_non_null(strstr(found.names, "wrong-number wrong-hash"));
    assert_int_equal(rename(rig->copy, files.items[2].path), 0);

    // So is the first one, unless the log says that it was removed for its age.
    assert_int_equal(rename(files.items[0].path, rig->copy), 0);
    verify(rig, &found);
    assert_string_equal(found.names, "missing-beginning ");
    assert_int_equal(rename(rig->copy, files.items[0].path), 0);
    audit = open_log(rig, &options);
    ha_audit_tend(audit, now_s + 459 * day_s);
    audit_rig_fill(audit, rig->key, 10, 5);
    ha_audit_files_clear(&files);
    assert_int_equal(ha_audit_files_list(rig->path, &files, &err), HA_OK);
    assert_true(files.n <= 2);
    verdict = verify(rig, &found);
    assert_string_equal(found.names, "");
    assert_true(verdict.first > 60);
    ha_audit_free(audit);
}

static void verification_resumes_at_a_checkpoint_across_a_rotation(void **state)
{
    struct rig *rig = *state;
    struct found found;
    char progress[96];
    snprintf(progress, sizeof progress, "%s/state", rig->directory);
    const struct ha_audit_options options = {.rotate_bytes = 4096, .live_days = 92, .archive_days = 366};
    struct ha_audit *audit = open_log(rig, &options);
    audit_rig_fill(audit, rig->key, 20, 6);
    assert_int_equal(verify_with(rig, rig->path, NULL, progress, &found).lines, 24);
    ha_audit_tend(audit, time(NULL));
    audit_rig_fill(audit, rig->key, 10, 5);
    struct ha_audit_verdict verdict = verify_with(rig, rig->path, NULL, progress, &found);
    assert_string_equal(found.names, "");
    assert_int_equal(verdict.resumed, 22);
    assert_int_equal(verdict.lines, 2 + 12);
    assert_int_equal(verdict.last, 36);
    ha_audit_free(audit);
}

// --- Damage

struct damaged {
    struct ha_buf whole, head;
    size_t *lines;  // where each begins; one more is the end
    size_t n;       // lines before the last checkpoint
};

static void make_damaged(struct rig *rig, struct damaged *damaged)
{
    struct ha_audit *audit = open_log(rig, NULL);
    audit_rig_fill(audit, rig->key, 120, 20);
    ha_audit_last_checkpoint(audit, &damaged->head);
    ha_audit_free(audit);
    read_file(rig->path, &damaged->whole);
    damaged->lines = calloc(damaged->whole.len, sizeof *damaged->lines);
    size_t n = 0;
    damaged->lines[n++] = 0;
    for (size_t i = 0; i < damaged->whole.len; i++)
        if (damaged->whole.data[i] == '\n')
            damaged->lines[n++] = i + 1;
    damaged->n = n - 2;
}

static size_t any(size_t n)
{
    return (size_t)random() % n;
}

static void put_line(const struct damaged *damaged, size_t line, struct ha_buf *out)
{
    ha_buf_append(out, damaged->whole.data + damaged->lines[line], damaged->lines[line + 1] - damaged->lines[line]);
}

static void put_lines(const struct damaged *damaged, size_t from, size_t to, struct ha_buf *out)
{
    ha_buf_append(out, damaged->whole.data + damaged->lines[from], damaged->lines[to] - damaged->lines[from]);
}

// The rest of the log, from that line on, with all numbers and hashes made to fit what is in out: what somebody does
// who can compute, but has no key.
static void put_forged(const struct damaged *damaged, size_t from, struct ha_buf *out)
{
    ha_auto(ha_hasher_free) struct ha_hasher *hasher = NULL;
    struct ha_err err = {0};
    char hash[HA_AUDIT_HEX_LEN];
    assert_int_equal(ha_hasher_new(HA_HASH_SHA256, &hasher, &err), HA_OK);
    uint64_t seq = 0;
    for (size_t i = 0; i < out->len; i++)
        seq += out->data[i] == '\n';
    const uint8_t *end = out->data + out->len - 1, *last = memrchr(out->data, '\n', out->len - 1);
    last = last ? last + 1 : out->data;
    assert_true(ha_audit_line_hash(hasher, (const char *)last, (size_t)(end - last), hash));
    for (size_t i = from; i + 1 <= damaged->n + 1; i++) {
        const char *line = (const char *)damaged->whole.data + damaged->lines[i];
        const char *rest = strstr(line, "\",\"time\"");
        size_t start = out->len;
        ha_buf_printf(out, "{\"seq\":%llu,\"prev\":\"%.*s", (unsigned long long)++seq, HA_AUDIT_HEX_LEN, hash);
        ha_buf_append(out, rest, damaged->lines[i + 1] - damaged->lines[i] - (size_t)(rest - line));
        assert_true(ha_audit_line_hash(hasher, (const char *)out->data + start, out->len - start - 1, hash));
    }
}

enum damage { EDIT, DELETE, SWAP, INSERT, TRUNCATE, EDIT_FORGED, DELETE_FORGED, DAMAGES };

static void damage(const struct damaged *damaged, enum damage kind, struct ha_buf *out)
{
    size_t end = damaged->n, a = any(end), b = any(end), at = any(damaged->lines[end]);
    size_t whole = end + 1;
    switch (kind) {
    case EDIT:
        put_lines(damaged, 0, whole, out);
        out->data[at] ^= (uint8_t)(1 + any(255));
        break;
    case DELETE:
        put_lines(damaged, 0, a, out);
        put_lines(damaged, a + 1 + any(end - a), whole, out);
        break;
    case SWAP:
        while (b == a)
            b = any(end);
        for (size_t i = 0; i < whole; i++)
            put_line(damaged, i == a ? b : i == b ? a : i, out);
        break;
    case INSERT:
        put_lines(damaged, 0, a, out);
        put_line(damaged, b, out);
        put_lines(damaged, a, whole, out);
        break;
    case TRUNCATE:
        ha_buf_append(out, damaged->whole.data, at);
        break;
    case EDIT_FORGED:
        put_lines(damaged, 0, a + 1, out);
        memcpy(strstr((char *)out->data + damaged->lines[a], "\"time\":\"") + 8, "1999", 4);
        put_forged(damaged, a + 1, out);
        break;
    case DELETE_FORGED:
        put_lines(damaged, 0, 1 + a % (end - 2), out);
        put_forged(damaged, 2 + a % (end - 2), out);
        break;
    case DAMAGES:
        break;
    }
    assert_true(ha_buf_ok(out));
}

static void every_damage_is_found(void **state)
{
    static const char *const names[DAMAGES] = {"edits",       "deletions",    "swaps",           "insertions",
                                               "truncations", "forged edits", "forged deletions"};
    struct rig *rig = *state;
    struct damaged damaged = {0};
    struct found found;
    const char *count = getenv("AUDIT_DAMAGES"), *seed = getenv("SEED");
    unsigned n = count ? (unsigned)atoi(count) : 300, done[DAMAGES] = {0};
    srandom(seed ? (unsigned)atoi(seed) : 1);
    make_damaged(rig, &damaged);
    verify_with(rig, rig->path, ha_buf_text(&damaged.head), NULL, &found);
    assert_string_equal(found.names, "");
    for (unsigned i = 0; i < n; i++) {
        ha_auto(ha_buf_clear) struct ha_buf text = {0};
        enum damage kind = (enum damage)(i % DAMAGES);
        damage(&damaged, kind, &text);
        write_file(rig->copy, text.data, text.len);
        // The end that is cut off is known from elsewhere; everything else shows by itself.
        const char *head = kind == TRUNCATE ? ha_buf_text(&damaged.head) : NULL;
        if (verify_with(rig, rig->copy, head, NULL, &found).findings == 0)
            fail_msg("%s: number %u isn't found", names[kind], i);
        done[kind]++;
    }
    for (size_t i = 0; i < DAMAGES; i++)
        print_message("# %u %s, all found\n", done[i], names[i]);
    free(damaged.lines);
    ha_buf_clear(&damaged.whole);
    ha_buf_clear(&damaged.head);
}

// A loss of power may leave a file longer than what was written, with zeros.
static void zeros_at_the_end_are_cut_off(void **state)
{
    struct rig *rig = *state;
    ha_auto(ha_buf_clear) struct ha_buf text = {0};
    struct found found;
    struct ha_audit *audit = open_log(rig, NULL);
    audit_rig_fill(audit, rig->key, 10, 10);
    ha_audit_free(audit);
    read_file(rig->path, &text);
    ha_buf_append(&text, "{\"seq\":13,\"prev\"", 16);
    for (unsigned i = 0; i < 3 * HA_AUDIT_LINE_MAX; i++)
        ha_buf_putc(&text, '\0');
    write_file(rig->path, text.data, text.len);
    audit = open_log(rig, NULL);
    audit_rig_fill(audit, rig->key, 10, 10);
    ha_audit_free(audit);
    assert_int_equal(verify(rig, &found).lines, 1 + 11 + 1 + 11);
    assert_string_equal(found.names, "");
}

// What was verified before isn't read again, but where that ended is.
static void end_that_was_verified_and_is_gone_is_found(void **state)
{
    struct rig *rig = *state;
    ha_auto(ha_buf_clear) struct ha_buf text = {0}, cut = {0};
    struct found found;
    char progress[96];
    snprintf(progress, sizeof progress, "%s/state", rig->directory);
    struct ha_audit *audit = open_log(rig, NULL);
    audit_rig_fill(audit, rig->key, 20, 10);
    ha_audit_free(audit);
    verify_with(rig, rig->path, NULL, progress, &found);
    assert_string_equal(found.names, "");
    read_file(rig->path, &text);
    write_file(rig->path, text.data, text.len / 2);
    verify_with(rig, rig->path, NULL, progress, &found);
    assert_string_equal(found.names, "missing-verified ");
    // Nor may something else of the same length stand there.
    ha_buf_append(&cut, text.data, text.len);
    char *last = strstr((char *)cut.data, "\"of\":22");
    assert_non_null(last);
    last[6] = '3';
    write_file(rig->path, cut.data, cut.len);
    verify_with(rig, rig->path, NULL, progress, &found);
    assert_string_equal(found.names, "missing-verified ");
    write_file(rig->path, text.data, text.len);
    assert_int_equal(verify_with(rig, rig->path, NULL, progress, &found).lines, 0);
    assert_string_equal(found.names, "");
}

static void what_is_no_file_is_not_waited_for(void **state)
{
    struct rig *rig = *state;
    struct found found;
    char path[128];
    struct ha_audit *audit = open_log(rig, NULL);
    audit_rig_fill(audit, rig->key, 10, 10);
    ha_audit_free(audit);
    snprintf(path, sizeof path, "%s.%018d", rig->path, 1);
    assert_int_equal(mkfifo(path, 0600), 0);
    alarm(20);
    verify(rig, &found);
    alarm(0);
    assert_non_null(strstr(found.names, "unreadable-file"));
}

static void compression_is_given_up_at_the_end(void **state)
{
    struct rig *rig = *state;
    struct ha_err err = {0};
    ha_auto(ha_audit_files_clear) struct ha_audit_files files = {0};
    const struct ha_audit_options options = {.sync = HA_AUDIT_OFF, .rotate_bytes = 1, .live_days = 0};
    struct ha_audit *audit = open_log(rig, &options);
    audit_rig_fill(audit, rig->key, 10, 10);
    ha_audit_end(audit);
    assert_false(ha_audit_wait(audit, 20000, true));
    ha_audit_tend(audit, time(NULL) + 86400);
    ha_audit_free(audit);
    assert_int_equal(ha_audit_files_list(rig->path, &files, &err), HA_OK);
    assert_int_equal(files.n, 2);
    assert_false(files.items[0].compressed);
}

static int bind_log(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    return fd;
}

static void lines_are_copied_to_the_systems_log(void **state)
{
    struct rig *rig = *state;
    ha_auto(ha_buf_clear) struct ha_buf text = {0};
    struct found found;
    char message[8192], head[64];
    const struct ha_audit_options options = {.sync = HA_AUDIT_OFF, .syslog = rig->copy};
    ha_auto(ha_close) int fd = bind_log(rig->copy);
    struct ha_audit *audit = open_log(rig, &options);
    audit_rig_fill(audit, rig->key, 3, 3);
    read_file(rig->path, &text);
    snprintf(head, sizeof head, "<86>hsm-agent-audit[%d]: ", (int)getpid());
    char *at = (char *)text.data;
    for (unsigned i = 0; i < 5; i++) {
        ssize_t n = recv(fd, message, sizeof message - 1, MSG_DONTWAIT);
        assert_true(n > 0);
        message[n] = '\0';
        char *end = strchr(at, '\n');
        assert_memory_equal(message, head, strlen(head));
        assert_int_equal(n, strlen(head) + (size_t)(end - at));
        assert_memory_equal(message + strlen(head), at, (size_t)(end - at));
        at = end + 1;
    }
    assert_string_equal(at, "");
    // One that takes nothing keeps nobody waiting, and one that comes back gets the next.
    audit_rig_fill(audit, rig->key, 1000, 1000);
    close(fd);
    assert_int_equal(unlink(rig->copy), 0);
    audit_rig_fill(audit, rig->key, 10, 10);
    fd = bind_log(rig->copy);
    audit_rig_fill(audit, rig->key, 1, 1);
    ssize_t n = recv(fd, message, sizeof message - 1, MSG_DONTWAIT);
    assert_true(n > 0);
    message[n] = '\0';
    assert_non_null(strstr(message, "{\"seq\":1018,"));
    ha_audit_free(audit);
    assert_int_equal(verify(rig, &found).lines, 1 + 4 + 1001 + 11 + 2);
    assert_string_equal(found.names, "");
}

// What a user who is refused for ever can do to the disk, and to others' lines.
static void flood_of_refusals_is_counted(void **state)
{
    struct rig *rig = *state;
    ha_auto(ha_buf_clear) struct ha_buf text = {0};
    struct found found;
    struct ha_err err = {0};
    const unsigned n = 5000;
    struct ha_audit *audit = open_log(rig, NULL);
    struct ha_audit_record record = audit_rig_record();
    const time_t begun = time(NULL);
    record.code = HA_E_FORBIDDEN;
    for (unsigned i = 0; i < n; i++)
        assert_int_equal(ha_audit_refuse(audit, &record, &err), HA_OK);
    const unsigned most = 256 + 1 + (unsigned)(time(NULL) - begun);
    record.uid = 34;
    assert_int_equal(ha_audit_refuse(audit, &record, &err), HA_OK);
    record = audit_rig_record();
    assert_int_equal(ha_audit_use(audit, &record, 1, &err), HA_OK);
    audit_rig_checkpoint(audit, rig->key);
    ha_audit_free(audit);
    struct ha_audit_verdict verdict = verify(rig, &found);
    assert_string_equal(found.names, "");
    const uint64_t lines = verdict.lines - 5;  // start, the other user's, the use, checkpoint, suppressed
    assert_in_range(lines, 256, most);
    read_file(rig->path, &text);
    char line[64];
    snprintf(line, sizeof line, "\"event\":\"suppressed\",\"uid\":33,\"suppressed\":%u,", n - (unsigned)lines);
    assert_non_null(strstr(ha_buf_text(&text), line));
    assert_non_null(strstr(ha_buf_text(&text), "\"event\":\"refusal\",\"uid\":34,"));
    assert_non_null(strstr(ha_buf_text(&text), "\"event\":\"use\",\"uid\":33,"));
}

static void refusals_are_counted_a_user(void **state)
{
    static struct ha_refusals refusals;
    const int64_t now_ms = 1000000;
    // One who is told again after a pause, at the pace of the pause.
    for (unsigned i = 0; i < HA_REFUSALS_BURST; i++)
        assert_true(ha_refusals_take(&refusals, 1, now_ms));
    assert_false(ha_refusals_take(&refusals, 1, now_ms));
    assert_false(ha_refusals_take(&refusals, 1, now_ms + 999));
    assert_true(ha_refusals_take(&refusals, 1, now_ms + 1000));
    assert_false(ha_refusals_take(&refusals, 1, now_ms + 1001));
    assert_null(ha_refusals_untold(&refusals, now_ms + HA_REFUSALS_PAUSE_MS - 1, false));
    struct ha_refusals_user *user = ha_refusals_untold(&refusals, now_ms + HA_REFUSALS_PAUSE_MS, false);
    assert_non_null(user);
    assert_int_equal(user->suppressed, 3);
    user->suppressed = 0;
    assert_null(ha_refusals_untold(&refusals, now_ms + HA_REFUSALS_PAUSE_MS, true));
    // However many users there are, memory and lines are bounded.
    unsigned told = 0;
    for (uid_t uid = 100; uid < 100 + 10000; uid++)
        told += ha_refusals_take(&refusals, uid, now_ms);
    assert_int_equal(told, HA_REFUSALS_USERS - 1 + HA_REFUSALS_BURST);
    user = ha_refusals_untold(&refusals, now_ms, true);
    assert_true(ha_refusals_is_shared(&refusals, user));
    assert_int_equal(user->suppressed, 10000 - told);
    // A place that has nothing to remember is another's.
    assert_true(ha_refusals_take(&refusals, 7, now_ms + 1001));
}

static void another_key_verifies_nothing(void **state)
{
    struct rig *rig = *state;
    struct found found;
    struct ha_audit *audit = open_log(rig, NULL);
    audit_rig_fill(audit, rig->key, 10, 10);
    ha_audit_free(audit);
    softkey_free(rig->key);
    rig->key = softkey_new(HA_KEY_EC_P256);
    verify(rig, &found);
    assert_string_equal(found.names, "unknown-key no-checkpoint ");
}

// What lines of one batch have in common is copied, which mustn't show.
static void record_after_another_is_written_as_alone(void **state)
{
    static const uint8_t hash[32] = "the hash of another thing, ...";
    struct ha_audit_record records[20];
    for (size_t i = 0; i < HA_ARRAY_SIZE(records); i++)
        records[i] = audit_rig_record();
    records[2].uid = records[3].gid = 34;
    records[4].uid = (uid_t)-1;
    records[5].unit = records[6].exe = records[7].listen = records[8].client = records[9].request = "x";
    records[10].route = records[11].object = records[12].key = "x";
    records[13].version = 3;
    records[14].spki_sha256 = hash;
    records[15].operation = records[16].algorithm = "x";
    records[17].content = NULL;
    records[18].content_sha256 = hash;
    // Each once after the usual one, and once before it.
    struct ha_audit_written last = {0};
    ha_auto(ha_buf_clear) struct ha_buf together = {0}, alone = {0};
    for (size_t i = 0; i < 2 * HA_ARRAY_SIZE(records); i++) {
        const struct ha_audit_record *record = &records[i % 2 ? i / 2 : 0];
        ha_audit_record_write(&together, record, &last);
        ha_buf_putc(&together, '\n');
        ha_audit_record_write(&alone, record, NULL);
        ha_buf_putc(&alone, '\n');
    }
    assert_string_equal(ha_buf_text(&together), ha_buf_text(&alone));
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
#define TEST(name) cmocka_unit_test_setup_teardown(name, audit_case_set_up, audit_case_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(write_is_whole_and_goes_on),
        TEST(threads_share_one_chain_through_rotations),
        TEST(second_opener_is_refused),
        TEST(directory_that_others_may_write_is_refused),
        TEST(foreign_file_is_refused),
        TEST(torn_line_is_cut_off_and_told),
        TEST(lines_before_the_checkpoint_are_missed_at_start),
        TEST(injection_forges_no_line),
        TEST(full_disk_refuses_and_resumes),
        TEST(taken_away_file_is_told),
        TEST(rotation_carries_the_chain_through_all_files),
        TEST(verification_resumes_at_a_checkpoint_across_a_rotation),
        TEST(every_damage_is_found),
        TEST(another_key_verifies_nothing),
        cmocka_unit_test(record_after_another_is_written_as_alone),
        TEST(lines_are_copied_to_the_systems_log),
        TEST(flood_of_refusals_is_counted),
        cmocka_unit_test(refusals_are_counted_a_user),
        TEST(zeros_at_the_end_are_cut_off),
        TEST(end_that_was_verified_and_is_gone_is_found),
        TEST(what_is_no_file_is_not_waited_for),
        TEST(compression_is_given_up_at_the_end),
    };
    return cmocka_run_group_tests_name("audit", tests, NULL, NULL);
}
