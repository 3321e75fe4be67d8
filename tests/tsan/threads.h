// SPDX-License-Identifier: Apache-2.0
// C11's threads by POSIX's, for builds with ThreadSanitizer: it knows these and not those, and a thread that it hasn't
// seen begin crashes it. Found before the system's header in such a build only.
#pragma once

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

typedef pthread_t thrd_t;
typedef pthread_mutex_t mtx_t;
typedef pthread_cond_t cnd_t;
typedef pthread_once_t once_flag;
typedef int (*thrd_start_t)(void *);

#define ONCE_FLAG_INIT PTHREAD_ONCE_INIT
enum { thrd_success, thrd_error };
enum { mtx_plain };

struct tsan_start {
    thrd_start_t run;
    void *argument;
};

static inline void *tsan_run(void *context)
{
    struct tsan_start start = *(struct tsan_start *)context;
    free(context);
    return (void *)(long)start.run(start.argument);
}

static inline int thrd_create(thrd_t *thread, thrd_start_t run, void *argument)
{
    struct tsan_start *start = malloc(sizeof *start);
    if (!start)
        return thrd_error;
    *start = (struct tsan_start){run, argument};
    if (pthread_create(thread, NULL, tsan_run, start) == 0)
        return thrd_success;
    free(start);
    return thrd_error;
}

static inline int thrd_detach(thrd_t thread)
{
    return pthread_detach(thread) ? thrd_error : thrd_success;
}

static inline int thrd_join(thrd_t thread, int *ret_result)
{
    void *result;
    if (pthread_join(thread, &result))
        return thrd_error;
    if (ret_result)
        *ret_result = (int)(long)result;
    return thrd_success;
}

static inline int thrd_sleep(const struct timespec *duration, struct timespec *ret_left)
{
    return nanosleep(duration, ret_left);
}

static inline int mtx_init(mtx_t *mutex, int type)
{
    return pthread_mutex_init(mutex, NULL) ? thrd_error : thrd_success;
}

static inline int mtx_lock(mtx_t *mutex)
{
    return pthread_mutex_lock(mutex) ? thrd_error : thrd_success;
}

static inline int mtx_unlock(mtx_t *mutex)
{
    return pthread_mutex_unlock(mutex) ? thrd_error : thrd_success;
}

static inline int cnd_init(cnd_t *condition)
{
    return pthread_cond_init(condition, NULL) ? thrd_error : thrd_success;
}

static inline int cnd_wait(cnd_t *condition, mtx_t *mutex)
{
    return pthread_cond_wait(condition, mutex) ? thrd_error : thrd_success;
}

static inline int cnd_broadcast(cnd_t *condition)
{
    return pthread_cond_broadcast(condition) ? thrd_error : thrd_success;
}

static inline int cnd_signal(cnd_t *condition)
{
    return pthread_cond_signal(condition) ? thrd_error : thrd_success;
}

static inline void call_once(once_flag *flag, void (*run)(void))
{
    pthread_once(flag, run);
}
