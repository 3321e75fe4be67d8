// SPDX-License-Identifier: Apache-2.0
// POST /v1/keys/{name}/certificate/check: whether a key's certificate, installed or about to be, does what it is for.
#include "api/certificate_common.h"
#include "api/members.h"
#include "format/certificate.h"
#include "format/chain.h"

#include <stddef.h>
#include <string.h>
#include <time.h>

struct check_request {
    const ha_json *certificates, *names;
    const char *anchors, *intermediates, *crls;
    struct ha_member_bytes ocsp;
    uint64_t at;
    bool revocation;
};

static const struct ha_member check_members[] = {
    {"certificates", HA_MEMBER_ANY, false, offsetof(struct check_request, certificates)},
    {"anchors", HA_MEMBER_STRING, false, offsetof(struct check_request, anchors)},
    {"intermediates", HA_MEMBER_STRING, false, offsetof(struct check_request, intermediates)},
    {"crls", HA_MEMBER_STRING, false, offsetof(struct check_request, crls)},
    {"ocsp", HA_MEMBER_BYTES, false, offsetof(struct check_request, ocsp)},
    {"revocation", HA_MEMBER_BOOL, false, offsetof(struct check_request, revocation)},
    {"names", HA_MEMBER_ARRAY, false, offsetof(struct check_request, names)},
    {"at", HA_MEMBER_UINT, false, offsetof(struct check_request, at)},
    {0},
};

static void check_request_clear(struct check_request *request)
{
    ha_buf_clear(&request->ocsp.buf);
}
HA_AUTO_DEFINE_CLEAR(struct check_request, check_request_clear)

enum result { OK, WARNING, PROBLEM };

struct checks {
    struct ha_buf *out;
    enum result worst;
};

static const char *name_of(enum result result)
{
    return result == OK ? "ok" : result == WARNING ? "warning" : "problem";
}

static void add(struct checks *checks, const char *check, enum result result, const char *text, const char *remedy)
{
    if (result > checks->worst)
        checks->worst = result;
    ha_jw_object(checks->out, NULL);
    ha_jw_string(checks->out, "check", check);
    ha_jw_string(checks->out, "result", name_of(result));
    ha_jw_string(checks->out, "text", text);
    if (remedy)
        ha_jw_string(checks->out, "remedy", remedy);
    ha_jw_object_end(checks->out);
}

// The trust without revocation, or with it.
static struct ha_chain_trust trust_of(const struct check_request *request, const char *intermediates,
                                      const struct ha_key *key, bool revocation)
{
    const unsigned signing = HA_PURPOSE_SIGN | HA_PURPOSES_TLS;
    struct ha_chain_trust trust = {.anchors = request->anchors,
                                   .intermediates = intermediates[0] ? intermediates : NULL,
                                   .at = (int64_t)request->at,
                                   .any_usage = !(key->purposes & signing)};
    if (revocation) {
        trust.crls = request->crls;
        trust.ocsp = request->ocsp.present ? request->ocsp.buf.data : NULL;
        trust.ocsp_len = request->ocsp.buf.len;
        trust.revocation = true;
    }
    return trust;
}

// HA_E_NOT_VERIFIED is a finding; anything else is a mistake of the request.
static enum ha_code check_path(const struct ha_certificate *own, const struct ha_chain_trust *trust, const char *check,
                               const char *well, const char *remedy, struct checks *checks, bool *ret_well,
                               struct ha_err *err)
{
    struct ha_err why = {0};
    enum ha_code code = ha_chain_verify(own, trust, &why);
    if (code && code != HA_E_NOT_VERIFIED) {
        *err = why;
        return code;
    }
    *ret_well = code == HA_OK;
    if (code == HA_OK)
        add(checks, check, OK, well, NULL);
    else
        add(checks, check, PROBLEM, why.detail, remedy);
    return HA_OK;
}

static enum ha_code check_trust(const struct check_request *request, const struct ha_certificate *own,
                                const struct ha_key *key, const char *intermediates, struct checks *checks,
                                bool *ret_trusted, struct ha_err *err)
{
    bool asked = request->crls || request->ocsp.present || request->revocation, well;
    if (!request->anchors) {
        add(checks, "chain", WARNING, "it wasn't looked at whether the certificate leads to a root that peers trust",
            "give the roots that its peers trust: \"anchors\", or --ca FILE");
        return HA_OK;
    }
    const struct ha_chain_trust path = trust_of(request, intermediates, key, false);
    if (check_path(own, &path, "chain", "it leads to one of the anchors",
                   "install the certificates of the CAs between, or ask peers which root they trust", checks,
                   ret_trusted, err))
        return err->code;
    if (!*ret_trusted)
        return HA_OK;
    if (!asked) {
        add(checks, "revocation", WARNING, "it wasn't looked at whether the certificate was revoked",
            "give its issuer's list (\"crls\", or --crl FILE), or an OCSP response about it (\"ocsp\", or --ocsp "
            "FILE)");
        return HA_OK;
    }
    const struct ha_chain_trust revocation = trust_of(request, intermediates, key, true);
    return check_path(own, &revocation, "revocation", "it isn't revoked",
                      "ask the CA why; a revoked certificate is replaced, and its key as well if that was compromised",
                      checks, &well, err);
}

static enum ha_code check_names(const struct check_request *request, const struct ha_certificate *own,
                                struct checks *checks, struct ha_err *err)
{
    size_t index = 0;
    const ha_json *item = request->names ? ha_json_first(request->names) : NULL;
    for (; item; item = ha_json_next(item), index++) {
        ha_auto(ha_buf_clear) struct ha_buf text = {0};
        const char *name = ha_json_string(item);
        if (!name) {
            ha_fail(err, HA_E_MALFORMED, "a name is a string");
            return ha_at(err, "/names/%zu", index);
        }
        bool fits = ha_certificate_is_for(own, name);
        ha_buf_printf(&text, fits ? "it is for %s" : "it isn't for %s", name);
        add(checks, "name", fits ? OK : PROBLEM, ha_buf_text(&text),
            fits ? NULL : "ask for a certificate with that name among its alternative names (`hsm-agent csr --dns`)");
    }
    return HA_OK;
}

// What ha_chain_build had to say, less what is answered better by the anchors.
static void add_notes(const struct ha_chain_notes *notes, bool trusted, struct checks *checks)
{
    static const char *const silent[] = {"root-left-out", "left-out"};
    for (size_t i = 0; i < notes->n; i++) {
        const struct ha_chain_note *note = &notes->items[i];
        bool said = (strcmp(note->name, "chain-incomplete") == 0 || strcmp(note->name, "self-signed") == 0) && trusted;
        for (size_t j = 0; j < HA_ARRAY_SIZE(silent); j++)
            said = said || strcmp(note->name, silent[j]) == 0;
        if (!said)
            add(checks, note->name, WARNING, note->text, NULL);
    }
}

static enum ha_code look(const struct check_request *request, const struct ha_cert_bag *bag, const struct ha_key *key,
                         struct checks *checks, struct ha_err *err)
{
    struct ha_chain_notes notes = {0};
    struct ha_err why = {0};
    ha_auto(ha_x5c_clear) struct ha_x5c chain = {0};
    ha_auto(ha_buf_clear) struct ha_buf above = {0};
    ha_auto(ha_certificate_free) struct ha_certificate *own = NULL;
    bool trusted = false;
    enum ha_code code = ha_chain_build(bag, key->public_key, key->purposes, (int64_t)request->at, &chain, &notes, &why);
    if (code == HA_E_CERTIFICATE) {
        add(checks, "certificate", PROBLEM, why.detail, why.hint);
        return HA_OK;
    }
    if (code) {
        *err = why;
        return code;
    }
    add(checks, "certificate", OK, "it is for this key, and valid", NULL);
    struct ha_x5c rest = {.n = chain.n - 1};  // borrows
    memcpy(rest.der, chain.der + 1, rest.n * sizeof *rest.der);
    ha_x5c_to_pem(&rest, &above);
    if (!ha_buf_ok(&above))
        return ha_fail(err, HA_E_MEMORY, "out of memory");
    if (ha_certificate_read(chain.der[0].data, chain.der[0].len, &own, err) ||
        check_trust(request, own, key, ha_buf_text(&above), checks, &trusted, err) ||
        check_names(request, own, checks, err))
        return err->code;
    add_notes(&notes, trusted, checks);
    return HA_OK;
}

// What is to be looked at: what the request brings, or else what is installed.
static enum ha_code fill(const struct check_request *request, struct ha_key *key, struct ha_cert_bag *bag,
                         struct ha_err *err)
{
    ha_auto(ha_key_certificate_unref) struct ha_key_certificate *installed = ha_key_certificate(key);
    if (ha_certificate_read_member(request->certificates, "/certificates", bag, err))
        return err->code;
    if (!request->certificates && !installed)
        return ha_certificate_none(key, err);
    for (size_t i = 0; !request->certificates && i < installed->chain.n; i++)
        if (ha_cert_bag_add(bag, installed->chain.der[i].data, installed->chain.der[i].len, err))
            return err->code;
    if (request->intermediates && ha_cert_bag_add(bag, request->intermediates, strlen(request->intermediates), err))
        return ha_at(err, "/intermediates");
    return HA_OK;
}

enum ha_code ha_handle_certificate_check(struct ha_call_context *call, struct ha_err *err)
{
    ha_auto(check_request_clear) struct check_request request = {0};
    ha_auto(ha_cert_bag_clear) struct ha_cert_bag bag = {0};
    ha_auto(ha_key_unref) struct ha_key *key = NULL;
    struct checks checks = {.out = call->out};
    if (ha_members_read(call->body, check_members, "", &request, err) || ha_certificate_see_key(call, &key, err) ||
        fill(&request, key, &bag, err))
        return err->code;
    if (!request.at)
        request.at = (uint64_t)time(NULL);
    ha_jw_object(call->out, NULL);
    ha_certificate_write_key(call->out, key);
    ha_jw_array(call->out, "checks");
    if (look(&request, &bag, key, &checks, err))
        return err->code;
    ha_jw_array_end(call->out);
    ha_jw_string(call->out, "result", name_of(checks.worst));
    ha_jw_object_end(call->out);
    return HA_OK;
}
