// SPDX-License-Identifier: Apache-2.0
// The subject: the profile's RDNs in the profile's order, with what the request says of them.
#include "format/csr_rules.h"

#include "format/csr_text.h"

#include <string.h>

struct subject {
    const struct ha_csr_check *check;
    struct ha_buf *out, *cn;
};

// "C, O, OU, CN", as the profile has them.
static void put_order(const struct ha_csr_profile *rules, struct ha_buf *out)
{
    struct ha_err ignored = {0};
    for (size_t i = 0; i < rules->subject.n; i++) {
        struct ha_csr_rdn rdn;
        if (ha_csr_rdn_read(rules->subject.items[i], &rdn, &ignored) == HA_OK)
            ha_buf_printf(out, "%s%s", i > 0 ? ", " : "", rdn.type);
    }
}

static enum ha_code fail_with_order(const struct ha_csr_check *check, enum ha_code code, const char *type,
                                    const char *what, struct ha_err *err)
{
    ha_auto(ha_buf_clear) struct ha_buf order = {0};
    put_order(check->rules, &order);
    ha_fail(err, code, "%.64s %s of %s", type, what, check->profile->name);
    return ha_hint(err, "it is %.200s, in this order", ha_buf_text(&order));
}

static enum ha_code missing(const struct subject *subject, const struct ha_csr_rdn *rdn, const char *pointer,
                            struct ha_err *err)
{
    ha_auto(ha_csr_template_clear) struct ha_csr_template template = {0};
    ha_auto(ha_buf_clear) struct ha_buf words = {0};
    if (ha_csr_check_template(subject->check, rdn->text, &template, err))
        return ha_at(err, "%s", pointer);
    ha_csr_template_describe(&template, &words);
    ha_fail(err, HA_E_MALFORMED, "%s wants %s in the subject: %.200s", subject->check->profile->name, rdn->type,
            ha_buf_text(&words));
    ha_hint(err, "give it in \"values\", or on the command line with --set %s=...", rdn->type);
    return ha_at(err, "%s", pointer);
}

// One of the profile's RDNs with the request's value for it; NULL: the request says nothing of it.
static enum ha_code take(const struct subject *subject, const struct ha_csr_rdn *rdn, const char *value,
                         const char *pointer, struct ha_err *err)
{
    const struct ha_csr_check *check = subject->check;
    ha_auto(ha_csr_template_clear) struct ha_csr_template template = {0};
    ha_auto(ha_buf_clear) struct ha_buf text = {0};
    if (!value && rdn->optional)
        return HA_OK;
    if (ha_csr_check_template(check, rdn->text, &template, err))
        return ha_at(err, "%s", pointer);
    if (!value && template.open)
        return missing(subject, rdn, pointer, err);
    if (value && ha_csr_rules_fit(check, rdn->type, rdn->text, value, pointer, err))
        return err->code;
    if (value)
        ha_buf_puts(&text, value);
    else
        ha_csr_template_text(&template, &text);
    if (strcmp(rdn->type, "CN") == 0) {
        ha_buf_reset(subject->cn);
        ha_buf_append(subject->cn, text.data, text.len);
        if (ha_csr_rules_name(check, ha_buf_text(&text), !template.open, pointer, err))
            return err->code;
    }
    ha_jw_object(subject->out, NULL);
    ha_jw_string(subject->out, rdn->type, ha_buf_text(&text));
    ha_jw_object_end(subject->out);
    return HA_OK;
}

// --- The request gives values by their types.

static bool has_type(const struct ha_csr_profile *rules, const char *type)
{
    struct ha_err ignored = {0};
    for (size_t i = 0; i < rules->subject.n; i++) {
        struct ha_csr_rdn rdn;
        if (ha_csr_rdn_read(rules->subject.items[i], &rdn, &ignored) == HA_OK && strcmp(rdn.type, type) == 0)
            return true;
    }
    return false;
}

static enum ha_code check_values(const struct ha_csr_check *check, const ha_json *values, struct ha_err *err)
{
    for (const ha_json *value = ha_json_first(values); value; value = ha_json_next(value)) {
        ha_auto(ha_buf_clear) struct ha_buf pointer = {0};
        const char *type = ha_json_name(value);
        ha_csr_text_pointer(&pointer, type);
        if (!has_type(check->rules, type))
            fail_with_order(check, HA_E_UNKNOWN_MEMBER, type, "is no part of the subject", err);
        else if (!ha_json_string(value))
            ha_fail(err, HA_E_MALFORMED, "the value of %.64s isn't a string", type);
        else
            continue;
        return ha_at(err, "/values%s", ha_buf_text(&pointer));
    }
    return HA_OK;
}

static enum ha_code from_values(const struct subject *subject, const ha_json *values, struct ha_err *err)
{
    const struct ha_csr_profile *rules = subject->check->rules;
    if (values && check_values(subject->check, values, err))
        return err->code;
    for (size_t i = 0; i < rules->subject.n; i++) {
        ha_auto(ha_buf_clear) struct ha_buf pointer = {0};
        struct ha_csr_rdn rdn;
        if (ha_csr_rdn_read(rules->subject.items[i], &rdn, err))
            return err->code;
        ha_csr_text_pointer(&pointer, rdn.type);
        const char *value = values ? ha_json_get_string(values, rdn.type) : NULL;
        ha_auto(ha_buf_clear) struct ha_buf full = {0};
        ha_buf_printf(&full, "/values%s", ha_buf_text(&pointer));
        if (take(subject, &rdn, value, ha_buf_text(&full), err))
            return err->code;
    }
    return HA_OK;
}

// --- The request gives the whole subject.

static enum ha_code check_item(const struct ha_csr_check *check, const ha_json *item, size_t index, struct ha_err *err)
{
    const ha_json *only = ha_json_type(item) == HA_JSON_OBJECT ? ha_json_first(item) : NULL;
    if (only && ha_json_size(item) == 1 && ha_json_string(only))
        return HA_OK;
    if (only && ha_json_size(item) == 1) {
        ha_fail(err, HA_E_MALFORMED, "the value of %.64s isn't a string", ha_json_name(only));
    } else {
        ha_fail(err, HA_E_MALFORMED, "%s has subjects of RDNs with one value each", check->profile->name);
        ha_hint(err, "write each as {\"TYPE\": \"VALUE\"}");
    }
    return ha_at(err, "/subject/%zu", index);
}

// The next rule that is of that type; those before it have to be optional.
static enum ha_code find_rule(const struct ha_csr_check *check, const char *type, size_t *at,
                              struct ha_csr_rdn *ret_rdn, struct ha_err *err)
{
    const struct ha_jose_list *rules = &check->rules->subject;
    for (; *at < rules->n; (*at)++) {
        if (ha_csr_rdn_read(rules->items[*at], ret_rdn, err))
            return err->code;
        if (strcmp(ret_rdn->type, type) == 0) {
            (*at)++;
            return HA_OK;
        }
        if (!ret_rdn->optional)
            break;
    }
    return fail_with_order(
        check, HA_E_MALFORMED, type,
        has_type(check->rules, type) ? "is at the wrong place in the subject" : "is no part of the subject", err);
}

static enum ha_code from_subject(const struct subject *subject, const ha_json *given, struct ha_err *err)
{
    const struct ha_csr_check *check = subject->check;
    size_t at = 0, index = 0;
    struct ha_csr_rdn rdn;
    for (const ha_json *item = ha_json_first(given); item; item = ha_json_next(item), index++) {
        ha_auto(ha_buf_clear) struct ha_buf pointer = {0};
        if (check_item(check, item, index, err))
            return err->code;
        const char *type = ha_json_name(ha_json_first(item)), *value = ha_json_string(ha_json_first(item));
        ha_buf_printf(&pointer, "/subject/%zu", index);
        ha_csr_text_pointer(&pointer, type);
        if (find_rule(check, type, &at, &rdn, err))
            return ha_at(err, "%s", ha_buf_text(&pointer));
        if (take(subject, &rdn, value, ha_buf_text(&pointer), err))
            return err->code;
    }
    for (; at < check->rules->subject.n; at++) {
        if (ha_csr_rdn_read(check->rules->subject.items[at], &rdn, err))
            return err->code;
        if (!rdn.optional)
            return missing(subject, &rdn, "/subject", err);
    }
    return HA_OK;
}

enum ha_code ha_csr_rules_subject(const struct ha_csr_check *check, const ha_json *subject, const ha_json *values,
                                  struct ha_buf *out, struct ha_buf *ret_cn, struct ha_err *err)
{
    const struct subject whole = {check, out, ret_cn};
    if (subject && values) {
        ha_fail(err, HA_E_MALFORMED, "a request has \"subject\" or \"values\", not both");
        return ha_at(err, "/values");
    }
    if (subject && ha_json_type(subject) != HA_JSON_ARRAY) {
        ha_fail(err, HA_E_MALFORMED, "the subject isn't a list of RDNs");
        return ha_at(err, "/subject");
    }
    ha_jw_array(out, "subject");
    if (subject ? from_subject(&whole, subject, err) : from_values(&whole, values, err))
        return err->code;
    ha_jw_array_end(out);
    return HA_OK;
}
