// SPDX-License-Identifier: Apache-2.0
// A datagram between daemon and child, where vendor code runs: it is refused, or its packets and their parts lie within
// what was received. Who wants one packet takes none of several.
#include "channel/packet.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static size_t look_at(const struct ha_packet *packet)
{
    struct ha_err told = {0};
    size_t len = 0, sum = 0;
    for (size_t i = 0; i < HA_ARRAY_SIZE(packet->part); i++) {
        len += packet->part[i].len;
        for (size_t j = 0; j < packet->part[i].len; j++)
            sum += ((const uint8_t *)packet->part[i].data)[j];  // reads each byte
    }
    if (sum > len * 255 || (packet->code != HA_OK && ha_packet_error(packet, &told) == HA_OK))
        abort();
    return len;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    int pair[2];
    struct ha_err err = {0}, none = {0};
    struct ha_packet packet, packets[HA_PACKET_ITEMS_MAX];
    struct ha_packet_buffer *buffer = ha_packet_buffer_new();
    if (!buffer || socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair) != 0)
        abort();
    if (send(pair[0], data, n, MSG_NOSIGNAL | MSG_DONTWAIT) == (ssize_t)n &&
        send(pair[0], data, n, MSG_NOSIGNAL | MSG_DONTWAIT) == (ssize_t)n) {
        size_t n_packets = 0, len = 0;
        close(pair[0]);
        pair[0] = -1;
        enum ha_code code = ha_packet_recv_several(pair[1], -1, buffer, packets, &n_packets, &err);
        for (size_t i = 0; i < n_packets; i++)
            len += look_at(&packets[i]);
        if (code == HA_OK ? n_packets == 0 || n_packets > HA_PACKET_ITEMS_MAX || len > n : err.detail[0] == '\0')
            abort();
        if ((ha_packet_recv(pair[1], -1, buffer, &packet, NULL, NULL, &none) == HA_OK) != (n_packets == 1))
            abort();
        if (n_packets == 1)
            look_at(&packet);
    }
    if (pair[0] >= 0)
        close(pair[0]);
    close(pair[1]);
    ha_packet_buffer_free(buffer);
    return 0;
}
