// SPDX-License-Identifier: Apache-2.0
// Passwords of exported keys: none is used twice. What is kept of one is a slow hash with a salt of this state
// directory; what comes in is a slow hash already, made where the password was typed, so that it never gets here.
//
// The file: the hash's name and the salt, then a line for each password, all in hexadecimal digits.
#include "base/file.h"
#include "base/text.h"
#include "keys/backup.h"
#include "keys/keys_internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILE_MAX (1024 * 1024)
#define HEX_LEN  (2 * HA_SLOW_HASH_LEN)

static enum ha_code begin_file(struct ha_buf *text, struct ha_err *err)
{
    uint8_t salt[HA_SLOW_SALT_LEN];
    if (ha_slow_salt(salt, err))
        return err->code;
    ha_buf_printf(text, "%s ", HA_SLOW_HASH_NAME);
    ha_hex_encode(text, salt, sizeof(salt));
    ha_buf_putc(text, '\n');
    return HA_OK;
}

static enum ha_code read_file(const char *path, struct ha_buf *text, struct ha_err *err)
{
    struct ha_err failure = {0};
    if (ha_file_read(path, FILE_MAX, HA_FILE_PRIVATE, text, &failure) == HA_OK)
        return HA_OK;
    if (failure.code == HA_E_IO && errno == ENOENT)
        return begin_file(text, err);
    *err = failure;
    return err->code;
}

static enum ha_code read_salt(const struct ha_buf *text, struct ha_buf *salt, const char **ret_lines,
                              struct ha_err *err)
{
    static const char head[] = HA_SLOW_HASH_NAME " ";
    const char *at = ha_buf_text(text) + sizeof(head) - 1, *end = strchr(ha_buf_text(text), '\n');
    if (!end || strncmp(ha_buf_text(text), head, sizeof(head) - 1) != 0 || end < at ||
        ha_hex_decode(salt, at, (size_t)(end - at), err) || salt->len != HA_SLOW_SALT_LEN)
        return ha_fail(err, HA_E_CONFIG, "the record of passwords is damaged");
    *ret_lines = end + 1;
    return HA_OK;
}

static enum ha_code hash_again(const uint8_t *hash, const struct ha_buf *salt, struct ha_buf *hex, struct ha_err *err)
{
    ha_auto(ha_secret_free) struct ha_secret *secret = NULL;
    uint8_t kept[HA_SLOW_HASH_LEN];
    if (ha_secret_new(HA_SLOW_HASH_LEN, &secret, err))
        return err->code;
    memcpy(ha_secret_data(secret), hash, HA_SLOW_HASH_LEN);
    ha_secret_set_len(secret, HA_SLOW_HASH_LEN);
    if (ha_slow_hash(secret, salt->data, salt->len, kept, err))
        return err->code;
    ha_hex_encode(hex, kept, sizeof(kept));
    return ha_buf_ok(hex) ? HA_OK : ha_fail(err, HA_E_MEMORY, "out of memory");
}

static bool has_line(const char *lines, const char *hex)
{
    for (const char *end; (end = strchr(lines, '\n')); lines = end + 1)
        if ((size_t)(end - lines) == HEX_LEN && memcmp(lines, hex, HEX_LEN) == 0)
            return true;
    return false;
}

static enum ha_code use_password(const char *path, const uint8_t *hash, struct ha_err *err)
{
    ha_auto(ha_buf_clear) struct ha_buf text = {0}, salt = {0}, hex = {0};
    const char *lines = NULL;
    if (read_file(path, &text, err) || read_salt(&text, &salt, &lines, err) || hash_again(hash, &salt, &hex, err))
        return ha_wrap(err, "%s", path);
    if (has_line(lines, ha_buf_text(&hex))) {
        ha_fail(err, HA_E_CONFLICT, "this password was used for another export");
        return ha_hint(err, "make a new one for each: `openssl rand -base64 24`");
    }
    ha_buf_puts(&text, ha_buf_text(&hex));
    ha_buf_putc(&text, '\n');
    if (!ha_buf_ok(&text))
        return ha_fail(err, HA_E_MEMORY, "out of memory");
    return ha_file_write(path, text.data, text.len, 0600, err);
}

enum ha_code ha_backup_use_password(struct ha_keys *keys, const char *state_dir,
                                    const uint8_t hash[static HA_SLOW_HASH_LEN], struct ha_err *err)
{
    ha_auto(ha_free) char *path = NULL;
    if (asprintf(&path, "%s/transport-passwords", state_dir) < 0) {
        path = NULL;
        return ha_fail(err, HA_E_MEMORY, "out of memory");
    }
    pthread_mutex_lock(&keys->changing);
    enum ha_code code = use_password(path, hash, err);
    pthread_mutex_unlock(&keys->changing);
    return code;
}
