// SPDX-License-Identifier: Apache-2.0
// For the tests of HTTP: a server with a small handler on a socket of its own, and clients that write raw bytes.
#pragma once

#include "http/server.h"

#include <semaphore.h>
#include <sys/un.h>

struct bench {
    struct ha_http_server *server;
    struct sockaddr_un address;
    int listen_fd;
    sem_t entered;  // a handler of /block has begun
    sem_t release;  // it may go on
};

// What the handler does:
//   /echo    the body comes back
//   /block   waits for release
//   /big     a reply of BIG_REPLY bytes
//   /busy    503 with Retry-After, Allow and Connection: close
//   others   what came, as "METHOD PATH QUERY BODY_LEN ORIGIN IF_NONE_MATCH LISTEN ADMIN UID ID"
enum { BIG_REPLY = 3 * 1024 * 1024 };

// Limits that aren't set are 64 connections, 10 s idle, 10 s to receive.
void bench_start(struct bench *bench, struct ha_http_options options);
void bench_stop(struct bench *bench);

// Waits until no request is pending: a client has its reply a moment before the server has put the request away.
void bench_assert_quiet(const struct bench *bench);

struct peer {
    int fd;
    struct ha_buf in;  // read, but not part of a reply that was taken yet
};

struct answer {
    unsigned status;  // 0: the connection ended without one
    struct ha_buf head;
    struct ha_buf body;
};
void answer_clear(struct answer *answer);
HA_AUTO_DEFINE_CLEAR(struct answer, answer_clear)
// The field's value, up to the line's end, in text of 256 bytes; "" when it is absent.
const char *answer_field(const struct answer *answer, const char *name, char text[static 256]);

// It is a problem document with that code.
void answer_assert_problem(const struct answer *answer, const char *code);

void peer_open(struct peer *peer, const struct bench *bench);
void peer_close(struct peer *peer);
HA_AUTO_DEFINE_CLEAR(struct peer, peer_close)
// False: the other end doesn't take it any more.
bool peer_send(struct peer *peer, const void *bytes, size_t n);
bool peer_say(struct peer *peer, const char *text);
// Reads one reply; has_body: not after HEAD.
void peer_take(struct peer *peer, bool has_body, struct answer *ret_answer);
// Sends text, takes one reply, returns its status.
unsigned peer_ask(struct peer *peer, const char *text, struct answer *ret_answer);
// The status of one request on a connection of its own.
unsigned peer_status(const struct bench *bench, const char *text);
// Whether the other end closes within ms, without another byte.
bool peer_is_closed(struct peer *peer, int ms);
