// SPDX-License-Identifier: Apache-2.0
#include "agentd/keeper.h"

#include "agentd/hook.h"
#include "base/clock.h"
#include "base/text.h"
#include "format/certificate.h"
#include "keys/expiry.h"
#include "keys/last_use.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>

#define LOOK_MS 60000  // between two looks
#define HOOK_MS 60000  // that the hook may take
#define DAY_S   86400

struct ha_keeper {
    struct ha_keys *keys;
    struct ha_snapshots *snapshots;
    const struct ha_starter *starter;
    const struct ha_log *log;
    struct ha_last_use last_use;
    struct ha_expiry expiry;
    int look, stop;  // eventfds
    pthread_t thread;
    bool running;
};

// What a notice says, as text.
struct words {
    struct ha_buf subject, issuer, serial, sha256;
    char not_after[25];
};

static void words_clear(struct words *words)
{
    ha_buf_clear(&words->subject);
    ha_buf_clear(&words->issuer);
    ha_buf_clear(&words->serial);
    ha_buf_clear(&words->sha256);
}
HA_AUTO_DEFINE_CLEAR(struct words, words_clear)

static void make_words(const struct ha_key_certificate *installed, struct words *words)
{
    ha_auto(ha_certificate_free) struct ha_certificate *certificate = NULL;
    struct ha_err ignored = {0};  // it was read before
    const struct ha_buf *der = &installed->chain.der[0];
    ha_time_iso_at(installed->not_after, words->not_after);
    ha_hex_encode(&words->sha256, installed->sha256, sizeof installed->sha256);
    if (ha_certificate_read(der->data, der->len, &certificate, &ignored))
        return;
    ha_certificate_subject(certificate, &words->subject);
    ha_certificate_issuer(certificate, &words->issuer);
    ha_certificate_serial(certificate, &words->serial);
}

static void log_notice(const struct ha_keeper *keeper, const struct ha_expiry_notice *notice, int64_t days_left,
                       const struct words *words)
{
    bool expired = notice->days == 0;
    ha_log(keeper->log, expired ? HA_LOG_ERROR : HA_LOG_WARN, expired ? "certificate-expired" : "certificate-expires",
           HA_S("key", notice->key->name), HA_N("version", notice->key->version), HA_N("days-left", days_left),
           HA_N("notice", notice->days), HA_S("not-after", words->not_after),
           HA_S("subject", ha_buf_text(&words->subject)), HA_S("issuer", ha_buf_text(&words->issuer)),
           HA_S("serial", ha_buf_text(&words->serial)), HA_S("sha256", ha_buf_text(&words->sha256)));
}

static bool is_stopping(const struct ha_keeper *keeper)
{
    struct pollfd wait = {.fd = keeper->stop, .events = POLLIN};
    return poll(&wait, 1, 0) > 0;
}

// Appends "NAME=VALUE", or the value alone where name is "", and a NUL.
static void put_string(struct ha_buf *out, const char *name, const char *value)
{
    ha_buf_printf(out, "%s%s%s", name, name[0] ? "=" : "", value ? value : "");
    ha_buf_putc(out, '\0');
}

// Returns HA_E_STOPPING when the hook was cut off; other failures are told and done with.
static enum ha_code run_hook(const struct ha_keeper *keeper, const char *program, const struct ha_expiry_notice *notice,
                             int64_t days_left, const struct words *words)
{
    enum { ARGUMENTS = 5 };
    const struct ha_key *key = notice->key;
    char version[16], left[24], days[16];
    snprintf(version, sizeof version, "%u", key->version);
    snprintf(left, sizeof left, "%lld", (long long)days_left);
    snprintf(days, sizeof days, "%u", notice->days);
    const struct {
        const char *name, *value;
    } strings[] = {
        {"", program},
        {"", key->name},
        {"", version},
        {"", left},
        {"", words->not_after},
        {"", HA_HOOK_PATH},
        {"HSM_AGENT_KEY", key->name},
        {"HSM_AGENT_VERSION", version},
        {"HSM_AGENT_HOLDER", key->holder},
        {"HSM_AGENT_ENVIRONMENT", key->environment},
        {"HSM_AGENT_PROFILE", key->profile},
        {"HSM_AGENT_DAYS_LEFT", left},
        {"HSM_AGENT_NOTICE", days},
        {"HSM_AGENT_NOT_AFTER", words->not_after},
        {"HSM_AGENT_SUBJECT", ha_buf_text(&words->subject)},
        {"HSM_AGENT_ISSUER", ha_buf_text(&words->issuer)},
        {"HSM_AGENT_SERIAL", ha_buf_text(&words->serial)},
        {"HSM_AGENT_SHA256", ha_buf_text(&words->sha256)},
    };
    char *argv[ARGUMENTS + 1] = {0}, *environment[HA_ARRAY_SIZE(strings) - ARGUMENTS + 1] = {0};
    ha_auto(ha_buf_clear) struct ha_buf text = {0};
    struct ha_err err = {0};
    for (size_t i = 0; i < HA_ARRAY_SIZE(strings); i++)
        put_string(&text, strings[i].name, strings[i].value);
    if (!ha_buf_ok(&text)) {
        ha_fail(&err, HA_E_MEMORY, "out of memory");
    } else {
        char *at = (char *)text.data;
        for (size_t i = 0; i < HA_ARRAY_SIZE(strings); i++, at += strlen(at) + 1)
            *(i < ARGUMENTS ? &argv[i] : &environment[i - ARGUMENTS]) = at;
        ha_hook_run(keeper->starter, argv, environment, HOOK_MS, keeper->stop, &err);
    }
    if (err.code)
        ha_log_err(keeper->log, HA_LOG_ERROR, "expiry-hook-failed", &err, HA_S("key", key->name),
                   HA_N("version", key->version), HA_S("hook", program));
    return err.code;
}

static void give_notice(struct ha_keeper *keeper, const struct ha_expiry_notice *notice, const char *hook)
{
    ha_auto(words_clear) struct words words = {0};
    struct ha_err err = {0};
    int64_t days_left = notice->left_s / DAY_S;
    make_words(notice->certificate, &words);
    log_notice(keeper, notice, days_left, &words);
    // One that was cut off is told once more after the next start.
    if (hook && run_hook(keeper, hook, notice, days_left, &words) == HA_E_STOPPING)
        return;
    if (ha_expiry_tell(&keeper->expiry, keeper->keys, notice, &err))
        ha_log_err(keeper->log, HA_LOG_ERROR, "expiry-notices-not-written", &err);
}

static void look_at_certificates(struct ha_keeper *keeper)
{
    // Not held while a hook runs: a snapshot that is held keeps tokens that are gone.
    struct ha_snapshot *snapshot = ha_snapshots_take(keeper->snapshots);
    const struct ha_days days = snapshot->config->agent.expiry_days;
    ha_auto(ha_free) char *hook =
        snapshot->config->agent.expiry_hook ? strdup(snapshot->config->agent.expiry_hook) : NULL;
    ha_snapshots_return(snapshot);
    size_t n;
    ha_auto(ha_free) struct ha_expiry_notice *notices =
        ha_expiry_due(&keeper->expiry, keeper->keys, &days, time(NULL), &n);
    for (size_t i = 0; i < n; i++) {
        // What isn't told now is told after the next start.
        if (!is_stopping(keeper))
            give_notice(keeper, &notices[i], hook);
        ha_expiry_notice_clear(&notices[i]);
    }
}

static void save_last_use(struct ha_keeper *keeper)
{
    struct ha_err err = {0};
    if (ha_last_use_save(&keeper->last_use, keeper->keys, &err))
        ha_log_err(keeper->log, HA_LOG_ERROR, "last-use-not-written", &err);
}

static void *run(void *context)
{
    struct ha_keeper *keeper = context;
    while (!is_stopping(keeper)) {
        struct pollfd waits[] = {{.fd = keeper->look, .events = POLLIN}, {.fd = keeper->stop, .events = POLLIN}};
        uint64_t ignored;
        look_at_certificates(keeper);
        save_last_use(keeper);
        poll(waits, HA_ARRAY_SIZE(waits), LOOK_MS);
        if (waits[0].revents && read(keeper->look, &ignored, sizeof ignored) < 0)
            continue;
    }
    return NULL;
}

static void wake(int eventfd)
{
    const uint64_t one = 1;
    // A counter that is full says it already.
    while (write(eventfd, &one, sizeof one) < 0 && errno == EINTR)
        ;
}

static enum ha_code start(struct ha_keeper *keeper, const char *state_dir, struct ha_err *err)
{
    struct ha_err unreadable = {0};
    if (ha_last_use_open(state_dir, keeper->keys, &keeper->last_use, &unreadable))
        ha_log_err(keeper->log, HA_LOG_WARN, "last-use-unreadable", &unreadable);
    if (ha_expiry_open(state_dir, &keeper->expiry, &unreadable))
        ha_log_err(keeper->log, HA_LOG_WARN, "expiry-notices-unreadable", &unreadable);
    if (!keeper->last_use.path || !keeper->expiry.path)
        return ha_fail(err, HA_E_MEMORY, "out of memory");
    keeper->look = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    keeper->stop = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (keeper->look < 0 || keeper->stop < 0)
        return ha_fail_errno(err, errno, "eventfd");
    int failure = pthread_create(&keeper->thread, NULL, run, keeper);
    if (failure)
        return ha_fail_errno(err, failure, "a thread can't be started");
    keeper->running = true;
    return HA_OK;
}

enum ha_code ha_keeper_new(const char *state_dir, struct ha_keys *keys, struct ha_snapshots *snapshots,
                           const struct ha_starter *starter, const struct ha_log *log, struct ha_keeper **ret_keeper,
                           struct ha_err *err)
{
    struct ha_keeper *keeper = calloc(1, sizeof *keeper);
    if (!keeper)
        return ha_fail(err, HA_E_MEMORY, "out of memory");
    *keeper = (struct ha_keeper){
        .keys = keys, .snapshots = snapshots, .starter = starter, .log = log, .look = -1, .stop = -1};
    if (start(keeper, state_dir, err)) {
        ha_keeper_free(keeper);
        return err->code;
    }
    *ret_keeper = keeper;
    return HA_OK;
}

void ha_keeper_look(struct ha_keeper *keeper)
{
    wake(keeper->look);
}

void ha_keeper_free(struct ha_keeper *keeper)
{
    if (!keeper)
        return;
    if (keeper->running) {
        wake(keeper->stop);
        pthread_join(keeper->thread, NULL);
        save_last_use(keeper);
    }
    if (keeper->look >= 0)
        close(keeper->look);
    if (keeper->stop >= 0)
        close(keeper->stop);
    ha_last_use_clear(&keeper->last_use);
    ha_expiry_clear(&keeper->expiry);
    free(keeper);
}
