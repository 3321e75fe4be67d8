// SPDX-License-Identifier: Apache-2.0
// What a command that checks something has found: lines for people, and a document for programs.
//
// All words go out tame, whoever they came from: control characters, and those that turn the direction of writing, are
// question marks.
#pragma once

#include "base/buf.h"
#include "base/err.h"

enum ha_finding { HA_FINDING_OK, HA_FINDING_WARNING, HA_FINDING_PROBLEM, HA_FINDING_COUNT };

struct ha_findings {
    struct ha_buf text;  // a line each, its remedy in a line of its own
    struct ha_buf json;  // an object, which is open
    unsigned n[HA_FINDING_COUNT];
};
// Opens the object and in it the array "checks".
void ha_findings_begin(struct ha_findings *findings);
void ha_findings_clear(struct ha_findings *findings);
HA_AUTO_DEFINE_CLEAR(struct ha_findings, ha_findings_clear)

// check: what was looked at, a word that never changes. remedy: NULL: none.
void ha_findings_add(struct ha_findings *findings, enum ha_finding finding, const char *check, const char *remedy,
                     const char *format, ...) HA_PRINTF(5, 6);
// A problem with the words of reason.
void ha_findings_add_err(struct ha_findings *findings, const char *check, const struct ha_err *reason);
// Closes "checks" and adds "result" (ok, warning, problem: the worst); the text gets its last line. Members can be
// added to json then.
void ha_findings_end(struct ha_findings *findings);
// Closes the object and prints one of both.
enum ha_code ha_findings_print(struct ha_findings *findings, bool as_json, struct ha_err *err);

// Appends n bytes that others made: tame, and no more than max bytes of them, with "..." when there were more.
void ha_findings_tame(struct ha_buf *out, const char *text, size_t n, size_t max);
