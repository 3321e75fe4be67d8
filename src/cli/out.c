// SPDX-License-Identifier: Apache-2.0
// Writing. Everything is made in memory first, so that a failure leaves no half of a result behind.
#include "cli/out.h"

#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static enum ha_code write_all(int fd, const char *name, const void *bytes, size_t n, struct ha_err *err)
{
    const char *from = bytes;
    while (n > 0) {
        ssize_t written = write(fd, from, n);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0 && errno == EPIPE)
            return ha_fail(err, HA_E_IO, "%s", "");
        if (written < 0)
            return ha_fail_errno(err, errno, "can't write %s", name);
        from += written;
        n -= (size_t)written;
    }
    return HA_OK;
}

// Control characters, which a terminal may obey, become question marks: C0, DEL, and C1 in its UTF-8 form.
void ha_out_put_tame(struct ha_buf *out, const char *text, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)text[i];
        bool is_c1 = c == 0xc2 && i + 1 < n && (unsigned char)text[i + 1] < 0xa0;
        bool is_c0 = (c < 0x20 && c != '\n' && c != '\t') || c == 0x7f;
        ha_buf_putc(out, is_c0 || is_c1 ? '?' : (char)c);
        i += is_c1;
    }
}

enum ha_code ha_out_text(const struct ha_buf *text, struct ha_err *err)
{
    ha_auto(ha_buf_clear) struct ha_buf tame = {0};
    ha_out_put_tame(&tame, ha_buf_text(text), text->len);
    if (!ha_buf_ok(text) || !ha_buf_ok(&tame))
        return ha_fail(err, HA_E_MEMORY, "out of memory for the output");
    return write_all(STDOUT_FILENO, "the output", tame.data, tame.len, err);
}

static bool is_stdout(const char *path)
{
    return !path || strcmp(path, "-") == 0;
}

enum ha_code ha_out_check(const char *path, bool binary, struct ha_err *err)
{
    if (!binary || !is_stdout(path) || !isatty(STDOUT_FILENO))
        return HA_OK;
    ha_fail(err, HA_E_USAGE, "the result is binary and would go to a terminal");
    return ha_hint(err, "Write it to a file with -o FILE, or into a pipe.");
}

static enum ha_code write_special(const char *path, const void *bytes, size_t n, struct ha_err *err)
{
    ha_auto(ha_close) int fd = open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0)
        return ha_fail_errno(err, errno, "can't open %s", path);
    return write_all(fd, path, bytes, n, err);
}

enum ha_code ha_out_bytes(const char *path, const void *bytes, size_t n, mode_t mode, struct ha_err *err)
{
    struct stat st;
    if (is_stdout(path))
        return write_all(STDOUT_FILENO, "the output", bytes, n, err);
    mode_t mask = umask(077);
    umask(mask);
    mode &= ~mask;
    if (stat(path, &st) != 0)
        return ha_file_write(path, bytes, n, mode, err);
    if (!S_ISREG(st.st_mode))
        return write_special(path, bytes, n, err);
    // The file that a link leads to is replaced, not the link.
    ha_auto(ha_free) char *target = realpath(path, NULL);
    if (!target)
        return ha_fail_errno(err, errno, "can't resolve %s", path);
    return ha_file_write(target, bytes, n, mode & (st.st_mode | 0600), err);
}

enum ha_code ha_out_json(const char *path, const struct ha_buf *json, mode_t mode, struct ha_err *err)
{
    ha_auto(ha_buf_clear) struct ha_buf text = {0};
    ha_buf_append(&text, json->data, json->len);
    ha_buf_putc(&text, '\n');
    if (!ha_buf_ok(&text))
        return ha_fail(err, HA_E_MEMORY, "out of memory for the output");
    return ha_out_bytes(path, text.data, text.len, mode, err);
}

void ha_out_stderr(const char *text, size_t n)
{
    ha_auto(ha_buf_clear) struct ha_buf tame = {0};
    struct ha_err ignored = {0};  // there is no other place to report to
    ha_out_put_tame(&tame, text, n);
    write_all(STDERR_FILENO, "stderr", tame.data, tame.len, &ignored);
}

void ha_out_error(const struct ha_err *err)
{
    ha_auto(ha_buf_clear) struct ha_buf text = {0};
    if (!err->detail[0])
        return;
    ha_buf_printf(&text, "hsm-agent: %s", err->detail);
    if (err->pointer[0])
        ha_buf_printf(&text, " (at %s)", err->pointer);
    if (err->function[0] && !strstr(err->detail, err->function))
        ha_buf_printf(&text, " (%s: 0x%lx)", err->function, err->rv);
    ha_buf_putc(&text, '\n');
    if (err->hint[0])
        ha_buf_printf(&text, "  remedy: %s\n", err->hint);
    ha_out_stderr(ha_buf_text(&text), text.len);
}

void ha_out_note(const char *format, ...)
{
    char line[512];
    ha_auto(ha_buf_clear) struct ha_buf text = {0};
    va_list args;
    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    ha_buf_printf(&text, "hsm-agent: note: %s\n", line);
    ha_out_stderr(ha_buf_text(&text), text.len);
}
