// SPDX-License-Identifier: Apache-2.0
// The key behind a request, the request's algorithm and usages, and the whole of it put together.
#include "format/csr_profile.h"

#include "format/csr_rules.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

static struct ha_csr_check check_of(const struct ha_profile *profile, const struct ha_csr_key *key)
{
    return (struct ha_csr_check){profile, profile->options, key, key->environment};
}

// --- The key

static enum ha_code check_type(const struct ha_csr_check *check, struct ha_err *err)
{
    unsigned types = check->rules->key_types;
    char all[120] = "";
    if (types == 0 || (types & 1u << (check->key->type - 1)))
        return HA_OK;
    for (unsigned i = HA_KEY_NONE + 1; i < HA_KEY_TYPE_COUNT; i++)
        if (types & 1u << (i - 1))
            snprintf(all + strlen(all), sizeof all - strlen(all), "%s%s", all[0] ? ", " : "",
                     ha_key_type_info((enum ha_key_type)i)->name);
    ha_fail(err, HA_E_KEY_CANNOT, "%s is for keys of the type %s, and '%s' is of %s", check->profile->name, all,
            check->key->name, ha_key_type_info(check->key->type)->name);
    return ha_hint(err, "create another key with --type %.20s", all);
}

static enum ha_code check_purposes(const struct ha_csr_check *check, struct ha_err *err)
{
    const struct ha_csr_profile *rules = check->rules;
    unsigned lacks = rules->purposes & ~check->key->purposes, extra = rules->forbidden_purposes & check->key->purposes;
    char own[HA_PURPOSES_TEXT_MAX], wrong[HA_PURPOSES_TEXT_MAX], wanted[HA_PURPOSES_TEXT_MAX];
    if (!lacks && !extra)
        return HA_OK;
    ha_purposes_print(check->key->purposes, own, sizeof own);
    ha_purposes_print(lacks ? lacks : extra, wrong, sizeof wrong);
    ha_purposes_print(rules->purposes, wanted, sizeof wanted);
    ha_fail(err, HA_E_KEY_CANNOT, "%s is for keys %s the purpose %s, and '%s' is for %s", check->profile->name,
            lacks ? "with" : "without", wrong, check->key->name, own);
    if (!wanted[0])
        return ha_hint(err, "create another key; a key's purposes can't be changed");
    return ha_hint(err, "create another key with --purpose %s; a key's purposes can't be changed", wanted);
}

static enum ha_code check_environment(const struct ha_csr_check *check, struct ha_err *err)
{
    const struct ha_jose_list *environments = &check->rules->environments;
    char all[120] = "", name[HA_CSR_WORD_MAX];
    if (environments->n == 0 || ha_csr_environment_word(check->rules, check->environment))
        return HA_OK;
    for (size_t i = 0; i < environments->n; i++) {
        ha_csr_environment_name(environments->items[i], name);
        snprintf(all + strlen(all), sizeof all - strlen(all), "%s%s", i > 0 ? ", " : "", name);
    }
    if (check->environment)
        ha_fail(err, HA_E_KEY_CANNOT, "%s has the environments %s, and the key '%s' is of %.64s", check->profile->name,
                all, check->key->name, check->environment);
    else
        ha_fail(err, HA_E_KEY_CANNOT, "%s has the environments %s, and the key '%s' doesn't say which one it is of",
                check->profile->name, all, check->key->name);
    return ha_hint(err, "create a key with --environment; it can't be changed later");
}

static enum ha_code check_holder(const struct ha_csr_check *check, struct ha_err *err)
{
    const char *holder = check->key->holder;
    switch (check->rules->holder) {
    case HA_CSR_HOLDER_ANY:
        return HA_OK;
    case HA_CSR_HOLDER_REQUIRED:
        if (holder)
            return HA_OK;
        ha_fail(err, HA_E_KEY_CANNOT, "%s is for keys of one participant each, and '%s' doesn't say whose it is",
                check->profile->name, check->key->name);
        return ha_hint(err, "create a key for each participant, with --holder NAME");
    case HA_CSR_HOLDER_FORBIDDEN:
        if (!holder)
            return HA_OK;
        ha_fail(err, HA_E_KEY_CANNOT, "%s is for the operator's own keys, and '%s' is for %.64s", check->profile->name,
                check->key->name, holder);
        return ha_hint(err, "create a key without --holder");
    }
    return HA_OK;
}

static enum ha_code check_role(const struct ha_csr_check *check, struct ha_err *err)
{
    const struct ha_jose_list *roles = &check->rules->roles;
    const char *role = check->rules->role;
    ha_auto(ha_buf_clear) struct ha_buf all = {0};
    for (size_t i = 0; i < roles->n; i++) {
        if (role && strcmp(roles->items[i], role) == 0)
            return HA_OK;
        ha_buf_printf(&all, "%s%s", i > 0 ? ", " : "", roles->items[i]);
    }
    // A request by a message that lacks the site's values is refused for that.
    if (roles->n == 0 || (!role && check->profile->missing))
        return HA_OK;
    ha_fail(err, HA_E_KEY_CANNOT, "%s is for the role %.100s, and the site's is %.64s", check->profile->name,
            ha_buf_text(&all), role ? role : "none");
    return ha_hint(err, "use another message of the profile; an administrator can change the role in %s",
                   check->profile->file);
}

enum ha_code ha_csr_profile_check_key(const struct ha_profile *profile, const struct ha_csr_key *key,
                                      struct ha_err *err)
{
    const struct ha_csr_check check = check_of(profile, key);
    if (check_role(&check, err) || check_type(&check, err) || check_purposes(&check, err) ||
        check_environment(&check, err))
        return err->code;
    return check_holder(&check, err);
}

// --- The algorithm

static enum ha_code refuse_algorithm(const struct ha_profile *profile, enum ha_key_type type, enum ha_alg wanted,
                                     struct ha_err *err)
{
    const struct ha_csr_profile *rules = profile->options;
    char all[120] = "";
    for (unsigned i = HA_ALG_NONE + 1; i < HA_ALG_COUNT; i++)
        if ((rules->algs & 1u << i))
            snprintf(all + strlen(all), sizeof all - strlen(all), "%s%s", all[0] ? ", " : "",
                     ha_alg_info((enum ha_alg)i)->name);
    if (wanted)
        ha_fail(err, HA_E_KEY_CANNOT, "requests of %s are signed with %s, not with %s", profile->name, all,
                ha_alg_info(wanted)->name);
    else
        ha_fail(err, HA_E_KEY_CANNOT, "requests of %s are signed with %s, which a key of type %s doesn't do",
                profile->name, all, ha_key_type_info(type)->name);
    ha_hint(err, "leave the algorithm out, or name one of these");
    return ha_at(err, "/algorithm");
}

enum ha_code ha_csr_profile_algorithm(const struct ha_profile *profile, const struct ha_csr_key *key,
                                      enum ha_alg wanted, enum ha_alg *ret_alg, struct ha_err *err)
{
    const struct ha_csr_profile *rules = profile->options;
    enum ha_alg alg = wanted ? wanted : ha_alg_default(key->type);
    bool any = rules->algs == 0;
    for (unsigned i = HA_ALG_NONE + 1; i < HA_ALG_COUNT && !wanted && !any && !(rules->algs & 1u << alg); i++) {
        if ((rules->algs & 1u << i) && ha_alg_fits((enum ha_alg)i, key->type))
            alg = (enum ha_alg)i;
    }
    if (!any && !(rules->algs & 1u << alg))
        return refuse_algorithm(profile, key->type, wanted, err);
    *ret_alg = alg;
    return HA_OK;
}

static bool any_pss(uint32_t algs)
{
    for (unsigned i = HA_ALG_NONE + 1; i < HA_ALG_COUNT; i++) {
        if ((algs == 0 || (algs & 1u << i)) && ha_alg_info((enum ha_alg)i)->padding == HA_PAD_PSS)
            return true;
    }
    return false;
}

// --- Usages

static bool has(const struct ha_jose_list *list, const char *word)
{
    for (size_t i = 0; i < list->n; i++) {
        if (strcmp(list->items[i], word) == 0)
            return true;
    }
    return false;
}

// The request may repeat what the profile has, in any order.
static enum ha_code check_usages(const struct ha_csr_check *check, const char *member,
                                 const struct ha_jose_list *wanted, const ha_json *given, struct ha_err *err)
{
    ha_auto(ha_buf_clear) struct ha_buf all = {0};
    if (!given || ha_json_type(given) != HA_JSON_ARRAY)
        return HA_OK;
    bool same = ha_json_size(given) == wanted->n;
    for (const ha_json *item = ha_json_first(given); item; item = ha_json_next(item))
        same &= ha_json_string(item) && has(wanted, ha_json_string(item));
    if (same)
        return HA_OK;
    for (size_t i = 0; i < wanted->n; i++)
        ha_buf_printf(&all, "%s%s", i > 0 ? ", " : "", wanted->items[i]);
    if (wanted->n > 0)
        ha_fail(err, HA_E_MALFORMED, "requests of %s have as %s %.200s, and nothing else", check->profile->name, member,
                ha_buf_text(&all));
    else
        ha_fail(err, HA_E_MALFORMED, "requests of %s ask for no %s", check->profile->name, member);
    ha_hint(err, "leave the member out");
    return ha_at(err, "/%s", member);
}

static void put_usages(const char *member, const struct ha_jose_list *list, struct ha_buf *out)
{
    if (list->n == 0)
        return;
    ha_jw_array(out, member);
    for (size_t i = 0; i < list->n; i++)
        ha_jw_string(out, NULL, list->items[i]);
    ha_jw_array_end(out);
}

// --- The whole

static enum ha_code write_all(const struct ha_csr_check *check, const ha_json *values,
                              const struct ha_csr_request *request, struct ha_buf *out, struct ha_err *err)
{
    const struct ha_csr_profile *rules = check->rules;
    ha_auto(ha_buf_clear) struct ha_buf cn = {0};
    if (request->pss_key && !any_pss(rules->algs)) {
        ha_fail(err, HA_E_MALFORMED, "requests of %s aren't for keys for PSS only", check->profile->name);
        return ha_at(err, "/pss_key");
    }
    ha_jw_object(out, NULL);
    if (ha_csr_rules_subject(check, request->subject, values, out, &cn, err) ||
        ha_csr_rules_san(check, request->san, ha_buf_text(&cn), out, err) ||
        check_usages(check, "key_usage", &rules->key_usage, request->key_usage, err) ||
        check_usages(check, "extended_key_usage", &rules->extended_key_usage, request->extended_key_usage, err))
        return err->code;
    put_usages("key_usage", &rules->key_usage, out);
    put_usages("extended_key_usage", &rules->extended_key_usage, out);
    ha_jw_object_end(out);
    return ha_buf_ok(out) ? HA_OK : ha_fail(err, HA_E_MEMORY, "out of memory");
}

enum ha_code ha_csr_profile_apply(const struct ha_profile *profile, const struct ha_csr_key *key, const ha_json *values,
                                  struct ha_csr_request *request, ha_json **ret_made, struct ha_err *err)
{
    const struct ha_csr_check check = check_of(profile, key);
    ha_auto(ha_buf_clear) struct ha_buf text = {0};
    if (write_all(&check, values, request, &text, err) || ha_json_parse(ha_buf_text(&text), text.len, 8, ret_made, err))
        return err->code;
    request->subject = ha_json_get(*ret_made, "subject");
    if (ha_json_get(*ret_made, "san"))
        request->san = ha_json_get(*ret_made, "san");
    if (!request->key_usage)
        request->key_usage = ha_json_get(*ret_made, "key_usage");
    if (!request->extended_key_usage)
        request->extended_key_usage = ha_json_get(*ret_made, "extended_key_usage");
    return HA_OK;
}
