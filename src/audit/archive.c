// SPDX-License-Identifier: Apache-2.0
#include "audit/archive.h"

#include "audit/audit_internal.h"
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

enum { PIECE = 256 * 1024 };

static void close_gz(gzFile *file)
{
    if (*file)
        gzclose(*file);
}

static enum ha_code copy(int from, const char *path, int to, const atomic_bool *stop, struct ha_err *err)
{
    ha_auto(ha_free) char *piece = malloc(PIECE);
    int own = dup(to);  // closed with the stream
    __attribute__((cleanup(close_gz))) gzFile out = own < 0 ? NULL : gzdopen(own, "wb6");
    if (!piece || !out) {
        if (own >= 0 && !out)
            close(own);
        return ha_fail(err, HA_E_MEMORY, "out of memory for compressing %s", path);
    }
    for (;;) {
        if (atomic_load(stop))
            return ha_fail(err, HA_E_STOPPING, "%s isn't compressed yet", path);
        ssize_t n = read(from, piece, PIECE);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return ha_fail_errno(err, errno, "can't read %s", path);
        if (n == 0)
            break;
        if (gzwrite(out, piece, (unsigned)n) != n)
            return ha_fail_errno(err, errno ? errno : EIO, "can't write %s.gz", path);
    }
    int ended = gzclose(out);
    out = NULL;
    return ended == Z_OK ? HA_OK : ha_fail_errno(err, errno ? errno : EIO, "can't write %s.gz", path);
}

static enum ha_code make(const char *path, const char *part, const atomic_bool *stop, struct ha_err *err)
{
    struct stat st;
    ha_auto(ha_close) int from = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY);
    if (from < 0 || fstat(from, &st) != 0)
        return ha_fail_errno(err, errno, "can't open %s", path);
    ha_auto(ha_close) int to = open(part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (to < 0)
        return ha_fail_errno(err, errno, "can't make %s", part);
    const struct timespec times[] = {st.st_mtim, st.st_mtim};  // how old its last line is
    if (copy(from, path, to, stop, err))
        return err->code;
    if (futimens(to, times) != 0 || fsync(to) != 0)
        return ha_fail_errno(err, errno, "can't sync %s", part);
    return HA_OK;
}

static char *with_suffix(const char *path, const char *suffix)
{
    char *text = NULL;
    return asprintf(&text, "%s%s", path, suffix) < 0 ? NULL : text;
}

enum ha_code ha_audit_compress(const char *path, const atomic_bool *stop, struct ha_err *err)
{
    ha_auto(ha_free) char *whole = with_suffix(path, ".gz");
    ha_auto(ha_free) char *part = with_suffix(path, ".gz.part");
    if (!whole || !part)
        return ha_fail(err, HA_E_MEMORY, "out of memory for compressing %s", path);
    if (make(path, part, stop, err)) {
        unlink(part);
        return err->code;
    }
    if (rename(part, whole) != 0)
        return ha_fail_errno(err, errno, "can't rename %s", part);
    return ha_audit_sync_directory(whole, err) ? err->code : ha_file_remove(path, err);
}
