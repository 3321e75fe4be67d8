// SPDX-License-Identifier: Apache-2.0
// Certificates, revocation lists and OCSP responses from strangers. The first byte of the input chooses what it is; the
// rest of the chain is good. A thing that isn't understood is never a good word.
#include "format/chain.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

enum { AT = 1795275000, TEXT_MAX = 8192 };

static struct good {
    char root[TEXT_MAX], issuer[TEXT_MAX];
    struct ha_certificate *certificate;
} good;

static void read_text(const char *name, char into[static TEXT_MAX])
{
    char path[512];
    const char *top = getenv("FUZZ_TOP");
    snprintf(path, sizeof path, "%s/tests/vectors/pki/%s.pem", top ? top : ".", name);
    FILE *file = fopen(path, "r");
    if (!file || fread(into, 1, TEXT_MAX - 1, file) == 0)
        abort();
    fclose(file);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    struct ha_err err = {0};
    char leaf[TEXT_MAX] = "";
    read_text("root", good.root);
    read_text("issuer", good.issuer);
    read_text("good", leaf);
    if (ha_certificate_read(leaf, strlen(leaf), &good.certificate, &err))
        abort();
    return 0;
}

static void try_certificate(const uint8_t *data, size_t n, struct ha_chain_trust *trust)
{
    struct ha_err err = {0};
    size_t len;
    ha_auto(ha_certificate_free) struct ha_certificate *certificate = NULL;
    ha_auto(ha_pubkey_free) struct ha_pubkey *key = NULL;
    ha_auto(ha_buf_clear) struct ha_buf text = {0};
    if (ha_certificate_read(data, n, &certificate, &err))
        return;
    ha_certificate_to_pem(certificate, &text);
    ha_certificate_subject(certificate, &text);
    ha_certificate_der(certificate, &len);
    ha_certificate_key(certificate, &key, &err);
    trust->revocation = false;
    ha_chain_verify(certificate, trust, &err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct ha_err err = {0};
    if (n < 1)
        return 0;
    struct ha_chain_trust trust = {.anchors = good.root, .intermediates = good.issuer, .at = AT, .revocation = true};
    char *text = strndup((const char *)data + 1, n - 1);
    if (!text)
        abort();
    switch (data[0] % 4) {
    case 0:
        try_certificate(data + 1, n - 1, &trust);
        break;
    case 1:
        trust.crls = text;
        ha_chain_verify(good.certificate, &trust, &err);
        break;
    case 2:
        trust.ocsp = data + 1;
        trust.ocsp_len = n - 1;
        ha_chain_verify(good.certificate, &trust, &err);
        break;
    default:
        trust.anchors = text;
        trust.revocation = false;
        ha_chain_verify(good.certificate, &trust, &err);
        break;
    }
    free(text);
    return 0;
}
