// SPDX-License-Identifier: Apache-2.0
// GET /v1/jwks: our public keys, as others fetch them.
#include "api/call.h"
#include "base/file.h"
#include "format/jwe.h"
#include "format/jwt.h"
#include "format/profile.h"
#include "keys/certificates.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CERTIFICATE_MAX (2 * HA_X5C_BYTES_MAX)  // PEM
#define MESSAGES_MAX    64                      // of a profile

// A message of the profile: how it names its key, and by which certificate.
struct message {
    bool encrypted;  // the key is one that decrypts
    enum ha_kid_rule kid;
    const char *kid_text, *certificate;
    uint32_t algs;    // that sign; 0: any
    const char *alg;  // the one that encrypts; NULL: any
    struct ha_x5c chain;
    struct ha_pubkey *key;  // the certificate's; NULL: none
};

struct messages {
    struct message items[MESSAGES_MAX];
    size_t n;
};

static void messages_clear(struct messages *messages)
{
    for (size_t i = 0; i < messages->n; i++) {
        ha_x5c_clear(&messages->items[i].chain);
        ha_pubkey_free(messages->items[i].key);
    }
}
HA_AUTO_DEFINE_CLEAR(struct messages, messages_clear)

// False: the profile's message has nothing to do with a JWK.
static bool describe(const struct ha_profile *profile, struct message *ret_message)
{
    const struct ha_jws_profile *jws = NULL;
    if (profile->scheme == HA_SCHEME_JWT)
        jws = &((const struct ha_jwt_profile *)profile->options)->jws;
    if (profile->scheme == HA_SCHEME_JWS)
        jws = profile->options;
    if (jws)
        *ret_message = (struct message){
            .kid = jws->kid, .kid_text = jws->kid_text, .certificate = jws->certificate, .algs = jws->algs};
    if (profile->scheme != HA_SCHEME_JWE)
        return jws;
    const struct ha_jwe_profile *jwe = profile->options;
    *ret_message = (struct message){.encrypted = true,
                                    .kid = jwe->kid,
                                    .kid_text = jwe->kid_text,
                                    .certificate = jwe->certificate,
                                    .alg = jwe->algs.n == 1 ? jwe->algs.items[0] : NULL};
    return true;
}

static enum ha_code add_message(struct messages *messages, const struct ha_profile *profile, struct ha_err *err)
{
    ha_auto(ha_buf_clear) struct ha_buf pem = {0};
    struct message *message = &messages->items[messages->n];
    if (messages->n == MESSAGES_MAX || !describe(profile, message))
        return HA_OK;
    messages->n++;
    if (!message->certificate)
        return HA_OK;
    if (ha_file_read(message->certificate, CERTIFICATE_MAX, HA_FILE_ANY, &pem, err) ||
        ha_x5c_from_pem(ha_buf_text(&pem), pem.len, &message->chain, err) ||
        ha_x5c_pubkey(&message->chain, &message->key, err)) {
        err->code = HA_E_KEY_CANNOT;
        return ha_wrap(err, "the certificate %.200s of %s", message->certificate, profile->name);
    }
    return HA_OK;
}

// All messages of the profile, or the one.
static enum ha_code read_messages(const struct ha_call_context *call, const char *name, struct messages *messages,
                                  struct ha_err *err)
{
    size_t n = strlen(name);
    const struct ha_profile *profile;
    for (size_t i = 0; (profile = ha_profiles_at(call->api->profiles, i)); i++) {
        bool one = strcmp(profile->name, name) == 0;
        bool inside = strncmp(profile->name, name, n) == 0 && profile->name[n] == '/';
        if ((one || inside) && add_message(messages, profile, err))
            return err->code;
    }
    if (messages->n)
        return HA_OK;
    ha_fail(err, HA_E_MALFORMED, "there is no profile '%.80s' with signatures or tokens", name);
    return ha_hint(err, "name it as in ?profile=uae-tpp or ?profile=uae-tpp/client-assertion");
}

static bool same_key(const struct ha_pubkey *a, const struct ha_pubkey *b)
{
    return memcmp(ha_pubkey_spki_sha256(a), ha_pubkey_spki_sha256(b), HA_SPKI_HASH_LEN) == 0;
}

static enum ha_jwk_use use_of(const struct ha_key *key)
{
    bool sig = key->purposes & HA_PURPOSE_SIGN, enc = key->purposes & (HA_PURPOSE_DECRYPT | HA_PURPOSE_DERIVE);
    return sig == enc ? HA_JWK_UNSAID : sig ? HA_JWK_SIG : HA_JWK_ENC;
}

// The message that is about this key: the one with its certificate, or else one that needs none to name a key, or that
// the installed one is for.
static const struct message *find_message(const struct messages *messages, const struct ha_key *key, bool certified)
{
    const struct message *general = NULL;
    for (size_t i = 0; i < messages->n; i++) {
        const struct message *message = &messages->items[i];
        if (message->key && same_key(message->key, key->public_key))
            return message;
        bool nameable = certified || (!message->key && message->kid != HA_KID_X5T_S256);
        if (nameable && message->encrypted == (use_of(key) == HA_JWK_ENC))
            general = message;
    }
    return general;
}

// The one algorithm that the key signs with here; NULL: there are several.
static const char *sign_alg(const struct ha_key *key, uint32_t permitted)
{
    const struct ha_alg_info *only = NULL;
    for (int i = HA_ALG_NONE + 1; i < HA_ALG_COUNT; i++) {
        const struct ha_alg_info *info = ha_alg_info((enum ha_alg)i);
        if (info->use != HA_USE_SIGN || !ha_alg_fits((enum ha_alg)i, key->type) ||
            (permitted && !(permitted & 1u << i)))
            continue;
        if (only)
            return NULL;
        only = info;
    }
    return !only ? NULL : only->alias ? only->alias : only->name;
}

static enum ha_code write_key(struct ha_key *key, const struct messages *messages, struct ha_buf *out,
                              struct ha_err *err)
{
    static const struct message any = {.kid = HA_KID_THUMBPRINT};
    ha_auto(ha_buf_clear) struct ha_buf kid = {0};
    ha_auto(ha_key_certificate_unref) struct ha_key_certificate *installed = ha_key_certificate(key);
    const struct message *message = messages->n ? find_message(messages, key, installed) : &any;
    // Without a certificate there is no kid yet where the directory makes kids of certificates.
    if (!message)
        return HA_OK;
    enum ha_kid_rule rule = message->kid ? message->kid : HA_KID_THUMBPRINT;
    bool own = message->key && same_key(message->key, key->public_key);
    const struct ha_x5c *chain = own ? &message->chain : messages->n && installed ? &installed->chain : NULL;
    if (ha_kid_make(rule, own ? message->kid_text : NULL, key->public_key, chain, &kid, err))
        return err->code;
    enum ha_jwk_use use = use_of(key);
    const struct ha_jwk_own jwk = {
        .key = key->public_key,
        .kid = ha_buf_text(&kid),
        .use = use,
        .alg = use == HA_JWK_SIG   ? sign_alg(key, message->algs)
               : use == HA_JWK_ENC ? message->alg
                                   : NULL,
        .certificate = chain,
    };
    ha_jwk_write(out, &jwk);
    return HA_OK;
}

// Keys for messages that the caller may know of. A key for TLS is published by its certificate.
static bool is_published(const struct ha_call_context *call, const struct ha_key *key)
{
    unsigned purposes = HA_PURPOSE_SIGN | HA_PURPOSE_DECRYPT | HA_PURPOSE_DERIVE;
    return ha_versions_published(key, ha_keys_status(call->api->keys, key, NULL)) &&
           ha_pubkey_is_public(key->public_key) && key->purposes & purposes &&
           ha_policy_operations(call->api->config, call->request->principal, key->name);
}

enum ha_code ha_handle_jwks(struct ha_call_context *call, struct ha_err *err)
{
    size_t n;
    enum ha_code code = HA_OK;
    const char *query = call->request->query;
    ha_auto(messages_clear) struct messages messages = {0};
    if (query[0] && read_messages(call, strchr(query, '=') + 1, &messages, err))
        return err->code;
    struct ha_key **keys = ha_keys_all(call->api->keys, &n);
    ha_jw_object(call->out, NULL);
    ha_jw_array(call->out, "keys");
    for (size_t i = 0; i < n; i++) {
        if (code == HA_OK && is_published(call, keys[i]))
            code = write_key(keys[i], &messages, call->out, err);
        ha_key_unref(keys[i]);
    }
    free(keys);
    ha_jw_array_end(call->out);
    ha_jw_object_end(call->out);
    return code;
}
