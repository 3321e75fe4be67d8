// SPDX-License-Identifier: Apache-2.0
#include "enrol/kra.h"

#include "base/json.h"
#include "base/text.h"
#include "crypto/ossl.h"
#include "enrol/answer.h"
#include "enrol/dogtag_json.h"
#include "enrol/enrol.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <stdio.h>
#include <string.h>

enum { SESSION_KEY_LEN = 32, WRAP_BLOCK = 8 };

// id-aes256-wrap-pad, as Dogtag writes an OID.
static const char wrap_oid[] = "{2 16 840 1 101 3 4 1 48}";
static const char wrap_name[] = "AES KeyWrap/Padding";

HA_AUTO_DEFINE(BIO, BIO_free_all)
HA_AUTO_DEFINE(X509, X509_free)
HA_AUTO_DEFINE(PKCS8_PRIV_KEY_INFO, PKCS8_PRIV_KEY_INFO_free)

static enum ha_code call(const struct ha_kra *kra, const char *path, const struct ha_buf *body,
                         struct ha_http_answer *ret_answer, struct ha_err *err)
{
    ha_auto(ha_buf_clear) struct ha_buf url = {0};
    ha_buf_printf(&url, "%s%s%s", kra->url, kra->api, path);
    if (!ha_buf_ok(&url) || (body && !ha_buf_ok(body)))
        return ha_fail(err, HA_E_MEMORY, "out of memory for a request");
    const struct ha_http_request request = {
        .method = body ? "POST" : "GET",
        .url = ha_buf_text(&url),
        .content_type = body ? "application/json" : NULL,
        .accept = "application/json",
        .body = body ? body->data : NULL,
        .body_len = body ? body->len : 0,
    };
    return ha_http_do(kra->http, &request, ret_answer, err);
}

enum ha_code ha_kra_open(struct ha_http *http, const char *url, struct ha_kra *ret_kra, struct ha_err *err)
{
    ha_auto(ha_http_answer_clear) struct ha_http_answer answer = {0};
    struct ha_kra kra = {.http = http, .url = url, .api = ""};
    if (call(&kra, "/pki/v2/info", NULL, &answer, err))
        return err->code;
    if (answer.status != 200 && answer.status != 404)
        return ha_enrol_refusal(&answer, "say its version", err);
    kra.api = answer.status == 200 ? "/kra/v2" : "/kra/rest";
    *ret_kra = kra;
    return HA_OK;
}

static enum ha_code put_public_key(const struct ha_buf *certificate, struct ha_buf *out, struct ha_err *err)
{
    ha_auto(BIO_free_all) BIO *in = BIO_new_mem_buf(certificate->data, (int)certificate->len);
    ha_auto(BIO_free_all) BIO *pem = BIO_new(BIO_s_mem());
    ha_auto(X509_free) X509 *x509 = in ? PEM_read_bio_X509(in, NULL, NULL, NULL) : NULL;
    EVP_PKEY *key = x509 ? X509_get0_pubkey(x509) : NULL;
    if (!key || EVP_PKEY_get_base_id(key) != EVP_PKEY_RSA || !pem || PEM_write_bio_PUBKEY(pem, key) != 1) {
        ERR_clear_error();
        return ha_fail(err, HA_E_CA, "the KRA's transport certificate isn't one with an RSA key");
    }
    char *text = NULL;
    long n = BIO_get_mem_data(pem, &text);
    ha_buf_append(out, text, n > 0 ? (size_t)n : 0);
    return ha_buf_ok(out) ? HA_OK : ha_fail(err, HA_E_MEMORY, "out of memory for a key");
}

enum ha_code ha_kra_transport(const struct ha_kra *kra, struct ha_buf *certificate, struct ha_buf *public_key,
                              struct ha_err *err)
{
    ha_auto(ha_http_answer_clear) struct ha_http_answer answer = {0};
    if (call(kra, "/config/cert/transport", NULL, &answer, err))
        return err->code;
    if (answer.status != 200)
        return ha_enrol_refusal(&answer, "give its transport certificate", err);
    if (ha_dogtag_read_certificate(ha_buf_text(&answer.body), answer.body.len, certificate, err))
        return err->code;
    return put_public_key(certificate, public_key, err);
}

// --- Archival

static void put_attribute(struct ha_buf *body, const char *name, const char *value)
{
    ha_jw_object(body, NULL);
    ha_jw_string(body, "name", name);
    ha_jw_string(body, "value", value);
    ha_jw_object_end(body);
}

static void put_bytes(struct ha_buf *body, const char *name, const uint8_t *bytes, size_t n)
{
    ha_auto(ha_buf_clear) struct ha_buf text = {0};
    ha_b64_encode(&text, bytes, n, 0);
    put_attribute(body, name, ha_buf_text(&text));
    body->failed = body->failed || !ha_buf_ok(&text);
}

static void begin_request(struct ha_buf *body, const char *class_name)
{
    ha_jw_object(body, NULL);
    ha_jw_string(body, "ClassName", class_name);
    ha_jw_object(body, "Attributes");
    ha_jw_array(body, "Attribute");
}

static void end_request(struct ha_buf *body)
{
    ha_jw_array_end(body);
    ha_jw_object_end(body);
    ha_jw_object_end(body);
}

// The id at the end of the key's URL.
static enum ha_code read_key_id(const struct ha_buf *text, char ret_id[static HA_KRA_ID_SIZE], struct ha_err *err)
{
    ha_auto(ha_json_free) ha_json *json = NULL;
    if (ha_dogtag_parse(ha_buf_text(text), text->len, "a request to the KRA", &json, err))
        return err->code;
    const ha_json *info = ha_json_get(json, "RequestInfo");
    bool is_info = info && ha_json_type(info) == HA_JSON_OBJECT;
    const char *status = is_info ? ha_json_get_string(info, "requestStatus") : NULL;
    const char *url = is_info ? ha_json_get_string(info, "keyURL") : NULL;
    const char *slash = url ? strrchr(url, '/') : NULL;
    if (!status || strcmp(status, "complete") != 0)
        return ha_fail(err, HA_E_CA, "the KRA hasn't archived the key: its request is %.40s", status ? status : "?");
    if (!slash || !ha_dogtag_id_valid(slash + 1))
        return ha_fail(err, HA_E_CA, "the KRA's answer has no id of the key");
    snprintf(ret_id, HA_KRA_ID_SIZE, "%s", slash + 1);
    return HA_OK;
}

enum ha_code ha_kra_archive(const struct ha_kra *kra, const struct ha_kra_secret *secret,
                            char ret_id[static HA_KRA_ID_SIZE], struct ha_err *err)
{
    ha_auto(ha_http_answer_clear) struct ha_http_answer answer = {0};
    ha_auto(ha_buf_clear) struct ha_buf body = {0};
    const struct ha_buf *sealed = secret->sealed;
    char bits[16];
    if (sealed->len <= secret->session_len)
        return ha_fail(err, HA_E_MALFORMED, "the key isn't sealed for the KRA");
    snprintf(bits, sizeof bits, "%u", secret->bits);
    begin_request(&body, "com.netscape.certsrv.key.KeyArchivalRequest");
    put_attribute(&body, "clientKeyID", secret->client_key_id);
    put_attribute(&body, "dataType", "asymmetricKey");
    put_attribute(&body, "keyAlgorithm", secret->algorithm);
    put_attribute(&body, "keySize", bits);
    put_attribute(&body, "algorithmOID", wrap_oid);
    put_bytes(&body, "transWrappedSessionKey", sealed->data, secret->session_len);
    put_bytes(&body, "wrappedPrivateData", sealed->data + secret->session_len, sealed->len - secret->session_len);
    end_request(&body);
    if (call(kra, "/agent/keyrequests", &body, &answer, err))
        return err->code;
    if (answer.status != 201 && answer.status != 200)
        return ha_enrol_refusal(&answer, "archive the key", err);
    return read_key_id(&answer.body, ret_id, err);
}

// --- Recovery

static bool seal(const uint8_t session_key[static SESSION_KEY_LEN], const char *transport, struct ha_buf *out)
{
    ha_auto(BIO_free_all) BIO *in = BIO_new_mem_buf(transport, -1);
    ha_auto(EVP_PKEY_free) EVP_PKEY *key = in ? PEM_read_bio_PUBKEY(in, NULL, NULL, NULL) : NULL;
    ha_auto(EVP_PKEY_CTX_free) EVP_PKEY_CTX *context = key ? EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL) : NULL;
    size_t n = 0;
    if (!context || EVP_PKEY_encrypt_init(context) != 1 ||
        EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_OAEP_PADDING) != 1 ||
        EVP_PKEY_encrypt(context, NULL, &n, session_key, SESSION_KEY_LEN) != 1)
        return false;
    uint8_t *room = ha_buf_reserve(out, n);
    if (!room || EVP_PKEY_encrypt(context, room, &n, session_key, SESSION_KEY_LEN) != 1)
        return false;
    ha_buf_advance(out, n);
    return true;
}

static bool unwrap(const uint8_t session_key[static SESSION_KEY_LEN], const struct ha_buf *wrapped, struct ha_buf *out)
{
    ha_auto(EVP_CIPHER_CTX_free) EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    int n = 0;
    if (wrapped->len < 2 * WRAP_BLOCK || wrapped->len % WRAP_BLOCK != 0 || wrapped->len > HA_HTTP_ANSWER_MAX ||
        !context)
        return false;
    EVP_CIPHER_CTX_set_flags(context, EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
    uint8_t *room = ha_buf_reserve(out, wrapped->len);
    if (!room || EVP_DecryptInit_ex(context, EVP_aes_256_wrap_pad(), NULL, session_key, NULL) != 1 ||
        EVP_DecryptUpdate(context, room, &n, wrapped->data, (int)wrapped->len) != 1 || n <= 0)
        return false;
    ha_buf_advance(out, (size_t)n);
    return true;
}

// A token may have filled the key up with zeros to whole blocks before it wrapped it, as SoftHSM does. False: it is no
// PKCS#8.
static bool drop_filling(struct ha_buf *pkcs8)
{
    static const uint8_t zeros[WRAP_BLOCK] = {0};
    const unsigned char *at = pkcs8->data;
    ha_auto(PKCS8_PRIV_KEY_INFO_free) PKCS8_PRIV_KEY_INFO *info = d2i_PKCS8_PRIV_KEY_INFO(NULL, &at, (long)pkcs8->len);
    size_t n = info ? (size_t)(at - pkcs8->data) : 0;
    if (!info || pkcs8->len - n >= WRAP_BLOCK || memcmp(at, zeros, pkcs8->len - n) != 0)
        return false;
    pkcs8->len = n;
    return true;
}

static enum ha_code read_wrapped(const struct ha_buf *text, struct ha_buf *out, struct ha_err *err)
{
    ha_auto(ha_json_free) ha_json *json = NULL;
    ha_auto(ha_buf_clear) struct ha_buf plain = {0};
    struct ha_err cause = {0};
    if (ha_dogtag_parse(ha_buf_text(text), text->len, "a recovered key", &json, err))
        return err->code;
    const char *wrapped = ha_json_get_string(json, "wrappedPrivateData");
    if (!wrapped || !*wrapped) {
        ha_fail(err, HA_E_CA, "the KRA doesn't give the key yet");
        return ha_hint(err, "Have its agents approve the recovery, then try again.");
    }
    for (; *wrapped; wrapped++)
        if (!strchr(" \t\r\n=", *wrapped))
            ha_buf_putc(&plain, *wrapped == '+' ? '-' : *wrapped == '/' ? '_' : *wrapped);
    if (ha_b64u_decode(out, ha_buf_text(&plain), plain.len, &cause) != HA_OK)
        return ha_fail(err, HA_E_CA, "the KRA's answer has a key that isn't base64");
    return HA_OK;
}

static enum ha_code ask(const struct ha_kra *kra, const char *id, const struct ha_buf *sealed,
                        struct ha_http_answer *answer, struct ha_err *err)
{
    ha_auto(ha_buf_clear) struct ha_buf body = {0};
    begin_request(&body, "com.netscape.certsrv.key.KeyRecoveryRequest");
    put_attribute(&body, "keyId", id);
    put_bytes(&body, "transWrappedSessionKey", sealed->data, sealed->len);
    put_attribute(&body, "payloadEncryptionOID", wrap_oid);
    put_attribute(&body, "payloadWrappingName", wrap_name);
    end_request(&body);
    if (call(kra, "/agent/keys/retrieve", &body, answer, err))
        return err->code;
    return answer->status == 200 ? HA_OK : ha_enrol_refusal(answer, "give the key", err);
}

enum ha_code ha_kra_recover(const struct ha_kra *kra, const char *id, const char *transport, struct ha_buf *out,
                            struct ha_err *err)
{
    ha_auto(ha_secret_free) struct ha_secret *session = NULL;
    ha_auto(ha_http_answer_clear) struct ha_http_answer answer = {0};
    ha_auto(ha_buf_clear) struct ha_buf sealed = {0}, wrapped = {0}, pkcs8 = {0};
    if (!ha_dogtag_id_valid(id))
        return ha_fail(err, HA_E_USAGE, "'%.80s' can't be an id of the KRA", id);
    if (ha_secret_new(SESSION_KEY_LEN, &session, err))
        return err->code;
    ha_secret_set_len(session, SESSION_KEY_LEN);
    if (RAND_priv_bytes(ha_secret_data(session), SESSION_KEY_LEN) != 1 ||
        !seal(ha_secret_data(session), transport, &sealed))
        return ha_ossl_fail(err, HA_E_INTERNAL, "can't seal a session key for the KRA");
    if (ask(kra, id, &sealed, &answer, err) || read_wrapped(&answer.body, &wrapped, err))
        return err->code;
    if (unwrap(ha_secret_data(session), &wrapped, &pkcs8) && drop_filling(&pkcs8)) {
        ha_buf_append(out, pkcs8.data, pkcs8.len);
        return ha_buf_ok(out) ? HA_OK : ha_fail(err, HA_E_MEMORY, "out of memory for a key");
    }
    ERR_clear_error();
    ha_fail(err, HA_E_CA, "the key that the KRA gave isn't wrapped as it was asked to");
    return ha_hint(err, "AES-256 key wrap with padding (RFC 5649) is what is understood here.");
}
