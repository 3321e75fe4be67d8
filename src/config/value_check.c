// SPDX-License-Identifier: Apache-2.0
// Checks of values. Each says what is wrong and what would be right.
#include "config/value_check.h"

#include "base/text.h"
#include "base/unit.h"

#include <grp.h>
#include <pwd.h>
#include <string.h>
#include <sys/un.h>

// Beside PATH the agent makes PATH.lock and, for a moment, PATH.new.
#define SOCKET_PATH_MAX (sizeof(((struct sockaddr_un *)NULL)->sun_path) - sizeof ".lock")

enum { ID_BUFFER = 65536 };

enum ha_code ha_value_check_path(const char *text, struct ha_err *err)
{
    if (text[0] == '/')
        return HA_OK;
    ha_fail(err, HA_E_CONFIG, "the path '%s' is relative", text);
    return ha_hint(err, "Write it in full, beginning with '/'.");
}

enum ha_code ha_value_check_socket(const char *text, struct ha_err *err)
{
    enum ha_code code = ha_value_check_path(text, err);
    if (code != HA_OK)
        return code;
    size_t n = strlen(text);
    if (n > SOCKET_PATH_MAX) {
        ha_fail(err, HA_E_CONFIG, "the socket's path has %zu bytes; Unix sockets leave room for %zu", n,
                SOCKET_PATH_MAX);
        return ha_hint(err, "Choose a shorter path, for example /run/hsm-agent/agent.sock.");
    }
    if (text[n - 1] == '/') {
        ha_fail(err, HA_E_CONFIG, "the socket's path '%s' names a directory", text);
        return ha_hint(err, "Add the socket's name, for example /run/hsm-agent/agent.sock.");
    }
    return HA_OK;
}

enum ha_code ha_value_check_bool(const char *text, bool *ret_value, struct ha_err *err)
{
    bool yes = strcmp(text, "yes") == 0;
    if (!yes && strcmp(text, "no") != 0) {
        ha_fail(err, HA_E_CONFIG, "'%s' is neither yes nor no", text);
        return ha_hint(err, "Write yes or no, in lower case.");
    }
    *ret_value = yes;
    return HA_OK;
}

enum ha_code ha_value_check_choice(const struct ha_option *option, const char *text, struct ha_err *err)
{
    size_t n = strlen(text);
    for (const char *word = option->value; *word; word += strspn(word, "|")) {
        size_t len = strcspn(word, "|");
        if (len == n && memcmp(word, text, n) == 0)
            return HA_OK;
        word += len;
    }
    ha_fail(err, HA_E_CONFIG, "'%s' is none of %s", text, option->value);
    return ha_hint(err, "Write one of them, in lower case; the default is %s.", option->fallback);
}

enum ha_code ha_value_check_uint(const struct ha_option *option, const char *text, unsigned *ret_value,
                                 struct ha_err *err)
{
    uint64_t value;
    if (!ha_parse_uint(text, option->min, option->max, &value)) {
        ha_fail(err, HA_E_CONFIG, "'%s' is not a number from %llu to %llu", text, (unsigned long long)option->min,
                (unsigned long long)option->max);
        return ha_hint(err, "Write a number in that range, in decimal and without a unit; the default is %s.",
                       option->fallback);
    }
    *ret_value = (unsigned)value;
    return HA_OK;
}

enum ha_code ha_value_check_mode(const char *text, mode_t *ret_value, struct ha_err *err)
{
    size_t digits = strspn(text, "01234567");
    if (text[digits] != '\0' || digits < 3 || digits > 4 || (digits == 4 && text[0] != '0')) {
        ha_fail(err, HA_E_CONFIG, "'%s' is not a mode from 0000 to 0777", text);
        return ha_hint(err, "Write the permissions in octal: 0660 for the owner and the group, 0666 for everybody.");
    }
    *ret_value = (mode_t)strtoul(text, NULL, 8);
    return HA_OK;
}

enum ha_code ha_value_check_unit(const char *text, struct ha_err *err)
{
    if (ha_unit_valid(text, strlen(text), true))
        return HA_OK;
    ha_fail(err, HA_E_CONFIG, "'%s' is no unit of systemd that a program can be in", text);
    return ha_hint(err, "Write its whole name, as 'systemctl status PID' shows it: nginx.service, worker@*.service.");
}

static bool parse_id(const char *text, unsigned *ret_id)
{
    uint64_t id;
    if (!ha_parse_uint(text, 0, UINT32_MAX - 1, &id))  // the last means "unchanged" to chown(2)
        return false;
    *ret_id = (unsigned)id;
    return true;
}

static enum ha_code unknown_id(const char *kind, const char *text, struct ha_err *err)
{
    ha_fail(err, HA_E_CONFIG, "there is no %s '%s' on this machine", kind, text);
    return ha_hint(err, "Correct the name, create the %s, or write its number; 'getent %s' lists those that exist.",
                   kind, kind[0] == 'u' ? "passwd" : "group");
}

enum ha_code ha_value_check_user(const char *text, unsigned *ret_uid, struct ha_err *err)
{
    struct passwd entry, *found = NULL;
    if (parse_id(text, ret_uid))
        return HA_OK;
    ha_auto(ha_free) char *buffer = malloc(ID_BUFFER);
    if (!buffer)
        return ha_fail(err, HA_E_MEMORY, "out of memory for looking up a user");
    if (getpwnam_r(text, &entry, buffer, ID_BUFFER, &found) != 0 || !found)
        return unknown_id("user", text, err);
    *ret_uid = entry.pw_uid;
    return HA_OK;
}

enum ha_code ha_value_check_group(const char *text, unsigned *ret_gid, struct ha_err *err)
{
    struct group entry, *found = NULL;
    if (parse_id(text, ret_gid))
        return HA_OK;
    ha_auto(ha_free) char *buffer = malloc(ID_BUFFER);
    if (!buffer)
        return ha_fail(err, HA_E_MEMORY, "out of memory for looking up a group");
    if (getgrnam_r(text, &entry, buffer, ID_BUFFER, &found) != 0 || !found)
        return unknown_id("group", text, err);
    *ret_gid = entry.gr_gid;
    return HA_OK;
}

static enum ha_code check_credential(const char *name, struct ha_err *err)
{
    if (ha_name_valid(name))
        return HA_OK;
    ha_fail(err, HA_E_CONFIG, "the credential's name is not valid");
    return ha_hint(err, "Write credential:NAME, where NAME is that of a LoadCredential= line of the agent's unit.");
}

enum ha_code ha_value_check_pin(const char *text, struct ha_err *err)
{
    static const char credential[] = "credential:", file[] = "file:";
    if (strcmp(text, "prompt") == 0)
        return HA_OK;
    if (strncmp(text, credential, strlen(credential)) == 0)
        return check_credential(text + strlen(credential), err);
    if (strncmp(text, file, strlen(file)) != 0) {
        ha_fail(err, HA_E_CONFIG, "the value doesn't say where the PIN comes from");
        return ha_hint(err, "Write credential:NAME, file:PATH or prompt. If the PIN itself stood there, change it: the "
                            "file may have been read.");
    }
    if (text[strlen(file)] != '/') {
        ha_fail(err, HA_E_CONFIG, "the path behind 'file:' is relative");
        return ha_hint(err, "Write it in full: file:/etc/hsm-agent/main.pin.");
    }
    return HA_OK;
}

enum ha_code ha_value_check_environment(const char *text, const struct ha_strings *before, struct ha_err *err)
{
    size_t n = strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_");
    if (n == 0 || (text[0] >= '0' && text[0] <= '9') || text[n] != '=') {
        ha_fail(err, HA_E_CONFIG, "the value is not of the form NAME=VALUE");
        return ha_hint(err, "Write one variable a line, for example SOFTHSM2_CONF=/etc/softhsm/softhsm2.conf.");
    }
    for (size_t i = 0; i < before->n; i++) {
        if (strncmp(before->items[i], text, n + 1) == 0) {
            ha_fail(err, HA_E_CONFIG, "the variable %.*s is set twice", (int)n, text);
            return ha_hint(err, "Keep one of the lines.");
        }
    }
    return HA_OK;
}
