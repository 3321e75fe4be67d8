// SPDX-License-Identifier: Apache-2.0
// Packing and unpacking: a fixed head, then the parts one after the other.
#include "channel/packet.h"

#include "base/clock.h"
#include "base/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define HA_PACKET_MAGIC 0x31504148u  // "HAP1"

struct packet_head {
    uint32_t magic;
    uint32_t op;
    uint32_t alg;
    uint32_t key_type;
    uint32_t purposes;
    uint32_t flags;
    uint32_t cpu;
    uint32_t code;
    uint32_t len[HA_PACKET_PARTS];
    uint64_t rv;
    uint64_t serial;
};

struct ha_packet_buffer {
    size_t used;
    _Alignas(16) uint8_t bytes[HA_PACKET_MAX];
};

struct ha_packet_buffer *ha_packet_buffer_new(void)
{
    // Not calloc: the kernel gives the pages when they are used, and most packets are small.
    struct ha_packet_buffer *buffer = malloc(sizeof(*buffer));
    if (buffer)
        buffer->used = 0;
    return buffer;
}

void ha_packet_buffer_wipe(struct ha_packet_buffer *buffer)
{
    ha_wipe(buffer->bytes, buffer->used);
    buffer->used = 0;
}

void ha_packet_buffer_free(struct ha_packet_buffer *buffer)
{
    if (!buffer)
        return;
    ha_packet_buffer_wipe(buffer);
    free(buffer);
}

// A datagram in the making.
struct parcel {
    struct packet_head head[HA_PACKET_ITEMS_MAX];
    struct iovec iov[HA_PACKET_ITEMS_MAX * (1 + HA_PACKET_PARTS)];
    size_t n, n_iov;
    size_t room;
};

static enum ha_code fail_too_large(struct ha_err *err)
{
    return ha_fail(err, HA_E_TOO_LARGE, "the input is more than one packet to the token's process holds");
}

static enum ha_code add(struct parcel *parcel, const struct ha_packet *packet, struct ha_err *err)
{
    if (parcel->room < sizeof(struct packet_head))
        return fail_too_large(err);
    struct packet_head *head = &parcel->head[parcel->n++];
    *head = (struct packet_head){
        .magic = HA_PACKET_MAGIC,
        .op = packet->op,
        .alg = packet->alg,
        .key_type = packet->key_type,
        .purposes = packet->purposes,
        .flags = packet->flags,
        .cpu = packet->cpu,
        .code = packet->code,
        .rv = packet->rv,
        .serial = packet->serial,
    };
    parcel->iov[parcel->n_iov++] = (struct iovec){.iov_base = head, .iov_len = sizeof(*head)};
    parcel->room -= sizeof(*head);
    for (size_t i = 0; i < HA_PACKET_PARTS; i++) {
        size_t len = packet->part[i].len;
        if (len > parcel->room)
            return ha_fail(err, HA_E_TOO_LARGE, "the input has %zu bytes, which is more than the token's process takes",
                           len);
        parcel->room -= len;
        head->len[i] = (uint32_t)len;
        if (len > 0)
            parcel->iov[parcel->n_iov++] =
                (struct iovec){.iov_base = (void *)(uintptr_t)packet->part[i].data, .iov_len = len};
    }
    return HA_OK;
}

static enum ha_code dispatch(int fd, const struct msghdr *message, struct ha_err *err)
{
    ssize_t sent;
    do {
        sent = sendmsg(fd, message, MSG_NOSIGNAL);
    } while (sent < 0 && errno == EINTR);
    if (sent >= 0)
        return HA_OK;
    if (errno == EMSGSIZE)
        return fail_too_large(err);
    return ha_fail(err, HA_E_TOKEN_DOWN, "the token's process is gone (send: %s)", strerror(errno));
}

enum ha_code ha_packet_send_several(int fd, const struct ha_packet *const *packets, size_t n, struct ha_err *err)
{
    struct parcel parcel;  // only what is used is set
    parcel.n = parcel.n_iov = 0;
    parcel.room = HA_PACKET_MAX;
    if (n > HA_PACKET_ITEMS_MAX)
        return ha_fail(err, HA_E_INTERNAL, "%zu packets in one datagram", n);
    for (size_t i = 0; i < n; i++)
        if (add(&parcel, packets[i], err))
            return err->code;
    return dispatch(fd, &(struct msghdr){.msg_iov = parcel.iov, .msg_iovlen = parcel.n_iov}, err);
}

enum ha_code ha_packet_send(int fd, const struct ha_packet *packet, const int *fds, size_t n_fds, struct ha_err *err)
{
    if (n_fds == 0)
        return ha_packet_send_several(fd, &packet, 1, err);
    struct parcel parcel;
    parcel.n = parcel.n_iov = 0;
    parcel.room = HA_PACKET_MAX;
    if (add(&parcel, packet, err))
        return err->code;
    if (n_fds > HA_PACKET_FDS_MAX)
        return ha_fail(err, HA_E_INTERNAL, "%zu descriptors in one packet", n_fds);
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(sizeof(int) * HA_PACKET_FDS_MAX)];
    } control = {0};
    struct msghdr message = {.msg_iov = parcel.iov,
                             .msg_iovlen = parcel.n_iov,
                             .msg_control = control.bytes,
                             .msg_controllen = CMSG_SPACE(sizeof(int) * n_fds)};
    struct cmsghdr *item = CMSG_FIRSTHDR(&message);
    item->cmsg_level = SOL_SOCKET;
    item->cmsg_type = SCM_RIGHTS;
    item->cmsg_len = CMSG_LEN(sizeof(int) * n_fds);
    memcpy(CMSG_DATA(item), fds, sizeof(int) * n_fds);
    return dispatch(fd, &message, err);
}

// Takes the descriptors out of message; what isn't wanted is closed.
static size_t take_descriptors(struct msghdr *message, int *ret_fds)
{
    size_t n = 0;
    for (struct cmsghdr *item = CMSG_FIRSTHDR(message); item; item = CMSG_NXTHDR(message, item)) {
        if (item->cmsg_level != SOL_SOCKET || item->cmsg_type != SCM_RIGHTS)
            continue;
        size_t count = (item->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t i = 0; i < count; i++) {
            int fd;
            memcpy(&fd, CMSG_DATA(item) + i * sizeof(int), sizeof(int));
            if (ret_fds && n < HA_PACKET_FDS_MAX)
                ret_fds[n++] = fd;
            else
                close(fd);
        }
    }
    return n;
}

// The packet at the beginning of n bytes. 0: there is none; otherwise its length.
static size_t unpack(const uint8_t *bytes, size_t n, struct ha_packet *packet)
{
    struct packet_head head;
    if (n < sizeof(head))
        return 0;
    memcpy(&head, bytes, sizeof(head));
    if (head.magic != HA_PACKET_MAGIC || head.op < HA_OP_START || head.op > HA_OP_WRAP || head.code >= HA_CODE_COUNT)
        return 0;
    *packet = (struct ha_packet){
        .op = head.op,
        .alg = head.alg,
        .key_type = head.key_type,
        .purposes = head.purposes,
        .flags = head.flags,
        .cpu = head.cpu,
        .code = head.code,
        .rv = head.rv,
        .serial = head.serial,
    };
    size_t at = sizeof(head);
    for (size_t i = 0; i < HA_PACKET_PARTS; i++) {
        if (head.len[i] > n - at)
            return 0;
        packet->part[i] = (struct ha_part){.data = bytes + at, .len = head.len[i]};
        at += head.len[i];
    }
    return at;
}

// How many packets there are, of which all are whole and nothing is left over; at most `max`. 0: that isn't so.
static size_t unpack_all(const struct ha_packet_buffer *buffer, struct ha_packet *packets, size_t max)
{
    size_t n = 0;
    for (size_t at = 0; at < buffer->used; n++) {
        size_t len = n < max ? unpack(buffer->bytes + at, buffer->used - at, &packets[n]) : 0;
        if (len == 0)
            return 0;
        at += len;
    }
    return n;
}

static enum ha_code wait_for(int fd, int64_t deadline_ms, struct ha_err *err)
{
    struct pollfd wait = {.fd = fd, .events = POLLIN};
    int ready;
    do {
        ready = poll(&wait, 1, ha_left_ms(deadline_ms));
    } while (ready < 0 && errno == EINTR);
    return ready == 0 ? ha_fail(err, HA_E_DEADLINE, "the token's process didn't answer in time") : HA_OK;
}

// Receives a datagram. What it carries beside its bytes, message says.
static enum ha_code receive(int fd, int64_t deadline_ms, struct ha_packet_buffer *buffer, struct msghdr *message,
                            struct ha_err *err)
{
    if (deadline_ms >= 0 && wait_for(fd, deadline_ms, err))
        return err->code;
    struct iovec iov = {.iov_base = buffer->bytes, .iov_len = sizeof(buffer->bytes)};
    message->msg_iov = &iov;
    message->msg_iovlen = 1;
    ssize_t got;
    do {
        got = recvmsg(fd, message, MSG_CMSG_CLOEXEC);
    } while (got < 0 && errno == EINTR);
    message->msg_iov = NULL;
    if (got < 0 && errno == EAGAIN)
        return ha_fail(err, HA_E_DEADLINE, "the token's process didn't answer in time");
    if (got <= 0)
        return ha_fail(err, HA_E_TOKEN_DOWN, "the token's process is gone%s%s", got < 0 ? ": " : "",
                       got < 0 ? strerror(errno) : "");
    buffer->used = (size_t)got;
    return HA_OK;
}

static enum ha_code fail_foreign(struct ha_err *err)
{
    return ha_fail(err, HA_E_INTERNAL, "what came from the token's process is no packet of ours");
}

enum ha_code ha_packet_recv_several(int fd, int64_t deadline_ms, struct ha_packet_buffer *buffer,
                                    struct ha_packet *packets, size_t *ret_n, struct ha_err *err)
{
    struct msghdr message = {0};  // no room for descriptors: the kernel drops them, and says so
    if (receive(fd, deadline_ms, buffer, &message, err))
        return err->code;
    size_t n = unpack_all(buffer, packets, HA_PACKET_ITEMS_MAX);
    if ((message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) || n == 0)
        return fail_foreign(err);
    *ret_n = n;
    return HA_OK;
}

enum ha_code ha_packet_recv(int fd, int64_t deadline_ms, struct ha_packet_buffer *buffer, struct ha_packet *ret_packet,
                            int *ret_fds, size_t *ret_n_fds, struct ha_err *err)
{
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(sizeof(int) * HA_PACKET_FDS_MAX)];
    } control;
    struct msghdr message = {0};
    struct ha_packet packet;
    if (ret_fds) {
        message.msg_control = control.bytes;
        message.msg_controllen = sizeof(control.bytes);
    }
    if (receive(fd, deadline_ms, buffer, &message, err))
        return err->code;
    size_t n_fds = take_descriptors(&message, ret_fds);
    if ((message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) || !unpack_all(buffer, &packet, 1)) {
        for (size_t i = 0; i < n_fds; i++)
            close(ret_fds[i]);
        return fail_foreign(err);
    }
    if (ret_n_fds)
        *ret_n_fds = n_fds;
    *ret_packet = packet;
    return HA_OK;
}

void ha_packet_fail(struct ha_packet *answer, const struct ha_err *err)
{
    answer->code = err->code;
    answer->rv = err->rv;
    answer->part[0] = (struct ha_part){.data = err->detail, .len = strlen(err->detail)};
    answer->part[1] = (struct ha_part){.data = err->hint, .len = strlen(err->hint)};
    answer->part[2] = (struct ha_part){.data = err->function, .len = strlen(err->function)};
    for (size_t i = 3; i < HA_PACKET_PARTS; i++)
        answer->part[i] = (struct ha_part){0};
}

static void copy_text(char *out, size_t size, const struct ha_part *part)
{
    const char *text = part->data;
    size_t n = part->len < size - 1 ? part->len : size - 1;
    for (size_t i = 0; i < n; i++)
        out[i] = text[i] >= 0x20 && text[i] < 0x7f ? text[i] : '?';
    out[n] = '\0';
}

enum ha_code ha_packet_error(const struct ha_packet *answer, struct ha_err *err)
{
    if (answer->code == HA_OK)
        return ha_fail(err, HA_E_INTERNAL, "an answer without an error was taken for one");
    ha_fail(err, (enum ha_code)answer->code, "%s", "");
    copy_text(err->detail, sizeof(err->detail), &answer->part[0]);
    if (answer->part[1].len > 0)
        copy_text(err->hint, sizeof(err->hint), &answer->part[1]);
    copy_text(err->function, sizeof(err->function), &answer->part[2]);
    err->rv = (unsigned long)answer->rv;
    return err->code;
}
