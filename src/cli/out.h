// SPDX-License-Identifier: Apache-2.0
// Results on stdout or in a file, and reports on stderr. Control characters in text never reach a terminal.
//
// A reader of stdout that went away (EPIPE) is an HA_E_IO with an empty detail: a failure that isn't worth a word.
#pragma once

#include "base/buf.h"
#include "base/err.h"

#include <sys/types.h>

// Modes of the files that -o names.
enum { HA_OUT_PUBLIC = 0644, HA_OUT_SECRET = 0600 };

// Text for people to stdout.
enum ha_code ha_out_text(const struct ha_buf *text, struct ha_err *err);

// A file named by -o: NULL or "-" is stdout. HA_E_USAGE when bytes would go to a terminal.
enum ha_code ha_out_check(const char *path, bool binary, struct ha_err *err);
// Bytes as they are. A regular file is replaced whole or stays untouched, with mode less the umask (a file that is
// there never becomes more open); anything else (a FIFO, /dev/null) is written to.
enum ha_code ha_out_bytes(const char *path, const void *bytes, size_t n, mode_t mode, struct ha_err *err);
// n bytes of JSON and a newline, the same way.
enum ha_code ha_out_json(const char *path, const struct ha_buf *json, mode_t mode, struct ha_err *err);

// "hsm-agent: cause" and "  remedy: ..." on stderr; nothing for an empty detail.
void ha_out_error(const struct ha_err *err);
// "hsm-agent: note: ..." on stderr.
void ha_out_note(const char *format, ...) HA_PRINTF(1, 2);
// Appends text, whose control characters other than newlines and tabs become question marks.
void ha_out_put_tame(struct ha_buf *out, const char *text, size_t n);
// n bytes of text to stderr, without control characters other than newlines and tabs.
void ha_out_stderr(const char *text, size_t n);
