// SPDX-License-Identifier: Apache-2.0
// The least policy under which uses that were made would be granted: uses in, [client] sections out. Its memory grows
// with what is different about the uses, not with their number.
#pragma once

#include "config/config.h"

struct ha_suggestion;
struct ha_suggestion *ha_suggestion_new(void);  // NULL: out of memory
void ha_suggestion_free(struct ha_suggestion *suggestion);
HA_AUTO_DEFINE(struct ha_suggestion, ha_suggestion_free)

// One use, as a record tells of it. Nothing in it is believed.
struct ha_suggest_use {
    uid_t uid;
    const char *unit;  // NULL: none. A scope, or what systemd-run makes, has another name the next time and is left out
    const char *key;
    enum ha_operation operation;
    enum ha_alg alg;                 // HA_ALG_NONE: it had none
    const char *profile;             // NULL: none
    const enum ha_content *content;  // NULL: none, or not known; it counts with operations that have classes
    const char *time;                // "2026-11-21T07:26:35.123Z"
};

// A use that no rule can say, since a name in it is none or its line would be too long, is left out, and counted.
void ha_suggestion_add(struct ha_suggestion *suggestion, const struct ha_suggest_use *use);
void ha_suggestion_leave_out(struct ha_suggestion *suggestion);  // likewise
// The sections, by user and unit, each with a comment; the same for the same uses in any order. Fails for want of
// memory.
enum ha_code ha_suggestion_write(const struct ha_suggestion *suggestion, struct ha_buf *out, struct ha_err *err);
