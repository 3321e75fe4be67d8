// SPDX-License-Identifier: Apache-2.0
#include "provider/choice.h"

#include "provider/complain.h"

#include <openssl/core_names.h>
#include <openssl/params.h>
#include <openssl/rsa.h>
#include <string.h>

enum { NAME_SIZE = 64 };

struct row {
    const char *hash;
    size_t digest_len;
    const char *pkcs1, *pkcs1_scheme;
    const char *pss, *pss_scheme, *pss_key_scheme;
    const char *ecdsa;         // on the curve that goes with the hash
    const char *ecdsa_scheme;  // in TLS 1.2 on any curve (RFC 8446 section 4.2.3)
    int curve_bits;
};

static const struct row rows[] = {
    {"SHA256", 32, "RS256", "rsa_pkcs1_sha256", "PS256", "rsa_pss_rsae_sha256", "rsa_pss_pss_sha256", "ES256",
     "ecdsa_secp256r1_sha256", 256},
    {"SHA384", 48, "RS384", "rsa_pkcs1_sha384", "PS384", "rsa_pss_rsae_sha384", "rsa_pss_pss_sha384", "ES384",
     "ecdsa_secp384r1_sha384", 384},
    {"SHA512", 64, "RS512", "rsa_pkcs1_sha512", "PS512", "rsa_pss_rsae_sha512", "rsa_pss_pss_sha512", "ES512",
     "ecdsa_secp521r1_sha512", 521},
};

// The row of a hash, whatever it is called: SHA256, sha256, SHA2-256. NULL: none.
static const struct row *row_of_hash(const struct ha_provider *provider, const char *name)
{
    const struct row *row = NULL;
    EVP_MD *md = *name ? EVP_MD_fetch(provider->libctx, name, NULL) : NULL;
    for (size_t i = 0; md && i < HA_ARRAY_SIZE(rows); i++)
        if (EVP_MD_is_a(md, rows[i].hash))
            row = &rows[i];
    EVP_MD_free(md);
    return row;
}

static bool get_text(EVP_PKEY_CTX *ctx, const char *name, char *ret_text, size_t size)
{
    *ret_text = 0;
    OSSL_PARAM params[] = {OSSL_PARAM_utf8_string(name, ret_text, size), OSSL_PARAM_END};
    return EVP_PKEY_CTX_get_params(ctx, params) == 1;
}

static bool get_int(EVP_PKEY_CTX *ctx, const char *name, int *ret_value)
{
    OSSL_PARAM params[] = {OSSL_PARAM_int(name, ret_value), OSSL_PARAM_END};
    return EVP_PKEY_CTX_get_params(ctx, params) == 1;
}

static bool refuse(const struct ha_pkey *key, const char *what)
{
    ha_complain(key->provider, HA_REASON_UNSUPPORTED, key->name, "%s", what);
    return false;
}

static bool read_rsa(const struct ha_pkey *key, EVP_PKEY_CTX *ctx, struct ha_choice *ret_choice)
{
    char name[NAME_SIZE];
    int padding = 0, salt = 0;
    if (!get_text(ctx, OSSL_SIGNATURE_PARAM_DIGEST, name, sizeof name) ||
        !get_int(ctx, OSSL_SIGNATURE_PARAM_PAD_MODE, &padding))
        return refuse(key, "the parameters of the signature can't be read");
    const struct row *row = row_of_hash(key->provider, name);
    if (!row)
        return refuse(key, "RSA signatures need a hash, one of SHA-256, SHA-384 and SHA-512");
    struct ha_choice choice = {.hash = row->hash, .digest_len = row->digest_len};
    if (padding == RSA_PKCS1_PADDING) {
        choice.algorithm = row->pkcs1;
        choice.scheme = row->pkcs1_scheme;
    } else if (padding == RSA_PKCS1_PSS_PADDING) {
        if (!get_text(ctx, OSSL_SIGNATURE_PARAM_MGF1_DIGEST, name, sizeof name) ||
            row_of_hash(key->provider, name) != row)
            return refuse(key, "PSS needs the same hash for its mask as for the content");
        if (!get_int(ctx, OSSL_SIGNATURE_PARAM_PSS_SALTLEN, &salt) ||
            (salt != RSA_PSS_SALTLEN_DIGEST && salt != (int)row->digest_len))
            return refuse(key, "PSS is done with a salt as long as the hash only (rsa_pss_saltlen:digest)");
        choice.algorithm = row->pss;
        choice.scheme = key->type == HA_PROVIDER_RSA_PSS ? row->pss_key_scheme : row->pss_scheme;
    } else {
        return refuse(key, "RSA signatures have the padding PKCS#1 v1.5 or PSS");
    }
    *ret_choice = choice;
    return true;
}

static bool read_ec(const struct ha_pkey *key, EVP_PKEY_CTX *ctx, struct ha_choice *ret_choice)
{
    char name[NAME_SIZE];
    const int bits = EVP_PKEY_get_bits(key->pub);
    if (!get_text(ctx, OSSL_SIGNATURE_PARAM_DIGEST, name, sizeof name))
        *name = 0;
    for (size_t i = 0; i < HA_ARRAY_SIZE(rows); i++) {
        if (rows[i].curve_bits != bits)
            continue;
        const struct row *hash = row_of_hash(key->provider, name);
        *ret_choice = (struct ha_choice){.algorithm = rows[i].ecdsa, .digest_len = rows[i].digest_len};
        ret_choice->scheme = hash ? hash->ecdsa_scheme : NULL;
        ret_choice->hash = hash == &rows[i] ? hash->hash : NULL;
        ret_choice->by_digest = hash != &rows[i];
        return true;
    }
    return refuse(key, "its curve isn't one of P-256, P-384 and P-521");
}

bool ha_choice_read(const struct ha_pkey *key, EVP_PKEY_CTX *verification, struct ha_choice *ret_choice)
{
    switch (key->type) {
    case HA_PROVIDER_RSA:
    case HA_PROVIDER_RSA_PSS:
        return read_rsa(key, verification, ret_choice);
    case HA_PROVIDER_EC:
        return read_ec(key, verification, ret_choice);
    case HA_PROVIDER_ED25519:
        *ret_choice = (struct ha_choice){.algorithm = "Ed25519", .scheme = "ed25519"};
        return true;
    case HA_PROVIDER_TYPE_COUNT:
        break;
    }
    return false;
}

int ha_choice_settle(EVP_PKEY_CTX *verification, enum ha_provider_type type)
{
    int padding = 0, salt = 0;
    if (type != HA_PROVIDER_RSA && type != HA_PROVIDER_RSA_PSS)
        return 1;
    if (!get_int(verification, OSSL_SIGNATURE_PARAM_PAD_MODE, &padding) || padding != RSA_PKCS1_PSS_PADDING)
        return 1;
    if (!get_int(verification, OSSL_SIGNATURE_PARAM_PSS_SALTLEN, &salt) || salt != RSA_PSS_SALTLEN_AUTO)
        return 1;
    salt = RSA_PSS_SALTLEN_DIGEST;
    const OSSL_PARAM params[] = {OSSL_PARAM_int(OSSL_SIGNATURE_PARAM_PSS_SALTLEN, &salt), OSSL_PARAM_END};
    return EVP_PKEY_CTX_set_params(verification, params) == 1;
}
