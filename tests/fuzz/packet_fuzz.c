// SPDX-License-Identifier: Apache-2.0
// A packet between daemon and child, where vendor code runs: it is refused, or its parts lie within what was received.
#include "channel/packet.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    int pair[2];
    struct ha_err err = {0}, told = {0};
    struct ha_packet packet;
    struct ha_packet_buffer *buffer = ha_packet_buffer_new();
    if (!buffer || socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair) != 0)
        abort();
    if (send(pair[0], data, n, MSG_NOSIGNAL | MSG_DONTWAIT) == (ssize_t)n) {
        close(pair[0]);
        pair[0] = -1;
        if (ha_packet_recv(pair[1], -1, buffer, &packet, NULL, NULL, &err) == HA_OK) {
            size_t sum = 0;
            for (size_t i = 0; i < HA_ARRAY_SIZE(packet.part); i++)
                for (size_t j = 0; j < packet.part[i].len; j++)
                    sum += ((const uint8_t *)packet.part[i].data)[j];  // reads each byte
            if (packet.code != HA_OK && ha_packet_error(&packet, &told) == HA_OK)
                abort();
            if (sum > n * 255 * HA_ARRAY_SIZE(packet.part))
                abort();
        } else if (err.detail[0] == '\0') {
            abort();
        }
    }
    if (pair[0] >= 0)
        close(pair[0]);
    close(pair[1]);
    ha_packet_buffer_free(buffer);
    return 0;
}
