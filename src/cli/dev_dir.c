// SPDX-License-Identifier: Apache-2.0
// Finding, checking, locking and removing the directory.
#include "cli/dev_dir.h"

#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/un.h>

static const char template[] = "/hsm-agent-dev.XXXXXX";

// A socket's name, as long as any that agent.sock gets while it is made.
#define LONGEST_SOCKET "/agent.sock.new"

static bool fits(const char *path, size_t more)
{
    return strlen(path) + more + sizeof LONGEST_SOCKET <= sizeof((struct sockaddr_un *)NULL)->sun_path;
}

// The configuration's lines can hold it.
static bool is_holdable(const char *path)
{
    for (const char *at = path; *at; at++)
        if ((unsigned char)*at < 0x20 || *at == 0x7f)
            return false;
    return !strstr(path, " #") && !strstr(path, " ;");
}

// The directory can hold ours: it is there, writable, and only root or we could have made it or its entries are
// protected.
static bool serves(const char *path)
{
    struct stat st;
    if (!path || path[0] != '/' || !fits(path, sizeof template - 1) || !is_holdable(path))
        return false;
    if (stat(path, &st) != 0 || !S_ISDIR(st.st_mode) || access(path, W_OK | X_OK) != 0)
        return false;
    return st.st_uid == geteuid() || (st.st_uid == 0 && (st.st_mode & S_ISVTX));
}

static enum ha_code make_temporary(char **ret_path, struct ha_err *err)
{
    const char *const bases[] = {getenv("XDG_RUNTIME_DIR"), getenv("TMPDIR"), "/tmp"};
    for (size_t i = 0; i < HA_ARRAY_SIZE(bases); i++) {
        ha_auto(ha_free) char *path = NULL;
        if (!serves(bases[i]))
            continue;
        if (asprintf(&path, "%s%s", bases[i], template) < 0) {
            path = NULL;
            return ha_fail(err, HA_E_MEMORY, "out of memory for a path");
        }
        if (!mkdtemp(path))
            return ha_fail_errno(err, errno, "can't make a directory in %s", bases[i]);
        *ret_path = ha_take(&path);
        return HA_OK;
    }
    ha_fail(err, HA_E_IO, "neither XDG_RUNTIME_DIR nor TMPDIR nor /tmp can hold the directory");
    return ha_hint(err, "Name a directory of your own with --dir.");
}

static enum ha_code check_private(const char *path, struct ha_err *err)
{
    struct stat st;
    if (stat(path, &st) != 0)
        return ha_fail_errno(err, errno, "can't look at %s", path);
    if (st.st_uid == geteuid() && (st.st_mode & 077) == 0)
        return HA_OK;
    ha_fail(err, HA_E_CONFIG, "%s isn't yours alone (uid %u, mode %04o)", path, (unsigned)st.st_uid,
            (unsigned)st.st_mode & 07777);
    return ha_hint(err, "It will hold PINs: chmod 700 %s, or name another directory.", path);
}

static enum ha_code check_path(const char *path, struct ha_err *err)
{
    if (!fits(path, 0)) {
        ha_fail(err, HA_E_USAGE, "the path %s is too long for sockets in it", path);
        return ha_hint(err, "Name a directory with a shorter path with --dir.");
    }
    if (is_holdable(path))
        return HA_OK;
    ha_fail(err, HA_E_USAGE, "the path %s has characters that the configuration can't hold", path);
    return ha_hint(err, "Name a directory without control characters, and without '#' or ';' behind a space.");
}

static enum ha_code make_wanted(const char *wanted, char **ret_path, struct ha_err *err)
{
    // What can't serve isn't made; what links lead to is looked at after.
    if (check_path(wanted, err) != HA_OK || ha_dir_make(wanted, 0700, err) != HA_OK)
        return err->code;
    ha_auto(ha_free) char *path = realpath(wanted, NULL);
    if (!path)
        return ha_fail_errno(err, errno, "can't resolve %s", wanted);
    if (check_path(path, err) != HA_OK || check_private(path, err) != HA_OK)
        return err->code;
    *ret_path = ha_take(&path);
    return HA_OK;
}

static enum ha_code take_lock(struct ha_dev_dir *dir, struct ha_err *err)
{
    ha_auto(ha_free) char *name = ha_dev_dir_file(dir, "lock");
    if (!name)
        return ha_fail(err, HA_E_MEMORY, "out of memory for a path");
    dir->lock = open(name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (dir->lock < 0)
        return ha_fail_errno(err, errno, "can't make %s", name);
    if (flock(dir->lock, LOCK_EX | LOCK_NB) == 0)
        return HA_OK;
    if (errno != EWOULDBLOCK)
        return ha_fail_errno(err, errno, "can't lock %s", name);
    ha_fail(err, HA_E_CONFLICT, "another 'hsm-agent dev' uses %s", dir->path);
    return ha_hint(err, "End that one, or name another directory with --dir.");
}

enum ha_code ha_dev_dir_open(const char *wanted, struct ha_dev_dir **ret_dir, struct ha_err *err)
{
    ha_auto(ha_dev_dir_free) struct ha_dev_dir *dir = calloc(1, sizeof *dir);
    if (!dir)
        return ha_fail(err, HA_E_MEMORY, "out of memory for a directory");
    dir->lock = -1;
    enum ha_code code = wanted ? make_wanted(wanted, &dir->path, err) : make_temporary(&dir->path, err);
    dir->temporary = !wanted;
    if (code == HA_OK)
        code = take_lock(dir, err);
    if (code == HA_OK)
        *ret_dir = ha_take(&dir);
    return code;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    remove(path);
    return 0;
}

void ha_dev_dir_wipe(const char *path)
{
    enum { DESCRIPTORS = 8 };
    nftw(path, remove_one, DESCRIPTORS, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
}

void ha_dev_dir_free(struct ha_dev_dir *dir)
{
    if (!dir)
        return;
    if (dir->temporary && dir->path)
        ha_dev_dir_wipe(dir->path);
    if (dir->lock >= 0)
        close(dir->lock);
    free(dir->path);
    free(dir);
}

char *ha_dev_dir_file(const struct ha_dev_dir *dir, const char *name)
{
    char *path;
    return asprintf(&path, "%s/%s", dir->path, name) < 0 ? NULL : path;
}
