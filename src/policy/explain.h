// SPDX-License-Identifier: Apache-2.0
// The policy's decision in words: which rule it was, or what each rule lacked.
#pragma once

#include "policy/policy.h"

// A line: "granted by ...", "refused: ...", "refused, but done (mode = shadow): ...".
void ha_explain_line(struct ha_buf *out, const struct ha_config *config, const struct ha_question *question,
                     const struct ha_decision *decision);
// That line, and below it each section with its rules, whether they fit, and why not.
void ha_explain(struct ha_buf *out, const struct ha_config *config, const struct ha_principal *principal,
                const struct ha_question *question);
// The same as an object.
void ha_explain_json(struct ha_buf *out, const struct ha_config *config, const struct ha_principal *principal,
                     const struct ha_question *question);
