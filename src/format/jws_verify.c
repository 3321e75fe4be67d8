// SPDX-License-Identifier: Apache-2.0
// Which key, which algorithm, which bytes: and whether the signature is theirs.
#include "format/jws_verify.h"

#include "base/text.h"
#include "format/jws_read.h"

#include <string.h>

#define TRIES_MAX 64  // keys for one signature: each try costs time

void ha_jws_verified_clear(struct ha_jws_verified *verified)
{
    ha_buf_clear(&verified->payload);
    ha_json_free(verified->header);
    ha_json_free(verified->unprotected);
    ha_x5c_clear(&verified->certificates);
    verified->header = verified->unprotected = NULL;
}

const ha_json *ha_jws_verified_member(const struct ha_jws_verified *verified, const char *name)
{
    const ha_json *member = ha_json_get(verified->header, name);
    return member ? member : ha_json_get(verified->unprotected, name);
}

// The payload's bytes as they were signed: base64url, or as they are.
static enum ha_code find_payload(const struct ha_jws_read *read, const struct ha_jws_rules *rules, bool unencoded,
                                 struct ha_buf *ret_payload, struct ha_buf *ret_signed, struct ha_err *err)
{
    const struct ha_buf *text = &read->payload_text;
    if (read->has_payload && rules->payload)
        return ha_fail(err, HA_E_MALFORMED, "the message has a payload, so none is to be given beside it");
    if (rules->payload) {
        ha_buf_append(ret_payload, rules->payload, rules->payload_len);
        if (!unencoded)
            ha_b64u_encode(ret_signed, rules->payload, rules->payload_len);
    } else if (unencoded) {
        ha_buf_append(ret_payload, text->data, text->len);
    } else if (ha_b64u_decode(ret_payload, ha_buf_text(text), text->len, err)) {
        return ha_wrap(err, "the payload");
    } else {
        ha_buf_append(ret_signed, text->data, text->len);
    }
    if (unencoded)
        ha_buf_append(ret_signed, ret_payload->data, ret_payload->len);
    return ha_buf_ok(ret_payload) && ha_buf_ok(ret_signed) ? HA_OK
                                                           : ha_fail(err, HA_E_MEMORY, "no memory for a message");
}

// Whether the JWK is the one that the header names; keys without a name of their own fit any.
static bool is_named(const struct ha_jwk *jwk, const struct ha_jws_part *part)
{
    const char *kid = ha_json_string(ha_jws_part_member(part, "kid"));
    const char *hash = ha_json_string(ha_jws_part_member(part, "x5t#S256"));
    if (kid && jwk->kid)
        return strcmp(kid, jwk->kid) == 0;
    if (!kid && hash && jwk->has_hash) {
        ha_auto(ha_buf_clear) struct ha_buf bytes = {0};
        struct ha_err ignored = {0};
        return ha_b64u_decode(&bytes, hash, strlen(hash), &ignored) == HA_OK && bytes.len == HA_X5C_HASH_LEN &&
               memcmp(bytes.data, jwk->hash, HA_X5C_HASH_LEN) == 0;
    }
    return true;
}

// Why this key isn't for that algorithm; NULL: it is.
static const char *objection(const struct ha_jwk *jwk, enum ha_alg alg)
{
    if (!jwk->may_verify)
        return "isn't for verifying";
    if (jwk->alg && ha_alg_by_name(jwk->alg) != alg)
        return "is for another algorithm";
    return ha_alg_fits(alg, ha_pubkey_type(jwk->key)) ? NULL : "is of another type than the algorithm needs";
}

static enum ha_code no_key(const struct ha_jws_part *part, const struct ha_jwks *keys, const char *why,
                           struct ha_err *err)
{
    const char *kid = ha_json_string(ha_jws_part_member(part, "kid"));
    const char *alg = ha_alg_info(part->alg)->name;
    if (why && kid)
        ha_fail(err, HA_E_NOT_VERIFIED, "the key '%.100s' %s: the message has %s", kid, why, alg);
    else if (why)
        ha_fail(err, HA_E_NOT_VERIFIED, "the key %s: the message has %s", why, alg);
    else if (kid)
        ha_fail(err, HA_E_NOT_VERIFIED, "there is no key with the kid '%.100s'", kid);
    else
        ha_fail(err, HA_E_NOT_VERIFIED, "there is no key that the message could be verified with");
    if (!why && keys->skipped)
        ha_hint(err, "%zu keys of the set are of kinds that aren't supported", keys->skipped);
    return err->code;
}

struct attempt {
    const struct ha_jws_rules *rules;
    const struct ha_jws_part *part;
    const struct ha_buf *input;
};

static bool fits(const struct attempt *attempt, const struct ha_pubkey *key)
{
    return ha_pubkey_verify(key, attempt->part->alg, attempt->input->data, attempt->input->len,
                            attempt->part->signature.data, attempt->part->signature.len);
}

static enum ha_code bad_signature(struct ha_err *err)
{
    return ha_fail(err, HA_E_NOT_VERIFIED,
                   "the signature doesn't fit: the message was changed, or another key made it");
}

// With the keys of the set. HA_OK, or why not.
static enum ha_code try_keys(const struct attempt *attempt, const struct ha_jwk **ret_jwk, struct ha_err *err)
{
    const struct ha_jwks *keys = attempt->rules->keys;
    const char *why = NULL;
    size_t tries = 0;
    for (size_t i = 0; i < keys->n; i++) {
        const struct ha_jwk *jwk = &keys->items[i];
        if (!is_named(jwk, attempt->part))
            continue;
        const char *no = objection(jwk, attempt->part->alg);
        why = no ? no : why;
        if (no)
            continue;
        if (tries++ == TRIES_MAX)
            return ha_fail(err, HA_E_NOT_VERIFIED, "more than %d keys could be meant; the message has no kid",
                           TRIES_MAX);
        if (fits(attempt, jwk->key)) {
            *ret_jwk = jwk;
            return HA_OK;
        }
    }
    return tries ? bad_signature(err) : no_key(attempt->part, keys, why, err);
}

// With the certificates of the header, if somebody vouches for them.
static enum ha_code try_certificates(const struct attempt *attempt, const ha_json *x5c, struct ha_x5c *ret_chain,
                                     struct ha_err *err)
{
    ha_auto(ha_pubkey_free) struct ha_pubkey *key = NULL;
    if (ha_x5c_from_json(x5c, ret_chain, err) || attempt->rules->trust(attempt->rules->trust_context, ret_chain, err) ||
        ha_x5c_pubkey(ret_chain, &key, err)) {
        err->code = err->code == HA_E_MEMORY ? HA_E_MEMORY : HA_E_NOT_VERIFIED;
        return err->code;
    }
    if (!ha_alg_fits(attempt->part->alg, ha_pubkey_type(key)))
        return ha_fail(err, HA_E_NOT_VERIFIED, "the certificate's key is of another type than %s needs",
                       ha_alg_info(attempt->part->alg)->name);
    return fits(attempt, key) ? HA_OK : bad_signature(err);
}

static enum ha_code verify_part(const struct attempt *attempt, const struct ha_jwk **ret_jwk, struct ha_x5c *ret_chain,
                                struct ha_err *err)
{
    const struct ha_jws_rules *rules = attempt->rules;
    const ha_json *x5c = ha_jws_part_member(attempt->part, "x5c");
    uint32_t alg = 1u << attempt->part->alg;
    if ((rules->algs && !(rules->algs & alg)) || (rules->profile_algs && !(rules->profile_algs & alg)))
        return ha_fail(err, HA_E_NOT_VERIFIED, "the message has %s, which isn't among the algorithms to accept",
                       ha_alg_info(attempt->part->alg)->name);
    if (!rules->trust || rules->keys->n)
        return try_keys(attempt, ret_jwk, err);
    if (!x5c)
        return ha_fail(err, HA_E_NOT_VERIFIED, "the header has no certificate (x5c)");
    return try_certificates(attempt, x5c, ret_chain, err);
}

// One signature over a payload; on success the first one's headers are handed over.
static enum ha_code verify_one(const struct ha_jws_rules *rules, struct ha_jws_part *part, const struct ha_buf *payload,
                               struct ha_jws_verified *verified, struct ha_err *err)
{
    ha_auto(ha_buf_clear) struct ha_buf input = {0};
    ha_auto(ha_x5c_clear) struct ha_x5c chain = {0};
    const struct ha_jwk *jwk = NULL;
    ha_buf_append(&input, part->protected_.data, part->protected_.len);
    ha_buf_putc(&input, '.');
    ha_buf_append(&input, payload->data, payload->len);
    if (!ha_buf_ok(&input))
        return ha_fail(err, HA_E_MEMORY, "no memory for a message");
    const struct attempt attempt = {.rules = rules, .part = part, .input = &input};
    if (verify_part(&attempt, &jwk, &chain, err))
        return err->code;
    if (verified->n_good++ == 0) {
        verified->alg = part->alg;
        verified->jwk = jwk;
        verified->header = ha_take(&part->header);
        verified->unprotected = ha_take(&part->unprotected);
        verified->certificates = chain;
        chain.n = 0;
    }
    return HA_OK;
}

static enum ha_code verify_all(const struct ha_jws_rules *rules, struct ha_jws_read *read,
                               struct ha_jws_verified *verified, struct ha_err *err)
{
    ha_auto(ha_buf_clear) struct ha_buf signed_text = {0};
    struct ha_err first = {0};
    bool unencoded = false, known = false;
    for (size_t i = 0; i < read->n; i++) {
        struct ha_err one = {0};
        struct ha_jws_part *part = &read->parts[i];
        ha_jws_read_header(part, &one);
        if (!one.code && known && part->unencoded != unencoded)
            return ha_fail(err, HA_E_MALFORMED, "b64 isn't the same for all signatures");
        if (!one.code && !known && find_payload(read, rules, part->unencoded, &verified->payload, &signed_text, err))
            return err->code;
        known = known || !one.code;
        unencoded = one.code ? unencoded : part->unencoded;
        if (!one.code)
            verify_one(rules, part, &signed_text, verified, &one);
        if (one.code && read->n > 1)
            ha_wrap(&one, "signature %zu of %zu", i + 1, read->n);
        if (one.code && !first.code)
            first = one;
    }
    verified->n_signatures = read->n;
    if (verified->n_good == read->n || (rules->any && verified->n_good))
        return HA_OK;
    *err = first;
    return err->code;
}

enum ha_code ha_jws_verify(const char *text, size_t n, const struct ha_jws_rules *rules,
                           struct ha_jws_verified *ret_verified, struct ha_err *err)
{
    ha_auto(ha_jws_read_clear) struct ha_jws_read read = {0};
    if (ha_jws_read(text, n, &read, err))
        return err->code;
    if (verify_all(rules, &read, ret_verified, err) == HA_OK)
        return HA_OK;
    if (!read.has_payload && !rules->payload && err->code == HA_E_NOT_VERIFIED)
        ha_hint(err, "the message has no payload: give it beside the message, if it is detached");
    return err->code;
}
