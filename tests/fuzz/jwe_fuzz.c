// SPDX-License-Identifier: Apache-2.0
// Encrypted messages as strangers send them: any bytes, read for an RSA key and for one on a curve, to the end; and the
// header that a caller wishes for.
#include "base/json.h"
#include "base/secret.h"
#include "base/text.h"
#include "format/jwe_encrypt.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static struct ha_pubkey *rsa, *ec;  // for the fuzzer's life

// The key of RFC 7516 appendix A.1, and P-256's generator.
static const char rsa_jwk[] = "{\"kty\":\"RSA\",\"n\":\"oahUIoWw0K0usKNuOR6H4wkf4oBUXHTxRvgb48E-"
                              "BVvxkeDNjbC4he8rUWcJoZmds2h7M70imEVhRU5djINXtqllXI4D"
                              "FqcI1DgjT9LewND8MW2Krf3Spsk_ZkoFnilakGygTwpZ3uesH-"
                              "PFABNIUYpOiN15dsQRkgr0vEhxN92i2asbOenSZeyaxziK72UwxrrKoExv6kc5twXT"
                              "q4h-QChLOln0_mtUZwfsRaMStPs6mS6XrgxnxbWhojf663tuEQueGC-"
                              "FCMfra36C9knDFGzKsNa7LZK2djYgyD3JR_MB_4NUJW_TqOQtwHYbxevoJArm"
                              "-L5StowjzGy-_bq6Gw\",\"e\":\"AQAB\"}";
static const char ec_jwk[] = "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"axfR8uEsQkf4vOblY6RA8ncDfYEt6zOg9KE5RdiYwpY\","
                             "\"y\":\"T-NC4v4af5uO5-tKfA-eFivOM1drMV7Oy7ZAaDe_UfU\"}";
// The content key of that appendix, with which its message (a seed) decrypts.
static const uint8_t cek[] = {177, 161, 244, 128, 84,  143, 225, 115, 63, 180, 3,   255, 107, 154, 212, 246,
                              138, 7,   110, 91,  112, 46,  34,  105, 47, 130, 203, 46,  122, 234, 64,  252};

static struct ha_pubkey *read_key(const char *jwk)
{
    struct ha_pubkey *key = NULL;
    struct ha_err err = {0};
    ha_auto(ha_json_free) ha_json *json = NULL;
    if (ha_json_parse(jwk, strlen(jwk), 2, &json, &err) || ha_pubkey_from_jwk(json, &key, &err))
        abort();
    return key;
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    rsa = read_key(rsa_jwk);
    ec = read_key(ec_jwk);
    return 0;
}

// Every failure has its words, and those of the end are always the same.
static void decrypt(const struct ha_pubkey *key, const char *kid, const uint8_t *data, size_t n)
{
    ha_auto(ha_jwe_clear) struct ha_jwe job = {0};
    ha_auto(ha_buf_clear) struct ha_buf plaintext = {0};
    const struct ha_jwe_key own = {key, kid};
    struct ha_err err = {0};
    enum ha_code code = ha_jwe_begin(ha_jwe_plain(), &own, (const char *)data, n, &job, &err);
    if (code) {
        if (code == HA_E_DECRYPTION || code == HA_E_INTERNAL || code != err.code || !err.detail[0])
            abort();
        return;
    }
    if ((job.alg == HA_ALG_ECDH) != (job.epk != NULL) || (job.epk && ha_pubkey_type(job.epk) != HA_KEY_EC_P256) ||
        (!job.epk && job.encrypted_key.len != 256))
        abort();
    const uint8_t *secrets[] = {NULL, cek};
    for (size_t i = 0; i < HA_ARRAY_SIZE(secrets); i++) {
        code = ha_jwe_end(&job, secrets[i], sizeof(cek), &plaintext, &err);
        if ((code && (code != HA_E_DECRYPTION || plaintext.len)) || (!code && !secrets[i]))
            abort();
    }
}

// Whatever header is asked for, what comes out can be read, and is for the recipient.
static void encrypt(const struct ha_pubkey *key, const uint8_t *data, size_t n)
{
    ha_auto(ha_jwe_clear) struct ha_jwe job = {0};
    ha_auto(ha_buf_clear) struct ha_buf message = {0};
    const struct ha_jwe_key own = {key, NULL};
    struct ha_err err = {0};
    const struct ha_jwe_encryption encryption = {
        .profile = ha_jwe_plain(),
        .recipient = key,
        .header = {(const char *)data, n},
    };
    if (n < HA_JOSE_HEADER_MAX / 2 && ha_jwe_encrypt(&encryption, "x", 1, &message, &err) == HA_OK &&
        ha_jwe_begin(ha_jwe_plain(), &own, ha_buf_text(&message), message.len, &job, &err))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    decrypt(rsa, NULL, data, n);
    decrypt(ec, NULL, data, n);
    decrypt(ec, "mine", data, n);
    if (n > 0 && data[0] == '{')
        encrypt(rsa, data, n);
    return 0;
}
