// SPDX-License-Identifier: Apache-2.0
// The hot path: questions out on free channels, answers in, and what happens when the child dies or hangs meanwhile.
#include "base/affinity.h"
#include "base/clock.h"
#include "channel/token_internal.h"

#include <errno.h>
#include <poll.h>

#define TRIES_MAX 3  // the first and two more

// A channel on loan with the items it works on, in the order of their questions.
struct loan {
    struct ha_channel *channel;
    struct ha_exchange *first;
    size_t n;
    int64_t sent_us;
    int64_t hung_ms;  // from then on the token counts as hanging
};

struct run {
    struct ha_token *token;
    struct ha_exchange *const *items;
    size_t n, next;             // items[next..] haven't been sent yet
    struct ha_exchange *again;  // to be sent once more
    struct loan *loans;         // room for HA_PACKET_FDS_MAX
    size_t n_loans;
    uid_t uid;
    unsigned cpu;
    pid_t only;  // the one child that may do it; 0: any
    unsigned limit_ms;
    int64_t deadline_ms;  // start + limit_ms, for all items
    bool served;          // had a channel before
    bool slow;            // the answer wasn't there within a channel's patience
};

static void fail(struct ha_exchange *item, const struct ha_err *err)
{
    item->code = err->code;
    item->err = *err;
}

static void drop_loan(struct run *run, size_t i)
{
    ha_pool_return(&run->token->pool, run->loans[i].channel);
    run->loans[i] = run->loans[--run->n_loans];
}

static void fail_loan(struct run *run, size_t i, const struct ha_err *err)
{
    for (struct ha_exchange *item = run->loans[i].first; item; item = item->next)
        fail(item, err);
    drop_loan(run, i);
}

static void send_back(struct run *run, struct ha_exchange *item)
{
    item->next = run->again;
    run->again = item;
}

// The child is gone under this loan: its items go back into the queue, or fail when they have had their tries or
// want no other child.
static void lose(struct run *run, size_t i, const struct ha_err *err)
{
    ha_pool_lost(&run->token->pool, run->loans[i].channel->child);
    for (struct ha_exchange *item = run->loans[i].first, *next; item; item = next) {
        next = item->next;
        if (item->tries < TRIES_MAX && !run->only)
            send_back(run, item);
        else
            fail(item, err);
    }
    drop_loan(run, i);
}

// The child couldn't, but another sending may fare better: in the next child, when this one gives up. True: it was sent
// back into the queue.
static bool again(struct run *run, struct ha_child *child, struct ha_exchange *item, const struct ha_packet *answer)
{
    struct ha_err err = {0};
    bool gave_up = answer->code == HA_E_TOKEN_DOWN;
    if (gave_up) {
        ha_packet_error(answer, &err);
        ha_pool_gave_up(&run->token->pool, child, &err);
    }
    bool helps = gave_up ? !run->only : answer->flags & HA_PACKET_AGAIN;
    if (!helps || item->tries >= TRIES_MAX)
        return false;
    send_back(run, item);
    return true;
}

static void take(struct run *run, struct ha_child *child, struct ha_exchange *item, const struct ha_packet *answer)
{
    if (answer->flags & HA_PACKET_FAULTY)
        ha_token_faulty(run->token, answer->flags & HA_PACKET_FAULTY);
    if (answer->code != HA_OK) {
        if (!again(run, child, item, answer))
            item->code = ha_packet_error(answer, &item->err);
        return;
    }
    atomic_store_explicit(&child->useful, true, memory_order_relaxed);
    ha_buf_append(&item->output, answer->part[0].data, answer->part[0].len);
    item->code = ha_buf_ok(&item->output) ? HA_OK : ha_fail(&item->err, HA_E_MEMORY, "out of memory");
}

static bool is_what_was_asked(const struct loan *loan, const struct ha_packet *answers, size_t n)
{
    const struct ha_exchange *item = loan->first;
    for (size_t i = 0; i < n && item; i++, item = item->next)
        if (answers[i].op != item->question.op || answers[i].serial != item->question.serial)
            return false;
    return n == loan->n;
}

static bool all_done(const struct ha_packet *answers, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (answers[i].code != HA_OK)
            return false;
    return true;
}

static void receive(struct run *run, size_t i)
{
    struct loan *loan = &run->loans[i];
    struct ha_packet answers[HA_PACKET_ITEMS_MAX];
    size_t n = 0;
    struct ha_err err;
    enum ha_code code = ha_packet_recv_several(loan->channel->fd, -1, loan->channel->buffer, answers, &n, &err);
    if (code == HA_E_DEADLINE) {
        run->slow = true;  // nothing is there yet
        return;
    }
    if (code == HA_E_TOKEN_DOWN) {
        lose(run, i, &err);
        return;
    }
    if (code == HA_OK && !is_what_was_asked(loan, answers, n))
        code = ha_fail(&err, HA_E_INTERNAL, "the token's process answered something else than was asked");
    if (code) {
        ha_pool_lost(&run->token->pool, loan->channel->child);  // it is out of step; a fresh one isn't
        ha_packet_buffer_wipe(loan->channel->buffer);
        fail_loan(run, i, &err);
        return;
    }
    if (run->n > 1 && all_done(answers, n))
        ha_bundle_note(&run->token->pace, loan->first->question.alg, n, ha_now_us() - loan->sent_us);
    struct ha_exchange *item = loan->first, *next;
    for (size_t k = 0; k < n; k++, item = next) {
        next = item->next;
        take(run, loan->channel->child, item, &answers[k]);
    }
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
    fail_loan(run, i, &err);
}

static bool has_next(const struct run *run)
{
    return run->again || run->next < run->n;
}

// Takes what goes to a session at once out of the queue, with n_free more of them free; linked. What is sent again goes
// alone, for it may be what the child died of.
static struct ha_exchange *next_items(struct run *run, size_t n_free, size_t *ret_n)
{
    struct ha_exchange *const *items = run->items + run->next;
    struct ha_exchange *first = run->again;
    if (first) {
        run->again = first->next;
        first->next = NULL;
        *ret_n = 1;
        return first;
    }
    size_t n = ha_bundle_size(&run->token->pace, items, run->n - run->next, n_free);
    for (size_t i = 0; i < n; i++)
        items[i]->next = i + 1 < n ? items[i + 1] : NULL;
    run->next += n;
    *ret_n = n;
    return items[0];
}

static void fail_rest(struct run *run, const struct ha_err *err)
{
    for (; run->again; run->again = run->again->next)
        fail(run->again, err);
    while (run->next < run->n)
        fail(run->items[run->next++], err);
}

// The request's time is over. The token may be well: what is under way there goes on without us.
static void give_up(struct run *run)
{
    struct ha_err err = {0};
    ha_fail(&err, HA_E_DEADLINE, "the token '%s' wasn't done within the %u ms that the request had",
            run->token->config->name, run->limit_ms);
    for (size_t i = 0; i < run->n_loans; i++) {
        for (struct ha_exchange *item = run->loans[i].first; item; item = item->next)
            fail(item, &err);
        ha_pool_leave(&run->token->pool, run->loans[i].channel, run->loans[i].hung_ms);
    }
    run->n_loans = 0;
    fail_rest(run, &err);
}

// When others are at work too, the processors are busy, and sessions that are free are no gain.
static bool may_spread(const struct run *run, const struct ha_channel *channel)
{
    return channel->n_lent <= run->n_loans;
}

static void send_next(struct run *run, struct ha_channel *channel)
{
    const struct ha_packet *questions[HA_PACKET_ITEMS_MAX];
    struct ha_err err;
    struct loan *loan = &run->loans[run->n_loans++];
    *loan = (struct loan){.channel = channel, .sent_us = ha_now_us()};
    loan->hung_ms = loan->sent_us / 1000 + (int64_t)run->token->config->deadline_ms;
    loan->first = next_items(run, may_spread(run, channel) ? channel->n_free : 0, &loan->n);
    run->served = true;
    size_t n = 0;
    for (struct ha_exchange *item = loan->first; item; item = item->next) {
        item->tries++;
        item->question.cpu = channel->cpu;
        item->question.serial = ++channel->serial;
        questions[n++] = &item->question;
    }
    enum ha_code code = ha_packet_send_several(channel->fd, questions, n, &err);
    if (code == HA_E_TOKEN_DOWN)
        lose(run, run->n_loans - 1, &err);
    else if (code)
        fail_loan(run, run->n_loans - 1, &err);
}

// Sends something when it is the request's turn. Without a channel until the deadline, none of the items gets one.
static void send_first(struct run *run)
{
    const struct ha_token_config *config = run->token->config;
    const struct ha_pool_wish wish = {.uid = run->uid,
                                      .deadline_ms = run->deadline_ms,
                                      .queue_max = config->queue,
                                      .pushy = run->served,
                                      .cpu = run->cpu,
                                      .run = run->only};
    struct ha_channel *channel;
    struct ha_err err;
    if (ha_pool_take(&run->token->pool, &wish, &channel, &err) == HA_OK) {
        send_next(run, channel);
        return;
    }
    if (err.code == HA_E_BUSY || err.code == HA_E_DEADLINE)
        ha_wrap(&err, "token '%s'", config->name);
    fail_rest(run, &err);
}

// Sends more, over the channels that nobody else waits for.
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
    // One answer that is likely to be here soon is waited for where it is received, which saves a system call. So are
    // several, one after the other, when all is sent and the token is fast: no session is kept for long by that.
    bool any_order = run->n_loans == 1 || (!has_next(run) && run->loans[0].n > 1);
    if (any_order && !run->slow && left_ms > HA_CHANNEL_PATIENCE_MS) {
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
    struct loan loans[HA_PACKET_FDS_MAX];  // left as it is: most have one
    struct run run = {.token = token,
                      .items = items,
                      .n = n,
                      .loans = loans,
                      .uid = caller->uid,
                      .cpu = caller->cpu,
                      .only = caller->run};
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
