// SPDX-License-Identifier: Apache-2.0
// RFC 5649 vouches for the wrapped key alone. What goes with it (its name, its purposes) is under a tag: the KEK wraps
// a hash of all that, which only it can do and which comes out the same each time.
#include "token/backup.h"

#include "base/text.h"
#include "crypto/digest.h"
#include "token/find.h"
#include "token/generate.h"
#include "token/kek.h"
#include "token/object.h"
#include "token/operate.h"
#include "token/session.h"
#include "token/wrapping.h"
#include "token/p11.h"

enum { KEY_ID, KEY_SPKI, ABOUT, RECIPIENT, KEK_ID, KEK_SPKI };  // a WRAP's parts
enum { SEALED = 3 };                                            // of an UNWRAP's

#define ABOUT_LEN 32

struct job {
    const struct ha_packet *question;
    struct ha_key_name kek;
    const struct ha_pubkey *public_key;  // the recipient's; the one to be unwrapped
    unsigned runs;
    struct ha_buf *out;
};

static enum ha_code read_name(const struct ha_part *id, const struct ha_part *spki, bool kek,
                              struct ha_key_name *ret_name, struct ha_err *err)
{
    if (id->len == 0 || id->len > HA_CKA_ID_MAX || spki->len != HA_SPKI_HASH_LEN)
        return ha_fail(err, HA_E_MALFORMED, "a key is named by a CKA_ID of 1 to %d bytes and a hash of %d",
                       HA_CKA_ID_MAX, HA_SPKI_HASH_LEN);
    *ret_name = (struct ha_key_name){id->data, id->len, spki->data, kek, kek};
    return HA_OK;
}

static enum ha_code make_tag(struct ha_p11 *token, struct ha_session *session, CK_OBJECT_HANDLE kek,
                             const struct ha_part *about, const struct ha_part *wrapped, struct ha_buf *tag,
                             struct ha_err *err)
{
    static const char text[] = "hsm-agent: a backup of a key";
    uint8_t value[HA_DIGEST_MAX];
    ha_auto(ha_buf_clear) struct ha_buf all = {0};
    ha_buf_append(&all, text, sizeof(text));
    ha_buf_append(&all, about->data, about->len);
    ha_buf_append(&all, wrapped->data, wrapped->len);
    if (!ha_buf_ok(&all))
        return ha_fail(err, HA_E_MEMORY, "out of memory for a wrapped key");
    if (ha_digest(HA_HASH_SHA256, all.data, all.len, value, err))
        return err->code;
    return ha_kek_tag(token, session, kek, value, tag, err);
}

// --- Out

static enum ha_code find_key(struct ha_p11 *token, struct ha_session *session, const struct job *job,
                             struct ha_p11_key *ret_key, struct ha_err *err)
{
    struct ha_key_name name;
    bool extractable;
    if (read_name(&job->question->part[KEY_ID], &job->question->part[KEY_SPKI], false, &name, err) ||
        ha_object_find(token, session, &name, ret_key, err) ||
        ha_find_flag(token, session, ret_key->handle, CKA_EXTRACTABLE, &extractable, err))
        return err->code;
    if (extractable)
        return HA_OK;
    ha_fail(err, HA_E_KEY_CANNOT, "the key can't leave the token: it wasn't made for backups");
    return ha_hint(err, "Only a key that was made with --backup can; make a new one, and let this one retire.");
}

static enum ha_code wrap_for_kek(struct ha_p11 *token, struct ha_session *session, const struct job *job,
                                 CK_OBJECT_HANDLE key, struct ha_err *err)
{
    struct ha_p11_key kek;
    enum ha_wrap how = HA_WRAP_KWP;
    ha_auto(ha_buf_clear) struct ha_buf wrapped = {0};
    if (ha_object_find(token, session, &job->kek, &kek, err))
        return ha_wrap(err, "the key encryption key");
    if (ha_kek_way(token, &how, err) || ha_wrapping_wrap(token, session, how, kek.handle, key, &wrapped, err) ||
        make_tag(token, session, kek.handle, &job->question->part[ABOUT], &(struct ha_part){wrapped.data, wrapped.len},
                 job->out, err))
        return err->code;
    ha_buf_append(job->out, wrapped.data, wrapped.len);
    return HA_OK;
}

static enum ha_code wrap_for_recipient(struct ha_p11 *token, struct ha_session *session, const struct job *job,
                                       CK_OBJECT_HANDLE private_key, struct ha_err *err)
{
    CK_OBJECT_HANDLE key = CK_INVALID_HANDLE;
    enum ha_wrap how = (enum ha_wrap)job->question->alg;
    enum ha_code code = ha_wrapping_new_key(token, session, &key, err);
    if (code == HA_OK)
        code = ha_wrapping_seal(token, session, job->public_key, key, job->out, err);
    if (code == HA_OK)
        code = ha_wrapping_wrap(token, session, how, key, private_key, job->out, err);
    ha_wrapping_drop(token, session, key);
    return code;
}

static enum ha_code wrap(struct ha_p11 *token, struct ha_session *session, const struct job *job, struct ha_err *err)
{
    struct ha_p11_key key;
    if (find_key(token, session, job, &key, err))
        return err->code;
    return (job->public_key ? wrap_for_recipient : wrap_for_kek)(token, session, job, key.handle, err);
}

static enum ha_code run_wrap(struct ha_p11 *token, struct ha_session *session, void *context, struct ha_err *err)
{
    const struct job *job = context;
    mtx_lock(&token->object_lock);
    enum ha_code code = wrap(token, session, job, err);
    mtx_unlock(&token->object_lock);
    if (code)
        ha_buf_reset(job->out);
    else if (!ha_buf_ok(job->out))
        code = ha_fail(err, HA_E_MEMORY, "out of memory for a wrapped key");
    return code;
}

enum ha_code ha_backup_wrap(struct ha_p11 *token, const struct ha_packet *question, struct ha_buf *out,
                            struct ha_err *err)
{
    ha_auto(ha_pubkey_free) struct ha_pubkey *recipient = NULL;
    struct job job = {.question = question, .out = out};
    const struct ha_part *spki = &question->part[RECIPIENT];
    if (spki->len == 0) {
        if (question->part[ABOUT].len != ABOUT_LEN)
            return ha_fail(err, HA_E_MALFORMED, "what goes with a wrapped key has %d bytes", ABOUT_LEN);
        if (read_name(&question->part[KEK_ID], &question->part[KEK_SPKI], true, &job.kek, err))
            return err->code;
        return ha_operate(token, HA_OPERATE_HELD, run_wrap, &job, err);
    }
    if (token->wrapping.out_lacks)
        return ha_fail(err, HA_E_KEY_CANNOT, "the token can't wrap a key for others: it lacks %s",
                       token->wrapping.out_lacks);
    if (question->alg >= HA_WRAP_COUNT || !(token->wrapping.out & 1u << question->alg))
        return ha_fail(err, HA_E_KEY_CANNOT, "the token can't wrap keys in that way");
    if (ha_pubkey_from_spki(spki->data, spki->len, &recipient, err))
        return err->code;
    if (ha_key_type_info(ha_pubkey_type(recipient))->family != HA_FAMILY_RSA)
        return ha_fail(err, HA_E_MALFORMED, "a wrapping key isn't one of RSA");
    job.public_key = recipient;
    return ha_operate(token, HA_OPERATE_HELD, run_wrap, &job, err);
}

// --- And back

static enum ha_code check_tag(struct ha_p11 *token, struct ha_session *session, CK_OBJECT_HANDLE kek,
                              const struct ha_part *sealed, struct ha_part *ret_wrapped, struct ha_err *err)
{
    const uint8_t *at = sealed->data;
    const struct ha_part about = {at, ABOUT_LEN};
    const struct ha_part wrapped = {at + ABOUT_LEN + HA_BACKUP_TAG_LEN, sealed->len - ABOUT_LEN - HA_BACKUP_TAG_LEN};
    ha_auto(ha_buf_clear) struct ha_buf tag = {0};
    if (make_tag(token, session, kek, &about, &wrapped, &tag, err))
        return err->code;
    if (!ha_equal_ct(tag.data, at + ABOUT_LEN, HA_BACKUP_TAG_LEN)) {
        ha_fail(err, HA_E_MALFORMED, "the backup was altered, or isn't of this key encryption key");
        return ha_hint(err, "Take the backup from where it was kept safe.");
    }
    *ret_wrapped = wrapped;
    return HA_OK;
}

static enum ha_code unwrap(struct ha_p11 *token, struct ha_session *session, const struct job *job, struct ha_err *err)
{
    struct ha_p11_key kek;
    struct ha_packet question = *job->question;
    struct ha_wrapping_job unwrap = {.question = &question, .runs = job->runs, .public_key = job->public_key};
    enum ha_wrap how = HA_WRAP_KWP;
    if (ha_generate_refuse_taken(token, session, &question.part[0], err))
        return err->code;
    if (ha_object_find(token, session, &job->kek, &kek, err))
        return ha_wrap(err, "the key encryption key");
    if (ha_kek_way(token, &how, err) ||
        check_tag(token, session, kek.handle, &question.part[SEALED], &unwrap.wrapped, err))
        return err->code;
    question.alg = how;
    unwrap.key = kek.handle;
    return ha_wrapping_unwrap(token, session, &unwrap, err);
}

static enum ha_code run_unwrap(struct ha_p11 *token, struct ha_session *session, void *context, struct ha_err *err)
{
    struct job *job = context;
    job->runs++;
    mtx_lock(&token->object_lock);
    enum ha_code code = unwrap(token, session, job, err);
    mtx_unlock(&token->object_lock);
    return code;
}

enum ha_code ha_backup_unwrap(struct ha_p11 *token, const struct ha_packet *question, struct ha_err *err)
{
    ha_auto(ha_pubkey_free) struct ha_pubkey *public_key = NULL;
    struct job job = {.question = question};
    if (ha_generate_check(question, err) ||
        ha_pubkey_from_spki(question->part[2].data, question->part[2].len, &public_key, err) ||
        read_name(&question->part[KEK_ID], &question->part[KEK_SPKI], true, &job.kek, err))
        return err->code;
    if (question->part[SEALED].len <= ABOUT_LEN + HA_BACKUP_TAG_LEN ||
        (uint32_t)ha_pubkey_type(public_key) != question->key_type)
        return ha_fail(err, HA_E_MALFORMED, "that isn't a key that this token can unwrap");
    job.public_key = public_key;
    return ha_operate(token, HA_OPERATE_HELD, run_unwrap, &job, err);
}
