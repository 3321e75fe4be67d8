# SPDX-License-Identifier: Apache-2.0
# The client library and the command line.
check_PROGRAMS += tests/unit/client_http1_test
TESTS += tests/unit/client_http1_test
tests_unit_client_http1_test_SOURCES = tests/unit/client_http1_test.c
tests_unit_client_http1_test_LDADD = libha-client.la libha-base.la $(CMOCKA_LIBS)
tests_unit_client_http1_test_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)

check_PROGRAMS += tests/unit/client_test
TESTS += tests/unit/client_test
tests_unit_client_test_SOURCES = tests/unit/client_test.c tests/unit/fake_agent.c tests/unit/fake_agent.h
tests_unit_client_test_LDADD = libha-client.la libha-base.la $(CMOCKA_LIBS)
tests_unit_client_test_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)

check_PROGRAMS += tests/unit/client_pool_test
TESTS += tests/unit/client_pool_test
tests_unit_client_pool_test_SOURCES = tests/unit/client_pool_test.c tests/unit/fake_agent.c tests/unit/fake_agent.h
tests_unit_client_pool_test_LDADD = libha-client.la libha-base.la $(CMOCKA_LIBS)
tests_unit_client_pool_test_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)

# The library as others see it: the shared object and the public header.
check_PROGRAMS += tests/unit/client_library_test
TESTS += tests/unit/client_library_test
tests_unit_client_library_test_SOURCES = tests/unit/client_library_test.c tests/unit/fake_agent.c \
	tests/unit/fake_agent.h
tests_unit_client_library_test_LDADD = libhsmagent.la $(CMOCKA_LIBS)
tests_unit_client_library_test_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)

# The manual's example, which tests/flow/21-client-library.sh runs.
check_PROGRAMS += tests/unit/client_example
tests_unit_client_example_SOURCES = tests/unit/client_example.c
tests_unit_client_example_LDADD = libhsmagent.la

# Run by the same.
check_PROGRAMS += tests/unit/client_crowd
tests_unit_client_crowd_SOURCES = tests/unit/client_crowd.c
tests_unit_client_crowd_LDADD = libhsmagent.la

check_PROGRAMS += tests/unit/cli_opt_test
TESTS += tests/unit/cli_opt_test
tests_unit_cli_opt_test_SOURCES = tests/unit/cli_opt_test.c
tests_unit_cli_opt_test_LDADD = libha-cli.la $(CMOCKA_LIBS)
tests_unit_cli_opt_test_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)

check_PROGRAMS += tests/unit/cli_subject_test
TESTS += tests/unit/cli_subject_test
tests_unit_cli_subject_test_SOURCES = tests/unit/cli_subject_test.c
tests_unit_cli_subject_test_LDADD = libha-cli.la $(CMOCKA_LIBS)
tests_unit_cli_subject_test_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)

check_PROGRAMS += tests/unit/cli_command_test
TESTS += tests/unit/cli_command_test
tests_unit_cli_command_test_SOURCES = tests/unit/cli_command_test.c tests/unit/cli_run.c tests/unit/cli_run.h \
	tests/unit/fake_agent.c tests/unit/fake_agent.h
tests_unit_cli_command_test_LDADD = libha-cli.la $(CMOCKA_LIBS)
tests_unit_cli_command_test_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)

check_PROGRAMS += tests/unit/cli_use_test
TESTS += tests/unit/cli_use_test
tests_unit_cli_use_test_SOURCES = tests/unit/cli_use_test.c tests/unit/cli_run.c tests/unit/cli_run.h \
	tests/unit/fake_agent.c tests/unit/fake_agent.h
tests_unit_cli_use_test_LDADD = libha-cli.la $(CMOCKA_LIBS)
tests_unit_cli_use_test_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)

# The manual pages against the tables of the code.
check_PROGRAMS += tests/unit/manual_test
TESTS += tests/unit/manual_test
tests_unit_manual_test_SOURCES = tests/unit/manual_test.c
tests_unit_manual_test_CPPFLAGS = $(AM_CPPFLAGS) -DHA_TOP_SRCDIR='"$(abs_top_srcdir)"'
tests_unit_manual_test_LDADD = libha-cli.la libha-format.la libha-crypto.la libha-base.la $(CMOCKA_LIBS)
tests_unit_manual_test_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
