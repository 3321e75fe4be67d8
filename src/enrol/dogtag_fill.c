// SPDX-License-Identifier: Apache-2.0
// Filling a profile's template. Everything that isn't a blank of ours is copied as it was written.
#include "enrol/dogtag_json.h"

#include "base/json_text.h"

#include <string.h>

struct filling {
    const char *csr, *requestor, *inputs;
    size_t n_csr;     // blanks for a request that were filled
    size_t n_inputs;  // lines of inputs that found theirs
};

// The value after NAME= among the lines.
static bool find_input(const char *inputs, const char *name, struct ha_buf *out)
{
    size_t n = strlen(name);
    for (const char *line = inputs; line && *line; line += strcspn(line, "\n"), line += *line == '\n') {
        if (strncmp(line, name, n) == 0 && line[n] == '=') {
            ha_buf_append(out, line + n + 1, strcspn(line + n + 1, "\n"));
            return true;
        }
    }
    return false;
}

// The value of the attribute of that name; false: leave what is there.
static bool choose_value(struct filling *filling, const char *name, struct ha_buf *out)
{
    if (find_input(filling->inputs, name, out)) {
        filling->n_inputs++;
        return true;
    }
    if (strcmp(name, "cert_request") == 0) {
        filling->n_csr++;
        ha_buf_puts(out, filling->csr);
    } else if (strcmp(name, "cert_request_type") == 0) {
        ha_buf_puts(out, "pkcs10");
    } else if (strcmp(name, "requestor_name") == 0) {
        ha_buf_puts(out, filling->requestor);
    } else {
        return false;
    }
    return true;
}

static void put_raw(struct ha_buf *out, struct ha_json_text text)
{
    ha_buf_append(out, text.data, text.n);
}

static void fill_attribute(struct filling *filling, const ha_json *attribute, struct ha_json_text text,
                           struct ha_buf *out)
{
    ha_auto(ha_buf_clear) struct ha_buf value = {0};
    const char *name = ha_json_get_string(attribute, "name");
    if (!name || !choose_value(filling, name, &value)) {
        put_raw(out, text);
        return;
    }
    struct ha_json_walk walk;
    struct ha_json_text piece;
    ha_json_walk_begin(&walk, text);
    ha_buf_putc(out, '{');
    for (const ha_json *member = ha_json_first(attribute); member; member = ha_json_next(member)) {
        if (!ha_json_walk_next(&walk, &piece))
            break;
        if (strcmp(ha_json_name(member), "Value") == 0)
            continue;
        ha_jw_quoted(out, ha_json_name(member));
        ha_buf_putc(out, ':');
        put_raw(out, piece);
        ha_buf_putc(out, ',');
    }
    ha_buf_puts(out, "\"Value\":");
    ha_jw_quoted(out, ha_buf_text(&value));
    ha_buf_putc(out, '}');
    out->failed = out->failed || !ha_buf_ok(&value);
}

typedef void fill_item(struct filling *filling, const ha_json *item, struct ha_json_text text, struct ha_buf *out);

// v1 writes a list of one as its item.
static void fill_list(struct filling *filling, const ha_json *list, struct ha_json_text text, fill_item *fill,
                      struct ha_buf *out)
{
    struct ha_json_walk walk;
    struct ha_json_text piece;
    bool first = true;
    if (ha_json_type(list) != HA_JSON_ARRAY) {
        fill(filling, list, text, out);
        return;
    }
    ha_json_walk_begin(&walk, text);
    ha_buf_putc(out, '[');
    for (const ha_json *item = ha_json_first(list); item && ha_json_walk_next(&walk, &piece);
         item = ha_json_next(item)) {
        ha_buf_puts(out, first ? "" : ",");
        first = false;
        fill(filling, item, piece, out);
    }
    ha_buf_putc(out, ']');
}

// An object, in which the list called name is filled.
static void fill_member(struct filling *filling, const ha_json *object, struct ha_json_text text, const char *name,
                        fill_item *fill, struct ha_buf *out)
{
    struct ha_json_walk walk;
    struct ha_json_text piece;
    bool first = true;
    if (ha_json_type(object) != HA_JSON_OBJECT) {
        put_raw(out, text);
        return;
    }
    ha_json_walk_begin(&walk, text);
    ha_buf_putc(out, '{');
    for (const ha_json *member = ha_json_first(object); member && ha_json_walk_next(&walk, &piece);
         member = ha_json_next(member)) {
        ha_buf_puts(out, first ? "" : ",");
        first = false;
        ha_jw_quoted(out, ha_json_name(member));
        ha_buf_putc(out, ':');
        if (strcmp(ha_json_name(member), name) == 0)
            fill_list(filling, member, piece, fill, out);
        else
            put_raw(out, piece);
    }
    ha_buf_putc(out, '}');
}

static void fill_attribute_or_copy(struct filling *filling, const ha_json *item, struct ha_json_text text,
                                   struct ha_buf *out)
{
    if (ha_json_type(item) == HA_JSON_OBJECT)
        fill_attribute(filling, item, text, out);
    else
        put_raw(out, text);
}

static void fill_input(struct filling *filling, const ha_json *item, struct ha_json_text text, struct ha_buf *out)
{
    fill_member(filling, item, text, "Attribute", fill_attribute_or_copy, out);
}

static size_t count_lines(const char *text)
{
    size_t n = 0;
    for (; text && *text; text += strcspn(text, "\n"), text += *text == '\n')
        n++;
    return n;
}

enum ha_code ha_dogtag_fill(const char *template, size_t n, const char *csr, const char *requestor, const char *inputs,
                            struct ha_buf *out, struct ha_err *err)
{
    ha_auto(ha_json_free) ha_json *json = NULL;
    ha_auto(ha_buf_clear) struct ha_buf body = {0};
    struct filling filling = {.csr = csr, .requestor = requestor, .inputs = inputs};
    if (ha_dogtag_parse(template, n, "a profile's template", &json, err))
        return err->code;
    fill_member(&filling, json, (struct ha_json_text){template, n}, "Input", fill_input, &body);
    if (filling.n_csr != 1) {
        ha_fail(err, HA_E_CA, "the CA's profile doesn't take a PKCS#10");
        return ha_hint(err, "Choose one that does, with --profile-id; 'hsm-agent enrol --profiles' lists them.");
    }
    if (filling.n_inputs != count_lines(inputs)) {
        ha_fail(err, HA_E_USAGE, "the CA's profile doesn't have each --input that is given");
        return ha_hint(err, "Check their names with the CA's operators.");
    }
    if (!ha_buf_ok(&body))
        return ha_fail(err, HA_E_MEMORY, "out of memory for a request");
    ha_buf_append(out, body.data, body.len);
    return ha_buf_ok(out) ? HA_OK : ha_fail(err, HA_E_MEMORY, "out of memory for a request");
}
