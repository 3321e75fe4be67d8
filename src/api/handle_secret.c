// SPDX-License-Identifier: Apache-2.0
// POST /v1/keys/{name}/decrypt and /derive: what gives a secret back.
#include "api/call.h"
#include "api/members.h"
#include "keys/use.h"

#include <stddef.h>
#include <string.h>

static void write_secret(struct ha_call_context *call, const struct ha_key *key, enum ha_alg alg, const char *member,
                         const struct ha_use *use)
{
    const struct ha_buf *secret = &use->exchange.output;
    ha_jw_object(call->out, NULL);
    ha_write_use(call->out, key, alg, use->token);
    ha_jw_bytes(call->out, member, secret->data, secret->len);
    ha_jw_object_end(call->out);
}

static enum ha_code run(const struct ha_call_context *call, struct ha_key *key, struct ha_use *use, struct ha_err *err)
{
    ha_call_exchange(call, key, &use, 1);
    if (use->exchange.code)
        *err = use->exchange.err;
    return use->exchange.code;
}

static enum ha_code wrong_use(enum ha_alg alg, const char *what, struct ha_err *err)
{
    ha_fail(err, HA_E_MALFORMED, "%s is no algorithm to %s with", ha_alg_info(alg)->name, what);
    return ha_at(err, "/algorithm");
}

struct decrypt_request {
    enum ha_alg algorithm;
    struct ha_member_bytes ciphertext, label;
    uint64_t version;  // 0: whichever it was encrypted to
    struct ha_use use;
};

static const struct ha_member decrypt_members[] = {
    {"algorithm", HA_MEMBER_ALG, true, offsetof(struct decrypt_request, algorithm)},
    {"ciphertext", HA_MEMBER_BYTES, true, offsetof(struct decrypt_request, ciphertext)},
    {"label", HA_MEMBER_BYTES, false, offsetof(struct decrypt_request, label)},
    {"version", HA_MEMBER_UINT, false, offsetof(struct decrypt_request, version)},
    {0},
};

static void decrypt_request_clear(struct decrypt_request *request)
{
    ha_buf_clear(&request->ciphertext.buf);
    ha_buf_clear(&request->label.buf);
    ha_use_clear(&request->use);
}
HA_AUTO_DEFINE_CLEAR(struct decrypt_request, decrypt_request_clear)

static enum ha_code decrypt_by(const struct ha_call_context *call, struct ha_key *key, struct decrypt_request *request,
                               struct ha_err *err)
{
    const struct ha_buf *ciphertext = &request->ciphertext.buf, *label = &request->label.buf;
    ha_use_clear(&request->use);
    request->use = (struct ha_use){0};
    if (ha_use_decrypt(key, request->algorithm, ciphertext->data, ciphertext->len, label->data, label->len,
                       &request->use, err))
        return err->code;
    return run(call, key, &request->use, err);
}

// A ciphertext doesn't say to which version it was encrypted. OAEP does: the wrong key's result isn't well-formed, and
// that one of ours fits is no secret. With RSA1_5 the wrong key would give a wrong plaintext every now and then, so it
// is the chosen or the active version's alone.
static enum ha_code decrypt_by_any(const struct ha_call_context *call, struct ha_key *active,
                                   struct decrypt_request *request, struct ha_key **ret_key, struct ha_err *err)
{
    size_t n, i = 0;
    struct ha_key **versions = ha_call_versions(call, active, &n);
    struct ha_err failure = {0};
    size_t n_tried = ha_alg_info(request->algorithm)->padding == HA_PAD_OAEP || n == 0 ? n : 1;
    for (; i < n_tried; i++) {
        struct ha_err own = {0};
        if (decrypt_by(call, versions[i], request, &own) == HA_OK)
            break;
        // That one version can't be asked is worth more to know than that it isn't another one's.
        if (!failure.code || (failure.code == HA_E_DECRYPTION && own.code != HA_E_DECRYPTION))
            failure = own;
    }
    if (n == 0)
        ha_fail(err, HA_E_MEMORY, "out of memory");
    else if (i == n_tried)
        *err = failure;
    else
        *ret_key = ha_key_ref(versions[i]);
    ha_keys_list_free(versions, n);
    return err->code;
}

enum ha_code ha_handle_decrypt(struct ha_call_context *call, struct ha_err *err)
{
    ha_auto(decrypt_request_clear) struct decrypt_request request = {0};
    ha_auto(ha_key_unref) struct ha_key *key = NULL;
    if (ha_members_read(call->body, decrypt_members, "", &request, err))
        return err->code;
    const struct ha_alg_info *alg = ha_alg_info(request.algorithm);
    if (alg->use != HA_USE_DECRYPT)
        return wrong_use(request.algorithm, "decrypt", err);
    if (request.label.present && alg->padding != HA_PAD_OAEP) {
        ha_fail(err, HA_E_MALFORMED, "%s takes no label", alg->name);
        return ha_at(err, "/label");
    }
    ha_call_choose(call, request.version);
    if (ha_call_key(call, HA_OPERATION_DECRYPT, request.algorithm, &key, err))
        return err->code;
    if (request.algorithm == HA_ALG_RSA1_5 && !call->api->config->agent.rsa1_5) {
        ha_fail(err, HA_E_KEY_CANNOT, "RSA1_5 decryption is off: its padding tells an attacker too much");
        return ha_hint(err, "use RSA-OAEP-256; if a peer can't, set rsa1_5-decrypt = yes in [agent]");
    }
    ha_auto(ha_key_unref) struct ha_key *fitting = NULL;
    if (ha_call_take(call, HA_OPERATION_DECRYPT, request.algorithm, NULL, NULL, NULL, err) ||
        decrypt_by_any(call, key, &request, &fitting, err))
        return err->code;
    write_secret(call, fitting, request.algorithm, "plaintext", &request.use);
    return HA_OK;
}

struct derive_request {
    enum ha_alg algorithm;
    const ha_json *peer;
    uint64_t version;  // 0: the active one
    struct ha_use use;
};

static const struct ha_member derive_members[] = {
    {"algorithm", HA_MEMBER_ALG, true, offsetof(struct derive_request, algorithm)},
    {"peer", HA_MEMBER_ANY, true, offsetof(struct derive_request, peer)},
    {"version", HA_MEMBER_UINT, false, offsetof(struct derive_request, version)},
    {0},
};

static void derive_request_clear(struct derive_request *request)
{
    ha_use_clear(&request->use);
}
HA_AUTO_DEFINE_CLEAR(struct derive_request, derive_request_clear)

// A JWK, or the text of a PEM public key.
static enum ha_code read_peer(const ha_json *json, struct ha_pubkey **ret_peer, struct ha_err *err)
{
    const char *pem = ha_json_string(json);
    enum ha_code code;
    if (pem)
        code = ha_pubkey_from_pem(pem, strlen(pem), ret_peer, err);
    else if (ha_json_type(json) == HA_JSON_OBJECT)
        code = ha_pubkey_from_jwk(json, ret_peer, err);
    else
        code = ha_fail(err, HA_E_MALFORMED, "\"peer\" must be a JWK object or the text of a PEM public key");
    return code ? ha_at(err, "/peer") : HA_OK;
}

enum ha_code ha_handle_derive(struct ha_call_context *call, struct ha_err *err)
{
    ha_auto(derive_request_clear) struct derive_request request = {0};
    ha_auto(ha_pubkey_free) struct ha_pubkey *peer = NULL;
    ha_auto(ha_key_unref) struct ha_key *key = NULL;
    if (ha_members_read(call->body, derive_members, "", &request, err))
        return err->code;
    if (ha_alg_info(request.algorithm)->use != HA_USE_DERIVE)
        return wrong_use(request.algorithm, "derive", err);
    // The wrong version gives a secret too, so none is tried: it is the chosen one, or the active one.
    ha_call_choose(call, request.version);
    if (ha_call_key(call, HA_OPERATION_DERIVE, request.algorithm, &key, err) || read_peer(request.peer, &peer, err) ||
        ha_use_derive(key, request.algorithm, peer, &request.use, err) ||
        ha_call_take(call, HA_OPERATION_DERIVE, request.algorithm, NULL, NULL, NULL, err) ||
        run(call, key, &request.use, err))
        return err->code;
    write_secret(call, key, request.algorithm, "secret", &request.use);
    return HA_OK;
}
