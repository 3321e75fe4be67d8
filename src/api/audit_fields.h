// SPDX-License-Identifier: Apache-2.0
// What the audit log tells of a message beside its hash: whom it is from and to. It is read from the bytes that were
// signed, so it is what was said and not what was asked for.
#pragma once

#include "channel/token.h"
#include "config/config.h"

// Appends an object with the members that are known of such a message; nothing if there are none:
//   jwt              kid, typ of the header; iss, sub, aud, jti, client_id, htm, htu, exp of the claims
//   jws              kid, typ, url of the header, never anything of the payload
//   http-signature   method, destination, kid, source, as far as the scheme signs them
//   csr              subject
// Queries are left out of URLs, for they may hold secrets.
void ha_audit_fields(enum ha_operation operation, struct ha_part said, struct ha_buf *out);
