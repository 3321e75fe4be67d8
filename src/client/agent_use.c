// SPDX-License-Identifier: Apache-2.0
// libhsmagent: the use of a key, each function one request and one binary member of its answer.
#include "base/text.h"
#include "client/agent.h"

#include <string.h>

// Copies bytes into the caller's buffer of *len bytes, and says there how many they are.
static enum ha_code put(const struct ha_buf *bytes, uint8_t *out, size_t *len, struct ha_err *err)
{
    if (bytes->len > *len) {
        ha_fail(err, HA_E_USAGE, "the buffer has room for %zu bytes, the result has %zu", *len, bytes->len);
        return ha_hint(err, "Call again with a larger buffer.");
    }
    if (bytes->len > 0)
        memcpy(out, bytes->data, bytes->len);
    *len = bytes->len;
    return HA_OK;
}

// POSTs body to the key's tail, and takes member of the answer.
static int use(hsm_agent *agent, const char *key, const char *tail, struct ha_buf *body, const char *member,
               uint8_t *out, size_t *len, struct hsm_agent_error *ret_error)
{
    ha_auto(ha_agent_answer_clear) struct ha_agent_answer answer = {0};
    ha_auto(ha_buf_clear) struct ha_buf bytes = {0};
    struct ha_err err = {0};
    ha_jw_object_end(body);
    if (ha_agent_ask_key(agent, key, tail, body, &answer, &err) == HA_OK &&
        ha_agent_bytes(answer.json, member, &bytes, &err) == HA_OK)
        put(&bytes, out, len, &err);
    return ha_agent_report(&err, answer.status, ret_error);
}

int hsm_agent_public_key(hsm_agent *agent, const char *key, uint8_t **spki, size_t *len, struct hsm_agent_error *err)
{
    ha_auto(ha_agent_answer_clear) struct ha_agent_answer answer = {0};
    ha_auto(ha_buf_clear) struct ha_buf bytes = {0};
    struct ha_err cause = {0};
    size_t n = 0;
    if (ha_agent_ask_key(agent, key, "", NULL, &answer, &cause) != HA_OK ||
        ha_agent_bytes(ha_json_get(answer.json, "public_key"), "der", &bytes, &cause) != HA_OK)
        return ha_agent_report(&cause, answer.status, err);
    char *stolen = ha_buf_steal(&bytes, &n);
    if (!stolen) {
        ha_fail(&cause, HA_E_MEMORY, "out of memory for a public key");
        return ha_agent_report(&cause, answer.status, err);
    }
    *spki = (uint8_t *)stolen;
    *len = n;
    return 0;
}

int hsm_agent_sign(hsm_agent *agent, const char *key, const char *alg, const void *data, size_t n, unsigned flags,
                   uint8_t *sig, size_t *sig_len, struct hsm_agent_error *err)
{
    ha_auto(ha_buf_clear) struct ha_buf body = {0};
    ha_jw_object(&body, NULL);
    ha_jw_string(&body, "algorithm", alg);
    ha_jw_string(&body, "format", "der");
    ha_jw_bytes(&body, (flags & HSM_AGENT_DIGEST) ? "digest" : "data", data, n);
    return use(agent, key, "/sign", &body, "signature", sig, sig_len, err);
}

int hsm_agent_tls_sign(hsm_agent *agent, const char *key, const char *scheme, const void *content, size_t n,
                       const uint8_t spki_sha256[32], uint8_t *sig, size_t *sig_len, struct hsm_agent_error *err)
{
    ha_auto(ha_buf_clear) struct ha_buf body = {0};
    ha_jw_object(&body, NULL);
    ha_jw_string(&body, "scheme", scheme);
    ha_jw_bytes(&body, "content", content, n);
    ha_jw_bytes(&body, "spki_sha256", spki_sha256, 32);
    return use(agent, key, "/tls", &body, "signature", sig, sig_len, err);
}

int hsm_agent_decrypt(hsm_agent *agent, const char *key, const char *alg, const void *ciphertext, size_t n,
                      const void *label, size_t label_len, uint8_t *out, size_t *out_len, struct hsm_agent_error *err)
{
    ha_auto(ha_buf_clear) struct ha_buf body = {0};
    ha_jw_object(&body, NULL);
    ha_jw_string(&body, "algorithm", alg);
    ha_jw_bytes(&body, "ciphertext", ciphertext, n);
    if (label)
        ha_jw_bytes(&body, "label", label, label_len);
    return use(agent, key, "/decrypt", &body, "plaintext", out, out_len, err);
}

int hsm_agent_derive(hsm_agent *agent, const char *key, const void *peer_spki, size_t n, uint8_t *out, size_t *out_len,
                     struct hsm_agent_error *err)
{
    ha_auto(ha_buf_clear) struct ha_buf body = {0};
    ha_auto(ha_buf_clear) struct ha_buf pem = {0};
    ha_buf_puts(&pem, "-----BEGIN PUBLIC KEY-----\n");
    ha_b64_encode(&pem, peer_spki, n, 64);
    ha_buf_puts(&pem, "-----END PUBLIC KEY-----\n");
    ha_jw_object(&body, NULL);
    ha_jw_string(&body, "algorithm", "ECDH");
    ha_jw_string(&body, "peer", ha_buf_text(&pem));
    body.failed = body.failed || !ha_buf_ok(&pem);
    return use(agent, key, "/derive", &body, "secret", out, out_len, err);
}
