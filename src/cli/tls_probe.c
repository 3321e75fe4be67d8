// SPDX-License-Identifier: Apache-2.0
#include "cli/tls_probe.h"

#include "base/clock.h"

#include <assert.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

enum {
    ANSWER_MAX = 512,  // bytes to look for a status line in
    ROUNDS_MAX = 10000,
};

HA_AUTO_DEFINE(SSL_CTX, SSL_CTX_free)
HA_AUTO_DEFINE(SSL, SSL_free)

static const struct {
    const char *name;
    int number;
} versions[] = {
    [HA_TLS_1_0] = {"TLS 1.0", TLS1_VERSION},
    [HA_TLS_1_1] = {"TLS 1.1", TLS1_1_VERSION},
    [HA_TLS_1_2] = {"TLS 1.2", TLS1_2_VERSION},
    [HA_TLS_1_3] = {"TLS 1.3", TLS1_3_VERSION},
};
static_assert(HA_ARRAY_SIZE(versions) == HA_TLS_VERSION_COUNT, "a row for each version");

const char *ha_tls_version_name(enum ha_tls_version version)
{
    return versions[version].name;
}

const char *ha_tls_alert_name(int alert)
{
    // What TLS 1.3 added, and OpenSSL 3.0 has no words for.
    if (alert == SSL_AD_CERTIFICATE_REQUIRED)
        return "certificate required";
    return SSL_alert_desc_string_long(alert);
}

void ha_tls_seen_clear(struct ha_tls_seen *seen)
{
    ha_ossl_stack_free(seen->sent);
    ha_ossl_names_free(seen->ca_names);
    *seen = (struct ha_tls_seen){0};
}

// Keeps what was sent and lets everything pass: what it is worth is judged later, also when the handshake fails.
static int keep_certificates(X509_STORE_CTX *store, void *context)
{
    struct ha_tls_seen *seen = context;
    STACK_OF(X509) *sent = X509_STORE_CTX_get0_untrusted(store);
    if (seen->sent || !(seen->sent = sk_X509_new_null()))
        return 1;
    seen->n_sent = sent ? (size_t)sk_X509_num(sent) : 0;
    for (size_t i = 0; i < seen->n_sent && i < HA_TLS_CERTIFICATES_MAX; i++) {
        X509 *certificate = sk_X509_value(sent, (int)i);
        X509_up_ref(certificate);
        if (sk_X509_push(seen->sent, certificate) <= 0)
            X509_free(certificate);
    }
    return 1;
}

// Called when the server asks for a certificate.
static int keep_ca_names(SSL *ssl, void *context)
{
    struct ha_tls_seen *seen = context;
    const STACK_OF(X509_NAME) *names = SSL_get0_peer_CA_list(ssl);
    seen->asked = true;
    if (!names || seen->ca_names || !(seen->ca_names = sk_X509_NAME_new_null()))
        return 1;
    seen->n_ca_names = (size_t)sk_X509_NAME_num(names);
    for (size_t i = 0; i < seen->n_ca_names && i < HA_TLS_CA_NAMES_MAX; i++) {
        X509_NAME *name = X509_NAME_dup(sk_X509_NAME_value(names, (int)i));
        if (!name || sk_X509_NAME_push(seen->ca_names, name) <= 0)
            X509_NAME_free(name);
    }
    return 1;
}

static void end_as(struct ha_tls_outcome *outcome, enum ha_tls_end end, enum ha_code code, const char *words,
                   const char *hint)
{
    outcome->end = end;
    ha_fail(&outcome->err, code, "%s", words);
    ha_hint(&outcome->err, "%s", hint);
}

// The words of the first error in OpenSSL's queue: the provider's own when they are.
static void end_ours(struct ha_tls_outcome *outcome, const char *what)
{
    const char *data = NULL;
    char words[400];
    int flags = 0;
    unsigned long first = ERR_peek_error_all(NULL, NULL, NULL, &data, &flags);
    const char *reason = ERR_reason_error_string(first);
    bool has_data = data && flags & ERR_TXT_STRING && data[0];
    snprintf(words, sizeof words, "%s: %s%s%s", what, reason ? reason : "no reason is known", has_data ? ": " : "",
             has_data ? data : "");
    end_as(outcome, HA_TLS_OURS, HA_E_IO, words, "Check the certificate and the key that are presented.");
}

static bool is_not_tls(unsigned long error)
{
    switch (ERR_GET_REASON(error)) {
    case SSL_R_WRONG_VERSION_NUMBER:
    case SSL_R_HTTP_REQUEST:
    case SSL_R_HTTPS_PROXY_REQUEST:
    case SSL_R_PACKET_LENGTH_TOO_LONG:
    case SSL_R_RECORD_LENGTH_MISMATCH:
    case SSL_R_UNEXPECTED_MESSAGE:
    case SSL_R_BAD_RECORD_TYPE:
        return true;
    default:
        return false;
    }
}

// What SSL_connect, SSL_write or SSL_read failed with.
static void judge(int error, bool is_own_key, struct ha_tls_outcome *outcome)
{
    unsigned long first = ERR_peek_error();
    int reason = ERR_GET_REASON(first);
    bool is_ssl = ERR_GET_LIB(first) == ERR_LIB_SSL;
    if (error == SSL_ERROR_ZERO_RETURN || error == SSL_ERROR_SYSCALL || first == 0 ||
        (is_ssl && reason == SSL_R_UNEXPECTED_EOF_WHILE_READING)) {
        end_as(outcome, HA_TLS_CLOSED, HA_E_IO, "the server closed the connection",
               "Look into the server's log for the reason.");
    } else if (is_ssl && reason > SSL_AD_REASON_OFFSET) {
        char words[128];
        outcome->alert = reason - SSL_AD_REASON_OFFSET;
        snprintf(words, sizeof words, "the server ended it with the alert \"%s\"", ha_tls_alert_name(outcome->alert));
        end_as(outcome, HA_TLS_ALERT, HA_E_IO, words, "Look into the server's log for the reason.");
    } else if (is_ssl && is_not_tls(first)) {
        end_as(outcome, HA_TLS_NOT_TLS, HA_E_IO, "what answers doesn't speak TLS",
               "Check the port: it has to be that of a TLS server.");
    } else if (!is_ssl && is_own_key) {
        end_ours(outcome, "the key can't be used");
    } else {
        end_ours(outcome, "OpenSSL gives up");
    }
}

// Whether to try again: waits as the SSL wants. False when outcome says how it ended.
static bool wait_for(SSL *ssl, int result, int64_t deadline_ms, bool is_own_key, struct ha_tls_outcome *outcome)
{
    int error = SSL_get_error(ssl, result);
    struct pollfd wait = {.fd = SSL_get_fd(ssl), .events = error == SSL_ERROR_WANT_WRITE ? POLLOUT : POLLIN};
    if (error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE) {
        judge(error, is_own_key, outcome);
        ERR_clear_error();
        return false;
    }
    if (ha_left_ms(deadline_ms) > 0 && poll(&wait, 1, ha_left_ms(deadline_ms)) != 0)
        return true;
    end_as(outcome, HA_TLS_TIMEOUT, HA_E_DEADLINE, "the server doesn't answer in time",
           "Check that it is a TLS server and isn't overloaded or stuck; --timeout gives it more time.");
    return false;
}

// "HTTP/1.1 400 ...": 400; 0: it isn't that.
static unsigned status_of(const char *answer, size_t n)
{
    if (n < 12 || memcmp(answer, "HTTP/1.", 7) != 0 || answer[8] != ' ')
        return 0;
    unsigned status = 0;
    for (size_t i = 9; i < 12; i++) {
        if (answer[i] < '0' || answer[i] > '9')
            return 0;
        status = status * 10 + (unsigned)(answer[i] - '0');
    }
    return status;
}

static void ask(SSL *ssl, const struct ha_tls_probe *probe, struct ha_tls_seen *seen)
{
    int64_t deadline_ms = ha_now_ms() + probe->timeout_ms;
    struct ha_tls_outcome *outcome = &seen->request;
    char answer[ANSWER_MAX];
    size_t n = 0;
    int result;
    while ((result = SSL_write(ssl, probe->request, (int)strlen(probe->request))) <= 0) {
        if (wait_for(ssl, result, deadline_ms, false, outcome))
            continue;
        // In TLS 1.3 the server may have refused us since; the alert that says why came before the end.
        if (outcome->end != HA_TLS_CLOSED)
            return;
        break;
    }
    // A status line has no more to tell than its first 12 bytes.
    while (n < 12) {
        result = SSL_read(ssl, answer + n, (int)(sizeof answer - n));
        if (result > 0)
            n += (size_t)result;
        else if (!wait_for(ssl, result, deadline_ms, false, outcome))
            return;
    }
    seen->status = status_of(answer, n);
    if (seen->status != 0)
        outcome->end = HA_TLS_DONE;
    else
        end_as(outcome, HA_TLS_NOT_TLS, HA_E_IO, "what came isn't an answer in HTTP/1.1",
               "Check that it is an HTTP server.");
}

static SSL_CTX *make_context(const struct ha_tls_probe *probe, struct ha_tls_seen *seen)
{
    static const unsigned char protocols[] = "\x08http/1.1";
    ha_auto(SSL_CTX_free) SSL_CTX *context = SSL_CTX_new_ex(probe->libctx, NULL, TLS_client_method());
    if (!context)
        return NULL;
    // Everything that the server would agree to is worth to know, so the levels of security are ours to judge.
    SSL_CTX_set_security_level(context, 0);
    SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_LEGACY_SERVER_CONNECT);
    // So that a read returns, and the time is looked at, after every record.
    SSL_CTX_clear_mode(context, SSL_MODE_AUTO_RETRY);
    SSL_CTX_set_verify(context, SSL_VERIFY_NONE, NULL);
    SSL_CTX_set_cert_verify_callback(context, keep_certificates, seen);
    SSL_CTX_set_cert_cb(context, keep_ca_names, seen);
    bool any = probe->version == HA_TLS_ANY;
    if (SSL_CTX_set_cipher_list(context, "DEFAULT:@SECLEVEL=0") != 1 ||
        SSL_CTX_set_alpn_protos(context, protocols, sizeof protocols - 1) != 0 ||
        SSL_CTX_set_min_proto_version(context, any ? TLS1_VERSION : versions[probe->version].number) != 1 ||
        SSL_CTX_set_max_proto_version(context, any ? 0 : versions[probe->version].number) != 1)
        return NULL;
    if (probe->certificate && SSL_CTX_use_cert_and_key(context, probe->certificate, probe->key, probe->chain, 1) != 1)
        return NULL;
    return ha_take(&context);
}

static void shake_hands(SSL *ssl, const struct ha_tls_probe *probe, int64_t deadline_ms, struct ha_tls_seen *seen)
{
    int result;
    for (int rounds = 0; (result = SSL_connect(ssl)) != 1; rounds++)
        if (rounds > ROUNDS_MAX || !wait_for(ssl, result, deadline_ms, probe->key != NULL, &seen->handshake))
            return;
    seen->handshake.end = HA_TLS_DONE;
    seen->version = SSL_get_version(ssl);
    seen->cipher = SSL_get_cipher_name(ssl);
}

void ha_tls_probe(const struct ha_tls_probe *probe, struct ha_tls_seen *ret_seen)
{
    int64_t deadline_ms = ha_now_ms() + probe->timeout_ms;
    ha_auto(ha_close) int fd = -1;
    *ret_seen = (struct ha_tls_seen){0};
    ERR_clear_error();
    ha_auto(SSL_CTX_free) SSL_CTX *context = make_context(probe, ret_seen);
    ha_auto(SSL_free) SSL *ssl = context ? SSL_new(context) : NULL;
    // A version that this library was built without can be asked for, but leaves nothing to offer.
    if (!ssl) {
        end_ours(&ret_seen->handshake, "OpenSSL can't try it");
        ret_seen->handshake.end = probe->version != HA_TLS_ANY ? HA_TLS_UNAVAILABLE : HA_TLS_OURS;
        ERR_clear_error();
        return;
    }
    if (ha_tls_target_connect(probe->target, deadline_ms, &fd, &ret_seen->handshake.err) != HA_OK) {
        ret_seen->handshake.end = HA_TLS_NO_CONNECTION;
        return;
    }
    if (SSL_set_fd(ssl, fd) != 1 || (probe->servername && SSL_set_tlsext_host_name(ssl, probe->servername) != 1)) {
        end_ours(&ret_seen->handshake, "OpenSSL can't begin");
        ERR_clear_error();
        return;
    }
    shake_hands(ssl, probe, deadline_ms, ret_seen);
    if (ret_seen->handshake.end != HA_TLS_DONE)
        return;
    if (probe->request)
        ask(ssl, probe, ret_seen);
    // The server's tickets may lie unread; the close is said all the same, and not waited for.
    SSL_shutdown(ssl);
    ERR_clear_error();
}
