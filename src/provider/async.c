// SPDX-License-Identifier: Apache-2.0
#include "provider/async.h"

#include "base/auto.h"
#include "base/clock.h"

#include <errno.h>
#include <openssl/async.h>
#include <poll.h>
#include <stdbool.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>

// The key under which a wait context keeps our descriptor; only its address counts.
static const char wait_key;

static int wait_blocking(int fd, int for_write, int timeout_ms)
{
    struct pollfd poll_fd = {.fd = fd, .events = for_write ? POLLOUT : POLLIN};
    int n = poll(&poll_fd, 1, timeout_ms);
    // An interrupted wait is a wait that ended too early; the caller knows its deadline.
    return n < 0 && errno == EINTR ? 1 : n;
}

static void close_epoll(ASYNC_WAIT_CTX *wait, const void *key, OSSL_ASYNC_FD fd, void *custom)
{
    close(fd);
}

// One epoll descriptor a wait context, for all its life: programs register it once, and don't bear that it is another
// one for the next operation, or that two contexts share one. The sockets come and go behind it.
static int epoll_of(ASYNC_WAIT_CTX *wait)
{
    OSSL_ASYNC_FD fd = -1;
    void *custom = NULL;
    if (ASYNC_WAIT_CTX_get_fd(wait, &wait_key, &fd, &custom))
        return fd;
    fd = epoll_create1(EPOLL_CLOEXEC);
    if (fd >= 0 && !ASYNC_WAIT_CTX_set_wait_fd(wait, &wait_key, fd, NULL, close_epoll)) {
        close(fd);
        return -1;
    }
    return fd;
}

// The program waits as long as it likes: a timer wakes it when our time is over.
static int timer_new(int timeout_ms)
{
    const struct itimerspec in = {.it_value = {.tv_sec = timeout_ms / 1000, .tv_nsec = timeout_ms % 1000 * 1000000L}};
    int fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    if (fd >= 0 && timerfd_settime(fd, 0, &in, NULL) != 0) {
        close(fd);
        return -1;
    }
    return fd;
}

static bool watch(int epoll_fd, int fd, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.fd = fd};
    return epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event) == 0;
}

int ha_async_wait(void *context, int fd, int for_write, int timeout_ms)
{
    ASYNC_JOB *job = ASYNC_get_current_job();
    if (!job || timeout_ms <= 0)
        return wait_blocking(fd, for_write, timeout_ms);
    // What is there already needs no pause.
    int ready = wait_blocking(fd, for_write, 0);
    if (ready != 0)
        return ready;
    int epoll_fd = epoll_of(ASYNC_get_wait_ctx(job));
    ha_auto(ha_close) int timer = timer_new(timeout_ms);
    if (epoll_fd < 0 || timer < 0 || !watch(epoll_fd, timer, EPOLLIN))
        return wait_blocking(fd, for_write, timeout_ms);
    if (!watch(epoll_fd, fd, for_write ? EPOLLOUT : EPOLLIN)) {
        epoll_ctl(epoll_fd, EPOLL_CTL_DEL, timer, NULL);
        return wait_blocking(fd, for_write, timeout_ms);
    }
    const int64_t deadline_ms = ha_now_ms() + timeout_ms;
    int paused = ASYNC_pause_job();
    epoll_ctl(epoll_fd, EPOLL_CTL_DEL, fd, NULL);
    epoll_ctl(epoll_fd, EPOLL_CTL_DEL, timer, NULL);
    if (!paused)
        return wait_blocking(fd, for_write, ha_left_ms(deadline_ms));
    // Jobs are woken without need as well; the caller looks, and asks again.
    ready = wait_blocking(fd, for_write, 0);
    return ready == 0 && ha_left_ms(deadline_ms) > 0 ? 1 : ready;
}
