// SPDX-License-Identifier: Apache-2.0
#include "audit/reader.h"

#include "audit/line.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

enum { READ_SIZE = 1024 * 1024, BUFFER_SIZE = READ_SIZE + HA_AUDIT_LINE_MAX };

struct ha_audit_reader {
    gzFile file;
    char *path;
    uint64_t offset;    // of data[start]
    size_t start, end;  // what is read and not given out yet
    char data[BUFFER_SIZE];
};

void ha_audit_reader_free(struct ha_audit_reader *reader)
{
    if (!reader)
        return;
    if (reader->file)
        gzclose(reader->file);
    free(reader->path);
    free(reader);
}

enum ha_code ha_audit_reader_open(const char *path, uint64_t offset, struct ha_audit_reader **ret_reader,
                                  struct ha_err *err)
{
    ha_auto(ha_audit_reader_free) struct ha_audit_reader *reader = malloc(sizeof *reader);
    struct stat st;
    if (!reader)
        return ha_fail(err, HA_E_MEMORY, "out of memory for reading %s", path);
    memset(reader, 0, offsetof(struct ha_audit_reader, data));
    // A FIFO would be waited for.
    ha_auto(ha_close) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0 || fstat(fd, &st) != 0)
        return ha_fail_errno(err, errno, "can't open %s", path);
    if (!S_ISREG(st.st_mode))
        return ha_fail(err, HA_E_IO, "%s isn't a regular file", path);
    posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL);
    reader->path = strdup(path);
    reader->file = gzdopen(fd, "rb");
    if (!reader->path || !reader->file)
        return ha_fail(err, HA_E_MEMORY, "out of memory for reading %s", path);
    fd = -1;
    gzbuffer(reader->file, 128 * 1024);
    if (offset > 0 && gzseek(reader->file, (z_off_t)offset, SEEK_SET) < 0)
        return ha_fail(err, HA_E_IO, "can't read %s from byte %llu on", path, (unsigned long long)offset);
    reader->offset = offset;
    *ret_reader = ha_take(&reader);
    return HA_OK;
}

// Reads more behind what there is. ret_n 0: the file is at its end.
static enum ha_code fill(struct ha_audit_reader *reader, size_t *ret_n, struct ha_err *err)
{
    if (reader->start > 0) {
        memmove(reader->data, reader->data + reader->start, reader->end - reader->start);
        reader->end -= reader->start;
        reader->start = 0;
    }
    size_t room = BUFFER_SIZE - reader->end;
    int n = gzread(reader->file, reader->data + reader->end, (unsigned)(room < READ_SIZE ? room : READ_SIZE));
    int code = Z_OK;
    const char *words = gzerror(reader->file, &code);
    if (n < 0 || (code != Z_OK && code != Z_STREAM_END)) {
        if (code == Z_ERRNO)
            return ha_fail_errno(err, errno, "can't read %s", reader->path);
        return ha_fail(err, HA_E_IO, "can't unpack %s: %s", reader->path, words);
    }
    if (n == 0)
        gzclearerr(reader->file);  // it may grow
    reader->end += (size_t)n;
    *ret_n = (size_t)n;
    return HA_OK;
}

static void give(struct ha_audit_reader *reader, size_t n, bool whole, struct ha_audit_text *ret_text)
{
    *ret_text =
        (struct ha_audit_text){.text = reader->data + reader->start, .n = n, .offset = reader->offset, .whole = whole};
}

enum ha_code ha_audit_reader_next(struct ha_audit_reader *reader, struct ha_audit_text *ret_text, struct ha_err *err)
{
    size_t seen = 0, n = 1;
    for (;;) {
        const char *from = reader->data + reader->start;
        size_t have = reader->end - reader->start;
        const char *newline = have > seen ? memchr(from + seen, '\n', have - seen) : NULL;
        if (newline && (size_t)(newline - from) < HA_AUDIT_LINE_MAX) {
            size_t len = (size_t)(newline - from);
            give(reader, len, true, ret_text);
            reader->start += len + 1;
            reader->offset += len + 1;
            return HA_OK;
        }
        if (have >= HA_AUDIT_LINE_MAX) {
            give(reader, HA_AUDIT_LINE_MAX, false, ret_text);
            reader->start += HA_AUDIT_LINE_MAX;
            reader->offset += HA_AUDIT_LINE_MAX;
            return HA_OK;
        }
        seen = have;
        if (n == 0) {
            // What isn't whole stays, since the rest of it may be on its way.
            give(reader, have, false, ret_text);
            if (have == 0)
                ret_text->text = NULL;
            return HA_OK;
        }
        if (fill(reader, &n, err))
            return err->code;
    }
}

uint64_t ha_audit_reader_consumed(const struct ha_audit_reader *reader)
{
    z_off_t at = gzoffset(reader->file);
    return at > 0 ? (uint64_t)at : 0;
}
