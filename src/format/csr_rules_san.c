// SPDX-License-Identifier: Apache-2.0
// The alternative names: those that the profile permits, of the key's environment, and those that it puts in itself.
#include "format/csr_rules.h"

#include "format/csr_text.h"

#include <stdio.h>
#include <string.h>

static bool permits(const struct ha_csr_profile *rules, const char *kind)
{
    return (strcmp(kind, "dns") == 0 && (rules->san_dns.n > 0 || rules->san_cn)) ||
           (strcmp(kind, "ip") == 0 && rules->san_ip) || (strcmp(kind, "uri") == 0 && rules->san_uri) ||
           (strcmp(kind, "email") == 0 && rules->san_email);
}

static enum ha_code check_kinds(const struct ha_csr_check *check, const ha_json *san, struct ha_err *err)
{
    const struct ha_csr_profile *rules = check->rules;
    bool any = permits(rules, "dns") || rules->san_ip || rules->san_uri || rules->san_email;
    if (!any) {
        ha_fail(err, HA_E_MALFORMED, "requests of %s have no alternative names", check->profile->name);
        ha_hint(err, "leave \"san\" out; who issues the certificate adds what it has");
        return ha_at(err, "/san");
    }
    for (const ha_json *list = ha_json_first(san); list; list = ha_json_next(list)) {
        ha_auto(ha_buf_clear) struct ha_buf pointer = {0};
        if (permits(rules, ha_json_name(list)))
            continue;
        ha_csr_text_pointer(&pointer, ha_json_name(list));
        ha_fail(err, HA_E_MALFORMED, "requests of %s have no alternative names of the kind %.20s", check->profile->name,
                ha_json_name(list));
        ha_hint(err, "leave them out");
        return ha_at(err, "/san%s", ha_buf_text(&pointer));
    }
    return HA_OK;
}

// One DNS name: it fits one of the templates, and is of the key's environment.
static enum ha_code check_dns(const struct ha_csr_check *check, const char *name, const char *cn, const char *pointer,
                              struct ha_err *err)
{
    const struct ha_jose_list *templates = &check->rules->san_dns;
    struct ha_err best = {0};
    bool fits = check->rules->san_cn && strcmp(name, cn) == 0;
    for (size_t i = 0; i < templates->n && !fits; i++) {
        struct ha_err failure = {0};
        fits = ha_csr_rules_fit(check, "the DNS name", templates->items[i], name, pointer, &failure) == HA_OK;
        // Of several reasons, another environment is the one that tells most.
        if (!fits && (!best.code || failure.code == HA_E_KEY_CANNOT))
            best = failure;
    }
    if (!fits && templates->n == 0) {
        ha_fail(&best, HA_E_MALFORMED, "%s wants the CN '%.100s' as the only DNS name", check->profile->name, cn);
        ha_hint(&best, "leave the others out");
        ha_at(&best, "%s", pointer);
    }
    if (fits)
        return ha_csr_rules_name(check, name, false, pointer, err);
    *err = best;
    return err->code;
}

static enum ha_code check_names(const struct ha_csr_check *check, const ha_json *dns, const char *cn, bool *ret_has_cn,
                                struct ha_err *err)
{
    char pointer[48];
    size_t index = 0;
    bool is_list = dns && ha_json_type(dns) == HA_JSON_ARRAY;
    for (const ha_json *item = is_list ? ha_json_first(dns) : NULL; item; item = ha_json_next(item), index++) {
        const char *name = ha_json_string(item);
        snprintf(pointer, sizeof pointer, "/san/dns/%zu", index);
        if (name && check_dns(check, name, cn, pointer, err))
            return err->code;
        *ret_has_cn |= name && strcmp(name, cn) == 0;
    }
    return HA_OK;
}

static enum ha_code check_count(const struct ha_csr_check *check, size_t n, struct ha_err *err)
{
    if (n >= check->rules->san_min)
        return HA_OK;
    ha_fail(err, HA_E_MALFORMED, "%s wants %u alternative name%s at least, and there %s %zu", check->profile->name,
            check->rules->san_min, check->rules->san_min == 1 ? "" : "s", n == 1 ? "is" : "are", n);
    ha_hint(err, "give the host's DNS name: \"san\": {\"dns\": [\"...\"]}, on the command line --dns");
    return ha_at(err, "/san");
}

static enum ha_code check_given(const struct ha_csr_check *check, const ha_json *san, const char *cn,
                                struct ha_err *err)
{
    bool has_cn = false;
    size_t n = 0;
    if (ha_json_type(san) != HA_JSON_OBJECT)
        return HA_OK;  // which is refused where the request is built
    if (check_kinds(check, san, err) || check_names(check, ha_json_get(san, "dns"), cn, &has_cn, err))
        return err->code;
    for (const ha_json *list = ha_json_first(san); list; list = ha_json_next(list))
        n += ha_json_type(list) == HA_JSON_ARRAY ? ha_json_size(list) : 0;
    if (check->rules->san_cn && *cn && !has_cn) {
        ha_fail(err, HA_E_MALFORMED, "%s wants the CN '%.100s' among the DNS names too", check->profile->name, cn);
        ha_hint(err, "add it; TLS clients look at the alternative names alone");
        return ha_at(err, "/san/dns");
    }
    return check_count(check, n, err);
}

// The names that the profile knows by itself.
static enum ha_code put_own(const struct ha_csr_check *check, const char *cn, struct ha_buf *names, size_t *ret_n,
                            struct ha_err *err)
{
    const struct ha_jose_list *templates = &check->rules->san_dns;
    bool has_cn = !check->rules->san_cn || !*cn;
    for (size_t i = 0; i < templates->n; i++) {
        ha_auto(ha_csr_template_clear) struct ha_csr_template template = {0};
        ha_auto(ha_buf_clear) struct ha_buf text = {0};
        if (ha_csr_check_template(check, templates->items[i], &template, err))
            return ha_at(err, "/san/dns");
        if (template.open)
            continue;
        ha_csr_template_text(&template, &text);
        if (ha_csr_rules_name(check, ha_buf_text(&text), true, "/san/dns", err))
            return err->code;
        has_cn |= strcmp(ha_buf_text(&text), cn) == 0;
        ha_jw_string(names, NULL, ha_buf_text(&text));
        (*ret_n)++;
    }
    if (!has_cn) {
        ha_jw_string(names, NULL, cn);
        (*ret_n)++;
    }
    return HA_OK;
}

enum ha_code ha_csr_rules_san(const struct ha_csr_check *check, const ha_json *san, const char *cn, struct ha_buf *out,
                              struct ha_err *err)
{
    ha_auto(ha_buf_clear) struct ha_buf names = {0};
    size_t n = 0;
    if (san)
        return check_given(check, san, cn, err);
    ha_jw_object(&names, NULL);
    ha_jw_array(&names, "dns");
    if (put_own(check, cn, &names, &n, err) || check_count(check, n, err))
        return err->code;
    ha_jw_array_end(&names);
    ha_jw_object_end(&names);
    if (!ha_buf_ok(&names))
        return ha_fail(err, HA_E_MEMORY, "out of memory");
    if (n > 0)
        ha_buf_printf(out, ",\"san\":%s", ha_buf_text(&names));
    return HA_OK;
}
