// SPDX-License-Identifier: Apache-2.0
#include "token/guard.h"

#include "base/file.h"
#include "base/text.h"

#include <errno.h>
#include <string.h>

#define FILE_MAX    16384  // bytes
#define RECORDS_MAX 64     // then the oldest is forgotten
#define HEAD                                                                                                           \
    "# PINs that this token refused, as slow hashes, so that none is tried twice. Removed by\n"                        \
    "# `hsm-agent token unlock`.\n"

static const char refused_word[] = "refused ", begun_word[] = "begun ", salt_word[] = HA_SLOW_HASH_NAME " ";

struct record {
    bool refused;  // else begun
    uint8_t hash[HA_SLOW_HASH_LEN];
};

struct guard {
    uint8_t salt[HA_SLOW_SALT_LEN];
    struct record record[RECORDS_MAX];
    size_t n;
};

// --- The file

static bool read_hex(const char *text, size_t n, uint8_t *ret_bytes, size_t want)
{
    ha_auto(ha_buf_clear) struct ha_buf bytes = {0};
    struct ha_err ignored = {0};
    if (ha_hex_decode(&bytes, text, n, &ignored) || bytes.len != want)
        return false;
    memcpy(ret_bytes, bytes.data, want);
    return true;
}

static bool after_word(const char *line, size_t n, const char *word, const char **ret_rest, size_t *ret_n)
{
    size_t len = strlen(word);
    if (n < len || memcmp(line, word, len) != 0)
        return false;
    *ret_rest = line + len;
    *ret_n = n - len;
    return true;
}

static bool parse_line(const char *line, size_t n, bool *salted, struct guard *guard)
{
    const char *rest;
    size_t left;
    if (n == 0 || line[0] == '#')
        return true;
    if (!*salted)
        return *salted = after_word(line, n, salt_word, &rest, &left) &&
                         read_hex(rest, left, guard->salt, sizeof(guard->salt));
    struct record *record = &guard->record[guard->n];
    if (guard->n == RECORDS_MAX)
        return false;
    record->refused = after_word(line, n, refused_word, &rest, &left);
    if ((!record->refused && !after_word(line, n, begun_word, &rest, &left)) ||
        !read_hex(rest, left, record->hash, sizeof(record->hash)))
        return false;
    guard->n++;
    return true;
}

static bool parse(const struct ha_buf *text, struct guard *guard)
{
    bool salted = false;
    const char *line = ha_buf_text(text);
    for (const char *end = line; *line; line = *end ? end + 1 : end) {
        end = line + strcspn(line, "\n");
        if (!parse_line(line, (size_t)(end - line), &salted, guard))
            return false;
    }
    return salted;
}

// A file that isn't there is an empty record with a new salt.
static enum ha_code load(const char *path, struct guard *guard, struct ha_err *err)
{
    ha_auto(ha_buf_clear) struct ha_buf text = {0};
    struct ha_err failure = {0};
    *guard = (struct guard){0};
    errno = 0;
    if (ha_file_read(path, FILE_MAX, HA_FILE_PRIVATE, &text, &failure)) {
        if (failure.code == HA_E_IO && errno == ENOENT)
            return ha_slow_salt(guard->salt, err);
        *err = failure;
        return ha_wrap(err, "the PIN isn't tried, because its record can't be read");
    }
    if (parse(&text, guard))
        return HA_OK;
    ha_fail(err, HA_E_CONFIG, "the PIN isn't tried, because %s isn't a record of this release", path);
    return ha_hint(err, "If the PIN is right, remove the record with `hsm-agent token unlock`.");
}

static enum ha_code save(const char *path, const struct guard *guard, struct ha_err *err)
{
    ha_auto(ha_buf_clear) struct ha_buf text = {0};
    if (guard->n == 0)
        return ha_file_remove(path, err);
    ha_buf_puts(&text, HEAD);
    ha_buf_puts(&text, salt_word);
    ha_hex_encode(&text, guard->salt, sizeof(guard->salt));
    ha_buf_putc(&text, '\n');
    for (size_t i = 0; i < guard->n; i++) {
        ha_buf_puts(&text, guard->record[i].refused ? refused_word : begun_word);
        ha_hex_encode(&text, guard->record[i].hash, sizeof(guard->record[i].hash));
        ha_buf_putc(&text, '\n');
    }
    if (!ha_buf_ok(&text))
        return ha_fail(err, HA_E_MEMORY, "out of memory for the record of a PIN");
    return ha_file_write(path, text.data, text.len, 0600, err);
}

// --- What is in it

static struct record *find(struct guard *guard, const uint8_t *hash)
{
    struct record *found = NULL;
    for (size_t i = 0; i < guard->n; i++) {
        if (ha_equal_ct(guard->record[i].hash, hash, HA_SLOW_HASH_LEN))
            found = &guard->record[i];
    }
    return found;
}

static void drop(struct guard *guard, const struct record *record)
{
    size_t at = (size_t)(record - guard->record);
    memmove(&guard->record[at], &guard->record[at + 1], (guard->n - at - 1) * sizeof(guard->record[0]));
    guard->n--;
}

static void put(struct guard *guard, const uint8_t *hash, bool refused)
{
    struct record *record = find(guard, hash);
    if (!record) {
        if (guard->n == RECORDS_MAX)
            drop(guard, &guard->record[0]);
        record = &guard->record[guard->n++];
    }
    record->refused = refused;
    memcpy(record->hash, hash, HA_SLOW_HASH_LEN);
}

// The serial number is part of the salt: the same PIN on another token is another record.
static enum ha_code hash_pin(const struct guard *guard, const char *serial, struct ha_secret *pin,
                             uint8_t ret_hash[static HA_SLOW_HASH_LEN], struct ha_err *err)
{
    ha_auto(ha_buf_clear) struct ha_buf salt = {0};
    ha_buf_append(&salt, guard->salt, sizeof(guard->salt));
    ha_buf_puts(&salt, serial);
    if (!ha_buf_ok(&salt))
        return ha_fail(err, HA_E_MEMORY, "out of memory for the hash of a PIN");
    return ha_slow_hash(pin, salt.data, salt.len, ret_hash, err);
}

static enum ha_code refuse(const struct record *record, bool count_low, struct ha_err *err)
{
    if (record->refused) {
        ha_fail(err, HA_E_PIN, "the token has refused this PIN before; it wasn't tried again");
        return ha_hint(err,
                       "Put the right PIN where the token's 'pin' option points, then `hsm-agent token unlock NAME` "
                       "or a restart. If this PIN is right by now: `hsm-agent token unlock NAME`.");
    }
    if (count_low) {
        ha_fail(err, HA_E_PIN,
                "how a login with this PIN ended isn't known, and the token says that a wrong PIN was "
                "entered; it wasn't tried again");
        return ha_hint(err, "If the PIN is right: `hsm-agent token unlock NAME`. If not, correct it first.");
    }
    return HA_OK;
}

enum ha_code ha_guard_begin(const char *path, const char *serial, struct ha_secret *pin, bool count_low,
                            struct ha_guard_try *ret_try, struct ha_err *err)
{
    struct guard guard;
    struct ha_guard_try try = {0};
    if (load(path, &guard, err) || hash_pin(&guard, serial, pin, try.hash, err))
        return err->code;
    const struct record *record = find(&guard, try.hash);
    if (record && refuse(record, count_low, err))
        return err->code;
    try.begun_before = record != NULL;
    memcpy(try.salt, guard.salt, sizeof(try.salt));
    if (!record) {
        put(&guard, try.hash, false);
        if (save(path, &guard, err))
            return ha_wrap(err, "the PIN isn't tried, because that can't be recorded");
    }
    *ret_try = try;
    return HA_OK;
}

enum ha_code ha_guard_end(const char *path, const struct ha_guard_try *try, enum ha_guard_outcome outcome,
                          struct ha_err *err)
{
    struct guard guard;
    if (outcome == HA_GUARD_UNKNOWN || (outcome == HA_GUARD_UNJUDGED && try->begun_before))
        return HA_OK;
    if (load(path, &guard, err))
        return err->code;
    if (guard.n == 0)  // removed meanwhile, by an operator
        memcpy(guard.salt, try->salt, sizeof(guard.salt));
    struct record *record = find(&guard, try->hash);
    switch (outcome) {
    case HA_GUARD_REFUSED:
        put(&guard, try->hash, true);
        break;
    case HA_GUARD_ACCEPTED:
    case HA_GUARD_UNJUDGED:
        if (!record)
            return HA_OK;
        drop(&guard, record);
        break;
    case HA_GUARD_UNKNOWN:
        return HA_OK;
    }
    return save(path, &guard, err);
}
