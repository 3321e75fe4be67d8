// SPDX-License-Identifier: Apache-2.0
#include "format/jwe_header.h"

#include "base/text.h"

#include <string.h>
#include <strings.h>

#define ENCODED_MAX (HA_JOSE_HEADER_MAX / 3 * 4 + 4)  // characters of the header's base64url

enum ha_code ha_jwe_header_protected(struct ha_jwe *job, struct ha_json_text text, struct ha_err *err)
{
    if (text.n > ENCODED_MAX)
        return ha_fail(err, HA_E_TOO_LARGE, "the protected header has more than %d bytes", HA_JOSE_HEADER_MAX);
    if (!text.n) {
        ha_buf_puts(&job->header, "{}");
        return ha_buf_ok(&job->header) ? HA_OK : ha_fail(err, HA_E_MEMORY, "no memory for a header");
    }
    if (ha_b64u_decode(&job->header, text.data, text.n, err) ||
        ha_json_parse(ha_buf_text(&job->header), job->header.len, HA_JOSE_DEPTH_MAX, &job->protected_header, err))
        return ha_wrap(err, "the protected header");
    if (ha_json_type(job->protected_header) != HA_JSON_OBJECT)
        return ha_fail(err, HA_E_MALFORMED, "the protected header is no JSON object");
    return HA_OK;
}

const ha_json *ha_jwe_header_get(const struct ha_jwe *job, const char *name)
{
    for (size_t i = 0; i < HA_ARRAY_SIZE(job->parts); i++) {
        const ha_json *member = job->parts[i] ? ha_json_get(job->parts[i], name) : NULL;
        if (member)
            return member;
    }
    return NULL;
}

const char *ha_jwe_header_string(const struct ha_jwe *job, const char *name)
{
    const ha_json *member = ha_jwe_header_get(job, name);
    return member ? ha_json_string(member) : NULL;
}

bool ha_jwe_permits(const struct ha_jose_list *list, const char *name)
{
    for (size_t i = 0; i < list->n; i++)
        if (strcmp(list->items[i], name) == 0)
            return true;
    return list->n == 0;
}

// No member twice, in whichever of the headers (RFC 7516 section 7.2.1).
static enum ha_code check_disjoint(const struct ha_jwe *job, struct ha_err *err)
{
    for (size_t i = 0; i < HA_ARRAY_SIZE(job->parts); i++) {
        for (size_t k = i + 1; k < HA_ARRAY_SIZE(job->parts); k++) {
            if (!job->parts[i] || !job->parts[k])
                continue;
            for (const ha_json *member = ha_json_first(job->parts[k]); member; member = ha_json_next(member))
                if (ha_json_get(job->parts[i], ha_json_name(member)))
                    return ha_fail(err, HA_E_MALFORMED, "the header has \"%.40s\" twice", ha_json_name(member));
        }
    }
    return HA_OK;
}

static enum ha_code check_strings(const struct ha_jwe *job, struct ha_err *err)
{
    static const char *const names[] = {"alg", "enc", "kid", "typ", "cty", "apu", "apv"};
    for (size_t i = 0; i < HA_ARRAY_SIZE(names); i++) {
        const ha_json *member = ha_jwe_header_get(job, names[i]);
        if (member && !ha_json_string(member))
            return ha_fail(err, HA_E_MALFORMED, "the header's \"%s\" isn't a string", names[i]);
    }
    return HA_OK;
}

static enum ha_code check_extensions(const struct ha_jwe *job, struct ha_err *err)
{
    const ha_json *crit = ha_jwe_header_get(job, "crit");
    if (crit) {
        const ha_json *first = ha_json_type(crit) == HA_JSON_ARRAY ? ha_json_first(crit) : NULL;
        const char *name = first ? ha_json_string(first) : NULL;
        if (!name)
            return ha_fail(err, HA_E_MALFORMED, "the header's \"crit\" isn't a list of names");
        ha_fail(err, HA_E_KEY_CANNOT, "the header says that \"%.40s\" has to be understood, which it isn't", name);
        return ha_hint(err, "no extension of JWE is known here; the sender has to leave \"crit\" out");
    }
    if (ha_jwe_header_get(job, "zip")) {
        ha_fail(err, HA_E_KEY_CANNOT, "the content is compressed (\"zip\")");
        return ha_hint(err, "compression makes the length tell of the content; the sender has to leave it out");
    }
    return HA_OK;
}

// Why an algorithm that JOSE knows isn't spoken here.
static const char *why_not(const char *name)
{
    if (strcmp(name, "RSA1_5") == 0)
        return "its padding tells an attacker too much; the sender should use RSA-OAEP-256";
    if (strcmp(name, "dir") == 0 || strncmp(name, "A1", 2) == 0 || strncmp(name, "A2", 2) == 0 ||
        strncmp(name, "PBES2", 5) == 0)
        return "it takes a shared secret or a password, which a key pair is not";
    return "RSA-OAEP, RSA-OAEP-256, ECDH-ES and ECDH-ES+A128KW, +A192KW, +A256KW are known";
}

static enum ha_code check_alg(struct ha_jwe *job, const struct ha_jwe_profile *profile, const struct ha_jwe_key *key,
                              struct ha_err *err)
{
    const char *name = ha_jwe_header_string(job, "alg");
    if (!name)
        return ha_fail(err, HA_E_MALFORMED, "the header has no \"alg\"");
    job->jwe_alg = ha_jwe_alg_by_name(name);
    if (!job->jwe_alg) {
        ha_fail(err, HA_E_KEY_CANNOT, "the header's \"alg\" is \"%.40s\", which isn't taken", name);
        return ha_hint(err, "%s", why_not(name));
    }
    if (!ha_jwe_permits(&profile->algs, name))
        return ha_fail(err, HA_E_KEY_CANNOT, "the header's \"alg\" is %s, which the profile doesn't permit", name);
    enum ha_key_type type = ha_pubkey_type(key->key);
    if (!ha_jwe_alg_fits(job->jwe_alg, type))
        return ha_fail(err, HA_E_KEY_CANNOT, "the header's \"alg\" is %s, and the key is of type %s", name,
                       ha_key_type_info(type)->name);
    job->alg = ha_jwe_alg_info(job->jwe_alg)->alg;
    return HA_OK;
}

static enum ha_code check_enc(struct ha_jwe *job, const struct ha_jwe_profile *profile, struct ha_err *err)
{
    const char *name = ha_jwe_header_string(job, "enc");
    if (!name)
        return ha_fail(err, HA_E_MALFORMED, "the header has no \"enc\"");
    job->enc = ha_aead_by_name(name);
    if (!job->enc) {
        ha_fail(err, HA_E_KEY_CANNOT, "the header's \"enc\" is \"%.40s\", which isn't known", name);
        return ha_hint(err, "A128GCM, A192GCM, A256GCM, A128CBC-HS256, A192CBC-HS384 and A256CBC-HS512 are known");
    }
    if (!ha_jwe_permits(&profile->encs, name))
        return ha_fail(err, HA_E_KEY_CANNOT, "the header's \"enc\" is %s, which the profile doesn't permit", name);
    return HA_OK;
}

static enum ha_code check_kid(struct ha_jwe *job, const struct ha_jwe_profile *profile, const struct ha_jwe_key *key,
                              struct ha_err *err)
{
    job->kid = ha_jwe_header_string(job, "kid");
    if (!job->kid && profile->kid_required)
        return ha_fail(err, HA_E_MALFORMED, "the header has no \"kid\", which the profile requires");
    if (!job->kid || !key->kid || strcmp(job->kid, key->kid) == 0)
        return HA_OK;
    ha_fail(err, HA_E_KEY_CANNOT, "the message is for the key with the kid \"%.90s\", this one's is \"%.90s\"",
            job->kid, key->kid);
    return ha_hint(err,
                   "ask the key that has this kid, perhaps one that was in use before; GET /v1/jwks shows the kids");
}

// Types are compared without case, and "application/" may be left out (RFC 7515 section 4.1.10).
static bool same_type(const char *a, const char *b)
{
    static const char prefix[] = "application/";
    size_t n = sizeof(prefix) - 1;
    return strcasecmp(strncasecmp(a, prefix, n) == 0 ? a + n : a, strncasecmp(b, prefix, n) == 0 ? b + n : b) == 0;
}

static enum ha_code check_cty(struct ha_jwe *job, const struct ha_jwe_profile *profile, struct ha_err *err)
{
    job->cty = ha_jwe_header_string(job, "cty");
    if (!profile->cty || (job->cty && same_type(job->cty, profile->cty)))
        return HA_OK;
    return ha_fail(err, HA_E_MALFORMED, "the header's \"cty\" has to be \"%s\" by the profile", profile->cty);
}

static enum ha_code read_party(const struct ha_jwe *job, const char *name, struct ha_buf *into, struct ha_err *err)
{
    const char *text = ha_jwe_header_string(job, name);
    if (text && ha_b64u_decode(into, text, strlen(text), err))
        return ha_wrap(err, "the header's \"%s\"", name);
    return HA_OK;
}

// The sender's key for once. That it is on the curve is seen when it is read: a point elsewhere would make the token
// give away its key bit by bit.
static enum ha_code read_agreement(struct ha_jwe *job, const struct ha_jwe_key *key, struct ha_err *err)
{
    const ha_json *epk = ha_jwe_header_get(job, "epk");
    if (!epk)
        return ha_fail(err, HA_E_MALFORMED, "the header has no \"epk\"");
    if (ha_pubkey_from_jwk(epk, &job->epk, err)) {
        ha_at(err, "%s", "");
        return ha_wrap(err, "the header's \"epk\"");
    }
    if (ha_pubkey_type(job->epk) != ha_pubkey_type(key->key))
        return ha_fail(err, HA_E_KEY_CANNOT, "the header's \"epk\" is of type %s, and the key of type %s",
                       ha_key_type_info(ha_pubkey_type(job->epk))->name,
                       ha_key_type_info(ha_pubkey_type(key->key))->name);
    return read_party(job, "apu", &job->apu, err) ? err->code : read_party(job, "apv", &job->apv, err);
}

enum ha_code ha_jwe_header_check(struct ha_jwe *job, const struct ha_jwe_profile *profile, const struct ha_jwe_key *key,
                                 struct ha_err *err)
{
    if (check_disjoint(job, err) || check_strings(job, err) || check_extensions(job, err) ||
        check_kid(job, profile, key, err) || check_alg(job, profile, key, err) || check_enc(job, profile, err) ||
        check_cty(job, profile, err))
        return err->code;
    return job->alg == HA_ALG_ECDH ? read_agreement(job, key, err) : HA_OK;
}
