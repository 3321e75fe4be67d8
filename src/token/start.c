// SPDX-License-Identifier: Apache-2.0
#include "token/start.h"

#include "token/ckr.h"
#include "token/confine.h"
#include "token/harden.h"
#include "token/mechanism.h"
#include "token/module.h"
#include "token/pin.h"
#include "token/slot.h"
#include "token/p11.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#define START_TRIES    5
#define SHORT_TRIES    3   // of a token that is away, which the daemon asks for again
#define FIRST_PAUSE_MS 50  // doubled each time; half of it is random, so that several processes don't go on colliding

static enum ha_code bring_up(struct ha_p11 *token, size_t n_workers, size_t *ret_opened, struct ha_err *err)
{
    ha_auto(ha_mechanisms_clear) struct ha_mechanisms mechanisms = {0};
    if (ha_module_initialize(token, err) || ha_slot_find(token, err) || ha_mechanisms_probe(token, &mechanisms, err) ||
        ha_session_open_all(token, n_workers, ret_opened, err))
        return err->code;
    ha_p11_choose(token, &mechanisms);
    return HA_OK;
}

// How often a start that fails like that is tried. SoftHSM answers with the first three, and sticks to it until
// C_Finalize, when another process writes to the token while ours reads it: each C_Login does.
static unsigned tries_for(const struct ha_err *err)
{
    if (err->rv == CKR_GENERAL_ERROR || err->rv == CKR_TOKEN_NOT_RECOGNIZED ||
        err->rv == CKR_USER_PIN_NOT_INITIALIZED || ha_ckr_class(err->rv) == HA_CKR_VAGUE)
        return START_TRIES;
    return ha_ckr_curable(err) ? SHORT_TRIES : 1;
}

static void pause_ms(long ms)
{
    struct timespec left = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    while (thrd_sleep(&left, &left) == -1)
        continue;
}

// After a prompt, which needs the terminal.
static enum ha_code confine(const struct ha_p11 *token, struct ha_err *err)
{
    struct ha_confined confined;
    if (ha_confine(token->options, &confined, err))
        return err->code;
    bool wanted = token->options->sandbox != HA_SANDBOX_OFF;
    ha_log(&token->log, wanted && !confined.filter ? HA_LOG_WARN : HA_LOG_DEBUG, "token-confined",
           HA_S("token", token->options->name), HA_S("system-calls", confined.filter ? "filtered" : "all"),
           HA_N("landlock", confined.landlock));
    return HA_OK;
}

enum ha_code ha_start(struct ha_p11 *token, int control, size_t n_workers, size_t *ret_opened, struct ha_err *err)
{
    const struct ha_token_options *options = token->options;
    bool prompt = options->pin && strcmp(options->pin, "prompt") == 0;
    if ((prompt && ha_pin_prompt(options->name, control, &token->prompted, err)) ||
        ha_harden_follow_parent(control, err) || confine(token, err) || ha_module_load(token, err))
        return err->code;
    for (unsigned try = 1;; try++) {
        struct ha_err failure = {0};
        if (bring_up(token, n_workers, ret_opened, &failure) == HA_OK)
            return HA_OK;
        if (try >= tries_for(&failure)) {
            *err = failure;
            return err->code;
        }
        ha_session_forget_all(token);
        ha_module_finalize(token);
        long pause = FIRST_PAUSE_MS << (try - 1);
        pause_ms(pause / 2 + arc4random_uniform((uint32_t)pause));
    }
}
