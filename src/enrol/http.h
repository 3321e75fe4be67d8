// SPDX-License-Identifier: Apache-2.0
// Requests to a certificate authority over HTTPS. The only door to libcurl.
//
// A connection and its cookies are kept from request to request, which is what CAs call a session. The server has to
// have a certificate for its name; redirections aren't followed, and nothing but https is spoken. Not thread-safe.
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "base/secret.h"

#include <openssl/evp.h>
#include <openssl/x509.h>

// Whom the CA takes us for, by a client certificate. Borrowed; it outlives the struct ha_http.
struct ha_http_identity {
    X509 *certificate;
    STACK_OF(X509) * chain;  // that go along with it
    EVP_PKEY *key;           // may be one of a provider in OpenSSL's default context
};

struct ha_http_options {
    const char *ca_file;                      // PEM; NULL: those that the system trusts
    const struct ha_http_identity *identity;  // NULL: none
    struct ha_secret *user;                   // USER:PASSWORD for basic authentication; NULL: none. Borrowed
    int timeout_ms;                           // for each request
};

struct ha_http;

// HA_E_MEMORY; HA_E_MALFORMED for a user that is no USER:PASSWORD.
enum ha_code ha_http_new(const struct ha_http_options *options, struct ha_http **ret_http, struct ha_err *err);
void ha_http_free(struct ha_http *http);
HA_AUTO_DEFINE(struct ha_http, ha_http_free)

struct ha_http_request {
    const char *method;        // GET or POST
    const char *url;           // https
    const char *content_type;  // of the body
    const char *accept;
    const void *body;  // NULL: none
    size_t body_len;
};

enum { HA_HTTP_ANSWER_MAX = 512 * 1024 };  // bytes of a body

struct ha_http_answer {
    unsigned status;         // 0: no answer came
    bool sent;               // the server may have got the request
    char content_type[128];  // lower case, without parameters; "": none was said
    uint64_t retry_after_s;  // 0: unsaid
    struct ha_buf body;
};
void ha_http_answer_clear(struct ha_http_answer *answer);
HA_AUTO_DEFINE_CLEAR(struct ha_http_answer, ha_http_answer_clear)

// HA_OK whatever the status of the answer is. HA_E_CA when there is none, with status 0: ret_answer is set then too,
// and sent tells whether what was asked for may have been done. A body over the limit counts as no answer.
enum ha_code ha_http_do(struct ha_http *http, const struct ha_http_request *request, struct ha_http_answer *ret_answer,
                        struct ha_err *err);
