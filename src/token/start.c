// SPDX-License-Identifier: Apache-2.0
#include "token/start.h"

#include "token/ckr.h"
#include "token/harden.h"
#include "token/mechanism.h"
#include "token/module.h"
#include "token/pin.h"
#include "token/slot.h"
#include "token/p11.h"

#include <string.h>
#include <time.h>

#define START_TRIES    5
#define FIRST_PAUSE_MS 50  // doubled each time

static enum ha_code bring_up(struct ha_p11 *token, size_t n_workers, size_t *ret_opened, struct ha_err *err)
{
    ha_auto(ha_mechanisms_clear) struct ha_mechanisms mechanisms = {0};
    if (ha_module_initialize(token, err) || ha_slot_find(token, err) || ha_mechanisms_probe(token, &mechanisms, err) ||
        ha_session_open_all(token, n_workers, ret_opened, err))
        return err->code;
    ha_sign_choose(&mechanisms, &token->sign);
    ha_decrypt_choose(&mechanisms, token->options->software_oaep, &token->decrypt);
    token->can_derive = ha_derive_way(&mechanisms);
    return HA_OK;
}

// SoftHSM answers like that while another process initialises a token beside ours.
static bool may_pass(const struct ha_err *err)
{
    return err->rv == CKR_GENERAL_ERROR || err->rv == CKR_TOKEN_NOT_RECOGNIZED ||
           err->rv == CKR_USER_PIN_NOT_INITIALIZED;
}

static void pause_ms(long ms)
{
    struct timespec left = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    while (thrd_sleep(&left, &left) == -1)
        continue;
}

enum ha_code ha_start(struct ha_p11 *token, int control, size_t n_workers, size_t *ret_opened, struct ha_err *err)
{
    const struct ha_token_options *options = token->options;
    bool prompt = options->pin && strcmp(options->pin, "prompt") == 0;
    if ((prompt && ha_pin_prompt(options->name, control, &token->prompted, err)) ||
        ha_harden_follow_parent(control, err) || ha_module_load(token, err))
        return err->code;
    for (unsigned try = 1;; try++) {
        struct ha_err failure = {0};
        if (bring_up(token, n_workers, ret_opened, &failure) == HA_OK)
            return HA_OK;
        if (try == START_TRIES || !may_pass(&failure)) {
            *err = failure;
            return err->code;
        }
        ha_session_forget_all(token);
        ha_module_finalize(token);
        pause_ms(FIRST_PAUSE_MS << (try - 1));
    }
}
