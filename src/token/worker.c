// SPDX-License-Identifier: Apache-2.0
#include "token/worker.h"

#include "base/affinity.h"
#include "base/buf.h"
#include "channel/packet.h"
#include "token/operate.h"
#include "token/reply.h"
#include "token/p11.h"

#include <stdlib.h>
#include <threads.h>
#include <unistd.h>

struct worker {
    struct ha_p11 *token;
    struct ha_packet_buffer *buffer;
    size_t index;
    int fd;
    unsigned cpu;  // it is bound to
};

static void worker_free(struct worker *worker)
{
    if (!worker)
        return;
    if (worker->fd >= 0)
        close(worker->fd);
    ha_packet_buffer_free(worker->buffer);
    free(worker);
}
HA_AUTO_DEFINE(struct worker, worker_free)

// Near the thread that asks.
static void run_on(struct worker *worker, unsigned cpu)
{
    if (cpu == HA_CPU_ANY || cpu == worker->cpu)
        return;
    worker->cpu = cpu;
    ha_affinity_bind(cpu);
}

// The answer to one question. What it points to is in out and err.
static void answer_one(struct worker *worker, const struct ha_packet *question, struct ha_packet *answer,
                       struct ha_buf *out, struct ha_err *err)
{
    if (err->code == HA_OK && ha_operate_worker(worker->token, worker->index, question, out, err) == HA_OK)
        answer->part[0] = (struct ha_part){.data = out->data, .len = out->len};
    uint32_t again = ha_operate_again(err) ? HA_PACKET_AGAIN : 0;
    answer->flags = again | (atomic_exchange(&worker->token->faulty, 0) & HA_PACKET_FAULTY);
    ha_reply_make(question, answer, err);
}

// Answers what came in one datagram in one. HA_E_TOKEN_DOWN: the daemon has closed the channel.
static enum ha_code serve_some(struct worker *worker)
{
    struct ha_packet questions[HA_PACKET_ITEMS_MAX], answers[HA_PACKET_ITEMS_MAX];
    struct ha_buf outs[HA_PACKET_ITEMS_MAX];
    struct ha_err errs[HA_PACKET_ITEMS_MAX];
    size_t n = 0;
    errs[0].code = HA_OK;  // who fails sets the rest
    enum ha_code code = ha_packet_recv_several(worker->fd, -1, worker->buffer, questions, &n, &errs[0]);
    if (code == HA_E_TOKEN_DOWN)
        return code;
    if (code) {
        questions[0] = (struct ha_packet){.op = HA_OP_SIGN};
        n = 1;
    }
    run_on(worker, questions[0].cpu);
    for (size_t i = 0; i < n; i++) {
        answers[i] = (struct ha_packet){0};
        outs[i] = (struct ha_buf){0};
        if (i > 0 && ha_reply_is_last(&errs[i - 1]))
            errs[i] = errs[i - 1];  // so the rest isn't tried
        else if (i > 0)
            errs[i].code = HA_OK;
        answer_one(worker, &questions[i], &answers[i], &outs[i], &errs[i]);
    }
    code = ha_reply_several(worker->fd, answers, n);
    ha_packet_buffer_wipe(worker->buffer);
    for (size_t i = 0; i < n; i++)
        ha_buf_clear(&outs[i]);
    ha_reply_end_after(&errs[n - 1]);
    return code;
}

static int worker_main(void *context)
{
    ha_auto(worker_free) struct worker *worker = context;
    while (serve_some(worker) == HA_OK)
        continue;
    return 0;
}

// Takes fd over.
static enum ha_code start_one(struct ha_p11 *token, size_t index, int fd, struct ha_err *err)
{
    ha_auto(ha_close) int owned = fd;
    ha_auto(worker_free) struct worker *worker = calloc(1, sizeof(*worker));
    if (!worker)
        return ha_fail(err, HA_E_MEMORY, "out of memory for a worker");
    *worker = (struct worker){.token = token, .index = index, .fd = owned, .buffer = ha_packet_buffer_new()};
    owned = -1;
    thrd_t thread;
    if (!worker->buffer || thrd_create(&thread, worker_main, worker) != thrd_success)
        return ha_fail(err, HA_E_MEMORY, "can't start a worker thread");
    thrd_detach(thread);
    worker = NULL;
    return HA_OK;
}

enum ha_code ha_workers_start(struct ha_p11 *token, const int *fds, size_t n, struct ha_err *err)
{
    enum ha_code code = HA_OK;
    for (size_t i = 0; i < n; i++) {
        if (code == HA_OK)
            code = start_one(token, i, fds[i], err);
        else
            close(fds[i]);
    }
    return code;
}
