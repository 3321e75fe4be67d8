// SPDX-License-Identifier: Apache-2.0
// POST /v1/keys/{name}/tls: a signature in a TLS handshake, for a TLS stack. What is signed is looked at first.
#include "api/call.h"
#include "api/members.h"
#include "base/text.h"
#include "keys/use.h"
#include "policy/tls.h"

#include <stddef.h>
#include <string.h>

struct tls_request {
    const struct ha_tls_scheme *scheme;
    struct ha_member_bytes content, spki_sha256;
    struct ha_use use;
};

static const struct ha_member tls_members[] = {
    {"scheme", HA_MEMBER_SCHEME, true, offsetof(struct tls_request, scheme)},
    {"content", HA_MEMBER_BYTES, true, offsetof(struct tls_request, content)},
    {"spki_sha256", HA_MEMBER_BYTES, true, offsetof(struct tls_request, spki_sha256)},
    {0},
};

static void tls_request_clear(struct tls_request *request)
{
    ha_buf_clear(&request->content.buf);
    ha_buf_clear(&request->spki_sha256.buf);
    ha_use_clear(&request->use);
}
HA_AUTO_DEFINE_CLEAR(struct tls_request, tls_request_clear)

static enum ha_code read_request(const struct ha_call_context *call, struct tls_request *request, struct ha_err *err)
{
    if (ha_members_read(call->body, tls_members, "", request, err))
        return err->code;
    if (request->spki_sha256.buf.len == HA_SPKI_HASH_LEN)
        return HA_OK;
    ha_fail(err, HA_E_MALFORMED, "\"spki_sha256\" has %zu bytes, a SHA-256 has %d", request->spki_sha256.buf.len,
            HA_SPKI_HASH_LEN);
    ha_hint(err, "it is the base64url of the hash, not its hexadecimal text");
    return ha_at(err, "/spki_sha256");
}

// A TLS stack has a certificate; a signature of another key than that certificate's would only fail at the peer.
static enum ha_code check_same_key(const struct ha_key *key, const struct ha_buf *spki_sha256, struct ha_err *err)
{
    // A key whose creation was cut off has none, and says so when it is used.
    if (!key->public_key || ha_equal_ct(ha_pubkey_spki_sha256(key->public_key), spki_sha256->data, HA_SPKI_HASH_LEN))
        return HA_OK;
    ha_fail(err, HA_E_CONFLICT, "the caller's public key is not that of '%s'", key->name);
    ha_hint(err, "the key was made anew since the caller's key reference was written: write it again, and renew the "
                 "certificate");
    return ha_at(err, "/spki_sha256");
}

// TLS 1.2 agrees on ECDSA and a hash, not on a curve, though the schemes' names have one (RFC 8446 section 4.2.3).
static bool has_another_curve(const struct ha_key *key, enum ha_content content, enum ha_alg alg)
{
    return ha_alg_info(alg)->family == HA_FAMILY_EC && ha_key_type_info(key->type)->family == HA_FAMILY_EC &&
           !ha_alg_fits(alg, key->type) && !ha_content_info(content)->tls13;
}

static enum ha_code prepare(const struct ha_call_context *call, struct ha_key *key, struct tls_request *request,
                            enum ha_content content, struct ha_err *err)
{
    const struct ha_buf *bytes = &request->content.buf;
    if (check_same_key(key, &request->spki_sha256.buf, err))
        return err->code;
    if (ha_tls_check(key->purposes, content, request->scheme->alg, err))
        return ha_call_refused_content(call, HA_OPERATION_TLS, content, err);
    if (has_another_curve(key, content, request->scheme->alg))
        return ha_use_sign_ecdsa(key, ha_alg_info(request->scheme->alg)->hash, HA_PURPOSES_TLS, bytes->data, bytes->len,
                                 &request->use, err);
    return ha_use_sign(key, request->scheme->alg, HA_PURPOSES_TLS, bytes->data, bytes->len, &request->use, err);
}

static enum ha_code sign(const struct ha_call_context *call, struct ha_key *key, struct ha_use *use, struct ha_err *err)
{
    ha_call_exchange(call, key, &use, 1);
    if (use->exchange.code) {
        *err = use->exchange.err;
        return err->code;
    }
    return ha_use_sign_der(use, err);
}

enum ha_code ha_handle_tls(struct ha_call_context *call, struct ha_err *err)
{
    ha_auto(tls_request_clear) struct tls_request request = {0};
    ha_auto(ha_key_unref) struct ha_key *key = NULL;
    if (read_request(call, &request, err))
        return err->code;
    // The version whose certificate the TLS stack has.
    if (!call->choice.number) {
        call->choice.by_spki = true;
        memcpy(call->choice.spki_sha256, request.spki_sha256.buf.data, HA_SPKI_HASH_LEN);
    }
    if (ha_call_key(call, HA_OPERATION_TLS, request.scheme->alg, &key, err))
        return err->code == HA_E_CONFLICT ? ha_at(err, "/spki_sha256") : err->code;
    enum ha_content content = ha_content_classify(request.content.buf.data, request.content.buf.len);
    if (prepare(call, key, &request, content, err) ||
        ha_call_take(call, HA_OPERATION_TLS, request.scheme->alg, NULL, &content, &request.use, err) ||
        sign(call, key, &request.use, err))
        return err->code;
    ha_jw_object(call->out, NULL);
    ha_jw_string(call->out, "key", key->name);
    ha_jw_number(call->out, "version", key->version);
    ha_jw_string(call->out, "scheme", request.scheme->name);
    ha_jw_string(call->out, "token", request.use.token);
    ha_jw_string(call->out, "content_class", ha_content_info(content)->name);
    ha_jw_bytes(call->out, "signature", request.use.exchange.output.data, request.use.exchange.output.len);
    ha_jw_object_end(call->out);
    return HA_OK;
}
