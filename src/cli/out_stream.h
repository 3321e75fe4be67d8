// SPDX-License-Identifier: Apache-2.0
// A result too large for memory, on stdout or in a file that is replaced when it is whole, as ha_out_bytes does it.
#pragma once

#include "cli/out.h"

struct ha_out_stream {
    int fd;             // -1: none
    char *target;       // NULL: stdout, or what can't be replaced
    char *temporary;    // becomes target
    struct ha_buf out;  // appended to by the caller, with ha_out_stream_flow from time to time
};
void ha_out_stream_clear(struct ha_out_stream *stream);  // what isn't whole is removed
HA_AUTO_DEFINE_CLEAR(struct ha_out_stream, ha_out_stream_clear)

// stream is zeroed. path, mode: as for ha_out_bytes.
enum ha_code ha_out_stream_open(const char *path, mode_t mode, struct ha_out_stream *stream, struct ha_err *err);
// Writes what is in out, if it is much.
enum ha_code ha_out_stream_flow(struct ha_out_stream *stream, struct ha_err *err);
// Writes the rest, and puts the file in its place.
enum ha_code ha_out_stream_end(struct ha_out_stream *stream, struct ha_err *err);
