# SPDX-License-Identifier: Apache-2.0
# Certificates of keys: read, put in order, installed.
cert_rig_sources = tests/unit/cert_rig.c tests/unit/cert_rig.h tests/unit/softkey.c tests/unit/softkey.h

check_PROGRAMS += tests/unit/certificates_test
TESTS += tests/unit/certificates_test
tests_unit_certificates_test_SOURCES = tests/unit/certificates_test.c $(cert_rig_sources) $(fake_sources)
tests_unit_certificates_test_CPPFLAGS = $(fake_cppflags)
tests_unit_certificates_test_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_certificates_test_LDADD = libha-keys.la $(CMOCKA_LIBS)

check_PROGRAMS += tests/unit/cert_build_test
TESTS += tests/unit/cert_build_test
tests_unit_cert_build_test_SOURCES = tests/unit/cert_build_test.c $(cert_rig_sources)
tests_unit_cert_build_test_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_cert_build_test_LDADD = libha-format.la $(CMOCKA_LIBS)

check_PROGRAMS += tests/unit/token_certificate_test
TESTS += tests/unit/token_certificate_test
tests_unit_token_certificate_test_SOURCES = tests/unit/token_certificate_test.c $(token_rig) $(token_objects) $(cert_rig_sources)
tests_unit_token_certificate_test_CPPFLAGS = $(token_test_cppflags)
tests_unit_token_certificate_test_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_token_certificate_test_LDADD = $(token_test_ldadd) $(LIBP11_LIBS)
