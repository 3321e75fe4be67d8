// SPDX-License-Identifier: Apache-2.0
// Sends one request over and over: load SOCKET CONNECTIONS SECONDS PATH BODY. Prints the answers a second, the median
// and the 99th percentile of the times in microseconds, and how many weren't 200.
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { TIMES_MAX = 1 << 22 };

struct load {
    struct sockaddr_un address;
    char *request;
    size_t request_len;
    int64_t end_ns;
    atomic_size_t n, failed;
    uint32_t *times_us;
};

static int64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000000ll + now.tv_nsec;
}

// One answer; its status, or 0 when the connection ended.
static int read_answer(int fd)
{
    static const char field[] = "Content-Length: ";
    char bytes[256 * 1024];
    size_t n = 0;
    for (;;) {
        ssize_t got = n < sizeof(bytes) - 1 ? recv(fd, bytes + n, sizeof(bytes) - 1 - n, 0) : 0;
        if (got <= 0)
            return 0;
        n += (size_t)got;
        bytes[n] = '\0';
        const char *end = strstr(bytes, "\r\n\r\n"), *length = strstr(bytes, field);
        if (end && length && n >= (size_t)(end + 4 - bytes) + strtoul(length + strlen(field), NULL, 10))
            return atoi(bytes + strlen("HTTP/1.1 "));
    }
}

static void *run(void *argument)
{
    struct load *load = argument;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connect(fd, (struct sockaddr *)&load->address, sizeof(load->address))) {
        perror("connect");
        exit(1);
    }
    int64_t start_ns;
    while ((start_ns = now_ns()) < load->end_ns) {
        int status = send(fd, load->request, load->request_len, MSG_NOSIGNAL) > 0 ? read_answer(fd) : 0;
        size_t i = atomic_fetch_add(&load->n, 1);
        if (status != 200)
            atomic_fetch_add(&load->failed, 1);
        if (i < TIMES_MAX)
            load->times_us[i] = (uint32_t)((now_ns() - start_ns) / 1000);
        if (status == 0)
            break;
    }
    close(fd);
    return NULL;
}

static int order(const void *a, const void *b)
{
    uint32_t one = *(const uint32_t *)a, two = *(const uint32_t *)b;
    return (one > two) - (one < two);
}

int main(int argc, char **argv)
{
    struct load load = {.address = {.sun_family = AF_UNIX}};
    if (argc != 6 || strlen(argv[1]) >= sizeof(load.address.sun_path)) {
        fprintf(stderr, "usage: load SOCKET CONNECTIONS SECONDS PATH BODY\n");
        return 2;
    }
    strcpy(load.address.sun_path, argv[1]);
    size_t n_threads = strtoul(argv[2], NULL, 10);
    double seconds = strtod(argv[3], NULL);
    int length = asprintf(&load.request, "POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Length: %zu\r\n\r\n%s",
                          argv[4], strlen(argv[5]), argv[5]);
    pthread_t *threads = calloc(n_threads, sizeof(*threads));
    load.times_us = calloc(TIMES_MAX, sizeof(*load.times_us));
    if (length < 0 || !threads || !load.times_us)
        return 1;
    load.request_len = (size_t)length;
    int64_t start_ns = now_ns();
    load.end_ns = start_ns + (int64_t)(seconds * 1e9);
    for (size_t i = 0; i < n_threads; i++)
        if (pthread_create(&threads[i], NULL, run, &load))
            return 1;
    for (size_t i = 0; i < n_threads; i++)
        pthread_join(threads[i], NULL);
    size_t n = load.n < TIMES_MAX ? load.n : TIMES_MAX;
    qsort(load.times_us, n, sizeof(*load.times_us), order);
    printf("%.0f %u %u %zu\n", (double)load.n * 1e9 / (double)(now_ns() - start_ns), n ? load.times_us[n / 2] : 0,
           n ? load.times_us[n - 1 - n / 100] : 0, (size_t)load.failed);
    free(load.times_us);
    free(threads);
    free(load.request);
    return 0;
}
