// SPDX-License-Identifier: Apache-2.0
// The commands' options as an enrolment, and its beginning.
#pragma once

#include "cli/cli.h"
#include "enrol/pending.h"

// Puts what the options say of the CA (its address, who we are to it, what it is asked) in the place of what is there.
// HA_E_USAGE.
enum ha_code ha_enrol_take_options(const struct ha_opts *opts, struct ha_enrolment *enrolment, struct ha_err *err);
// Whether the options name a CA.
bool ha_enrol_has_ca(const struct ha_opts *opts);
// Of the option: 0 when it wasn't given.
enum ha_code ha_enrol_version_option(const struct ha_opts *opts, uint64_t *ret_version, struct ha_err *err);
// Seconds, 0 when it wasn't given.
enum ha_code ha_enrol_wait_option(const struct ha_opts *opts, uint64_t *ret_wait_s, struct ha_err *err);
// The version of the key that the agent has for active.
enum ha_code ha_enrol_active_version(struct ha_cli *cli, const char *key, uint64_t *ret_version, struct ha_err *err);
// The request that the agent makes of the body, for that version of the key; 0: the active one.
enum ha_code ha_enrol_make_csr(struct ha_cli *cli, struct ha_enrolment *enrolment, uint64_t version,
                               const struct ha_buf *body, struct ha_err *err);
// Takes the lock and looks whether an enrolment of that version is under way: HA_E_CONFLICT then, unless anew.
// ret_fd: the lock.
enum ha_code ha_enrol_claim(const char *dir, const char *key, uint64_t version, bool anew, int *ret_fd,
                            struct ha_err *err);
// Saves a new enrolment, goes as far as it can, and prints how far that is; with --json as a document. The exit status
// is in cli.
enum ha_code ha_enrol_start(struct ha_cli *cli, const char *dir, struct ha_enrolment *enrolment, struct ha_err *err);
