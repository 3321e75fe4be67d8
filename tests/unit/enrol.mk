# SPDX-License-Identifier: Apache-2.0
# Tests of src/enrol, one program a file. tests/flow/51-est.sh and 52-dogtag.sh have it against a CA.
enrol_tests = \
	tests/unit/enrol_answer_test \
	tests/unit/enrol_dogtag_test \
	tests/unit/enrol_pending_test
check_PROGRAMS += $(enrol_tests)
TESTS += $(enrol_tests)

tests_unit_enrol_answer_test_SOURCES = tests/unit/enrol_answer_test.c
tests_unit_enrol_answer_test_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_enrol_answer_test_LDADD = libha-enrol.la $(CMOCKA_LIBS)
tests_unit_enrol_dogtag_test_SOURCES = tests/unit/enrol_dogtag_test.c
tests_unit_enrol_dogtag_test_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_enrol_dogtag_test_LDADD = libha-enrol.la $(CMOCKA_LIBS)
tests_unit_enrol_pending_test_SOURCES = tests/unit/enrol_pending_test.c
tests_unit_enrol_pending_test_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_enrol_pending_test_LDADD = libha-enrol.la $(CMOCKA_LIBS)
