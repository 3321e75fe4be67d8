// SPDX-License-Identifier: Apache-2.0
// What OpenSSL has freed is looked for where it was. The first bytes of that are the allocator's.
#include "crypto/memory.h"

#include <fcntl.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { SIZE = 1000, SKIPPED = 64 };

static size_t count_marks(const void *where)
{
    unsigned char bytes[SIZE];
    size_t n = 0;
    int fd = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(pread(fd, bytes, sizeof bytes, (off_t)(uintptr_t)where), sizeof bytes);
    close(fd);
    for (size_t i = SKIPPED; i < SIZE; i++)
        n += bytes[i] == 'M';
    return n;
}

static void memory_that_is_freed_is_wiped(void **state)
{
    unsigned char *bytes = OPENSSL_malloc(SIZE);
    memset(bytes, 'M', SIZE);
    assert_int_equal(count_marks(bytes), SIZE - SKIPPED);
    volatile uintptr_t where = (uintptr_t)bytes;
    OPENSSL_free(bytes);
    assert_int_equal(count_marks((const void *)where), 0);
}

static void memory_that_moves_is_wiped_where_it_was(void **state)
{
    unsigned char *bytes = OPENSSL_malloc(SIZE);
    memset(bytes, 'M', SIZE);
    volatile uintptr_t where = (uintptr_t)bytes;
    unsigned char *more = OPENSSL_realloc(bytes, 100 * SIZE);
    assert_int_equal(count_marks(more), SIZE - SKIPPED);
    if ((uintptr_t)more != where)
        assert_int_equal(count_marks((const void *)where), 0);
    memset(more, 'M', SIZE);
    assert_ptr_equal(OPENSSL_realloc(more, 10), more);
    assert_null(OPENSSL_realloc(more, 0));
    unsigned char *made = OPENSSL_realloc(NULL, SIZE);
    assert_non_null(made);
    OPENSSL_free(made);
    OPENSSL_free(NULL);
}

static void memory_in_use_is_left_alone(void **state)
{
    EVP_PKEY *key = EVP_RSA_gen(2048);
    unsigned char *der = NULL;
    int n = i2d_PrivateKey(key, &der);
    const unsigned char *at = der;
    EVP_PKEY *again = d2i_AutoPrivateKey(NULL, &at, n);
    assert_int_equal(EVP_PKEY_eq(key, again), 1);
    OPENSSL_free(der);
    EVP_PKEY_free(key);
    EVP_PKEY_free(again);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_that_is_freed_is_wiped),
        cmocka_unit_test(memory_that_moves_is_wiped_where_it_was),
        cmocka_unit_test(memory_in_use_is_left_alone),
    };
    if (!ha_memory_wipe_freed())
        return 1;
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
