// SPDX-License-Identifier: Apache-2.0
// Reading the child's command line.
#include "token/options.h"

#include "base/text.h"
#include "channel/packet.h"

#include <getopt.h>
#include <stddef.h>
#include <string.h>

enum value_kind {
    VALUE_TEXT,
    VALUE_COUNT,
    VALUE_FLAG,
    VALUE_VERIFY,
    VALUE_SANDBOX,
    VALUE_PATHS,
    VALUE_TOOL,
    VALUE_SECONDS
};

// `where` is the member's place in struct ha_token_options.
static const struct option_row {
    const char *name;
    enum value_kind kind;
    size_t where;
} rows[] = {
    {HA_TOKEN_OPT_NAME, VALUE_TEXT, offsetof(struct ha_token_options, name)},
    {HA_TOKEN_OPT_URI, VALUE_TEXT, offsetof(struct ha_token_options, uri)},
    {HA_TOKEN_OPT_MODULE, VALUE_TEXT, offsetof(struct ha_token_options, module)},
    {HA_TOKEN_OPT_MODULE_ARGS, VALUE_TEXT, offsetof(struct ha_token_options, module_args)},
    {HA_TOKEN_OPT_PIN, VALUE_TEXT, offsetof(struct ha_token_options, pin)},
    {HA_TOKEN_OPT_PIN_GUARD, VALUE_TEXT, offsetof(struct ha_token_options, pin_guard)},
    {HA_TOKEN_OPT_SESSIONS, VALUE_COUNT, offsetof(struct ha_token_options, sessions)},
    {HA_TOKEN_OPT_SOFTWARE_OAEP, VALUE_FLAG, offsetof(struct ha_token_options, software_oaep)},
    {HA_TOKEN_OPT_VERIFY, VALUE_VERIFY, offsetof(struct ha_token_options, verify)},
    {HA_TOKEN_OPT_SANDBOX, VALUE_SANDBOX, offsetof(struct ha_token_options, sandbox)},
    {HA_TOKEN_OPT_WRITE, VALUE_PATHS, 0},
    {HA_TOKEN_OPT_LOG_JSON, VALUE_FLAG, offsetof(struct ha_token_options, log_json)},
    {HA_TOKEN_OPT_INIT, VALUE_FLAG, offsetof(struct ha_token_options, init)},
    {HA_TOKEN_OPT_LABEL, VALUE_TEXT, offsetof(struct ha_token_options, label)},
    {HA_TOKEN_OPT_SO_PIN, VALUE_TEXT, offsetof(struct ha_token_options, so_pin)},
    {HA_TOKEN_OPT_TOOL, VALUE_TOOL, offsetof(struct ha_token_options, tool)},
    {HA_TOKEN_OPT_TOKEN, VALUE_TEXT, offsetof(struct ha_token_options, token)},
    {HA_TOKEN_OPT_NEW_PIN, VALUE_TEXT, offsetof(struct ha_token_options, new_pin)},
    {HA_TOKEN_OPT_SLOT, VALUE_TEXT, offsetof(struct ha_token_options, slot)},
    {HA_TOKEN_OPT_ERASE, VALUE_TEXT, offsetof(struct ha_token_options, erase)},
    {HA_TOKEN_OPT_FINAL_TRY, VALUE_FLAG, offsetof(struct ha_token_options, final_try)},
    {HA_TOKEN_OPT_TIMEOUT, VALUE_SECONDS, offsetof(struct ha_token_options, timeout_s)},
};

// What each tool can't do without.
static const struct tool_row {
    const char *word;
    bool label, token, so_pin, pin, new_pin;
} tools[] = {
    [HA_TOOL_NONE] = {.word = ""},
    [HA_TOOL_LIST] = {.word = HA_TOKEN_TOOL_LIST},
    [HA_TOOL_INFO] = {.word = HA_TOKEN_TOOL_INFO, .token = true},
    [HA_TOOL_INIT] = {.word = HA_TOKEN_TOOL_INIT, .label = true, .so_pin = true, .pin = true},
    [HA_TOOL_PIN_CHANGE] = {.word = HA_TOKEN_TOOL_PIN_CHANGE, .token = true, .pin = true, .new_pin = true},
    [HA_TOOL_SO_CHANGE] = {.word = HA_TOKEN_TOOL_SO_CHANGE, .token = true, .so_pin = true, .new_pin = true},
    [HA_TOOL_PIN_RESET] = {.word = HA_TOKEN_TOOL_PIN_RESET, .token = true, .so_pin = true, .new_pin = true},
};

static enum ha_code store_verify(const char *value, enum ha_verify_what *ret_what, struct ha_err *err)
{
    static const char *const words[] = {
        [HA_VERIFY_RSA] = "rsa", [HA_VERIFY_ALWAYS] = "always", [HA_VERIFY_OFF] = "off"};
    for (unsigned i = 0; i < HA_ARRAY_SIZE(words); i++) {
        if (strcmp(words[i], value) == 0) {
            *ret_what = (enum ha_verify_what)i;
            return HA_OK;
        }
    }
    return ha_fail(err, HA_E_USAGE, "--%s takes rsa, always or off", HA_TOKEN_OPT_VERIFY);
}

static enum ha_code store_sandbox(const char *value, enum ha_sandbox *ret_sandbox, struct ha_err *err)
{
    static const char *const words[] = {
        [HA_SANDBOX_MODULE] = "module", [HA_SANDBOX_STRICT] = "strict", [HA_SANDBOX_OFF] = "off"};
    for (unsigned i = 0; i < HA_ARRAY_SIZE(words); i++) {
        if (strcmp(words[i], value) == 0) {
            *ret_sandbox = (enum ha_sandbox)i;
            return HA_OK;
        }
    }
    return ha_fail(err, HA_E_USAGE, "--%s takes strict, module or off", HA_TOKEN_OPT_SANDBOX);
}

static enum ha_code store_write(const char *value, struct ha_token_options *options, struct ha_err *err)
{
    if (value[0] != '/' || options->n_writes == HA_TOKEN_WRITES_MAX)
        return ha_fail(err, HA_E_USAGE, "--%s takes an absolute path, %d times at most", HA_TOKEN_OPT_WRITE,
                       HA_TOKEN_WRITES_MAX);
    options->writes[options->n_writes++] = value;
    return HA_OK;
}

static enum ha_code store_tool(const char *value, enum ha_token_tool *ret_tool, struct ha_err *err)
{
    for (unsigned i = HA_TOOL_NONE + 1; i < HA_ARRAY_SIZE(tools); i++) {
        if (strcmp(tools[i].word, value) == 0) {
            *ret_tool = (enum ha_token_tool)i;
            return HA_OK;
        }
    }
    return ha_fail(err, HA_E_USAGE, "--%s doesn't know that word", HA_TOKEN_OPT_TOOL);
}

static enum ha_code store(const struct option_row *row, const char *value, struct ha_token_options *options,
                          struct ha_err *err)
{
    void *member = (char *)options + row->where;
    uint64_t count = 0;
    switch (row->kind) {
    case VALUE_TEXT:
        *(const char **)member = value;
        break;
    case VALUE_COUNT:
        if (!ha_parse_uint(value, 1, HA_PACKET_FDS_MAX, &count))
            return ha_fail(err, HA_E_USAGE, "--%s takes a number from 1 to %d", row->name, HA_PACKET_FDS_MAX);
        *(unsigned *)member = (unsigned)count;
        break;
    case VALUE_FLAG:
        *(bool *)member = true;
        break;
    case VALUE_VERIFY:
        return store_verify(value, member, err);
    case VALUE_SANDBOX:
        return store_sandbox(value, member, err);
    case VALUE_PATHS:
        return store_write(value, options, err);
    case VALUE_TOOL:
        return store_tool(value, member, err);
    case VALUE_SECONDS:
        if (!ha_parse_uint(value, 1, HA_TOKEN_TIMEOUT_MAX_S, &count))
            return ha_fail(err, HA_E_USAGE, "--%s takes a number from 1 to %d", row->name, HA_TOKEN_TIMEOUT_MAX_S);
        *(unsigned *)member = (unsigned)count;
        break;
    }
    return HA_OK;
}

static enum ha_code need(const char *value, const char *name, struct ha_err *err)
{
    return value ? HA_OK : ha_fail(err, HA_E_USAGE, "--%s is missing", name);
}

static enum ha_code check_pin_source(const char *value, const char *name, bool may_prompt, struct ha_err *err)
{
    if (!value || (strncmp(value, "file:/", 6) == 0) || (may_prompt && strcmp(value, "prompt") == 0))
        return HA_OK;
    // The value isn't repeated: it may be a PIN that someone put here by mistake.
    return ha_fail(err, HA_E_USAGE, "--%s names a source: file: and an absolute path%s", name,
                   may_prompt ? ", or prompt" : "");
}

static enum ha_code check_init(const struct ha_token_options *o, struct ha_err *err)
{
    if (need(o->label, HA_TOKEN_OPT_LABEL, err) || need(o->so_pin, HA_TOKEN_OPT_SO_PIN, err) ||
        need(o->pin, HA_TOKEN_OPT_PIN, err) || check_pin_source(o->pin, HA_TOKEN_OPT_PIN, false, err))
        return err->code;
    return check_pin_source(o->so_pin, HA_TOKEN_OPT_SO_PIN, false, err);
}

static enum ha_code check_tool(const struct ha_token_options *o, struct ha_err *err)
{
    const struct tool_row *row = &tools[o->tool];
    if ((row->label && need(o->label, HA_TOKEN_OPT_LABEL, err)) ||
        (row->token && need(o->token, HA_TOKEN_OPT_TOKEN, err)) ||
        (row->so_pin && need(o->so_pin, HA_TOKEN_OPT_SO_PIN, err)) ||
        (row->pin && need(o->pin, HA_TOKEN_OPT_PIN, err)) ||
        (row->new_pin && need(o->new_pin, HA_TOKEN_OPT_NEW_PIN, err)) ||
        check_pin_source(o->so_pin, HA_TOKEN_OPT_SO_PIN, true, err) ||
        check_pin_source(o->pin, HA_TOKEN_OPT_PIN, true, err))
        return err->code;
    return check_pin_source(o->new_pin, HA_TOKEN_OPT_NEW_PIN, true, err);
}

static enum ha_code check_service(const struct ha_token_options *o, struct ha_err *err)
{
    if (need(o->name, HA_TOKEN_OPT_NAME, err) || need(o->uri, HA_TOKEN_OPT_URI, err))
        return err->code;
    if (o->sessions == 0)
        return ha_fail(err, HA_E_USAGE, "--%s is missing", HA_TOKEN_OPT_SESSIONS);
    return check_pin_source(o->pin, HA_TOKEN_OPT_PIN, true, err);
}

static enum ha_code check(const struct ha_token_options *o, struct ha_err *err)
{
    if (need(o->module, HA_TOKEN_OPT_MODULE, err))
        return err->code;
    if (o->module[0] != '/')
        return ha_fail(err, HA_E_USAGE, "--%s takes an absolute path", HA_TOKEN_OPT_MODULE);
    if (o->pin_guard && o->pin_guard[0] != '/')
        return ha_fail(err, HA_E_USAGE, "--%s takes an absolute path", HA_TOKEN_OPT_PIN_GUARD);
    if (o->tool != HA_TOOL_NONE)
        return check_tool(o, err);
    return o->init ? check_init(o, err) : check_service(o, err);
}

enum ha_code ha_token_options_read(int argc, char **argv, struct ha_token_options *ret_options, struct ha_err *err)
{
    struct option longs[HA_ARRAY_SIZE(rows) + 1] = {0};
    for (size_t i = 0; i < HA_ARRAY_SIZE(rows); i++)
        longs[i] = (struct option){.name = rows[i].name,
                                   .has_arg = rows[i].kind == VALUE_FLAG ? no_argument : required_argument};

    struct ha_token_options options = {0};
    int index = -1;
    int got;
    opterr = 0;
    while ((got = getopt_long(argc, argv, "", longs, &index)) != -1) {
        if (got != 0)
            return ha_fail(err, HA_E_USAGE, "an option is unknown, or lacks its value");
        enum ha_code code = store(&rows[index], optarg, &options, err);
        if (code)
            return code;
    }
    if (optind < argc)
        return ha_fail(err, HA_E_USAGE, "there is an argument that isn't an option");
    enum ha_code code = check(&options, err);
    if (code)
        return code;
    *ret_options = options;
    return HA_OK;
}
