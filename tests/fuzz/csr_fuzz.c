// SPDX-License-Identifier: Apache-2.0
// Subject and names of a certificate request, {"subject": [...], "san": [...]}: what is taken can be encoded and read
// again.
#include "base/json.h"
#include "format/csr_name.h"
#include "format/csr_san.h"

#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void check_name(const ha_json *subject)
{
    X509_NAME *name = NULL;
    struct ha_err err = {0};
    if (ha_csr_name_build(subject, &name, &err)) {
        if (err.detail[0] == '\0')
            abort();
        return;
    }
    unsigned char *der = NULL;
    int length = i2d_X509_NAME(name, &der);
    const unsigned char *at = der;
    X509_NAME *again = length < 0 ? NULL : d2i_X509_NAME(NULL, &at, length);
    if (!again || X509_NAME_cmp(name, again) != 0)
        abort();
    X509_NAME_free(again);
    X509_NAME_free(name);
    OPENSSL_free(der);
}

static void check_names(const ha_json *san)
{
    GENERAL_NAMES *names = NULL;
    struct ha_err err = {0};
    if (ha_csr_san_build(san, &names, &err)) {
        if (err.detail[0] == '\0')
            abort();
        return;
    }
    unsigned char *der = NULL;
    int length = i2d_GENERAL_NAMES(names, &der);
    const unsigned char *at = der;
    GENERAL_NAMES *again = length < 0 ? NULL : d2i_GENERAL_NAMES(NULL, &at, length);
    if (!again || sk_GENERAL_NAME_num(again) != sk_GENERAL_NAME_num(names))
        abort();
    GENERAL_NAMES_free(again);
    GENERAL_NAMES_free(names);
    OPENSSL_free(der);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct ha_err err = {0};
    ha_auto(ha_json_free) ha_json *json = NULL;
    if (ha_json_parse((const char *)data, n, 16, &json, &err))
        return 0;
    const ha_json *subject = ha_json_get(json, "subject"), *san = ha_json_get(json, "san");
    if (subject)
        check_name(subject);
    if (san)
        check_names(san);
    return 0;
}
