# SPDX-License-Identifier: Apache-2.0
# The audit log.
check_PROGRAMS += tests/unit/audit_test tests/unit/audit_disk_test tests/bench/audit_make
TESTS += tests/unit/audit_test tests/unit/audit_disk_test

audit_rig_sources = tests/unit/audit_rig.c tests/unit/audit_rig.h tests/unit/softkey.c tests/unit/softkey.h

audit_case_sources = tests/unit/audit_case.c tests/unit/audit_case.h $(audit_rig_sources)

tests_unit_audit_test_SOURCES = tests/unit/audit_test.c $(audit_case_sources)
tests_unit_audit_test_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_audit_test_LDADD = libha-audit.la libha-format.la $(CMOCKA_LIBS)

tests_unit_audit_disk_test_SOURCES = tests/unit/audit_disk_test.c $(audit_case_sources)
tests_unit_audit_disk_test_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_audit_disk_test_LDADD = libha-audit.la libha-format.la $(CMOCKA_LIBS)

tests_bench_audit_make_SOURCES = tests/bench/audit_make.c $(audit_rig_sources)
tests_bench_audit_make_CPPFLAGS = $(AM_CPPFLAGS) -I$(srcdir)/tests/unit
tests_bench_audit_make_LDADD = libha-audit.la libha-format.la $(CMOCKA_LIBS)
