// SPDX-License-Identifier: Apache-2.0
// Files, read with suspicion and written atomically.
//
// Errors: HA_E_CONFIG when a file isn't a regular one or its owner or mode isn't trusted, HA_E_TOO_LARGE, HA_E_MEMORY,
// and HA_E_IO when a system call fails, which also leaves its errno (ENOENT: there is no such file). Paths may be
// symbolic links.
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "base/secret.h"

#include <sys/types.h>

enum ha_file_trust {
    HA_FILE_ANY,      // no check of owner or mode
    HA_FILE_TRUSTED,  // owned by us or root, not writable by group or world
    // Owned by us or root, no access at all for group or world. Not for systemd's credentials: systemd may grant them
    // by an ACL, which shows as mode 0440 (HA_FILE_TRUSTED fits; their directory is private).
    HA_FILE_PRIVATE,
};

// Reads a regular file of at most max bytes; the checks are made on the open descriptor. Appends to out, which keeps
// its length on failure. Never waits (a FIFO is refused).
enum ha_code ha_file_read(const char *path, size_t max, enum ha_file_trust trust, struct ha_buf *out,
                          struct ha_err *err);
// The same into locked memory, and never through any other; trailing '\n' and '\r' are cut off. The secret is new; the
// caller frees it.
enum ha_code ha_file_read_secret(const char *path, size_t max, enum ha_file_trust trust, struct ha_secret **ret_secret,
                                 struct ha_err *err);
// Writes a temporary file beside it (".NAME.XXXXXX"), syncs it, renames it over path, syncs the directory. The mode is
// exact, whatever the umask. On failure path is what it was, and the temporary file is gone; after a crash it may stay.
enum ha_code ha_file_write(const char *path, const void *bytes, size_t n, mode_t mode, struct ha_err *err);
// Removes path and syncs the directory; a path that isn't there is HA_OK.
enum ha_code ha_file_remove(const char *path, struct ha_err *err);
// Whether only we and root can put files into the directory, or take them out: HA_E_CONFIG when it is another's, its
// group or everybody may write it, or it isn't one; a symbolic link to one is followed.
enum ha_code ha_dir_check(const char *path, struct ha_err *err);
// Makes the directory (and its parents) unless it is there. Those it makes have exactly that mode.
enum ha_code ha_dir_make(const char *path, mode_t mode, struct ha_err *err);
