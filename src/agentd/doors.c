// SPDX-License-Identifier: Apache-2.0
#include "agentd/doors.h"

#include "agentd/listen.h"
#include "api/audit.h"
#include "base/clock.h"
#include "http/server.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define IDLE_MS    (15 * 60 * 1000)  // gateways keep their connections
#define RECEIVE_MS 20000

enum phase {
    DOOR_NEW,   // made for a configuration that isn't in force yet
    DOOR_OPEN,  // of the configuration in force
    DOOR_SHUT,  // has no name any more, and takes in who knocked before
    DOOR_LEFT,  // takes nobody any more; ends with its last connection
};

struct door {
    struct ha_doors *doors;
    struct door *next;
    enum phase phase;
    char *path, *name;
    bool admin;  // as the server was told; requests go by the configuration in force
    struct ha_http_options options;
    struct ha_listen *listen;               // NULL: DOOR_LEFT, or its successor has it
    struct ha_http_server *server;          // NULL: not opened yet
    struct ha_config *config;               // a reference, for access
    const struct ha_listen_config *access;  // the owner and mode that the socket has
    struct door *successor;                 // the DOOR_NEW that is to take over
    int64_t until_ms;  // DOOR_SHUT, DOOR_LEFT: when idle connections are ended; 0: they are, or needn't be
};

struct ha_doors {
    struct ha_snapshots *snapshots;
    struct ha_inherited *inherited;
    const struct ha_exe_reader *exes;
    struct ha_affinity *affinity;
    const struct ha_log *log;
    struct door *first;
    struct ha_config *wanted;  // a reference to what was prepared; NULL: nothing was
    bool committed;            // the first time is no change
};

static const struct ha_listen_config *find_section(const struct ha_config *config, const char *path)
{
    for (size_t i = 0; i < config->n_listens; i++)
        if (strcmp(config->listens[i].socket, path) == 0)
            return &config->listens[i];
    return NULL;
}

static void handle(void *context, const struct ha_request *request, struct ha_reply *reply)
{
    const struct door *door = context;
    struct ha_snapshot *snapshot = ha_snapshots_take(door->doors->snapshots);
    struct ha_request now = *request;
    const struct ha_listen_config *section = find_section(snapshot->config, door->path);
    if (section) {
        now.admin = section->admin;
        now.listen = section->name;
    }
    ha_api_handle(&snapshot->api, &now, reply);
    ha_snapshots_return(snapshot);
}

static void problem(void *context, const struct ha_err *err, const char *request_id, struct ha_reply *reply)
{
    ha_api_problem(err, request_id, reply);
}

static void refused(void *context, const struct ha_principal *principal, const char *request_id,
                    const struct ha_err *err)
{
    const struct door *door = context;
    ha_audit_unheard(door->doors->snapshots->audit, principal, door->name, request_id, err);
}

static void door_free(struct door *door)
{
    ha_http_server_free(door->server);
    ha_listen_free(door->listen);
    ha_config_free(door->config);
    free(door->path);
    free(door->name);
    free(door);
}

static struct ha_http_options options_of(const struct ha_config *config, struct door *door)
{
    return (struct ha_http_options){
        .connections = config->agent.connections,
        .connections_per_uid = config->agent.connections_per_uid,
        .requests_per_uid = config->agent.requests_per_uid,
        .idle_ms = IDLE_MS,
        .receive_ms = RECEIVE_MS,
        .exes = door->doors->exes,
        .affinity = door->doors->affinity,
        .context = door,
        .handle = handle,
        .problem = problem,
        .refused = refused,
    };
}

// Of what comes from the configuration: a server with another one is another server.
static bool same_options(const struct ha_http_options *a, const struct ha_http_options *b)
{
    return a->connections == b->connections && a->connections_per_uid == b->connections_per_uid &&
           a->requests_per_uid == b->requests_per_uid;
}

static enum ha_code door_new(struct ha_doors *doors, struct ha_config *config, const struct ha_listen_config *section,
                             struct door **ret_door, struct ha_err *err)
{
    struct door *door = calloc(1, sizeof *door);
    if (!door)
        return ha_fail(err, HA_E_MEMORY, "out of memory for the socket %s", section->socket);
    *door = (struct door){.doors = doors,
                          .phase = DOOR_NEW,
                          .path = strdup(section->socket),
                          .name = strdup(section->name),
                          .admin = section->admin,
                          .config = ha_config_ref(config),
                          .access = section};
    if (!door->path || !door->name) {
        door_free(door);
        return ha_fail(err, HA_E_MEMORY, "out of memory for the socket %s", section->socket);
    }
    door->options = options_of(config, door);
    door->next = doors->first;
    doors->first = door;
    *ret_door = door;
    return HA_OK;
}

static enum ha_code door_serve(struct door *door, const struct ha_listen *listen, struct ha_err *err)
{
    return ha_http_server_new(ha_listen_fd(listen), door->admin, door->name, &door->options, &door->server, err);
}

static void set_access(struct door *door, struct ha_config *config, const struct ha_listen_config *section)
{
    ha_config_ref(config);
    ha_config_free(door->config);
    door->config = config;
    door->access = section;
}

static bool same_access(const struct ha_listen_config *a, const struct ha_listen_config *b)
{
    return a->uid == b->uid && a->gid == b->gid && a->mode == b->mode;
}

static struct door *find_open(const struct ha_doors *doors, const char *path)
{
    for (struct door *door = doors->first; door; door = door->next)
        if (door->phase == DOOR_OPEN && strcmp(door->path, path) == 0)
            return door;
    return NULL;
}

// The sockets themselves: what fails for an operator's mistake, fails here.
static enum ha_code prepare_socket(struct ha_doors *doors, struct ha_config *config,
                                   const struct ha_listen_config *section, struct ha_err *err)
{
    struct door *open = find_open(doors, section->socket), *made;
    if (!open && door_new(doors, config, section, &made, err))
        return err->code;
    if (!open) {
        int fd = ha_inherited_take(doors->inherited, section->socket);
        return fd >= 0 ? ha_listen_adopt(fd, &made->listen, err)
                       : ha_listen_new(section, SOMAXCONN, &made->listen, err);
    }
    const struct ha_http_options options = options_of(config, open);
    if (!same_options(&open->options, &options) && door_new(doors, config, section, &open->successor, err))
        return err->code;
    return same_access(open->access, section) ? HA_OK : ha_listen_set_access(open->listen, section, err);
}

enum ha_code ha_doors_prepare(struct ha_doors *doors, struct ha_config *config, struct ha_err *err)
{
    enum ha_code code = HA_OK;
    doors->wanted = ha_config_ref(config);
    for (size_t i = 0; i < config->n_listens && code == HA_OK; i++)
        code = prepare_socket(doors, config, &config->listens[i], err);
    if (code)
        ha_doors_revert(doors);
    return code;
}

enum ha_code ha_doors_open(struct ha_doors *doors, struct ha_err *err)
{
    for (struct door *door = doors->first; door; door = door->next) {
        if (door->phase == DOOR_NEW && door->listen && door_serve(door, door->listen, err))
            return err->code;
        if (door->successor && door_serve(door->successor, door->listen, err))
            return err->code;
    }
    return HA_OK;
}

static void log_change(const struct ha_doors *doors, const char *event, const struct door *door)
{
    ha_log(doors->log, HA_LOG_INFO, event, HA_S("listen", door->name), HA_S("socket", door->path));
}

static void shut(struct ha_doors *doors, struct door *door)
{
    log_change(doors, "socket-removed", door);
    ha_listen_unlink(door->listen);
    ha_http_server_retire(door->server);
    door->phase = DOOR_SHUT;
    door->until_ms = ha_now_ms() + (int64_t)doors->wanted->agent.drain_ms;
}

// Clients go over to the successor with their next request.
static void hand_over(struct door *door, struct door *successor)
{
    successor->listen = ha_take(&door->listen);
    successor->phase = DOOR_OPEN;
    door->phase = DOOR_LEFT;
    ha_http_server_retire(door->server);
    ha_http_server_shut(door->server);
}

void ha_doors_commit(struct ha_doors *doors)
{
    for (struct door *door = doors->first; door; door = door->next) {
        const struct ha_listen_config *section = find_section(doors->wanted, door->path);
        if (door->phase != DOOR_OPEN)
            continue;
        if (!section) {
            shut(doors, door);
            continue;
        }
        if (!same_access(door->access, section) || door->admin != section->admin || door->successor)
            log_change(doors, "socket-changed", door);
        door->admin = section->admin;
        set_access(door, doors->wanted, section);
        if (door->successor)
            hand_over(door, ha_take(&door->successor));
    }
    for (struct door *door = doors->first; door; door = door->next) {
        if (door->phase != DOOR_NEW)
            continue;
        door->phase = DOOR_OPEN;
        if (doors->committed)
            log_change(doors, "socket-added", door);
    }
    doors->committed = true;
    ha_config_free(ha_take(&doors->wanted));
}

void ha_doors_revert(struct ha_doors *doors)
{
    for (struct door *door = doors->first; door; door = door->next) {
        const struct ha_listen_config *section = find_section(doors->wanted, door->path);
        struct ha_err err = {0};
        door->successor = NULL;
        // Perhaps it wasn't changed yet; it had this access before, so it can have it again.
        if (door->phase == DOOR_OPEN && section && !same_access(door->access, section) &&
            ha_listen_set_access(door->listen, door->access, &err))
            ha_log_err(doors->log, HA_LOG_ERROR, "socket-not-restored", &err, HA_S("socket", door->path));
    }
    for (struct door **at = &doors->first; *at;) {
        struct door *door = *at;
        if (door->phase == DOOR_NEW) {
            *at = door->next;
            door_free(door);
        } else {
            at = &door->next;
        }
    }
    ha_config_free(ha_take(&doors->wanted));
}

static bool is_knocked_at(const struct door *door)
{
    struct pollfd knock = {.fd = ha_listen_fd(door->listen), .events = POLLIN};
    return poll(&knock, 1, 0) > 0;
}

// True: the door is gone.
static bool door_step(struct door *door)
{
    if (door->phase == DOOR_SHUT && !is_knocked_at(door)) {
        ha_http_server_shut(door->server);
        ha_listen_free(ha_take(&door->listen));
        door->phase = DOOR_LEFT;
    }
    if (door->until_ms && !ha_left_ms(door->until_ms)) {
        ha_http_server_end_idle(door->server);
        door->until_ms = 0;
    }
    return door->phase == DOOR_LEFT && ha_http_server_connections(door->server) == 0;
}

bool ha_doors_step(struct ha_doors *doors)
{
    bool going = false;
    for (struct door **at = &doors->first; *at;) {
        struct door *door = *at;
        if (door_step(door)) {
            *at = door->next;
            door_free(door);
        } else {
            going = going || door->phase != DOOR_OPEN;
            at = &door->next;
        }
    }
    return going;
}

bool ha_doors_leave_paths(const struct ha_doors *doors)
{
    for (const struct door *door = doors->first; door; door = door->next)
        if (door->phase == DOOR_SHUT)
            return true;
    return false;
}

void ha_doors_drain(struct ha_doors *doors)
{
    for (struct door *door = doors->first; door; door = door->next)
        ha_http_server_drain(door->server);
}

bool ha_doors_wait(struct ha_doors *doors, int64_t deadline_ms)
{
    bool quiet = true;
    for (struct door *door = doors->first; door; door = door->next)
        quiet = ha_http_server_wait(door->server, deadline_ms) && quiet;
    return quiet;
}

unsigned ha_doors_pending(struct ha_doors *doors)
{
    unsigned pending = 0;
    for (struct door *door = doors->first; door; door = door->next)
        pending += ha_http_server_pending(door->server);
    return pending;
}

enum ha_code ha_doors_new(struct ha_snapshots *snapshots, struct ha_inherited *inherited,
                          const struct ha_exe_reader *exes, struct ha_affinity *affinity, const struct ha_log *log,
                          struct ha_doors **ret_doors, struct ha_err *err)
{
    struct ha_doors *doors = calloc(1, sizeof *doors);
    if (!doors)
        return ha_fail(err, HA_E_MEMORY, "out of memory");
    doors->snapshots = snapshots;
    doors->inherited = inherited;
    doors->exes = exes;
    doors->affinity = affinity;
    doors->log = log;
    *ret_doors = doors;
    return HA_OK;
}

void ha_doors_free(struct ha_doors *doors)
{
    if (!doors)
        return;
    while (doors->first) {
        struct door *door = doors->first;
        doors->first = door->next;
        door_free(door);
    }
    ha_config_free(doors->wanted);
    free(doors);
}
