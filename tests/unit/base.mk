# SPDX-License-Identifier: Apache-2.0
# Tests of src/base, one program a file.
base_tests = \
	tests/unit/affinity_test \
	tests/unit/buf_test \
	tests/unit/err_test \
	tests/unit/file_test \
	tests/unit/ini_test \
	tests/unit/json_test \
	tests/unit/json_write_test \
	tests/unit/landlock_test \
	tests/unit/log_test \
	tests/unit/seccomp_test \
	tests/unit/secret_test \
	tests/unit/text_test
check_PROGRAMS += $(base_tests)
TESTS += $(base_tests)

tests_unit_affinity_test_SOURCES = tests/unit/affinity_test.c
tests_unit_affinity_test_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_affinity_test_LDADD = libha-base.la $(CMOCKA_LIBS)
tests_unit_buf_test_SOURCES = tests/unit/buf_test.c
tests_unit_buf_test_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_buf_test_LDADD = libha-base.la $(CMOCKA_LIBS)
tests_unit_err_test_SOURCES = tests/unit/err_test.c
tests_unit_err_test_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_err_test_LDADD = libha-base.la $(CMOCKA_LIBS)
tests_unit_file_test_SOURCES = tests/unit/file_test.c
tests_unit_file_test_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_file_test_LDADD = libha-base.la $(CMOCKA_LIBS)
tests_unit_ini_test_SOURCES = tests/unit/ini_test.c
tests_unit_ini_test_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_ini_test_LDADD = libha-base.la $(CMOCKA_LIBS)
tests_unit_json_test_SOURCES = tests/unit/json_test.c
tests_unit_json_test_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_json_test_LDADD = libha-base.la $(CMOCKA_LIBS)
tests_unit_json_write_test_SOURCES = tests/unit/json_write_test.c
tests_unit_json_write_test_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_json_write_test_LDADD = libha-base.la $(CMOCKA_LIBS)
tests_unit_log_test_SOURCES = tests/unit/log_test.c
tests_unit_log_test_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_log_test_LDADD = libha-base.la $(CMOCKA_LIBS)
tests_unit_secret_test_SOURCES = tests/unit/secret_test.c
tests_unit_secret_test_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_secret_test_LDADD = libha-base.la $(CMOCKA_LIBS)
tests_unit_text_test_SOURCES = tests/unit/text_test.c
tests_unit_text_test_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_text_test_LDADD = libha-base.la $(CMOCKA_LIBS)
tests_unit_landlock_test_SOURCES = tests/unit/landlock_test.c
tests_unit_landlock_test_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_landlock_test_LDADD = libha-base.la $(CMOCKA_LIBS)
tests_unit_seccomp_test_SOURCES = tests/unit/seccomp_test.c
tests_unit_seccomp_test_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_seccomp_test_LDADD = libha-base.la $(CMOCKA_LIBS)
