// SPDX-License-Identifier: Apache-2.0
// A line of the audit log: how it begins, and what it is hashed to.
//
//   {"seq":7,"prev":"HASH","time":"2026-11-21T07:26:35.123Z","event":"use",...}
//
// HASH is the SHA-256 of the line before it, without its newline, in hexadecimal; zeros in the first line. These four
// members come first, in this order and without white space, so that a line is checked without reading all of it.
#pragma once

#include "base/buf.h"
#include "crypto/hasher.h"

#define HA_AUDIT_HASH_LEN 32
#define HA_AUDIT_HEX_LEN  64
#define HA_AUDIT_LINE_MAX 65536  // bytes, with the newline
#define HA_AUDIT_NO_HASH  "0000000000000000000000000000000000000000000000000000000000000000"

struct ha_audit_line {
    uint64_t seq;
    const char *prev;  // HA_AUDIT_HEX_LEN digits; borrowed, as the others
    const char *time;  // 24 characters
    const char *event;
    size_t event_len;
};

// Reads how a line of n bytes (without its newline) begins. false: it doesn't begin or end as a line of the log.
bool ha_audit_line_read(const char *text, size_t n, struct ha_audit_line *ret_line);
bool ha_audit_line_is(const struct ha_audit_line *line, const char *event);
// Appends a line with its newline. body: the further members, an object's text of n bytes.
void ha_audit_line_write(struct ha_buf *out, uint64_t seq, const char *prev, const char *time, const char *event,
                         const char *body, size_t n);
// What the line after it has as prev. false: out of memory.
bool ha_audit_line_hash(struct ha_hasher *hasher, const char *text, size_t n, char ret_hex[static HA_AUDIT_HEX_LEN]);
