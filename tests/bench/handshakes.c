// SPDX-License-Identifier: Apache-2.0
// A crowd of TLS clients, for measuring a server's full handshakes: each client connects, shakes hands (TLS 1.3, no
// resumption), hangs up, and begins again. Prints how many handshakes a second there were, how many failed, how long
// they took from the connection on (p50, p99, p99.9), and this program's own processors' time for each, in
// microseconds.
//
//   handshakes ADDRESS PORT CLIENTS SECONDS
#include "callers/times.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { CLIENTS_MAX = 256 };

struct load {
    SSL_CTX *ctx;
    struct sockaddr_in address;
    double end_s;
    atomic_long done;
    atomic_long failed;
};

struct client {
    struct load *load;
    struct times times;
};

static double now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int connected(const struct sockaddr_in *address)
{
    // A close with RST leaves no TIME_WAIT behind: the ports of one machine don't last for many thousand of them.
    const struct linger at_once = {.l_onoff = 1};
    // A server that hangs is a failure, not a benchmark without an end.
    const struct timeval limit = {.tv_sec = 10};
    int one = 1;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    if (connect(fd, (const struct sockaddr *)address, sizeof *address) == 0 &&
        setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once) == 0 &&
        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit) == 0 &&
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one) == 0)
        return fd;
    close(fd);
    return -1;
}

// With a pause: a server that isn't there is no reason to burn the machine.
static void failed(struct load *load)
{
    load->failed++;
    nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
}

static void *client(void *context)
{
    struct client *client = context;
    struct load *load = client->load;
    while (now_s() < load->end_s) {
        const double begin_s = now_s();
        int fd = connected(&load->address);
        SSL *ssl = fd >= 0 ? SSL_new(load->ctx) : NULL;
        // The server has signed by then, and its signature was good.
        if (ssl && SSL_set_fd(ssl, fd) == 1 && SSL_connect(ssl) == 1) {
            load->done++;
            times_add(&client->times, (int64_t)((now_s() - begin_s) * 1e9));
        } else {
            failed(load);
        }
        SSL_free(ssl);
        if (fd >= 0)
            close(fd);
    }
    return NULL;
}

static double cpu_us(void)
{
    struct rusage used;
    getrusage(RUSAGE_SELF, &used);
    return (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1e6 +
           (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec);
}

static void say(struct load *load, struct client *clients, long n, double s)
{
    static const struct {
        const char *name;
        double share;
    } quantiles[] = {{"p50", 0.5}, {"p99", 0.99}, {"p999", 0.999}};
    for (long i = 1; i < n; i++)
        times_merge(&clients[0].times, &clients[i].times);
    printf("rate %.1f\nfailed %ld\ncpu %.1f\n", (double)load->done / s, (long)load->failed,
           cpu_us() / (double)(load->done ? load->done : 1));
    for (size_t i = 0; load->done > 0 && i < sizeof quantiles / sizeof quantiles[0]; i++)
        printf("%s %.1f\n", quantiles[i].name, times_quantile(&clients[0].times, quantiles[i].share));
}

int main(int argc, char **argv)
{
    struct load load = {.ctx = SSL_CTX_new(TLS_client_method()), .address = {.sin_family = AF_INET}};
    pthread_t threads[CLIENTS_MAX];
    long n = argc == 5 ? strtol(argv[3], NULL, 10) : 0;
    struct client *clients = calloc(CLIENTS_MAX, sizeof *clients);
    if (n < 1 || n > CLIENTS_MAX || inet_pton(AF_INET, argv[1], &load.address.sin_addr) != 1 || !load.ctx || !clients) {
        fprintf(stderr, "usage: %s ADDRESS PORT CLIENTS SECONDS\n", argv[0]);
        return 2;
    }
    load.address.sin_port = htons((uint16_t)strtoul(argv[2], NULL, 10));
    SSL_CTX_set_min_proto_version(load.ctx, TLS1_3_VERSION);
    SSL_CTX_set_session_cache_mode(load.ctx, SSL_SESS_CACHE_OFF);
    const double start_s = now_s();
    load.end_s = start_s + strtod(argv[4], NULL);
    for (long i = 0; i < n; i++) {
        clients[i].load = &load;
        if (pthread_create(&threads[i], NULL, client, &clients[i]) != 0) {
            perror("pthread_create");
            return 1;
        }
    }
    for (long i = 0; i < n; i++)
        pthread_join(threads[i], NULL);
    say(&load, clients, n, now_s() - start_s);
    SSL_CTX_free(load.ctx);
    free(clients);
    return 0;
}
