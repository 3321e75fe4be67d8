// SPDX-License-Identifier: Apache-2.0
// Names of subjects as people write them, as the API's list of RDNs. Pure and thread-safe.
#pragma once

#include "base/buf.h"
#include "base/err.h"

// Appends the RDNs of text as JSON objects, {"C":"AE"},{"OU":"a","CN":"b"}, to the array that is open in body.
//   TYPE=VALUE[,TYPE=VALUE]...   in the order written; '+' in the place of ',' joins two into one RDN; '\' before one
//   of
//                                , + = \ " < > # ; or a space takes it literally, before two hexadecimal digits it is
//                                that byte; unescaped spaces around types and values are left out. " < > ; need the
//                                backslash, so does '#' at a value's beginning (RFC 4514).
//   /TYPE=VALUE[/TYPE=VALUE]...  as openssl req -subj: '\' takes the next character literally, '+' joins.
// The empty text is the empty name. Which types there are is the agent's to know; a type has letters, digits, '.' and
// '-'. HA_E_USAGE says where it went wrong; body isn't to be used then.
enum ha_code ha_subject_put(const char *text, struct ha_buf *body, struct ha_err *err);
