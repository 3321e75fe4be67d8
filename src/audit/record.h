// SPDX-License-Identifier: Apache-2.0
// What the log tells of one use of a key, or of one that was refused. A plain value that borrows its texts.
#pragma once

#include "base/buf.h"
#include "base/err.h"

#include <sys/types.h>

#define HA_AUDIT_FIELDS_MAX   8192
#define HA_AUDIT_RECORD_USUAL 600  // bytes that most take

struct ha_audit_record {
    // Who.
    uid_t uid;  // (uid_t)-1: not known, and with it gid
    gid_t gid;
    const char *unit, *exe;  // NULL here and below: not known, and left out
    const char *listen;      // the section of the socket
    const char *client;      // the section of the rule that allowed it, or of the caller
    const char *request;     // the request's id
    // What.
    const char *route;   // of the API, where it says more than the operation
    const char *object;  // what isn't a key: a token, a ceremony
    const char *key;
    unsigned version;            // 0: not known
    const uint8_t *spki_sha256;  // 32 bytes
    const char *operation, *algorithm;
    const char *content;            // the class of what was signed
    const uint8_t *content_sha256;  // 32 bytes
    const uint8_t *digest;          // what was signed instead, where the caller made it
    size_t digest_len;
    const char *profile;          // "PROFILE/MESSAGE"
    const struct ha_buf *fields;  // of the message, an object of HA_AUDIT_FIELDS_MAX bytes at most
    const char *shadow;           // why it would have been refused; NULL: it wouldn't
    // How it went.
    const char *token;
    enum ha_code code;
    int64_t latency_us;  // from the arrival of the request
    const char *policy;  // the hash of the configuration in force, in hexadecimal
};

// The event that it is: "use", "refusal" (the caller may not, or asked amiss) or "failure" (it couldn't be done).
const char *ha_audit_record_event(const struct ha_audit_record *record);
// Appends the record's members as an object, to what is empty or ends in a newline. last (NULL: not of interest): what
// was written to out before, zeroed at first; what is the same in both is taken from there.
struct ha_audit_written {
    const struct ha_audit_record *record;  // borrowed until the next is written
    size_t start, len;                     // of the members that begin it, in out
};
void ha_audit_record_write(struct ha_buf *out, const struct ha_audit_record *record, struct ha_audit_written *last);
// Appends a member, unless text is NULL or empty. It is cut off where it would take more than 1,029 bytes in JSON.
void ha_audit_text_write(struct ha_buf *out, const char *name, const char *text);
