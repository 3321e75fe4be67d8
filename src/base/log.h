// SPDX-License-Identifier: Apache-2.0
// One line an event, to a descriptor, as text or JSON.
//
//   ha_log(log, HA_LOG_INFO, "token-ready", HA_S("token", name), HA_N("sessions", 8));
//   2026-11-21T07:26:35.123Z info token-ready token=edge sessions=8
//
// Values are escaped: nothing a peer sends can forge a line. Thread-safe: a line is one write().
// Only agentd, the child's main, the CLI and the API's handlers log; libraries return errors.
#pragma once

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

enum ha_log_level { HA_LOG_DEBUG, HA_LOG_INFO, HA_LOG_WARN, HA_LOG_ERROR };

struct ha_log {
    int fd;
    bool json;
    enum ha_log_level least;
};

struct ha_kv {
    const char *key;
    const char *text;  // NULL: number counts
    int64_t number;
};
// A function, since compilers warn of a test whether an array is NULL.
static inline const char *ha_log_text(const char *text)
{
    return text ? text : "";
}
#define HA_S(key_, text_)   ((struct ha_kv){.key = (key_), .text = ha_log_text(text_)})
#define HA_N(key_, number_) ((struct ha_kv){.key = (key_), .number = (int64_t)(number_)})

#define ha_log(log, level, event, ...)                                                                                 \
    ha_log_event((log), (level), (event), (const struct ha_kv[]){__VA_ARGS__ __VA_OPT__(, ){0}})
// Adds code, cause, remedy, and the token's function and rv of err.
#define ha_log_err(log, level, event, err, ...)                                                                        \
    ha_log_failure((log), (level), (event), (err), (const struct ha_kv[]){__VA_ARGS__ __VA_OPT__(, ){0}})

void ha_log_event(const struct ha_log *log, enum ha_log_level level, const char *event, const struct ha_kv *pairs);
void ha_log_failure(const struct ha_log *log, enum ha_log_level level, const char *event, const struct ha_err *err,
                    const struct ha_kv *pairs);
