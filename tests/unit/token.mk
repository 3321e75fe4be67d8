# SPDX-License-Identifier: Apache-2.0
# Tests of src/token: a real child on a private SoftHSM token, through a module that fails on demand.
token_rig = tests/unit/token_rig.c tests/unit/token_rig.h tests/unit/token_fault.h
token_objects = tests/unit/token_objects.c tests/unit/token_objects.h
token_test_cppflags = $(AM_CPPFLAGS) -I$(srcdir)/tests/unit
token_test_ldadd = libha-channel.la libha-crypto.la $(CMOCKA_LIBS)

check_LTLIBRARIES += tests/unit/token_fault.la
tests_unit_token_fault_la_SOURCES = tests/unit/token_fault_module.c tests/unit/token_fault.h
tests_unit_token_fault_la_CPPFLAGS = $(token_test_cppflags)
tests_unit_token_fault_la_LDFLAGS = $(AM_LDFLAGS) -module -avoid-version -shared -rpath /nowhere

token_tests = \
	tests/unit/token_bundle_test \
	tests/unit/token_context_test \
	tests/unit/token_ckr_test \
	tests/unit/token_decrypt_test \
	tests/unit/token_derive_test \
	tests/unit/token_generate_test \
	tests/unit/token_hmac_test \
	tests/unit/token_objects_test \
	tests/unit/token_packets_test \
	tests/unit/token_recover_test \
	tests/unit/token_sharing_test \
	tests/unit/token_sign_test \
	tests/unit/token_start_test
check_PROGRAMS += $(token_tests)
TESTS += $(token_tests)

tests_unit_token_bundle_test_SOURCES = tests/unit/token_bundle_test.c $(token_rig)
tests_unit_token_bundle_test_CPPFLAGS = $(token_test_cppflags)
tests_unit_token_bundle_test_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_token_bundle_test_LDADD = $(token_test_ldadd)
tests_unit_token_ckr_test_SOURCES = tests/unit/token_ckr_test.c
tests_unit_token_ckr_test_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_token_ckr_test_LDADD = libha-token.la $(CMOCKA_LIBS)
tests_unit_token_context_test_SOURCES = tests/unit/token_context_test.c $(token_rig) $(token_objects) tests/unit/token_store.c tests/unit/token_store.h
tests_unit_token_context_test_CPPFLAGS = $(token_test_cppflags)
tests_unit_token_context_test_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_token_context_test_LDADD = $(token_test_ldadd) $(LIBP11_LIBS) $(P11KIT_LIBS)
tests_unit_token_decrypt_test_SOURCES = tests/unit/token_decrypt_test.c $(token_rig)
tests_unit_token_decrypt_test_CPPFLAGS = $(token_test_cppflags)
tests_unit_token_decrypt_test_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_token_decrypt_test_LDADD = $(token_test_ldadd)
tests_unit_token_derive_test_SOURCES = tests/unit/token_derive_test.c $(token_rig)
tests_unit_token_derive_test_CPPFLAGS = $(token_test_cppflags)
tests_unit_token_derive_test_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_token_derive_test_LDADD = $(token_test_ldadd)
tests_unit_token_generate_test_SOURCES = tests/unit/token_generate_test.c $(token_rig) $(token_objects)
tests_unit_token_generate_test_CPPFLAGS = $(token_test_cppflags)
tests_unit_token_generate_test_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_token_generate_test_LDADD = $(token_test_ldadd) $(LIBP11_LIBS)
tests_unit_token_hmac_test_SOURCES = tests/unit/token_hmac_test.c $(token_rig) $(token_objects)
tests_unit_token_hmac_test_CPPFLAGS = $(token_test_cppflags)
tests_unit_token_hmac_test_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_token_hmac_test_LDADD = $(token_test_ldadd) $(LIBP11_LIBS)
tests_unit_token_objects_test_SOURCES = tests/unit/token_objects_test.c $(token_rig) $(token_objects) tests/unit/token_store.c tests/unit/token_store.h
tests_unit_token_objects_test_CPPFLAGS = $(token_test_cppflags)
tests_unit_token_objects_test_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_token_objects_test_LDADD = $(token_test_ldadd) $(LIBP11_LIBS) $(P11KIT_LIBS)
tests_unit_token_packets_test_SOURCES = tests/unit/token_packets_test.c $(token_rig)
tests_unit_token_packets_test_CPPFLAGS = $(token_test_cppflags)
tests_unit_token_packets_test_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_token_packets_test_LDADD = $(token_test_ldadd)
tests_unit_token_recover_test_SOURCES = tests/unit/token_recover_test.c $(token_rig)
tests_unit_token_recover_test_CPPFLAGS = $(token_test_cppflags)
tests_unit_token_recover_test_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_token_recover_test_LDADD = $(token_test_ldadd)
tests_unit_token_sharing_test_SOURCES = tests/unit/token_sharing_test.c $(token_rig) $(token_objects)
tests_unit_token_sharing_test_CPPFLAGS = $(token_test_cppflags)
tests_unit_token_sharing_test_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_token_sharing_test_LDADD = $(token_test_ldadd) $(LIBP11_LIBS)
tests_unit_token_sign_test_SOURCES = tests/unit/token_sign_test.c $(token_rig)
tests_unit_token_sign_test_CPPFLAGS = $(token_test_cppflags)
tests_unit_token_sign_test_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_token_sign_test_LDADD = $(token_test_ldadd)
tests_unit_token_start_test_SOURCES = tests/unit/token_start_test.c $(token_rig)
tests_unit_token_start_test_CPPFLAGS = $(token_test_cppflags)
tests_unit_token_start_test_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_token_start_test_LDADD = $(token_test_ldadd)
