// SPDX-License-Identifier: Apache-2.0
#include "keys/use.h"

#include "base/clock.h"
#include "crypto/sigenc.h"

#include <string.h>

void ha_use_clear(struct ha_use *use)
{
    ha_buf_clear(&use->exchange.output);
    ha_buf_clear(&use->point);
}

static enum ha_code no_token(struct ha_key *key, struct ha_err *err)
{
    for (size_t i = 0; i < key->n_replicas; i++) {
        struct ha_token_status status = {0};
        struct ha_token *token = atomic_load(&key->replicas[i].token);
        if (token)
            ha_token_status(token, &status);
        if (status.err.code) {
            *err = status.err;
            return err->code;
        }
    }
    const struct ha_replica *first = &key->replicas[0];
    ha_fail(err, HA_E_TOKEN_DOWN, "the token '%s' of the key '%s' %s", first->token_name, key->name,
            atomic_load(&first->token) ? "hasn't been ready yet" : "isn't in the configuration");
    err->retry_after_s = 1;
    return ha_hint(err, "`hsm-agent status` (GET /v1/tokens) says why");
}

static enum ha_code check_state(struct ha_key *key, struct ha_err *err)
{
    // One of several replicas may come back, or prove itself, in time.
    for (size_t i = 0; i < key->n_replicas; i++) {
        enum ha_key_state one = atomic_load_explicit(&key->replicas[i].state, memory_order_relaxed);
        if (one == HA_STATE_READY || one == HA_STATE_UNPROVEN)
            return HA_OK;
    }
    enum ha_key_state state = ha_key_state(key);
    char trouble[HA_TROUBLE_MAX];
    ha_key_trouble(key, trouble);
    switch (state) {
    case HA_STATE_MISSING:
        return ha_fail(err, HA_E_KEY_INCOMPLETE, "the key '%s' can't be used: %s", key->name, trouble);
    case HA_STATE_INCOMPLETE:
        return ha_fail(err, HA_E_KEY_INCOMPLETE, "the key '%s' can't be used: %s", key->name, trouble);
    case HA_STATE_AMBIGUOUS:
        return ha_fail(err, HA_E_AMBIGUOUS, "the key '%s' can't be used: %s", key->name, trouble);
    case HA_STATE_TOKEN_DOWN:
    case HA_STATE_UNPROVEN:
    case HA_STATE_READY:
    case HA_STATE_COUNT:
        break;
    }
    return no_token(key, err);
}

// Whether a token that holds the key can do it, as far as is known: one that isn't ready may have changed.
static bool some_token_can(const struct ha_key *key, enum ha_alg alg)
{
    for (size_t i = 0; i < key->n_replicas; i++) {
        struct ha_token *token = atomic_load(&key->replicas[i].token);
        struct ha_token_status status;
        if (!token)
            continue;
        if (ha_token_way(token, alg) != HA_WAY_NONE)
            return true;
        ha_token_status(token, &status);
        if (status.state != HA_TOKEN_READY)
            return true;
    }
    return false;
}

enum ha_code ha_use_check_barred(const struct ha_key *key, struct ha_err *err)
{
    bool disabled = atomic_load_explicit(&key->disabled, memory_order_relaxed);
    int64_t deletes_s = atomic_load_explicit(&key->deletes_s, memory_order_relaxed);
    if (!disabled && !deletes_s)
        return HA_OK;
    if (disabled)
        return ha_fail(err, HA_E_KEY_DISABLED, "version %u of '%s' is disabled", key->version, key->name);
    char when[25];
    ha_time_iso_at(deletes_s, when);
    return ha_fail(err, HA_E_KEY_DISABLED, "version %u of '%s' is to be deleted at %s", key->version, key->name, when);
}

enum ha_code ha_use_check(struct ha_key *key, enum ha_alg alg, unsigned purposes, struct ha_err *err)
{
    if (ha_use_check_barred(key, err) || check_state(key, err))
        return err->code;
    if (!ha_alg_fits(alg, key->type)) {
        if (alg == HA_ALG_NONE)  // it was the key that should have chosen
            return ha_fail(err, HA_E_KEY_CANNOT, "'%s' is of type %s, which signs nothing", key->name,
                           ha_key_type_info(key->type)->name);
        ha_fail(err, HA_E_KEY_CANNOT, "%s doesn't work with '%s', which is of type %s", ha_alg_info(alg)->name,
                key->name, ha_key_type_info(key->type)->name);
        return ha_hint(err, "GET /v1/keys/%s lists the algorithms that do", key->name);
    }
    if (!(key->purposes & purposes)) {
        char own[HA_PURPOSES_TEXT_MAX];
        ha_purposes_print(key->purposes, own, sizeof(own));
        ha_fail(err, HA_E_KEY_CANNOT, "the key '%s' isn't made for that; its purpose is %s", key->name, own);
        return ha_hint(err, "use a key with the right purpose; a key's purpose can't be changed");
    }
    if (!some_token_can(key, alg)) {
        ha_fail(err, HA_E_KEY_CANNOT, "the token '%s' can't do %s", key->replicas[0].token_name,
                ha_alg_info(alg)->name);
        return ha_hint(err, "GET /v1/tokens lists what it can; software-oaep = yes adds RSA-OAEP with raw RSA");
    }
    return HA_OK;
}

static void ask(struct ha_use *use, enum ha_op op, enum ha_alg alg)
{
    use->exchange.question.op = op;
    use->exchange.question.alg = alg;
}

void ha_use_hasher_clear(struct ha_use_hasher *hasher)
{
    ha_hasher_free(hasher->hasher);
    *hasher = (struct ha_use_hasher){0};
}

// To find the algorithm takes longer than to hash a short message.
static enum ha_code hash_data(struct ha_use_hasher *hasher, enum ha_hash hash, struct ha_use *use, struct ha_err *err)
{
    if (!hasher)
        return ha_digest(hash, use->data.data, use->data.len, use->digest, err);
    if (hasher->hasher && hasher->hash != hash)
        ha_use_hasher_clear(hasher);
    if (!hasher->hasher && ha_hasher_new(hash, &hasher->hasher, err))
        return err->code;
    hasher->hash = hash;
    if (!ha_hasher_digest(hasher->hasher, use->data.data, use->data.len, use->digest))
        return ha_fail(err, HA_E_INTERNAL, "%s of what is to be signed failed", ha_hash_info(hash)->name);
    return HA_OK;
}

enum ha_code ha_use_aim(struct ha_use *use, const struct ha_key *key, const struct ha_replica *replica,
                        struct ha_token *token, struct ha_use_hasher *hasher, struct ha_err *err)
{
    struct ha_packet *question = &use->exchange.question;
    question->part[0] = (struct ha_part){replica->id, replica->id_len};
    question->part[1] = (struct ha_part){ha_pubkey_spki_sha256(key->public_key), HA_SPKI_HASH_LEN};
    use->token = replica->token_name;
    if (!use->data.data)
        return HA_OK;
    enum ha_alg alg = (enum ha_alg)question->alg;
    enum ha_hash hash = ha_alg_info(alg)->hash;
    question->flags = 0;
    question->part[2] = use->data;
    if (hash == HA_HASH_NONE || ha_token_way(token, alg) != HA_WAY_DIGEST)
        return HA_OK;
    if (!use->hashed && hash_data(hasher, hash, use, err))
        return err->code;
    use->hashed = true;
    question->flags = HA_PACKET_DIGEST;
    question->part[2] = (struct ha_part){use->digest, ha_hash_info(hash)->len};
    return HA_OK;
}

enum ha_code ha_use_sign(struct ha_key *key, enum ha_alg alg, unsigned purposes, const uint8_t *data, size_t n,
                         struct ha_use *use, struct ha_err *err)
{
    if (ha_use_check(key, alg, purposes, err))
        return err->code;
    ask(use, HA_OP_SIGN, alg);
    use->said = use->data = (struct ha_part){n ? data : (const uint8_t *)"", n};
    return HA_OK;
}

enum ha_code ha_use_sign_ecdsa(struct ha_key *key, enum ha_hash hash, unsigned purposes, const uint8_t *data, size_t n,
                               struct ha_use *use, struct ha_err *err)
{
    enum ha_alg alg = ha_alg_default(key->type);
    uint8_t digest[HA_DIGEST_MAX];
    if (ha_use_check(key, alg, purposes, err) || ha_digest(hash, data, n, digest, err))
        return err->code;
    size_t len = ha_hash_info(ha_alg_info(alg)->hash)->len;
    ha_digest_fit(digest, ha_hash_info(hash)->len, use->digest, len);
    ask(use, HA_OP_SIGN, alg);
    use->exchange.question.flags = HA_PACKET_DIGEST;
    use->exchange.question.part[2] = (struct ha_part){use->digest, len};
    use->said = (struct ha_part){n ? data : (const uint8_t *)"", n};
    return HA_OK;
}

enum ha_code ha_use_sign_der(struct ha_use *use, struct ha_err *err)
{
    if (ha_alg_info((enum ha_alg)use->exchange.question.alg)->family != HA_FAMILY_EC)
        return HA_OK;
    struct ha_buf *output = &use->exchange.output;
    uint8_t raw[HA_ECDSA_RAW_MAX];
    const size_t n = output->len;
    if (n <= sizeof raw) {
        memcpy(raw, ha_buf_text(output), n);
        ha_buf_rewind(output);
        if (ha_ecdsa_raw_to_der(raw, n, output, err) == HA_OK || err->code == HA_E_MEMORY)
            return err->code;
    }
    return ha_fail(err, HA_E_TOKEN_ERROR, "what the token gave is no ECDSA signature");
}

enum ha_code ha_use_sign_digest(struct ha_key *key, enum ha_alg alg, const uint8_t *digest, size_t n,
                                struct ha_use *use, struct ha_err *err)
{
    if (ha_use_check(key, alg, HA_PURPOSE_SIGN, err))
        return err->code;
    if (key->purposes & HA_PURPOSES_TLS) {
        ha_fail(err, HA_E_KEY_CANNOT, "'%s' is for TLS too, and a digest may be that of a handshake", key->name);
        return ha_hint(err, "send data instead of digest");
    }
    enum ha_hash hash = ha_alg_info(alg)->hash;
    if (hash == HA_HASH_NONE) {
        ha_fail(err, HA_E_KEY_CANNOT, "%s signs the data itself, not a digest of it", ha_alg_info(alg)->name);
        return ha_hint(err, "send data instead of digest");
    }
    if (n != ha_hash_info(hash)->len) {
        ha_fail(err, HA_E_MALFORMED, "the digest has %zu bytes, %s takes %zu (%s)", n, ha_alg_info(alg)->name,
                ha_hash_info(hash)->len, ha_hash_info(hash)->name);
        return ha_hint(err, "send the raw digest, not its hexadecimal text");
    }
    ask(use, HA_OP_SIGN, alg);
    use->exchange.question.flags = HA_PACKET_DIGEST;
    use->exchange.question.part[2] = (struct ha_part){digest, n};
    return HA_OK;
}

enum ha_code ha_use_decrypt(struct ha_key *key, enum ha_alg alg, const uint8_t *ciphertext, size_t n,
                            const uint8_t *label, size_t label_len, struct ha_use *use, struct ha_err *err)
{
    if (ha_use_check(key, alg, HA_PURPOSE_DECRYPT, err))
        return err->code;
    ask(use, HA_OP_DECRYPT, alg);
    use->exchange.question.part[2] = (struct ha_part){ciphertext, n};
    use->exchange.question.part[3] = (struct ha_part){label, label_len};
    return HA_OK;
}

enum ha_code ha_use_derive(struct ha_key *key, enum ha_alg alg, const struct ha_pubkey *peer, struct ha_use *use,
                           struct ha_err *err)
{
    if (ha_use_check(key, alg, HA_PURPOSE_DERIVE, err))
        return err->code;
    if (ha_pubkey_type(peer) != key->type) {
        ha_fail(err, HA_E_KEY_CANNOT, "the peer's key is of type %s, '%s' is of type %s",
                ha_key_type_info(ha_pubkey_type(peer))->name, key->name, ha_key_type_info(key->type)->name);
        return ha_hint(err, "both keys must be on one curve");
    }
    if (ha_pubkey_point(peer, &use->point, err))
        return err->code;
    ask(use, HA_OP_DERIVE, alg);
    use->exchange.question.part[2] = (struct ha_part){use->point.data, use->point.len};
    return HA_OK;
}
