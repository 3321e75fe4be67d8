// SPDX-License-Identifier: Apache-2.0
#include "enrol/dogtag.h"

#include "enrol/answer.h"
#include "enrol/enrol.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

enum { SESSION_TRIES = 2, LOOK_MAX = 50 };

// A path below the API's root, asked for or posted to. HA_OK whatever the status is.
static enum ha_code call(const struct ha_dogtag *dogtag, const char *path, const struct ha_buf *body,
                         struct ha_http_answer *ret_answer, struct ha_err *err)
{
    ha_auto(ha_buf_clear) struct ha_buf url = {0};
    ha_buf_printf(&url, "%s%s%s", dogtag->url, dogtag->api, path);
    if (!ha_buf_ok(&url) || (body && !ha_buf_ok(body)))
        return ha_fail(err, HA_E_MEMORY, "out of memory for a request");
    const struct ha_http_request request = {
        .method = body ? "POST" : "GET",
        .url = ha_buf_text(&url),
        .content_type = body ? "application/json" : NULL,
        .accept = "application/json",
        .body = body ? body->data : NULL,
        .body_len = body ? body->len : 0,
    };
    return ha_http_do(dogtag->http, &request, ret_answer, err);
}

// The same, and any status but 200 is a refusal.
static enum ha_code get(const struct ha_dogtag *dogtag, const char *path, const char *what,
                        struct ha_http_answer *ret_answer, struct ha_err *err)
{
    if (call(dogtag, path, NULL, ret_answer, err))
        return err->code;
    return ret_answer->status == 200 ? HA_OK : ha_enrol_refusal(ret_answer, what, err);
}

static enum ha_code put_path(struct ha_buf *out, const char *before, const char *id, const char *after,
                             struct ha_err *err)
{
    if (!ha_dogtag_id_valid(id))
        return ha_fail(err, HA_E_MALFORMED, "'%.80s' can't be an id of the CA", id);
    ha_buf_printf(out, "%s%s%s", before, id, after);
    return ha_buf_ok(out) ? HA_OK : ha_fail(err, HA_E_MEMORY, "out of memory for a path");
}

enum ha_code ha_dogtag_open(struct ha_http *http, const char *url, struct ha_dogtag *ret_dogtag, struct ha_err *err)
{
    ha_auto(ha_http_answer_clear) struct ha_http_answer answer = {0};
    struct ha_dogtag dogtag = {.http = http, .url = url, .api = ""};
    if (call(&dogtag, "/pki/v2/info", NULL, &answer, err))
        return err->code;
    if (answer.status != 200 && answer.status != 404)
        return ha_enrol_refusal(&answer, "say its version", err);
    // Servers up to 11.4 have v1 alone, under this name.
    dogtag.api = answer.status == 200 ? "/ca/v2" : "/ca/rest";
    *ret_dogtag = dogtag;
    return HA_OK;
}

enum ha_code ha_dogtag_profiles(const struct ha_dogtag *dogtag, struct ha_buf *out, struct ha_err *err)
{
    ha_auto(ha_http_answer_clear) struct ha_http_answer answer = {0};
    if (get(dogtag, "/certrequests/profiles?size=1000", "list its profiles", &answer, err))
        return err->code;
    return ha_dogtag_read_profiles(ha_buf_text(&answer.body), answer.body.len, out, err);
}

// --- Requests

static bool is_profile(const char *profile)
{
    size_t n = strspn(profile, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-");
    return n > 0 && !profile[n];
}

static enum ha_code make_request(const struct ha_dogtag *dogtag, const struct ha_enrolment *enrolment,
                                 struct ha_buf *body, struct ha_err *err)
{
    ha_auto(ha_http_answer_clear) struct ha_http_answer answer = {0};
    ha_auto(ha_buf_clear) struct ha_buf path = {0}, requestor = {0};
    ha_buf_printf(&path, "/certrequests/profiles/%s", enrolment->profile);
    ha_buf_printf(&requestor, "hsm-agent %s@%llu", enrolment->key, (unsigned long long)enrolment->version);
    if (!ha_buf_ok(&path) || !ha_buf_ok(&requestor))
        return ha_fail(err, HA_E_MEMORY, "out of memory for a request");
    if (get(dogtag, ha_buf_text(&path), "show its profile", &answer, err)) {
        if (answer.status == 404)
            ha_hint(err, "Check --profile-id; 'hsm-agent enrol --profiles --dogtag %s' lists them.", dogtag->url);
        return err->code;
    }
    return ha_dogtag_fill(ha_buf_text(&answer.body), answer.body.len, enrolment->csr, ha_buf_text(&requestor),
                          enrolment->inputs, body, err);
}

enum ha_code ha_dogtag_submit(const struct ha_dogtag *dogtag, const struct ha_enrolment *enrolment,
                              struct ha_dogtag_info *ret_info, bool *ret_sent, struct ha_err *err)
{
    ha_auto(ha_http_answer_clear) struct ha_http_answer answer = {0};
    ha_auto(ha_buf_clear) struct ha_buf body = {0};
    *ret_sent = false;
    if (!enrolment->profile || !is_profile(enrolment->profile))
        return ha_fail(err, HA_E_USAGE, "there is no Dogtag profile, or its id can't be one");
    if (make_request(dogtag, enrolment, &body, err))
        return err->code;
    enum ha_code code = call(dogtag, "/certrequests", &body, &answer, err);
    *ret_sent = answer.sent && !(answer.status >= 400 && answer.status < 500);
    if (code)
        return code;
    if (answer.status != 200)
        return ha_enrol_refusal(&answer, "take the request", err);
    return ha_dogtag_read_submitted(ha_buf_text(&answer.body), answer.body.len, ret_info, err);
}

// The review of a request, as it was written; with the request's CSR.
static enum ha_code review(const struct ha_dogtag *dogtag, const char *id, struct ha_http_answer *ret_answer,
                           struct ha_buf *ret_csr, struct ha_err *err)
{
    ha_auto(ha_buf_clear) struct ha_buf path = {0};
    if (put_path(&path, "/agent/certrequests/", id, "", err) ||
        get(dogtag, ha_buf_text(&path), "show the request for review", ret_answer, err))
        return err->code;
    return ha_dogtag_read_review(ha_buf_text(&ret_answer->body), ret_answer->body.len, id, ret_csr, err);
}

enum ha_code ha_dogtag_find(const struct ha_dogtag *dogtag, const char *csr, char ret_id[static HA_DOGTAG_ID_SIZE],
                            struct ha_err *err)
{
    ha_auto(ha_http_answer_clear) struct ha_http_answer answer = {0};
    ha_auto(ha_buf_clear) struct ha_buf ids = {0};
    size_t left = LOOK_MAX;
    if (get(dogtag, "/agent/certrequests?requestState=pending&requestType=enrollment&pageSize=1000", "list requests",
            &answer, err) ||
        ha_dogtag_read_ids(ha_buf_text(&answer.body), answer.body.len, &ids, err))
        return err->code;
    ret_id[0] = '\0';
    // From the last line to the first: ours is new.
    while (ids.len > 0 && left-- > 0) {
        ha_auto(ha_http_answer_clear) struct ha_http_answer one = {0};
        ha_auto(ha_buf_clear) struct ha_buf other = {0};
        ids.data[--ids.len] = '\0';
        const char *newline = memrchr(ids.data, '\n', ids.len);
        const char *id = newline ? newline + 1 : (const char *)ids.data;
        struct ha_err cause = {0};
        if (review(dogtag, id, &one, &other, &cause) == HA_OK && ha_answer_same_csr(ha_buf_text(&other), csr)) {
            snprintf(ret_id, HA_DOGTAG_ID_SIZE, "%s", id);
            return HA_OK;
        }
        ids.len = newline ? (size_t)(newline + 1 - (const char *)ids.data) : 0;
    }
    return HA_OK;
}

enum ha_code ha_dogtag_status(const struct ha_dogtag *dogtag, const char *request_id, struct ha_dogtag_info *ret_info,
                              struct ha_err *err)
{
    ha_auto(ha_http_answer_clear) struct ha_http_answer answer = {0};
    ha_auto(ha_buf_clear) struct ha_buf path = {0};
    struct ha_dogtag_info info = {0};
    if (put_path(&path, "/certrequests/", request_id, "", err) ||
        get(dogtag, ha_buf_text(&path), "tell of the request", &answer, err) ||
        ha_dogtag_read_request(ha_buf_text(&answer.body), answer.body.len, &info, err))
        return err->code;
    if (strcasecmp(info.request_id, request_id) != 0)
        return ha_fail(err, HA_E_CA, "the CA tells of request %s when asked about %s", info.request_id, request_id);
    *ret_info = info;
    return HA_OK;
}

// Whether the server may have lost the session that the nonce was in: another review may help.
static bool is_about_nonce(const struct ha_http_answer *answer)
{
    char words[200];
    ha_dogtag_read_refusal(ha_buf_text(&answer->body), answer->body.len, words, sizeof words);
    return (answer->status == 400 || answer->status == 403) && strcasestr(words, "nonce");
}

enum ha_code ha_dogtag_approve(const struct ha_dogtag *dogtag, const char *request_id, const char *csr,
                               struct ha_err *err)
{
    ha_auto(ha_buf_clear) struct ha_buf path = {0};
    if (put_path(&path, "/agent/certrequests/", request_id, "/approve", err))
        return err->code;
    for (int i = 0;; i++) {
        ha_auto(ha_http_answer_clear) struct ha_http_answer reviewed = {0}, answer = {0};
        ha_auto(ha_buf_clear) struct ha_buf shown = {0};
        if (review(dogtag, request_id, &reviewed, &shown, err))
            return err->code;
        if (!ha_answer_same_csr(ha_buf_text(&shown), csr)) {
            ha_fail(err, HA_E_CA, "request %s at the CA isn't the one that was made here", request_id);
            return ha_hint(err, "Nothing was approved. Check the CA's address, or begin anew with --again.");
        }
        // What was reviewed goes back as it came, whatever else is in it.
        if (call(dogtag, ha_buf_text(&path), &reviewed.body, &answer, err))
            return err->code;
        if (answer.status == 204 || answer.status == 200)
            return HA_OK;
        if (i + 1 == SESSION_TRIES || !is_about_nonce(&answer))
            return ha_enrol_refusal(&answer, "let us approve the request", err);
    }
}

enum ha_code ha_dogtag_certificate(const struct ha_dogtag *dogtag, const char *id, struct ha_buf *out,
                                   struct ha_err *err)
{
    ha_auto(ha_http_answer_clear) struct ha_http_answer answer = {0};
    ha_auto(ha_buf_clear) struct ha_buf path = {0};
    if (put_path(&path, "/certs/", id, "", err) ||
        get(dogtag, ha_buf_text(&path), "give the certificate", &answer, err))
        return err->code;
    return ha_dogtag_read_certificate(ha_buf_text(&answer.body), answer.body.len, out, err);
}

// --- Revocation

static const struct {
    const char *x509, *dogtag;
} reasons[] = {
    {"unspecified", "Unspecified"},
    {"keyCompromise", "Key_Compromise"},
    {"cACompromise", "CA_Compromise"},
    {"affiliationChanged", "Affiliation_Changed"},
    {"superseded", "Superseded"},
    {"cessationOfOperation", "Cessation_of_Operation"},
    {"certificateHold", "Certificate_Hold"},
    {"removeFromCRL", "Remove_from_CRL"},
    {"privilegeWithdrawn", "Privilege_Withdrawn"},
    {"aACompromise", "AA_Compromise"},
};

static bool same_reason(const char *given, const char *name)
{
    for (;; given++, name++) {
        given += strspn(given, "_- ");
        if (tolower((unsigned char)*given) != tolower((unsigned char)*name))
            return false;
        if (!*name)
            return true;
    }
}

void ha_dogtag_reasons(struct ha_buf *out)
{
    for (size_t i = 0; i < HA_ARRAY_SIZE(reasons); i++)
        ha_buf_printf(out, "%s%s", i > 0 ? ", " : "", reasons[i].x509);
}

enum ha_code ha_dogtag_reason(const char *reason, const char **ret_name, struct ha_err *err)
{
    for (size_t i = 0; i < HA_ARRAY_SIZE(reasons); i++) {
        if (same_reason(reason, reasons[i].x509)) {
            *ret_name = reasons[i].dogtag;
            return HA_OK;
        }
    }
    ha_auto(ha_buf_clear) struct ha_buf names = {0};
    ha_dogtag_reasons(&names);
    ha_fail(err, HA_E_USAGE, "--reason %.60s is not known", reason);
    return ha_hint(err, "Use one of %s.", ha_buf_text(&names));
}

bool ha_dogtag_is_unrevoke(const char *name)
{
    return strcmp(name, "Remove_from_CRL") == 0;
}

// Whether the review, of that certificate, says that it is revoked.
static enum ha_code read_revoked(const struct ha_http_answer *reviewed, const char *certificate, bool *ret_revoked,
                                 struct ha_err *err)
{
    ha_auto(ha_json_free) ha_json *json = NULL;
    ha_auto(ha_buf_clear) struct ha_buf shown = {0};
    const char *text = ha_buf_text(&reviewed->body);
    if (ha_dogtag_parse(text, reviewed->body.len, "a certificate", &json, err) ||
        ha_dogtag_read_certificate(text, reviewed->body.len, &shown, err))
        return err->code;
    if (!ha_answer_same_certificate(ha_buf_text(&shown), certificate)) {
        ha_fail(err, HA_E_CA, "the CA's certificate of that serial number is another one");
        return ha_hint(err, "Nothing was revoked. Ask the CA that issued it, with --dogtag URL.");
    }
    const char *status = ha_json_get_string(json, "Status");
    *ret_revoked = status && (strcmp(status, "REVOKED") == 0 || strcmp(status, "REVOKED_EXPIRED") == 0);
    return HA_OK;
}

// The act and what is posted: taking it from the list again has an act of its own.
static enum ha_code put_act(const char *id, const struct ha_http_answer *reviewed, const char *name,
                            const char *comments, struct ha_buf *path, struct ha_buf *body, struct ha_err *err)
{
    if (ha_dogtag_is_unrevoke(name))
        return put_path(path, "/agent/certs/", id, "/unrevoke", err);
    if (put_path(path, "/agent/certs/", id, "/revoke", err))
        return err->code;
    return ha_dogtag_put_revocation(ha_buf_text(&reviewed->body), reviewed->body.len, name, comments, body, err);
}

enum ha_code ha_dogtag_revoke(const struct ha_dogtag *dogtag, const char *certificate, const char *name,
                              const char *comments, bool *ret_before, struct ha_err *err)
{
    ha_auto(ha_buf_clear) struct ha_buf look = {0}, id = {0};
    if (ha_answer_serial(certificate, &id, err) || put_path(&look, "/agent/certs/", ha_buf_text(&id), "", err))
        return err->code;
    for (int i = 0;; i++) {
        ha_auto(ha_http_answer_clear) struct ha_http_answer reviewed = {0}, answer = {0};
        ha_auto(ha_buf_clear) struct ha_buf act = {0}, body = {0};
        bool revoked = false;
        if (get(dogtag, ha_buf_text(&look), "show the certificate for revocation", &reviewed, err) ||
            read_revoked(&reviewed, certificate, &revoked, err) ||
            put_act(ha_buf_text(&id), &reviewed, name, comments, &act, &body, err) ||
            call(dogtag, ha_buf_text(&act), &body, &answer, err))
            return err->code;
        *ret_before = answer.status != 200;
        // One that is on hold can be revoked for good; one that is revoked can't be again.
        if (answer.status == 200 || (revoked && !ha_dogtag_is_unrevoke(name) && !is_about_nonce(&answer) &&
                                     answer.status >= 400 && answer.status < 500))
            return HA_OK;
        if (i + 1 == SESSION_TRIES || !is_about_nonce(&answer))
            return ha_enrol_refusal(&answer, "revoke the certificate", err);
    }
}
