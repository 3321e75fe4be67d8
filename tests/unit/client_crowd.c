// SPDX-License-Identifier: Apache-2.0
// Many threads, forks and users with one hsm_agent: client_crowd KEY ALG together|apart, on the agent of
// HSM_AGENT_SOCKET. apart: no fork while threads run, which sanitizers' allocators don't survive. Prints TAP's lines
// without numbers, for tests/flow/21-client-library.sh.
#include <hsm-agent/client.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { THREADS = 6, CALLS = 40, FORKS = 12, CALLS_OF_CHILD = 3, NOBODY = 65534 };

struct crowd {
    hsm_agent *agent;
    const char *key, *alg;
    atomic_int failures;
};

static bool sign(struct crowd *crowd)
{
    struct hsm_agent_error err;
    uint8_t signature[1024];
    size_t len = sizeof signature;
    if (hsm_agent_sign(crowd->agent, crowd->key, crowd->alg, "hello", 5, 0, signature, &len, &err) == 0)
        return true;
    fprintf(stderr, "%d %s: %s\n", err.status, err.code, err.detail);
    return false;
}

static void *sign_often(void *context)
{
    struct crowd *crowd = context;
    for (int i = 0; i < CALLS; i++)
        if (!sign(crowd))
            crowd->failures++;
    return NULL;
}

static bool child_signs(struct crowd *crowd)
{
    int status = -1;
    pid_t child = fork();
    if (child == 0) {
        bool done = true;
        for (int i = 0; i < CALLS_OF_CHILD; i++)
            done = sign(crowd) && done;
        _exit(done ? 0 : 1);
    }
    return child > 0 && waitpid(child, &status, 0) == child && status == 0;
}

static void report(bool good, const char *name)
{
    printf("%s %s\n", good ? "ok" : "not ok", name);
}

static void test_threads_and_forks(struct crowd *crowd, bool together)
{
    pthread_t threads[THREADS];
    int children = 0;
    for (int i = 0; i < THREADS; i++)
        if (pthread_create(&threads[i], NULL, sign_often, crowd) != 0)
            _exit(99);
    for (int i = 0; together && i < FORKS; i++)
        children += child_signs(crowd);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    for (int i = 0; !together && i < FORKS; i++)
        children += child_signs(crowd);
    report(crowd->failures == 0, "all threads sign with one hsm_agent");
    report(children == FORKS, "forked children sign with it");
}

// whoami answers by who connected, so a connection of root's would tell.
static bool agent_takes_us_for(struct crowd *crowd, unsigned uid)
{
    char wanted[32], *body = NULL;
    snprintf(wanted, sizeof wanted, "\"uid\":%u,", uid);
    bool same = hsm_agent_call(crowd->agent, "GET", "/v1/whoami", NULL, 0, &body, NULL, NULL, NULL) == 0 &&
                strstr(body, wanted);
    free(body);
    return same;
}

static void test_users(struct crowd *crowd)
{
    if (geteuid() != 0) {
        puts("ok users are told apart # SKIP only root can change users");
        return;
    }
    bool before = agent_takes_us_for(crowd, 0);
    bool changed = seteuid(NOBODY) == 0 && agent_takes_us_for(crowd, NOBODY) && seteuid(0) == 0;
    report(before && changed && agent_takes_us_for(crowd, 0), "users are told apart");
}

int main(int argc, char **argv)
{
    struct hsm_agent_options options = {.timeout_ms = 30000};
    if (argc != 4)
        return 2;
    struct crowd crowd = {.agent = hsm_agent_new(&options), .key = argv[1], .alg = argv[2]};
    if (!crowd.agent)
        return 99;
    test_threads_and_forks(&crowd, strcmp(argv[3], "together") == 0);
    test_users(&crowd);
    hsm_agent_free(crowd.agent);
    return 0;
}
