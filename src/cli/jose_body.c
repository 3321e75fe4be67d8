// SPDX-License-Identifier: Apache-2.0
#include "cli/jose_body.h"

#include "base/json_text.h"
#include "base/text.h"
#include "cli/in.h"

#include <string.h>

enum { FILE_MAX = 192 * 1024, SECONDS_MAX = 2000000000 };

enum ha_code ha_jose_put_option(const struct ha_opts *opts, enum ha_opt id, const char *name, struct ha_buf *body,
                                struct ha_err *err)
{
    const char *value = ha_opt_value(opts, id);
    if (!value)
        return HA_OK;
    if (!ha_utf8_valid(value, strlen(value)))
        return ha_fail(err, HA_E_USAGE, "an option's value isn't UTF-8 text");
    ha_jw_string(body, name, value);
    return HA_OK;
}

enum ha_code ha_jose_put_seconds(const struct ha_opts *opts, enum ha_opt id, const char *name, struct ha_buf *body,
                                 struct ha_err *err)
{
    const char *value = ha_opt_value(opts, id);
    uint64_t seconds;
    if (!value)
        return HA_OK;
    if (!ha_parse_uint(value, 0, SECONDS_MAX, &seconds))
        return ha_fail(err, HA_E_USAGE, "'%.40s' is no number of seconds", value);
    ha_jw_number(body, name, (int64_t)seconds);
    return HA_OK;
}

enum ha_code ha_jose_put_file(const struct ha_opts *opts, enum ha_opt id, const char *name, struct ha_buf *body,
                              struct ha_err *err)
{
    ha_auto(ha_buf_clear) struct ha_buf text = {0};
    const char *path = ha_opt_value(opts, id);
    if (!path)
        return HA_OK;
    if (ha_in_read(path, FILE_MAX, &text, err) != HA_OK)
        return err->code;
    if (strlen(ha_buf_text(&text)) != text.len || !ha_utf8_valid(ha_buf_text(&text), text.len))
        return ha_fail(err, HA_E_MALFORMED, "%.200s isn't text", path);
    ha_jw_string(body, name, ha_buf_text(&text));
    return HA_OK;
}

void ha_jose_put_json(struct ha_buf *body, const char *name, const char *json)
{
    if (body->len && body->data[body->len - 1] != '{')
        ha_buf_putc(body, ',');
    ha_jw_quoted(body, name);
    ha_buf_putc(body, ':');
    ha_json_text_compact(body, (struct ha_json_text){json, strlen(json)});  // the next comma looks at the last byte
}

bool ha_jose_member_text(const struct ha_doc *doc, const char *name, struct ha_buf *out)
{
    struct ha_json_walk walk;
    struct ha_json_text value;
    ha_json_walk_begin(&walk, (struct ha_json_text){ha_buf_text(&doc->text), doc->text.len});
    const ha_json *member = ha_json_first(doc->json);
    for (; member && ha_json_walk_next(&walk, &value); member = ha_json_next(member)) {
        if (strcmp(ha_json_name(member), name) != 0)
            continue;
        ha_buf_append(out, value.data, value.n);
        return ha_buf_ok(out);
    }
    return false;
}
