// SPDX-License-Identifier: Apache-2.0
// Sends requests over and over, each connection one after the other:
//
//   load [-n COUNT] [-i MS] [-p MS] [-o FILE] SOCKET CONNECTIONS SECONDS PATH BODY [PATH BODY]...
//
// Several requests are sent in turn. -n: no more than so many, of all connections together. -i: a pause after each
// answer. -p: one after each that isn't a 200, and before a connection is made anew. -o: a line for each answer, with
// the microseconds (of the clock that doesn't jump) at which its request was sent and it came, its status (0: the
// connection ended, or nothing came within 60 s), the number of its request from 0, and its problem's code or "-".
// Prints the answers a second, the median and the 99th percentile of the times in microseconds, and how many weren't
// 200.
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { TIMES_MAX = 1 << 22, REQUESTS_MAX = 8, PATIENCE_S = 60 };

struct load {
    struct sockaddr_un address;
    char *request[REQUESTS_MAX];
    size_t n_requests;
    size_t count;
    long idle_ms, pause_ms;
    FILE *lines;
    int64_t end_ns;
    atomic_size_t begun, n, failed;
    uint32_t *times_us;
};

struct answer {
    int status;
    char code[32];
};

static int64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000000ll + now.tv_nsec;
}

static void rest(long ms)
{
    if (ms == 0)
        return;
    nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000}, NULL);
}

static void read_code(const char *body, struct answer *answer)
{
    static const char member[] = "\"code\":\"";
    const char *code = strstr(body, member);
    if (answer->status != 200 && code)
        sscanf(code + strlen(member), "%31[a-z-]", answer->code);
}

static struct answer read_answer(int fd)
{
    static const char field[] = "Content-Length: ";
    struct answer answer = {.code = "-"};
    char bytes[256 * 1024];
    size_t n = 0;
    for (;;) {
        ssize_t got = n < sizeof(bytes) - 1 ? recv(fd, bytes + n, sizeof(bytes) - 1 - n, 0) : 0;
        if (got <= 0)
            return answer;
        n += (size_t)got;
        bytes[n] = '\0';
        const char *end = strstr(bytes, "\r\n\r\n"), *length = strstr(bytes, field);
        if (end && length && n >= (size_t)(end + 4 - bytes) + strtoul(length + strlen(field), NULL, 10)) {
            answer.status = atoi(bytes + strlen("HTTP/1.1 "));
            read_code(end, &answer);
            return answer;
        }
    }
}

// -1: nobody is there.
static int open_connection(const struct load *load)
{
    const struct timeval patience = {.tv_sec = PATIENCE_S};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    if (connect(fd, (const struct sockaddr *)&load->address, sizeof(load->address)) == 0)
        return fd;
    close(fd);
    return -1;
}

static struct answer ask(int fd, const char *request)
{
    struct answer none = {.code = "-"};
    return fd >= 0 && send(fd, request, strlen(request), MSG_NOSIGNAL) > 0 ? read_answer(fd) : none;
}

static void note(struct load *load, int64_t start_ns, size_t request, const struct answer *answer)
{
    int64_t end_ns = now_ns();
    size_t i = atomic_fetch_add(&load->n, 1);
    if (answer->status != 200)
        atomic_fetch_add(&load->failed, 1);
    if (i < TIMES_MAX)
        load->times_us[i] = (uint32_t)((end_ns - start_ns) / 1000);
    if (load->lines)
        fprintf(load->lines, "%" PRId64 " %" PRId64 " %d %zu %s\n", start_ns / 1000, end_ns / 1000, answer->status,
                request, answer->code);
}

static void *run(void *argument)
{
    struct load *load = argument;
    int fd = open_connection(load);
    size_t number;
    while (now_ns() < load->end_ns && (number = atomic_fetch_add(&load->begun, 1)) < load->count) {
        size_t which = number % load->n_requests;
        int64_t start_ns = now_ns();
        struct answer answer = ask(fd, load->request[which]);
        note(load, start_ns, which, &answer);
        rest(answer.status == 200 ? load->idle_ms : load->idle_ms + load->pause_ms);
        if (answer.status == 0) {
            if (fd >= 0)
                close(fd);
            fd = open_connection(load);
        }
    }
    if (fd >= 0)
        close(fd);
    return NULL;
}

static int order(const void *a, const void *b)
{
    uint32_t one = *(const uint32_t *)a, two = *(const uint32_t *)b;
    return (one > two) - (one < two);
}

static int usage(void)
{
    fprintf(stderr,
            "usage: load [-n COUNT] [-i MS] [-p MS] [-o FILE] SOCKET CONNECTIONS SECONDS PATH BODY [PATH BODY]...\n");
    return 2;
}

static void print(struct load *load, int64_t start_ns)
{
    size_t n = load->n < TIMES_MAX ? load->n : TIMES_MAX;
    qsort(load->times_us, n, sizeof(*load->times_us), order);
    printf("%.0f %u %u %zu\n", (double)load->n * 1e9 / (double)(now_ns() - start_ns), n ? load->times_us[n / 2] : 0,
           n ? load->times_us[n - 1 - n / 100] : 0, (size_t)load->failed);
}

// False: the words aren't understood.
static bool read_words(struct load *load, int n, char **words)
{
    if (n < 5 || n % 2 == 0 || n > 3 + 2 * REQUESTS_MAX || strlen(words[0]) >= sizeof(load->address.sun_path))
        return false;
    strcpy(load->address.sun_path, words[0]);
    for (int i = 3; i < n; i += 2) {
        const char *path = words[i], *body = words[i + 1];
        if (asprintf(&load->request[load->n_requests++],
                     "POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Length: %zu\r\n\r\n%s", path, strlen(body),
                     body) < 0)
            return false;
    }
    return true;
}

int main(int argc, char **argv)
{
    struct load load = {.address = {.sun_family = AF_UNIX}, .count = SIZE_MAX, .pause_ms = 1};
    int option;
    while ((option = getopt(argc, argv, "n:i:p:o:")) != -1) {
        if (option == 'n')
            load.count = strtoul(optarg, NULL, 10);
        else if (option == 'i')
            load.idle_ms = strtol(optarg, NULL, 10);
        else if (option == 'p')
            load.pause_ms = strtol(optarg, NULL, 10);
        else if (option != 'o' || !(load.lines = fopen(optarg, "we")))
            return usage();
    }
    char **words = argv + optind;
    if (!read_words(&load, argc - optind, words))
        return usage();
    size_t n_threads = strtoul(words[1], NULL, 10);
    double seconds = strtod(words[2], NULL);
    pthread_t *threads = calloc(n_threads, sizeof(*threads));
    load.times_us = calloc(TIMES_MAX, sizeof(*load.times_us));
    if (!threads || !load.times_us)
        return 1;
    int64_t start_ns = now_ns();
    load.end_ns = start_ns + (int64_t)(seconds * 1e9);
    for (size_t i = 0; i < n_threads; i++)
        if (pthread_create(&threads[i], NULL, run, &load))
            return 1;
    for (size_t i = 0; i < n_threads; i++)
        pthread_join(threads[i], NULL);
    print(&load, start_ns);
    bool written = !load.lines || fclose(load.lines) == 0;
    free(load.times_us);
    free(threads);
    for (size_t i = 0; i < load.n_requests; i++)
        free(load.request[i]);
    return written ? 0 : 1;
}
