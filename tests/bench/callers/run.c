// SPDX-License-Identifier: Apache-2.0
// What each caller does.
#include "run.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

int64_t run_now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000000ll + now.tv_nsec;
}

void run_sleep_until(int64_t ns)
{
    const struct timespec then = {.tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000};
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &then, NULL) != 0)
        ;
}

static bool is_right(const struct run *run, const struct output *out)
{
    const struct job *job = &run->job;
    if (job->operation == OAEP)
        return out->n == job->message_n && memcmp(out->bytes, job->message, out->n) == 0;
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    const EVP_MD *md = job->operation == ED25519 ? NULL : EVP_sha256();
    bool right = ctx && EVP_DigestVerifyInit(ctx, NULL, md, NULL, run->public_key) > 0 &&
                 EVP_DigestVerify(ctx, out->bytes, out->n, job->message, job->message_n) == 1;
    EVP_MD_CTX_free(ctx);
    return right;
}

static void count(struct caller *me, int64_t begin, int64_t from, int64_t end)
{
    const struct run *run = me->run;
    int64_t first = begin > run->from_ns ? begin : run->from_ns, last = end < run->to_ns ? end : run->to_ns;
    if (last > first)
        me->done += (double)run->job.batch * (double)(last - first) / (double)(end - begin);
    if (from >= run->from_ns && from < run->to_ns)
        times_add(&me->times, end - from);
}

static void ask(struct caller *me, void *state, int64_t arrival)
{
    int64_t begin = run_now_ns();
    if (!me->run->way->ask(state, &me->run->job, NULL, me->why))
        me->failed++;
    int64_t end = run_now_ns();
    count(me, begin, arrival ? arrival : begin, end);
}

static void work(struct caller *me, void *state)
{
    struct run *run = me->run;
    if (!run->arrivals) {
        while (me->failed == 0 && run_now_ns() < run->to_ns)
            ask(me, state, 0);
        return;
    }
    for (size_t i; me->failed == 0 && (i = atomic_fetch_add(&run->arrived, 1)) < run->n_arrivals;) {
        run_sleep_until(run->arrivals[i]);
        ask(me, state, run->arrivals[i]);
    }
}

void run_live(struct caller *me)
{
    struct run *run = me->run;
    struct output *out = calloc(1, sizeof(*out));
    void *opened = run->processes ? run->way->open(&run->job, me->why) : run->opened;
    void *state = opened && out ? run->way->caller(opened, &run->job, me->why) : NULL;
    if (state && run->way->ask(state, &run->job, out, me->why) && !is_right(run, out))
        callers_fail(me->why, "a wrong result");
    bool able = state && me->why[0] == '\0';
    if (!able && me->why[0] == '\0')
        callers_fail(me->why, "no caller");
    free(out);
    sem_post(&run->ready);
    while (sem_wait(&run->go) != 0)
        ;
    if (able)
        work(me, state);
    while (sem_wait(&run->leave) != 0)
        ;
    if (state)
        run->way->leave(state);
}
