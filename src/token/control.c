// SPDX-License-Identifier: Apache-2.0
#include "token/control.h"

#include "channel/packet.h"
#include "token/backup.h"
#include "token/certificate.h"
#include "token/destroy.h"
#include "token/generate.h"
#include "token/list.h"
#include "token/receive.h"
#include "token/reply.h"
#include "token/share.h"
#include "token/slot.h"
#include "token/start.h"
#include "token/p11.h"
#include "token/worker.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct control {
    struct ha_p11 *token;
    int fd;
    struct ha_packet_buffer *buffer;
    const struct ha_packet *question;
};

// --- START

struct start_answer {
    char label[33], serial[17], model[64];
    uint8_t ways[HA_ALG_COUNT];
};

static void describe(const struct ha_p11 *token, struct start_answer *ret_text, struct ha_packet *answer)
{
    char manufacturer[33], model[17];
    ha_slot_text(token->info.label, sizeof(token->info.label), ret_text->label);
    ha_slot_text(token->info.serialNumber, sizeof(token->info.serialNumber), ret_text->serial);
    ha_slot_text(token->info.manufacturerID, sizeof(token->info.manufacturerID), manufacturer);
    ha_slot_text(token->info.model, sizeof(token->info.model), model);
    snprintf(ret_text->model, sizeof(ret_text->model), "%s %s", manufacturer, model);
    for (unsigned i = 0; i < HA_ALG_COUNT; i++)
        ret_text->ways[i] = (uint8_t)ha_p11_way(token, (enum ha_alg)i);
    answer->part[0] = (struct ha_part){ret_text->label, strlen(ret_text->label)};
    answer->part[1] = (struct ha_part){ret_text->serial, strlen(ret_text->serial)};
    answer->part[2] = (struct ha_part){ret_text->model, strlen(ret_text->model)};
    answer->part[3] = (struct ha_part){ret_text->ways, sizeof(ret_text->ways)};
}

static enum ha_code start(struct control *control, const int *fds, size_t n_fds, struct ha_err *err)
{
    struct ha_p11 *token = control->token;
    size_t opened = 0;
    enum ha_code code = HA_OK;
    if (n_fds != token->options->sessions)
        code =
            ha_fail(err, HA_E_MALFORMED, "START brought %zu channels instead of %u", n_fds, token->options->sessions);
    if (code == HA_OK)
        code = ha_start(token, control->fd, n_fds, &opened, err);
    if (code) {
        for (size_t i = 0; i < n_fds; i++)
            close(fds[i]);
        return code;
    }
    if (opened < n_fds)
        ha_log(&token->log, HA_LOG_WARN, "token-has-fewer-sessions", HA_S("token", token->options->name),
               HA_N("wanted", n_fds), HA_N("sessions", opened));
    return ha_workers_start(token, fds, n_fds, err);
}

static int status_of_failed_start(enum ha_code code)
{
    if (code == HA_E_PIN)
        return HA_TOKEN_EXIT_PIN;
    return code == HA_E_CONFIG || code == HA_E_MALFORMED ? HA_TOKEN_EXIT_USAGE : HA_TOKEN_EXIT_FAILED;
}

// The first packet must be a START. *ret_status is set when this returns anything but HA_OK.
static enum ha_code serve_start(struct control *control, int *ret_status)
{
    struct ha_packet question = {.op = HA_OP_START}, answer = {0};
    struct start_answer text;
    struct ha_err err = {0};
    int fds[HA_PACKET_FDS_MAX];
    size_t n_fds = 0;
    enum ha_code code = ha_packet_recv(control->fd, -1, control->buffer, &question, fds, &n_fds, &err);
    if (code == HA_E_TOKEN_DOWN) {
        *ret_status = HA_TOKEN_EXIT_OK;
        return code;
    }
    if (code == HA_OK && question.op == HA_OP_START)
        code = start(control, fds, n_fds, &err);
    else if (code == HA_OK)
        code = ha_fail(&err, HA_E_MALFORMED, "START comes first");
    if (code == HA_OK)
        describe(control->token, &text, &answer);
    else
        *ret_status = status_of_failed_start(code);
    if (ha_reply(control->fd, &question, &answer, &err) && code == HA_OK) {
        *ret_status = HA_TOKEN_EXIT_OK;
        return HA_E_TOKEN_DOWN;
    }
    return code;
}

// --- What comes after

static enum ha_code give_object(void *context, struct ha_packet *object, struct ha_err *err)
{
    const struct control *control = context;
    object->serial = control->question->serial;
    return ha_packet_send(control->fd, object, NULL, 0, err);
}

static enum ha_code generate(struct control *control, struct ha_packet *answer, struct ha_pubkey **ret_made,
                             struct ha_err *err)
{
    enum ha_code code = control->question->flags & HA_PACKET_SHARED
                            ? ha_share(control->token, control->question, give_object, control, ret_made, err)
                            : ha_generate(control->token, control->question, ret_made, err);
    if (code == HA_OK)
        answer->part[0].data = ha_pubkey_spki(*ret_made, &answer->part[0].len);
    return code;
}

static enum ha_code wrapper(struct control *control, struct ha_packet *answer, struct ha_buf *out, struct ha_err *err)
{
    if (ha_receive_prepare(control->token, control->question, out, err))
        return err->code;
    answer->part[0] = (struct ha_part){out->data, out->len};
    return HA_OK;
}

static enum ha_code do_op(struct control *control, struct ha_packet *answer, struct ha_buf *out,
                          struct ha_pubkey **ret_made, struct ha_err *err)
{
    switch (control->question->op) {
    case HA_OP_LIST:
        return ha_list(control->token, control->question, give_object, control, err);
    case HA_OP_DESTROY:
        return ha_destroy(control->token, control->question, err);
    case HA_OP_GENERATE:
        return generate(control, answer, ret_made, err);
    case HA_OP_WRAPPER:
        return wrapper(control, answer, out, err);
    case HA_OP_UNWRAP:
        return (control->question->flags & HA_PACKET_KEK ? ha_backup_unwrap : ha_receive)(control->token,
                                                                                          control->question, err);
    case HA_OP_WRAP:
        if (ha_backup_wrap(control->token, control->question, out, err))
            return err->code;
        answer->part[0] = (struct ha_part){out->data, out->len};
        return HA_OK;
    case HA_OP_CERTIFICATE:
        return ha_certificate_store(control->token, control->question, err);
    case HA_OP_START:
        return ha_fail(err, HA_E_MALFORMED, "the token was started already");
    case HA_OP_SIGN:
    case HA_OP_DECRYPT:
    case HA_OP_DERIVE:
    case HA_OP_OBJECT:
        break;
    }
    return ha_fail(err, HA_E_MALFORMED, "that isn't an operation for the control channel");
}

static enum ha_code serve_one(struct control *control)
{
    struct ha_packet question = {.op = HA_OP_LIST}, answer = {0};
    struct ha_err err = {0};
    ha_auto(ha_pubkey_free) struct ha_pubkey *made = NULL;
    ha_auto(ha_buf_clear) struct ha_buf out = {0};
    enum ha_code code = ha_packet_recv(control->fd, -1, control->buffer, &question, NULL, NULL, &err);
    if (code == HA_E_TOKEN_DOWN)
        return code;
    control->question = &question;
    if (code == HA_OK)
        do_op(control, &answer, &out, &made, &err);
    code = ha_reply(control->fd, &question, &answer, &err);
    ha_reply_end_after(&err);
    ha_packet_buffer_wipe(control->buffer);  // it may have held a secret to keep
    return code;
}

int ha_control_serve(struct ha_p11 *token, int control_fd)
{
    ha_auto(ha_packet_buffer_free) struct ha_packet_buffer *buffer = ha_packet_buffer_new();
    struct control control = {.token = token, .fd = control_fd, .buffer = buffer};
    int status = HA_TOKEN_EXIT_FAILED;
    if (!buffer || serve_start(&control, &status))
        return status;
    while (serve_one(&control) == HA_OK)
        continue;
    return HA_TOKEN_EXIT_OK;
}
