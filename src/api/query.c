// SPDX-License-Identifier: Apache-2.0
#include "api/query.h"

#include "base/text.h"

#include <string.h>

// What is before the next '&'.
static size_t part_len(const char *text)
{
    return strcspn(text, "&");
}

static const char *next_part(const char *text)
{
    size_t n = part_len(text);
    return text[n] ? text + n + 1 : text + n;
}

static bool fits(const char *allowed, const char *part, size_t n)
{
    for (const char *rule = allowed; rule && *rule; rule = next_part(rule)) {
        size_t len = part_len(rule);
        if (rule[len - 1] == '*' ? n > len - 1 && strncmp(rule, part, len - 1) == 0
                                 : n == len && strncmp(rule, part, len) == 0)
            return true;
    }
    return false;
}

static bool is_said_before(const char *query, const char *part)
{
    size_t n = strcspn(part, "=&");
    for (const char *other = query; other < part; other = next_part(other))
        if (strncmp(other, part, n) == 0 && strcspn(other, "=&") == n)
            return true;
    return false;
}

enum ha_code ha_query_check(const char *allowed, const char *query, struct ha_err *err)
{
    for (const char *part = query; *part; part = next_part(part)) {
        size_t n = part_len(part);
        if (fits(allowed, part, n) && !is_said_before(query, part) && !(part[n] && !part[n + 1]))
            continue;
        ha_fail(err, HA_E_MALFORMED, "there is no such query here, or it is there twice");
        return allowed ? ha_hint(err, "what may follow the '?' is %s", allowed)
                       : ha_hint(err, "leave out what follows the '?'");
    }
    return HA_OK;
}

const char *ha_query_value(const char *query, const char *name, size_t *ret_n)
{
    size_t n = strlen(name);
    for (const char *part = query; *part; part = next_part(part)) {
        if (strncmp(part, name, n) != 0 || part[n] != '=')
            continue;
        *ret_n = part_len(part) - n - 1;
        return part + n + 1;
    }
    return NULL;
}

enum ha_code ha_query_read_version(const char *query, struct ha_version_choice *ret_choice, struct ha_err *err)
{
    struct ha_version_choice choice = {0};
    char text[12] = "";
    size_t n;
    uint64_t number;
    const char *value = ha_query_value(query, "version", &n);
    if (value) {
        memcpy(text, value, n < sizeof text ? n : 0);
        if (!ha_parse_uint(text, 1, UINT32_MAX, &number))
            return ha_fail(err, HA_E_MALFORMED, "?version= takes a number from 1 on");
        choice.number = (unsigned)number;
    }
    value = ha_query_value(query, "spki_sha256", &n);
    if (value) {
        ha_auto(ha_buf_clear) struct ha_buf bytes = {0};
        struct ha_err ignored = {0};
        if (choice.number || ha_hex_decode(&bytes, value, n, &ignored) || bytes.len != sizeof choice.spki_sha256)
            return ha_fail(err, HA_E_MALFORMED, "?spki_sha256= takes 64 hexadecimal digits, and no version= beside it");
        memcpy(choice.spki_sha256, bytes.data, bytes.len);
        choice.by_spki = true;
    }
    *ret_choice = choice;
    return HA_OK;
}
