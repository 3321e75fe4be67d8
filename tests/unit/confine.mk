# SPDX-License-Identifier: Apache-2.0
# What the processes give up, and who starts programs for them.
check_PROGRAMS += tests/unit/confine_test tests/unit/looker_test tests/unit/starter_test
TESTS += tests/unit/confine_test tests/unit/looker_test tests/unit/starter_test
tests_unit_confine_test_SOURCES = tests/unit/confine_test.c
tests_unit_confine_test_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_confine_test_LDADD = libha-agentd.la libha-token.la $(CMOCKA_LIBS)
tests_unit_starter_test_SOURCES = tests/unit/starter_test.c
tests_unit_starter_test_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_starter_test_LDADD = libha-agentd.la $(CMOCKA_LIBS)
tests_unit_looker_test_SOURCES = tests/unit/looker_test.c
tests_unit_looker_test_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_looker_test_LDADD = libha-agentd.la $(CMOCKA_LIBS)
