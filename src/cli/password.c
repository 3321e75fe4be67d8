// SPDX-License-Identifier: Apache-2.0
#include "cli/password.h"

#include "base/auto.h"
#include "base/file.h"
#include "cli/dev_child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

static enum ha_code take(struct ha_secret *secret, struct ha_buf *out, struct ha_err *err)
{
    const uint8_t *bytes = ha_secret_data(secret);
    size_t n = ha_secret_len(secret);
    if (memchr(bytes, '\0', n))
        return ha_fail(err, HA_E_MALFORMED, "a password has no NUL in it");
    ha_buf_append(out, bytes, n);
    return ha_buf_ok(out) ? HA_OK : ha_fail(err, HA_E_MEMORY, "out of memory for a password");
}

static enum ha_code read_file(const char *path, enum ha_file_trust trust, struct ha_buf *out, struct ha_err *err)
{
    ha_auto(ha_secret_free) struct ha_secret *secret = NULL;
    if (ha_file_read_secret(path, HA_PASSWORD_MAX, trust, &secret, err))
        return ha_wrap(err, "the password");
    return take(secret, out, err);
}

static enum ha_code read_credential(const char *name, struct ha_buf *out, struct ha_err *err)
{
    ha_auto(ha_buf_clear) struct ha_buf path = {0};
    const char *directory = getenv("CREDENTIALS_DIRECTORY");
    if (!directory) {
        ha_fail(err, HA_E_CONFIG, "there is no directory of credentials (CREDENTIALS_DIRECTORY)");
        return ha_hint(err, "Credentials are for a service of systemd; in a shell use file:PATH or prompt.");
    }
    if (!*name || strchr(name, '/'))
        return ha_fail(err, HA_E_USAGE, "'%.64s' is no credential's name", name);
    ha_buf_printf(&path, "%s/%s", directory, name);
    return read_file(ha_buf_text(&path), HA_FILE_TRUSTED, out, err);
}

static enum ha_code read_line(int tty, const struct ha_dev_signals *signals, struct ha_secret *secret,
                              struct ha_err *err)
{
    struct pollfd wait[] = {{.fd = tty, .events = POLLIN}, {.fd = signals->fd, .events = POLLIN}};
    uint8_t *bytes = ha_secret_data(secret);
    while (poll(wait, HA_ARRAY_SIZE(wait), -1) < 0)
        if (errno != EINTR)
            return ha_fail_errno(err, errno, "can't wait for the terminal");
    bool from_terminal = false;
    if (wait[1].revents && ha_dev_signals_next(signals, &from_terminal)) {
        ha_fail(err, HA_E_STOPPING, "ended while a password was asked for; nothing was done");
        return ha_hint(err, "Start it again when you have the password.");
    }
    ssize_t n = read(tty, bytes, ha_secret_capacity(secret));
    if (n < 0)
        return ha_fail_errno(err, errno, "can't read the password from the terminal");
    size_t len = (size_t)n;
    while (len > 0 && (bytes[len - 1] == '\n' || bytes[len - 1] == '\r'))
        len--;
    ha_secret_set_len(secret, len);
    return n == 0 ? ha_fail(err, HA_E_MALFORMED, "no password was typed") : HA_OK;
}

static enum ha_code ask(const char *prompt, struct ha_buf *out, struct ha_err *err)
{
    ha_auto(ha_secret_free) struct ha_secret *secret = NULL;
    ha_auto(ha_close) int tty = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
    ha_auto(ha_dev_signals_restore) struct ha_dev_signals signals = {.fd = -1};
    struct termios before;
    if (tty < 0 || tcgetattr(tty, &before) != 0) {
        ha_fail_errno(err, errno, "there is no terminal to ask for the password");
        return ha_hint(err, "Run this in a terminal, or give --password file:PATH or credential:NAME.");
    }
    // Whoever presses Ctrl-C wants the echo back.
    if (ha_secret_new(HA_PASSWORD_MAX, &secret, err) || ha_dev_signals_take(&signals, err))
        return err->code;
    struct termios silent = before;
    silent.c_lflag = (silent.c_lflag & ~(tcflag_t)ECHO) | ICANON;
    if (tcsetattr(tty, TCSAFLUSH, &silent) != 0)
        return ha_fail_errno(err, errno, "can't turn the terminal's echo off");
    dprintf(tty, "%s: ", prompt);
    enum ha_code code = read_line(tty, &signals, secret, err);
    tcsetattr(tty, TCSAFLUSH, &before);
    dprintf(tty, "\n");
    return code ? code : take(secret, out, err);
}

enum ha_code ha_password_read(const char *source, const char *prompt, struct ha_buf *out, struct ha_err *err)
{
    static const char file[] = "file:", credential[] = "credential:";
    if (!source || strcmp(source, "prompt") == 0)
        return ask(prompt, out, err);
    if (strncmp(source, file, sizeof(file) - 1) == 0)
        return read_file(source + sizeof(file) - 1, HA_FILE_PRIVATE, out, err);
    if (strncmp(source, credential, sizeof(credential) - 1) == 0)
        return read_credential(source + sizeof(credential) - 1, out, err);
    // What was given may be the password itself: it isn't repeated.
    ha_fail(err, HA_E_USAGE, "--password takes a source, not a password: prompt, file:PATH or credential:NAME");
    return ha_hint(err, "If that was the password: others may have seen it, and your shell may remember it.");
}
