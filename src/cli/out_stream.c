// SPDX-License-Identifier: Apache-2.0
#include "cli/out_stream.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FLOW_BYTES = 64 * 1024 };

void ha_out_stream_clear(struct ha_out_stream *stream)
{
    if (stream->temporary)
        unlink(stream->temporary);
    if (stream->fd > STDERR_FILENO)
        close(stream->fd);
    free(stream->target);
    free(stream->temporary);
    ha_buf_clear(&stream->out);
}

// The mode is that which ha_out_bytes gives: what is there never becomes more open.
static enum ha_code open_beside(const char *path, mode_t mode, struct ha_out_stream *stream, struct ha_err *err)
{
    char *name = NULL;
    const char *slash = strrchr(path, '/');
    int directory_len = slash ? (int)(slash - path) + 1 : 0;
    if (!stream->target || asprintf(&name, "%.*s.%s.XXXXXX", directory_len, path, path + directory_len) < 0)
        return ha_fail(err, HA_E_MEMORY, "out of memory for writing %s", path);
    stream->fd = mkostemp(name, O_CLOEXEC);
    if (stream->fd < 0) {
        ha_fail_errno(err, errno, "can't create a file beside %s", path);
        free(name);
        return err->code;
    }
    stream->temporary = name;
    return fchmod(stream->fd, mode) == 0 ? HA_OK : ha_fail_errno(err, errno, "can't set the mode of %s", path);
}

enum ha_code ha_out_stream_open(const char *path, mode_t mode, struct ha_out_stream *stream, struct ha_err *err)
{
    struct stat st;
    stream->fd = STDOUT_FILENO;
    if (!path || strcmp(path, "-") == 0)
        return HA_OK;
    mode_t mask = umask(077);
    umask(mask);
    stream->fd = -1;
    if (stat(path, &st) != 0) {
        stream->target = strdup(path);
        return open_beside(path, mode & ~mask, stream, err);
    }
    if (S_ISREG(st.st_mode)) {
        // The file that a link leads to is replaced, not the link.
        stream->target = realpath(path, NULL);
        return open_beside(stream->target ? stream->target : path, mode & ~mask & (st.st_mode | 0600), stream, err);
    }
    stream->fd = open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY);
    return stream->fd < 0 ? ha_fail_errno(err, errno, "can't open %s", path) : HA_OK;
}

static enum ha_code write_out(struct ha_out_stream *stream, struct ha_err *err)
{
    if (!ha_buf_ok(&stream->out))
        return ha_fail(err, HA_E_MEMORY, "out of memory for the output");
    for (size_t done = 0; done < stream->out.len;) {
        ssize_t n = write(stream->fd, stream->out.data + done, stream->out.len - done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EPIPE)
            return ha_fail(err, HA_E_IO, "%s", "");
        if (n < 0)
            return ha_fail_errno(err, errno, "can't write %s", stream->target ? stream->target : "the output");
        done += (size_t)n;
    }
    ha_buf_reset(&stream->out);
    return HA_OK;
}

enum ha_code ha_out_stream_flow(struct ha_out_stream *stream, struct ha_err *err)
{
    return stream->out.len < FLOW_BYTES && ha_buf_ok(&stream->out) ? HA_OK : write_out(stream, err);
}

enum ha_code ha_out_stream_end(struct ha_out_stream *stream, struct ha_err *err)
{
    if (write_out(stream, err))
        return err->code;
    if (!stream->temporary)
        return HA_OK;
    if (fsync(stream->fd) != 0)
        return ha_fail_errno(err, errno, "can't sync %s", stream->target);
    if (rename(stream->temporary, stream->target) != 0)
        return ha_fail_errno(err, errno, "can't replace %s", stream->target);
    free(stream->temporary);
    stream->temporary = NULL;
    return HA_OK;
}
