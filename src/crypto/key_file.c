// SPDX-License-Identifier: Apache-2.0
#include "crypto/key_file.h"

#include "base/secret.h"
#include "crypto/ossl.h"
#include "crypto/private_key.h"

#include <limits.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/provider.h>
#include <string.h>

static inline void free_certificates(STACK_OF(X509) * certificates)
{
    sk_X509_pop_free(certificates, X509_free);
}

static inline void free_safes(STACK_OF(PKCS7) * safes)
{
    sk_PKCS7_pop_free(safes, PKCS7_free);
}

static inline void free_bags(STACK_OF(PKCS12_SAFEBAG) * bags)
{
    sk_PKCS12_SAFEBAG_pop_free(bags, PKCS12_SAFEBAG_free);
}

HA_AUTO_DEFINE(BIO, BIO_free_all)
HA_AUTO_DEFINE(OSSL_LIB_CTX, OSSL_LIB_CTX_free)
HA_AUTO_DEFINE(OSSL_PROVIDER, OSSL_PROVIDER_unload)
HA_AUTO_DEFINE(PKCS12, PKCS12_free)
HA_AUTO_DEFINE(PKCS8_PRIV_KEY_INFO, PKCS8_PRIV_KEY_INFO_free)
HA_AUTO_DEFINE(X509, X509_free)
HA_AUTO_DEFINE(X509_SIG, X509_SIG_free)
HA_AUTO_DEFINE(STACK_OF(PKCS12_SAFEBAG), free_bags)
HA_AUTO_DEFINE(STACK_OF(PKCS7), free_safes)
HA_AUTO_DEFINE(STACK_OF(X509), free_certificates)

struct reading {
    OSSL_LIB_CTX *ctx;
    const char *password;
    EVP_PKEY *key;  // the first one; owned
    size_t n_keys;
    STACK_OF(X509) * certificates;  // owned
};

void ha_key_file_clear(struct ha_key_file *file)
{
    ha_buf_clear(&file->pkcs8);
    ha_buf_clear(&file->certificates);
    ha_pubkey_free(file->public_key);
    *file = (struct ha_key_file){0};
}

static enum ha_code no_key(struct ha_err *err)
{
    ERR_clear_error();
    ha_fail(err, HA_E_MALFORMED, "there is no private key in it");
    return ha_hint(err, "PKCS#12, PKCS#8, PKCS#1 and SEC 1 are read, in DER or PEM.");
}

static enum ha_code cut_off(struct ha_err *err)
{
    ERR_clear_error();
    ha_fail(err, HA_E_MALFORMED, "it is cut off");
    return ha_hint(err, "Transfer the file again.");
}

static enum ha_code wrong_password(struct ha_err *err)
{
    ERR_clear_error();
    ha_fail(err, HA_E_MALFORMED, "the password doesn't open it, or it was altered");
    return ha_hint(err, "Give the password that came with this file; none was tried but that one.");
}

static enum ha_code needs_password(struct ha_err *err)
{
    ha_fail(err, HA_E_MALFORMED, "it is encrypted, and there is no password");
    return ha_hint(err, "Give its password.");
}

// --- DER

// Whether the bytes begin a SEQUENCE that is longer than they are.
static bool is_cut_off(const uint8_t *bytes, size_t n)
{
    if (n < 2 || bytes[0] != 0x30)
        return false;
    size_t n_len = bytes[1] & 0x80 ? bytes[1] & 0x7f : 0;
    size_t len = n_len ? 0 : bytes[1];
    if (n_len > sizeof(uint32_t) || n < 2 + n_len)
        return n_len <= sizeof(uint32_t);
    for (size_t i = 0; i < n_len; i++)
        len = len << 8 | bytes[2 + i];
    return len > n - 2 - n_len;
}

static PKCS12 *as_pkcs12(OSSL_LIB_CTX *ctx, const uint8_t *der, size_t n)
{
    const unsigned char *at = der;
    PKCS12 *pkcs12 = PKCS12_init_ex(NID_pkcs7_data, ctx, NULL);
    return pkcs12 ? d2i_PKCS12(&pkcs12, &at, (long)n) : NULL;
}

static X509_SIG *as_encrypted(const uint8_t *der, size_t n)
{
    const unsigned char *at = der;
    return d2i_X509_SIG(NULL, &at, (long)n);
}

static enum ha_code add_key(struct reading *reading, EVP_PKEY *key)
{
    reading->n_keys++;
    if (reading->key)
        EVP_PKEY_free(key);
    else
        reading->key = key;
    return HA_OK;
}

static enum ha_code read_encrypted(struct reading *reading, const X509_SIG *encrypted, struct ha_err *err)
{
    if (!reading->password)
        return needs_password(err);
    ha_auto(PKCS8_PRIV_KEY_INFO_free) PKCS8_PRIV_KEY_INFO *info =
        PKCS8_decrypt_ex(encrypted, reading->password, (int)strlen(reading->password), reading->ctx, NULL);
    // Now and then a wrong password leaves what looks like a padding, but never a key.
    EVP_PKEY *key = info ? EVP_PKCS82PKEY_ex(info, reading->ctx, NULL) : NULL;
    return key ? add_key(reading, key) : wrong_password(err);
}

static void take_certificates(struct reading *reading, X509 *own, STACK_OF(X509) * others)
{
    if (own)
        sk_X509_push(reading->certificates, own);
    while (others && sk_X509_num(others) > 0)
        sk_X509_push(reading->certificates, sk_X509_shift(others));
}

static size_t count_keys(const STACK_OF(PKCS12_SAFEBAG) * bags)
{
    size_t n = 0;
    for (int i = 0; bags && i < sk_PKCS12_SAFEBAG_num(bags); i++) {
        const PKCS12_SAFEBAG *bag = sk_PKCS12_SAFEBAG_value(bags, i);
        int nid = PKCS12_SAFEBAG_get_nid(bag);
        if (nid == NID_safeContentsBag)
            n += count_keys(PKCS12_SAFEBAG_get0_safes(bag));
        else
            n += nid == NID_keyBag || nid == NID_pkcs8ShroudedKeyBag;
    }
    return n;
}

// PKCS12_parse takes the first key and is silent about others.
static size_t count_all_keys(const PKCS12 *pkcs12, const char *password)
{
    size_t n = 0;
    ha_auto(free_safes) STACK_OF(PKCS7) *safes = PKCS12_unpack_authsafes(pkcs12);
    for (int i = 0; safes && i < sk_PKCS7_num(safes); i++) {
        PKCS7 *safe = sk_PKCS7_value(safes, i);
        ha_auto(free_bags) STACK_OF(PKCS12_SAFEBAG) *bags =
            PKCS7_type_is_data(safe) ? PKCS12_unpack_p7data(safe) : PKCS12_unpack_p7encdata(safe, password, -1);
        if (!bags && !password[0])
            bags = PKCS12_unpack_p7encdata(safe, NULL, 0);
        n += count_keys(bags);
    }
    ERR_clear_error();
    return n;
}

static enum ha_code read_pkcs12(struct reading *reading, PKCS12 *pkcs12, struct ha_err *err)
{
    ha_auto(free_certificates) STACK_OF(X509) *others = NULL;
    EVP_PKEY *key = NULL;
    X509 *own = NULL;
    // An empty password is written in two ways, and PKCS12_parse tries both.
    bool opens = !PKCS12_mac_present(pkcs12) || PKCS12_verify_mac(pkcs12, reading->password, -1) == 1 ||
                 (!reading->password[0] && PKCS12_verify_mac(pkcs12, NULL, 0) == 1);
    if (!opens)
        return wrong_password(err);
    if (PKCS12_parse(pkcs12, reading->password, &key, &own, &others) != 1)
        return PKCS12_mac_present(pkcs12)
                   ? ha_ossl_fail(err, HA_E_MALFORMED, "its password is right, but the key can't be read")
                   : wrong_password(err);
    take_certificates(reading, own, others);
    if (!key)
        return no_key(err);
    add_key(reading, key);
    size_t n_keys = count_all_keys(pkcs12, reading->password);
    if (n_keys > 1)
        reading->n_keys = n_keys;
    return HA_OK;
}

static enum ha_code read_der(struct reading *reading, const uint8_t *der, size_t n, struct ha_err *err)
{
    ha_auto(PKCS12_free) PKCS12 *pkcs12 = NULL;
    ha_auto(X509_SIG_free) X509_SIG *encrypted = NULL;
    const unsigned char *at = der;
    EVP_PKEY *key = NULL;
    if (is_cut_off(der, n))
        return cut_off(err);
    if ((pkcs12 = as_pkcs12(reading->ctx, der, n)))
        return reading->password ? read_pkcs12(reading, pkcs12, err) : needs_password(err);
    if ((encrypted = as_encrypted(der, n)))
        return read_encrypted(reading, encrypted, err);
    if ((key = d2i_AutoPrivateKey_ex(NULL, &at, (long)n, reading->ctx, NULL)))
        return add_key(reading, key);
    return no_key(err);
}

// --- PEM

struct block {
    char *name, *header;
    unsigned char *data;
    long len;
};

static void block_clear(struct block *block)
{
    if (block->data)
        ha_wipe(block->data, (size_t)block->len);
    OPENSSL_free(block->name);
    OPENSSL_free(block->header);
    OPENSSL_free(block->data);
}
HA_AUTO_DEFINE_CLEAR(struct block, block_clear)

static int give_password(char *room, int size, int writing, void *context)
{
    const char *password = context;
    size_t n = strlen(password);
    (void)writing;
    if (n > (size_t)size)
        return -1;
    memcpy(room, password, n);
    return (int)n;
}

// The old way to encrypt a PEM file: a header with a cipher of OpenSSL's.
static enum ha_code decrypt_block(const struct reading *reading, struct block *block, struct ha_err *err)
{
    EVP_CIPHER_INFO cipher;
    if (!block->header[0])
        return HA_OK;
    if (!PEM_get_EVP_CIPHER_INFO(block->header, &cipher))
        return ha_ossl_fail(err, HA_E_MALFORMED, "its encryption isn't known");
    if (cipher.cipher && !reading->password)
        return needs_password(err);
    return PEM_do_header(&cipher, block->data, &block->len, give_password, (void *)(uintptr_t)reading->password)
               ? HA_OK
               : wrong_password(err);
}

static enum ha_code read_certificate(struct reading *reading, const struct block *block, struct ha_err *err)
{
    const unsigned char *at = block->data;
    X509 *certificate = d2i_X509(NULL, &at, block->len);
    if (!certificate)
        return ha_ossl_fail(err, HA_E_MALFORMED, "a certificate in it can't be read");
    sk_X509_push(reading->certificates, certificate);
    return HA_OK;
}

static enum ha_code read_block(struct reading *reading, struct block *block, struct ha_err *err)
{
    static const char *const certificates[] = {PEM_STRING_X509, PEM_STRING_X509_OLD, PEM_STRING_X509_TRUSTED};
    static const char tail[] = "PRIVATE KEY";
    size_t n = strlen(block->name);
    for (size_t i = 0; i < HA_ARRAY_SIZE(certificates); i++)
        if (strcmp(block->name, certificates[i]) == 0)
            return read_certificate(reading, block, err);
    if (n < sizeof(tail) - 1 || strcmp(block->name + n - (sizeof(tail) - 1), tail) != 0)
        return HA_OK;  // parameters of a curve, a public key
    if (decrypt_block(reading, block, err))
        return err->code;
    return read_der(reading, block->data, (size_t)block->len, err);
}

static bool next_block(BIO *bio, struct block *block)
{
    return PEM_read_bio_ex(bio, &block->name, &block->header, &block->data, &block->len, PEM_FLAG_EAY_COMPATIBLE) == 1;
}

static enum ha_code read_pem(struct reading *reading, const uint8_t *text, size_t n, struct ha_err *err)
{
    ha_auto(BIO_free_all) BIO *bio = BIO_new_mem_buf(text, (int)n);
    while (bio) {
        ha_auto(block_clear) struct block block = {0};
        if (!next_block(bio, &block))
            break;
        if (read_block(reading, &block, err))
            return err->code;
    }
    bool at_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
    ERR_clear_error();
    return at_end ? HA_OK : cut_off(err);
}

static bool is_pem(const uint8_t *bytes, size_t n)
{
    static const char mark[] = "-----BEGIN ";
    return memmem(bytes, n, mark, sizeof(mark) - 1) != NULL;
}

// --- The whole

static enum ha_code write_certificates(const struct reading *reading, struct ha_key_file *file, struct ha_err *err)
{
    ha_auto(BIO_free_all) BIO *bio = BIO_new(BIO_s_mem());
    const int n = sk_X509_num(reading->certificates);
    char *text = NULL;
    int own = -1;
    for (int i = 0; i < n && own < 0; i++)
        if (X509_check_private_key(sk_X509_value(reading->certificates, i), reading->key) == 1)
            own = i;
    ERR_clear_error();
    if (!bio || (own >= 0 && !PEM_write_bio_X509(bio, sk_X509_value(reading->certificates, own))))
        return ha_ossl_fail(err, HA_E_MEMORY, "writing a certificate");
    for (int i = 0; i < n; i++)
        if (i != own && !PEM_write_bio_X509(bio, sk_X509_value(reading->certificates, i)))
            return ha_ossl_fail(err, HA_E_MEMORY, "writing a certificate");
    long len = BIO_get_mem_data(bio, &text);
    ha_buf_append(&file->certificates, text, (size_t)len);
    file->n_certificates = (size_t)n;
    file->has_own = own >= 0;
    return ha_buf_ok(&file->certificates) ? HA_OK : ha_fail(err, HA_E_MEMORY, "no memory for certificates");
}

static enum ha_code read_all(struct reading *reading, const uint8_t *bytes, size_t n, struct ha_key_file *file,
                             struct ha_err *err)
{
    if (is_pem(bytes, n) ? read_pem(reading, bytes, n, err) : read_der(reading, bytes, n, err))
        return err->code;
    if (reading->n_keys == 0)
        return no_key(err);
    if (reading->n_keys > 1)
        return ha_fail(err, HA_E_MALFORMED, "there are %zu private keys in it, and one is taken", reading->n_keys);
    if (ha_private_key_encode(reading->key, &file->pkcs8, &file->public_key, err))
        return err->code;
    return write_certificates(reading, file, err);
}

enum ha_code ha_key_file_read(const uint8_t *bytes, size_t n, const char *password, struct ha_key_file *ret_file,
                              struct ha_err *err)
{
    // A library context of its own, so that the old methods are nowhere else. They may not be installed at all.
    ha_auto(OSSL_LIB_CTX_free) OSSL_LIB_CTX *ctx = OSSL_LIB_CTX_new();
    ha_auto(OSSL_PROVIDER_unload) OSSL_PROVIDER *usual = ctx ? OSSL_PROVIDER_load(ctx, "default") : NULL;
    ha_auto(OSSL_PROVIDER_unload) OSSL_PROVIDER *old = usual ? OSSL_PROVIDER_load(ctx, "legacy") : NULL;
    struct reading reading = {.ctx = ctx, .password = password, .certificates = sk_X509_new_null()};
    struct ha_key_file file = {0};
    (void)old;
    enum ha_code code;
    if (n == 0)
        code = ha_fail(err, HA_E_MALFORMED, "it is empty");
    else if (!usual || !reading.certificates)
        code = ha_ossl_fail(err, HA_E_MEMORY, "preparing OpenSSL");
    else if (n > HA_KEY_FILE_MAX)
        code = ha_fail(err, HA_E_TOO_LARGE, "it has more than %d bytes", HA_KEY_FILE_MAX);
    else
        code = read_all(&reading, bytes, n, &file, err);
    ERR_clear_error();
    EVP_PKEY_free(reading.key);
    free_certificates(reading.certificates);
    if (code)
        ha_key_file_clear(&file);
    else
        *ret_file = file;
    return code;
}

bool ha_key_file_is_encrypted(const uint8_t *bytes, size_t n)
{
    bool encrypted = false;
    if (n > HA_KEY_FILE_MAX)
        return false;
    if (is_pem(bytes, n)) {
        ha_auto(BIO_free_all) BIO *bio = BIO_new_mem_buf(bytes, (int)n);
        while (bio && !encrypted) {
            ha_auto(block_clear) struct block block = {0};
            if (!next_block(bio, &block))
                break;
            encrypted = strcmp(block.name, PEM_STRING_PKCS8) == 0 || strstr(block.header, "ENCRYPTED");
        }
    } else {
        ha_auto(PKCS12_free) PKCS12 *pkcs12 = as_pkcs12(NULL, bytes, n);
        ha_auto(X509_SIG_free) X509_SIG *sealed = as_encrypted(bytes, n);
        encrypted = pkcs12 || sealed;
    }
    ERR_clear_error();
    return encrypted;
}

// --- Writing

static bool read_chain(const char *text, X509 **ret_own, STACK_OF(X509) * others)
{
    ha_auto(BIO_free_all) BIO *bio = BIO_new_mem_buf(text, -1);
    X509 *certificate;
    while (bio && (certificate = PEM_read_bio_X509(bio, NULL, NULL, NULL))) {
        if (!*ret_own)
            *ret_own = certificate;
        else if (!sk_X509_push(others, certificate))
            X509_free(certificate);
    }
    bool at_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
    ERR_clear_error();
    return at_end;
}

enum ha_code ha_key_file_write(const struct ha_buf *pkcs8, const char *certificates, const char *name,
                               const char *password, struct ha_buf *out, struct ha_err *err)
{
    enum { ROUNDS = 100000 };
    const unsigned char *at = pkcs8->data;
    ha_auto(EVP_PKEY_free) EVP_PKEY *key = d2i_AutoPrivateKey(NULL, &at, (long)pkcs8->len);
    ha_auto(free_certificates) STACK_OF(X509) *others = sk_X509_new_null();
    ha_auto(X509_free) X509 *own = NULL;
    ha_auto(PKCS12_free) PKCS12 *pkcs12 = NULL;
    unsigned char *der = NULL;
    if (!key || !others)
        return ha_ossl_fail(err, HA_E_INTERNAL, "the key can't be read");
    if (certificates && !read_chain(certificates, &own, others))
        return ha_fail(err, HA_E_MALFORMED, "a certificate can't be read");
    if (own && X509_check_private_key(own, key) != 1) {
        ERR_clear_error();
        return ha_fail(err, HA_E_MALFORMED, "the first certificate isn't one of the key");
    }
    pkcs12 =
        PKCS12_create_ex(password, name, key, own, others, NID_aes_256_cbc, NID_aes_256_cbc, ROUNDS, -1, 0, NULL, NULL);
    if (!pkcs12 || PKCS12_set_mac(pkcs12, password, -1, NULL, 0, ROUNDS, EVP_sha256()) != 1)
        return ha_ossl_fail(err, HA_E_INTERNAL, "writing PKCS#12");
    int n = i2d_PKCS12(pkcs12, &der);
    if (n <= 0)
        return ha_ossl_fail(err, HA_E_INTERNAL, "writing PKCS#12");
    ha_buf_append(out, der, (size_t)n);
    OPENSSL_clear_free(der, (size_t)n);
    return ha_buf_ok(out) ? HA_OK : ha_fail(err, HA_E_MEMORY, "no memory for PKCS#12");
}
