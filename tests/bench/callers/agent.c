// SPDX-License-Identifier: Apache-2.0
// The way through the agent's HTTP API: a connection for each caller, kept open, single requests or batches.
#include "callers.h"

#include <ctype.h>
#include <errno.h>
#include <openssl/evp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { ANSWER_MAX = 1 << 20, PATIENCE_MS = 120000 };

struct connection {
    int fd;
    char *request;
    size_t request_n;
    char *answer;  // of ANSWER_MAX bytes
    size_t answer_n;
    const char *body;  // in answer
};

static const char *const algorithms[] = {
    [RS256] = "RS256", [ES256] = "ES256", [ED25519] = "Ed25519", [OAEP] = "RSA-OAEP"};

static void to_base64url(const uint8_t *bytes, size_t n, char *text)
{
    EVP_EncodeBlock((unsigned char *)text, bytes, (int)n);
    for (; *text; text++) {
        if (*text == '+' || *text == '/')
            *text = *text == '+' ? '-' : '_';
        else if (*text == '=')
            *text-- = '\0';
    }
}

static size_t from_base64url(const char *text, uint8_t *bytes, size_t size)
{
    char plain[2 * OUTPUT_MAX];
    uint8_t whole[2 * OUTPUT_MAX];
    size_t n = 0;
    for (; n < sizeof(plain) - 4 && (isalnum((unsigned char)*text) || *text == '-' || *text == '_'); text++)
        plain[n++] = *text == '-' ? '+' : *text == '_' ? '/' : *text;
    size_t length = n * 3 / 4;
    while (n % 4)
        plain[n++] = '=';
    if (length > size || EVP_DecodeBlock(whole, (unsigned char *)plain, (int)n) < 0)
        return 0;
    memcpy(bytes, whole, length);
    return length;
}

// Words: SOCKET KEY.
static bool write_request(struct connection *c, const struct job *job, char *why)
{
    char binary[2 * OUTPUT_MAX], item[3 * OUTPUT_MAX];
    bool oaep = job->operation == OAEP;
    to_base64url(oaep ? job->ciphertext : job->message, oaep ? job->ciphertext_n : job->message_n, binary);
    snprintf(item, sizeof(item), "{\"algorithm\":\"%s\",\"%s\":\"%s\"}", algorithms[job->operation],
             oaep ? "ciphertext" : "data", binary);
    size_t item_n = strlen(item), body_size = job->batch * (item_n + 1) + 16;
    char *body = malloc(body_size);
    if (!body)
        return callers_fail(why, "no memory");
    char *at = body + sprintf(body, "%s", job->batch > 1 ? "{\"items\":[" : "");
    for (size_t i = 0; i < job->batch; i++)
        at += sprintf(at, "%s%s", i > 0 ? "," : "", item);
    if (job->batch > 1)
        sprintf(at, "]}");
    int n = asprintf(&c->request,
                     "POST /v1/keys/%s/%s HTTP/1.1\r\nHost: agent\r\nContent-Type: application/json\r\n"
                     "Content-Length: %zu\r\n\r\n%s",
                     job->words[1], oaep ? "decrypt" : "sign", strlen(body), body);
    free(body);
    c->request_n = (size_t)n;
    return n > 0 || callers_fail(why, "no memory");
}

static void leave(void *caller)
{
    struct connection *c = caller;
    close(c->fd);
    free(c->request);
    free(c->answer);
    free(c);
}

static void *open_connection(void *opened, const struct job *job, char *why)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    (void)opened;
    struct connection *c = calloc(1, sizeof(*c));
    if (!c || strlen(job->words[0]) >= sizeof(address.sun_path))
        return NULL;
    strcpy(address.sun_path, job->words[0]);
    c->answer = malloc(ANSWER_MAX);
    c->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connect(c->fd, (struct sockaddr *)&address, sizeof(address)) != 0)
        callers_fail(why, "%s: %s", job->words[0], strerror(errno));
    else if (c->answer && write_request(c, job, why))
        return c;
    leave(c);
    return NULL;
}

static bool send_all(const struct connection *c)
{
    for (size_t sent = 0; sent < c->request_n;) {
        ssize_t n = send(c->fd, c->request + sent, c->request_n - sent, MSG_NOSIGNAL);
        if (n <= 0)
            return false;
        sent += (size_t)n;
    }
    return true;
}

// One whole answer, whose length its header says.
static bool receive(struct connection *c)
{
    static const char field[] = "\r\nContent-Length: ";
    size_t whole = 0;
    c->answer_n = 0;
    while (whole == 0 || c->answer_n < whole) {
        // In poll, as clients with an event loop do: who sleeps in recv is woken when the agent takes the request, too.
        struct pollfd wait = {.fd = c->fd, .events = POLLIN};
        if (poll(&wait, 1, PATIENCE_MS) != 1)
            return false;
        ssize_t n = recv(c->fd, c->answer + c->answer_n, ANSWER_MAX - 1 - c->answer_n, 0);
        if (n <= 0)
            return false;
        c->answer_n += (size_t)n;
        c->answer[c->answer_n] = '\0';
        const char *end = whole == 0 ? strstr(c->answer, "\r\n\r\n") : NULL;
        if (end) {
            const char *length = strcasestr(c->answer, field);
            if (!length || length > end)
                return false;
            c->body = end + 4;
            whole = (size_t)(c->body - c->answer) + strtoul(length + strlen(field), NULL, 10);
        }
    }
    return c->answer_n == whole;
}

static bool ask(void *caller, const struct job *job, struct output *ret_output, char *why)
{
    struct connection *c = caller;
    const char *member = job->operation == OAEP ? "\"plaintext\":\"" : "\"signature\":\"";
    if (!send_all(c) || !receive(c))
        return callers_fail(why, "no answer");
    if (strncmp(c->answer, "HTTP/1.1 200 ", 13) != 0 ||
        (job->batch > 1 && memmem(c->body, c->answer_n - (size_t)(c->body - c->answer), "urn:hsm-agent:", 14)))
        return callers_fail(why, "%.120s", c->body);
    if (!ret_output)
        return true;
    const char *value = strstr(c->body, member);
    ret_output->n = value ? from_base64url(value + strlen(member), ret_output->bytes, OUTPUT_MAX) : 0;
    return ret_output->n > 0 || callers_fail(why, "no result in %.120s", c->body);
}

// Nothing is shared.
static void *open_way(const struct job *job, char *why)
{
    (void)why;
    return (void *)job;
}

const struct way agent_way = {.name = "agent",
                              .n_words = 2,
                              .words = "SOCKET KEY",
                              .open = open_way,
                              .caller = open_connection,
                              .ask = ask,
                              .leave = leave};
