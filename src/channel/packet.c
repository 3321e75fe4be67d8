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

enum ha_code ha_packet_send(int fd, const struct ha_packet *packet, const int *fds, size_t n_fds, struct ha_err *err)
{
    struct packet_head head = {
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
    struct iovec iov[1 + HA_PACKET_PARTS] = {{.iov_base = &head, .iov_len = sizeof(head)}};
    size_t n_iov = 1;
    size_t room = HA_PACKET_MAX - sizeof(head);
    for (size_t i = 0; i < HA_PACKET_PARTS; i++) {
        size_t len = packet->part[i].len;
        if (len > room)
            return ha_fail(err, HA_E_TOO_LARGE, "the input has %zu bytes, which is more than the token's process takes",
                           len);
        room -= len;
        head.len[i] = (uint32_t)len;
        if (len > 0)
            iov[n_iov++] = (struct iovec){.iov_base = (void *)(uintptr_t)packet->part[i].data, .iov_len = len};
    }

    struct msghdr message = {.msg_iov = iov, .msg_iovlen = n_iov};
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(sizeof(int) * HA_PACKET_FDS_MAX)];
    } control;
    if (n_fds > 0) {
        if (n_fds > HA_PACKET_FDS_MAX)
            return ha_fail(err, HA_E_INTERNAL, "%zu descriptors in one packet", n_fds);
        memset(&control, 0, sizeof(control));
        message.msg_control = control.bytes;
        message.msg_controllen = CMSG_SPACE(sizeof(int) * n_fds);
        struct cmsghdr *item = CMSG_FIRSTHDR(&message);
        item->cmsg_level = SOL_SOCKET;
        item->cmsg_type = SCM_RIGHTS;
        item->cmsg_len = CMSG_LEN(sizeof(int) * n_fds);
        memcpy(CMSG_DATA(item), fds, sizeof(int) * n_fds);
    }

    ssize_t sent;
    do {
        sent = sendmsg(fd, &message, MSG_NOSIGNAL);
    } while (sent < 0 && errno == EINTR);
    if (sent >= 0)
        return HA_OK;
    if (errno == EMSGSIZE)
        return ha_fail(err, HA_E_TOO_LARGE, "the input is more than one packet to the token's process holds");
    return ha_fail(err, HA_E_TOKEN_DOWN, "the token's process is gone (send: %s)", strerror(errno));
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

static bool unpack(const uint8_t *bytes, size_t n, struct ha_packet *ret_packet)
{
    struct packet_head head;
    if (n < sizeof(head))
        return false;
    memcpy(&head, bytes, sizeof(head));
    if (head.magic != HA_PACKET_MAGIC || head.op < HA_OP_START || head.op > HA_OP_WRAP || head.code >= HA_CODE_COUNT)
        return false;
    struct ha_packet packet = {
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
            return false;
        packet.part[i] = (struct ha_part){.data = bytes + at, .len = head.len[i]};
        at += head.len[i];
    }
    if (at != n)
        return false;
    *ret_packet = packet;
    return true;
}

enum ha_code ha_packet_recv(int fd, int64_t deadline_ms, struct ha_packet_buffer *buffer, struct ha_packet *ret_packet,
                            int *ret_fds, size_t *ret_n_fds, struct ha_err *err)
{
    if (deadline_ms >= 0) {
        struct pollfd wait = {.fd = fd, .events = POLLIN};
        int ready;
        do {
            ready = poll(&wait, 1, ha_left_ms(deadline_ms));
        } while (ready < 0 && errno == EINTR);
        if (ready == 0)
            return ha_fail(err, HA_E_DEADLINE, "the token's process didn't answer in time");
    }

    struct iovec iov = {.iov_base = buffer->bytes, .iov_len = sizeof(buffer->bytes)};
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(sizeof(int) * HA_PACKET_FDS_MAX)];
    } control;
    struct msghdr message = {.msg_iov = &iov, .msg_iovlen = 1};
    if (ret_fds) {
        message.msg_control = control.bytes;
        message.msg_controllen = sizeof(control.bytes);
    }
    ssize_t got;
    do {
        got = recvmsg(fd, &message, MSG_CMSG_CLOEXEC);
    } while (got < 0 && errno == EINTR);
    if (got < 0 && errno == EAGAIN)
        return ha_fail(err, HA_E_DEADLINE, "the token's process didn't answer in time");
    if (got <= 0)
        return ha_fail(err, HA_E_TOKEN_DOWN, "the token's process is gone%s%s", got < 0 ? ": " : "",
                       got < 0 ? strerror(errno) : "");
    buffer->used = (size_t)got;

    size_t n_fds = take_descriptors(&message, ret_fds);
    if ((message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) || !unpack(buffer->bytes, buffer->used, ret_packet)) {
        for (size_t i = 0; i < n_fds; i++)
            close(ret_fds[i]);
        return ha_fail(err, HA_E_INTERNAL, "what came from the token's process is no packet of ours");
    }
    if (ret_n_fds)
        *ret_n_fds = n_fds;
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
