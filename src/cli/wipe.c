// SPDX-License-Identifier: Apache-2.0
#include "cli/wipe.h"

#include "base/auto.h"
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

static enum ha_code open_file(const char *path, int *ret_fd, off_t *ret_size, struct ha_err *err)
{
    struct stat st;
    ha_auto(ha_close) int fd = open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0 || fstat(fd, &st) != 0)
        return ha_fail_errno(err, errno, "can't open %s to overwrite it", path);
    if (!S_ISREG(st.st_mode) || st.st_nlink != 1)
        return ha_fail(err, HA_E_USAGE, "%s can't be wiped: it isn't a regular file under one name", path);
    *ret_fd = fd;
    fd = -1;
    *ret_size = st.st_size;
    return HA_OK;
}

enum ha_code ha_wipe_check(const char *path, struct ha_err *err)
{
    ha_auto(ha_close) int fd = -1;
    off_t size;
    if (strcmp(path, "-") == 0)
        return ha_fail(err, HA_E_USAGE, "what comes from stdin can't be wiped");
    return open_file(path, &fd, &size, err);
}

static enum ha_code overwrite(int fd, const char *path, off_t size, struct ha_err *err)
{
    uint8_t noise[4096];
    for (off_t at = 0; at < size;) {
        size_t n = size - at < (off_t)sizeof(noise) ? (size_t)(size - at) : sizeof(noise);
        for (size_t have = 0; have < n;) {
            ssize_t got = getrandom(noise + have, n - have, 0);
            if (got < 0 && errno != EINTR)
                return ha_fail_errno(err, errno, "getrandom");
            have += got > 0 ? (size_t)got : 0;
        }
        ssize_t put = pwrite(fd, noise, n, at);
        if (put < 0 && errno != EINTR)
            return ha_fail_errno(err, errno, "%s can't be overwritten", path);
        at += put > 0 ? put : 0;
    }
    return fsync(fd) == 0 ? HA_OK : ha_fail_errno(err, errno, "%s can't be synced", path);
}

enum ha_code ha_wipe_file(const char *path, struct ha_err *err)
{
    ha_auto(ha_close) int fd = -1;
    off_t size;
    if (open_file(path, &fd, &size, err) || overwrite(fd, path, size, err))
        return err->code;
    return ha_file_remove(path, err);
}
