// SPDX-License-Identifier: Apache-2.0
// Files with private keys that no tool of the flow tests makes.
#include "crypto/key_file.h"

#include <openssl/evp.h>
#include <openssl/pkcs12.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define PASSWORD "correct horse"

static void end_safe(STACK_OF(PKCS7) * *safes, STACK_OF(PKCS12_SAFEBAG) * *bags, bool encrypted)
{
    assert_int_equal(PKCS12_add_safe(safes, *bags, encrypted ? NID_aes_256_cbc : -1, 1, PASSWORD), 1);
    sk_PKCS12_SAFEBAG_pop_free(*bags, PKCS12_SAFEBAG_free);
    *bags = NULL;
}

// PKCS#12 with n keys, apart: each in a part of its own; encrypted: these parts are, besides the keys.
static void make(size_t n, bool apart, bool encrypted, struct ha_buf *out)
{
    STACK_OF(PKCS7) *safes = NULL;
    STACK_OF(PKCS12_SAFEBAG) *bags = NULL;
    unsigned char *der = NULL;
    for (size_t i = 0; i < n; i++) {
        EVP_PKEY *key = EVP_EC_gen("P-256");
        assert_non_null(PKCS12_add_key(&bags, key, 0, 1, NID_aes_256_cbc, PASSWORD));
        EVP_PKEY_free(key);
        if (apart || i == n - 1)
            end_safe(&safes, &bags, encrypted);
    }
    PKCS12 *pkcs12 = PKCS12_add_safes(safes, 0);
    assert_int_equal(PKCS12_set_mac(pkcs12, PASSWORD, -1, NULL, 0, 1, EVP_sha256()), 1);
    int len = i2d_PKCS12(pkcs12, &der);
    assert_true(len > 0);
    ha_buf_append(out, der, (size_t)len);
    OPENSSL_free(der);
    PKCS12_free(pkcs12);
    sk_PKCS7_pop_free(safes, PKCS7_free);
}

static enum ha_code read_one(size_t n, bool apart, bool encrypted, struct ha_err *err)
{
    struct ha_buf bytes = {0};
    struct ha_key_file file = {0};
    make(n, apart, encrypted, &bytes);
    enum ha_code code = ha_key_file_read(bytes.data, bytes.len, PASSWORD, &file, err);
    ha_key_file_clear(&file);
    ha_buf_clear(&bytes);
    return code;
}

static void key_file_with_several_keys_in_pkcs12_is_refused(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 4; i++) {
        struct ha_err err = {0};
        assert_int_equal(read_one(1, i & 1, i & 2, &err), HA_OK);
        assert_int_equal(read_one(2, i & 1, i & 2, &err), HA_E_MALFORMED);
        assert_string_equal(err.detail, "there are 2 private keys in it, and one is taken");
    }
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(key_file_with_several_keys_in_pkcs12_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
