// SPDX-License-Identifier: Apache-2.0
// What stands between the command line and a CA: who we are to it, and the connection.
#pragma once

#include "cli/cli.h"
#include "cli/tls_identity.h"
#include "enrol/http.h"
#include "enrol/pending.h"

struct ha_enrol_session {
    struct ha_tls_identity identity;
    struct ha_http_identity shown;
    struct ha_secret *user;
    struct ha_http *http;
};
void ha_enrol_session_clear(struct ha_enrol_session *session);
HA_AUTO_DEFINE_CLEAR(struct ha_enrol_session, ha_enrol_session_clear)

// Prepares for the CA of an enrolment; connects at the first request. ret_session, zeroed before, isn't to be moved,
// and is to be cleared.
enum ha_code ha_enrol_session_open(struct ha_cli *cli, const struct ha_enrolment *enrolment,
                                   struct ha_enrol_session *ret_session, struct ha_err *err);

// "/v1/keys/NAME" and tail; then the version when it isn't the first one, or must_say.
enum ha_code ha_enrol_path(const char *key, const char *tail, uint64_t version, struct ha_buf *out, struct ha_err *err);
// The installed certificate of a key with its chain, PEM. version 0: the active one.
enum ha_code ha_enrol_installed(struct ha_cli *cli, const char *key, uint64_t version, struct ha_buf *out,
                                struct ha_err *err);
