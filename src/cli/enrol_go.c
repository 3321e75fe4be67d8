// SPDX-License-Identifier: Apache-2.0
#include "cli/enrol_go.h"

#include "base/clock.h"
#include "cli/enrol_session.h"
#include "enrol/enrol.h"

#include <time.h>

static enum ha_code install(struct ha_cli *cli, const char *dir, struct ha_enrolment *enrolment, struct ha_err *err)
{
    ha_auto(ha_buf_clear) struct ha_buf path = {0}, body = {0}, answer = {0};
    struct ha_err cause = {0};
    unsigned status = 0;
    ha_jw_object(&body, NULL);
    ha_jw_string(&body, "certificates", enrolment->certificates);
    if (enrolment->store_in_token)
        ha_jw_bool(&body, "store_in_token", true);
    ha_jw_object_end(&body);
    if (ha_enrol_path(enrolment->key, "/certificate", enrolment->version, &path, err))
        return err->code;
    if (!ha_buf_ok(&body))
        return ha_fail(err, HA_E_MEMORY, "out of memory for a request");
    const struct ha_call call = {
        .method = "PUT", .path = ha_buf_text(&path), .body = ha_buf_text(&body), .body_len = body.len};
    if (ha_client_call(cli->client, &call, &status, &answer, &cause)) {
        ha_buf_reset(&cli->problem);
        ha_buf_append(&cli->problem, answer.data, answer.len);
        ha_wrap(&cause, "the certificate is here and can't be installed");
        if (ha_enrol_note(dir, enrolment, &cause, err))
            return err->code;
        *err = cause;
        return err->code;
    }
    enrolment->state = HA_ENROL_INSTALLED;
    return ha_enrol_note(dir, enrolment, NULL, err);
}

static enum ha_code go_once(struct ha_cli *cli, const char *dir, struct ha_enrolment *enrolment, struct ha_err *err)
{
    ha_auto(ha_enrol_session_clear) struct ha_enrol_session session = {0};
    struct ha_err cause = {0};
    if (enrolment->state != HA_ENROL_ISSUED) {
        if (ha_enrol_session_open(cli, enrolment, &session, &cause)) {
            if (ha_enrol_note(dir, enrolment, &cause, err))
                return err->code;
            *err = cause;
            return err->code;
        }
        const struct ha_enrol_run run = {.dir = dir, .http = session.http};
        if (ha_enrol_advance(&run, enrolment, err))
            return err->code;
    }
    return enrolment->state == HA_ENROL_ISSUED ? install(cli, dir, enrolment, err) : HA_OK;
}

// Until the CA wants to be asked again, or a while. False: that is beyond the deadline.
static bool pause_before(const struct ha_enrolment *enrolment, int64_t deadline_ms)
{
    enum { PAUSE_MS = 2000 };
    int64_t now_s = time(NULL);
    int64_t wait_ms = enrolment->retry_at > (uint64_t)now_s ? ((int64_t)enrolment->retry_at - now_s) * 1000 : PAUSE_MS;
    if (ha_now_ms() + wait_ms > deadline_ms)
        return false;
    const struct timespec pause = {wait_ms / 1000, wait_ms % 1000 * 1000000};
    nanosleep(&pause, NULL);
    return true;
}

enum ha_code ha_enrol_go(struct ha_cli *cli, const char *dir, struct ha_enrolment *enrolment, uint64_t wait_s,
                         int *ret_exit, struct ha_err *err)
{
    int64_t deadline_ms = ha_now_ms() + (int64_t)wait_s * 1000;
    do {
        if (go_once(cli, dir, enrolment, err))
            return err->code;
    } while (!ha_enrol_is_over(enrolment->state) && pause_before(enrolment, deadline_ms));
    *ret_exit = enrolment->state == HA_ENROL_INSTALLED  ? 0
                : enrolment->state == HA_ENROL_REJECTED ? 1
                                                        : HA_ENROL_EXIT_WAITING;
    return HA_OK;
}

static const char *state_words(enum ha_enrol_state state)
{
    switch (state) {
    case HA_ENROL_PREPARED:
        return "the request is made, and the CA hasn't got it";
    case HA_ENROL_SUBMITTING:
        return "the CA may have the request: its answer is missing";
    case HA_ENROL_SUBMITTED:
        return "the CA has the request";
    case HA_ENROL_ISSUED:
        return "the certificate is here, and not installed";
    case HA_ENROL_INSTALLED:
        return "the certificate is installed";
    case HA_ENROL_REJECTED:
        return "the CA doesn't issue a certificate";
    case HA_ENROL_STATE_COUNT:
        break;
    }
    return "";
}

void ha_enrol_put(const struct ha_enrolment *enrolment, struct ha_buf *out)
{
    ha_buf_printf(out, "%s@%llu %s: %s", enrolment->key, (unsigned long long)enrolment->version,
                  ha_enrol_state_name(enrolment->state), state_words(enrolment->state));
    if (enrolment->certificate_id)
        ha_buf_printf(out, ", certificate %s", enrolment->certificate_id);
    else if (enrolment->request_id)
        ha_buf_printf(out, ", request %s", enrolment->request_id);
    ha_buf_printf(out, " (%s, %s)\n", enrolment->url, enrolment->changed ? enrolment->changed : "never");
    if (enrolment->failure)
        ha_buf_printf(out, "  because %s\n", enrolment->failure);
}

void ha_enrol_put_json(const struct ha_enrolment *enrolment, struct ha_buf *out)
{
    const struct {
        const char *name, *value;
    } members[] = {
        {"protocol", ha_enrol_protocol_name(enrolment->protocol)},
        {"url", enrolment->url},
        {"label", enrolment->label},
        {"profile_id", enrolment->profile},
        {"request_id", enrolment->request_id},
        {"certificate_id", enrolment->certificate_id},
        {"failure", enrolment->failure},
        {"began", enrolment->began},
        {"changed", enrolment->changed},
        {"csr", enrolment->csr},
        {"certificates", enrolment->certificates},
    };
    ha_jw_object(out, NULL);
    ha_jw_string(out, "key", enrolment->key);
    ha_jw_number(out, "version", (int64_t)enrolment->version);
    ha_jw_string(out, "state", ha_enrol_state_name(enrolment->state));
    for (size_t i = 0; i < HA_ARRAY_SIZE(members); i++)
        if (members[i].value)
            ha_jw_string(out, members[i].name, members[i].value);
    if (enrolment->retry_at)
        ha_jw_number(out, "retry_at", (int64_t)enrolment->retry_at);
    ha_jw_object_end(out);
}
