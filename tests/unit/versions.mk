# SPDX-License-Identifier: Apache-2.0
# Versions of keys. After channel.mk, which has the fake token.
check_PROGRAMS += tests/unit/query_test tests/unit/rotate_test tests/unit/versions_test
TESTS += tests/unit/query_test tests/unit/rotate_test tests/unit/versions_test

tests_unit_query_test_SOURCES = tests/unit/query_test.c
tests_unit_query_test_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_query_test_LDADD = libha-api.la $(CMOCKA_LIBS)

tests_unit_rotate_test_SOURCES = tests/unit/rotate_test.c $(fake_sources)
tests_unit_rotate_test_CPPFLAGS = $(fake_cppflags)
tests_unit_rotate_test_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_rotate_test_LDADD = libha-keys.la $(CMOCKA_LIBS)

tests_unit_versions_test_SOURCES = tests/unit/versions_test.c
tests_unit_versions_test_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_versions_test_LDADD = libha-keys.la $(CMOCKA_LIBS)
