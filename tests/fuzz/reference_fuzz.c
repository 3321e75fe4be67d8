// SPDX-License-Identifier: Apache-2.0
// Key references as OpenSSL's core feeds them to the provider: any bytes, as PEM, as DER and as a URI. The provider is
// built in, and the default one is there beside it, as in programs.
#include "provider/pkey.h"
#include "provider/reference.h"

#include <openssl/bio.h>
#include <openssl/decoder.h>
#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

OSSL_provider_init_fn OSSL_provider_init;
int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static OSSL_LIB_CTX *libctx;  // these for the fuzzer's life
static OSSL_PROVIDER *provider;

// In place of the C library's: the provider's complaints are millions here.
void syslog(int priority, const char *format, ...)
{
}

void __syslog_chk(int priority, int flag, const char *format, ...);
void __syslog_chk(int priority, int flag, const char *format, ...)
{
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    // Nobody listens there: a reference without a public key asks the agent for it.
    setenv("HSM_AGENT_SOCKET", "/nonexistent/agent.sock", 1);
    libctx = OSSL_LIB_CTX_new();
    if (!libctx || !OSSL_PROVIDER_add_builtin(libctx, "zz_hsmagent", OSSL_provider_init) ||
        !OSSL_PROVIDER_load(libctx, "default"))
        abort();
    provider = OSSL_PROVIDER_load(libctx, "zz_hsmagent");
    if (!provider)
        abort();
    return 0;
}

static void decode(const uint8_t *data, size_t n, const char *form)
{
    EVP_PKEY *key = NULL;
    BIO *bio = BIO_new_mem_buf(data, (int)n);
    OSSL_DECODER_CTX *decoder = OSSL_DECODER_CTX_new_for_pkey(&key, form, NULL, NULL, 0, libctx, NULL);
    if (!bio || !decoder)
        abort();
    // A key that came out of it can be looked at, and never has a private half to give away.
    if (OSSL_DECODER_from_bio(decoder, bio) && EVP_PKEY_get0_provider(key) && EVP_PKEY_get_size(key) > 0 &&
        OSSL_PROVIDER_get0_name(EVP_PKEY_get0_provider(key))[0] == 'z') {
        OSSL_PARAM *params = NULL;
        if (EVP_PKEY_todata(key, EVP_PKEY_KEYPAIR, &params))
            abort();
        OSSL_PARAM_free(params);
    }
    EVP_PKEY_free(key);
    OSSL_DECODER_CTX_free(decoder);
    BIO_free(bio);
    ERR_clear_error();
}

static void open_reference(const uint8_t *data, size_t n)
{
    struct ha_reference reference;
    if (ha_reference_read(data, n, &reference) == NULL)
        ha_pkey_free(ha_pkey_open(OSSL_PROVIDER_get0_provider_ctx(provider), &reference));
    ERR_clear_error();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct ha_reference reference;
    if (n == 0 || n > 2 * HA_REFERENCE_MAX)
        return 0;
    ha_reference_uri((const char *)data, n, &reference);
    bool is_der = ha_reference_is(data, n);
    if (is_der)
        open_reference(data, n);
    // The core's own work takes nearly all the time: so only now and then, and not with what isn't ours.
    bool in_full = data[n - 1] % 16 == 0;
    if (is_der && in_full)
        decode(data, n, "DER");
    if (in_full && memmem(data, n, HA_REFERENCE_LABEL, sizeof HA_REFERENCE_LABEL - 1))
        decode(data, n, "PEM");
    return 0;
}
