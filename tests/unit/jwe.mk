# SPDX-License-Identifier: Apache-2.0
# Tests of JSON Web Encryption and what it is made of, with the vectors of tests/vectors.
EXTRA_DIST += tests/vectors/jwe.json tests/vectors/mojaloop-encryption.json
jwe_cppflags = $(AM_CPPFLAGS) -DVECTORS='"$(abs_top_srcdir)/tests/vectors/"'
jwe_rig = tests/unit/jwe_rig.c tests/unit/jwe_rig.h tests/unit/softkey.c tests/unit/softkey.h

check_PROGRAMS += tests/unit/aead_test
TESTS += tests/unit/aead_test
tests_unit_aead_test_SOURCES = tests/unit/aead_test.c
tests_unit_aead_test_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_aead_test_LDADD = libha-crypto.la $(CMOCKA_LIBS)

check_PROGRAMS += tests/unit/jwe_test
TESTS += tests/unit/jwe_test
tests_unit_jwe_test_SOURCES = tests/unit/jwe_test.c $(jwe_rig)
tests_unit_jwe_test_CPPFLAGS = $(jwe_cppflags)
tests_unit_jwe_test_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_jwe_test_LDADD = libha-format.la $(CMOCKA_LIBS)

check_PROGRAMS += tests/unit/jwe_encrypt_test
TESTS += tests/unit/jwe_encrypt_test
tests_unit_jwe_encrypt_test_SOURCES = tests/unit/jwe_encrypt_test.c $(jwe_rig)
tests_unit_jwe_encrypt_test_CPPFLAGS = $(jwe_cppflags)
tests_unit_jwe_encrypt_test_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_jwe_encrypt_test_LDADD = libha-format.la $(CMOCKA_LIBS)

check_PROGRAMS += tests/unit/fspiop_encryption_test
TESTS += tests/unit/fspiop_encryption_test
tests_unit_fspiop_encryption_test_SOURCES = tests/unit/fspiop_encryption_test.c $(jwe_rig)
tests_unit_fspiop_encryption_test_CPPFLAGS = $(jwe_cppflags)
tests_unit_fspiop_encryption_test_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_fspiop_encryption_test_LDADD = libha-format.la $(CMOCKA_LIBS)
