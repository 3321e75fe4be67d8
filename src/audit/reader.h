// SPDX-License-Identifier: Apache-2.0
// The lines of one file of a log, compressed or not, in memory that doesn't grow with it.
#pragma once

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

struct ha_audit_reader;

// offset: the first byte to read, counted without compression.
enum ha_code ha_audit_reader_open(const char *path, uint64_t offset, struct ha_audit_reader **ret_reader,
                                  struct ha_err *err);
void ha_audit_reader_free(struct ha_audit_reader *reader);  // NULL is fine
HA_AUTO_DEFINE(struct ha_audit_reader, ha_audit_reader_free)

struct ha_audit_text {
    const char *text;  // without the newline; borrowed until the next call. NULL: the file is at its end
    size_t n;
    uint64_t offset;  // of its first byte
    bool whole;       // a newline ends it; false: the file ends in it, or it is longer than HA_AUDIT_LINE_MAX
};
// Fails when the file can't be read, or is compressed and damaged. At the end it may be asked again, in case the file
// has grown.
enum ha_code ha_audit_reader_next(struct ha_audit_reader *reader, struct ha_audit_text *ret_text, struct ha_err *err);
// Bytes of the file that were read so far, as they are on the disk.
uint64_t ha_audit_reader_consumed(const struct ha_audit_reader *reader);
