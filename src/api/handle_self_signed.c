// SPDX-License-Identifier: Apache-2.0
// POST /v1/keys/{name}/self-signed: a certificate by the key itself, made of a request.
#include "api/key_signer.h"
#include "api/members.h"
#include "format/self_signed.h"
#include "keys/use.h"

#include <stddef.h>
#include <string.h>
#include <time.h>

#define DAY_S    (24 * 60 * 60)
#define DAYS     30
#define DAYS_MAX 3650

struct self_signed_request {
    const char *csr;
    enum ha_alg algorithm;
    uint64_t days;
};

static const struct ha_member self_signed_members[] = {
    {"csr", HA_MEMBER_STRING, true, offsetof(struct self_signed_request, csr)},
    {"algorithm", HA_MEMBER_ALG, false, offsetof(struct self_signed_request, algorithm)},
    {"days", HA_MEMBER_UINT, false, offsetof(struct self_signed_request, days)},
    {0},
};

static enum ha_code build(const struct ha_call_context *call, struct ha_key *key,
                          const struct self_signed_request *request, struct ha_err *err)
{
    struct ha_key_signing signing = {.call = call, .key = key};
    const struct ha_signer signer = ha_key_signer(&signing);
    ha_auto(ha_buf_clear) struct ha_buf pem = {0};
    int64_t now = time(NULL);
    enum ha_code code = ha_self_signed(request->csr, strlen(request->csr), request->algorithm, now,
                                       now + (int64_t)request->days * DAY_S, &signer, &pem, err);
    if (code)
        return code == HA_E_MALFORMED || code == HA_E_CONFLICT ? ha_at(err, "/csr") : code;
    ha_jw_object(call->out, NULL);
    ha_write_use(call->out, key, request->algorithm, signing.token);
    ha_jw_string(call->out, "certificate", ha_buf_text(&pem));
    ha_jw_object_end(call->out);
    return HA_OK;
}

enum ha_code ha_handle_self_signed(struct ha_call_context *call, struct ha_err *err)
{
    struct self_signed_request request = {.days = DAYS};
    ha_auto(ha_key_unref) struct ha_key *key = NULL;
    if (ha_members_read(call->body, self_signed_members, "", &request, err) ||
        ha_call_key(call, HA_OPERATION_INSTALL, HA_ALG_NONE, &key, err))
        return err->code;
    if (request.days == 0 || request.days > DAYS_MAX) {
        ha_fail(err, HA_E_MALFORMED, "a certificate is valid for 1 to %d days", DAYS_MAX);
        return ha_at(err, "/days");
    }
    if (!request.algorithm)
        request.algorithm = ha_alg_default(key->type);
    // What signs a request may sign this: the agent's own bytes around names that it has signed before.
    if (!request.algorithm || ha_use_check(key, request.algorithm, HA_PURPOSES_CSR, err))
        return request.algorithm ? err->code : ha_fail(err, HA_E_KEY_CANNOT, "'%s' makes no signatures", key->name);
    if (ha_call_take(call, HA_OPERATION_INSTALL, request.algorithm, NULL, NULL, NULL, err))
        return err->code;
    return build(call, key, &request, err);
}
