// SPDX-License-Identifier: Apache-2.0
// Reading a problem document.
#include "client/refusal.h"

#include "base/json.h"

#include <stdio.h>
#include <string.h>

enum { DEPTH_MAX = 8 };

// The codes that only this side uses mean nothing when they come from there.
static enum ha_code code_of(const char *name)
{
    enum ha_code code = ha_code_by_name(name);
    return code == HA_OK || code == HA_E_USAGE ? HA_E_INTERNAL : code;
}

static void read_token_error(const ha_json *pkcs11, struct ha_err *err)
{
    const char *function = ha_json_get_string(pkcs11, "function");
    // The number is in "code" where "rv" is a name, else in "rv".
    const char *code = ha_json_get_string(pkcs11, "code");
    if (!code)
        code = ha_json_get_string(pkcs11, "rv");
    if (function)
        snprintf(err->function, sizeof err->function, "%s", function);
    if (code && strncmp(code, "0x", 2) == 0)
        err->rv = strtoul(code + 2, NULL, 16);
}

enum ha_code ha_refusal_read(unsigned status, const char *body, size_t n, unsigned retry_after_s, struct ha_err *err)
{
    ha_auto(ha_json_free) ha_json *problem = NULL;
    struct ha_err ignored = {0};
    const char *name = NULL;
    if (ha_json_parse(body, n, DEPTH_MAX, &problem, &ignored) == HA_OK && ha_json_type(problem) == HA_JSON_OBJECT)
        name = ha_json_get_string(problem, "code");
    if (!name) {
        ha_fail(err, HA_E_AGENT, "the answer has status %u and no problem document", status);
        return ha_hint(err, "Check that the socket is hsm-agentd's own, not a proxy's or another server's.");
    }
    const char *detail = ha_json_get_string(problem, "detail");
    const char *title = ha_json_get_string(problem, "title");
    const char *hint = ha_json_get_string(problem, "hint");
    const char *pointer = ha_json_get_string(problem, "pointer");
    const ha_json *pkcs11 = ha_json_get(problem, "pkcs11");
    ha_fail(err, code_of(name), "%s", detail ? detail : title ? title : name);
    if (hint)
        ha_hint(err, "%s", hint);
    if (pointer)
        ha_at(err, "%s", pointer);
    if (pkcs11 && ha_json_type(pkcs11) == HA_JSON_OBJECT)
        read_token_error(pkcs11, err);
    err->retry_after_s = retry_after_s;
    return err->code;
}
