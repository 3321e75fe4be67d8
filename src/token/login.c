// SPDX-License-Identifier: Apache-2.0
#include "token/login.h"

#include "base/text.h"
#include "token/ckr.h"
#include "token/guard.h"
#include "token/pin.h"
#include "token/slot.h"
#include "token/p11.h"

#include <string.h>

static enum ha_code refuse_last_try(struct ha_p11 *token, bool *ret_count_low, struct ha_err *err)
{
    CK_TOKEN_INFO info;
    CK_RV rv = token->p11->C_GetTokenInfo(token->slot, &info);
    if (rv != CKR_OK)
        return ha_ckr_fail(err, "C_GetTokenInfo", rv);
    if (info.flags & CKF_USER_PIN_LOCKED) {
        ha_fail(err, HA_E_PIN, "the token says that its PIN is locked; the PIN wasn't tried");
        return ha_hint(err,
                       "Have the security officer set a new one, with `hsm-agent token pin reset` or the token's own "
                       "tool; then `hsm-agent token unlock NAME`.");
    }
    if (info.flags & CKF_USER_PIN_FINAL_TRY) {
        ha_fail(err, HA_E_PIN, "the token says that one more wrong PIN would lock it; the PIN wasn't tried");
        return ha_hint(err, "Log in once with the token's own tool and the right PIN, which clears the state, then "
                            "`hsm-agent token unlock NAME`.");
    }
    *ret_count_low = info.flags & CKF_USER_PIN_COUNT_LOW;
    return HA_OK;
}

// The PIN's owner is *ret_owned, when it was read for this login only.
static enum ha_code get_pin(struct ha_p11 *token, struct ha_secret **ret_owned, struct ha_secret **ret_pin,
                            struct ha_err *err)
{
    if (!token->options->pin) {
        ha_fail(err, HA_E_CONFIG, "the token needs a login, but its section has no PIN");
        return ha_hint(err, "Add 'pin = file:PATH' or 'pin = credential:NAME' to the token's section.");
    }
    if (!token->prompted && ha_pin_read(token->options->pin, ret_owned, err))
        return err->code;
    *ret_pin = token->prompted ? token->prompted : *ret_owned;
    return HA_OK;
}

// Codes by which the token says that it didn't look at the PIN. CKR_OPERATION_NOT_INITIALIZED: there is no operation
// that waits for one.
static bool is_unjudged(CK_RV rv)
{
    return rv == CKR_USER_ALREADY_LOGGED_IN || rv == CKR_USER_ANOTHER_ALREADY_LOGGED_IN ||
           rv == CKR_OPERATION_NOT_INITIALIZED || rv == CKR_USER_TYPE_INVALID;
}

static enum ha_guard_outcome outcome_of(CK_RV rv)
{
    if (rv == CKR_OK)
        return HA_GUARD_ACCEPTED;
    if (is_unjudged(rv))
        return HA_GUARD_UNJUDGED;
    return ha_ckr_class(rv) == HA_CKR_PIN ? HA_GUARD_REFUSED : HA_GUARD_UNKNOWN;
}

// C_Login, between the two entries in the record of refused PINs.
static enum ha_code call_login(struct ha_p11 *token, CK_SESSION_HANDLE session, CK_USER_TYPE user,
                               struct ha_secret *pin, bool count_low, CK_RV *ret_rv, struct ha_err *err)
{
    const char *path = token->options->pin_guard;
    char serial[sizeof(token->info.serialNumber) + 1];
    struct ha_guard_try try;
    struct ha_err failure = {0};
    ha_slot_text(token->info.serialNumber, sizeof(token->info.serialNumber), serial);
    if (path && ha_guard_begin(path, serial, pin, count_low, &try, err))
        return err->code;
    CK_RV rv = token->p11->C_Login(session, user, ha_secret_data(pin), ha_secret_len(pin));
    // What can't be written now stays as a try of unknown end, which is on the safe side.
    if (path && ha_guard_end(path, &try, outcome_of(rv), &failure))
        ha_log_err(&token->log, HA_LOG_WARN, "pin-guard-not-written", &failure, HA_S("token", token->options->name));
    *ret_rv = rv;
    return HA_OK;
}

static enum ha_code log_in(struct ha_p11 *token, CK_SESSION_HANDLE session, struct ha_err *err)
{
    ha_auto(ha_secret_free) struct ha_secret *owned = NULL;
    struct ha_secret *pin = NULL;
    bool count_low = false;
    CK_RV rv = CKR_OK;
    if (refuse_last_try(token, &count_low, err) || get_pin(token, &owned, &pin, err) ||
        call_login(token, session, CKU_USER, pin, count_low, &rv, err)) {
        token->pin_refused = err->code == HA_E_PIN;
        return err->code;
    }
    // "Already logged in" proves nothing about our PIN, unless it was us who logged in before.
    if (rv == CKR_OK || (rv == CKR_USER_ALREADY_LOGGED_IN && token->logged_in_once)) {
        token->logged_in_once = true;
        atomic_fetch_add(&token->generation, 1);  // a login renumbers the objects of some modules
        return HA_OK;
    }
    enum ha_code code = ha_ckr_fail(err, "C_Login", rv);
    token->pin_refused = code == HA_E_PIN;
    return code;
}

static enum ha_code refused_before(struct ha_err *err)
{
    return ha_fail(err, HA_E_PIN, "the token refused the PIN; it isn't tried again");
}

static enum ha_code ensure_locked(struct ha_p11 *token, CK_SESSION_HANDLE session, struct ha_err *err)
{
    CK_SESSION_INFO info;
    CK_RV rv = token->p11->C_GetSessionInfo(session, &info);
    if (rv != CKR_OK)
        return ha_ckr_fail(err, "C_GetSessionInfo", rv);
    if (info.state == CKS_RO_USER_FUNCTIONS || info.state == CKS_RW_USER_FUNCTIONS)
        return HA_OK;
    if (token->pin_refused)
        return refused_before(err);
    return log_in(token, session, err);
}

enum ha_code ha_login_ensure(struct ha_p11 *token, CK_SESSION_HANDLE session, struct ha_err *err)
{
    if (!(token->info.flags & CKF_LOGIN_REQUIRED))
        return HA_OK;
    mtx_lock(&token->login_lock);
    enum ha_code code = ensure_locked(token, session, err);
    mtx_unlock(&token->login_lock);
    return code;
}

// --- For one operation

static bool is_proven(const struct ha_p11 *token, struct ha_secret *pin)
{
    return token->proven && ha_secret_len(token->proven) == ha_secret_len(pin) &&
           ha_equal_ct(ha_secret_data(token->proven), ha_secret_data(pin), ha_secret_len(pin));
}

// Where memory for it can't be had, each operation takes the time that the record of refused PINs does.
static void prove(struct ha_p11 *token, struct ha_secret *pin)
{
    struct ha_secret *copy = NULL;
    struct ha_err ignored = {0};
    if (ha_secret_new(ha_secret_len(pin), &copy, &ignored))
        return;
    memcpy(ha_secret_data(copy), ha_secret_data(pin), ha_secret_len(pin));
    ha_secret_set_len(copy, ha_secret_len(pin));
    ha_secret_free(token->proven);
    token->proven = copy;
}

// A PIN that was right a moment ago, so that no try was recorded.
static void record_refusal(struct ha_p11 *token, struct ha_secret *pin)
{
    const char *path = token->options->pin_guard;
    char serial[sizeof(token->info.serialNumber) + 1];
    struct ha_guard_try try;
    struct ha_err err = {0};
    ha_slot_text(token->info.serialNumber, sizeof(token->info.serialNumber), serial);
    if (path &&
        (ha_guard_begin(path, serial, pin, false, &try, &err) || ha_guard_end(path, &try, HA_GUARD_REFUSED, &err)))
        ha_log_err(&token->log, HA_LOG_WARN, "pin-guard-not-written", &err, HA_S("token", token->options->name));
}

static enum ha_code log_in_context(struct ha_p11 *token, CK_SESSION_HANDLE session, struct ha_err *err)
{
    ha_auto(ha_secret_free) struct ha_secret *owned = NULL;
    struct ha_secret *pin = NULL;
    bool count_low = false, proven = false;
    CK_RV rv = CKR_OK;
    enum ha_code code = HA_OK;
    if (refuse_last_try(token, &count_low, err) || get_pin(token, &owned, &pin, err))
        return err->code;
    proven = is_proven(token, pin);
    if (proven)
        rv = token->p11->C_Login(session, CKU_CONTEXT_SPECIFIC, ha_secret_data(pin), ha_secret_len(pin));
    else
        code = call_login(token, session, CKU_CONTEXT_SPECIFIC, pin, count_low, &rv, err);
    if (code == HA_OK && rv != CKR_OK && !is_unjudged(rv))
        code = ha_ckr_fail(err, "C_Login", rv);
    if (code == HA_OK && rv == CKR_OK && !proven)
        prove(token, pin);
    if (code == HA_E_PIN && proven)
        record_refusal(token, pin);
    return code;
}

enum ha_code ha_login_context(struct ha_p11 *token, CK_SESSION_HANDLE session, struct ha_err *err)
{
    mtx_lock(&token->login_lock);
    enum ha_code code = token->pin_refused ? refused_before(err) : log_in_context(token, session, err);
    token->pin_refused = code == HA_E_PIN;
    mtx_unlock(&token->login_lock);
    return code;
}
