// SPDX-License-Identifier: Apache-2.0
// What a request tells the audit log. Without a log, or a record, these do nothing.
#pragma once

#include "api/call.h"
#include "keys/use.h"

// The policy is asked this, whose texts live as long as the call. client: the section that decided; NULL: none did.
void ha_audit_asked(const struct ha_call_context *call, const struct ha_question *question,
                    const struct ha_client_config *client);
// The section's shadow covered it, for that reason; until the policy is asked again.
void ha_audit_shadowed(const struct ha_call_context *call, const char *reason);
// It was refused, as err says. content: HA_CONTENT_COUNT when that isn't why. Returns err's code, or HA_E_AUDIT in its
// place.
enum ha_code ha_audit_refused(const struct ha_call_context *call, enum ha_content content, struct ha_err *err);
// An item of a batch was refused, as err says: a line, unless there is one more than were told (ha_audit_told) before
// it was looked at. As ha_audit_refused.
unsigned ha_audit_told(const struct ha_call_context *call);
enum ha_code ha_audit_item(const struct ha_call_context *call, unsigned told, struct ha_err *err);
// Uses of a key, each of which has its code. HA_E_AUDIT: they mustn't leave.
enum ha_code ha_audit_used(const struct ha_call_context *call, struct ha_key *key, struct ha_use *const *uses, size_t n,
                           struct ha_err *err);
// Makes failures of them, with nothing left of what came out.
void ha_audit_spoil(struct ha_use *const *uses, size_t n, const struct ha_err *err);
// A request that came to no handler, as err says. principal, request: NULL when they aren't known.
void ha_audit_unheard(struct ha_audit *audit, const struct ha_principal *principal, const char *listen,
                      const char *request, const struct ha_err *err);
// Hashes what is about to be signed, where the record and the token want the same hash of it.
void ha_audit_prepare(const struct ha_call_context *call, struct ha_use *use);
// The request is done, with err's code: a line, if there is none yet and it is about a key or was refused.
enum ha_code ha_audit_done(const struct ha_call_context *call, struct ha_err *err);
