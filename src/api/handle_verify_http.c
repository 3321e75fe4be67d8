// SPDX-License-Identifier: Apache-2.0
// POST /v1/verify/http-signature: whether somebody else's HTTP message is signed as its profile has it. No key of the
// agent has a part in it.
#include "api/http_members.h"
#include "base/file.h"
#include "format/dip.h"
#include "format/fspiop.h"
#include "format/jwk.h"
#include "format/rfc9421.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

enum { PEM_FILE_MAX = 512 * 1024 };

struct request {
    struct ha_http_members http;
    const ha_json *keys;  // name -> JWK or PEM, or a JWK Set
    const char *anchors, *intermediates, *crls;
    struct ha_member_bytes ocsp;
    uint64_t at;  // seconds since 1970; 0: now
    const struct ha_profile *profile;
};

static const struct ha_member members[] = {
    HA_HTTP_MEMBERS(struct request, http),
    {"keys", HA_MEMBER_OBJECT, false, offsetof(struct request, keys)},
    {"anchors", HA_MEMBER_STRING, false, offsetof(struct request, anchors)},
    {"intermediates", HA_MEMBER_STRING, false, offsetof(struct request, intermediates)},
    {"crls", HA_MEMBER_STRING, false, offsetof(struct request, crls)},
    {"ocsp", HA_MEMBER_BYTES, false, offsetof(struct request, ocsp)},
    {"at", HA_MEMBER_UINT, false, offsetof(struct request, at)},
    {0},
};

static void request_clear(struct request *request)
{
    ha_http_members_clear(&request->http);
    ha_buf_clear(&request->ocsp.buf);
}
HA_AUTO_DEFINE_CLEAR(struct request, request_clear)

// The keys that the caller trusts, with the names it gave them.
struct trusted {
    struct ha_jwks set;
    const char *names[HA_JWKS_MAX];  // of the i-th; NULL: its kid
};

static void trusted_clear(struct trusted *trusted)
{
    ha_jwks_clear(&trusted->set);
}
HA_AUTO_DEFINE_CLEAR(struct trusted, trusted_clear)

static enum ha_code add_named(struct trusted *trusted, const ha_json *member, int64_t at, struct ha_err *err)
{
    const char *pem = ha_json_string(member);
    size_t before = trusted->set.n;
    if (before == HA_JWKS_MAX)
        return ha_fail(err, HA_E_TOO_LARGE, "at most %d keys are taken", HA_JWKS_MAX);
    enum ha_code code =
        pem ? ha_jwks_add_pem(&trusted->set, pem, strlen(pem), at, err) : ha_jwks_add_json(&trusted->set, member, err);
    if (code == HA_OK && trusted->set.n != before + 1)
        code = ha_fail(err, HA_E_MALFORMED, "\"%.60s\" isn't one JWK or the text of one PEM public key or certificate",
                       ha_json_name(member));
    if (code)
        return ha_at(err, "/keys/%.60s", ha_json_name(member));
    trusted->names[before] = ha_json_name(member);
    return HA_OK;
}

static enum ha_code read_keys(const struct request *request, struct trusted *trusted, struct ha_err *err)
{
    if (!request->keys) {
        ha_fail(err, HA_E_MALFORMED, "the profile %s needs \"keys\": those that are trusted, by their names",
                request->profile->name);
        return ha_at(err, "/keys");
    }
    const ha_json *set = ha_json_get(request->keys, "keys");
    if (set && ha_json_type(set) == HA_JSON_ARRAY)
        return ha_jwks_add_json(&trusted->set, request->keys, err) ? ha_http_members_at("/keys", err) : HA_OK;
    for (const ha_json *member = ha_json_first(request->keys); member; member = ha_json_next(member))
        if (add_named(trusted, member, (int64_t)request->at, err))
            return err->code;
    return HA_OK;
}

static const char *name_of(const struct trusted *trusted, size_t i)
{
    return trusted->names[i] ? trusted->names[i] : trusted->set.items[i].kid;
}

// A PEM file of the profile. max_age_s: since when it has to have been written anew; 0: any time.
static enum ha_code read_file(const char *path, unsigned max_age_s, const char *member, struct ha_buf *out,
                              const char **ret_text, struct ha_err *err)
{
    struct stat info;
    if (ha_file_read(path, PEM_FILE_MAX, HA_FILE_ANY, out, err))
        return ha_at(err, "/%s", member);
    if (max_age_s && stat(path, &info) == 0 && time(NULL) - info.st_mtime > (time_t)max_age_s) {
        ha_fail(err, HA_E_CONFIG, "%s was written over %u seconds ago", path, max_age_s);
        ha_hint(err, "fetch the lists anew; the profile's cache-s says how old they may be");
        return ha_at(err, "/%s", member);
    }
    *ret_text = ha_buf_text(out);
    return HA_OK;
}

static enum ha_code verify_dip(const struct request *request, struct ha_buf *out, struct ha_err *err)
{
    const struct ha_dip_profile *profile = request->profile->options;
    ha_auto(ha_buf_clear) struct ha_buf anchors = {0};
    ha_auto(ha_buf_clear) struct ha_buf crls = {0};
    ha_auto(ha_buf_clear) struct ha_buf subject = {0};
    ha_auto(ha_buf_clear) struct ha_buf pem = {0};
    ha_auto(ha_certificate_free) struct ha_certificate *certificate = NULL;
    struct ha_chain_trust trust = {.anchors = request->anchors,
                                   .intermediates = request->intermediates,
                                   .crls = request->crls,
                                   .ocsp = request->ocsp.present ? request->ocsp.buf.data : NULL,
                                   .ocsp_len = request->ocsp.buf.len,
                                   .at = (int64_t)request->at,
                                   .revocation = profile->revocation,
                                   .cache_s = profile->cache_s};
    if (!trust.anchors && profile->anchors_file &&
        read_file(profile->anchors_file, 0, "anchors", &anchors, &trust.anchors, err))
        return err->code;
    if (!trust.crls && profile->crls_file &&
        read_file(profile->crls_file, profile->cache_s, "crls", &crls, &trust.crls, err))
        return err->code;
    if (ha_dip_verify(profile, &request->http.message, &trust, &certificate, err))
        return err->code;
    ha_certificate_subject(certificate, &subject);
    ha_certificate_to_pem(certificate, &pem);
    ha_jw_string(out, "subject", ha_buf_text(&subject));
    ha_jw_string(out, "certificate", ha_buf_text(&pem));
    return HA_OK;
}

static enum ha_code verify_fspiop(const struct request *request, struct ha_buf *out, struct ha_err *err)
{
    ha_auto(trusted_clear) struct trusted trusted = {0};
    ha_auto(ha_buf_clear) struct ha_buf buf = {0};
    if (read_keys(request, &trusted, err))
        return err->code;
    const char *source = ha_http_field_only(&request->http.message, "FSPIOP-Source", &buf);
    for (size_t i = 0; source && i < trusted.set.n; i++) {
        if (!name_of(&trusted, i) || strcmp(name_of(&trusted, i), source) != 0)
            continue;
        if (ha_fspiop_verify(request->profile->options, &request->http.message, trusted.set.items[i].key,
                             (int64_t)request->at, err))
            return err->code;
        ha_jw_string(out, "key", source);
        return HA_OK;
    }
    ha_fail(err, HA_E_NOT_VERIFIED, "there is no key of the source '%.80s'", source ? source : "");
    return ha_at(err, "/headers/FSPIOP-Source");
}

static enum ha_code verify_rfc9421(const struct request *request, struct ha_buf *out, struct ha_err *err)
{
    ha_auto(trusted_clear) struct trusted trusted = {0};
    if (read_keys(request, &trusted, err))
        return err->code;
    ha_auto(ha_free) struct ha_rfc9421_key *keys = calloc(trusted.set.n ? trusted.set.n : 1, sizeof *keys);
    size_t n = 0, which = 0;
    if (!keys)
        return ha_fail(err, HA_E_MEMORY, "out of memory");
    for (size_t i = 0; i < trusted.set.n; i++) {
        const struct ha_jwk *jwk = &trusted.set.items[i];
        enum ha_alg alg = jwk->alg ? ha_alg_by_name(jwk->alg) : HA_ALG_NONE;
        if (jwk->may_verify && (!jwk->alg || alg != HA_ALG_NONE))
            keys[n++] = (struct ha_rfc9421_key){.key = jwk->key, .alg = alg, .keyid = name_of(&trusted, i)};
    }
    if (ha_rfc9421_verify(request->profile->options, &request->http.message, keys, n, (int64_t)request->at, &which,
                          err))
        return err->code;
    if (keys[which].keyid)
        ha_jw_string(out, "key", keys[which].keyid);
    return HA_OK;
}

static enum ha_code verify(const struct request *request, struct ha_buf *out, struct ha_err *err)
{
    if (request->profile->scheme == HA_SCHEME_DIP)
        return verify_dip(request, out, err);
    return request->profile->scheme == HA_SCHEME_FSPIOP ? verify_fspiop(request, out, err)
                                                        : verify_rfc9421(request, out, err);
}

enum ha_code ha_handle_verify_http(struct ha_call_context *call, struct ha_err *err)
{
    ha_auto(request_clear) struct request request = {0};
    // Whoever some section is about may ask; no key of ours is used.
    const struct ha_question question = {.key = "", .operation = HA_OPERATION_SHOW, .time_s = time(NULL)};
    if (!ha_policy_decide(call->api->config, call->request->principal, &question).client) {
        ha_fail(err, HA_E_FORBIDDEN, "no [client] section is about the caller");
        return err->code;
    }
    if (ha_members_read(call->body, members, "", &request, err) || ha_http_members_finish(&request.http, "", err) ||
        ha_call_profile(call, request.http.profile, HA_HTTP_SCHEMES, "/profile", &request.profile, err))
        return err->code;
    if (!request.at)
        request.at = (uint64_t)time(NULL);
    ha_jw_object(call->out, NULL);
    ha_jw_bool(call->out, "valid", true);
    ha_jw_string(call->out, "profile", request.profile->name);
    if (verify(&request, call->out, err))
        return err->code;
    ha_jw_object_end(call->out);
    return HA_OK;
}
