// SPDX-License-Identifier: Apache-2.0
#include "token/list.h"

#include "token/ckr.h"
#include "token/find.h"
#include "token/hmac.h"
#include "token/kek.h"
#include "token/operate.h"
#include "token/public.h"
#include "token/publics.h"
#include "token/session.h"
#include "token/p11.h"
#include "token/uri.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_MAX   256  // bytes of a CKA_ID or a label
#define PARAMS_MAX 512

struct listed {
    uint8_t id[TEXT_MAX], label[TEXT_MAX];
    size_t id_len, label_len;
    struct ha_pubkey *key;
    char why[512];  // while key is NULL
    uint32_t flags;
    CK_OBJECT_HANDLE object;
    bool always_authenticate;
};

struct job {
    P11KitUri *uri;  // NULL: all
    struct listed *items;
    size_t n;
    unsigned generation;  // of the token when it was listed
};

static void job_clear(struct job *job)
{
    for (size_t i = 0; i < job->n; i++)
        ha_pubkey_free(job->items[i].key);
    free(job->items);
    *job = (struct job){.uri = job->uri};
}

static const struct {
    CK_ATTRIBUTE_TYPE type;
    uint32_t flag;
} flag_rows[] = {
    {CKA_SENSITIVE, HA_OBJECT_SENSITIVE},
    {CKA_EXTRACTABLE, HA_OBJECT_EXTRACTABLE},
    {CKA_ALWAYS_SENSITIVE, HA_OBJECT_ALWAYS_SENSITIVE},
    {CKA_NEVER_EXTRACTABLE, HA_OBJECT_NEVER_EXTRACTABLE},
    {CKA_SIGN, HA_OBJECT_SIGN},
    {CKA_DECRYPT, HA_OBJECT_DECRYPT},
    {CKA_DERIVE, HA_OBJECT_DERIVE},
    {CKA_WRAP, HA_OBJECT_WRAP},
};

// The object's public key, by itself or from those collected; without one item->why says why.
static enum ha_code add_key(struct ha_p11 *token, struct ha_session *session, CK_OBJECT_HANDLE object,
                            const struct ha_publics *publics, struct listed *item, struct ha_err *err)
{
    struct ha_err failure = {0};
    enum ha_code code = ha_public_of_object(token, session, object, &item->key, &failure);
    if (code == HA_OK)
        return HA_OK;
    if (code != HA_E_KEY_CANNOT || failure.rv != CKR_OK) {
        *err = failure;
        return code;
    }
    CK_KEY_TYPE type = 0;
    uint8_t params[PARAMS_MAX];
    CK_ATTRIBUTE attributes[] = {
        {CKA_KEY_TYPE, &type, sizeof(type)},
        {CKA_EC_PARAMS, params, sizeof(params)},
    };
    if (ha_find_attributes(token, session, object, attributes, HA_ARRAY_SIZE(attributes), err))
        return err->code;
    enum ha_key_type curve = ha_public_curve(params, attributes[1].ulValueLen);
    if ((type == CKK_EC || type == CKK_EC_EDWARDS) && curve != HA_KEY_NONE)
        return ha_publics_find(publics, item->id, item->id_len, curve, &item->key, item->why, sizeof(item->why), err);
    snprintf(item->why, sizeof(item->why), "%s", failure.detail);
    return HA_OK;
}

// The identity of an HMAC key or a KEK; without one item->why says why.
static enum ha_code add_identity(struct ha_p11 *token, struct ha_session *session, CK_OBJECT_HANDLE object,
                                 struct listed *item, struct ha_err *err)
{
    struct ha_err failure = {0};
    CK_KEY_TYPE type = 0;
    CK_ATTRIBUTE attribute = {CKA_KEY_TYPE, &type, sizeof(type)};
    item->flags |= HA_OBJECT_SECRET;
    if (ha_find_attributes(token, session, object, &attribute, 1, err))
        return err->code;
    if ((type == CKK_AES ? ha_kek_identity : ha_hmac_identity)(token, session, object, &item->key, &failure) == HA_OK)
        return HA_OK;
    if (failure.code == HA_E_MEMORY || ha_ckr_curable(&failure)) {
        *err = failure;
        return err->code;
    }
    snprintf(item->why, sizeof(item->why), "%s", failure.detail);
    return HA_OK;
}

// publics NULL: it is a secret key.
static enum ha_code read_object(struct ha_p11 *token, struct ha_session *session, CK_OBJECT_HANDLE object,
                                const struct ha_publics *publics, struct listed *item, struct ha_err *err)
{
    enum { N_FLAGS = HA_ARRAY_SIZE(flag_rows) };
    CK_BBOOL values[N_FLAGS] = {0}, always = CK_FALSE;
    CK_ATTRIBUTE attributes[3 + N_FLAGS] = {
        {CKA_ID, item->id, sizeof(item->id)},
        {CKA_LABEL, item->label, sizeof(item->label)},
    };
    for (size_t i = 0; i < N_FLAGS; i++)
        attributes[2 + i] = (CK_ATTRIBUTE){flag_rows[i].type, &values[i], sizeof(values[i])};
    attributes[2 + N_FLAGS] = (CK_ATTRIBUTE){CKA_ALWAYS_AUTHENTICATE, &always, sizeof(always)};
    item->object = object;
    if (ha_find_attributes(token, session, object, attributes, HA_ARRAY_SIZE(attributes), err))
        return err->code;
    item->id_len = attributes[0].ulValueLen;
    item->label_len = attributes[1].ulValueLen;
    for (size_t i = 0; i < N_FLAGS; i++) {
        if (attributes[2 + i].ulValueLen == sizeof(values[i]) && values[i])
            item->flags |= flag_rows[i].flag;
    }
    item->always_authenticate = attributes[2 + N_FLAGS].ulValueLen == sizeof(always) && always;
    return publics ? add_key(token, session, object, publics, item, err)
                   : add_identity(token, session, object, item, err);
}

// The class, and what the URI says.
static CK_ULONG fill_template(P11KitUri *uri, const CK_OBJECT_CLASS *class, CK_ATTRIBUTE template[static 3])
{
    CK_ULONG n = 0;
    template[n++] = (CK_ATTRIBUTE){CKA_CLASS, (void *)(uintptr_t) class, sizeof(*class)};
    const CK_ATTRIBUTE *id = uri ? p11_kit_uri_get_attribute(uri, CKA_ID) : NULL;
    const CK_ATTRIBUTE *label = uri ? p11_kit_uri_get_attribute(uri, CKA_LABEL) : NULL;
    if (id)
        template[n++] = *id;
    if (label)
        template[n++] = *label;
    return n;
}

// The HMAC keys (none for a URI) and KEKs. Other secret keys are none of our business: they aren't asked for anything.
static enum ha_code find_secrets(struct ha_p11 *token, struct ha_session *session, P11KitUri *uri,
                                 struct ha_handles *found, struct ha_err *err)
{
    static const CK_OBJECT_CLASS class = CKO_SECRET_KEY;
    static CK_KEY_TYPE hmac = CKK_GENERIC_SECRET, kek = CKK_AES;
    static CK_BBOOL yes = CK_TRUE;
    CK_ATTRIBUTE template[7] = {
        {CKA_KEY_TYPE, &hmac, sizeof(hmac)}, {CKA_TOKEN, &yes, sizeof(yes)}, {CKA_SIGN, &yes, sizeof(yes)}};
    CK_ULONG n = 3 + fill_template(uri, &class, template + 3);
    if (!uri && ha_find_objects(token, session, template, n, found, err))
        return err->code;
    template[0] = (CK_ATTRIBUTE){CKA_KEY_TYPE, &kek, sizeof(kek)};
    template[2].type = CKA_WRAP;
    return ha_find_objects(token, session, template, n, found, err);
}

static enum ha_code collect(struct ha_p11 *token, struct ha_session *session, struct job *job, struct ha_err *err)
{
    static const CK_OBJECT_CLASS private_key = CKO_PRIVATE_KEY;
    ha_auto(ha_publics_clear) struct ha_publics publics = {0};
    ha_auto(ha_handles_clear) struct ha_handles found = {0}, secrets = {0};
    CK_ATTRIBUTE template[3];
    CK_ULONG n = fill_template(job->uri, &private_key, template);
    bool is_secret = job->uri && ha_uri_is_secret(job->uri);
    if (!is_secret && (ha_find_objects(token, session, template, n, &found, err) ||
                       ha_publics_collect(token, session, job->uri ? p11_kit_uri_get_attribute(job->uri, CKA_ID) : NULL,
                                          &publics, err)))
        return err->code;
    if ((!job->uri || is_secret) && find_secrets(token, session, job->uri, &secrets, err))
        return err->code;
    size_t total = found.n + secrets.n;
    job->items = calloc(total + 1, sizeof(*job->items));
    if (!job->items)
        return ha_fail(err, HA_E_MEMORY, "out of memory for a list of %zu keys", total);
    for (; job->n < total; job->n++) {
        bool secret = job->n >= found.n;
        CK_OBJECT_HANDLE object = secret ? secrets.items[job->n - found.n] : found.items[job->n];
        if (read_object(token, session, object, secret ? NULL : &publics, &job->items[job->n], err))
            return err->code;
    }
    return HA_OK;
}

static int compare_names(const void *a, const void *b)
{
    const struct listed *x = *(const struct listed *const *)a, *y = *(const struct listed *const *)b;
    if (x->id_len != y->id_len)
        return x->id_len < y->id_len ? -1 : 1;
    int order = memcmp(x->id, y->id, x->id_len);
    return order ? order : memcmp(ha_pubkey_spki_sha256(x->key), ha_pubkey_spki_sha256(y->key), HA_SPKI_HASH_LEN);
}

static void remember(struct ha_p11 *token, const struct job *job, const struct listed *item)
{
    const struct ha_key_name name = {item->id, item->id_len, ha_pubkey_spki_sha256(item->key), false, false};
    const struct ha_p11_key key = {
        .handle = item->object,
        .generation = job->generation,
        .type = ha_pubkey_type(item->key),
        .bits = ha_pubkey_bits(item->key),
        .always_authenticate = item->always_authenticate,
    };
    ha_cache_put(&token->cache, &name, &key);
    ha_known_keys_put(&token->known_keys, ha_pubkey_copy(item->key));
}

// A search takes as long as the token has objects, so the first use of each key would cost all keys' time together.
// Two that fit one name are left to the search, which says so.
static void remember_pairs(struct ha_p11 *token, const struct job *job)
{
    ha_auto(ha_free) const struct listed **pairs = calloc(job->n + 1, sizeof(*pairs));
    size_t n = 0;
    if (!pairs)
        return;
    for (size_t i = 0; i < job->n; i++) {
        const struct listed *item = &job->items[i];
        if (item->key && !(item->flags & HA_OBJECT_SECRET) && item->id_len > 0 && item->id_len <= HA_CKA_ID_MAX)
            pairs[n++] = item;
    }
    qsort(pairs, n, sizeof(*pairs), compare_names);
    for (size_t first = 0, next; first < n; first = next) {
        for (next = first + 1; next < n && compare_names(&pairs[first], &pairs[next]) == 0; next++)
            ;
        if (next == first + 1)
            remember(token, job, pairs[first]);
    }
}

static enum ha_code run(struct ha_p11 *token, struct ha_session *session, void *context, struct ha_err *err)
{
    struct job *job = context;
    mtx_lock(&token->object_lock);
    job->generation = atomic_load(&token->generation);
    enum ha_code code = collect(token, session, job, err);
    if (code == HA_OK && !job->uri)
        remember_pairs(token, job);
    mtx_unlock(&token->object_lock);
    if (code)
        job_clear(context);
    return code;
}

static enum ha_code send_all(const struct job *job,
                             enum ha_code (*give)(void *context, struct ha_packet *object, struct ha_err *err),
                             void *context, struct ha_err *err)
{
    for (size_t i = 0; i < job->n; i++) {
        const struct listed *item = &job->items[i];
        struct ha_packet object = {.op = HA_OP_OBJECT, .flags = item->flags};
        object.part[0] = (struct ha_part){item->id, item->id_len};
        object.part[1] = (struct ha_part){item->label, item->label_len};
        if (item->key)
            object.part[2].data = ha_pubkey_spki(item->key, &object.part[2].len);
        else
            object.part[3] = (struct ha_part){item->why, strlen(item->why)};
        enum ha_code code = give(context, &object, err);
        if (code)
            return code;
    }
    return HA_OK;
}

enum ha_code ha_list(struct ha_p11 *token, const struct ha_packet *question,
                     enum ha_code (*give)(void *context, struct ha_packet *object, struct ha_err *err), void *context,
                     struct ha_err *err)
{
    ha_auto(p11_kit_uri_free) P11KitUri *uri = NULL;
    if (question->part[0].len > 0) {
        if (ha_uri_parse_keys(question->part[0].data, question->part[0].len, &uri, err))
            return err->code;
        if (!p11_kit_uri_match_token_info(uri, &token->info)) {
            ha_fail(err, HA_E_NO_KEY, "the PKCS#11 URI names another token than this one");
            return ha_hint(err, "Leave the token's attributes out of the URI, or name the token that has the key.");
        }
    }
    struct job job = {.uri = uri};
    enum ha_code code = ha_operate(token, HA_OPERATE_HELD, run, &job, err);
    if (code == HA_OK)
        code = send_all(&job, give, context, err);
    job_clear(&job);
    return code;
}
