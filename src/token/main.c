// SPDX-License-Identifier: Apache-2.0
// hsm-agent-token: one token's process. Started by the daemon; or, for one act, by `hsm-agent dev` and `hsm-agent
// token`.
#include "channel/packet.h"
#include "token/control.h"
#include "token/harden.h"
#include "token/init.h"
#include "token/options.h"
#include "token/p11.h"
#include "token/tool.h"

#include <malloc.h>
#include <stdio.h>
#include <unistd.h>

#define MMAP_FROM (1 << 20)  // bytes

static int serve(const struct ha_token_options *options, const struct ha_log *log)
{
    // Any thread may log in, whose slow hash takes 16 MiB: each thread's heap would keep as much for ever.
    mallopt(M_MMAP_THRESHOLD, MMAP_FROM);
    struct ha_p11 token;
    ha_p11_init(&token, options, *log);
    int status = ha_control_serve(&token, HA_CONTROL_FD);
    // The workers may be in the middle of a call: their token goes with the process and not before. _exit also spares
    // us the destructors of a module that may hang.
    _exit(status);
}

static int init_token(const struct ha_token_options *options, const struct ha_log *log)
{
    struct ha_err err = {0};
    char serial[HA_INIT_SERIAL_SIZE];
    if (ha_init_token(options, serial, &err) == HA_OK && printf("%s\n", serial) > 0 && fflush(stdout) == 0)
        return HA_TOKEN_EXIT_OK;
    if (err.code == HA_OK)
        ha_fail(&err, HA_E_IO, "can't write the serial number to the standard output");
    ha_log_err(log, HA_LOG_ERROR, "token-init-failed", &err);
    return err.code == HA_E_PIN ? HA_TOKEN_EXIT_PIN : HA_TOKEN_EXIT_FAILED;
}

static int run_tool(const struct ha_token_options *options, const struct ha_log *log)
{
    ha_auto(ha_buf_clear) struct ha_buf out = {0};
    struct ha_err err = {0};
    enum ha_code code = ha_tool_run(options, log, &out, &err);
    if (code)
        ha_tool_put_error(&out, &err);
    if (puts(ha_buf_text(&out)) < 0 || fflush(stdout) != 0 || code)
        return code == HA_E_PIN ? HA_TOKEN_EXIT_PIN : HA_TOKEN_EXIT_FAILED;
    return HA_TOKEN_EXIT_OK;
}

int main(int argc, char **argv)
{
    struct ha_token_options options;
    struct ha_log log = {.fd = STDERR_FILENO, .least = HA_LOG_INFO};
    struct ha_err err = {0};
    if (ha_token_options_read(argc, argv, &options, &err)) {
        ha_log_err(&log, HA_LOG_ERROR, "token-usage", &err);
        return HA_TOKEN_EXIT_USAGE;
    }
    log.json = options.log_json;
    if (ha_harden(&err)) {
        ha_log_err(&log, HA_LOG_ERROR, "token-not-hardened", &err);
        return HA_TOKEN_EXIT_FAILED;
    }
    if (options.tool != HA_TOOL_NONE)
        return run_tool(&options, &log);
    return options.init ? init_token(&options, &log) : serve(&options, &log);
}
