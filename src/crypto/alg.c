// SPDX-License-Identifier: Apache-2.0
// The tables behind alg.h. A value out of range gets the row of NONE, which fits nothing.
#include "crypto/alg.h"

#include "base/auto.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#define HA_SHA2_DIGEST_INFO(total, oid_end, len)                                                                       \
    {                                                                                                                  \
        0x30, total, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, oid_end, 0x05, 0x00,      \
            0x04, len                                                                                                  \
    }

static const struct ha_hash_info ha_alg_hashes[] = {
    [HA_HASH_NONE] = {.name = "none"},
    [HA_HASH_SHA1] = {.name = "SHA-1",
                      .len = 20,
                      .digest_info = {0x30, 0x21, 0x30, 0x09, 0x06, 0x05, 0x2b, 0x0e, 0x03, 0x02, 0x1a, 0x05, 0x00,
                                      0x04, 0x14},
                      .digest_info_len = 15},
    [HA_HASH_SHA256] = {.name = "SHA-256",
                        .len = 32,
                        .digest_info = HA_SHA2_DIGEST_INFO(0x31, 0x01, 0x20),
                        .digest_info_len = 19},
    [HA_HASH_SHA384] = {.name = "SHA-384",
                        .len = 48,
                        .digest_info = HA_SHA2_DIGEST_INFO(0x41, 0x02, 0x30),
                        .digest_info_len = 19},
    [HA_HASH_SHA512] = {.name = "SHA-512",
                        .len = 64,
                        .digest_info = HA_SHA2_DIGEST_INFO(0x51, 0x03, 0x40),
                        .digest_info_len = 19},
};
static_assert(HA_ARRAY_SIZE(ha_alg_hashes) == HA_HASH_COUNT, "one row for each hash");

static const struct ha_key_type_info ha_alg_key_types[] = {
    [HA_KEY_NONE] = {.name = "none"},
    [HA_KEY_RSA_2048] = {.name = "rsa:2048", .family = HA_FAMILY_RSA, .bits = 2048, .creatable = true},
    [HA_KEY_RSA_3072] = {.name = "rsa:3072", .family = HA_FAMILY_RSA, .bits = 3072, .creatable = true},
    [HA_KEY_RSA_4096] = {.name = "rsa:4096", .family = HA_FAMILY_RSA, .bits = 4096, .creatable = true},
    [HA_KEY_EC_P256] = {.name = "ec:p256",
                        .family = HA_FAMILY_EC,
                        .bits = 256,
                        .creatable = true,
                        .jwk_curve = "P-256",
                        .oid = {0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07},
                        .oid_len = 10},
    [HA_KEY_EC_P384] = {.name = "ec:p384",
                        .family = HA_FAMILY_EC,
                        .bits = 384,
                        .creatable = true,
                        .jwk_curve = "P-384",
                        .oid = {0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22},
                        .oid_len = 7},
    [HA_KEY_EC_P521] = {.name = "ec:p521",
                        .family = HA_FAMILY_EC,
                        .bits = 521,
                        .creatable = true,
                        .jwk_curve = "P-521",
                        .oid = {0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x23},
                        .oid_len = 7},
    [HA_KEY_ED25519] = {.name = "ed25519",
                        .family = HA_FAMILY_ED,
                        .bits = 256,
                        .creatable = true,
                        .jwk_curve = "Ed25519",
                        .oid = {0x06, 0x03, 0x2b, 0x65, 0x70},
                        .oid_len = 5},
    [HA_KEY_RSA_OTHER] = {.name = "rsa:other", .family = HA_FAMILY_RSA},
    [HA_KEY_HMAC_256] = {.name = "hmac:256", .family = HA_FAMILY_MAC, .bits = 256, .creatable = true},
    [HA_KEY_AES_256] = {.name = "aes:256", .family = HA_FAMILY_KEK, .bits = 256, .creatable = true},
};
static_assert(HA_ARRAY_SIZE(ha_alg_key_types) == HA_KEY_TYPE_COUNT, "one row for each key type");

#define HA_RSA_SIGN(name_, hash_, padding_)                                                                            \
    {                                                                                                                  \
        .name = (name_), .use = HA_USE_SIGN, .family = HA_FAMILY_RSA, .hash = (hash_), .padding = (padding_)           \
    }
#define HA_EC_SIGN(name_, hash_, type_)                                                                                \
    {                                                                                                                  \
        .name = (name_), .use = HA_USE_SIGN, .family = HA_FAMILY_EC, .hash = (hash_), .key_type = (type_)              \
    }
#define HA_RSA_DECRYPT(name_, hash_, padding_)                                                                         \
    {                                                                                                                  \
        .name = (name_), .use = HA_USE_DECRYPT, .family = HA_FAMILY_RSA, .hash = (hash_), .padding = (padding_)        \
    }

static const struct ha_alg_info ha_algs[] = {
    [HA_ALG_NONE] = {.name = "none"},
    [HA_ALG_RS256] = HA_RSA_SIGN("RS256", HA_HASH_SHA256, HA_PAD_PKCS1),
    [HA_ALG_RS384] = HA_RSA_SIGN("RS384", HA_HASH_SHA384, HA_PAD_PKCS1),
    [HA_ALG_RS512] = HA_RSA_SIGN("RS512", HA_HASH_SHA512, HA_PAD_PKCS1),
    [HA_ALG_PS256] = HA_RSA_SIGN("PS256", HA_HASH_SHA256, HA_PAD_PSS),
    [HA_ALG_PS384] = HA_RSA_SIGN("PS384", HA_HASH_SHA384, HA_PAD_PSS),
    [HA_ALG_PS512] = HA_RSA_SIGN("PS512", HA_HASH_SHA512, HA_PAD_PSS),
    [HA_ALG_ES256] = HA_EC_SIGN("ES256", HA_HASH_SHA256, HA_KEY_EC_P256),
    [HA_ALG_ES384] = HA_EC_SIGN("ES384", HA_HASH_SHA384, HA_KEY_EC_P384),
    [HA_ALG_ES512] = HA_EC_SIGN("ES512", HA_HASH_SHA512, HA_KEY_EC_P521),
    [HA_ALG_ED25519] =
        {.name = "Ed25519", .alias = "EdDSA", .use = HA_USE_SIGN, .family = HA_FAMILY_ED, .key_type = HA_KEY_ED25519},
    [HA_ALG_RSA_OAEP] = HA_RSA_DECRYPT("RSA-OAEP", HA_HASH_SHA1, HA_PAD_OAEP),
    [HA_ALG_RSA_OAEP_256] = HA_RSA_DECRYPT("RSA-OAEP-256", HA_HASH_SHA256, HA_PAD_OAEP),
    [HA_ALG_RSA1_5] = HA_RSA_DECRYPT("RSA1_5", HA_HASH_NONE, HA_PAD_PKCS1),
    [HA_ALG_ECDH] = {.name = "ECDH", .use = HA_USE_DERIVE, .family = HA_FAMILY_EC},
    [HA_ALG_HMAC_SHA256] = {.name = "HMAC-SHA256",
                            .use = HA_USE_MAC,
                            .family = HA_FAMILY_MAC,
                            .key_type = HA_KEY_HMAC_256,
                            .hash = HA_HASH_SHA256},
};
static_assert(HA_ARRAY_SIZE(ha_algs) == HA_ALG_COUNT, "one row for each algorithm");

static const struct ha_purpose_info ha_alg_purposes[] = {
    {HA_PURPOSE_SIGN, "sign", "signatures of messages, and certificate requests"},
    {HA_PURPOSE_CSR, "csr", "certificate requests only, for a key that otherwise decrypts or derives"},
    {HA_PURPOSE_DECRYPT, "decrypt", "decryption (RSA)"},
    {HA_PURPOSE_DERIVE, "derive", "key agreement, ECDH (EC)"},
    {HA_PURPOSE_TLS_SERVER, "tls-server", "a TLS server's handshakes, and certificate requests"},
    {HA_PURPOSE_TLS_CLIENT, "tls-client", "a TLS client's handshakes, and certificate requests"},
    {HA_PURPOSE_TLS13_ONLY, "tls13-only", "with tls-server or tls-client: TLS 1.3 only"},
    {HA_PURPOSE_MAC, "mac", "message authentication codes (HMAC), the only purpose of such a key"},
    {HA_PURPOSE_DUAL, "dual",
     "with sign and tls-server or tls-client: one key for both, where a certificate is for both"},
    {HA_PURPOSE_WRAP, "wrap", "wrapping keys for backups (AES), the only purpose of such a key"},
};
static_assert(HA_ARRAY_SIZE(ha_alg_purposes) == HA_PURPOSE_COUNT, "one row for each purpose");

static const struct ha_tls_scheme ha_alg_schemes[] = {
    {"rsa_pkcs1_sha256", HA_ALG_RS256},
    {"rsa_pkcs1_sha384", HA_ALG_RS384},
    {"rsa_pkcs1_sha512", HA_ALG_RS512},
    {"rsa_pss_rsae_sha256", HA_ALG_PS256},
    {"rsa_pss_rsae_sha384", HA_ALG_PS384},
    {"rsa_pss_rsae_sha512", HA_ALG_PS512},
    {"rsa_pss_pss_sha256", HA_ALG_PS256},
    {"rsa_pss_pss_sha384", HA_ALG_PS384},
    {"rsa_pss_pss_sha512", HA_ALG_PS512},
    {"ecdsa_secp256r1_sha256", HA_ALG_ES256},
    {"ecdsa_secp384r1_sha384", HA_ALG_ES384},
    {"ecdsa_secp521r1_sha512", HA_ALG_ES512},
    {"ed25519", HA_ALG_ED25519},
    {0},
};

const struct ha_hash_info *ha_hash_info(enum ha_hash hash)
{
    return &ha_alg_hashes[(unsigned)hash < HA_HASH_COUNT ? hash : HA_HASH_NONE];
}

const struct ha_key_type_info *ha_key_type_info(enum ha_key_type type)
{
    return &ha_alg_key_types[(unsigned)type < HA_KEY_TYPE_COUNT ? type : HA_KEY_NONE];
}

bool ha_key_type_is_secret(enum ha_key_type type)
{
    enum ha_family family = ha_key_type_info(type)->family;
    return family == HA_FAMILY_MAC || family == HA_FAMILY_KEK;
}

enum ha_key_type ha_key_type_by_name(const char *name)
{
    for (unsigned i = HA_KEY_NONE + 1; i < HA_KEY_TYPE_COUNT; i++)
        if (strcmp(ha_alg_key_types[i].name, name) == 0)
            return (enum ha_key_type)i;
    return HA_KEY_NONE;
}

const struct ha_alg_info *ha_alg_info(enum ha_alg alg)
{
    return &ha_algs[(unsigned)alg < HA_ALG_COUNT ? alg : HA_ALG_NONE];
}

enum ha_alg ha_alg_by_name(const char *name)
{
    for (unsigned i = HA_ALG_NONE + 1; i < HA_ALG_COUNT; i++)
        if (strcmp(ha_algs[i].name, name) == 0 || (ha_algs[i].alias && strcmp(ha_algs[i].alias, name) == 0))
            return (enum ha_alg)i;
    return HA_ALG_NONE;
}

bool ha_alg_fits(enum ha_alg alg, enum ha_key_type type)
{
    const struct ha_alg_info *info = ha_alg_info(alg);
    const struct ha_key_type_info *key = ha_key_type_info(type);
    // The row of NONE has a family too (0), so it is ruled out by its address.
    if (info == &ha_algs[HA_ALG_NONE] || key == &ha_alg_key_types[HA_KEY_NONE])
        return false;
    return info->family == key->family && (info->key_type == HA_KEY_NONE || info->key_type == type);
}

enum ha_alg ha_alg_default(enum ha_key_type type)
{
    // The table lists each family's preferred algorithm first.
    for (unsigned i = HA_ALG_NONE + 1; i < HA_ALG_COUNT; i++)
        if (ha_algs[i].use == HA_USE_SIGN && ha_alg_fits((enum ha_alg)i, type))
            return (enum ha_alg)i;
    return HA_ALG_NONE;
}

const struct ha_purpose_info *ha_purpose_info(size_t index)
{
    assert(index < HA_PURPOSE_COUNT);
    return &ha_alg_purposes[index];
}

static unsigned purpose_by_name(const char *name, size_t n)
{
    for (size_t i = 0; i < HA_PURPOSE_COUNT; i++)
        if (strlen(ha_alg_purposes[i].name) == n && memcmp(ha_alg_purposes[i].name, name, n) == 0)
            return ha_alg_purposes[i].bit;
    return 0;
}

unsigned ha_purposes_parse(const char *list)
{
    unsigned purposes = 0;
    for (;;) {
        size_t n = strcspn(list, ",");
        unsigned bit = purpose_by_name(list, n);
        if (!bit)
            return 0;
        purposes |= bit;
        if (!list[n])
            return purposes;
        list += n + 1;
    }
}

void ha_purposes_print(unsigned purposes, char *ret_text, size_t size)
{
    size_t used = 0;
    ret_text[0] = '\0';
    for (size_t i = 0; i < HA_PURPOSE_COUNT && used < size; i++)
        if (purposes & ha_alg_purposes[i].bit)
            used += (size_t)snprintf(ret_text + used, size - used, "%s%s", used ? "," : "", ha_alg_purposes[i].name);
}

unsigned ha_purposes_possible(enum ha_key_type type)
{
    const struct ha_key_type_info *info = ha_key_type_info(type);
    if (info == &ha_alg_key_types[HA_KEY_NONE])
        return 0;
    switch (info->family) {
    case HA_FAMILY_RSA:
        return HA_PURPOSES_CSR | HA_PURPOSE_TLS13_ONLY | HA_PURPOSE_DUAL | HA_PURPOSE_DECRYPT;
    case HA_FAMILY_EC:
        return HA_PURPOSES_CSR | HA_PURPOSE_TLS13_ONLY | HA_PURPOSE_DUAL | HA_PURPOSE_DERIVE;
    case HA_FAMILY_ED:
        return HA_PURPOSES_CSR | HA_PURPOSE_TLS13_ONLY | HA_PURPOSE_DUAL;
    case HA_FAMILY_MAC:
        return HA_PURPOSE_MAC;
    case HA_FAMILY_KEK:
        return HA_PURPOSE_WRAP;
    }
    return 0;
}

enum ha_code ha_purposes_check(unsigned purposes, struct ha_err *err)
{
    if ((purposes & HA_PURPOSE_TLS13_ONLY) && !(purposes & HA_PURPOSES_TLS)) {
        ha_fail(err, HA_E_KEY_CANNOT, "the purpose tls13-only says nothing without tls-server or tls-client");
        return ha_hint(err, "add tls-server, tls-client or both");
    }
    bool tls = purposes & HA_PURPOSES_TLS, sign = purposes & HA_PURPOSE_SIGN, dual = purposes & HA_PURPOSE_DUAL;
    if (dual && !(tls && sign)) {
        ha_fail(err, HA_E_KEY_CANNOT,
                "the purpose dual says nothing without sign and one of tls-server and tls-client");
        return ha_hint(err, "add them, or leave dual out");
    }
    if (tls && ((sign && !dual) || (purposes & (HA_PURPOSE_DECRYPT | HA_PURPOSE_DERIVE)))) {
        ha_fail(err, HA_E_KEY_CANNOT, "a key for TLS can't also have the purpose sign, decrypt or derive");
        return ha_hint(err,
                       "make separate keys: one for TLS, one for messages; or, where one certificate has to be for "
                       "both, add dual to sign and TLS");
    }
    return HA_OK;
}

enum ha_code ha_purposes_fit(enum ha_key_type type, unsigned purposes, struct ha_err *err)
{
    char possible[HA_PURPOSES_TEXT_MAX];
    if (!(purposes & ~ha_purposes_possible(type)))
        return ha_purposes_check(purposes, err);
    ha_purposes_print(ha_purposes_possible(type), possible, sizeof(possible));
    ha_fail(err, HA_E_KEY_CANNOT, "a key of type %s can't have all of these purposes", ha_key_type_info(type)->name);
    return ha_hint(err, "it can have %s", possible);
}

const struct ha_tls_scheme *ha_tls_schemes(void)
{
    return ha_alg_schemes;
}

const struct ha_tls_scheme *ha_tls_scheme_by_name(const char *name)
{
    for (const struct ha_tls_scheme *scheme = ha_alg_schemes; scheme->name; scheme++)
        if (strcmp(scheme->name, name) == 0)
            return scheme;
    return NULL;
}
