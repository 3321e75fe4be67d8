// SPDX-License-Identifier: Apache-2.0
// Somebody else's signed HTTP messages: any fields and any body, verified by each scheme. The first byte of the input
// chooses the scheme; then come lines, each a field, and after an empty one the body. None can verify, since nobody has
// signed for the key; what is not signed well is refused with a reason.
#include "format/dip.h"
#include "format/fspiop.h"
#include "format/rfc9421.h"

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

enum { FIELDS = 16, AT = 1795275000 };

static struct ha_pubkey *make_key(void)
{
    struct ha_err err = {0};
    struct ha_pubkey *key = NULL;
    unsigned char *spki = NULL;
    EVP_PKEY *evp = EVP_EC_gen("P-256");
    int n = evp ? i2d_PUBKEY(evp, &spki) : -1;
    if (n <= 0 || ha_pubkey_from_spki(spki, (size_t)n, &key, &err))
        abort();
    OPENSSL_free(spki);
    EVP_PKEY_free(evp);
    return key;
}

// Splits text, which it changes, into fields; the rest is the body.
static void split(char *text, size_t n, struct ha_http_field *fields, struct ha_http_message *message)
{
    char *at = text, *end = text + n;
    while (message->n_fields < FIELDS && at < end) {
        char *stop = memchr(at, '\n', (size_t)(end - at));
        if (!stop)
            break;
        *stop = '\0';
        char *colon = strchr(at, ':');
        if (!colon) {
            at = stop + 1;
            break;
        }
        *colon = '\0';
        fields[message->n_fields++] = (struct ha_http_field){.name = at, .value = colon + 1};
        at = stop + 1;
    }
    message->fields = fields;
    message->body = (const uint8_t *)at;
    message->body_len = (size_t)(end - at);
}

static enum ha_code verify(unsigned scheme, const struct ha_http_message *message, const struct ha_pubkey *key,
                           struct ha_err *err)
{
    const struct ha_rfc9421_key keys[] = {{.key = key}, {.key = key, .keyid = "a"}};
    struct ha_rfc9421_profile any = {0};
    struct ha_dip_profile dip = *ha_dip_plain();
    ha_auto(ha_certificate_free) struct ha_certificate *certificate = NULL;
    char covered[] = "date", *items[] = {covered};
    const struct ha_chain_trust trust = {.anchors = "", .at = AT};
    size_t which;
    switch (scheme) {
    case 0:
        dip.max_age_s = 0;
        return ha_dip_verify(&dip, message, &trust, &certificate, err);
    case 1:
        return ha_fspiop_verify(ha_fspiop_plain(), message, key, AT, err);
    case 2:
        any.required = (struct ha_jose_list){.items = items, .n = 1};
        return ha_rfc9421_verify(&any, message, keys, 2, AT, &which, err);
    default:
        return ha_rfc9421_verify(ha_rfc9421_plain(), message, keys, 2, AT, &which, err);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static struct ha_pubkey *key;
    struct ha_http_field fields[FIELDS];
    struct ha_err err = {0};
    if (n < 1)
        return 0;
    if (!key)
        key = make_key();
    // In memory of just that size, and a NUL.
    char *text = malloc(n);
    if (!text)
        abort();
    memcpy(text, data + 1, n - 1);
    text[n - 1] = '\0';
    struct ha_http_message message = {.method = "POST", .url = "https://h/transfers?a=b&c=%20"};
    if (data[0] & 0x80)
        message = (struct ha_http_message){.status = 200};
    split(text, n - 1, fields, &message);
    if (verify(data[0] % 4, &message, key, &err) == HA_OK || !err.detail[0])
        abort();
    free(text);
    return 0;
}
