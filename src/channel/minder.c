// SPDX-License-Identifier: Apache-2.0
#include "channel/minder.h"

#include "base/clock.h"
#include "channel/pool.h"

#include <errno.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

// A channel whose answer has come, good or bad, or whose child is gone.
static void finish(struct ha_pool *pool, struct ha_channel *channel)
{
    struct ha_packet answers[HA_PACKET_ITEMS_MAX];
    size_t n;
    struct ha_err err = {0};
    if (ha_packet_recv_several(channel->fd, -1, channel->buffer, answers, &n, &err))
        ha_pool_lost(pool, channel->child);
    ha_packet_buffer_wipe(channel->buffer);
    ha_pool_return(pool, channel);
}

// Waits for the channels in `mine`, as many as fit, and for news; takes out those that are finished. Those that don't
// fit have to wait for the others, each of which ends at the latest with its child.
static void wait_for_some(struct ha_minder *minder, struct ha_channel **mine)
{
    struct pollfd waits[1 + HA_PACKET_FDS_MAX] = {{.fd = minder->wake, .events = POLLIN}};
    struct ha_channel *watched[1 + HA_PACKET_FDS_MAX] = {NULL};
    nfds_t n = 1;
    int64_t soonest = INT64_MAX;
    for (struct ha_channel *c = *mine; c && n < 1 + HA_PACKET_FDS_MAX; c = c->next, n++) {
        watched[n] = c;
        waits[n] = (struct pollfd){.fd = c->fd, .events = POLLIN};
        soonest = c->hung_ms < soonest ? c->hung_ms : soonest;
    }
    if (poll(waits, n, soonest == INT64_MAX ? -1 : ha_left_ms(soonest)) < 0)
        return;  // EINTR
    eventfd_t news;
    if (waits[0].revents)
        eventfd_read(minder->wake, &news);
    struct ha_channel **link = mine;
    for (nfds_t i = 1; i < n; i++) {
        struct ha_channel *c = watched[i];
        if (waits[i].revents) {
            *link = c->next;
            finish(minder->pool, c);
            continue;
        }
        if (c->hung_ms <= ha_now_ms()) {
            c->hung_ms = INT64_MAX;  // said once; its end of file comes when the child has ended
            ha_pool_lost(minder->pool, c->child);
        }
        link = &c->next;
    }
}

static void *mind(void *argument)
{
    struct ha_minder *minder = argument;
    struct ha_channel *mine = NULL;
    for (;;) {
        pthread_mutex_lock(&minder->lock);
        struct ha_channel **end = &mine;
        while (*end)
            end = &(*end)->next;
        *end = minder->left;
        minder->left = NULL;
        bool ending = minder->ending;
        pthread_mutex_unlock(&minder->lock);
        if (ending && !mine)
            return NULL;
        wait_for_some(minder, &mine);
    }
}

enum ha_code ha_minder_init(struct ha_minder *minder, struct ha_pool *pool, struct ha_err *err)
{
    int wake = eventfd(0, EFD_CLOEXEC);
    if (wake < 0)
        return ha_fail_errno(err, errno, "eventfd");
    *minder = (struct ha_minder){.pool = pool, .wake = wake};
    pthread_mutex_init(&minder->lock, NULL);
    int failure = pthread_create(&minder->thread, NULL, mind, minder);
    if (failure) {
        pthread_mutex_destroy(&minder->lock);
        close(wake);
        return ha_fail_errno(err, failure, "a thread for a token's channels can't be made");
    }
    return HA_OK;
}

void ha_minder_clear(struct ha_minder *minder)
{
    pthread_mutex_lock(&minder->lock);
    minder->ending = true;
    pthread_mutex_unlock(&minder->lock);
    eventfd_write(minder->wake, 1);
    pthread_join(minder->thread, NULL);
    pthread_mutex_destroy(&minder->lock);
    close(minder->wake);
}

void ha_minder_leave(struct ha_minder *minder, struct ha_channel *channel, int64_t hung_ms)
{
    channel->hung_ms = hung_ms;
    pthread_mutex_lock(&minder->lock);
    channel->next = minder->left;
    minder->left = channel;
    pthread_mutex_unlock(&minder->lock);
    eventfd_write(minder->wake, 1);
}
