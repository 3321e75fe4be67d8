// SPDX-License-Identifier: Apache-2.0
// Reading, replacing and removing files.
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static enum ha_code check_owner(const char *path, const struct stat *st, enum ha_file_trust trust, struct ha_err *err)
{
    if (st->st_uid != 0 && st->st_uid != geteuid()) {
        ha_fail(err, HA_E_CONFIG, "%s belongs to uid %u, who is neither root nor this process's user", path,
                (unsigned)st->st_uid);
        return ha_hint(err, "Give it to root or to uid %u: chown %u %s", (unsigned)geteuid(), (unsigned)geteuid(),
                       path);
    }
    unsigned mode = st->st_mode & 07777;
    if (trust == HA_FILE_PRIVATE && (mode & 077) != 0) {
        ha_fail(err, HA_E_CONFIG, "%s is open to its group or to everyone (mode %04o)", path, mode);
        return ha_hint(err, "Make it private: chmod 0600 %s", path);
    }
    if ((mode & 022) != 0) {
        ha_fail(err, HA_E_CONFIG, "%s can be written by its group or by everyone (mode %04o)", path, mode);
        return ha_hint(err, "Take that away: chmod go-w %s", path);
    }
    return HA_OK;
}

static enum ha_code check_trust(const char *path, const struct stat *st, enum ha_file_trust trust, struct ha_err *err)
{
    if (!S_ISREG(st->st_mode)) {
        ha_fail(err, HA_E_CONFIG, "%s isn't a regular file", path);
        return ha_hint(err, "Name a regular file.");
    }
    return trust == HA_FILE_ANY ? HA_OK : check_owner(path, st, trust, err);
}

static enum ha_code too_large(const char *path, size_t max, struct ha_err *err)
{
    ha_fail(err, HA_E_TOO_LARGE, "%s is larger than %zu bytes", path, max);
    return ha_hint(err, "Check that it is the file you mean.");
}

static enum ha_code open_checked(const char *path, enum ha_file_trust trust, int *ret_fd, struct ha_err *err)
{
    struct stat st;
    // O_NONBLOCK: opening a FIFO must not wait for its writer
    ha_auto(ha_close) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0 || fstat(fd, &st) != 0)
        return ha_fail_errno(err, errno, "can't open %s", path);
    enum ha_code code = check_trust(path, &st, trust, err);
    if (code != HA_OK)
        return code;
    *ret_fd = fd;
    fd = -1;
    return HA_OK;
}

// Reads until the end or until size bytes are there.
static enum ha_code read_some(int fd, const char *path, uint8_t *bytes, size_t size, size_t *ret_n, struct ha_err *err)
{
    size_t have = 0;
    while (have < size) {
        ssize_t n = read(fd, bytes + have, size - have);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return ha_fail_errno(err, errno, "can't read %s", path);
        if (n == 0)
            break;
        have += (size_t)n;
    }
    *ret_n = have;
    return HA_OK;
}

enum ha_code ha_file_read(const char *path, size_t max, enum ha_file_trust trust, struct ha_buf *out,
                          struct ha_err *err)
{
    enum { STEP = 16384 };
    ha_auto(ha_close) int fd = -1;
    ha_auto(ha_buf_clear) struct ha_buf content = {0};
    enum ha_code code = open_checked(path, trust, &fd, err);
    if (code != HA_OK)
        return code;
    size_t n;
    do {
        uint8_t *room = ha_buf_reserve(&content, STEP);
        if (!room)
            return ha_fail(err, HA_E_MEMORY, "out of memory for reading %s", path);
        code = read_some(fd, path, room, STEP, &n, err);
        if (code != HA_OK)
            return code;
        ha_buf_advance(&content, n);
        if (content.len > max)
            return too_large(path, max, err);
    } while (n == STEP);
    ha_buf_append(out, content.data, content.len);
    if (!ha_buf_ok(out))
        return ha_fail(err, HA_E_MEMORY, "out of memory for reading %s", path);
    return HA_OK;
}

enum ha_code ha_file_read_secret(const char *path, size_t max, enum ha_file_trust trust, struct ha_secret **ret_secret,
                                 struct ha_err *err)
{
    ha_auto(ha_close) int fd = -1;
    ha_auto(ha_secret_free) struct ha_secret *secret = NULL;
    enum ha_code code = open_checked(path, trust, &fd, err);
    if (code != HA_OK)
        return code;
    // One byte more shows that there is more.
    code = ha_secret_new(max + 1, &secret, err);
    if (code != HA_OK)
        return code;
    size_t n;
    uint8_t *bytes = ha_secret_data(secret);
    code = read_some(fd, path, bytes, max + 1, &n, err);
    if (code != HA_OK)
        return code;
    if (n > max)
        return too_large(path, max, err);
    while (n > 0 && (bytes[n - 1] == '\n' || bytes[n - 1] == '\r'))
        n--;
    ha_secret_set_len(secret, n);
    *ret_secret = ha_take(&secret);
    return HA_OK;
}

// The directory part of path, "." when it has none.
static char *parent_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    if (!slash)
        return strdup(".");
    return strndup(path, slash == path ? 1 : (size_t)(slash - path));
}

static enum ha_code sync_parent(const char *path, struct ha_err *err)
{
    ha_auto(ha_free) char *directory = parent_of(path);
    if (!directory)
        return ha_fail(err, HA_E_MEMORY, "out of memory for syncing %s", path);
    ha_auto(ha_close) int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return ha_fail_errno(err, errno, "can't open the directory %s", directory);
    // Some file systems can't sync a directory and say EINVAL; they have nothing more to offer.
    if (fsync(fd) != 0 && errno != EINVAL)
        return ha_fail_errno(err, errno, "can't sync the directory %s", directory);
    return HA_OK;
}

static enum ha_code write_all(int fd, const char *path, const void *bytes, size_t n, struct ha_err *err)
{
    const uint8_t *from = bytes;
    while (n > 0) {
        ssize_t written = write(fd, from, n);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return ha_fail_errno(err, errno, "can't write %s", path);
        from += written;
        n -= (size_t)written;
    }
    return HA_OK;
}

// Takes the descriptor, and leaves a complete file on the disk.
static enum ha_code fill_file(int owned_fd, const char *path, const void *bytes, size_t n, mode_t mode,
                              struct ha_err *err)
{
    ha_auto(ha_close) int fd = owned_fd;
    enum ha_code code = write_all(fd, path, bytes, n, err);
    if (code != HA_OK)
        return code;
    if (fchmod(fd, mode) != 0)
        return ha_fail_errno(err, errno, "can't set the mode of %s", path);
    if (fsync(fd) != 0)
        return ha_fail_errno(err, errno, "can't sync %s", path);
    return HA_OK;
}

enum ha_code ha_file_write(const char *path, const void *bytes, size_t n, mode_t mode, struct ha_err *err)
{
    ha_auto(ha_buf_clear) struct ha_buf temporary = {0};
    const char *slash = strrchr(path, '/');
    size_t directory_len = slash ? (size_t)(slash - path) + 1 : 0;
    ha_buf_append(&temporary, path, directory_len);
    ha_buf_printf(&temporary, ".%s.XXXXXX", path + directory_len);
    if (!ha_buf_ok(&temporary))
        return ha_fail(err, HA_E_MEMORY, "out of memory for writing %s", path);
    char *name = (char *)temporary.data;
    int fd = mkostemp(name, O_CLOEXEC);
    if (fd < 0)
        return ha_fail_errno(err, errno, "can't create a file beside %s", path);
    enum ha_code code = fill_file(fd, path, bytes, n, mode, err);
    if (code == HA_OK && rename(name, path) != 0)
        code = ha_fail_errno(err, errno, "can't replace %s", path);
    if (code != HA_OK) {
        int cause = errno;
        unlink(name);
        errno = cause;
        return code;
    }
    return sync_parent(path, err);
}

enum ha_code ha_file_remove(const char *path, struct ha_err *err)
{
    if (unlink(path) == 0)
        return sync_parent(path, err);
    if (errno == ENOENT)
        return HA_OK;
    return ha_fail_errno(err, errno, "can't remove %s", path);
}

// One directory whose parent is there.
static enum ha_code make_one(const char *path, mode_t mode, struct ha_err *err)
{
    struct stat st;
    if (mkdir(path, mode) == 0) {
        if (chmod(path, mode) != 0)  // the umask took bits away
            return ha_fail_errno(err, errno, "can't set the mode of the directory %s", path);
        return HA_OK;
    }
    int cause = errno;
    // mkdir's own answer for what is there may also be EROFS or EACCES
    if (stat(path, &st) != 0)
        return ha_fail_errno(err, cause, "can't make the directory %s", path);
    if (!S_ISDIR(st.st_mode))
        return ha_fail_errno(err, ENOTDIR, "can't make the directory %s", path);
    return HA_OK;
}

enum ha_code ha_dir_make(const char *path, mode_t mode, struct ha_err *err)
{
    ha_auto(ha_free) char *prefix = strdup(path);
    if (!prefix)
        return ha_fail(err, HA_E_MEMORY, "out of memory for making %s", path);
    for (char *at = prefix; *at; at++) {
        if (*at != '/' || at == prefix)
            continue;
        *at = '\0';
        enum ha_code code = make_one(prefix, mode, err);
        if (code != HA_OK)
            return code;
        *at = '/';
    }
    return make_one(path, mode, err);
}

enum ha_code ha_dir_check(const char *path, struct ha_err *err)
{
    struct stat st;
    ha_auto(ha_close) int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) != 0)
        return ha_fail_errno(err, errno, "can't open the directory %s", path);
    return check_owner(path, &st, HA_FILE_TRUSTED, err);
}
