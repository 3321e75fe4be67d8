// SPDX-License-Identifier: Apache-2.0
// POST /v1/verify/jws: somebody's JWS or JWT, verified with keys or certificates that the caller trusts.
#include "api/call.h"
#include "api/members.h"
#include "base/text.h"
#include "format/chain.h"
#include "format/jwt.h"

#include <stddef.h>
#include <string.h>
#include <time.h>

struct request {
    const ha_json *jws, *jwks, *key, *trust, *algorithms, *claims;
    const char *certificate, *payload_text;
    struct ha_member_bytes payload;
    bool any;
    uint64_t at;
};

static const struct ha_member request_members[] = {
    {"jws", HA_MEMBER_ANY, true, offsetof(struct request, jws)},
    {"payload", HA_MEMBER_BYTES, false, offsetof(struct request, payload)},
    {"payload_text", HA_MEMBER_STRING, false, offsetof(struct request, payload_text)},
    {"jwks", HA_MEMBER_OBJECT, false, offsetof(struct request, jwks)},
    {"key", HA_MEMBER_ANY, false, offsetof(struct request, key)},
    {"certificate", HA_MEMBER_STRING, false, offsetof(struct request, certificate)},
    {"trust", HA_MEMBER_OBJECT, false, offsetof(struct request, trust)},
    {"algorithms", HA_MEMBER_ARRAY, false, offsetof(struct request, algorithms)},
    {"any", HA_MEMBER_BOOL, false, offsetof(struct request, any)},
    {"at", HA_MEMBER_UINT, false, offsetof(struct request, at)},
    {"jwt", HA_MEMBER_OBJECT, false, offsetof(struct request, claims)},
    {0},
};

// Who may vouch for certificates.
struct trust {
    const char *anchors, *intermediates, *crls;
    struct ha_member_bytes ocsp;
    bool revocation;
    uint64_t cache_s;
    int64_t at;
};

static const struct ha_member trust_members[] = {
    {"anchors", HA_MEMBER_STRING, true, offsetof(struct trust, anchors)},
    {"intermediates", HA_MEMBER_STRING, false, offsetof(struct trust, intermediates)},
    {"crls", HA_MEMBER_STRING, false, offsetof(struct trust, crls)},
    {"ocsp", HA_MEMBER_BYTES, false, offsetof(struct trust, ocsp)},
    {"revocation", HA_MEMBER_BOOL, false, offsetof(struct trust, revocation)},
    {"cache", HA_MEMBER_UINT, false, offsetof(struct trust, cache_s)},
    {0},
};

struct expected {
    const char *typ, *iss, *sub, *aud;
    uint64_t skew, lifetime;
    bool exp;
};

static const struct ha_member expected_members[] = {
    {"typ", HA_MEMBER_STRING, false, offsetof(struct expected, typ)},
    {"iss", HA_MEMBER_STRING, false, offsetof(struct expected, iss)},
    {"sub", HA_MEMBER_STRING, false, offsetof(struct expected, sub)},
    {"aud", HA_MEMBER_STRING, false, offsetof(struct expected, aud)},
    {"skew", HA_MEMBER_UINT, false, offsetof(struct expected, skew)},
    {"lifetime", HA_MEMBER_UINT, false, offsetof(struct expected, lifetime)},
    {"exp", HA_MEMBER_BOOL, false, offsetof(struct expected, exp)},
    {0},
};

// All that a verification needs, as read.
struct verification {
    struct request request;
    struct trust trust;
    struct expected expected;
    struct ha_jwks keys;
    uint32_t algs;
};

static void verification_clear(struct verification *verification)
{
    ha_buf_clear(&verification->request.payload.buf);
    ha_buf_clear(&verification->trust.ocsp.buf);
    ha_jwks_clear(&verification->keys);
}
HA_AUTO_DEFINE_CLEAR(struct verification, verification_clear)

static enum ha_code read_algorithms(const ha_json *list, uint32_t *ret_algs, struct ha_err *err)
{
    uint32_t algs = 0;
    for (const ha_json *item = ha_json_first(list); item; item = ha_json_next(item)) {
        const char *name = ha_json_string(item);
        enum ha_alg alg = name ? ha_alg_by_name(name) : HA_ALG_NONE;
        if (!alg || ha_alg_info(alg)->use != HA_USE_SIGN) {
            ha_fail(err, HA_E_MALFORMED, "\"algorithms\" is a list of names of signature algorithms");
            return ha_at(err, "/algorithms");
        }
        algs |= 1u << alg;
    }
    if (!algs) {
        ha_fail(err, HA_E_MALFORMED, "\"algorithms\" is empty: nothing could be accepted");
        return ha_at(err, "/algorithms");
    }
    *ret_algs = algs;
    return HA_OK;
}

// Whether the anchors vouch for the first of the chain; the others are what may stand between.
static enum ha_code check_chain(void *context, const struct ha_x5c *chain, struct ha_err *err)
{
    const struct trust *trust = context;
    ha_auto(ha_certificate_free) struct ha_certificate *leaf = NULL;
    ha_auto(ha_buf_clear) struct ha_buf between = {0};
    if (trust->intermediates)
        ha_buf_puts(&between, trust->intermediates);
    for (size_t i = 1; i < chain->n; i++) {
        ha_buf_puts(&between, "\n-----BEGIN CERTIFICATE-----\n");
        ha_b64_encode(&between, chain->der[i].data, chain->der[i].len, 64);
        ha_buf_puts(&between, "-----END CERTIFICATE-----\n");
    }
    if (!ha_buf_ok(&between))
        return ha_fail(err, HA_E_MEMORY, "out of memory");
    const struct ha_chain_trust rules = {
        .anchors = trust->anchors,
        .intermediates = between.len ? ha_buf_text(&between) : NULL,
        .crls = trust->crls,
        .ocsp = trust->ocsp.present ? trust->ocsp.buf.data : NULL,
        .ocsp_len = trust->ocsp.buf.len,
        .at = trust->at,
        .revocation = trust->revocation,
        .cache_s = (unsigned)trust->cache_s,
    };
    if (ha_certificate_read(chain->der[0].data, chain->der[0].len, &leaf, err))
        return err->code;
    return ha_chain_verify(leaf, &rules, err);
}

// The key of a certificate that the caller gave. With anchors it has to lead to one of them as well.
static enum ha_code read_certificate(struct verification *verification, struct ha_err *err)
{
    const char *pem = verification->request.certificate;
    ha_auto(ha_x5c_clear) struct ha_x5c chain = {0};
    if (ha_jwks_add_pem(&verification->keys, pem, strlen(pem), verification->trust.at, err))
        return ha_at(err, "/certificate");
    if (!verification->request.trust)
        return HA_OK;
    if (ha_x5c_from_pem(pem, strlen(pem), &chain, err) || check_chain(&verification->trust, &chain, err))
        return ha_at(err, "/certificate");
    return HA_OK;
}

static enum ha_code read_key(struct verification *verification, struct ha_err *err)
{
    const ha_json *key = verification->request.key;
    const char *pem = ha_json_string(key);
    if (pem ? ha_jwks_add_pem(&verification->keys, pem, strlen(pem), verification->trust.at, err)
            : ha_jwks_add_json(&verification->keys, key, err))
        return ha_at(err, "/key");
    return HA_OK;
}

static enum ha_code read_jwks(struct verification *verification, struct ha_err *err)
{
    if (ha_jwks_add_json(&verification->keys, verification->request.jwks, err) == HA_OK)
        return HA_OK;
    char pointer[sizeof err->pointer];
    memcpy(pointer, err->pointer, sizeof pointer);
    return ha_at(err, "/jwks%.80s", pointer);
}

static enum ha_code read_request(const ha_json *body, struct verification *verification, struct ha_err *err)
{
    struct request *request = &verification->request;
    if (ha_members_read(body, request_members, "", request, err))
        return err->code;
    verification->trust.at = ha_json_get(body, "at") ? (int64_t)request->at : (int64_t)time(NULL);
    int ways = (request->jwks != NULL) + (request->key != NULL) + (request->certificate != NULL);
    if (ways > 1 || (ways == 0 && !request->trust)) {
        ha_fail(err, HA_E_MALFORMED, "one of \"jwks\", \"key\" and \"certificate\" is needed, or \"trust\"");
        return ha_at(err, "/jwks");
    }
    if (request->trust && (request->jwks || request->key)) {
        ha_fail(err, HA_E_MALFORMED, "\"trust\" is about certificates: it goes with \"certificate\", or alone");
        return ha_at(err, "/trust");
    }
    if (request->payload.present && request->payload_text) {
        ha_fail(err, HA_E_MALFORMED, "\"payload\" and \"payload_text\" are given");
        return ha_at(err, "/payload");
    }
    if ((request->trust && ha_members_read(request->trust, trust_members, "/trust", &verification->trust, err)) ||
        (request->claims && ha_members_read(request->claims, expected_members, "/jwt", &verification->expected, err)) ||
        (request->algorithms && read_algorithms(request->algorithms, &verification->algs, err)))
        return err->code;
    if (request->jwks)
        return read_jwks(verification, err);
    if (request->key)
        return read_key(verification, err);
    return request->certificate ? read_certificate(verification, err) : HA_OK;
}

// The message itself: a string, or the object of a JSON serialization as it was written.
static enum ha_code read_message(const struct ha_call_context *call, const ha_json *jws, struct ha_json_text *ret_text,
                                 struct ha_err *err)
{
    const char *text = ha_json_string(jws);
    if (text) {
        *ret_text = (struct ha_json_text){text, strlen(text)};
        return HA_OK;
    }
    struct ha_json_walk walk;
    struct ha_json_text value = {0};
    ha_json_walk_begin(&walk, (struct ha_json_text){(const char *)call->request->body, call->request->body_len});
    const ha_json *member = ha_json_first(call->body);
    while (member && ha_json_walk_next(&walk, &value) && member != jws)
        member = ha_json_next(member);
    if (ha_json_type(jws) == HA_JSON_OBJECT) {
        *ret_text = value;
        return HA_OK;
    }
    ha_fail(err, HA_E_MALFORMED, "a JWS is a string (compact) or an object");
    return ha_at(err, "/jws");
}

static void write_text(struct ha_buf *out, const char *name, const struct ha_buf *text)
{
    if (ha_utf8_valid(ha_buf_text(text), text->len) && !memchr(ha_buf_text(text), '\0', text->len))
        ha_jw_string(out, name, ha_buf_text(text));
}

static void write_verified(struct ha_buf *out, const struct ha_jws_verified *verified, bool token)
{
    const char *kid = ha_json_string(ha_jws_verified_member(verified, "kid"));
    const char *typ = ha_json_string(ha_jws_verified_member(verified, "typ"));
    ha_jw_object(out, NULL);
    ha_jw_bool(out, "valid", true);
    ha_jw_string(out, "algorithm", ha_alg_info(verified->alg)->name);
    if (kid)
        ha_jw_string(out, "kid", kid);
    if (typ)
        ha_jw_string(out, "typ", typ);
    ha_jw_number(out, "signatures", (int64_t)verified->n_signatures);
    ha_jw_number(out, "good", (int64_t)verified->n_good);
    ha_jw_bytes(out, "payload", verified->payload.data, verified->payload.len);
    write_text(out, "payload_text", &verified->payload);
    if (token)
        ha_buf_printf(out, ",\"claims\":%s", ha_buf_text(&verified->payload));
    ha_jw_object_end(out);
}

enum ha_code ha_handle_verify_jws(struct ha_call_context *call, struct ha_err *err)
{
    ha_auto(verification_clear) struct verification verification = {0};
    ha_auto(ha_jws_verified_clear) struct ha_jws_verified verified = {0};
    ha_auto(ha_json_free) ha_json *claims = NULL;
    const struct request *request = &verification.request;
    const struct expected *expected = &verification.expected;
    struct ha_json_text message = {0};
    if (ha_call_any_client(call, err) || read_request(call->body, &verification, err) ||
        read_message(call, request->jws, &message, err))
        return err->code;
    struct ha_jws_rules rules = {.keys = &verification.keys, .algs = verification.algs, .any = request->any};
    if (request->payload.present || request->payload_text) {
        rules.payload =
            request->payload_text ? (const void *)request->payload_text : ha_buf_text(&request->payload.buf);
        rules.payload_len = request->payload_text ? strlen(request->payload_text) : request->payload.buf.len;
    }
    if (request->trust && !request->certificate) {
        rules.trust = check_chain;
        rules.trust_context = &verification.trust;
    }
    const struct ha_jwt_rules token = {
        .typ = expected->typ,
        .iss = expected->iss,
        .sub = expected->sub,
        .aud = expected->aud,
        .now_s = verification.trust.at,
        .skew = (unsigned)expected->skew,
        .lifetime_max = (unsigned)expected->lifetime,
        .need_exp = expected->exp,
    };
    if (ha_jws_verify(message.data, message.n, &rules, &verified, err))
        return ha_at(err, "/jws");
    if (request->claims && ha_jwt_check(&verified, &token, &claims, err))
        return ha_at(err, "/jws");
    write_verified(call->out, &verified, request->claims != NULL);
    return HA_OK;
}
