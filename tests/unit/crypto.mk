# SPDX-License-Identifier: Apache-2.0
# Tests of src/crypto and src/format. softkey plays the token.

check_PROGRAMS += tests/unit/alg_test
TESTS += tests/unit/alg_test
tests_unit_alg_test_SOURCES = tests/unit/alg_test.c
tests_unit_alg_test_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_alg_test_LDADD = libha-crypto.la $(CMOCKA_LIBS)

check_PROGRAMS += tests/unit/memory_test
TESTS += tests/unit/memory_test
tests_unit_memory_test_SOURCES = tests/unit/memory_test.c
tests_unit_memory_test_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_memory_test_LDADD = libha-crypto.la $(CMOCKA_LIBS)

check_PROGRAMS += tests/unit/sigenc_test
TESTS += tests/unit/sigenc_test
tests_unit_sigenc_test_SOURCES = tests/unit/sigenc_test.c tests/unit/softkey.c tests/unit/softkey.h
tests_unit_sigenc_test_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_sigenc_test_LDADD = libha-crypto.la $(CMOCKA_LIBS)

check_PROGRAMS += tests/unit/oaep_test
TESTS += tests/unit/oaep_test
tests_unit_oaep_test_SOURCES = tests/unit/oaep_test.c tests/unit/softkey.c tests/unit/softkey.h
tests_unit_oaep_test_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_oaep_test_LDADD = libha-crypto.la $(CMOCKA_LIBS)

check_PROGRAMS += tests/unit/key_file_test
TESTS += tests/unit/key_file_test
tests_unit_key_file_test_SOURCES = tests/unit/key_file_test.c
tests_unit_key_file_test_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_key_file_test_LDADD = libha-crypto.la $(CMOCKA_LIBS)

check_PROGRAMS += tests/unit/pubkey_test
TESTS += tests/unit/pubkey_test
tests_unit_pubkey_test_SOURCES = tests/unit/pubkey_test.c tests/unit/softkey.c tests/unit/softkey.h
tests_unit_pubkey_test_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_pubkey_test_LDADD = libha-crypto.la $(CMOCKA_LIBS)

check_PROGRAMS += tests/unit/verify_test
TESTS += tests/unit/verify_test
tests_unit_verify_test_SOURCES = tests/unit/verify_test.c tests/unit/softkey.c tests/unit/softkey.h tests/unit/vectors/jose.h
tests_unit_verify_test_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_verify_test_LDADD = libha-crypto.la $(CMOCKA_LIBS)

check_PROGRAMS += tests/unit/csr_test
TESTS += tests/unit/csr_test
tests_unit_csr_test_SOURCES = tests/unit/csr_test.c tests/unit/softkey.c tests/unit/softkey.h
tests_unit_csr_test_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_csr_test_LDADD = libha-format.la $(CMOCKA_LIBS)

check_PROGRAMS += tests/unit/csr_refuse_test
TESTS += tests/unit/csr_refuse_test
tests_unit_csr_refuse_test_SOURCES = tests/unit/csr_refuse_test.c tests/unit/softkey.c tests/unit/softkey.h
tests_unit_csr_refuse_test_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_csr_refuse_test_LDADD = libha-format.la $(CMOCKA_LIBS)
