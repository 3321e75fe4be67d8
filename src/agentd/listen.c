// SPDX-License-Identifier: Apache-2.0
// The lock decides who owns the path; what is there already is looked at only under it; the new socket gets its owner
// and mode before it has its name.
#include "agentd/listen.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

enum { LOCK_TRIES = 16 };

struct ha_listen {
    int fd;
    int lock_fd;
    char *path;  // NULL: it is the service manager's
    char *lock_path;
    dev_t device;  // of our socket's name; the inode is 0 when it has none
    ino_t inode;
    uid_t uid;  // its owner before the configuration's was set
    gid_t gid;
};

static bool make_address(const char *path, struct sockaddr_un *ret_address, struct ha_err *err)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof address.sun_path) {
        ha_fail(err, HA_E_CONFIG, "the path %s is too long for a Unix socket", path);
        return false;
    }
    memcpy(address.sun_path, path, strlen(path));
    *ret_address = address;
    return true;
}

static enum ha_code no_lock(const char *path, const char *lock_path, struct ha_err *err)
{
    int error = errno;
    ha_fail_errno(err, error, "making %s", lock_path);
    if (error == ENOENT || error == ENOTDIR)
        return ha_hint(err,
                       "Make the directory of %s first, for example with RuntimeDirectory=hsm-agent in the agent's "
                       "unit, or 'install -d -m 0755'.",
                       path);
    if (error == EACCES || error == EPERM || error == EROFS)
        return ha_hint(err,
                       "The directory of %s must be one in which the agent's user may make files, and with sandbox = "
                       "yes one that it had a socket in when it started, else restart it.",
                       path);
    if (error == ELOOP)
        return ha_hint(err, "A symbolic link stands there; remove it.");
    return err->code;
}

// Whether the path still leads to the file that is open: its owner removes it when it ends.
static bool is_still_there(int fd, const char *path)
{
    struct stat open_file, named;
    return fstat(fd, &open_file) == 0 && lstat(path, &named) == 0 && open_file.st_dev == named.st_dev &&
           open_file.st_ino == named.st_ino;
}

static enum ha_code take_lock(struct ha_listen *listener, struct ha_err *err)
{
    for (int tries = 0; tries < LOCK_TRIES; tries++) {
        struct stat file;
        ha_auto(ha_close) int fd =
            open(listener->lock_path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
        if (fd < 0)
            return no_lock(listener->path, listener->lock_path, err);
        if (fstat(fd, &file) != 0)
            return ha_fail_errno(err, errno, "looking at %s", listener->lock_path);
        if (!S_ISREG(file.st_mode)) {
            ha_fail(err, HA_E_CONFLICT, "%s isn't a regular file", listener->lock_path);
            return ha_hint(err, "Remove it: the agent needs that path for its lock.");
        }
        if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
            if (errno != EWOULDBLOCK)
                return ha_fail_errno(err, errno, "locking %s", listener->lock_path);
            ha_fail(err, HA_E_CONFLICT, "another process serves %s: it holds %s", listener->path, listener->lock_path);
            return ha_hint(err, "Stop the other agent, or give this one another path; 'fuser %s' shows it.",
                           listener->lock_path);
        }
        if (is_still_there(fd, listener->lock_path)) {
            listener->lock_fd = fd;
            fd = -1;
            return HA_OK;
        }
    }
    return ha_fail(err, HA_E_CONFLICT, "%s is removed again and again by another process", listener->lock_path);
}

// Whether somebody answers behind the socket that stands at path. HA_OK: nobody does.
static enum ha_code check_stale(const char *path, struct ha_err *err)
{
    struct sockaddr_un address;
    if (!make_address(path, &address, err))
        return err->code;
    ha_auto(ha_close) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return ha_fail_errno(err, errno, "making a socket");
    int error = connect(fd, (const struct sockaddr *)&address, sizeof address) == 0 ? 0 : errno;
    switch (error) {
    case ECONNREFUSED:
    case ENOENT:
        return HA_OK;
    case 0:
    case EAGAIN:      // its queue is full
    case EPROTOTYPE:  // it is of another type
        ha_fail(err, HA_E_CONFLICT, "another program answers at %s", path);
        return ha_hint(err, "Stop that program, or give the agent another path; 'ss -xlp' shows it.");
    case EACCES:
    case EPERM:
        ha_fail(err, HA_E_CONFLICT, "a socket stands at %s that the agent may not connect to, so it may be in use",
                path);
        return ha_hint(err, "Make sure that nothing uses it, then remove it.");
    default:
        return ha_fail_errno(err, error, "connecting to %s", path);
    }
}

// HA_OK: nothing is at path, or a stale socket.
static enum ha_code check_path(const char *path, struct ha_err *err)
{
    struct stat file;
    if (lstat(path, &file) != 0)
        return errno == ENOENT ? HA_OK : ha_fail_errno(err, errno, "looking at %s", path);
    if (S_ISSOCK(file.st_mode))
        return check_stale(path, err);
    ha_fail(err, HA_E_CONFLICT, "%s is there already and isn't a socket", path);
    return ha_hint(err, "Remove it if it is not needed, or give the socket another path.");
}

// What may be left from an agent that was killed at the wrong moment.
static enum ha_code clear_temporary(const char *path, struct ha_err *err)
{
    enum ha_code code = check_path(path, err);
    if (code == HA_OK && unlink(path) != 0 && errno != ENOENT)
        return ha_fail_errno(err, errno, "removing %s", path);
    return code;
}

static enum ha_code set_access(const char *path, const struct ha_listen_config *config, uid_t uid, gid_t gid,
                               struct ha_err *err)
{
    // The mode first: the next owner must not be able to put something else there before it is set.
    if (fchmodat(AT_FDCWD, path, config->mode, AT_SYMLINK_NOFOLLOW) != 0)
        return ha_fail_errno(err, errno, "setting the mode of %s", path);
    if (uid == (uid_t)-1 && gid == (gid_t)-1)
        return HA_OK;
    if (lchown(path, uid, gid) == 0)
        return HA_OK;
    ha_fail_errno(err, errno, "giving %s to user %s and group %s", path, config->user ? config->user : "(unchanged)",
                  config->group ? config->group : "(unchanged)");
    return ha_hint(err, "The agent must run as root, or be a member of the group and leave the user unset.");
}

// Binds under the temporary name, sets owner and mode, listens, and renames it over the path.
static enum ha_code make_socket(struct ha_listen *listener, const struct ha_listen_config *config,
                                const char *temporary, int backlog, struct ha_err *err)
{
    struct sockaddr_un address;
    struct stat file;
    if (!make_address(temporary, &address, err))
        return err->code;
    listener->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (listener->fd < 0)
        return ha_fail_errno(err, errno, "making a socket");
    // The name gets the descriptor's mode, less the umask: nobody comes near it before it is ready.
    if (fchmod(listener->fd, 0600) != 0)
        return ha_fail_errno(err, errno, "setting the mode of a socket");
    if (bind(listener->fd, (const struct sockaddr *)&address, sizeof address) != 0)
        return ha_fail_errno(err, errno, "making the socket %s", temporary);
    enum ha_code code = lstat(temporary, &file) == 0 ? HA_OK : ha_fail_errno(err, errno, "looking at %s", temporary);
    listener->uid = file.st_uid;
    listener->gid = file.st_gid;
    if (code == HA_OK)
        code = set_access(temporary, config, config->uid, config->gid, err);
    if (code == HA_OK && listen(listener->fd, backlog) != 0)
        code = ha_fail_errno(err, errno, "listening at %s", temporary);
    if (code == HA_OK && rename(temporary, listener->path) != 0)
        code = ha_fail_errno(err, errno, "renaming %s to %s", temporary, listener->path);
    if (code != HA_OK) {
        unlink(temporary);
        return code;
    }
    listener->device = file.st_dev;
    listener->inode = file.st_ino;
    return HA_OK;
}

enum ha_code ha_listen_new(const struct ha_listen_config *config, int backlog, struct ha_listen **ret_listen,
                           struct ha_err *err)
{
    ha_auto(ha_listen_free) struct ha_listen *listener = calloc(1, sizeof *listener);
    ha_auto(ha_free) char *temporary = NULL;
    if (!listener)
        return ha_fail(err, HA_E_MEMORY, "out of memory for the socket %s", config->socket);
    listener->fd = listener->lock_fd = -1;
    listener->path = strdup(config->socket);
    if (!listener->path || asprintf(&listener->lock_path, "%s.lock", config->socket) < 0 ||
        asprintf(&temporary, "%s.new", config->socket) < 0)
        return ha_fail(err, HA_E_MEMORY, "out of memory for the socket %s", config->socket);
    enum ha_code code = take_lock(listener, err);
    if (code == HA_OK)
        code = check_path(listener->path, err);
    if (code == HA_OK)
        code = clear_temporary(temporary, err);
    if (code == HA_OK)
        code = make_socket(listener, config, temporary, backlog, err);
    if (code != HA_OK)
        return ha_wrap(err, "[listen %s]", config->name);
    *ret_listen = ha_take(&listener);
    return HA_OK;
}

enum ha_code ha_listen_adopt(int fd, struct ha_listen **ret_listen, struct ha_err *err)
{
    struct ha_listen *listener = calloc(1, sizeof *listener);
    if (!listener)
        return ha_fail(err, HA_E_MEMORY, "out of memory for a socket");
    *listener = (struct ha_listen){.fd = fd, .lock_fd = -1};
    *ret_listen = listener;
    return HA_OK;
}

int ha_listen_fd(const struct ha_listen *listen)
{
    return listen->fd;
}

static bool is_ours(const struct ha_listen *listener)
{
    struct stat file;
    return listener->inode != 0 && lstat(listener->path, &file) == 0 && file.st_dev == listener->device &&
           file.st_ino == listener->inode;
}

enum ha_code ha_listen_set_access(struct ha_listen *listen, const struct ha_listen_config *config, struct ha_err *err)
{
    if (!listen->path)
        return HA_OK;
    uid_t uid = config->uid == (uid_t)-1 ? listen->uid : config->uid;
    gid_t gid = config->gid == (gid_t)-1 ? listen->gid : config->gid;
    if (is_ours(listen))
        return set_access(listen->path, config, uid, gid, err) ? ha_wrap(err, "[listen %s]", config->name) : HA_OK;
    ha_fail(err, HA_E_CONFLICT, "[listen %s]: what stands at %s isn't the agent's socket any more", config->name,
            listen->path);
    return ha_hint(err, "Restart the agent to have the socket made again.");
}

void ha_listen_unlink(struct ha_listen *listen)
{
    if (is_ours(listen))
        unlink(listen->path);
    listen->inode = 0;
}

void ha_listen_free(struct ha_listen *listen)
{
    if (!listen)
        return;
    ha_listen_unlink(listen);
    if (listen->fd >= 0)
        close(listen->fd);
    if (listen->lock_fd >= 0) {
        // While it is held: whoever opened it meanwhile sees that it is gone, and makes a new one.
        unlink(listen->lock_path);
        close(listen->lock_fd);
    }
    free(listen->path);
    free(listen->lock_path);
    free(listen);
}
