// SPDX-License-Identifier: Apache-2.0
#include "token/reply.h"

#include "token/options.h"

#include <unistd.h>

enum ha_code ha_reply(int fd, const struct ha_packet *question, struct ha_packet *answer, const struct ha_err *err)
{
    struct ha_err sending = {0}, too_large = {0};
    answer->op = question->op;
    answer->serial = question->serial;
    if (err->code != HA_OK)
        ha_packet_fail(answer, err);
    enum ha_code code = ha_packet_send(fd, answer, NULL, 0, &sending);
    if (code != HA_E_TOO_LARGE)
        return code;
    ha_fail(&too_large, HA_E_TOO_LARGE, "the token's answer doesn't fit into a packet");
    ha_packet_fail(answer, &too_large);
    return ha_packet_send(fd, answer, NULL, 0, &sending);
}

void ha_reply_end_after(const struct ha_err *err)
{
    // _exit: a module whose device is gone may hang in its destructors.
    if (err->code == HA_E_PIN)
        _exit(HA_TOKEN_EXIT_PIN);
    if (err->code == HA_E_TOKEN_DOWN)
        _exit(HA_TOKEN_EXIT_FAILED);
}
