# SPDX-License-Identifier: Apache-2.0
# What the agent does by the clock: notices of certificates that expire, last uses, hooks; and the inventory's forms.
check_PROGRAMS += tests/unit/expiry_test
TESTS += tests/unit/expiry_test
tests_unit_expiry_test_SOURCES = tests/unit/expiry_test.c $(cert_rig_sources) $(fake_sources)
tests_unit_expiry_test_CPPFLAGS = $(fake_cppflags)
tests_unit_expiry_test_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_expiry_test_LDADD = libha-keys.la $(CMOCKA_LIBS)

check_PROGRAMS += tests/unit/hook_test
TESTS += tests/unit/hook_test
tests_unit_hook_test_SOURCES = tests/unit/hook_test.c
tests_unit_hook_test_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_hook_test_LDADD = libha-agentd.la $(CMOCKA_LIBS)

check_PROGRAMS += tests/unit/inventory_test
TESTS += tests/unit/inventory_test
tests_unit_inventory_test_SOURCES = tests/unit/inventory_test.c
tests_unit_inventory_test_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_inventory_test_LDADD = libha-cli.la $(CMOCKA_LIBS)
