# SPDX-License-Identifier: Apache-2.0
# Tests of profiles, and of what is made by an HMAC key.
check_PROGRAMS += tests/unit/profile_test
TESTS += tests/unit/profile_test
tests_unit_profile_test_SOURCES = tests/unit/profile_test.c
tests_unit_profile_test_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_profile_test_LDADD = libha-format.la $(CMOCKA_LIBS)

check_PROGRAMS += tests/unit/ilp_test
TESTS += tests/unit/ilp_test
tests_unit_ilp_test_SOURCES = tests/unit/ilp_test.c
tests_unit_ilp_test_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_ilp_test_LDADD = libha-format.la $(CRYPTO_LIBS) $(CMOCKA_LIBS)
EXTRA_DIST += tests/vectors/mojaloop-ilp.json

check_PROGRAMS += tests/unit/csr_profile_test
TESTS += tests/unit/csr_profile_test
tests_unit_csr_profile_test_SOURCES = tests/unit/csr_profile_test.c
tests_unit_csr_profile_test_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_csr_profile_test_LDADD = libha-format.la $(CMOCKA_LIBS)
