// SPDX-License-Identifier: Apache-2.0
// One JWK: reading somebody's, writing one of ours, key ids.
#include "format/jwk.h"

#include "base/text.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

void ha_jwk_clear(struct ha_jwk *jwk)
{
    ha_pubkey_free(jwk->key);
    free(jwk->kid);
    free(jwk->alg);
    *jwk = (struct ha_jwk){0};
}

// A copy of the member's text, if it is there: 1 to HA_KID_MAX bytes.
static enum ha_code read_text(const ha_json *json, const char *name, char **into, struct ha_err *err)
{
    const ha_json *member = ha_json_get(json, name);
    if (!member)
        return HA_OK;
    const char *text = ha_json_string(member);
    if (!text || !text[0] || strlen(text) > HA_KID_MAX) {
        ha_fail(err, HA_E_MALFORMED, "the JWK's \"%s\" isn't a string of 1 to %d bytes", name, HA_KID_MAX);
        return ha_at(err, "/%s", name);
    }
    *into = strdup(text);
    return *into ? HA_OK : ha_fail(err, HA_E_MEMORY, "no memory for a JWK");
}

static enum ha_code read_use(const ha_json *json, struct ha_jwk *jwk, struct ha_err *err)
{
    const ha_json *member = ha_json_get(json, "use");
    const char *use = ha_json_string(member);
    if (member && !use) {
        ha_fail(err, HA_E_MALFORMED, "the JWK's \"use\" isn't a string");
        return ha_at(err, "/use");
    }
    bool sig = use && strcmp(use, "sig") == 0, enc = use && strcmp(use, "enc") == 0;
    jwk->use = sig ? HA_JWK_SIG : enc ? HA_JWK_ENC : HA_JWK_UNSAID;
    jwk->may_verify = !use || sig;
    jwk->may_encrypt = !use || enc;
    return HA_OK;
}

static enum ha_code read_key_ops(const ha_json *json, struct ha_jwk *jwk, struct ha_err *err)
{
    const ha_json *ops = ha_json_get(json, "key_ops");
    if (!ops)
        return HA_OK;
    bool verify = false, encrypt = false;
    bool good = ha_json_type(ops) == HA_JSON_ARRAY;
    for (const ha_json *item = good ? ha_json_first(ops) : NULL; item; item = ha_json_next(item)) {
        const char *op = ha_json_string(item);
        good = good && op;
        verify = verify || (op && strcmp(op, "verify") == 0);
        encrypt = encrypt || (op && (strcmp(op, "encrypt") == 0 || strcmp(op, "wrapKey") == 0 ||
                                     strcmp(op, "deriveKey") == 0 || strcmp(op, "deriveBits") == 0));
    }
    if (!good) {
        ha_fail(err, HA_E_MALFORMED, "the JWK's \"key_ops\" isn't a list of strings");
        return ha_at(err, "/key_ops");
    }
    jwk->may_verify = jwk->may_verify && verify;
    jwk->may_encrypt = jwk->may_encrypt && encrypt;
    return HA_OK;
}

// x5c: its first certificate is for this key (RFC 7517 section 4.7), and is what x5t#S256 is about.
static enum ha_code read_certificate(const ha_json *json, struct ha_jwk *jwk, struct ha_err *err)
{
    const ha_json *x5c = ha_json_get(json, "x5c");
    if (!x5c)
        return HA_OK;
    ha_auto(ha_x5c_clear) struct ha_x5c chain = {0};
    if (ha_x5c_from_json(x5c, &chain, err) || ha_x5c_check_key(&chain, jwk->key, err))
        return ha_at(err, "/x5c");
    if (ha_x5c_sha256(&chain, jwk->hash, err))
        return err->code;
    jwk->has_hash = true;
    return HA_OK;
}

static enum ha_code read_hash(const ha_json *json, struct ha_jwk *jwk, struct ha_err *err)
{
    const ha_json *member = ha_json_get(json, "x5t#S256");
    if (!member)
        return HA_OK;
    ha_auto(ha_buf_clear) struct ha_buf hash = {0};
    const char *text = ha_json_string(member);
    if (!text || ha_b64u_decode(&hash, text, strlen(text), err) || hash.len != HA_X5C_HASH_LEN) {
        ha_fail(err, HA_E_MALFORMED, "the JWK's \"x5t#S256\" isn't a SHA-256 in base64url");
        return ha_at(err, "/x5t#S256");
    }
    if (jwk->has_hash && memcmp(hash.data, jwk->hash, HA_X5C_HASH_LEN) != 0) {
        ha_fail(err, HA_E_CONFLICT, "the JWK's \"x5t#S256\" isn't that of its \"x5c\"");
        return ha_at(err, "/x5t#S256");
    }
    memcpy(jwk->hash, hash.data, HA_X5C_HASH_LEN);
    jwk->has_hash = true;
    return HA_OK;
}

static enum ha_code refuse_secret(const ha_json *json, struct ha_err *err)
{
    const char *kty = ha_json_get_string(json, "kty");
    if (!kty || strcmp(kty, "oct") != 0)
        return HA_OK;
    ha_fail(err, HA_E_MALFORMED, "the JWK is a secret key, which nobody needs for verifying or encrypting");
    ha_hint(err, "Send public keys only, and replace a secret that was sent by mistake.");
    return ha_at(err, "/kty");
}

enum ha_code ha_jwk_parse(const ha_json *json, struct ha_jwk *ret_jwk, struct ha_err *err)
{
    ha_auto(ha_jwk_clear) struct ha_jwk jwk = {0};
    if (refuse_secret(json, err) || ha_pubkey_from_jwk(json, &jwk.key, err) || read_text(json, "kid", &jwk.kid, err) ||
        read_text(json, "alg", &jwk.alg, err) || read_use(json, &jwk, err) || read_key_ops(json, &jwk, err) ||
        read_certificate(json, &jwk, err) || read_hash(json, &jwk, err))
        return err->code;
    *ret_jwk = jwk;
    jwk = (struct ha_jwk){0};
    return HA_OK;
}

static const char *const rule_names[] = {
    [HA_KID_NONE] = "none", [HA_KID_THUMBPRINT] = "thumbprint", [HA_KID_X5T_S256] = "x5t-s256"};
static_assert(HA_ARRAY_SIZE(rule_names) == HA_KID_RULE_COUNT, "each rule has its name");

const char *ha_kid_rule_name(enum ha_kid_rule rule)
{
    return rule_names[rule];
}

enum ha_code ha_kid_make(enum ha_kid_rule rule, const char *text, const struct ha_pubkey *key,
                         const struct ha_x5c *certificate, struct ha_buf *out, struct ha_err *err)
{
    uint8_t hash[HA_X5C_HASH_LEN];
    if (text) {
        ha_buf_puts(out, text);
        return HA_OK;
    }
    switch (rule) {
    case HA_KID_NONE:
    case HA_KID_RULE_COUNT:
        return HA_OK;
    case HA_KID_THUMBPRINT:
        if (ha_pubkey_thumbprint(key, hash, err))
            return err->code;
        break;
    case HA_KID_X5T_S256:
        if (!certificate) {
            ha_fail(err, HA_E_KEY_CANNOT, "the key id is the hash of the key's certificate, and there is none");
            return ha_hint(err, "install it with `hsm-agent cert install`, name its file in the profile, or send it as \"certificate\"");
        }
        if (ha_x5c_sha256(certificate, hash, err))
            return err->code;
        break;
    }
    ha_b64u_encode(out, hash, sizeof hash);
    return ha_buf_ok(out) ? HA_OK : ha_fail(err, HA_E_MEMORY, "no memory for a key id");
}

static const char *use_name(enum ha_jwk_use use)
{
    switch (use) {
    case HA_JWK_UNSAID:
        return NULL;
    case HA_JWK_SIG:
        return "sig";
    case HA_JWK_ENC:
        return "enc";
    }
    return NULL;
}

void ha_jwk_write(struct ha_buf *out, const struct ha_jwk_own *own)
{
    uint8_t hash[HA_X5C_HASH_LEN];
    struct ha_err err = {0};
    ha_jw_object(out, NULL);
    ha_pubkey_to_jwk(own->key, out);
    if (use_name(own->use))
        ha_jw_string(out, "use", use_name(own->use));
    if (own->alg)
        ha_jw_string(out, "alg", own->alg);
    if (own->kid)
        ha_jw_string(out, "kid", own->kid);
    if (own->certificate) {
        ha_x5c_write(out, own->certificate);
        if (ha_x5c_sha256(own->certificate, hash, &err) == HA_OK)
            ha_jw_bytes(out, "x5t#S256", hash, sizeof hash);
    }
    ha_jw_object_end(out);
}
