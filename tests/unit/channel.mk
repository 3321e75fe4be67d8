# SPDX-License-Identifier: Apache-2.0
# Channel, keys and API, over a fake token's process.
check_PROGRAMS += tests/unit/fake_token tests/unit/channel_test tests/unit/channel_deadline_test tests/unit/keys_test \
	tests/unit/pool_test tests/unit/queue_test tests/unit/replicas_test tests/unit/api_test tests/unit/api_tls_test
TESTS += tests/unit/channel_test tests/unit/channel_deadline_test tests/unit/keys_test tests/unit/pool_test \
	tests/unit/queue_test tests/unit/replicas_test tests/unit/api_test tests/unit/api_tls_test

check_PROGRAMS += tests/unit/bundle_test tests/unit/channel_bundle_test
TESTS += tests/unit/bundle_test tests/unit/channel_bundle_test
tests_unit_bundle_test_SOURCES = tests/unit/bundle_test.c
tests_unit_bundle_test_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_bundle_test_LDADD = libha-supervise.la $(CMOCKA_LIBS)
tests_unit_channel_bundle_test_SOURCES = tests/unit/channel_bundle_test.c $(fake_sources)
tests_unit_channel_bundle_test_CPPFLAGS = $(fake_cppflags)
tests_unit_channel_bundle_test_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_channel_bundle_test_LDADD = libha-supervise.la $(CMOCKA_LIBS)

check_PROGRAMS += tests/unit/pace_test
TESTS += tests/unit/pace_test
tests_unit_pace_test_SOURCES = tests/unit/pace_test.c
tests_unit_pace_test_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_pace_test_LDADD = libha-supervise.la $(CMOCKA_LIBS)

fake_cppflags = $(AM_CPPFLAGS) -I$(srcdir)/tests/unit -DFAKE_TOKEN_PROGRAM='"$(abs_top_builddir)/tests/unit/fake_token"'
fake_sources = tests/unit/fake.c tests/unit/fake.h

tests_unit_fake_token_SOURCES = tests/unit/fake_token.c
tests_unit_fake_token_LDADD = libha-channel.la libha-crypto.la

tests_unit_channel_test_SOURCES = tests/unit/channel_test.c $(fake_sources)
tests_unit_channel_test_CPPFLAGS = $(fake_cppflags)
tests_unit_channel_test_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_channel_test_LDADD = libha-supervise.la $(CMOCKA_LIBS)

tests_unit_channel_deadline_test_SOURCES = tests/unit/channel_deadline_test.c $(fake_sources)
tests_unit_channel_deadline_test_CPPFLAGS = $(fake_cppflags)
tests_unit_channel_deadline_test_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_channel_deadline_test_LDADD = libha-supervise.la $(CMOCKA_LIBS)

tests_unit_pool_test_SOURCES = tests/unit/pool_test.c
tests_unit_pool_test_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_pool_test_LDADD = libha-supervise.la $(CMOCKA_LIBS)

tests_unit_queue_test_SOURCES = tests/unit/queue_test.c
tests_unit_queue_test_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_queue_test_LDADD = libha-supervise.la $(CMOCKA_LIBS)

tests_unit_replicas_test_SOURCES = tests/unit/replicas_test.c $(fake_sources)
tests_unit_replicas_test_CPPFLAGS = $(fake_cppflags)
tests_unit_replicas_test_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_replicas_test_LDADD = libha-keys.la $(CMOCKA_LIBS)

tests_unit_keys_test_SOURCES = tests/unit/keys_test.c $(fake_sources)
tests_unit_keys_test_CPPFLAGS = $(fake_cppflags)
tests_unit_keys_test_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_keys_test_LDADD = libha-keys.la $(CMOCKA_LIBS)

api_rig_sources = tests/unit/api_rig.c tests/unit/api_rig.h $(fake_sources)
tests_unit_api_test_SOURCES = tests/unit/api_test.c $(api_rig_sources)
tests_unit_api_test_CPPFLAGS = $(fake_cppflags)
tests_unit_api_test_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_api_test_LDADD = libha-api.la $(CMOCKA_LIBS)

tests_unit_api_tls_test_SOURCES = tests/unit/api_tls_test.c $(api_rig_sources)
tests_unit_api_tls_test_CPPFLAGS = $(fake_cppflags)
tests_unit_api_tls_test_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_api_tls_test_LDADD = libha-api.la $(CMOCKA_LIBS)

check_PROGRAMS += tests/unit/ceremony_test
TESTS += tests/unit/ceremony_test
tests_unit_ceremony_test_SOURCES = tests/unit/ceremony_test.c
tests_unit_ceremony_test_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_ceremony_test_LDADD = libha-keys.la $(CMOCKA_LIBS)
