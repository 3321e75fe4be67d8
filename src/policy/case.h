// SPDX-License-Identifier: Apache-2.0
// A case for the policy, from words: who wants to do what with which key. Looks users and groups up on this machine.
#pragma once

#include "policy/policy.h"

struct ha_case {
    struct ha_principal principal;
    struct ha_question question;  // its strings and content are the case's own
    char *key, *profile;
    enum ha_content *content;
};

// who: "user=USER,group=GROUP,unit=UNIT,exe=PATH", any of them; the user's groups come with the user. words: KEY, an
// operation, and in any order an algorithm, profile=PROFILE/MESSAGE, content=CLASS and at=2026-11-21T12:00:00Z (now_s
// unless it is said). HA_E_USAGE with what is wrong. The caller clears the case.
enum ha_code ha_case_read(const char *who, const char *const *words, size_t n, int64_t now_s, struct ha_case *ret_case,
                          struct ha_err *err);
void ha_case_clear(struct ha_case *a_case);
HA_AUTO_DEFINE_CLEAR(struct ha_case, ha_case_clear)
