// SPDX-License-Identifier: Apache-2.0
// A new key pair for several tokens. The first one makes and wraps it, the others unwrap it; what passes through here
// is wrapped, and says nothing to whoever hasn't one of the tokens. HACKING.md, "Wrapped replicas".
#include "base/clock.h"
#include "keys/keys_internal.h"
#include "keys/prove.h"

#include <string.h>

#define MAKE_MS 180000  // a smartcard takes its time over RSA-4096

void ha_sharing_clear(struct ha_sharing *sharing)
{
    ha_buf_clear(&sharing->wrappers);
}

static enum ha_code in_token(struct ha_err *err, const struct ha_replica *replica)
{
    return ha_wrap(err, "in the token '%s'", replica->token_name);
}

// Adds its wrapping key to the list; *ways loses the ways that this token doesn't have.
static enum ha_code ask_wrapper(const struct ha_key *key, size_t i, unsigned *ways, struct ha_sharing *sharing,
                                struct ha_err *err)
{
    ha_auto(ha_buf_clear) struct ha_buf answer = {0};
    const struct ha_packet question = {.op = HA_OP_WRAPPER, .flags = i == 0 ? HA_PACKET_SHARED : 0};
    if (ha_token_control(key->replicas[i].token, &question, ha_now_ms() + MAKE_MS, NULL, NULL, &answer, err))
        return in_token(err, &key->replicas[i]);
    if (answer.len < 1)
        return ha_fail(err, HA_E_INTERNAL, "the token's process gave no wrapping key");
    *ways &= answer.data[0];
    uint32_t n = (uint32_t)(answer.len - 1);
    if (i == 0)
        return HA_OK;
    ha_buf_append(&sharing->wrappers, &n, sizeof(n));
    ha_buf_append(&sharing->wrappers, answer.data + 1, n);
    return ha_buf_ok(&sharing->wrappers) ? HA_OK : ha_fail(err, HA_E_MEMORY, "out of memory");
}

enum ha_code ha_sharing_prepare(const struct ha_key *key, struct ha_sharing *sharing, struct ha_err *err)
{
    unsigned ways = ~0u;
    for (size_t i = 0; i < key->n_replicas; i++)
        if (ask_wrapper(key, i, &ways, sharing, err))
            return err->code;
    for (unsigned how = 0; how < HA_WRAP_COUNT; how++) {
        if (ways & 1u << how) {
            sharing->how = (enum ha_wrap)how;
            return HA_OK;
        }
    }
    ha_fail(err, HA_E_KEY_CANNOT, "the tokens have no mechanism in common with which a key can be wrapped");
    return ha_hint(err, "import one key pair into each token with the tokens' own tools, and adopt them as one key: "
                        "`hsm-agent key adopt NAME URI URI`");
}

struct sealed {
    struct ha_buf item[HA_REPLICAS_MAX];
    size_t n;
};

static void sealed_clear(struct sealed *sealed)
{
    for (size_t i = 0; i < HA_REPLICAS_MAX; i++)
        ha_buf_clear(&sealed->item[i]);
}
HA_AUTO_DEFINE_CLEAR(struct sealed, sealed_clear)

static void take_sealed(void *context, const struct ha_packet *object)
{
    struct sealed *sealed = context;
    if (sealed->n < HA_REPLICAS_MAX)
        ha_buf_append(&sealed->item[sealed->n], object->part[0].data, object->part[0].len);
    sealed->n++;
}

static enum ha_code generate(struct ha_key *key, const struct ha_sharing *sharing, struct sealed *sealed,
                             struct ha_buf *spki, struct ha_err *err)
{
    const struct ha_replica *first = &key->replicas[0];
    const struct ha_packet question = {
        .op = HA_OP_GENERATE,
        .flags = HA_PACKET_SHARED | (key->backup ? HA_PACKET_BACKUP : 0),
        .alg = sharing->how,
        .key_type = key->type,
        .purposes = key->purposes,
        .part = {{first->id, first->id_len},
                 {key->name, strlen(key->name)},
                 {sharing->wrappers.data, sharing->wrappers.len}},
    };
    if (ha_token_control(first->token, &question, ha_now_ms() + MAKE_MS, take_sealed, sealed, spki, err))
        return in_token(err, first);
    if (sealed->n != key->n_replicas - 1)
        return ha_fail(err, HA_E_INTERNAL, "the token's process wrapped the key for %zu tokens", sealed->n);
    return ha_pubkey_restore(spki->data, spki->len, &key->public_key, err);
}

static enum ha_code unwrap(const struct ha_key *key, const struct ha_replica *replica, enum ha_wrap how,
                           const struct ha_buf *sealed, const struct ha_buf *spki, struct ha_err *err)
{
    const struct ha_packet question = {
        .op = HA_OP_UNWRAP,
        .alg = how,
        .key_type = key->type,
        .purposes = key->purposes,
        .flags = key->backup ? HA_PACKET_BACKUP : 0,
        .part = {{replica->id, replica->id_len},
                 {key->name, strlen(key->name)},
                 {spki->data, spki->len},
                 {sealed->data, sealed->len}},
    };
    if (ha_token_control(replica->token, &question, ha_now_ms() + MAKE_MS, NULL, NULL, NULL, err))
        return in_token(err, replica);
    return HA_OK;
}

enum ha_code ha_sharing_make(struct ha_key *key, const struct ha_sharing *sharing, struct ha_err *err)
{
    ha_auto(sealed_clear) struct sealed sealed = {0};
    ha_auto(ha_buf_clear) struct ha_buf spki = {0};
    if (generate(key, sharing, &sealed, &spki, err))
        return err->code;
    for (size_t i = 1; i < key->n_replicas; i++)
        if (unwrap(key, &key->replicas[i], sharing->how, &sealed.item[i - 1], &spki, err))
            return err->code;
    for (size_t i = 0; i < key->n_replicas; i++)
        if (ha_prove_now(key, &key->replicas[i], err))
            return err->code;
    return HA_OK;
}
