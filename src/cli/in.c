// SPDX-License-Identifier: Apache-2.0
// Reading until the end or the limit.
#include "cli/in.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

static enum ha_code read_until(int fd, const char *name, size_t max, struct ha_buf *out, struct ha_err *err)
{
    enum { STEP = 16384 };
    size_t total = 0;
    for (;;) {
        uint8_t *room = ha_buf_reserve(out, STEP);
        if (!room)
            return ha_fail(err, HA_E_MEMORY, "out of memory for reading %s", name);
        ssize_t n = read(fd, room, STEP);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return ha_fail_errno(err, errno, "can't read %s", name);
        if (n == 0)
            return HA_OK;
        ha_buf_advance(out, (size_t)n);
        total += (size_t)n;
        if (total > max)
            return ha_fail(err, HA_E_TOO_LARGE, "%s is over %zu bytes", name, max);
    }
}

enum ha_code ha_in_read(const char *path, size_t max, struct ha_buf *out, struct ha_err *err)
{
    if (!path || strcmp(path, "-") == 0)
        return read_until(STDIN_FILENO, "the input", max, out, err);
    ha_auto(ha_close) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0)
        return ha_fail_errno(err, errno, "can't open %s", path);
    return read_until(fd, path, max, out, err);
}
