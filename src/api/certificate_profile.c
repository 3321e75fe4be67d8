// SPDX-License-Identifier: Apache-2.0
#include "api/certificate_profile.h"

#include "api/csr_profile.h"
#include "format/cert_json.h"

#define DEPTH 8  // of what is known of a certificate

enum ha_code ha_certificate_check_profile(const struct ha_call_context *call, const struct ha_key *key,
                                          const struct ha_x5c *chain, struct ha_chain_notes *notes, struct ha_err *err)
{
    const struct ha_csr_key rules = ha_csr_key_of(key);
    const struct ha_profile *profile = NULL;
    ha_auto(ha_buf_clear) struct ha_buf text = {0};
    ha_auto(ha_json_free) ha_json *own = NULL, *made = NULL;
    struct ha_err why = {0};
    if (!key->profile)
        return HA_OK;
    if (ha_csr_profile_find(call, &rules, key->profile, NULL, &profile, &why)) {
        ha_chain_note(notes, "profile", "it wasn't compared with the key's profile: %s", why.detail);
        return HA_OK;
    }
    if (ha_cert_json(&text, NULL, chain->der[0].data, chain->der[0].len, err) ||
        ha_json_parse(ha_buf_text(&text), text.len, DEPTH, &own, err))
        return err->code;
    const ha_json *says = ha_json_get(own, "request");
    struct ha_csr_request request = {.subject = ha_json_get(says, "subject"),
                                     .san = ha_json_get(says, "san"),
                                     .key_usage = ha_json_get(says, "key_usage"),
                                     .extended_key_usage = ha_json_get(says, "extended_key_usage")};
    enum ha_code code = ha_csr_profile_apply(profile, &rules, NULL, &request, &made, &why);
    if (code == HA_E_KEY_CANNOT) {
        ha_fail(err, HA_E_CERTIFICATE, "%s", why.detail);
        return ha_hint(err, "install it for a key of that environment, and never the one in the place of the other");
    }
    if (code)
        ha_chain_note(notes, "profile", "it isn't what %s asks for (%s): %s", profile->name, why.pointer, why.detail);
    return HA_OK;
}
