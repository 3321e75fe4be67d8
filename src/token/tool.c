// SPDX-License-Identifier: Apache-2.0
#include "token/tool.h"

#include "base/json.h"
#include "base/text.h"
#include "token/init.h"
#include "token/inspect.h"
#include "token/library.h"
#include "token/pin.h"
#include "token/pins.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

// The PINs that one act takes; those that it doesn't are NULL.
struct pins {
    struct ha_secret *so, *user, *new;
};

static void pins_free(struct pins *pins)
{
    ha_secret_free(pins->so);
    ha_secret_free(pins->user);
    ha_secret_free(pins->new);
}
HA_AUTO_DEFINE_CLEAR(struct pins, pins_free)

// A person may take a while; a module may not.
static void watch_module(const struct ha_token_options *options, bool on)
{
    alarm(on ? options->timeout_s : 0);
}

static enum ha_code ask(const char *question, struct ha_secret **ret_pin, struct ha_err *err)
{
    enum ha_code code = ha_pin_ask(question, STDIN_FILENO, ret_pin, err);
    if (code != HA_E_TOKEN_DOWN)
        return code;
    ha_fail(err, HA_E_STOPPING, "ended while a PIN was asked for; nothing was done");
    return ha_hint(err, "Start it again when you have the PIN.");
}

static enum ha_code ask_twice(const char *question, struct ha_secret **ret_pin, struct ha_err *err)
{
    ha_auto(ha_secret_free) struct ha_secret *pin = NULL;
    ha_auto(ha_secret_free) struct ha_secret *again = NULL;
    if (ask(question, &pin, err) || ask("The same again", &again, err))
        return err->code;
    if (ha_secret_len(pin) != ha_secret_len(again) ||
        !ha_equal_ct(ha_secret_data(pin), ha_secret_data(again), ha_secret_len(pin))) {
        ha_fail(err, HA_E_CONFIG, "the two entries differ; nothing was done");
        return ha_hint(err, "Enter the new PIN twice, the same both times.");
    }
    *ret_pin = ha_take(&pin);
    return HA_OK;
}

// whose is what the prompt calls it; is_new: it is asked for twice.
static enum ha_code get_pin(const char *source, const char *whose, const char *token, bool is_new,
                            struct ha_secret **ret_pin, struct ha_err *err)
{
    ha_auto(ha_secret_free) struct ha_secret *pin = NULL;
    char question[128];
    if (strcmp(source, "prompt") != 0)
        return ha_init_read_pin(source, ret_pin, err);
    snprintf(question, sizeof(question), "%s of token %s", whose, token);
    if (is_new ? ask_twice(question, &pin, err) : ask(question, &pin, err))
        return err->code;
    if (memchr(ha_secret_data(pin), 0, ha_secret_len(pin)))
        return ha_fail(err, HA_E_CONFIG, "the PIN holds a zero byte");
    *ret_pin = ha_take(&pin);
    return HA_OK;
}

static enum ha_code put_result(const CK_TOKEN_INFO *info, struct ha_buf *out, struct ha_err *err)
{
    ha_jw_object(out, NULL);
    if (ha_inspect_put_token(out, "token", info, err))
        return err->code;
    ha_jw_object_end(out);
    return HA_OK;
}

static enum ha_code init(const struct ha_token_options *options, struct ha_buf *out, struct ha_err *err)
{
    ha_auto(pins_free) struct pins pins = {0};
    ha_auto(ha_library_close) struct ha_library library = {0};
    PKCS11_SLOT *slot = NULL;
    CK_TOKEN_INFO info;
    if (ha_library_open(options, &library, err) || ha_init_choose(&library, options, &slot, err) ||
        (options->erase && ha_pins_may_try(slot->token, HA_PIN_SO, options->final_try, err)))
        return err->code;
    watch_module(options, false);
    const char *whose = options->erase ? "Present PIN of the security officer" : "New PIN of the security officer";
    const char *token = options->erase ? slot->token->label : options->label;
    if (get_pin(options->so_pin, whose, token, !options->erase, &pins.so, err) ||
        get_pin(options->pin, "New PIN of the user", options->label, true, &pins.user, err))
        return err->code;
    watch_module(options, true);
    if (ha_init_slot(&library, slot, options->label, pins.so, pins.user, &info, err))
        return err->code;
    return put_result(&info, out, err);
}

static enum ha_code get_pins(const struct ha_token_options *options, const char *label, struct pins *pins,
                             struct ha_err *err)
{
    bool of_user = options->tool == HA_TOOL_PIN_CHANGE;
    if (of_user && get_pin(options->pin, "Present PIN of the user", label, false, &pins->user, err))
        return err->code;
    if (!of_user && get_pin(options->so_pin, "PIN of the security officer", label, false, &pins->so, err))
        return err->code;
    const char *whose = options->tool == HA_TOOL_SO_CHANGE ? "New PIN of the security officer" : "New PIN of the user";
    return get_pin(options->new_pin, whose, label, true, &pins->new, err);
}

static enum ha_code change(const struct ha_token_options *options, struct ha_buf *out, struct ha_err *err)
{
    ha_auto(pins_free) struct pins pins = {0};
    ha_auto(ha_library_close) struct ha_library library = {0};
    PKCS11_SLOT *slot = NULL;
    CK_TOKEN_INFO info;
    enum ha_pin_owner tried = options->tool == HA_TOOL_PIN_CHANGE ? HA_PIN_USER : HA_PIN_SO;
    if (ha_library_open(options, &library, err) || ha_library_find(&library, options->token, &slot, err) ||
        ha_pins_may_try(slot->token, tried, options->final_try, err))
        return err->code;
    watch_module(options, false);
    if (get_pins(options, slot->token->label, &pins, err))
        return err->code;
    watch_module(options, true);
    if (options->tool == HA_TOOL_PIN_RESET)
        ha_pins_reset(&library, slot, pins.so, pins.new, &info, err);
    else
        ha_pins_change(&library, slot, tried, tried == HA_PIN_USER ? pins.user : pins.so, pins.new, &info, err);
    return err->code ? err->code : put_result(&info, out, err);
}

static enum ha_code list(const struct ha_token_options *options, struct ha_buf *out, struct ha_err *err)
{
    ha_auto(ha_library_close) struct ha_library library = {0};
    if (ha_library_open(options, &library, err))
        return err->code;
    return ha_inspect_put_slots(&library, out, err);
}

static enum ha_code run(const struct ha_token_options *options, const struct ha_log *log, struct ha_buf *out,
                        struct ha_err *err)
{
    switch (options->tool) {
    case HA_TOOL_LIST:
        return list(options, out, err);
    case HA_TOOL_INFO:
        return ha_inspect_token(options, log, out, err);
    case HA_TOOL_INIT:
        return init(options, out, err);
    case HA_TOOL_PIN_CHANGE:
    case HA_TOOL_SO_CHANGE:
    case HA_TOOL_PIN_RESET:
        return change(options, out, err);
    case HA_TOOL_NONE:
        break;
    }
    return ha_fail(err, HA_E_INTERNAL, "no tool was chosen");
}

enum ha_code ha_tool_run(const struct ha_token_options *options, const struct ha_log *log, struct ha_buf *out,
                         struct ha_err *err)
{
    ha_auto(ha_buf_clear) struct ha_buf document = {0};
    watch_module(options, true);
    enum ha_code code = run(options, log, &document, err);
    watch_module(options, false);
    if (code)
        return code;
    ha_buf_append(out, document.data, document.len);
    return ha_buf_ok(&document) && ha_buf_ok(out) ? HA_OK : ha_fail(err, HA_E_MEMORY, "out of memory for the answer");
}

void ha_tool_put_error(struct ha_buf *out, const struct ha_err *err)
{
    ha_jw_object(out, NULL);
    ha_jw_object(out, "error");
    ha_jw_string(out, "code", ha_code_info(err->code)->name);
    ha_jw_string(out, "detail", err->detail);
    ha_jw_string(out, "hint", err->hint);
    ha_jw_object_end(out);
    ha_jw_object_end(out);
}
