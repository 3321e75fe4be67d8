// SPDX-License-Identifier: Apache-2.0
#include "keys/prove.h"

#include "base/clock.h"
#include "base/text.h"
#include "crypto/challenge.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#define AT_ONCE    64     // proofs in one exchange
#define AGAIN_MS   1000   // before a proof that failed for the moment is tried again
#define OTHER_MS   60000  // before one that gave a wrong answer is
#define SECRET_LEN 32     // random bytes

// Neither a handshake nor anything else that a peer would accept a signature of.
static const char preamble[] = "hsm-agent: this signature proves that a replica is its key.";

void ha_proof_clear(struct ha_proof *proof)
{
    ha_buf_clear(&proof->exchange.output);
    ha_buf_clear(&proof->input);
    ha_buf_clear(&proof->expected);
}

static enum ha_alg_use use_of(const struct ha_key *key)
{
    if (key->purposes & HA_PURPOSES_CSR)
        return HA_USE_SIGN;
    return key->purposes & HA_PURPOSE_DECRYPT ? HA_USE_DECRYPT : HA_USE_DERIVE;
}

static enum ha_alg choose(const struct ha_key *key, struct ha_token *token)
{
    for (int i = HA_ALG_NONE + 1; i < HA_ALG_COUNT; i++) {
        enum ha_alg alg = (enum ha_alg)i;
        if (ha_alg_info(alg)->use == use_of(key) && ha_alg_fits(alg, key->type) &&
            ha_token_way(token, alg) != HA_WAY_NONE)
            return alg;
    }
    return HA_ALG_NONE;
}

static enum ha_code prepare_signature(struct ha_proof *proof, enum ha_way way, struct ha_err *err)
{
    struct ha_packet *question = &proof->exchange.question;
    enum ha_hash hash = ha_alg_info((enum ha_alg)question->alg)->hash;
    question->op = HA_OP_SIGN;
    static_assert(sizeof(preamble) <= sizeof(proof->text) - 16, "room for a random number");
    memcpy(proof->text, preamble, sizeof(preamble));
    question->part[2] = (struct ha_part){proof->text, sizeof(proof->text)};
    if (getrandom(proof->text + sizeof(preamble), sizeof(proof->text) - sizeof(preamble), 0) < 0)
        return ha_fail_errno(err, errno, "getrandom");
    if (hash == HA_HASH_NONE || way != HA_WAY_DIGEST)
        return HA_OK;
    question->flags = HA_PACKET_DIGEST;
    question->part[2] = (struct ha_part){proof->digest, ha_hash_info(hash)->len};
    return ha_digest(hash, proof->text, sizeof(proof->text), proof->digest, err);
}

static enum ha_code prepare_secret(struct ha_proof *proof, enum ha_alg alg, struct ha_err *err)
{
    struct ha_packet *question = &proof->exchange.question;
    const struct ha_pubkey *public_key = proof->key->public_key;
    enum ha_code code;
    if (ha_alg_info(alg)->use == HA_USE_DERIVE) {
        question->op = HA_OP_DERIVE;
        code = ha_challenge_agree(public_key, &proof->input, &proof->expected, err);
    } else {
        uint8_t secret[SECRET_LEN];
        if (getrandom(secret, sizeof(secret), 0) != sizeof(secret))
            return ha_fail_errno(err, errno, "getrandom");
        question->op = HA_OP_DECRYPT;
        ha_buf_append(&proof->expected, secret, sizeof(secret));
        code = ha_challenge_encrypt(public_key, alg, secret, sizeof(secret), &proof->input, err);
    }
    question->part[2] = (struct ha_part){proof->input.data, proof->input.len};
    return code;
}

static enum ha_code prepare(struct ha_token *token, const struct ha_caller *caller, struct ha_proof *proof,
                            struct ha_err *err)
{
    enum ha_alg alg = choose(proof->key, token);
    if (alg == HA_ALG_NONE)
        return ha_fail(err, HA_E_KEY_CANNOT, "the token can do nothing that this key is made for");
    struct ha_packet *question = &proof->exchange.question;
    proof->exchange.caller = caller;
    question->alg = alg;
    question->part[0] = (struct ha_part){proof->replica->id, proof->replica->id_len};
    question->part[1] = (struct ha_part){ha_pubkey_spki_sha256(proof->key->public_key), HA_SPKI_HASH_LEN};
    return ha_alg_info(alg)->use == HA_USE_SIGN ? prepare_signature(proof, ha_token_way(token, alg), err)
                                                : prepare_secret(proof, alg, err);
}

static bool is_right(const struct ha_proof *proof)
{
    const struct ha_buf *output = &proof->exchange.output;
    enum ha_alg alg = (enum ha_alg)proof->exchange.question.alg;
    if (ha_alg_info(alg)->use == HA_USE_SIGN)
        return ha_pubkey_verify(proof->key->public_key, alg, proof->text, sizeof(proof->text), output->data,
                                output->len);
    return output->len == proof->expected.len && ha_equal_ct(output->data, proof->expected.data, output->len);
}

// The token told a KEK by what it makes with it, so it has proved itself when it is bound or made.
static bool is_proved(const struct ha_proof *proof)
{
    return ha_key_type_info(proof->key->type)->family == HA_FAMILY_KEK;
}

static void settle(struct ha_proof *proof, pid_t run)
{
    struct ha_replica *replica = proof->replica;
    bool other = false;
    if (proof->code == HA_OK) {
        proof->code = proof->exchange.code;
        proof->err = proof->exchange.err;
        other = proof->code == HA_OK && !is_proved(proof) && !is_right(proof);
    }
    char trouble[HA_TROUBLE_MAX] = "";
    if (other) {
        proof->code = ha_fail(&proof->err, HA_E_CONFLICT,
                              "the private key in the token '%s' isn't that of the public key it is shown with",
                              replica->token_name);
        ha_hint(&proof->err, "import the key into that token again, or adopt the key without that token");
    }
    if (proof->code)
        snprintf(trouble, sizeof(trouble), "it couldn't prove that it is this key: %.350s", proof->err.detail);
    atomic_store(&replica->shun_ms, proof->code ? ha_now_ms() + (other ? OTHER_MS : AGAIN_MS) : 0);
    ha_replica_set_state(proof->key, replica, proof->code ? HA_STATE_UNPROVEN : HA_STATE_READY, trouble);
    atomic_store(&replica->run, run);
}

static void prove_some(struct ha_token *token, pid_t run, unsigned limit_ms, struct ha_proof *proofs, size_t n)
{
    const struct ha_caller caller = {.uid = (uid_t)-1, .start_ms = ha_now_ms(), .limit_ms = limit_ms, .run = run};
    struct ha_exchange *exchanges[AT_ONCE];
    size_t n_exchanges = 0;
    for (size_t i = 0; i < n; i++) {
        if (is_proved(&proofs[i]))
            continue;
        proofs[i].code = prepare(token, &caller, &proofs[i], &proofs[i].err);
        if (proofs[i].code == HA_OK)
            exchanges[n_exchanges++] = &proofs[i].exchange;
    }
    if (n_exchanges)
        ha_token_exchange(token, exchanges, n_exchanges);
    for (size_t i = 0; i < n; i++)
        settle(&proofs[i], run);
}

void ha_prove(struct ha_token *token, pid_t run, unsigned limit_ms, struct ha_proof *proofs, size_t n)
{
    for (size_t at = 0; at < n; at += AT_ONCE)
        prove_some(token, run, limit_ms, proofs + at, n - at < AT_ONCE ? n - at : AT_ONCE);
}

enum ha_code ha_prove_now(struct ha_key *key, struct ha_replica *replica, struct ha_err *err)
{
    ha_auto(ha_proof_clear) struct ha_proof proof = {.key = key, .replica = replica};
    unsigned outstanding;
    pid_t run;
    if (!ha_token_outstanding(replica->token, &outstanding, &run))
        return ha_fail(err, HA_E_TOKEN_DOWN, "the token '%s' went away", replica->token_name);
    ha_prove(replica->token, run, 0, &proof, 1);
    if (proof.code)
        *err = proof.err;
    return proof.code;
}
