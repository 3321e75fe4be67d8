// SPDX-License-Identifier: Apache-2.0
#include "provider/remote.h"

#include "provider/complain.h"

#include "base/json.h"
#include "base/text.h"

#include <openssl/x509.h>
#include <stdio.h>
#include <string.h>

enum {
    JSON_DEPTH = 8,
    CONFLICT = 409,  // no version has that public key
    HASH_DIGITS = 64,
    SELECTOR_SIZE = HA_REFERENCE_NAME_SIZE + 1 + HASH_DIGITS,
    PATH_SIZE = sizeof "/v1/keys/?spki_sha256=" + HA_REFERENCE_NAME_SIZE + HASH_DIGITS,
};

// The version of the agent's key that the program has the public key of, whichever is active by now.
static const char *select_version(const struct ha_pkey *key, char selector[static SELECTOR_SIZE])
{
    int n = snprintf(selector, SELECTOR_SIZE, "%s@", key->name);
    for (size_t i = 0; i < sizeof key->spki_sha256; i++)
        n += snprintf(selector + n, SELECTOR_SIZE - (size_t)n, "%02x", key->spki_sha256[i]);
    return selector;
}

static bool complain(const struct ha_pkey *key, const char *act, const struct hsm_agent_error *error)
{
    ha_complain_of_agent(key->provider, key->name, act, hsm_agent_socket(key->agent), error);
    return false;
}

static bool another_key(const struct ha_pkey *key)
{
    ha_complain(key->provider, HA_REASON_KEY, key->name,
                "the agent has another key of that name; make the key reference, and the certificate, again");
    return false;
}

// Whether the agent's key is the one of the reference, and whether it is for TLS.
static bool read_key(const struct ha_pkey *key, const ha_json *answer, enum ha_pkey_way *ret_way)
{
    ha_auto(ha_buf_clear) struct ha_buf hash = {0};
    ha_hex_encode(&hash, key->spki_sha256, sizeof key->spki_sha256);
    const char *theirs = ha_json_get_string(ha_json_get(answer, "public_key"), "spki_sha256");
    if (!theirs || strcmp(theirs, ha_buf_text(&hash)) != 0)
        return another_key(key);
    enum ha_pkey_way way = HA_PKEY_WAY_PLAIN;
    for (const ha_json *p = ha_json_first(ha_json_get(answer, "purposes")); p; p = ha_json_next(p)) {
        const char *purpose = ha_json_string(p);
        if (purpose && strncmp(purpose, "tls", 3) == 0)
            way = HA_PKEY_WAY_TLS;
    }
    *ret_way = way;
    return true;
}

// Asked at the first signature, not when the key is loaded: programs start while the agent is down.
bool ha_remote_way(struct ha_pkey *key, enum ha_pkey_way *ret_way)
{
    enum ha_pkey_way way = atomic_load(&key->way);
    if (way == HA_PKEY_WAY_UNKNOWN) {
        char path[PATH_SIZE];
        char *body = NULL;
        size_t n = 0;
        struct hsm_agent_error error = {0};
        char selector[SELECTOR_SIZE];
        snprintf(path, sizeof path, "/v1/keys/%s?spki_sha256=%s", key->name,
                 strchr(select_version(key, selector), '@') + 1);
        int failed = hsm_agent_call(key->agent, "GET", path, NULL, 0, &body, &n, NULL, &error);
        ha_auto(ha_free) char *owned = body;
        if (failed && error.status == CONFLICT)
            return another_key(key);
        if (failed)
            return complain(key, "asking for the key", &error);
        struct ha_err err = {0};
        ha_auto(ha_json_free) ha_json *answer = NULL;
        if (ha_json_parse(owned, n, JSON_DEPTH, &answer, &err) != HA_OK) {
            ha_complain(key->provider, HA_REASON_AGENT, key->name, "the agent's answer isn't understood: %s",
                        err.detail);
            return false;
        }
        if (!read_key(key, answer, &way))
            return false;
        atomic_store(&key->way, way);
    }
    *ret_way = way;
    return true;
}

// A refusal may mean that the key was made anew with other purposes: what was learnt is asked for again next time.
static bool signing_failed(struct ha_pkey *key, const struct hsm_agent_error *error)
{
    if (error->status >= 400 && error->status < 500)
        atomic_store(&key->way, HA_PKEY_WAY_UNKNOWN);
    return complain(key, "signing", error);
}

bool ha_remote_sign(struct ha_pkey *key, const char *algorithm, const char *scheme, const uint8_t *content, size_t n,
                    uint8_t *sig, size_t *sig_len)
{
    struct hsm_agent_error error = {0};
    char selector[SELECTOR_SIZE];
    enum ha_pkey_way way;
    if (!ha_remote_way(key, &way))
        return false;
    int failed =
        way == HA_PKEY_WAY_TLS && scheme
            ? hsm_agent_tls_sign(key->agent, key->name, scheme, content, n, key->spki_sha256, sig, sig_len, &error)
            : hsm_agent_sign(key->agent, select_version(key, selector), algorithm, content, n, 0, sig, sig_len, &error);
    return !failed || signing_failed(key, &error);
}

bool ha_remote_sign_digest(struct ha_pkey *key, const char *algorithm, const uint8_t *digest, size_t n, uint8_t *sig,
                           size_t *sig_len)
{
    struct hsm_agent_error error = {0};
    char selector[SELECTOR_SIZE];
    enum ha_pkey_way way;
    if (!ha_remote_way(key, &way))
        return false;
    int failed = hsm_agent_sign(key->agent, select_version(key, selector), algorithm, digest, n, HSM_AGENT_DIGEST, sig,
                                sig_len, &error);
    return !failed || signing_failed(key, &error);
}

bool ha_remote_decrypt(struct ha_pkey *key, const char *algorithm, const uint8_t *ciphertext, size_t n,
                       const uint8_t *label, size_t label_len, uint8_t *out, size_t *out_len)
{
    struct hsm_agent_error error = {0};
    char selector[SELECTOR_SIZE];
    return hsm_agent_decrypt(key->agent, select_version(key, selector), algorithm, ciphertext, n, label, label_len, out,
                             out_len, &error) == 0 ||
           complain(key, "decrypting", &error);
}

bool ha_remote_derive(struct ha_pkey *key, const EVP_PKEY *peer, uint8_t *out, size_t *out_len)
{
    struct hsm_agent_error error = {0};
    char selector[SELECTOR_SIZE];
    uint8_t *spki = NULL;
    int n = i2d_PUBKEY(peer, &spki);
    if (n <= 0) {
        ha_complain(key->provider, HA_REASON_UNSUPPORTED, key->name, "the peer's public key has no encoding");
        return false;
    }
    int failed = hsm_agent_derive(key->agent, select_version(key, selector), spki, (size_t)n, out, out_len, &error);
    OPENSSL_free(spki);
    return !failed || complain(key, "deriving", &error);
}
