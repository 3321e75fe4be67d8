// SPDX-License-Identifier: Apache-2.0
#include "token/reply.h"

#include "token/options.h"

#include <unistd.h>

#define SHARE (HA_PACKET_MAX / HA_PACKET_ITEMS_MAX / 2)  // of a datagram: one that is within it fits beside others

void ha_reply_make(const struct ha_packet *question, struct ha_packet *answer, const struct ha_err *err)
{
    answer->op = question->op;
    answer->serial = question->serial;
    if (err->code != HA_OK)
        ha_packet_fail(answer, err);
}

static size_t bytes_of(const struct ha_packet *answer)
{
    size_t n = 0;
    for (size_t i = 0; i < HA_PACKET_PARTS; i++)
        n += answer->part[i].len;
    return n;
}

enum ha_code ha_reply_several(int fd, struct ha_packet *answers, size_t n)
{
    const struct ha_packet *list[HA_PACKET_ITEMS_MAX] = {NULL};
    struct ha_err sending, too_large;
    for (size_t i = 0; i < n; i++)
        list[i] = &answers[i];
    enum ha_code code = ha_packet_send_several(fd, list, n, &sending);
    if (code != HA_E_TOO_LARGE)
        return code;
    ha_fail(&too_large, HA_E_TOO_LARGE, "the token's answer doesn't fit into a packet");
    for (size_t i = 0; i < n; i++)
        if (n == 1 || bytes_of(&answers[i]) > SHARE)
            ha_packet_fail(&answers[i], &too_large);
    return ha_packet_send_several(fd, list, n, &sending);
}

enum ha_code ha_reply(int fd, const struct ha_packet *question, struct ha_packet *answer, const struct ha_err *err)
{
    ha_reply_make(question, answer, err);
    return ha_reply_several(fd, answer, 1);
}

bool ha_reply_is_last(const struct ha_err *err)
{
    return err->code == HA_E_PIN || err->code == HA_E_TOKEN_DOWN;
}

void ha_reply_end_after(const struct ha_err *err)
{
    // _exit: a module whose device is gone may hang in its destructors.
    if (err->code == HA_E_PIN)
        _exit(HA_TOKEN_EXIT_PIN);
    if (err->code == HA_E_TOKEN_DOWN)
        _exit(HA_TOKEN_EXIT_FAILED);
}
