// SPDX-License-Identifier: Apache-2.0
#include "cli/transcript.h"

#include "base/json.h"
#include "base/text.h"
#include "cli/in.h"
#include "crypto/pubkey.h"

#include <string.h>

enum { KEY_MAX = 64 * 1024, DEPTH_MAX = 8 };

static enum ha_code read_key(const char *path, struct ha_pubkey **ret_key, struct ha_err *err)
{
    ha_auto(ha_buf_clear) struct ha_buf text = {0};
    ha_auto(ha_json_free) ha_json *json = NULL;
    if (ha_in_read(path, KEY_MAX, &text, err))
        return err->code;
    const char *start = ha_buf_text(&text);
    start += strspn(start, " \t\r\n");
    if (*start != '{')
        return ha_pubkey_from_pem(ha_buf_text(&text), text.len, ret_key, err) ? ha_wrap(err, "%.200s", path) : HA_OK;
    if (ha_json_parse(ha_buf_text(&text), text.len, DEPTH_MAX, &json, err) || ha_pubkey_from_jwk(json, ret_key, err))
        return ha_wrap(err, "%.200s", path);
    return HA_OK;
}

// The algorithm of the header, which may have no "crit": nothing here knows what that would ask for.
static enum ha_code read_alg(const char *protected, enum ha_alg *ret_alg, struct ha_err *err)
{
    ha_auto(ha_buf_clear) struct ha_buf header = {0};
    ha_auto(ha_json_free) ha_json *json = NULL;
    if (ha_b64u_decode(&header, protected, strlen(protected), err) ||
        ha_json_parse(ha_buf_text(&header), header.len, DEPTH_MAX, &json, err))
        return ha_wrap(err, "the transcript's header");
    const char *name = ha_json_get_string(json, "alg");
    enum ha_alg alg = name ? ha_alg_by_name(name) : HA_ALG_NONE;
    if (!alg || ha_alg_info(alg)->use != HA_USE_SIGN || ha_json_get(json, "crit"))
        return ha_fail(err, HA_E_MALFORMED, "the transcript's header has an algorithm or a member that isn't taken");
    *ret_alg = alg;
    return HA_OK;
}

enum ha_code ha_transcript_verify(const char *key_path, const char *protected, const char *payload,
                                  const char *signature, struct ha_err *err)
{
    ha_auto(ha_pubkey_free) struct ha_pubkey *key = NULL;
    ha_auto(ha_buf_clear) struct ha_buf bytes = {0};
    ha_auto(ha_buf_clear) struct ha_buf input = {0};
    enum ha_alg alg = HA_ALG_NONE;
    if (read_key(key_path, &key, err) || read_alg(protected, &alg, err) ||
        ha_b64u_decode(&bytes, signature, strlen(signature), err))
        return err->code;
    ha_buf_printf(&input, "%s.%s", protected, payload);
    if (!ha_buf_ok(&input))
        return ha_fail(err, HA_E_MEMORY, "out of memory for a transcript");
    if (ha_alg_fits(alg, ha_pubkey_type(key)) &&
        ha_pubkey_verify(key, alg, input.data, input.len, bytes.data, bytes.len))
        return HA_OK;
    ha_fail(err, HA_E_NOT_VERIFIED, "the transcript isn't signed by the key in %.200s", key_path);
    return ha_hint(err, "Check that this is the audit key's public key; if it is, don't trust the key.");
}
