// SPDX-License-Identifier: Apache-2.0
// Mojaloop's encrypted fields: a header, a zero byte, a body. And a body with the names of its fields before it.
#include "base/json.h"
#include "base/text.h"
#include "format/fspiop_encryption.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static struct ha_pubkey *rsa;  // for the fuzzer's life

static const char rsa_jwk[] = "{\"kty\":\"RSA\",\"n\":\"oahUIoWw0K0usKNuOR6H4wkf4oBUXHTxRvgb48E-"
                              "BVvxkeDNjbC4he8rUWcJoZmds2h7M70imEVhRU5djINXtqllXI4D"
                              "FqcI1DgjT9LewND8MW2Krf3Spsk_ZkoFnilakGygTwpZ3uesH-"
                              "PFABNIUYpOiN15dsQRkgr0vEhxN92i2asbOenSZeyaxziK72UwxrrKoExv6kc5twXT"
                              "q4h-QChLOln0_mtUZwfsRaMStPs6mS6XrgxnxbWhojf663tuEQueGC-"
                              "FCMfra36C9knDFGzKsNa7LZK2djYgyD3JR_MB_4NUJW_TqOQtwHYbxevoJArm"
                              "-L5StowjzGy-_bq6Gw\",\"e\":\"AQAB\"}";
// The content key of the standard's example, which is a seed.
static const uint8_t cek[] = {0xbf, 0x64, 0xa7, 0x3c, 0x02, 0xf8, 0x15, 0x88, 0xac, 0x27, 0x91,
                              0x78, 0x66, 0x07, 0x49, 0x1f, 0xa6, 0x42, 0x72, 0xc7, 0xdb, 0x9d,
                              0x68, 0xa2, 0x07, 0xfd, 0x0a, 0x69, 0x21, 0x88, 0x39, 0xa7};
static const struct ha_fspiop_encryption_profile profile = {.long_iv = true};

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    struct ha_err err = {0};
    ha_auto(ha_json_free) ha_json *json = NULL;
    if (ha_json_parse(rsa_jwk, strlen(rsa_jwk), 2, &json, &err) || ha_pubkey_from_jwk(json, &rsa, &err))
        abort();
    return 0;
}

static void check_json(const struct ha_buf *text)
{
    struct ha_err err = {0};
    ha_auto(ha_json_free) ha_json *json = NULL;
    if (ha_json_parse(ha_buf_text(text), text->len, HA_JSON_DEPTH_LIMIT, &json, &err))
        abort();
}

static void decrypt(const char *header, size_t n, struct ha_json_text body)
{
    ha_auto(ha_fspiop_decryption_clear) struct ha_fspiop_decryption job = {0};
    ha_auto(ha_buf_clear) struct ha_buf out = {0};
    struct ha_fspiop_secret secrets[HA_FSPIOP_FIELDS_MAX] = {0};
    struct ha_err err = {0};
    if (ha_fspiop_decrypt_begin(&profile, rsa, header, n, body, &job, &err)) {
        if (!err.detail[0] || !err.pointer[0])
            abort();
        return;
    }
    for (size_t i = 0; i < job.n; i++)
        if (i % 2 == 0)
            secrets[i] = (struct ha_fspiop_secret){cek, sizeof(cek)};
    if (ha_fspiop_decrypt_end(&job, secrets, &out, &err) == HA_OK)
        check_json(&out);
    else if (out.len)
        abort();
}

static void encrypt(const char *name, struct ha_json_text body)
{
    ha_auto(ha_buf_clear) struct ha_buf header = {0};
    ha_auto(ha_buf_clear) struct ha_buf out = {0};
    struct ha_err err = {0};
    const char *fields[] = {name, "payer"};
    if (ha_fspiop_encrypt(&profile, rsa, fields, 2, body, &header, &out, &err))
        return;
    check_json(&header);
    check_json(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    const char *zero = memchr(data, 0, n);
    if (!zero)
        return 0;
    size_t head = (size_t)(zero - (const char *)data);
    const struct ha_json_text body = {zero + 1, n - head - 1};
    decrypt((const char *)data, head, body);
    encrypt((const char *)data, body);
    return 0;
}
