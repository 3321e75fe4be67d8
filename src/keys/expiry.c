// SPDX-License-Identifier: Apache-2.0
#include "keys/expiry.h"

#include "base/file.h"
#include "base/json.h"
#include "base/text.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DAY_S = 86400, FILE_MAX = 4 * 1024 * 1024, DEPTH_MAX = 4, DAYS_MOST = 100000 };

static struct ha_expiry_told *find(const struct ha_expiry *expiry, const uint8_t *sha256)
{
    for (size_t i = 0; i < expiry->n; i++)
        if (memcmp(expiry->told[i].sha256, sha256, HA_X5C_HASH_LEN) == 0)
            return &expiry->told[i];
    return NULL;
}

static enum ha_code put(struct ha_expiry *expiry, const uint8_t *sha256, unsigned days, struct ha_err *err)
{
    struct ha_expiry_told *told = find(expiry, sha256);
    if (told) {
        told->days = days;
        return HA_OK;
    }
    struct ha_expiry_told *more = reallocarray(expiry->told, expiry->n + 1, sizeof *more);
    if (!more)
        return ha_fail(err, HA_E_MEMORY, "out of memory");
    expiry->told = more;
    more[expiry->n].days = days;
    memcpy(more[expiry->n++].sha256, sha256, HA_X5C_HASH_LEN);
    return HA_OK;
}

static enum ha_code decode(struct ha_expiry *expiry, const struct ha_buf *text, struct ha_err *err)
{
    ha_auto(ha_json_free) ha_json *json = NULL;
    if (ha_json_parse(ha_buf_text(text), text->len, DEPTH_MAX, &json, err))
        return ha_wrap(err, "%s", expiry->path);
    const ha_json *list = ha_json_get(json, "told");
    for (const ha_json *item = list ? ha_json_first(list) : NULL; item; item = ha_json_next(item)) {
        ha_auto(ha_buf_clear) struct ha_buf sha256 = {0};
        struct ha_err ignored = {0};
        uint64_t days;
        const char *hex = ha_json_get_string(item, "sha256");
        if (hex && ha_hex_decode(&sha256, hex, strlen(hex), &ignored) == HA_OK && sha256.len == HA_X5C_HASH_LEN &&
            ha_json_uint(ha_json_get(item, "days"), DAYS_MOST, &days) && put(expiry, sha256.data, (unsigned)days, err))
            return err->code;
    }
    return HA_OK;
}

enum ha_code ha_expiry_open(const char *state_dir, struct ha_expiry *ret_expiry, struct ha_err *err)
{
    ha_auto(ha_buf_clear) struct ha_buf text = {0};
    struct ha_err failure = {0};
    *ret_expiry = (struct ha_expiry){0};
    if (asprintf(&ret_expiry->path, "%s/expiry-notices.json", state_dir) < 0) {
        ret_expiry->path = NULL;
        return ha_fail(err, HA_E_MEMORY, "out of memory");
    }
    if (ha_file_read(ret_expiry->path, FILE_MAX, HA_FILE_TRUSTED, &text, &failure)) {
        if (failure.code == HA_E_IO && errno == ENOENT)
            return HA_OK;
        *err = failure;
        return err->code;
    }
    return decode(ret_expiry, &text, err);
}

void ha_expiry_clear(struct ha_expiry *expiry)
{
    free(expiry->path);
    free(expiry->told);
    *expiry = (struct ha_expiry){0};
}

unsigned ha_expiry_passed(const struct ha_days *days, int64_t left_s)
{
    unsigned passed = UINT_MAX;
    if (left_s < 0 && days->n > 0)
        return 0;
    // The most comes first.
    for (size_t i = 0; i < days->n && left_s <= (int64_t)days->items[i] * DAY_S; i++)
        passed = days->items[i];
    return passed;
}

void ha_expiry_notice_clear(struct ha_expiry_notice *notice)
{
    ha_key_unref(notice->key);
    ha_key_certificate_unref(notice->certificate);
    *notice = (struct ha_expiry_notice){0};
}

static bool is_cared_for(struct ha_keys *keys, const struct ha_key *key)
{
    return !atomic_load(&key->disabled) && !atomic_load(&key->deletes_s) &&
           ha_keys_status(keys, key, NULL) != HA_STATUS_RETIRED;
}

// True: a notice of this key is due.
static bool look(const struct ha_expiry *expiry, struct ha_keys *keys, struct ha_key *key, const struct ha_days *days,
                 int64_t now_s, struct ha_expiry_notice *ret_notice)
{
    ha_auto(ha_key_certificate_unref) struct ha_key_certificate *certificate = ha_key_certificate(key);
    if (!certificate || !is_cared_for(keys, key))
        return false;
    int64_t left_s = certificate->not_after - now_s;
    unsigned passed = ha_expiry_passed(days, left_s);
    const struct ha_expiry_told *told = find(expiry, certificate->sha256);
    if (passed == UINT_MAX || (told && told->days <= passed))
        return false;
    *ret_notice = (struct ha_expiry_notice){
        .key = ha_key_ref(key), .certificate = ha_take(&certificate), .days = passed, .left_s = left_s};
    return true;
}

struct ha_expiry_notice *ha_expiry_due(const struct ha_expiry *expiry, struct ha_keys *keys, const struct ha_days *days,
                                       int64_t now_s, size_t *ret_n)
{
    size_t n_keys, n = 0;
    struct ha_key **all = ha_keys_all(keys, &n_keys);
    struct ha_expiry_notice *notices = n_keys ? calloc(n_keys, sizeof *notices) : NULL;
    for (size_t i = 0; notices && i < n_keys; i++)
        n += look(expiry, keys, all[i], days, now_s, &notices[n]);
    ha_keys_list_free(all, n_keys);
    *ret_n = n;
    return notices;
}

static bool is_installed(struct ha_key *const *keys, size_t n, const uint8_t *sha256)
{
    for (size_t i = 0; i < n; i++) {
        ha_auto(ha_key_certificate_unref) struct ha_key_certificate *certificate = ha_key_certificate(keys[i]);
        if (certificate && memcmp(certificate->sha256, sha256, HA_X5C_HASH_LEN) == 0)
            return true;
    }
    return false;
}

// Of certificates that are gone nothing has to be known any more.
static void forget(struct ha_expiry *expiry, struct ha_keys *keys)
{
    size_t n_keys, kept = 0;
    struct ha_key **all = ha_keys_all(keys, &n_keys);
    for (size_t i = 0; all && i < expiry->n; i++)
        if (is_installed(all, n_keys, expiry->told[i].sha256))
            expiry->told[kept++] = expiry->told[i];
    if (all)
        expiry->n = kept;
    ha_keys_list_free(all, n_keys);
}

enum ha_code ha_expiry_tell(struct ha_expiry *expiry, struct ha_keys *keys, const struct ha_expiry_notice *notice,
                            struct ha_err *err)
{
    ha_auto(ha_buf_clear) struct ha_buf text = {0};
    forget(expiry, keys);
    if (put(expiry, notice->certificate->sha256, notice->days, err))
        return err->code;
    ha_jw_object(&text, NULL);
    ha_jw_number(&text, "format", 1);
    ha_jw_array(&text, "told");
    for (size_t i = 0; i < expiry->n; i++) {
        ha_jw_object(&text, NULL);
        ha_jw_hex(&text, "sha256", expiry->told[i].sha256, HA_X5C_HASH_LEN);
        ha_jw_number(&text, "days", expiry->told[i].days);
        ha_jw_object_end(&text);
    }
    ha_jw_array_end(&text);
    ha_jw_object_end(&text);
    ha_buf_putc(&text, '\n');
    if (!ha_buf_ok(&text))
        return ha_fail(err, HA_E_MEMORY, "out of memory");
    return ha_file_write(expiry->path, text.data, text.len, 0600, err);
}
