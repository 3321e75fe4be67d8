// SPDX-License-Identifier: Apache-2.0
// An enrolment's way from the request to the certificate: each step is in its file before it is taken and after.
//
//   prepared -> submitting -> submitted -> issued    then the caller installs, and saves installed
//
// What fails leaves the enrolment in a state from which ha_enrol_advance goes on: prepared when the CA hasn't got the
// request or refused it, submitting when that isn't known, and so on. The failure's words are in its file too.
#pragma once

#include "enrol/http.h"
#include "enrol/pending.h"

struct ha_enrol_run {
    const char *dir;       // the files'
    struct ha_http *http;  // of the enrolment's CA
};

// Goes as far as it can: the state is HA_ENROL_ISSUED, or HA_ENROL_SUBMITTED (nobody has decided yet: HA_OK), or
// HA_ENROL_REJECTED (HA_OK, failure says why), or what it came to when something failed. The enrolment's file is that
// state's.
enum ha_code ha_enrol_advance(const struct ha_enrol_run *run, struct ha_enrolment *enrolment, struct ha_err *err);

// Saves it with its state and err's words as its failure (NULL: none).
enum ha_code ha_enrol_note(const char *dir, struct ha_enrolment *enrolment, const struct ha_err *failure,
                           struct ha_err *err);

// What an answer other than the one that was wanted means: HA_E_CA with words for people. what: "take the request".
enum ha_code ha_enrol_refusal(const struct ha_http_answer *answer, const char *what, struct ha_err *err);
