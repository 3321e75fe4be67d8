// SPDX-License-Identifier: Apache-2.0
#include "enrol/http.h"

#include "base/text.h"

#include <ctype.h>
#include <curl/curl.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <string.h>

enum { CONNECT_MS_MAX = 20000, WAIT_S_MAX = 7 * 24 * 3600 };

struct ha_http {
    CURL *curl;
    const struct ha_http_identity *identity;
    char words[CURL_ERROR_SIZE];
};

static void free_list(struct curl_slist *list)
{
    curl_slist_free_all(list);
}
HA_AUTO_DEFINE(struct curl_slist, free_list)

void ha_http_answer_clear(struct ha_http_answer *answer)
{
    ha_buf_clear(&answer->body);
    *answer = (struct ha_http_answer){0};
}

void ha_http_free(struct ha_http *http)
{
    if (!http)
        return;
    curl_easy_cleanup(http->curl);
    free(http);
}

// The key may be one of the agent's, which no file name could give to libcurl.
static CURLcode present(CURL *curl, void *context, void *argument)
{
    const struct ha_http_identity *identity = argument;
    if (SSL_CTX_use_cert_and_key(context, identity->certificate, identity->key, identity->chain, 1) == 1)
        return CURLE_OK;
    ERR_clear_error();
    return CURLE_SSL_CERTPROBLEM;
}

static CURLcode set_user(CURL *curl, struct ha_secret *user)
{
    // libcurl makes a copy for the life of the handle; the secret itself has no NUL at its end.
    size_t n = ha_secret_len(user);
    char *text = calloc(1, n + 1);
    if (!text)
        return CURLE_OUT_OF_MEMORY;
    memcpy(text, ha_secret_data(user), n);
    CURLcode code = curl_easy_setopt(curl, CURLOPT_USERPWD, text);
    ha_wipe(text, n);
    free(text);
    return code ? code : curl_easy_setopt(curl, CURLOPT_HTTPAUTH, CURLAUTH_BASIC);
}

static CURLcode set_options(struct ha_http *http, const struct ha_http_options *options)
{
    CURL *curl = http->curl;
    int connect_ms = options->timeout_ms < CONNECT_MS_MAX ? options->timeout_ms : CONNECT_MS_MAX;
    CURLcode code = curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, http->words);
    code = code ? code : curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    code = code ? code : curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "https");
    code = code ? code : curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
    code = code ? code : curl_easy_setopt(curl, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    code = code ? code : curl_easy_setopt(curl, CURLOPT_USERAGENT, "hsm-agent/" HA_VERSION);
    code = code ? code : curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)options->timeout_ms);
    code = code ? code : curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, (long)connect_ms);
    // Turns the cookies on, without a file to read them from.
    code = code ? code : curl_easy_setopt(curl, CURLOPT_COOKIEFILE, "");
    if (!code && options->ca_file) {
        code = curl_easy_setopt(curl, CURLOPT_CAINFO, options->ca_file);
        code = code ? code : curl_easy_setopt(curl, CURLOPT_CAPATH, NULL);
    }
    if (!code && options->identity) {
        code = curl_easy_setopt(curl, CURLOPT_SSL_CTX_FUNCTION, present);
        code = code ? code : curl_easy_setopt(curl, CURLOPT_SSL_CTX_DATA, (void *)options->identity);
    }
    return code || !options->user ? code : set_user(curl, options->user);
}

enum ha_code ha_http_new(const struct ha_http_options *options, struct ha_http **ret_http, struct ha_err *err)
{
    if (options->user && !memchr(ha_secret_data(options->user), ':', ha_secret_len(options->user)))
        return ha_fail(err, HA_E_MALFORMED, "the user isn't USER:PASSWORD");
    ha_auto(ha_http_free) struct ha_http *http = calloc(1, sizeof *http);
    if (!http || curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK || !(http->curl = curl_easy_init()))
        return ha_fail(err, HA_E_MEMORY, "out of memory for a connection");
    CURLcode code = set_options(http, options);
    if (code)
        return ha_fail(err, HA_E_INTERNAL, "can't set up a connection: %s", curl_easy_strerror(code));
    *ret_http = ha_take(&http);
    return HA_OK;
}

static size_t take_body(char *bytes, size_t size, size_t n, void *context)
{
    struct ha_buf *body = context;
    if (body->len + n > HA_HTTP_ANSWER_MAX)
        return 0;
    ha_buf_append(body, bytes, n);
    return ha_buf_ok(body) ? n : 0;
}

static bool never_left(CURLcode code)
{
    switch ((int)code) {
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_URL_MALFORMAT:
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_CONNECT:
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_INTERFACE_FAILED:
        return true;
    default:
        return false;
    }
}

static enum ha_code fail(const struct ha_http *http, CURLcode code, struct ha_err *err)
{
    const char *words = http->words[0] ? http->words : curl_easy_strerror(code);
    switch ((int)code) {
    case CURLE_WRITE_ERROR:
        ha_fail(err, HA_E_CA, "the CA's answer is over %d bytes", HA_HTTP_ANSWER_MAX);
        return ha_hint(err, "Check that the URL is that of a CA.");
    case CURLE_OPERATION_TIMEDOUT:
        ha_fail(err, HA_E_CA, "the CA didn't answer in time: %s", words);
        return ha_hint(err, "Try again, an enrolment with 'hsm-agent enrol --resume'; --timeout gives it more time.");
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
        ha_fail(err, HA_E_CA, "the CA's server isn't trusted: %s", words);
        return ha_hint(err, "Name the CA that its certificate is from with --ca, in PEM, and its host as there.");
    default:
        ha_fail(err, HA_E_CA, "no answer from the CA: %s", words);
        return ha_hint(err,
                       "Check the URL and that the CA is up; an enrolment goes on with 'hsm-agent enrol --resume'.");
    }
}

static enum ha_code make_headers(const struct ha_http_request *request, struct curl_slist **ret_list,
                                 struct ha_err *err)
{
    const struct {
        const char *name, *value;
    } fields[] = {
        {"Content-Type", request->content_type},
        {"Accept", request->accept},
        // libcurl would wait for a 100 before it sends a body.
        {"Expect", ""},
    };
    ha_auto(free_list) struct curl_slist *list = NULL;
    for (size_t i = 0; i < HA_ARRAY_SIZE(fields); i++) {
        ha_auto(ha_buf_clear) struct ha_buf line = {0};
        if (!fields[i].value)
            continue;
        ha_buf_printf(&line, "%s:%s%s", fields[i].name, fields[i].value[0] ? " " : "", fields[i].value);
        struct curl_slist *longer = ha_buf_ok(&line) ? curl_slist_append(list, ha_buf_text(&line)) : NULL;
        if (!longer)
            return ha_fail(err, HA_E_MEMORY, "out of memory for a request");
        list = longer;
    }
    *ret_list = ha_take(&list);
    return HA_OK;
}

static CURLcode perform(struct ha_http *http, const struct ha_http_request *request, struct curl_slist *headers,
                        struct ha_buf *body)
{
    CURL *curl = http->curl;
    http->words[0] = '\0';
    bool posts = strcmp(request->method, "POST") == 0;
    CURLcode code = curl_easy_setopt(curl, CURLOPT_URL, request->url);
    code = code ? code : curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    code = code ? code : curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_body);
    code = code ? code : curl_easy_setopt(curl, CURLOPT_WRITEDATA, body);
    code = code ? code : curl_easy_setopt(curl, posts ? CURLOPT_POST : CURLOPT_HTTPGET, 1L);
    // On a kept connection that dies libcurl sends a request again by itself, and what is posted isn't to be done
    // twice.
    code = code ? code : curl_easy_setopt(curl, CURLOPT_FRESH_CONNECT, posts ? 1L : 0L);
    if (!code && posts) {
        code = curl_easy_setopt(curl, CURLOPT_POSTFIELDS, request->body ? request->body : "");
        code = code ? code : curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body_len);
    }
    code = code ? code : curl_easy_perform(curl);
    // What was borrowed for this request alone.
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, NULL);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, NULL);
    curl_easy_setopt(curl, CURLOPT_POSTFIELDS, NULL);
    return code;
}

static void take_facts(CURL *curl, struct ha_http_answer *answer)
{
    long status = 0;
    curl_off_t wait = 0;
    char *type = NULL;
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(curl, CURLINFO_RETRY_AFTER, &wait);
    curl_easy_getinfo(curl, CURLINFO_CONTENT_TYPE, &type);
    answer->status = (unsigned)status;
    answer->retry_after_s = wait < 0 ? 0 : wait > WAIT_S_MAX ? WAIT_S_MAX : (uint64_t)wait;
    size_t n = type ? strcspn(type, "; \t") : 0;
    for (size_t i = 0; i < n && i + 1 < sizeof answer->content_type; i++)
        answer->content_type[i] = (char)tolower((unsigned char)type[i]);
}

enum ha_code ha_http_do(struct ha_http *http, const struct ha_http_request *request, struct ha_http_answer *ret_answer,
                        struct ha_err *err)
{
    ha_auto(free_list) struct curl_slist *headers = NULL;
    ha_auto(ha_http_answer_clear) struct ha_http_answer answer = {0};
    if (make_headers(request, &headers, err))
        return err->code;
    CURLcode code = perform(http, request, headers, &answer.body);
    answer.sent = !never_left(code);
    if (code)
        fail(http, code, err);
    else
        take_facts(http->curl, &answer);
    ha_http_answer_clear(ret_answer);
    *ret_answer = answer;
    answer = (struct ha_http_answer){0};
    return code ? err->code : HA_OK;
}
