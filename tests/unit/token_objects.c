// SPDX-License-Identifier: Apache-2.0
#include "token_objects.h"

#include <libp11.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

struct reader {
    PKCS11_CTX *ctx;
    PKCS11_SLOT *slots, *slot;
    unsigned n_slots;
};

static void reader_open(struct reader *reader)
{
    *reader = (struct reader){.ctx = PKCS11_CTX_new()};
    assert_int_equal(PKCS11_CTX_load(reader->ctx, rig_softhsm()), 0);
    assert_int_equal(PKCS11_enumerate_slots(reader->ctx, &reader->slots, &reader->n_slots), 0);
    for (unsigned i = 0; i < reader->n_slots; i++) {
        if (reader->slots[i].token && strcmp(reader->slots[i].token->label, RIG_LABEL) == 0)
            reader->slot = &reader->slots[i];
    }
    assert_non_null(reader->slot);
    assert_int_equal(PKCS11_open_session(reader->slot, 1), 0);
    assert_int_equal(PKCS11_login(reader->slot, 0, RIG_PIN), 0);
}

static void reader_close(struct reader *reader)
{
    PKCS11_release_all_slots(reader->ctx, reader->slots, reader->n_slots);
    PKCS11_CTX_unload(reader->ctx);
    PKCS11_CTX_free(reader->ctx);
}

// How many private (or public) keys with that id libp11 sees; checks their label and flags.
static unsigned reader_count(struct reader *reader, bool private_key, const char *id, const char *label)
{
    PKCS11_KEY *keys = NULL;
    unsigned n = 0, found = 0;
    assert_int_equal(private_key ? PKCS11_enumerate_keys(reader->slot->token, &keys, &n)
                                 : PKCS11_enumerate_public_keys(reader->slot->token, &keys, &n),
                     0);
    for (unsigned i = 0; i < n; i++) {
        if (keys[i].id_len != strlen(id) || memcmp(keys[i].id, id, keys[i].id_len) != 0)
            continue;
        assert_int_equal(keys[i].isPrivate, private_key);
        assert_string_equal(keys[i].label, label);
        found++;
    }
    return found;
}

unsigned token_count(bool private_key, const char *id, const char *label)
{
    struct reader reader;
    reader_open(&reader);
    unsigned n = reader_count(&reader, private_key, id, label);
    reader_close(&reader);
    return n;
}

unsigned token_certificates(const char *id, const char *label, const void *der, size_t n)
{
    struct reader reader;
    PKCS11_CERT *certificates = NULL;
    unsigned n_certificates = 0, found = 0;
    reader_open(&reader);
    assert_int_equal(PKCS11_enumerate_certs(reader.slot->token, &certificates, &n_certificates), 0);
    for (unsigned i = 0; i < n_certificates; i++) {
        unsigned char *own = NULL;
        int len = i2d_X509(certificates[i].x509, &own);
        bool named = certificates[i].id_len == strlen(id) && memcmp(certificates[i].id, id, strlen(id)) == 0 &&
                     strcmp(certificates[i].label, label) == 0;
        found += named && len > 0 && (size_t)len == n && memcmp(own, der, n) == 0;
        OPENSSL_free(own);
    }
    reader_close(&reader);
    return found;
}

static void see(struct token_seen *seen, const struct ha_packet *object, const char *id)
{
    seen->n++;
    if (object->part[0].len != strlen(id) || memcmp(object->part[0].data, id, strlen(id)) != 0)
        return;
    seen->found++;
    seen->flags = object->flags;
    snprintf(seen->label, sizeof(seen->label), "%.*s", (int)object->part[1].len, (const char *)object->part[1].data);
    snprintf(seen->why, sizeof(seen->why), "%.*s", (int)object->part[3].len, (const char *)object->part[3].data);
    assert_true(object->part[2].len <= sizeof(seen->spki));
    memcpy(seen->spki, object->part[2].data, object->part[2].len);
    seen->spki_len = object->part[2].len;
}

enum ha_code token_list(struct rig *rig, const char *uri, const char *id, struct token_seen *ret_seen,
                        struct ha_err *err)
{
    struct ha_packet question = {.op = HA_OP_LIST}, answer;
    *ret_seen = (struct token_seen){0};
    question.part[0] = (struct ha_part){uri, strlen(uri)};
    enum ha_code code = rig_ask(rig, rig->control, &question, &answer, err);
    while (code == HA_OK && answer.op == HA_OP_OBJECT) {
        assert_int_equal(answer.serial, question.serial);
        see(ret_seen, &answer, id);
        code = ha_packet_recv(rig->control, -1, rig->buffer, &answer, NULL, NULL, err);
    }
    return code;
}

enum ha_code token_generate(struct rig *rig, const char *id, const char *label, unsigned type, unsigned purposes,
                            struct ha_err *err)
{
    struct ha_packet question = {.op = HA_OP_GENERATE, .key_type = type, .purposes = purposes}, answer;
    question.part[0] = (struct ha_part){id, strlen(id)};
    question.part[1] = (struct ha_part){label, strlen(label)};
    return rig_ask(rig, rig->control, &question, &answer, err);
}

enum ha_code token_destroy(struct rig *rig, const char *id, const struct ha_pubkey *key, struct ha_err *err)
{
    struct ha_packet question = {.op = HA_OP_DESTROY}, answer;
    question.part[0] = (struct ha_part){id, strlen(id)};
    if (key)
        question.part[1] = (struct ha_part){ha_pubkey_spki_sha256(key), HA_SPKI_HASH_LEN};
    return rig_ask(rig, rig->control, &question, &answer, err);
}

enum ha_code token_sign(struct rig *rig, const char *id, const struct ha_pubkey *key, struct ha_err *err)
{
    struct ha_packet answer;
    enum ha_alg alg = ha_alg_default(ha_pubkey_type(key));
    enum ha_code code = rig_use(rig, 0, HA_OP_SIGN, alg, id, key, (struct ha_part){"x", 1}, &answer, err);
    if (code == HA_OK)
        assert_true(ha_pubkey_verify(key, alg, "x", 1, answer.part[0].data, answer.part[0].len));
    return code;
}
