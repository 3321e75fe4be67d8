// SPDX-License-Identifier: Apache-2.0
// POST /v1/jwe-encrypt: encrypting to somebody's public key, which takes no key of ours.
#include "api/jwe_common.h"
#include "api/members.h"
#include "base/text.h"
#include "format/jwe_encrypt.h"
#include "format/jwk.h"

#include <stddef.h>
#include <string.h>

struct encrypt_request {
    const char *profile, *algorithm, *encryption, *plaintext_text;
    const ha_json *recipient, *header, *claims, *sign;
    struct ha_member_bytes plaintext;
    struct ha_jwk jwk;  // the recipient's
    struct ha_buf kid;
};

static const struct ha_member encrypt_members[] = {
    {"profile", HA_MEMBER_STRING, false, offsetof(struct encrypt_request, profile)},
    {"recipient", HA_MEMBER_ANY, true, offsetof(struct encrypt_request, recipient)},
    {"algorithm", HA_MEMBER_STRING, false, offsetof(struct encrypt_request, algorithm)},
    {"encryption", HA_MEMBER_STRING, false, offsetof(struct encrypt_request, encryption)},
    {"plaintext", HA_MEMBER_BYTES, false, offsetof(struct encrypt_request, plaintext)},
    {"plaintext_text", HA_MEMBER_STRING, false, offsetof(struct encrypt_request, plaintext_text)},
    {"header", HA_MEMBER_OBJECT, false, offsetof(struct encrypt_request, header)},
    {"claims", HA_MEMBER_OBJECT, false, offsetof(struct encrypt_request, claims)},
    {"sign", HA_MEMBER_OBJECT, false, offsetof(struct encrypt_request, sign)},
    {0},
};

static void encrypt_request_clear(struct encrypt_request *request)
{
    ha_buf_clear(&request->plaintext.buf);
    ha_jwk_clear(&request->jwk);
    ha_buf_clear(&request->kid);
}
HA_AUTO_DEFINE_CLEAR(struct encrypt_request, encrypt_request_clear)

// The key says its algorithm, or the caller; not both, unless they agree.
static enum ha_code read_algs(const struct encrypt_request *request, struct ha_jwe_encryption *encryption,
                              struct ha_err *err)
{
    const char *alg = request->algorithm ? request->algorithm : request->jwk.alg;
    if (alg && request->jwk.alg && strcmp(alg, request->jwk.alg) != 0) {
        ha_fail(err, HA_E_KEY_CANNOT, "the recipient's key is for %.40s only", request->jwk.alg);
        return ha_at(err, "/algorithm");
    }
    encryption->alg = alg ? ha_jwe_alg_by_name(alg) : HA_JWE_ALG_NONE;
    if (alg && !encryption->alg) {
        ha_fail(err, HA_E_KEY_CANNOT, "\"%.40s\" isn't an algorithm that keys are encrypted with here", alg);
        ha_hint(err, "RSA-OAEP-256, RSA-OAEP, ECDH-ES and ECDH-ES+A128KW, +A192KW, +A256KW are known");
        return ha_at(err, request->algorithm ? "/algorithm" : "/recipient/alg");
    }
    encryption->enc = request->encryption ? ha_aead_by_name(request->encryption) : HA_AEAD_NONE;
    if (request->encryption && !encryption->enc) {
        ha_fail(err, HA_E_MALFORMED, "\"%.40s\" isn't an algorithm that content is encrypted with",
                request->encryption);
        ha_hint(err, "A128GCM, A192GCM, A256GCM, A128CBC-HS256, A192CBC-HS384 and A256CBC-HS512 are known");
        return ha_at(err, "/encryption");
    }
    return HA_OK;
}

static enum ha_code read_plaintext(struct encrypt_request *request, struct ha_err *err)
{
    if (request->plaintext.present + !!request->plaintext_text + !!request->claims != 1) {
        ha_fail(err, HA_E_MALFORMED,
                "what is encrypted is \"plaintext\", \"plaintext_text\" or \"claims\", one of them");
        return ha_at(err, "/plaintext");
    }
    if (request->claims && !request->sign) {
        ha_fail(err, HA_E_MALFORMED, "\"claims\" are those of a JWT, which has to be signed");
        ha_hint(err, "say \"sign\" with the key that signs it");
        return ha_at(err, "/sign");
    }
    if (request->plaintext_text)
        ha_buf_puts(&request->plaintext.buf, request->plaintext_text);
    return ha_buf_ok(&request->plaintext.buf) ? HA_OK : ha_fail(err, HA_E_MEMORY, "no memory for a plaintext");
}

// Signs what is to be encrypted, if that is asked for, which then takes its place.
static enum ha_code sign_plaintext(const struct ha_call_context *call, const struct ha_jwe_profile *options,
                                   struct encrypt_request *request, struct ha_err *err)
{
    ha_auto(ha_buf_clear) struct ha_buf message = {0};
    struct ha_json_text claims = {0};
    if (options->nested && !request->sign) {
        ha_fail(err, HA_E_MALFORMED, "the profile wants what is encrypted to be signed before");
        return ha_at(err, "/sign");
    }
    if (!request->sign)
        return HA_OK;
    if (request->claims)
        claims = ha_jwe_member_text(call, "claims");
    if (ha_jwe_sign_inner(call, request->sign, claims, &request->plaintext.buf, &message, err))
        return err->code;
    ha_buf_reset(&request->plaintext.buf);
    ha_buf_append(&request->plaintext.buf, message.data, message.len);
    return ha_buf_ok(&request->plaintext.buf) ? HA_OK : ha_fail(err, HA_E_MEMORY, "no memory for a plaintext");
}

enum ha_code ha_handle_jwe_encrypt(struct ha_call_context *call, struct ha_err *err)
{
    ha_auto(encrypt_request_clear) struct encrypt_request request = {0};
    ha_auto(ha_buf_clear) struct ha_buf message = {0};
    const struct ha_profile *profile;
    struct ha_jwe_encryption encryption = {0};
    if (ha_call_any_client(call, err))
        return err->code;
    if (ha_jwe_says(call, "fields"))
        return ha_handle_fields_encrypt(call, err);
    if (ha_members_read(call->body, encrypt_members, "", &request, err) ||
        ha_jwe_profile_of(call, request.profile, &profile, &encryption.profile, err) ||
        ha_jwe_recipient(request.recipient, encryption.profile->kid, &request.jwk, &request.kid, err) ||
        read_algs(&request, &encryption, err) || read_plaintext(&request, err))
        return err->code;
    if (sign_plaintext(call, encryption.profile, &request, err))
        return err->code;
    encryption.recipient = request.jwk.key;
    encryption.kid = request.kid.len ? ha_buf_text(&request.kid) : NULL;
    if (request.header)
        encryption.header = ha_jwe_member_text(call, "header");
    if (ha_jwe_encrypt(&encryption, request.plaintext.buf.data, request.plaintext.buf.len, &message, err))
        return err->code;
    ha_jw_object(call->out, NULL);
    ha_jw_string(call->out, "jwe", ha_buf_text(&message));
    ha_jw_object_end(call->out);
    return HA_OK;
}
