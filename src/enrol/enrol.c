// SPDX-License-Identifier: Apache-2.0
#include "enrol/enrol.h"

#include "enrol/answer.h"
#include "enrol/dogtag.h"
#include "enrol/est.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

enum ha_code ha_enrol_refusal(const struct ha_http_answer *answer, const char *what, struct ha_err *err)
{
    char words[200];
    ha_dogtag_read_refusal(ha_buf_text(&answer->body), answer->body.len, words, sizeof words);
    if (!words[0] && strcmp(answer->content_type, "text/plain") == 0) {
        size_t n = answer->body.len < sizeof words - 1 ? answer->body.len : sizeof words - 1;
        for (size_t i = 0; i < n; i++)
            words[i] = answer->body.data[i] >= ' ' && answer->body.data[i] <= '~' ? (char)answer->body.data[i] : ' ';
        words[n] = '\0';
    }
    const char *type = answer->content_type[0] ? answer->content_type : "no type";
    if (answer->status == 200)
        ha_fail(err, HA_E_CA, "the CA didn't %s: it answered 200 with %s", what, type);
    else
        ha_fail(err, HA_E_CA, "the CA didn't %s: it answered %u%s%s", what, answer->status, words[0] ? ", " : "",
                words);
    if (answer->status == 401)
        return ha_hint(err, "Name who you are: --user-file with USER:PASSWORD, or --cert-key with a certified key.");
    if (answer->status == 403)
        return ha_hint(err, "Ask the CA's operators to let this user or certificate do that.");
    if (answer->status >= 500 || answer->status == 429)
        return ha_hint(
            err, "Try again, an enrolment with 'hsm-agent enrol --resume'; if it persists, ask the CA's operators.");
    return ha_hint(
        err, "Check the URL and what was asked for, then try again, an enrolment with 'hsm-agent enrol --resume'.");
}

enum ha_code ha_enrol_note(const char *dir, struct ha_enrolment *enrolment, const struct ha_err *failure,
                           struct ha_err *err)
{
    if (ha_enrolment_set(&enrolment->failure, failure ? failure->detail : NULL, err))
        return err->code;
    return ha_enrol_save(dir, enrolment, err);
}

// --- Dogtag

static enum ha_code take_info(const struct ha_dogtag_info *info, struct ha_enrolment *enrolment, struct ha_err *err)
{
    if (ha_enrolment_set(&enrolment->request_id, info->request_id, err) ||
        (info->certificate_id[0] && ha_enrolment_set(&enrolment->certificate_id, info->certificate_id, err)))
        return err->code;
    if (info->status != HA_DOGTAG_REJECTED) {
        enrolment->state = HA_ENROL_SUBMITTED;
        return HA_OK;
    }
    enrolment->state = HA_ENROL_REJECTED;
    char words[256];
    snprintf(words, sizeof words, "the CA rejected the request%s%s", info->words[0] ? ": " : "", info->words);
    return ha_enrolment_set(&enrolment->failure, words, err);
}

// The request of an earlier try, if the server has it. Whoever isn't an agent of the CA can't look.
static bool find_again(const struct ha_dogtag *dogtag, struct ha_enrolment *enrolment, struct ha_dogtag_info *ret_info)
{
    struct ha_err cause = {0};
    char id[HA_DOGTAG_ID_SIZE] = "";
    return ha_dogtag_find(dogtag, enrolment->csr, id, &cause) == HA_OK && id[0] &&
           ha_dogtag_status(dogtag, id, ret_info, &cause) == HA_OK;
}

static enum ha_code submit_dogtag(const struct ha_enrol_run *run, struct ha_enrolment *enrolment, bool again,
                                  struct ha_err *err)
{
    struct ha_dogtag dogtag = {0};
    struct ha_dogtag_info info = {0};
    bool sent = false;
    enum ha_code code = ha_dogtag_open(run->http, enrolment->url, &dogtag, err);
    if (code == HA_OK && again && find_again(&dogtag, enrolment, &info))
        return take_info(&info, enrolment, err);
    if (code == HA_OK)
        code = ha_dogtag_submit(&dogtag, enrolment, &info, &sent, err);
    if (code == HA_OK)
        return take_info(&info, enrolment, err);
    if (!sent && !again)
        enrolment->state = HA_ENROL_PREPARED;
    return code;
}

static enum ha_code fetch(const struct ha_dogtag *dogtag, struct ha_enrolment *enrolment, struct ha_err *err)
{
    ha_auto(ha_buf_clear) struct ha_buf pem = {0}, sorted = {0};
    if (ha_dogtag_certificate(dogtag, enrolment->certificate_id, &pem, err) ||
        ha_answer_sort(enrolment->csr, ha_buf_text(&pem), &sorted, err) ||
        ha_enrolment_set(&enrolment->certificates, ha_buf_text(&sorted), err))
        return err->code;
    enrolment->state = HA_ENROL_ISSUED;
    return HA_OK;
}

static enum ha_code follow_dogtag(const struct ha_enrol_run *run, struct ha_enrolment *enrolment, struct ha_err *err)
{
    struct ha_dogtag dogtag = {0};
    struct ha_dogtag_info info = {0};
    if (!enrolment->request_id)
        return ha_fail(err, HA_E_CONFIG, "the enrolment's file has no id of the request");
    if (ha_dogtag_open(run->http, enrolment->url, &dogtag, err) ||
        ha_dogtag_status(&dogtag, enrolment->request_id, &info, err))
        return err->code;
    if (info.status == HA_DOGTAG_PENDING && enrolment->approve) {
        if (ha_dogtag_approve(&dogtag, enrolment->request_id, enrolment->csr, err) ||
            ha_dogtag_status(&dogtag, enrolment->request_id, &info, err))
            return err->code;
    }
    if (take_info(&info, enrolment, err) || info.status != HA_DOGTAG_COMPLETE)
        return err->code;
    return fetch(&dogtag, enrolment, err);
}

// --- Either

static enum ha_code submit(const struct ha_enrol_run *run, struct ha_enrolment *enrolment, struct ha_err *err)
{
    bool again = enrolment->state == HA_ENROL_SUBMITTING;
    // It is said before it is done: whatever happens now, the next try knows that the CA may have the request.
    enrolment->state = HA_ENROL_SUBMITTING;
    if (ha_enrol_save(run->dir, enrolment, err))
        return err->code;
    if (enrolment->protocol == HA_ENROL_DOGTAG)
        return submit_dogtag(run, enrolment, again, err);
    return ha_est_submit(run->http, enrolment, again, err);
}

static enum ha_code follow(const struct ha_enrol_run *run, struct ha_enrolment *enrolment, struct ha_err *err)
{
    if (enrolment->protocol == HA_ENROL_DOGTAG)
        return follow_dogtag(run, enrolment, err);
    // EST has no other way of asking than the same request again.
    return ha_est_submit(run->http, enrolment, true, err);
}

static enum ha_code step(const struct ha_enrol_run *run, struct ha_enrolment *enrolment, struct ha_err *err)
{
    switch (enrolment->state) {
    case HA_ENROL_PREPARED:
    case HA_ENROL_SUBMITTING:
        return submit(run, enrolment, err);
    case HA_ENROL_SUBMITTED:
        return follow(run, enrolment, err);
    case HA_ENROL_ISSUED:
    case HA_ENROL_INSTALLED:
    case HA_ENROL_REJECTED:
    case HA_ENROL_STATE_COUNT:
        break;
    }
    return HA_OK;
}

enum ha_code ha_enrol_advance(const struct ha_enrol_run *run, struct ha_enrolment *enrolment, struct ha_err *err)
{
    struct ha_err cause = {0}, trouble = {0};
    enum ha_enrol_state before = HA_ENROL_STATE_COUNT;
    // The CA said when to come back.
    if (enrolment->state == HA_ENROL_SUBMITTED && enrolment->retry_at > (uint64_t)time(NULL))
        return HA_OK;
    while (enrolment->state != before && enrolment->state != HA_ENROL_ISSUED && !ha_enrol_is_over(enrolment->state)) {
        before = enrolment->state;
        bool waits = before == HA_ENROL_SUBMITTED;
        enum ha_code code = step(run, enrolment, &cause);
        bool rejected = code == HA_OK && enrolment->state == HA_ENROL_REJECTED;
        if (rejected ? ha_enrol_save(run->dir, enrolment, &trouble)
                     : ha_enrol_note(run->dir, enrolment, code ? &cause : NULL, &trouble)) {
            *err = trouble;
            return err->code;
        }
        if (code) {
            *err = cause;
            return code;
        }
        // EST has said everything with its answer to the request.
        if (waits || (enrolment->protocol == HA_ENROL_EST && enrolment->state == HA_ENROL_SUBMITTED))
            break;
    }
    return HA_OK;
}
