// SPDX-License-Identifier: Apache-2.0
// The files of a log, the oldest first: LOG.N and LOG.N.gz, where N is the number of the file's first line in 18
// digits, and LOG itself, which is written.
#pragma once

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>
#include <time.h>

struct ha_audit_file {
    char *path;
    uint64_t first;  // the number of its first line; 0: LOG itself
    bool compressed;
    uint64_t size;    // bytes on the disk
    int64_t changed;  // UNIX time of its last line
};

struct ha_audit_files {
    struct ha_audit_file *items;
    size_t n;
};
void ha_audit_files_clear(struct ha_audit_files *files);
HA_AUTO_DEFINE_CLEAR(struct ha_audit_files, ha_audit_files_clear)

// Fills ret_files, which is zeroed. Of a file that is there compressed and not, the latter is taken: the former may not
// be whole. No file at all is no failure.
enum ha_code ha_audit_files_list(const char *log_path, struct ha_audit_files *ret_files, struct ha_err *err);
// The path of the file that begins with that line; malloc'ed. NULL: out of memory.
char *ha_audit_files_path(const char *log_path, uint64_t first);
