# SPDX-License-Identifier: Apache-2.0
# Tests of HTTP signatures and of the certificates they come with.
vector_sources = tests/unit/vector.c tests/unit/vector.h tests/unit/softkey.c tests/unit/softkey.h

check_PROGRAMS += tests/unit/chain_test
TESTS += tests/unit/chain_test
tests_unit_chain_test_SOURCES = tests/unit/chain_test.c $(vector_sources)
tests_unit_chain_test_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_chain_test_LDADD = libha-format.la $(CMOCKA_LIBS)

check_PROGRAMS += tests/unit/dip_test
TESTS += tests/unit/dip_test
tests_unit_dip_test_SOURCES = tests/unit/dip_test.c $(vector_sources)
tests_unit_dip_test_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_dip_test_LDADD = libha-format.la $(CMOCKA_LIBS)

check_PROGRAMS += tests/unit/canonical_json_test
TESTS += tests/unit/canonical_json_test
tests_unit_canonical_json_test_SOURCES = tests/unit/canonical_json_test.c
tests_unit_canonical_json_test_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_canonical_json_test_LDADD = libha-format.la $(CMOCKA_LIBS)

check_PROGRAMS += tests/unit/fspiop_test
TESTS += tests/unit/fspiop_test
tests_unit_fspiop_test_SOURCES = tests/unit/fspiop_test.c $(vector_sources)
tests_unit_fspiop_test_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_fspiop_test_LDADD = libha-format.la $(CMOCKA_LIBS)

check_PROGRAMS += tests/unit/rfc9421_test
TESTS += tests/unit/rfc9421_test
tests_unit_rfc9421_test_SOURCES = tests/unit/rfc9421_test.c $(vector_sources)
tests_unit_rfc9421_test_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_rfc9421_test_LDADD = libha-format.la $(CMOCKA_LIBS)

EXTRA_DIST += \
	tests/vectors/keys \
	tests/vectors/mhhs-dip.json \
	tests/vectors/mojaloop-jws.json \
	tests/vectors/mojaloop-spec-signature.json \
	tests/vectors/pki \
	tests/vectors/rfc9421.json
