// SPDX-License-Identifier: Apache-2.0
// From an enrolment's file to an installed certificate, as far as it goes; and the words about it.
#pragma once

#include "cli/cli.h"
#include "enrol/pending.h"

enum { HA_ENROL_EXIT_WAITING = 3 };  // the CA hasn't decided yet

// Goes on with a locked enrolment, asking the CA again until it has decided or wait_s seconds are over. HA_OK when it
// is installed, when it has to wait and when it was rejected; ret_exit is the status for it: 0,
// HA_ENROL_EXIT_WAITING, 1.
enum ha_code ha_enrol_go(struct ha_cli *cli, const char *dir, struct ha_enrolment *enrolment, uint64_t wait_s,
                         int *ret_exit, struct ha_err *err);
// "edge@1 installed" and what there is to say of it, in a line; a second one for its failure.
void ha_enrol_put(const struct ha_enrolment *enrolment, struct ha_buf *out);
void ha_enrol_put_json(const struct ha_enrolment *enrolment, struct ha_buf *out);
