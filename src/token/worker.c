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

// One question, one answer. HA_E_TOKEN_DOWN: the daemon has closed the channel.
static enum ha_code serve_one(struct worker *worker)
{
    struct ha_packet question = {.op = HA_OP_SIGN}, answer = {0};
    struct ha_err err = {0};
    ha_auto(ha_buf_clear) struct ha_buf out = {0};
    enum ha_code code = ha_packet_recv(worker->fd, -1, worker->buffer, &question, NULL, NULL, &err);
    if (code == HA_E_TOKEN_DOWN)
        return code;
    run_on(worker, question.cpu);
    if (code == HA_OK && ha_operate_worker(worker->token, worker->index, &question, &out, &err) == HA_OK)
        answer.part[0] = (struct ha_part){.data = out.data, .len = out.len};
    uint32_t again = ha_operate_again(&err) ? HA_PACKET_AGAIN : 0;
    answer.flags = again | (atomic_exchange(&worker->token->faulty, 0) & HA_PACKET_FAULTY);
    code = ha_reply(worker->fd, &question, &answer, &err);
    ha_packet_buffer_wipe(worker->buffer);
    ha_reply_end_after(&err);
    return code;
}

static int worker_main(void *context)
{
    ha_auto(worker_free) struct worker *worker = context;
    while (serve_one(worker) == HA_OK)
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
