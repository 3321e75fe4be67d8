// SPDX-License-Identifier: Apache-2.0
#include "cli/tls_identity.h"

#include "base/program.h"
#include "base/text.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <string.h>

enum { CHAIN_MAX = 16 };

void ha_tls_identity_clear(struct ha_tls_identity *identity)
{
    X509_free(identity->certificate);
    ha_ossl_stack_free(identity->chain);
    EVP_PKEY_free(identity->key);
    // The one that was loaded last goes first.
    for (size_t i = HA_ARRAY_SIZE(identity->providers); i-- > 0;)
        if (identity->providers[i])
            OSSL_PROVIDER_unload(identity->providers[i]);
    *identity = (struct ha_tls_identity){0};
}

// The words of OpenSSL's first error, and of the provider when it has any.
static enum ha_code fail(struct ha_err *err, enum ha_code code, const char *what, const char *name)
{
    const char *data = NULL;
    int flags = 0;
    const char *reason = ERR_reason_error_string(ERR_peek_error_all(NULL, NULL, NULL, &data, &flags));
    bool has_data = data && flags & ERR_TXT_STRING && data[0];
    ha_fail(err, code, "%s %s: %s%s%s", what, name, reason ? reason : "no reason is known", has_data ? ": " : "",
            has_data ? data : "");
    ERR_clear_error();
    return code;
}

static X509 *read_certificate(OSSL_LIB_CTX *libctx, BIO *file)
{
    X509 *certificate = X509_new_ex(libctx, NULL);
    if (certificate && PEM_read_bio_X509(file, &certificate, NULL, NULL))
        return certificate;
    X509_free(certificate);
    return NULL;
}

static enum ha_code read_certificates(OSSL_LIB_CTX *libctx, const struct ha_tls_identity_source *source,
                                      struct ha_tls_identity *identity, struct ha_err *err)
{
    const char *path = source->certificates ? source->certificates : "the agent";
    ha_auto(BIO_free_all) BIO *file =
        source->certificates ? BIO_new_file(path, "r") : BIO_new_mem_buf(source->certificates_pem, -1);
    if (!file) {
        fail(err, HA_E_IO, "can't read the certificate", path);
        return ha_hint(err, "Give --cert a file in PEM that this user may read.");
    }
    identity->certificate = read_certificate(libctx, file);
    identity->chain = sk_X509_new_null();
    if (!identity->certificate || !identity->chain) {
        fail(err, HA_E_IO, "no certificate can be read from", path);
        return ha_hint(err, "Give --cert a file in PEM: the certificate first, the CAs' between after it.");
    }
    X509 *more;
    while (sk_X509_num(identity->chain) < CHAIN_MAX && (more = read_certificate(libctx, file)))
        if (sk_X509_push(identity->chain, more) <= 0)
            X509_free(more);
    ERR_clear_error();
    return HA_OK;
}

// The module of the build tree beside this program, else the installed one.
static enum ha_code find_modules(char **ret_directory, struct ha_err *err)
{
    ha_auto(ha_free) char *built = NULL;
    ha_auto(ha_free) char *directory = NULL;
    enum ha_code code = ha_program_find(".libs/hsmagent.so", HA_OPENSSL_MODULESDIR, &built, err);
    if (code != HA_OK)
        return code;
    char *slash = strrchr(built, '/');
    bool is_built = access(built, R_OK) == 0;
    if (is_built && slash)
        *slash = '\0';
    directory = strdup(is_built ? built : HA_OPENSSL_MODULESDIR);
    if (!directory)
        return ha_fail(err, HA_E_MEMORY, "out of memory for a path");
    *ret_directory = ha_take(&directory);
    return HA_OK;
}

static enum ha_code load_providers(OSSL_LIB_CTX *libctx, struct ha_tls_identity *identity, struct ha_err *err)
{
    ha_auto(ha_free) char *directory = NULL;
    enum ha_code code = find_modules(&directory, err);
    if (code != HA_OK)
        return code;
    // "default" first, so that all but the key stays its own.
    identity->providers[0] = OSSL_PROVIDER_load(libctx, "default");
    if (identity->providers[0] && OSSL_PROVIDER_set_default_search_path(libctx, directory) == 1)
        identity->providers[1] = OSSL_PROVIDER_load(libctx, "hsmagent");
    if (identity->providers[1])
        return HA_OK;
    fail(err, HA_E_IO, "can't load the provider hsmagent.so from", directory);
    return ha_hint(err, "Install hsm-agent whole (make install).");
}

static enum ha_code open_key(OSSL_LIB_CTX *libctx, const char *name, EVP_PKEY **ret_key, struct ha_err *err)
{
    char uri[128];
    snprintf(uri, sizeof uri, "hsm-agent:%s", name);
    EVP_PKEY *key = NULL;
    OSSL_STORE_CTX *store = OSSL_STORE_open_ex(uri, libctx, NULL, NULL, NULL, NULL, NULL, NULL);
    OSSL_STORE_INFO *info = store && OSSL_STORE_expect(store, OSSL_STORE_INFO_PKEY) ? OSSL_STORE_load(store) : NULL;
    if (info)
        key = OSSL_STORE_INFO_get1_PKEY(info);
    OSSL_STORE_INFO_free(info);
    if (!key) {
        fail(err, HA_E_IO, "can't use the agent's key", name);
        ha_hint(err, "Check the name with 'hsm-agent key list', and that the agent runs and grants this user the key.");
    }
    if (store)
        OSSL_STORE_close(store);
    if (!key)
        return err->code;
    *ret_key = key;
    return HA_OK;
}

// Nobody is asked for a passphrase.
static int no_passphrase(char *out, int size, int for_writing, void *context)
{
    return -1;
}

static enum ha_code read_key(OSSL_LIB_CTX *libctx, const char *path, EVP_PKEY **ret_key, struct ha_err *err)
{
    ha_auto(BIO_free_all) BIO *file = BIO_new_file(path, "r");
    EVP_PKEY *key = file ? PEM_read_bio_PrivateKey_ex(file, NULL, no_passphrase, NULL, libctx, NULL) : NULL;
    if (!key) {
        fail(err, HA_E_IO, "no private key can be read from", path);
        return ha_hint(err, "Give --key-file a key in PEM without a passphrase, or --key the name of the agent's key.");
    }
    *ret_key = key;
    return HA_OK;
}

enum ha_code ha_tls_identity_load(OSSL_LIB_CTX *libctx, const struct ha_tls_identity_source *source,
                                  struct ha_tls_identity *ret_identity, struct ha_err *err)
{
    ha_auto(ha_tls_identity_clear) struct ha_tls_identity identity = {0};
    if (source->key && !ha_name_valid(source->key))
        return ha_fail(err, HA_E_USAGE, "'%s' can't be a key's name", source->key);
    enum ha_code code = read_certificates(libctx, source, &identity, err);
    if (code == HA_OK && source->key)
        code = load_providers(libctx, &identity, err);
    if (code == HA_OK)
        code = source->key ? open_key(libctx, source->key, &identity.key, err)
                           : read_key(libctx, source->key_file, &identity.key, err);
    if (code != HA_OK)
        return code;
    if (X509_check_private_key(identity.certificate, identity.key) != 1) {
        ERR_clear_error();
        ha_fail(err, HA_E_CONFLICT, "the certificate in %s isn't for the key %s",
                source->certificates ? source->certificates : "the agent",
                source->key ? source->key : source->key_file);
        return ha_hint(err, "Give the certificate that was issued for this key; it has to be the file's first.");
    }
    *ret_identity = identity;
    identity = (struct ha_tls_identity){0};
    return HA_OK;
}
