// SPDX-License-Identifier: Apache-2.0
#include "format/jwe_encrypt.h"

#include "base/text.h"
#include "format/jwe_header.h"
#include "format/jwe_key.h"

#include <openssl/rand.h>
#include <string.h>

// What is being made.
struct making {
    const struct ha_jwe_encryption *wanted;
    enum ha_jwe_alg alg;
    enum ha_aead enc;
    ha_json *header;  // the caller's; NULL: none
    struct ha_buf apu, apv;
    struct ha_jwe_sealed sealed;
};

static void making_clear(struct making *making)
{
    ha_json_free(making->header);
    ha_buf_clear(&making->apu);
    ha_buf_clear(&making->apv);
    ha_jwe_sealed_clear(&making->sealed);
}
HA_AUTO_DEFINE_CLEAR(struct making, making_clear)

// --- The algorithms

// The first of the profile's that fits the recipient's key.
static enum ha_jwe_alg default_alg(const struct ha_jwe_profile *profile, enum ha_key_type type)
{
    for (size_t i = 0; i < profile->algs.n; i++) {
        enum ha_jwe_alg alg = ha_jwe_alg_by_name(profile->algs.items[i]);
        if (alg && ha_jwe_alg_fits(alg, type))
            return alg;
    }
    return ha_jwe_alg_fits(HA_JWE_RSA_OAEP_256, type) ? HA_JWE_RSA_OAEP_256 : HA_JWE_ECDH_ES_A256KW;
}

static enum ha_code choose_alg(struct making *making, struct ha_err *err)
{
    const struct ha_jwe_encryption *wanted = making->wanted;
    enum ha_key_type type = ha_pubkey_type(wanted->recipient);
    making->alg = wanted->alg ? wanted->alg : default_alg(wanted->profile, type);
    const char *name = ha_jwe_alg_info(making->alg)->name;
    if (!ha_jwe_alg_fits(making->alg, type)) {
        ha_fail(err, HA_E_KEY_CANNOT, "%s doesn't work with the recipient's key, which is of type %s", name,
                ha_key_type_info(type)->name);
        return ha_at(err, "/algorithm");
    }
    if (!ha_jwe_permits(&wanted->profile->algs, name)) {
        ha_fail(err, HA_E_FORBIDDEN, "the profile doesn't permit %s", name);
        return ha_at(err, "/algorithm");
    }
    return HA_OK;
}

static enum ha_code choose_enc(struct making *making, struct ha_err *err)
{
    const struct ha_jose_list *encs = &making->wanted->profile->encs;
    making->enc = making->wanted->enc;
    for (size_t i = 0; i < encs->n && !making->enc; i++)
        making->enc = ha_aead_by_name(encs->items[i]);
    if (!making->enc)
        making->enc = HA_AEAD_A256GCM;
    if (ha_jwe_permits(encs, ha_aead_info(making->enc)->name))
        return HA_OK;
    ha_fail(err, HA_E_FORBIDDEN, "the profile doesn't permit %s", ha_aead_info(making->enc)->name);
    return ha_at(err, "/encryption");
}

// --- The header

static bool is_one_of(const char *name, const char *const *names, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(name, names[i]) == 0)
            return true;
    return false;
}

// Members that come about here, or that would promise what isn't done.
static bool is_ours(const char *name)
{
    static const char *const names[] = {"alg", "enc", "epk", "zip", "crit", "iv", "tag", "p2s", "p2c", "b64"};
    return is_one_of(name, names, HA_ARRAY_SIZE(names));
}

static bool is_text(const char *name)
{
    static const char *const names[] = {"kid", "typ", "cty", "apu", "apv"};
    return is_one_of(name, names, HA_ARRAY_SIZE(names));
}

static enum ha_code check_member(const ha_json *member, struct ha_err *err)
{
    const char *name = ha_json_name(member);
    if (is_ours(name))
        ha_fail(err, HA_E_MALFORMED, "\"%s\" isn't the caller's to say", name);
    else if (is_text(name) && !ha_json_string(member))
        ha_fail(err, HA_E_MALFORMED, "the header's \"%s\" isn't a string", name);
    else
        return HA_OK;
    return ha_at(err, "/header/%.40s", name);
}

static const char *said(const struct making *making, const char *name)
{
    return making->header ? ha_json_get_string(making->header, name) : NULL;
}

static enum ha_code read_party(const struct making *making, const char *name, struct ha_buf *into, struct ha_err *err)
{
    const char *text = said(making, name);
    if (!text || ha_b64u_decode(into, text, strlen(text), err) == HA_OK)
        return HA_OK;
    return ha_at(err, "/header/%s", name);
}

static enum ha_code read_header(struct making *making, struct ha_err *err)
{
    struct ha_json_text text = making->wanted->header;
    if (!text.data)
        return HA_OK;
    if (text.n > HA_JOSE_HEADER_MAX) {
        ha_fail(err, HA_E_TOO_LARGE, "a header has %d bytes at most", HA_JOSE_HEADER_MAX);
        return ha_at(err, "/header");
    }
    if (ha_json_parse(text.data, text.n, HA_JOSE_DEPTH_MAX, &making->header, err))
        return ha_at(err, "/header");
    if (ha_json_type(making->header) != HA_JSON_OBJECT) {
        ha_fail(err, HA_E_MALFORMED, "the header is no JSON object");
        return ha_at(err, "/header");
    }
    for (const ha_json *member = ha_json_first(making->header); member; member = ha_json_next(member))
        if (check_member(member, err))
            return err->code;
    if (read_party(making, "apu", &making->apu, err))
        return err->code;
    return read_party(making, "apv", &making->apv, err);
}

// typ and cty are the caller's, unless the profile says something.
static enum ha_code write_type(const struct making *making, const char *name, const char *pinned, struct ha_buf *out,
                               struct ha_err *err)
{
    const char *text = said(making, name);
    if (text && pinned && strcmp(text, pinned) != 0) {
        ha_fail(err, HA_E_FORBIDDEN, "the header's \"%s\" is \"%s\" by the profile", name, pinned);
        return ha_at(err, "/header/%s", name);
    }
    if (text || pinned)
        ha_jw_string(out, name, text ? text : pinned);
    return HA_OK;
}

static void write_others(const struct making *making, struct ha_buf *out)
{
    struct ha_json_walk walk;
    struct ha_json_text value;
    if (!making->header)
        return;
    ha_json_walk_begin(&walk, making->wanted->header);
    for (const ha_json *member = ha_json_first(making->header); member && ha_json_walk_next(&walk, &value);
         member = ha_json_next(member)) {
        const char *name = ha_json_name(member);
        if (strcmp(name, "kid") == 0 || strcmp(name, "typ") == 0 || strcmp(name, "cty") == 0)
            continue;
        ha_buf_putc(out, ',');
        ha_jw_quoted(out, name);
        ha_buf_putc(out, ':');
        ha_json_text_compact(out, value);
    }
}

static enum ha_code write_header(const struct making *making, struct ha_buf *out, struct ha_err *err)
{
    const struct ha_jwe_profile *profile = making->wanted->profile;
    const char *kid = said(making, "kid") ? said(making, "kid") : making->wanted->kid;
    if (!kid && profile->kid_required) {
        ha_fail(err, HA_E_MALFORMED, "the profile wants a kid, and the recipient's key comes without one");
        return ha_at(err, "/header/kid");
    }
    ha_jw_object(out, NULL);
    ha_jw_string(out, "alg", ha_jwe_alg_info(making->alg)->name);
    ha_jw_string(out, "enc", ha_aead_info(making->enc)->name);
    if (kid)
        ha_jw_string(out, "kid", kid);
    if (write_type(making, "typ", profile->typ, out, err) || write_type(making, "cty", profile->cty, out, err))
        return err->code;
    if (making->sealed.epk) {
        ha_jw_object(out, "epk");
        ha_pubkey_to_jwk(making->sealed.epk, out);
        ha_jw_object_end(out);
    }
    write_others(making, out);
    ha_jw_object_end(out);
    return HA_OK;
}

// --- The message

static void put_part(struct ha_buf *out, const void *bytes, size_t n)
{
    ha_buf_putc(out, '.');
    ha_b64u_encode(out, bytes, n);
}

enum ha_code ha_jwe_encrypt(const struct ha_jwe_encryption *encryption, const void *plaintext, size_t n,
                            struct ha_buf *out, struct ha_err *err)
{
    ha_auto(making_clear) struct making making = {.wanted = encryption};
    ha_auto(ha_buf_clear) struct ha_buf header = {0};
    ha_auto(ha_buf_clear) struct ha_buf message = {0};
    ha_auto(ha_buf_clear) struct ha_buf ciphertext = {0};
    uint8_t iv[HA_AEAD_IV_MAX], tag[HA_AEAD_TAG_MAX];
    if (choose_alg(&making, err) || choose_enc(&making, err) || read_header(&making, err) ||
        ha_jwe_key_seal(making.alg, making.enc, encryption->recipient, &making.apu, &making.apv, &making.sealed, err) ||
        write_header(&making, &header, err))
        return err->code;
    const struct ha_aead_info *enc = ha_aead_info(making.enc);
    if (RAND_bytes(iv, (int)enc->iv_len) != 1)
        return ha_fail(err, HA_E_INTERNAL, "no random bytes");
    ha_b64u_encode(&message, header.data, header.len);
    const struct ha_aead_use use = {making.enc, making.sealed.cek.data, iv, enc->iv_len, message.data, message.len};
    if (ha_aead_seal(&use, plaintext, n, &ciphertext, tag, err))
        return err->code;
    put_part(&message, making.sealed.encrypted_key.data, making.sealed.encrypted_key.len);
    put_part(&message, iv, enc->iv_len);
    put_part(&message, ciphertext.data, ciphertext.len);
    put_part(&message, tag, enc->tag_len);
    if (!ha_buf_ok(&header) || !ha_buf_ok(&message))
        return ha_fail(err, HA_E_MEMORY, "no memory for a JWE");
    if (message.len > HA_JOSE_TEXT_MAX)
        return ha_fail(err, HA_E_TOO_LARGE, "a JWE has %d bytes at most", HA_JOSE_TEXT_MAX);
    ha_buf_append(out, message.data, message.len);
    return ha_buf_ok(out) ? HA_OK : ha_fail(err, HA_E_MEMORY, "no memory for a JWE");
}
