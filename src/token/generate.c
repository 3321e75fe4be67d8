// SPDX-License-Identifier: Apache-2.0
#include "token/generate.h"

#include "token/ckr.h"
#include "token/find.h"
#include "token/hmac.h"
#include "token/kek.h"
#include "token/operate.h"
#include "token/public.h"
#include "token/session.h"
#include "token/template.h"
#include "token/p11.h"

#define LABEL_MAX 255

struct job {
    const struct ha_packet *question;
    enum ha_key_type type;
    unsigned runs;
    struct ha_pubkey *made;
};

enum ha_code ha_generate_check(const struct ha_packet *question, struct ha_err *err)
{
    if (question->part[0].len == 0 || question->part[0].len > HA_CKA_ID_MAX || question->part[1].len > LABEL_MAX)
        return ha_fail(err, HA_E_MALFORMED, "a CKA_ID has 1 to %d bytes, a label at most %d", HA_CKA_ID_MAX, LABEL_MAX);
    if (question->key_type == HA_KEY_NONE || question->key_type >= HA_KEY_TYPE_COUNT ||
        !ha_key_type_info((enum ha_key_type)question->key_type)->creatable)
        return ha_fail(err, HA_E_MALFORMED, "that isn't a type of key that can be made");
    enum ha_key_type type = (enum ha_key_type)question->key_type;
    if (question->purposes == 0 || (question->purposes & ~ha_purposes_possible(type)))
        return ha_fail(err, HA_E_KEY_CANNOT, "a key of type %s can't have these purposes, or has none",
                       ha_key_type_info(type)->name);
    if (ha_key_type_is_secret(type) && question->flags & HA_PACKET_BACKUP)
        return ha_fail(err, HA_E_KEY_CANNOT, "only key pairs can be made for backups");
    if (type == HA_KEY_HMAC_256 && (question->op != HA_OP_GENERATE || question->flags & HA_PACKET_SHARED))
        return ha_fail(err, HA_E_KEY_CANNOT, "a key of type %s is in one token only", ha_key_type_info(type)->name);
    return HA_OK;
}

enum ha_code ha_generate_refuse_taken(struct ha_p11 *token, struct ha_session *session, const struct ha_part *id,
                                      struct ha_err *err)
{
    ha_auto(ha_handles_clear) struct ha_handles found = {0};
    CK_ATTRIBUTE any_class = {CKA_ID, (void *)(uintptr_t)id->data, id->len};
    if (ha_find_objects(token, session, &any_class, 1, &found, err))
        return err->code;
    return found.n == 0 ? HA_OK : ha_fail(err, HA_E_CONFLICT, "the token has an object with that CKA_ID already");
}

// Whether the token refuses the template. What may be a fault of the moment isn't that until it came again: a key that
// can do more than it should is worse than another try.
bool ha_generate_is_refused(CK_RV rv, unsigned runs)
{
    switch (rv) {
    case CKR_ARGUMENTS_BAD:
    case CKR_ATTRIBUTE_READ_ONLY:
    case CKR_ATTRIBUTE_TYPE_INVALID:
    case CKR_ATTRIBUTE_VALUE_INVALID:
    case CKR_CURVE_NOT_SUPPORTED:
    case CKR_DOMAIN_PARAMS_INVALID:
    case CKR_MECHANISM_PARAM_INVALID:
    case CKR_TEMPLATE_INCOMPLETE:
    case CKR_TEMPLATE_INCONSISTENT:
        return true;
    case CKR_FUNCTION_FAILED:
    case CKR_GENERAL_ERROR:
        return runs > 1;
    default:
        return false;
    }
}

enum ha_code ha_generate_pair(struct ha_p11 *token, struct ha_session *session, const struct ha_packet *question,
                              unsigned runs, struct ha_pair *ret_pair, struct ha_err *err)
{
    enum ha_key_type type = (enum ha_key_type)question->key_type;
    CK_RV rv = CKR_OK;
    for (unsigned variant = 0; variant < ha_template_variants(type); variant++) {
        struct ha_template template;
        ha_template_fill(&template, type, variant, question);
        struct ha_pair pair = {0};
        session->poisoned = true;
        rv = token->p11->C_GenerateKeyPair(session->handle, &template.mechanism, template.public_key, template.n_public,
                                           template.private_key, template.n_private, &pair.public_key,
                                           &pair.private_key);
        if (rv == CKR_OK) {
            session->poisoned = false;
            *ret_pair = pair;
            return HA_OK;
        }
        if (!ha_generate_is_refused(rv, runs))
            break;
    }
    ha_ckr_fail(err, "C_GenerateKeyPair", rv);
    if (rv == CKR_DEVICE_MEMORY)
        return ha_hint(err, "The token is full: delete keys that are no longer used.");
    return err->code;
}

enum ha_code ha_generate_check_private(struct ha_p11 *token, struct ha_session *session, CK_OBJECT_HANDLE object,
                                       bool wrapped, bool backup, struct ha_err *err)
{
    static const struct {
        CK_ATTRIBUTE_TYPE type;
        CK_BBOOL want;
        const char *name;
    } rules[] = {
        {CKA_TOKEN, CK_TRUE, "CKA_TOKEN"},
        {CKA_SENSITIVE, CK_TRUE, "CKA_SENSITIVE"},
        {CKA_EXTRACTABLE, CK_FALSE, "CKA_EXTRACTABLE"},
        {CKA_ALWAYS_SENSITIVE, CK_TRUE, "CKA_ALWAYS_SENSITIVE"},
        {CKA_NEVER_EXTRACTABLE, CK_TRUE, "CKA_NEVER_EXTRACTABLE"},
    };
    enum { EXTRACTABLE = 2, N_OF_WRAPPED, N_OF_BACKUP };  // the others are about its past
    CK_BBOOL values[HA_ARRAY_SIZE(rules)];
    CK_ATTRIBUTE attributes[HA_ARRAY_SIZE(rules)];
    for (size_t i = 0; i < HA_ARRAY_SIZE(rules); i++)
        attributes[i] = (CK_ATTRIBUTE){rules[i].type, &values[i], sizeof(values[i])};
    if (ha_find_attributes(token, session, object, attributes, HA_ARRAY_SIZE(rules), err))
        return err->code;
    size_t n = wrapped ? N_OF_WRAPPED : backup ? N_OF_BACKUP : HA_ARRAY_SIZE(rules);
    for (size_t i = 0; i < n; i++) {
        CK_BBOOL want = i == EXTRACTABLE && backup ? CK_TRUE : rules[i].want;
        if (attributes[i].ulValueLen != sizeof(values[i]) || values[i] != want)
            return ha_fail(err, HA_E_TOKEN_ERROR, "the token made a key without %s = %s", rules[i].name,
                           want ? "true" : "false");
    }
    return HA_OK;
}

static enum ha_code check_public(struct ha_p11 *token, struct ha_session *session, CK_OBJECT_HANDLE object,
                                 enum ha_key_type type, struct ha_pubkey **ret_key, struct ha_err *err)
{
    ha_auto(ha_pubkey_free) struct ha_pubkey *key = NULL;
    if (ha_public_of_object(token, session, object, &key, err))
        return err->code;
    if (ha_pubkey_type(key) != type)
        return ha_fail(err, HA_E_TOKEN_ERROR, "the token made a key of type %s instead of %s",
                       ha_key_type_info(ha_pubkey_type(key))->name, ha_key_type_info(type)->name);
    *ret_key = ha_take(&key);
    return HA_OK;
}

static enum ha_code make_and_check(struct ha_p11 *token, struct ha_session *session, struct job *job,
                                   struct ha_err *err)
{
    struct ha_pair pair;
    if (ha_generate_refuse_taken(token, session, &job->question->part[0], err) ||
        ha_generate_pair(token, session, job->question, job->runs, &pair, err))
        return err->code;
    struct ha_p11_key key = {
        .handle = pair.private_key, .generation = atomic_load(&token->generation), .type = job->type};
    // Some tokens make all their keys, or those in some places, want the PIN for each use.
    if (ha_generate_check_private(token, session, pair.private_key, false, job->question->flags & HA_PACKET_BACKUP,
                                  err) == HA_OK &&
        ha_find_flag(token, session, pair.private_key, CKA_ALWAYS_AUTHENTICATE, &key.always_authenticate, err) ==
            HA_OK &&
        check_public(token, session, pair.public_key, job->type, &job->made, err) == HA_OK) {
        key.bits = ha_pubkey_bits(job->made);
        struct ha_key_name name = {job->question->part[0].data, job->question->part[0].len,
                                   ha_pubkey_spki_sha256(job->made), false, false};
        ha_cache_put(&token->cache, &name, &key);
        ha_known_keys_put(&token->known_keys, ha_pubkey_copy(job->made));
        return HA_OK;
    }
    bool gone = token->p11->C_DestroyObject(session->handle, pair.private_key) == CKR_OK;
    gone = token->p11->C_DestroyObject(session->handle, pair.public_key) == CKR_OK && gone;
    err->rv = CKR_OK;  // not to be tried again: the next key would be no better
    return ha_wrap(err,
                   gone ? "the new key was destroyed again" : "the new key is of no use and could not be destroyed");
}

static enum ha_code make_and_check_secret(struct ha_p11 *token, struct ha_session *session, struct job *job,
                                          struct ha_err *err)
{
    const struct ha_part *id = &job->question->part[0];
    struct ha_p11_key key = {.generation = atomic_load(&token->generation), .type = job->type};
    bool kek = job->type == HA_KEY_AES_256;
    if (ha_generate_refuse_taken(token, session, id, err) ||
        (kek ? ha_kek_make : ha_hmac_make)(token, session, job->question, job->runs, &key.handle, err))
        return err->code;
    bool from_outside = job->question->part[2].len > 0;
    if (ha_generate_check_private(token, session, key.handle, from_outside, false, err) == HA_OK &&
        (kek ? ha_kek_identity : ha_hmac_identity)(token, session, key.handle, &job->made, err) == HA_OK) {
        key.bits = ha_pubkey_bits(job->made);
        struct ha_key_name name = {id->data, id->len, ha_pubkey_spki_sha256(job->made), true, kek};
        ha_cache_put(&token->cache, &name, &key);
        return HA_OK;
    }
    bool gone = token->p11->C_DestroyObject(session->handle, key.handle) == CKR_OK;
    err->rv = CKR_OK;  // as above
    return ha_wrap(err,
                   gone ? "the new key was destroyed again" : "the new key is of no use and could not be destroyed");
}

static enum ha_code run(struct ha_p11 *token, struct ha_session *session, void *context, struct ha_err *err)
{
    struct job *job = context;
    job->runs++;
    mtx_lock(&token->object_lock);
    enum ha_code code =
        (ha_key_type_is_secret(job->type) ? make_and_check_secret : make_and_check)(token, session, job, err);
    mtx_unlock(&token->object_lock);
    return code;
}

static enum ha_code check_secret(const struct ha_packet *question, struct ha_err *err)
{
    size_t n = question->part[2].len;
    if (n > 0 && question->key_type != HA_KEY_HMAC_256)
        return ha_fail(err, HA_E_MALFORMED, "only an HMAC key can be given");
    if (n > 0 && (n < HA_HMAC_KEY_MIN || n > HA_HMAC_KEY_MAX))
        return ha_fail(err, HA_E_MALFORMED, "an HMAC key has %d to %d bytes, not %zu", HA_HMAC_KEY_MIN, HA_HMAC_KEY_MAX,
                       n);
    return HA_OK;
}

enum ha_code ha_generate(struct ha_p11 *token, const struct ha_packet *question, struct ha_pubkey **ret_key,
                         struct ha_err *err)
{
    if (ha_generate_check(question, err) || check_secret(question, err))
        return err->code;
    struct job job = {.question = question, .type = (enum ha_key_type)question->key_type};
    enum ha_code code = ha_operate(token, HA_OPERATE_HELD, run, &job, err);
    if (code == HA_OK)
        *ret_key = job.made;
    return code;
}
