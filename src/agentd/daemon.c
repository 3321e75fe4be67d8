// SPDX-License-Identifier: Apache-2.0
#include "agentd/daemon.h"

#include "agentd/auditor.h"
#include "agentd/confine.h"
#include "agentd/inherit.h"
#include "agentd/keeper.h"
#include "agentd/looker.h"
#include "agentd/notify.h"
#include "agentd/reload.h"
#include "agentd/starter.h"
#include "base/clock.h"
#include "base/program.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define LOOK_MS   50  // between two looks for a second signal while draining
#define SOON_MS   20  // before the second look at what a reload has set going; doubles
#define LATE_MS   1000
#define SETTLE_MS 30000  // how long a reload waits for its new tokens to be ready or not

struct daemon {
    const struct ha_log *log;
    char *program;
    struct ha_inherited inherited;
    struct ha_starter *starter;    // NULL: the daemon isn't confined, and starts programs itself
    struct ha_looker *looker;      // likewise: it looks up executables itself
    struct ha_affinity *affinity;  // NULL: the scheduler decides
    struct ha_keys *keys;
    struct ha_limits *limits;
    struct ha_pairs *pairs;
    struct ha_snapshots snapshots;
    struct ha_reload reload;
    struct ha_audit *audit;
    struct ha_auditor *auditor;
    struct ha_keeper *keeper;
    bool wanted;       // SIGHUP came
    bool settling;     // a reload isn't told to be over yet
    int64_t until_ms;  // when it is, at the latest
    int look_ms;       // before the next look at what is on its way
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
    signal(SIGXFSZ, SIG_IGN);  // a file that may not grow is a write that fails
}

static void *hold_tokens(void *snapshots)
{
    return ha_snapshots_take(snapshots);
}

static void let_tokens_go(void *snapshot)
{
    ha_snapshots_return(snapshot);
}

static enum ha_code start(struct daemon *daemon, struct ha_err *err)
{
    struct ha_reload *reload = &daemon->reload;
    const struct ha_agent_config *agent = &reload->first->agent;
    daemon->limits = ha_limits_new();
    daemon->pairs = ha_pairs_new();
    if (!daemon->limits || !daemon->pairs)
        return ha_fail(err, HA_E_MEMORY, "out of memory");
    if (ha_inherit(&daemon->inherited, err) ||
        ha_program_find("hsm-agent-token", HA_LIBEXECDIR, &daemon->program, err) ||
        (agent->sandbox && ha_looker_new(daemon->log, &daemon->looker, err)) ||
        (agent->sandbox && ha_starter_new(daemon->program, reload->first, daemon->log, &daemon->starter, err)) ||
        (agent->sandbox && ha_confine_daemon(reload->first, daemon->log, err)) ||
        (agent->affinity && ha_affinity_new(&daemon->affinity, err)) ||
        ha_keys_new(agent->state_dir, daemon->log, &daemon->keys, err) ||
        ha_auditor_open(reload->first, daemon->log, &daemon->audit, err))
        return err->code;
    const struct ha_spawner *spawner = daemon->starter ? ha_starter_spawner(daemon->starter) : NULL;
    const struct ha_exe_reader *exes = daemon->looker ? ha_looker_reader(daemon->looker) : NULL;
    if (ha_doors_new(&daemon->snapshots, &daemon->inherited, exes, daemon->affinity, daemon->log, &reload->doors,
                     err) ||
        ha_tokens_new(daemon->program, spawner, daemon->keys, daemon->limits, daemon->pairs, &daemon->snapshots,
                      daemon->log, &reload->tokens, err))
        return err->code;
    const struct ha_keys_hold hold = {&daemon->snapshots, hold_tokens, let_tokens_go};
    daemon->snapshots.audit = daemon->audit;
    if (ha_reload_first(reload, err) || ha_keys_start(daemon->keys, &hold, err) ||
        ha_auditor_new(daemon->audit, reload->first, daemon->keys, &daemon->snapshots, daemon->log, &daemon->auditor,
                       err))
        return err->code;
    const char *left = ha_inherited_left(&daemon->inherited);
    if (left)
        ha_log(daemon->log, HA_LOG_WARN, "socket-unused", HA_S("socket", left),
               HA_S("remedy", "the service manager made it, and no [listen] section has its path: give it one"));
    return ha_keeper_new(agent->state_dir, daemon->keys, &daemon->snapshots, daemon->starter, daemon->log,
                         &daemon->keeper, err);
}

static void stop(struct daemon *daemon)
{
    // The doors first: the threads behind them use everything else.
    ha_doors_free(daemon->reload.doors);
    ha_keeper_free(daemon->keeper);
    // What is deleted at this moment isn't waited for: the next start goes on with it.
    if (daemon->reload.tokens)
        ha_tokens_stop(daemon->reload.tokens);
    ha_keys_stop(daemon->keys);
    ha_auditor_free(daemon->auditor);
    ha_tokens_free(daemon->reload.tokens);
    ha_snapshots_clear(&daemon->snapshots);
    ha_keys_free(daemon->keys);
    ha_limits_free(daemon->limits);
    ha_pairs_free(daemon->pairs);
    ha_audit_free(daemon->audit);
    ha_starter_free(daemon->starter);
    ha_affinity_free(daemon->affinity);
    ha_looker_free(daemon->looker);
    ha_inherited_clear(&daemon->inherited);
    free(daemon->program);
}

// What is in force.
static void log_state(struct daemon *daemon, const char *event)
{
    struct ha_snapshot *snapshot = ha_snapshots_take(&daemon->snapshots);
    const struct ha_config *config = snapshot->config;
    ha_log(daemon->log, HA_LOG_INFO, event, HA_S("version", HA_VERSION), HA_S("config", config->path),
           HA_N("sockets", config->n_listens), HA_N("tokens", config->n_tokens), HA_N("clients", config->n_clients));
    ha_snapshots_return(snapshot);
}

static void tell_reloading(void)
{
    struct timespec now;
    char text[96];
    clock_gettime(CLOCK_MONOTONIC, &now);
    snprintf(text, sizeof text, "RELOADING=1\nMONOTONIC_USEC=%lld",
             (long long)now.tv_sec * 1000000 + now.tv_nsec / 1000);
    ha_notify(text);
}

// The lock of the tokens is held.
static void reload(struct daemon *daemon)
{
    struct ha_err err = {0};
    daemon->wanted = false;
    if (ha_reload_again(&daemon->reload, &err)) {
        ha_log_err(daemon->log, HA_LOG_ERROR, "reload-refused", &err,
                   HA_S("in-force", "the configuration from before"));
        daemon->settling = false;
        ha_notify("READY=1");
        return;
    }
    log_state(daemon, "reloaded");
    ha_keeper_look(daemon->keeper);
    daemon->settling = true;
    daemon->until_ms = ha_now_ms() + SETTLE_MS;
}

// Goes on with what is on its way. False: nothing is.
static bool step(struct daemon *daemon)
{
    const struct ha_reload *parts = &daemon->reload;
    if (!ha_tokens_lock(parts->tokens))
        return true;
    bool going = ha_doors_step(parts->doors);
    going = ha_tokens_step(parts->tokens) || going;
    if (daemon->wanted && !ha_doors_leave_paths(parts->doors)) {
        reload(daemon);
        going = true;
    }
    if (daemon->settling && (ha_tokens_settled(parts->tokens) || !ha_left_ms(daemon->until_ms))) {
        daemon->settling = false;
        ha_notify("READY=1");
    }
    ha_tokens_unlock(parts->tokens);
    return going || daemon->wanted || daemon->settling;
}

// Returns the signal that came, or 0 when the time (negative: none) passed first.
static int wait_for_signal(int timeout_ms)
{
    sigset_t set;
    signals_of_interest(&set);
    const struct timespec timeout = {.tv_sec = timeout_ms / 1000, .tv_nsec = timeout_ms % 1000 * 1000000L};
    for (;;) {
        int got = timeout_ms < 0 ? sigwaitinfo(&set, NULL) : sigtimedwait(&set, NULL, &timeout);
        if (got > 0)
            return got;
        if (errno == EAGAIN)
            return 0;
    }
}

// Returns the signal that ends the daemon.
static int serve(struct daemon *daemon)
{
    for (;;) {
        int got = wait_for_signal(step(daemon) ? daemon->look_ms : -1);
        daemon->look_ms = 2 * daemon->look_ms < LATE_MS ? 2 * daemon->look_ms : LATE_MS;
        if (got == SIGHUP) {
            ha_log(daemon->log, HA_LOG_INFO, "reloading", HA_S("config", daemon->reload.first->path));
            tell_reloading();
            daemon->wanted = true;
            daemon->look_ms = SOON_MS;
        } else if (got) {
            return got;
        }
    }
}

static bool is_told_to_end(void)
{
    int got;
    do
        got = wait_for_signal(0);
    while (got == SIGHUP);  // too late
    return got;
}

static void drain(struct daemon *daemon)
{
    struct ha_doors *doors = daemon->reload.doors;
    struct ha_snapshot *snapshot = ha_snapshots_take(&daemon->snapshots);
    int64_t deadline_ms = ha_now_ms() + (int64_t)snapshot->config->agent.drain_ms;
    ha_snapshots_return(snapshot);
    ha_doors_drain(doors);
    while (!ha_doors_wait(doors, ha_now_ms() + LOOK_MS) && ha_left_ms(deadline_ms) && !is_told_to_end())
        continue;
    unsigned pending = ha_doors_pending(doors);
    ha_log(daemon->log, HA_LOG_INFO, "drained", HA_N("cut-off", pending));
    // What is cut off waits for a token as a rule, perhaps for long.
    if (pending)
        ha_tokens_stop(daemon->reload.tokens);
}

enum ha_code ha_daemon_run(struct ha_config *config, const struct ha_log *log, struct ha_err *err)
{
    struct daemon daemon = {.log = log, .reload = {.log = log, .first = config}};
    ha_snapshots_init(&daemon.snapshots);
    enum ha_code code = start(&daemon, err);
    if (code == HA_OK) {
        log_state(&daemon, "serving");
        ha_notify("READY=1");
        int signal_number = serve(&daemon);
        ha_log(log, HA_LOG_INFO, "stopping", HA_N("signal", signal_number));
        ha_notify("STOPPING=1");
        drain(&daemon);
    }
    stop(&daemon);
    return code;
}
