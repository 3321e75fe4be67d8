// SPDX-License-Identifier: Apache-2.0
// PINs from the kernel's randomness, the token by hsm-agent-token --init.
#include "cli/dev_token.h"

#include "base/file.h"
#include "base/text.h"
#include "token/options.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

enum { SERIAL_MAX = 64 };

// What makes a token.
struct maker {
    const char *program, *module;
    const struct ha_dev_signals *signals;
    int log;
};

static enum ha_code no_memory(struct ha_err *err)
{
    return ha_fail(err, HA_E_MEMORY, "out of memory for the token");
}

// A PIN that nobody needs to know, unless there is one already.
static enum ha_code make_pin(const struct ha_dev_dir *dir, const char *name, struct ha_err *err)
{
    enum { RANDOM_LEN = 16 };
    ha_auto(ha_free) char *path = ha_dev_dir_file(dir, name);
    ha_auto(ha_buf_clear) struct ha_buf pin = {0};
    ha_auto(ha_buf_clear) struct ha_buf random = {0};
    if (!path)
        return no_memory(err);
    if (access(path, F_OK) == 0)
        return HA_OK;
    uint8_t *bytes = ha_buf_reserve(&random, RANDOM_LEN);
    if (!bytes)
        return no_memory(err);
    if (getrandom(bytes, RANDOM_LEN, 0) != RANDOM_LEN)
        return ha_fail_errno(err, errno, "can't get random bytes");
    ha_buf_advance(&random, RANDOM_LEN);
    ha_hex_encode(&pin, random.data, random.len);
    if (!ha_buf_ok(&pin))
        return no_memory(err);
    return ha_file_write(path, pin.data, pin.len, 0600, err);
}

// SoftHSM2's own configuration, with the token's files in the directory called tokens_name.
static enum ha_code write_softhsm_conf(const struct ha_dev_dir *dir, const char *tokens_name, struct ha_err *err)
{
    ha_auto(ha_free) char *path = ha_dev_dir_file(dir, "softhsm2.conf");
    ha_auto(ha_free) char *tokens = ha_dev_dir_file(dir, tokens_name);
    ha_auto(ha_buf_clear) struct ha_buf text = {0};
    if (!path || !tokens)
        return no_memory(err);
    ha_buf_printf(&text,
                  "directories.tokendir = %s\nobjectstore.backend = file\nlog.level = ERROR\nslots.removable = false\n",
                  tokens);
    if (!ha_buf_ok(&text))
        return no_memory(err);
    enum ha_code code = ha_dir_make(tokens, 0700, err);
    return code == HA_OK ? ha_file_write(path, text.data, text.len, 0600, err) : code;
}

// Reads the serial number that the initialisation prints, until it hangs up or a signal comes.
static enum ha_code read_serial(int pipe, const struct ha_dev_signals *signals, struct ha_buf *serial,
                                struct ha_err *err)
{
    char text[SERIAL_MAX];
    struct pollfd ready[] = {{.fd = pipe, .events = POLLIN}, {.fd = signals->fd, .events = POLLIN}};
    while (serial->len < SERIAL_MAX) {
        if (poll(ready, HA_ARRAY_SIZE(ready), -1) < 0)
            continue;
        if (ready[1].revents)
            return ha_fail(err, HA_E_STOPPING, "ended by a signal while the token was made");
        ssize_t n = read(pipe, text, sizeof text);
        if (n <= 0)
            break;
        ha_buf_append(serial, text, (size_t)n);
    }
    const char *all = ha_buf_text(serial);
    size_t n = strspn(all, "0123456789abcdefABCDEF");
    if (n == 0 || strcmp(all + n, "\n") != 0)
        return ha_fail(err, HA_E_TOKEN_ERROR, "the initialisation of the token printed no serial number");
    serial->len = n;
    serial->data[n] = 0;
    return HA_OK;
}

// The command line of the initialisation: the PINs are in files that it names.
struct init_args {
    char *module, *so_pin, *pin, *conf;
};

static void init_args_clear(struct init_args *args)
{
    free(args->module);
    free(args->so_pin);
    free(args->pin);
    free(args->conf);
}
HA_AUTO_DEFINE_CLEAR(struct init_args, init_args_clear)

static char *join(const char *option, const char *directory, const char *name)
{
    char *text;
    return asprintf(&text, "%s%s%s%s", option, directory, *name ? "/" : "", name) < 0 ? NULL : text;
}

static bool init_args_fill(struct init_args *args, const struct ha_dev_dir *dir, const char *module)
{
    args->module = join("--" HA_TOKEN_OPT_MODULE "=", module, "");
    args->so_pin = join("--" HA_TOKEN_OPT_SO_PIN "=file:", dir->path, "so-pin");
    args->pin = join("--" HA_TOKEN_OPT_PIN "=file:", dir->path, "pin");
    args->conf = join("SOFTHSM2_CONF=", dir->path, "softhsm2.conf");
    return args->module && args->so_pin && args->pin && args->conf;
}

static enum ha_code init_token(const struct ha_dev_dir *dir, const struct maker *maker, struct ha_buf *ret_serial,
                               struct ha_err *err)
{
    ha_auto(init_args_clear) struct init_args args = {0};
    ha_auto(ha_dev_child_clear) struct ha_dev_child child = {.pidfd = -1};
    ha_auto(ha_close) int from_child = -1;
    int ends[2];
    if (!init_args_fill(&args, dir, maker->module))
        return no_memory(err);
    const char *const argv[] = {maker->program,
                                "--" HA_TOKEN_OPT_INIT,
                                "--" HA_TOKEN_OPT_LABEL "=dev",
                                args.module,
                                args.so_pin,
                                args.pin,
                                NULL};
    const char *const environment[] = {args.conf, NULL};
    if (pipe2(ends, O_CLOEXEC) != 0)
        return ha_fail_errno(err, errno, "can't make a pipe");
    from_child = ends[0];
    struct ha_dev_start start = {.argv = argv,
                                 .environment = environment,
                                 .only_environment = true,
                                 .daemon = true,
                                 .out = ends[1],
                                 .err = maker->log};
    enum ha_code code = ha_dev_child_start(&start, maker->signals, &child, err);
    close(ends[1]);
    if (code != HA_OK)
        return code;
    code = read_serial(from_child, maker->signals, ret_serial, err);
    if (code == HA_E_STOPPING)
        return code;
    ha_dev_child_reap(&child);
    if (child.status != 0)
        return ha_fail(err, HA_E_TOKEN_ERROR, "the token can't be initialised: %s ended with status %d", maker->program,
                       child.status);
    return code;
}

// Makes a token in a directory of another name, and renames that when all is done: a start that was interrupted leaves
// no half of a token behind, and nothing that was there is touched.
static enum ha_code make_token(const struct ha_dev_dir *dir, const struct maker *maker, const char *serial_path,
                               struct ha_buf *ret_serial, struct ha_err *err)
{
    ha_auto(ha_free) char *fresh = ha_dev_dir_file(dir, "tokens.new");
    ha_auto(ha_free) char *tokens = ha_dev_dir_file(dir, "tokens");
    if (!fresh || !tokens)
        return no_memory(err);
    ha_dev_dir_wipe(fresh);
    if (make_pin(dir, "pin", err) != HA_OK || make_pin(dir, "so-pin", err) != HA_OK ||
        write_softhsm_conf(dir, "tokens.new", err) != HA_OK || init_token(dir, maker, ret_serial, err) != HA_OK ||
        ha_file_write(serial_path, ret_serial->data, ret_serial->len, 0600, err) != HA_OK)
        return err->code;
    if (rename(fresh, tokens) != 0)
        return ha_fail_errno(err, errno, "can't rename %s", fresh);
    return HA_OK;
}

enum ha_code ha_dev_token_ensure(const struct ha_dev_dir *dir, const char *program, const char *module,
                                 const struct ha_dev_signals *signals, int log, struct ha_buf *ret_serial,
                                 struct ha_err *err)
{
    const struct maker maker = {.program = program, .module = module, .signals = signals, .log = log};
    ha_auto(ha_free) char *path = ha_dev_dir_file(dir, "serial");
    ha_auto(ha_free) char *tokens = ha_dev_dir_file(dir, "tokens");
    if (!path || !tokens)
        return no_memory(err);
    enum ha_code code = access(tokens, F_OK) == 0 ? ha_file_read(path, SERIAL_MAX, HA_FILE_PRIVATE, ret_serial, err)
                                                  : make_token(dir, &maker, path, ret_serial, err);
    return code == HA_OK ? write_softhsm_conf(dir, "tokens", err) : code;
}
