// SPDX-License-Identifier: Apache-2.0
// Verifying HTTP messages by RFC 9421.
#include "format/content_digest.h"
#include "format/rfc9421_base.h"

#include <string.h>

enum { SKEW_S = 60 };  // by how much the signer's clock may be ahead

static enum ha_code refuse(struct ha_err *err, const char *field)
{
    return ha_at(err, "/headers/%s", field);
}

// Finds the label in Signature-Input: the one wanted, or the only one. With a tag, only signatures that have it count.
static enum ha_code find_input(const struct ha_rfc9421_profile *profile, const char *text,
                               char ret_label[static HA_SFV_KEY_MAX + 1], struct ha_sfv_list *ret_list,
                               struct ha_err *err)
{
    struct ha_sfv in = {.at = text, .end = text + strlen(text)};
    size_t found = 0;
    for (;;) {
        char label[HA_SFV_KEY_MAX + 1];
        bool more;
        ha_auto(ha_sfv_list_clear) struct ha_sfv_list list = {0};
        if (ha_sfv_member(&in, &more, label, err))
            return ha_wrap(err, "Signature-Input");
        if (!more)
            break;
        if (ha_sfv_list(&in, &list, err))
            return ha_wrap(err, "Signature-Input");
        const struct ha_sfv_value *tag = ha_sfv_param(&list.params, "tag");
        bool tagged =
            !profile->tag || (tag && tag->type == HA_SFV_STRING && strcmp(ha_buf_text(&tag->text), profile->tag) == 0);
        if (!tagged || (profile->label && strcmp(label, profile->label) != 0))
            continue;
        if (found++)
            return ha_fail(err, HA_E_NOT_VERIFIED, "more than one signature may be meant, '%s' and '%s'", ret_label,
                           label);
        memcpy(ret_label, label, sizeof label);
        *ret_list = list;
        list = (struct ha_sfv_list){0};
    }
    return found ? HA_OK : ha_fail(err, HA_E_NOT_VERIFIED, "there is no signature of the label or tag that is wanted");
}

static enum ha_code find_signature(const char *text, const char *label, struct ha_buf *out, struct ha_err *err)
{
    struct ha_sfv in = {.at = text, .end = text + strlen(text)};
    size_t found = 0;
    for (;;) {
        char key[HA_SFV_KEY_MAX + 1];
        bool more;
        ha_auto(ha_sfv_item_clear) struct ha_sfv_item item = {0};
        if (ha_sfv_member(&in, &more, key, err))
            return ha_wrap(err, "Signature");
        if (!more)
            break;
        if (ha_sfv_item(&in, &item, err))
            return ha_wrap(err, "Signature");
        if (strcmp(key, label) != 0)
            continue;
        if (item.value.type != HA_SFV_BYTES || found++)
            return ha_fail(err, HA_E_MALFORMED, "the signature '%s' isn't one byte sequence", label);
        ha_buf_append(out, item.value.text.data, item.value.text.len);
    }
    return found ? HA_OK : ha_fail(err, HA_E_NOT_VERIFIED, "the signature '%s' itself is missing", label);
}

static bool is_covered(const struct ha_sfv_list *list, const char *canonical)
{
    for (size_t i = 0; i < list->n; i++) {
        ha_auto(ha_buf_clear) struct ha_buf text = {0};
        ha_sfv_put_item(&text, &list->items[i]);
        if (strcmp(ha_buf_text(&text), canonical) == 0)
            return true;
    }
    return false;
}

static enum ha_code check_covered(const struct ha_rfc9421_profile *profile, const struct ha_http_message *message,
                                  const struct ha_sfv_list *list, struct ha_err *err)
{
    const char *defaults[4];
    size_t n = profile->required.n;
    bool chosen = n > 0;
    if (!chosen)
        n = ha_rfc9421_default_components(message, defaults);
    for (size_t i = 0; i < n; i++) {
        const char *text = chosen ? profile->required.items[i] : defaults[i];
        ha_auto(ha_sfv_item_clear) struct ha_sfv_item item = {0};
        ha_auto(ha_buf_clear) struct ha_buf canonical = {0};
        if (ha_rfc9421_component(text, &item, err))
            return err->code;
        ha_sfv_put_item(&canonical, &item);
        bool no_body = strcmp(text, "content-digest") == 0 && !message->body_len && !message->body_sha256;
        if (!no_body && !is_covered(list, ha_buf_text(&canonical)))
            return ha_fail(err, HA_E_NOT_VERIFIED, "the signature doesn't cover %.60s", text);
    }
    return HA_OK;
}

// An integer parameter. False when it is there but isn't one.
static bool integer(const struct ha_sfv_params *params, const char *key, bool *ret_has, int64_t *ret_value)
{
    const struct ha_sfv_value *value = ha_sfv_param(params, key);
    *ret_has = value != NULL;
    *ret_value = value ? value->number : 0;
    return !value || value->type == HA_SFV_INTEGER;
}

static enum ha_code check_times(const struct ha_rfc9421_profile *profile, const struct ha_sfv_params *params,
                                int64_t now_s, struct ha_err *err)
{
    bool has_created, has_expires;
    int64_t created, expires;
    if (!integer(params, "created", &has_created, &created) || !integer(params, "expires", &has_expires, &expires))
        return ha_fail(err, HA_E_MALFORMED, "created or expires isn't an integer");
    if (has_expires && expires < now_s)
        return ha_fail(err, HA_E_NOT_VERIFIED, "the signature has expired");
    if (!has_created && profile->max_age_s)
        return ha_fail(err, HA_E_NOT_VERIFIED, "the signature doesn't say when it was created");
    if (has_created && created > now_s + SKEW_S)
        return ha_fail(err, HA_E_NOT_VERIFIED, "the signature was created later than the time of verification");
    if (has_created && profile->max_age_s && now_s - created > (int64_t)profile->max_age_s)
        return ha_fail(err, HA_E_NOT_VERIFIED, "the signature is older than %u seconds", profile->max_age_s);
    return HA_OK;
}

static enum ha_code make_base(const struct ha_http_message *message, const struct ha_sfv_list *list,
                              struct ha_buf *base, struct ha_err *err)
{
    ha_auto(ha_buf_clear) struct ha_buf parameters = {0};
    ha_buf_putc(&parameters, '(');
    for (size_t i = 0; i < list->n; i++) {
        ha_auto(ha_buf_clear) struct ha_buf canonical = {0};
        const struct ha_sfv_list before = {.items = list->items, .n = i};
        ha_sfv_put_item(&canonical, &list->items[i]);
        if (is_covered(&before, ha_buf_text(&canonical)))
            return ha_fail(err, HA_E_MALFORMED, "the signature covers a component twice");
        if (ha_rfc9421_put_component(message, &list->items[i], base, err)) {
            err->code = HA_E_NOT_VERIFIED;
            return HA_E_NOT_VERIFIED;
        }
        ha_buf_puts(&parameters, i ? " " : "");
        ha_buf_append(&parameters, canonical.data, canonical.len);
    }
    ha_buf_putc(&parameters, ')');
    ha_sfv_put_params(&parameters, &list->params);
    ha_rfc9421_put_parameters(ha_buf_text(&parameters), base);
    return ha_buf_ok(base) && ha_buf_ok(&parameters) ? HA_OK
                                                     : ha_fail(err, HA_E_MEMORY, "out of memory for a signature");
}

// What a parameter says; NULL when it isn't there.
static const char *text_of(const struct ha_sfv_params *params, const char *key)
{
    const struct ha_sfv_value *value = ha_sfv_param(params, key);
    return !value ? NULL : value->type == HA_SFV_STRING ? ha_buf_text(&value->text) : "";
}

// The algorithm that a key may be used with: its own, else that of the parameter, else the default of its type.
static enum ha_alg alg_for(const struct ha_rfc9421_key *key, const char *said)
{
    enum ha_alg named = said ? ha_rfc9421_alg_by_name(said) : HA_ALG_NONE;
    enum ha_alg alg = key->alg ? key->alg : said ? named : ha_rfc9421_alg_default(ha_pubkey_type(key->key));
    bool agrees = !said || alg == named;
    return agrees && alg != HA_ALG_NONE && ha_alg_fits(alg, ha_pubkey_type(key->key)) ? alg : HA_ALG_NONE;
}

static enum ha_code try_keys(const struct ha_sfv_params *params, const struct ha_rfc9421_key *keys, size_t n,
                             const struct ha_buf *base, const struct ha_buf *signature, size_t *ret_key,
                             struct ha_err *err)
{
    const char *keyid = text_of(params, "keyid"), *alg_said = text_of(params, "alg");
    size_t candidates = 0, tried = 0;
    for (size_t i = 0; i < n; i++) {
        if (keys[i].keyid && keyid && strcmp(keys[i].keyid, keyid) != 0)
            continue;
        candidates++;
        enum ha_alg alg = alg_for(&keys[i], alg_said);
        if (alg == HA_ALG_NONE)
            continue;
        tried++;
        if (ha_pubkey_verify(keys[i].key, alg, base->data, base->len, signature->data, signature->len)) {
            *ret_key = i;
            return HA_OK;
        }
    }
    if (!candidates)
        return ha_fail(err, HA_E_NOT_VERIFIED, "none of the keys has the keyid '%.100s'", keyid ? keyid : "");
    if (!tried)
        return ha_fail(err, HA_E_NOT_VERIFIED, "the algorithm '%.40s' isn't that of the key", alg_said ? alg_said : "");
    return ha_fail(err, HA_E_NOT_VERIFIED, "the signature isn't made with the key over this message");
}

static enum ha_code check_digest(const struct ha_http_message *message, const struct ha_sfv_list *list,
                                 struct ha_err *err)
{
    ha_auto(ha_buf_clear) struct ha_buf value = {0};
    bool covered = is_covered(list, "\"content-digest\"") || is_covered(list, "\"content-digest\";bs");
    if (!covered || !ha_http_field_combined(message, "content-digest", &value))
        return HA_OK;
    return ha_content_digest_check(ha_buf_text(&value), message->body, message->body_len, message->body_sha256, err)
               ? refuse(err, "Content-Digest")
               : HA_OK;
}

enum ha_code ha_rfc9421_verify(const struct ha_rfc9421_profile *profile, const struct ha_http_message *message,
                               const struct ha_rfc9421_key *keys, size_t n_keys, int64_t now_s, size_t *ret_key,
                               struct ha_err *err)
{
    ha_auto(ha_buf_clear) struct ha_buf input_text = {0};
    ha_auto(ha_buf_clear) struct ha_buf signature_text = {0};
    ha_auto(ha_buf_clear) struct ha_buf signature = {0};
    ha_auto(ha_buf_clear) struct ha_buf base = {0};
    ha_auto(ha_sfv_list_clear) struct ha_sfv_list list = {0};
    char label[HA_SFV_KEY_MAX + 1] = "";
    if (ha_http_message_check(message, err))
        return err->code;
    if (!ha_http_field_combined(message, "signature-input", &input_text) ||
        !ha_http_field_combined(message, "signature", &signature_text)) {
        ha_fail(err, HA_E_NOT_VERIFIED, "the message has no signature: Signature-Input and Signature are needed");
        return refuse(err, "Signature");
    }
    if (find_input(profile, ha_buf_text(&input_text), label, &list, err))
        return refuse(err, "Signature-Input");
    if (find_signature(ha_buf_text(&signature_text), label, &signature, err))
        return refuse(err, "Signature");
    if (check_covered(profile, message, &list, err) || check_times(profile, &list.params, now_s, err) ||
        make_base(message, &list, &base, err))
        return refuse(err, "Signature-Input");
    if (try_keys(&list.params, keys, n_keys, &base, &signature, ret_key, err))
        return refuse(err, "Signature");
    return check_digest(message, &list, err);
}
