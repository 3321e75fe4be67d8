// SPDX-License-Identifier: Apache-2.0
// POST /v1/keys/{name}/csr: a certificate request, built here, signed in the token.
#include "api/call.h"
#include "api/members.h"
#include "format/csr.h"
#include "keys/use.h"

#include <stddef.h>

static const struct ha_member csr_members[] = {
    {"subject", HA_MEMBER_ARRAY, true, offsetof(struct ha_csr_request, subject)},
    {"san", HA_MEMBER_OBJECT, false, offsetof(struct ha_csr_request, san)},
    {"key_usage", HA_MEMBER_ARRAY, false, offsetof(struct ha_csr_request, key_usage)},
    {"extended_key_usage", HA_MEMBER_ARRAY, false, offsetof(struct ha_csr_request, extended_key_usage)},
    {"algorithm", HA_MEMBER_ALG, false, offsetof(struct ha_csr_request, algorithm)},
    {"pss_key", HA_MEMBER_BOOL, false, offsetof(struct ha_csr_request, pss_key)},
    {0},
};

// What signs a request, and the name of the token that did.
struct signing {
    const struct ha_call_context *call;
    struct ha_key *key;
    const char *token;
};

static enum ha_code sign_with_key(void *context, enum ha_alg alg, const void *data, size_t n, struct ha_buf *out,
                                  struct ha_err *err)
{
    struct signing *signing = context;
    ha_auto(ha_use_clear) struct ha_use use = {0};
    if (ha_use_sign(signing->key, alg, HA_PURPOSES_CSR, data, n, &use, err))
        return err->code;
    struct ha_use *one = &use;
    ha_call_exchange(signing->call, signing->key, &one, 1);
    if (use.exchange.code) {
        *err = use.exchange.err;
        return err->code;
    }
    signing->token = use.token;
    ha_buf_append(out, use.exchange.output.data, use.exchange.output.len);
    return HA_OK;
}

enum ha_code ha_handle_csr(struct ha_call_context *call, struct ha_err *err)
{
    struct ha_csr_request request = {0};
    ha_auto(ha_key_unref) struct ha_key *key = NULL;
    ha_auto(ha_buf_clear) struct ha_buf pem = {0};
    if (ha_members_read(call->body, csr_members, "", &request, err))
        return err->code;
    if (request.algorithm && ha_alg_info(request.algorithm)->use != HA_USE_SIGN) {
        ha_fail(err, HA_E_MALFORMED, "%s is no signature algorithm", ha_alg_info(request.algorithm)->name);
        return ha_at(err, "/algorithm");
    }
    // The key's type decides the algorithm when the request doesn't, but a caller is first asked for the right to know.
    if (ha_call_key(call, HA_OPERATION_CSR, request.algorithm, &key, err))
        return err->code;
    if (!request.algorithm) {
        request.algorithm = request.pss_key ? HA_ALG_PS256 : ha_alg_default(key->type);
        if (ha_call_allowed(call, HA_OPERATION_CSR, request.algorithm, err))
            return err->code;
    }
    if (ha_use_check(key, request.algorithm, HA_PURPOSES_CSR, err))
        return err->code;
    struct signing signing = {.call = call, .key = key};
    const struct ha_signer signer = {.public_key = key->public_key, .context = &signing, .sign = sign_with_key};
    if (ha_csr_build(&request, &signer, &pem, err))
        return err->code;
    ha_jw_object(call->out, NULL);
    ha_write_use(call->out, key, request.algorithm, signing.token);
    ha_jw_string(call->out, "csr", ha_buf_text(&pem));
    ha_jw_object_end(call->out);
    return HA_OK;
}
