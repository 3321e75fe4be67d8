// SPDX-License-Identifier: Apache-2.0
// What keys may sign of TLS: the rules behind the purposes. Pure functions of their arguments.
#pragma once

#include "base/err.h"
#include "crypto/alg.h"
#include "policy/content.h"

// May a key with these purposes sign that content in a TLS stack's name? HA_E_KEY_CANNOT with the content's class and
// the rule that refuses it.
enum ha_code ha_tls_check(unsigned purposes, enum ha_content content, enum ha_alg alg, struct ha_err *err);
// May a key for messages sign that? Not what a TLS peer would take for a handshake.
enum ha_code ha_tls_check_message(enum ha_content content, struct ha_err *err);
