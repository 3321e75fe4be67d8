// SPDX-License-Identifier: Apache-2.0
#include "token/pin.h"

#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

static enum ha_code refuse_empty(const struct ha_secret *pin, struct ha_err *err)
{
    if (ha_secret_len(pin) > 0)
        return HA_OK;
    ha_fail(err, HA_E_CONFIG, "the PIN is empty");
    return ha_hint(err, "Put the PIN into its file, or enter it.");
}

enum ha_code ha_pin_read(const char *source, struct ha_secret **ret_pin, struct ha_err *err)
{
    ha_auto(ha_secret_free) struct ha_secret *pin = NULL;
    if (ha_file_read_secret(source + strlen("file:"), HA_PIN_MAX, HA_FILE_PRIVATE, &pin, err))
        return ha_wrap(err, "the PIN's file");
    if (refuse_empty(pin, err))
        return ha_wrap(err, "%s", source);
    *ret_pin = ha_take(&pin);
    return HA_OK;
}

// The terminal's line discipline collects the line; one read gets it.
static enum ha_code read_line(int tty, int control, struct ha_secret *pin, struct ha_err *err)
{
    struct pollfd wait[2] = {{.fd = tty, .events = POLLIN}, {.fd = control, .events = 0}};
    while (poll(wait, 2, -1) < 0) {
        if (errno != EINTR)
            return ha_fail_errno(err, errno, "can't wait for the terminal");
    }
    if (wait[1].revents)
        return ha_fail(err, HA_E_TOKEN_DOWN, "the PIN isn't wanted any more");
    ssize_t n = read(tty, ha_secret_data(pin), ha_secret_capacity(pin));
    if (n < 0)
        return ha_fail_errno(err, errno, "can't read the PIN from the terminal");
    size_t len = (size_t)n;
    while (len > 0 && (ha_secret_data(pin)[len - 1] == '\n' || ha_secret_data(pin)[len - 1] == '\r'))
        len--;
    ha_secret_set_len(pin, len);
    return refuse_empty(pin, err);
}

enum ha_code ha_pin_ask(const char *question, int control, struct ha_secret **ret_pin, struct ha_err *err)
{
    ha_auto(ha_secret_free) struct ha_secret *pin = NULL;
    ha_auto(ha_close) int tty = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
    struct termios before;
    if (tty < 0 || tcgetattr(tty, &before) != 0) {
        ha_fail_errno(err, errno, "there is no terminal to ask for the PIN");
        return ha_hint(err, "Start it in a terminal, or put the PIN into a file: file:PATH or credential:NAME.");
    }
    if (ha_secret_new(HA_PIN_MAX + 1, &pin, err))
        return err->code;

    struct termios silent = before;
    silent.c_lflag = (silent.c_lflag & ~(tcflag_t)ECHO) | ICANON;
    if (tcsetattr(tty, TCSAFLUSH, &silent) != 0)
        return ha_fail_errno(err, errno, "can't turn the terminal's echo off");
    dprintf(tty, "%s: ", question);
    enum ha_code code = read_line(tty, control, pin, err);
    tcsetattr(tty, TCSAFLUSH, &before);
    dprintf(tty, "\n");
    if (code)
        return code;
    *ret_pin = ha_take(&pin);
    return HA_OK;
}

enum ha_code ha_pin_prompt(const char *token_name, int control, struct ha_secret **ret_pin, struct ha_err *err)
{
    char question[80];
    snprintf(question, sizeof(question), "PIN of token %s", token_name);
    enum ha_code code = ha_pin_ask(question, control, ret_pin, err);
    if (code == HA_E_TOKEN_DOWN)
        return ha_fail(err, HA_E_TOKEN_DOWN, "the daemon ended while the PIN was asked for");
    return code;
}
