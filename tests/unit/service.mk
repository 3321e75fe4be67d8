# SPDX-License-Identifier: Apache-2.0
# What the daemon consists of beside keys and tokens: configuration, policy, HTTP, sockets.
service_tests = \
	tests/unit/config_test \
	tests/unit/content_test \
	tests/unit/tls_rule_test \
	tests/unit/policy_test \
	tests/unit/suggest_test \
	tests/unit/principal_test \
	tests/unit/limits_test \
	tests/unit/pairs_test \
	tests/unit/http_test \
	tests/unit/http_limits_test \
	tests/unit/http_times_test \
	tests/unit/listen_test \
	tests/unit/notify_test \
	tests/unit/snapshot_test
check_PROGRAMS += $(service_tests)
TESTS += $(service_tests)

tests_unit_config_test_SOURCES = tests/unit/config_test.c
tests_unit_config_test_LDADD = libha-config.la $(CMOCKA_LIBS)
tests_unit_config_test_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)

tests_unit_content_test_SOURCES = tests/unit/content_test.c
tests_unit_content_test_LDADD = libha-policy.la $(CMOCKA_LIBS)
tests_unit_content_test_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)

tests_unit_tls_rule_test_SOURCES = tests/unit/tls_rule_test.c
tests_unit_tls_rule_test_LDADD = libha-policy.la $(CMOCKA_LIBS)
tests_unit_tls_rule_test_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)

tests_unit_policy_test_SOURCES = tests/unit/policy_test.c
tests_unit_policy_test_LDADD = libha-policy.la $(CMOCKA_LIBS)
tests_unit_policy_test_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)

tests_unit_suggest_test_SOURCES = tests/unit/suggest_test.c
tests_unit_suggest_test_LDADD = libha-policy.la $(CMOCKA_LIBS)
tests_unit_suggest_test_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)

tests_unit_principal_test_SOURCES = tests/unit/principal_test.c
tests_unit_principal_test_LDADD = libha-policy.la $(CMOCKA_LIBS)
tests_unit_principal_test_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)

tests_unit_limits_test_SOURCES = tests/unit/limits_test.c
tests_unit_limits_test_LDADD = libha-policy.la $(CMOCKA_LIBS)
tests_unit_limits_test_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)

tests_unit_pairs_test_SOURCES = tests/unit/pairs_test.c
tests_unit_pairs_test_LDADD = libha-policy.la $(CMOCKA_LIBS)
tests_unit_pairs_test_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)

tests_unit_http_test_SOURCES = tests/unit/http_test.c tests/unit/http_peer.c tests/unit/http_peer.h
tests_unit_http_test_LDADD = libha-http.la $(CMOCKA_LIBS)
tests_unit_http_test_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)

tests_unit_http_limits_test_SOURCES = tests/unit/http_limits_test.c tests/unit/http_peer.c tests/unit/http_peer.h
tests_unit_http_limits_test_LDADD = libha-http.la $(CMOCKA_LIBS)
tests_unit_http_limits_test_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)

tests_unit_http_times_test_SOURCES = tests/unit/http_times_test.c tests/unit/http_peer.c tests/unit/http_peer.h
tests_unit_http_times_test_LDADD = libha-http.la $(CMOCKA_LIBS)
tests_unit_http_times_test_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)

tests_unit_listen_test_SOURCES = tests/unit/listen_test.c src/agentd/listen.c src/agentd/listen.h
tests_unit_listen_test_LDADD = libha-config.la $(CMOCKA_LIBS)
tests_unit_listen_test_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)

tests_unit_notify_test_SOURCES = tests/unit/notify_test.c src/agentd/notify.c src/agentd/notify.h
tests_unit_notify_test_LDADD = $(CMOCKA_LIBS)
tests_unit_notify_test_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)

tests_unit_snapshot_test_SOURCES = tests/unit/snapshot_test.c src/agentd/snapshot.c src/agentd/snapshot.h
tests_unit_snapshot_test_LDADD = libha-config.la $(CMOCKA_LIBS)
tests_unit_snapshot_test_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)

EXTRA_DIST += \
	tests/config/clients.conf tests/config/clients.ok \
	tests/config/defaults.conf tests/config/defaults.ok \
	tests/config/empty.conf tests/config/empty.ok \
	tests/config/options.conf tests/config/options.ok \
	tests/config/policy.conf tests/config/policy.ok \
	tests/config/second.conf tests/config/second.ok \
	tests/config/secrets.conf tests/config/secrets.ok \
	tests/config/sections.conf tests/config/sections.ok \
	tests/config/units.conf tests/config/units.ok \
	tests/config/uri.conf tests/config/uri.ok \
	tests/config/values.conf tests/config/values.ok \
	tests/config/whole.conf tests/config/whole.ok
