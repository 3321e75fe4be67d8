// SPDX-License-Identifier: Apache-2.0
#include "keys/last_use.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/json.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define FILE_MAX  (4 * 1024 * 1024)  // bytes
#define DEPTH_MAX 4
#define TIME_MAX  (UINT64_C(1) << 40)  // seconds

void ha_last_use_note(struct ha_key *key)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME_COARSE, &now);
    if (atomic_load_explicit(&key->last_use_s, memory_order_relaxed) != now.tv_sec)
        atomic_store_explicit(&key->last_use_s, now.tv_sec, memory_order_relaxed);
}

int64_t ha_last_use(const struct ha_key *key)
{
    return atomic_load_explicit(&key->last_use_s, memory_order_relaxed);
}

// A key of that name and version that is younger than the use is another one.
static bool is_older(const struct ha_key *key, int64_t at_s)
{
    struct tm utc = {0};
    return !strptime(key->created, "%Y-%m-%dT%H:%M:%S", &utc) || (int64_t)timegm(&utc) <= at_s;
}

static void take(const ha_json *item, struct ha_key *const *keys, size_t n)
{
    uint64_t version, at_s;
    const char *name = ha_json_get_string(item, "key");
    if (!name || !ha_json_uint(ha_json_get(item, "version"), UINT32_MAX, &version) ||
        !ha_json_uint(ha_json_get(item, "at"), TIME_MAX, &at_s))
        return;
    for (size_t i = 0; i < n; i++)
        // A request may have used it already.
        if (keys[i]->version == version && strcmp(keys[i]->name, name) == 0 && is_older(keys[i], (int64_t)at_s) &&
            ha_last_use(keys[i]) < (int64_t)at_s)
            atomic_store(&keys[i]->last_use_s, (int64_t)at_s);
}

static enum ha_code load(struct ha_last_use *last_use, struct ha_keys *keys, struct ha_err *err)
{
    ha_auto(ha_json_free) ha_json *json = NULL;
    struct ha_err failure = {0};
    if (ha_file_read(last_use->path, FILE_MAX, HA_FILE_TRUSTED, &last_use->saved, &failure)) {
        if (failure.code == HA_E_IO && errno == ENOENT)
            return HA_OK;
        *err = failure;
        return err->code;
    }
    if (ha_json_parse(ha_buf_text(&last_use->saved), last_use->saved.len, DEPTH_MAX, &json, err))
        return ha_wrap(err, "%s", last_use->path);
    size_t n;
    struct ha_key **all = ha_keys_all(keys, &n);
    const ha_json *uses = ha_json_get(json, "uses");
    for (const ha_json *item = uses ? ha_json_first(uses) : NULL; item; item = ha_json_next(item))
        take(item, all, n);
    ha_keys_list_free(all, n);
    return HA_OK;
}

enum ha_code ha_last_use_open(const char *state_dir, struct ha_keys *keys, struct ha_last_use *ret_last_use,
                              struct ha_err *err)
{
    *ret_last_use = (struct ha_last_use){0};
    if (asprintf(&ret_last_use->path, "%s/last-use.json", state_dir) < 0) {
        ret_last_use->path = NULL;
        return ha_fail(err, HA_E_MEMORY, "out of memory");
    }
    return load(ret_last_use, keys, err);
}

static void write_uses(struct ha_keys *keys, struct ha_buf *out)
{
    size_t n;
    struct ha_key **all = ha_keys_all(keys, &n);
    ha_jw_object(out, NULL);
    ha_jw_number(out, "format", 1);
    ha_jw_array(out, "uses");
    for (size_t i = 0; i < n; i++) {
        if (ha_last_use(all[i])) {
            ha_jw_object(out, NULL);
            ha_jw_string(out, "key", all[i]->name);
            ha_jw_number(out, "version", all[i]->version);
            ha_jw_number(out, "at", ha_last_use(all[i]));
            ha_jw_object_end(out);
        }
    }
    ha_keys_list_free(all, n);
    ha_jw_array_end(out);
    ha_jw_object_end(out);
    ha_buf_putc(out, '\n');
}

enum ha_code ha_last_use_save(struct ha_last_use *last_use, struct ha_keys *keys, struct ha_err *err)
{
    ha_auto(ha_buf_clear) struct ha_buf text = {0};
    write_uses(keys, &text);
    if (!ha_buf_ok(&text))
        return ha_fail(err, HA_E_MEMORY, "out of memory");
    if (text.len == last_use->saved.len && memcmp(text.data, last_use->saved.data, text.len) == 0)
        return HA_OK;
    if (ha_file_write(last_use->path, text.data, text.len, 0600, err))
        return err->code;
    ha_buf_clear(&last_use->saved);
    last_use->saved = text;
    text = (struct ha_buf){0};
    return HA_OK;
}

void ha_last_use_clear(struct ha_last_use *last_use)
{
    free(last_use->path);
    ha_buf_clear(&last_use->saved);
    *last_use = (struct ha_last_use){0};
}
