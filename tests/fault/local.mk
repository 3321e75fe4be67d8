# SPDX-License-Identifier: Apache-2.0
# A PKCS#11 module that wraps another one and fails by rules: tests/fault/.libs/fault_module.so, installed by nothing; a
# program that checks rules and reads what the module has counted. rules.h has the language.
check_LTLIBRARIES += libha-fault.la
libha_fault_la_SOURCES = \
	src/base/clock.c \
	src/base/err.c \
	src/token/ckr.c \
	tests/fault/functions.c \
	tests/fault/functions.h \
	tests/fault/rules.c \
	tests/fault/rules.h \
	tests/fault/state.c \
	tests/fault/state.h

check_LTLIBRARIES += tests/fault/fault_module.la
tests_fault_fault_module_la_SOURCES = \
	tests/fault/act.c \
	tests/fault/act.h \
	tests/fault/call.c \
	tests/fault/call.h \
	tests/fault/decide.c \
	tests/fault/decide.h \
	tests/fault/login.c \
	tests/fault/login.h \
	tests/fault/module.c \
	tests/fault/module.h \
	tests/fault/objects.c \
	tests/fault/objects.h \
	tests/fault/sessions.c \
	tests/fault/sessions.h \
	tests/fault/slots.c \
	tests/fault/slots.h \
	tests/fault/watch.c \
	tests/fault/watch.h \
	tests/fault/wrappers.c
tests_fault_fault_module_la_LDFLAGS = $(AM_LDFLAGS) -module -avoid-version -shared -rpath /nowhere
tests_fault_fault_module_la_LIBADD = libha-fault.la

check_PROGRAMS += tests/fault/faultctl
tests_fault_faultctl_SOURCES = tests/fault/faultctl.c
tests_fault_faultctl_LDADD = libha-fault.la

fault_rig = tests/unit/fault_rig.c tests/unit/fault_rig.h
fault_tests = tests/unit/fault_module_test tests/unit/fault_rules_test tests/unit/fault_token_test
check_PROGRAMS += $(fault_tests)
TESTS += $(fault_tests)
tests_unit_fault_module_test_SOURCES = tests/unit/fault_module_test.c $(fault_rig)
tests_unit_fault_module_test_CPPFLAGS = $(AM_CPPFLAGS) -I$(srcdir)/tests
tests_unit_fault_module_test_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_fault_module_test_LDADD = libha-fault.la $(CMOCKA_LIBS)
tests_unit_fault_rules_test_SOURCES = tests/unit/fault_rules_test.c
tests_unit_fault_rules_test_CPPFLAGS = $(AM_CPPFLAGS) -I$(srcdir)/tests
tests_unit_fault_rules_test_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_fault_rules_test_LDADD = libha-fault.la $(CMOCKA_LIBS)
tests_unit_fault_token_test_SOURCES = tests/unit/fault_token_test.c $(fault_rig)
tests_unit_fault_token_test_CPPFLAGS = $(AM_CPPFLAGS) -I$(srcdir)/tests
tests_unit_fault_token_test_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_fault_token_test_LDADD = libha-fault.la $(CMOCKA_LIBS)
