// SPDX-License-Identifier: Apache-2.0
// The hot path: questions out on free channels, answers in, and what happens when the child dies or hangs meanwhile.
#include "base/affinity.h"
#include "base/clock.h"
#include "channel/token_internal.h"

#include <errno.h>
#include <poll.h>

#define TRIES_MAX 3  // the first and two more

// A channel on loan with the item it works on.
struct loan {
    struct ha_channel *channel;
    struct ha_exchange *item;
    int64_t hung_ms;  // from then on the token counts as hanging
};

struct run {
    struct ha_token *token;
    struct ha_exchange *const *items;
    size_t n, next;                                // items[next..] haven't been sent yet
    struct ha_exchange *again[HA_PACKET_FDS_MAX];  // to be sent once more
    size_t n_again;
    struct loan loans[HA_PACKET_FDS_MAX];
    size_t n_loans;
    uid_t uid;
    unsigned cpu;
    pid_t only;  // the one child that may do it; 0: any
    unsigned limit_ms;
    int64_t deadline_ms;  // start + limit_ms, for all items
    bool served;          // had a channel before
    bool slow;            // the answer wasn't there within a channel's patience
};

static void settle(struct ha_exchange *item, enum ha_code code, const struct ha_err *err)
{
    item->code = code;
    if (code)
        item->err = *err;
}

static void drop_loan(struct run *run, size_t i)
{
    ha_pool_return(&run->token->pool, run->loans[i].channel);
    run->loans[i] = run->loans[--run->n_loans];
}

// The child is gone under this loan: its item goes back into the queue, or fails when it has had its tries or
// wants no other child.
static void lose(struct run *run, size_t i, const struct ha_err *err)
{
    struct ha_exchange *item = run->loans[i].item;
    ha_pool_lost(&run->token->pool, run->loans[i].channel->child);
    if (item->tries < TRIES_MAX && !run->only)
        run->again[run->n_again++] = item;
    else
        settle(item, err->code, err);
    drop_loan(run, i);
}

// The child couldn't, but another sending may fare better: in the next child, when this one gives up. True: it was sent
// back into the queue.
static bool again(struct run *run, size_t i, const struct ha_packet *answer)
{
    struct ha_exchange *item = run->loans[i].item;
    struct ha_err err = {0};
    bool gave_up = answer->code == HA_E_TOKEN_DOWN;
    if (gave_up) {
        ha_packet_error(answer, &err);
        ha_pool_gave_up(&run->token->pool, run->loans[i].channel->child, &err);
    }
    bool helps = gave_up ? !run->only : answer->flags & HA_PACKET_AGAIN;
    if (!helps || item->tries >= TRIES_MAX)
        return false;
    if (answer->flags & HA_PACKET_FAULTY)
        ha_token_faulty(run->token, answer->flags & HA_PACKET_FAULTY);
    run->again[run->n_again++] = item;
    drop_loan(run, i);
    return true;
}

static void receive(struct run *run, size_t i)
{
    struct loan *loan = &run->loans[i];
    struct ha_packet answer;
    struct ha_err err = {0};
    enum ha_code code = ha_packet_recv(loan->channel->fd, -1, loan->channel->buffer, &answer, NULL, NULL, &err);
    if (code == HA_E_DEADLINE) {
        run->slow = true;  // nothing is there yet
        return;
    }
    if (code == HA_E_TOKEN_DOWN) {
        lose(run, i, &err);
        return;
    }
    struct ha_exchange *item = loan->item;
    if (code == HA_OK && answer.op == item->question.op && answer.serial == item->question.serial &&
        answer.code != HA_OK && again(run, i, &answer))
        return;
    if (code == HA_OK && (answer.op != item->question.op || answer.serial != item->question.serial))
        code = ha_fail(&err, HA_E_INTERNAL, "the token's process answered something else than was asked");
    if (code == HA_OK && answer.flags & HA_PACKET_FAULTY)
        ha_token_faulty(run->token, answer.flags & HA_PACKET_FAULTY);
    if (code) {
        ha_pool_lost(&run->token->pool, loan->channel->child);  // it is out of step; a fresh one isn't
    } else if (answer.code != HA_OK) {
        code = ha_packet_error(&answer, &err);
    } else {
        atomic_store_explicit(&loan->channel->child->useful, true, memory_order_relaxed);
        ha_buf_append(&item->output, answer.part[0].data, answer.part[0].len);
        if (!ha_buf_ok(&item->output))
            code = ha_fail(&err, HA_E_MEMORY, "out of memory");
    }
    settle(item, code, &err);
    ha_packet_buffer_wipe(loan->channel->buffer);
    drop_loan(run, i);
}

// The token itself is too slow, whatever time the request has left.
static void replace(struct run *run, size_t i)
{
    struct ha_err err = {0};
    ha_fail(&err, HA_E_DEADLINE, "the token '%s' didn't answer within %u ms; its process is replaced",
            run->token->config->name, run->token->config->deadline_ms);
    ha_pool_lost(&run->token->pool, run->loans[i].channel->child);
    settle(run->loans[i].item, err.code, &err);
    drop_loan(run, i);
}

static struct ha_exchange *next_item(struct run *run)
{
    return run->n_again ? run->again[--run->n_again] : run->items[run->next++];
}

static bool has_next(const struct run *run)
{
    return run->n_again || run->next < run->n;
}

// The request's time is over. The token may be well: what is under way there goes on without us.
static void give_up(struct run *run)
{
    struct ha_err err = {0};
    ha_fail(&err, HA_E_DEADLINE, "the token '%s' wasn't done within the %u ms that the request had",
            run->token->config->name, run->limit_ms);
    for (size_t i = 0; i < run->n_loans; i++) {
        settle(run->loans[i].item, err.code, &err);
        ha_pool_leave(&run->token->pool, run->loans[i].channel, run->loans[i].hung_ms);
    }
    run->n_loans = 0;
    while (has_next(run))
        settle(next_item(run), err.code, &err);
}

static void send_next(struct run *run, struct ha_channel *channel)
{
    struct ha_exchange *item = next_item(run);
    struct ha_err err = {0};
    run->served = true;
    item->tries++;
    item->question.cpu = channel->cpu;
    run->loans[run->n_loans++] = (struct loan){
        .channel = channel, .item = item, .hung_ms = ha_now_ms() + (int64_t)run->token->config->deadline_ms};
    enum ha_code code = ha_packet_send(channel->fd, &item->question, NULL, 0, &err);
    if (code == HA_E_TOKEN_DOWN) {
        lose(run, run->n_loans - 1, &err);
    } else if (code) {
        settle(item, code, &err);
        drop_loan(run, run->n_loans - 1);
    }
}

// Sends an item when it is the request's turn. Without a channel until the deadline, none of the items gets one.
static void send_first(struct run *run)
{
    const struct ha_token_config *config = run->token->config;
    const struct ha_pool_wish wish = {.uid = run->uid,
                                      .deadline_ms = run->deadline_ms,
                                      .queue_max = config->queue,
                                      .pushy = run->served,
                                      .cpu = run->n == 1 ? run->cpu : HA_CPU_ANY,
                                      .run = run->only};
    struct ha_channel *channel;
    struct ha_err err = {0};
    if (ha_pool_take(&run->token->pool, &wish, &channel, &err) == HA_OK) {
        send_next(run, channel);
        return;
    }
    if (err.code == HA_E_BUSY || err.code == HA_E_DEADLINE)
        ha_wrap(&err, "token '%s'", config->name);
    while (has_next(run))
        settle(next_item(run), err.code, &err);
}

// Sends more items, over the channels that nobody else waits for.
static void send_more(struct run *run)
{
    struct ha_channel *channel;
    while (has_next(run) && run->n_loans < HA_PACKET_FDS_MAX && (channel = ha_pool_take_free(&run->token->pool))) {
        if (run->only && channel->child->pid != run->only) {
            ha_pool_return(&run->token->pool, channel);
            return;
        }
        send_next(run, channel);
    }
}

// Waits for answers to what is out, and takes them.
static void collect(struct run *run)
{
    struct pollfd waits[HA_PACKET_FDS_MAX];
    int64_t soonest = run->deadline_ms;
    for (size_t i = 0; i < run->n_loans; i++) {
        waits[i] = (struct pollfd){.fd = run->loans[i].channel->fd, .events = POLLIN};
        if (run->loans[i].hung_ms < soonest)
            soonest = run->loans[i].hung_ms;
    }
    int left_ms = ha_left_ms(soonest);
    // One answer that is likely to be here soon is waited for where it is received, which saves a system call.
    if (run->n_loans == 1 && !run->slow && left_ms > HA_CHANNEL_PATIENCE_MS) {
        receive(run, 0);
        return;
    }
    int ready = poll(waits, run->n_loans, left_ms);
    if (ready < 0)
        return;  // EINTR
    // From the last to the first: dropping a loan puts the last one, which has been seen already, in its place.
    for (size_t i = run->n_loans; i-- > 0;) {
        if (waits[i].revents)
            receive(run, i);
        else if (ha_left_ms(run->loans[i].hung_ms) == 0)
            replace(run, i);
    }
}

size_t ha_token_waiting(struct ha_token *token)
{
    return ha_pool_waiting(&token->pool);
}

void ha_token_exchange(struct ha_token *token, struct ha_exchange *const *items, size_t n)
{
    const struct ha_caller nobody = {.uid = (uid_t)-1, .start_ms = ha_now_ms()};
    const struct ha_caller *caller = items[0]->caller ? items[0]->caller : &nobody;
    struct run run = {
        .token = token, .items = items, .n = n, .uid = caller->uid, .cpu = caller->cpu, .only = caller->run};
    run.limit_ms = token->config->deadline_ms;
    if (caller->limit_ms && caller->limit_ms < run.limit_ms)
        run.limit_ms = caller->limit_ms;
    run.deadline_ms = caller->start_ms + (int64_t)run.limit_ms;
    while (has_next(&run) || run.n_loans) {
        if (run.n_loans == 0)
            send_first(&run);
        send_more(&run);
        if (run.n_loans)
            collect(&run);
        if (ha_left_ms(run.deadline_ms) == 0)
            give_up(&run);
    }
}
