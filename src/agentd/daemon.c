// SPDX-License-Identifier: Apache-2.0
#include "agentd/daemon.h"

#include "agentd/listen.h"
#include "agentd/notify.h"
#include "api/api.h"
#include "base/clock.h"
#include "base/program.h"
#include "channel/token.h"
#include "http/server.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>

#define IDLE_MS    (15 * 60 * 1000)  // gateways keep their connections
#define RECEIVE_MS 20000
#define LOOK_MS    50  // between two looks for a second signal while draining

struct daemon {
    struct ha_api api;
    char *program;
    struct ha_token **tokens;    // as many as n_tokens; NULL ends what was made
    struct ha_listen **listens;  // likewise
    struct ha_http_server **servers;
};

static void signals_of_interest(sigset_t *set)
{
    sigemptyset(set);
    sigaddset(set, SIGTERM);
    sigaddset(set, SIGINT);
    sigaddset(set, SIGHUP);
}

void ha_daemon_block_signals(void)
{
    sigset_t set;
    signals_of_interest(&set);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN);
}

static enum ha_code bind_keys(void *context, struct ha_token *token, struct ha_err *err)
{
    const struct daemon *daemon = context;
    return ha_keys_bind(daemon->api.keys, token, err);
}

static void handle(void *context, const struct ha_request *request, struct ha_reply *reply)
{
    ha_api_handle(context, request, reply);
}

static void problem(void *context, const struct ha_err *err, const char *request_id, struct ha_reply *reply)
{
    ha_api_problem(err, request_id, reply);
}

static enum ha_code start_listens(struct daemon *daemon, struct ha_err *err)
{
    const struct ha_config *config = daemon->api.config;
    for (size_t i = 0; i < config->n_listens; i++)
        if (ha_listen_new(&config->listens[i], SOMAXCONN, &daemon->listens[i], err))
            return err->code;
    return HA_OK;
}

static enum ha_code start_tokens(struct daemon *daemon, struct ha_err *err)
{
    const struct ha_config *config = daemon->api.config;
    const struct ha_token_host host = {
        .program = daemon->program, .log = daemon->api.log, .context = daemon, .ready = bind_keys};
    for (size_t i = 0; i < config->n_tokens; i++)
        if (ha_token_new(&config->tokens[i], &host, &daemon->tokens[i], err))
            return err->code;
    for (size_t i = 0; i < config->n_tokens; i++)
        ha_keys_attach(daemon->api.keys, daemon->tokens[i]);
    // A token that doesn't come up is logged and shown by /v1/health/ready; the others serve.
    for (size_t i = 0; i < config->n_tokens; i++)
        ha_token_wait_first(daemon->tokens[i]);
    return HA_OK;
}

static enum ha_code start_servers(struct daemon *daemon, struct ha_err *err)
{
    const struct ha_config *config = daemon->api.config;
    const struct ha_http_options options = {
        .connections = config->agent.connections,
        .connections_per_uid = config->agent.connections_per_uid,
        .requests_per_uid = config->agent.requests_per_uid,
        .idle_ms = IDLE_MS,
        .receive_ms = RECEIVE_MS,
        .context = &daemon->api,
        .handle = handle,
        .problem = problem,
    };
    for (size_t i = 0; i < config->n_listens; i++)
        if (ha_http_server_new(ha_listen_fd(daemon->listens[i]), config->listens[i].admin, config->listens[i].name,
                               &options, &daemon->servers[i], err))
            return err->code;
    return HA_OK;
}

static enum ha_code start(struct daemon *daemon, struct ha_err *err)
{
    const struct ha_config *config = daemon->api.config;
    daemon->tokens = calloc(config->n_tokens + 1, sizeof(*daemon->tokens));
    daemon->listens = calloc(config->n_listens + 1, sizeof(*daemon->listens));
    daemon->servers = calloc(config->n_listens + 1, sizeof(*daemon->servers));
    if (!daemon->tokens || !daemon->listens || !daemon->servers)
        return ha_fail(err, HA_E_MEMORY, "out of memory");
    daemon->api.tokens = daemon->tokens;
    if (ha_program_find("hsm-agent-token", HA_LIBEXECDIR, &daemon->program, err) ||
        ha_keys_new(config->agent.state_dir, daemon->api.log, &daemon->api.keys, err) || start_listens(daemon, err) ||
        start_tokens(daemon, err))
        return err->code;
    return start_servers(daemon, err);
}

static void stop(struct daemon *daemon)
{
    // Servers first: their threads use everything else.
    for (struct ha_http_server **server = daemon->servers; server && *server; server++)
        ha_http_server_free(*server);
    for (struct ha_listen **listen = daemon->listens; listen && *listen; listen++)
        ha_listen_free(*listen);
    for (struct ha_token **token = daemon->tokens; token && *token; token++)
        ha_token_free(*token);
    ha_keys_free(daemon->api.keys);
    free(daemon->servers);
    free(daemon->listens);
    free(daemon->tokens);
    free(daemon->program);
}

// Returns the signal that ends the daemon, or 0 when the deadline (negative: none) passed first.
static int wait_for_signal(const struct ha_log *log, int timeout_ms)
{
    sigset_t set;
    signals_of_interest(&set);
    const struct timespec timeout = {.tv_sec = timeout_ms / 1000, .tv_nsec = timeout_ms % 1000 * 1000000L};
    for (;;) {
        int got = timeout_ms < 0 ? sigwaitinfo(&set, NULL) : sigtimedwait(&set, NULL, &timeout);
        if (got == SIGHUP)
            ha_log(log, HA_LOG_WARN, "signal-ignored", HA_S("signal", "SIGHUP"),
                   HA_S("remedy", "restart the agent to read its configuration again"));
        else if (got > 0)
            return got;
        else if (errno == EAGAIN)
            return 0;
    }
}

static void drain(struct daemon *daemon)
{
    const struct ha_config *config = daemon->api.config;
    int64_t deadline_ms = ha_now_ms() + (int64_t)config->agent.drain_ms;
    for (size_t i = 0; i < config->n_listens; i++)
        ha_http_server_drain(daemon->servers[i]);
    bool quiet;
    do {
        quiet = true;
        for (size_t i = 0; i < config->n_listens; i++)
            quiet = ha_http_server_wait(daemon->servers[i], ha_now_ms() + LOOK_MS) && quiet;
    } while (!quiet && ha_left_ms(deadline_ms) && !wait_for_signal(daemon->api.log, 0));
    unsigned pending = 0;
    for (size_t i = 0; i < config->n_listens; i++)
        pending += ha_http_server_pending(daemon->servers[i]);
    ha_log(daemon->api.log, HA_LOG_INFO, "drained", HA_N("cut-off", pending));
    // What is cut off waits for a token as a rule, perhaps for long.
    for (size_t i = 0; pending && i < config->n_tokens; i++)
        ha_token_stop(daemon->tokens[i]);
}

enum ha_code ha_daemon_run(const struct ha_config *config, const struct ha_log *log, struct ha_err *err)
{
    struct daemon daemon = {.api = {.config = config, .log = log}};
    enum ha_code code = start(&daemon, err);
    if (code == HA_OK) {
        ha_log(log, HA_LOG_INFO, "serving", HA_S("version", HA_VERSION), HA_S("config", config->path),
               HA_N("sockets", config->n_listens), HA_N("tokens", config->n_tokens));
        ha_notify("READY=1");
        int signal_number = wait_for_signal(log, -1);
        ha_log(log, HA_LOG_INFO, "stopping", HA_N("signal", signal_number));
        ha_notify("STOPPING=1");
        drain(&daemon);
    }
    stop(&daemon);
    return code;
}
