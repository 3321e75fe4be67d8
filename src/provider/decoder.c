// SPDX-License-Identifier: Apache-2.0
// Decoders of key references: from PEM to DER, and from DER to a key object.
//
// A decoder returns 1 also for what isn't its own, so that the others get their turn.

#include "provider/complain.h"
#include "provider/pkey.h"
#include "provider/reference.h"

#include "base/buf.h"

#include <openssl/bio.h>
#include <openssl/core_names.h>
#include <openssl/core_object.h>
#include <openssl/err.h>
#include <openssl/params.h>
#include <openssl/pem.h>
#include <string.h>

static void *new_context(void *provider)
{
    return provider;
}

static void free_context(void *context)
{
}

static int decode_pem(void *context, OSSL_CORE_BIO *core_bio, int selection, OSSL_CALLBACK *callback, void *argument,
                      OSSL_PASSPHRASE_CALLBACK *passphrase, void *passphrase_argument)
{
    const struct ha_provider *provider = context;
    char *label = NULL, *header = NULL;
    unsigned char *der = NULL;
    long n = 0;
    BIO *bio = BIO_new_from_core_bio(provider->libctx, core_bio);
    if (!bio)
        return 0;
    // Not finding any PEM is no failure: the bytes may be another decoder's.
    ERR_set_mark();
    int found = PEM_read_bio(bio, &label, &header, &der, &n);
    ERR_pop_to_mark();
    BIO_free(bio);
    int done = 1;
    if (found && strcmp(label, HA_REFERENCE_LABEL) == 0) {
        int type = OSSL_OBJECT_PKEY;
        OSSL_PARAM params[] = {
            OSSL_PARAM_int(OSSL_OBJECT_PARAM_TYPE, &type),
            OSSL_PARAM_octet_string(OSSL_OBJECT_PARAM_DATA, der, (size_t)n),
            OSSL_PARAM_construct_utf8_string(OSSL_OBJECT_PARAM_DATA_STRUCTURE, (char *)"hsm-agent-key", 0),
            OSSL_PARAM_END,
        };
        done = callback(params, argument);
    }
    OPENSSL_free(label);
    OPENSSL_free(header);
    OPENSSL_free(der);
    return done;
}

// All that is there, as long as it can be a reference. False: it can't.
static bool read_all(const struct ha_provider *provider, OSSL_CORE_BIO *core_bio, struct ha_buf *out)
{
    BIO *bio = BIO_new_from_core_bio(provider->libctx, core_bio);
    int n = 0;
    while (bio && out->len <= HA_REFERENCE_MAX) {
        uint8_t *room = ha_buf_reserve(out, 4096);
        n = room ? BIO_read(bio, room, 4096) : -1;
        if (n <= 0)
            break;
        ha_buf_advance(out, (size_t)n);
    }
    BIO_free(bio);
    return ha_buf_ok(out) && out->len > 0 && out->len <= HA_REFERENCE_MAX;
}

static int decode_key(struct ha_provider *provider, enum ha_provider_type type, OSSL_CORE_BIO *core_bio,
                      OSSL_CALLBACK *callback, void *argument)
{
    ha_auto(ha_buf_clear) struct ha_buf der = {0};
    struct ha_reference reference;
    if (!read_all(provider, core_bio, &der) || !ha_reference_is(der.data, der.len))
        return 1;
    const char *wrong = ha_reference_read(der.data, der.len, &reference);
    if (wrong) {
        ha_complain(provider, HA_REASON_KEY, NULL,
                    "a key reference can't be read: %s; make it again with hsm-agent pem", wrong);
        return 0;
    }
    ha_auto(ha_pkey_free) struct ha_pkey *key = ha_pkey_open(provider, &reference);
    if (!key)
        return 0;
    if (key->type != type)
        return 1;
    int object = OSSL_OBJECT_PKEY;
    OSSL_PARAM params[] = {
        OSSL_PARAM_int(OSSL_OBJECT_PARAM_TYPE, &object),
        OSSL_PARAM_construct_utf8_string(OSSL_OBJECT_PARAM_DATA_TYPE, (char *)ha_provider_type_name(type), 0),
        OSSL_PARAM_octet_string(OSSL_OBJECT_PARAM_REFERENCE, &key, sizeof key),
        OSSL_PARAM_END,
    };
    // Whoever loads the key takes it out of the variable.
    return callback(params, argument);
}

static int decode_rsa(void *provider, OSSL_CORE_BIO *bio, int selection, OSSL_CALLBACK *callback, void *argument,
                      OSSL_PASSPHRASE_CALLBACK *passphrase, void *passphrase_argument)
{
    return decode_key(provider, HA_PROVIDER_RSA, bio, callback, argument);
}

static int decode_rsa_pss(void *provider, OSSL_CORE_BIO *bio, int selection, OSSL_CALLBACK *callback, void *argument,
                          OSSL_PASSPHRASE_CALLBACK *passphrase, void *passphrase_argument)
{
    return decode_key(provider, HA_PROVIDER_RSA_PSS, bio, callback, argument);
}

static int decode_ec(void *provider, OSSL_CORE_BIO *bio, int selection, OSSL_CALLBACK *callback, void *argument,
                     OSSL_PASSPHRASE_CALLBACK *passphrase, void *passphrase_argument)
{
    return decode_key(provider, HA_PROVIDER_EC, bio, callback, argument);
}

static int decode_ed25519(void *provider, OSSL_CORE_BIO *bio, int selection, OSSL_CALLBACK *callback, void *argument,
                          OSSL_PASSPHRASE_CALLBACK *passphrase, void *passphrase_argument)
{
    return decode_key(provider, HA_PROVIDER_ED25519, bio, callback, argument);
}

#define DECODER_FUNCTIONS(decode)                                                                                      \
    {OSSL_FUNC_DECODER_NEWCTX, (void (*)(void))new_context},                                                           \
        {OSSL_FUNC_DECODER_FREECTX, (void (*)(void))free_context}, {OSSL_FUNC_DECODER_DECODE, (void (*)(void))decode}, \
    {                                                                                                                  \
        0                                                                                                              \
    }

const OSSL_DISPATCH ha_decoder_pem[] = {DECODER_FUNCTIONS(decode_pem)};
const OSSL_DISPATCH ha_decoder_rsa[] = {DECODER_FUNCTIONS(decode_rsa)};
const OSSL_DISPATCH ha_decoder_rsa_pss[] = {DECODER_FUNCTIONS(decode_rsa_pss)};
const OSSL_DISPATCH ha_decoder_ec[] = {DECODER_FUNCTIONS(decode_ec)};
const OSSL_DISPATCH ha_decoder_ed25519[] = {DECODER_FUNCTIONS(decode_ed25519)};
