// SPDX-License-Identifier: Apache-2.0
#include "enrol/est.h"

#include "base/text.h"
#include "enrol/answer.h"
#include "enrol/enrol.h"

#include <string.h>
#include <time.h>

static enum ha_code put_url(const char *base, const char *label, const char *act, struct ha_buf *out,
                            struct ha_err *err)
{
    ha_buf_puts(out, base);
    if (!strstr(base, "/.well-known/est"))
        ha_buf_puts(out, "/.well-known/est");
    if (label)
        ha_buf_printf(out, "/%s", label);
    ha_buf_printf(out, "/%s", act);
    return ha_buf_ok(out) ? HA_OK : ha_fail(err, HA_E_MEMORY, "out of memory for a URL");
}

enum ha_code ha_est_cacerts(struct ha_http *http, const char *base, const char *label, struct ha_buf *out,
                            struct ha_err *err)
{
    ha_auto(ha_buf_clear) struct ha_buf url = {0};
    ha_auto(ha_http_answer_clear) struct ha_http_answer answer = {0};
    if (put_url(base, label, "cacerts", &url, err))
        return err->code;
    const struct ha_http_request request = {
        .method = "GET", .url = ha_buf_text(&url), .accept = "application/pkcs7-mime"};
    if (ha_http_do(http, &request, &answer, err))
        return err->code;
    if (answer.status != 200)
        return ha_enrol_refusal(&answer, "give its certificates", err);
    if (ha_answer_pkcs7(answer.body.data, answer.body.len, out, err))
        return ha_wrap(err, "cacerts");
    return HA_OK;
}

// The leaf alone is what EST answers with; the certificates above it are cacerts'.
static enum ha_code take_certificates(const struct ha_buf *cacerts, const struct ha_http_answer *answer,
                                      struct ha_enrolment *enrolment, struct ha_err *err)
{
    ha_auto(ha_buf_clear) struct ha_buf pem = {0}, sorted = {0};
    if (strcmp(answer->content_type, "application/pkcs7-mime") != 0)
        return ha_enrol_refusal(answer, "answer as EST does", err);
    if (ha_answer_pkcs7(answer->body.data, answer->body.len, &pem, err))
        return err->code;
    ha_buf_append(&pem, cacerts->data, cacerts->len);
    if (!ha_buf_ok(&pem))
        return ha_fail(err, HA_E_MEMORY, "out of memory for certificates");
    if (ha_answer_sort(enrolment->csr, ha_buf_text(&pem), &sorted, err) ||
        ha_enrolment_set(&enrolment->certificates, ha_buf_text(&sorted), err))
        return err->code;
    enrolment->state = HA_ENROL_ISSUED;
    enrolment->retry_at = 0;
    return HA_OK;
}

static enum ha_code judge(const struct ha_buf *cacerts, const struct ha_http_answer *answer,
                          struct ha_enrolment *enrolment, struct ha_err *err)
{
    enum { WAIT_S = 60 };
    switch (answer->status) {
    case 200:
        return take_certificates(cacerts, answer, enrolment, err);
    case 202:
        enrolment->state = HA_ENROL_SUBMITTED;
        enrolment->retry_at = (uint64_t)time(NULL) + (answer->retry_after_s ? answer->retry_after_s : WAIT_S);
        return HA_OK;
    default:
        if (answer->status >= 400 && answer->status < 500)
            enrolment->state = HA_ENROL_PREPARED;
        return ha_enrol_refusal(answer, enrolment->reenrol ? "renew the certificate" : "take the request", err);
    }
}

enum ha_code ha_est_submit(struct ha_http *http, struct ha_enrolment *enrolment, bool again, struct ha_err *err)
{
    enum { LINE = 64 };
    ha_auto(ha_buf_clear) struct ha_buf url = {0}, der = {0}, body = {0}, cacerts = {0};
    ha_auto(ha_http_answer_clear) struct ha_http_answer answer = {0};
    // First, while there is nothing to lose: whoever can't give these would have issued a certificate for nothing.
    if (ha_est_cacerts(http, enrolment->url, enrolment->label, &cacerts, err)) {
        if (!again)
            enrolment->state = HA_ENROL_PREPARED;
        return err->code;
    }
    if (put_url(enrolment->url, enrolment->label, enrolment->reenrol ? "simplereenroll" : "simpleenroll", &url, err) ||
        ha_answer_csr_der(enrolment->csr, &der, err))
        return err->code;
    ha_b64_encode(&body, der.data, der.len, LINE);
    if (!ha_buf_ok(&body))
        return ha_fail(err, HA_E_MEMORY, "out of memory for a request");
    const struct ha_http_request request = {
        .method = "POST",
        .url = ha_buf_text(&url),
        .content_type = "application/pkcs10",
        .accept = "application/pkcs7-mime",
        .body = body.data,
        .body_len = body.len,
    };
    if (ha_http_do(http, &request, &answer, err)) {
        if (!again && !answer.sent)
            enrolment->state = HA_ENROL_PREPARED;
        return err->code;
    }
    return judge(&cacerts, &answer, enrolment, err);
}
