# SPDX-License-Identifier: Apache-2.0
# The OpenSSL provider; the whole of it is tests/flow/16-provider.sh.
check_PROGRAMS += tests/unit/provider_reference_test
TESTS += tests/unit/provider_reference_test
tests_unit_provider_reference_test_SOURCES = tests/unit/provider_reference_test.c src/provider/reference.c \
	src/provider/reference.h
tests_unit_provider_reference_test_LDADD = libha-base.la $(CRYPTO_LIBS) $(CMOCKA_LIBS)
tests_unit_provider_reference_test_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
