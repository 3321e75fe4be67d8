// SPDX-License-Identifier: Apache-2.0
#include "format/dip_string.h"

#include "base/text.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static void put_mapped(struct ha_buf *out, const char *text, size_t n, int (*map)(int))
{
    for (size_t i = 0; i < n; i++) {
        // URLs and methods are ASCII, and the C locale's letters are these.
        unsigned char c = (unsigned char)text[i];
        ha_buf_putc(out, (char)(c < 0x80 ? map(c) : c));
    }
}

static void put_destination(enum ha_dip_destination destination, const char *url, const struct ha_url *parts,
                            struct ha_buf *out)
{
    switch (destination) {
    case HA_DIP_DESTINATION_URL_LOWER:
        put_mapped(out, url, strlen(url), tolower);
        return;
    case HA_DIP_DESTINATION_URL:
        ha_buf_puts(out, url);
        return;
    case HA_DIP_DESTINATION_PATH:
        ha_buf_append(out, parts->path, parts->path_len);
        return;
    case HA_DIP_DESTINATION_PATH_QUERY:
        ha_buf_append(out, parts->path, parts->path_len + parts->query_len);
        return;
    }
}

enum ha_code ha_dip_string(const struct ha_dip_profile *profile, const struct ha_http_message *message,
                           const char *date, const char *content, struct ha_buf *out, struct ha_err *err)
{
    struct ha_url url;
    if (message->status != 0 || !message->method || !message->url)
        return ha_fail(err, HA_E_MALFORMED, "only requests are signed, which have a method and a URL");
    if (ha_url_split(message->url, &url, err))
        return ha_at(err, "/url");
    put_mapped(out, message->method, strlen(message->method), toupper);
    ha_buf_putc(out, ';');
    put_destination(profile->destination, message->url, &url, out);
    ha_buf_printf(out, ";%s;%s", date, content);
    return ha_buf_ok(out) ? HA_OK : ha_fail(err, HA_E_MEMORY, "out of memory for the string to be signed");
}

void ha_dip_encode(enum ha_dip_text text, const void *bytes, size_t n, struct ha_buf *out)
{
    switch (text) {
    case HA_DIP_BASE64:
        ha_b64_encode(out, bytes, n, 0);
        return;
    case HA_DIP_BASE64URL:
        ha_b64u_encode(out, bytes, n);
        return;
    case HA_DIP_HEX:
        ha_hex_encode(out, bytes, n);
        return;
    }
}

enum ha_code ha_dip_content_bytes(const struct ha_dip_profile *profile, const struct ha_http_message *message,
                                  struct ha_buf *out, struct ha_err *err)
{
    uint8_t hash[32];
    const char *empty = profile->empty == HA_DIP_EMPTY_BRACES ? "{}" : "";
    if (profile->content == HA_DIP_CONTENT_PAYLOAD && message->body_sha256)
        return ha_fail(err, HA_E_MALFORMED, "the profile signs the body itself, so its digest doesn't do");
    if (profile->content == HA_DIP_CONTENT_PAYLOAD) {
        ha_buf_append(out, message->body_len ? (const char *)message->body : empty,
                      message->body_len ? message->body_len : strlen(empty));
    } else {
        if (ha_http_body_sha256(message, empty, hash, err))
            return err->code;
        ha_buf_append(out, hash, sizeof hash);
    }
    return ha_buf_ok(out) ? HA_OK : ha_fail(err, HA_E_MEMORY, "out of memory for a body");
}

enum ha_code ha_dip_content(const struct ha_dip_profile *profile, const struct ha_http_message *message,
                            struct ha_buf *out, struct ha_err *err)
{
    ha_auto(ha_buf_clear) struct ha_buf bytes = {0};
    if (ha_dip_content_bytes(profile, message, &bytes, err))
        return err->code;
    ha_dip_encode(profile->content_text, bytes.data, bytes.len, out);
    return HA_OK;
}

static const char *tail_of(enum ha_dip_date form)
{
    return form == HA_DIP_DATE_LITERAL ? ":Z" : "Z";
}

void ha_dip_date_write(enum ha_dip_date form, int64_t ms, struct ha_buf *out)
{
    time_t seconds = (time_t)(ms / 1000);
    struct tm utc;
    char text[32] = "";
    gmtime_r(&seconds, &utc);
    strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &utc);
    ha_buf_printf(out, "%s.%03d%s", text, (int)(ms % 1000), tail_of(form));
}

bool ha_dip_date_read(enum ha_dip_date form, const char *text, int64_t *ret_ms)
{
    static const char shape[] = "0000-00-00T00:00:00.000";
    size_t n = sizeof shape - 1;
    for (size_t i = 0; i < n; i++)
        if (shape[i] == '0' ? text[i] < '0' || text[i] > '9' : text[i] != shape[i])
            return false;
    if (strcmp(text + n, tail_of(form)) != 0)
        return false;
    struct tm utc = {0};
    int ms = 0;
    sscanf(text, "%4d-%2d-%2dT%2d:%2d:%2d.%3d", &utc.tm_year, &utc.tm_mon, &utc.tm_mday, &utc.tm_hour, &utc.tm_min,
           &utc.tm_sec, &ms);
    utc.tm_year -= 1900;
    utc.tm_mon -= 1;
    // timegm makes 1 March of 30 February; that isn't the date that was written then.
    struct tm same = utc;
    time_t seconds = timegm(&same);
    if (same.tm_mday != utc.tm_mday || same.tm_mon != utc.tm_mon || same.tm_hour != utc.tm_hour ||
        same.tm_min != utc.tm_min || same.tm_sec != utc.tm_sec)
        return false;
    *ret_ms = (int64_t)seconds * 1000 + ms;
    return true;
}

enum ha_code ha_dip_algorithm(const struct ha_dip_profile *profile, const struct ha_pubkey *key, enum ha_alg *ret_alg,
                              struct ha_err *err)
{
    enum ha_key_type type = ha_pubkey_type(key);
    enum ha_alg alg = profile->algorithm ? profile->algorithm : ha_alg_default(type);
    if ((alg != HA_ALG_RS256 && alg != HA_ALG_ES256) || !ha_alg_fits(alg, type)) {
        ha_fail(err, HA_E_KEY_CANNOT, "a key of the type %s makes no signature of this profile",
                ha_key_type_info(type)->name);
        return ha_hint(err,
                       "the DIP takes RSA keys of 2048 bits and more (RS256), and P-256 (ES256) where it is agreed");
    }
    *ret_alg = alg;
    return HA_OK;
}
