# SPDX-License-Identifier: Apache-2.0
# Tests of JSON Web Signatures, Tokens and keys, with the vectors of tests/vectors.
EXTRA_DIST += tests/vectors/jws.json tests/vectors/uae-jwt.json
jose_cppflags = $(AM_CPPFLAGS) -DVECTORS='"$(abs_top_srcdir)/tests/vectors/"'
jose_rig = tests/unit/jose_rig.c tests/unit/jose_rig.h tests/unit/softkey.c tests/unit/softkey.h

check_PROGRAMS += tests/unit/json_text_test
TESTS += tests/unit/json_text_test
tests_unit_json_text_test_SOURCES = tests/unit/json_text_test.c
tests_unit_json_text_test_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_json_text_test_LDADD = libha-base.la $(CMOCKA_LIBS)

check_PROGRAMS += tests/unit/jwk_test
TESTS += tests/unit/jwk_test
tests_unit_jwk_test_SOURCES = tests/unit/jwk_test.c $(jose_rig)
tests_unit_jwk_test_CPPFLAGS = $(jose_cppflags)
tests_unit_jwk_test_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_jwk_test_LDADD = libha-format.la $(CMOCKA_LIBS)

check_PROGRAMS += tests/unit/jws_test
TESTS += tests/unit/jws_test
tests_unit_jws_test_SOURCES = tests/unit/jws_test.c $(jose_rig)
tests_unit_jws_test_CPPFLAGS = $(jose_cppflags)
tests_unit_jws_test_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_jws_test_LDADD = libha-format.la $(CMOCKA_LIBS)

check_PROGRAMS += tests/unit/jws_verify_test
TESTS += tests/unit/jws_verify_test
tests_unit_jws_verify_test_SOURCES = tests/unit/jws_verify_test.c $(jose_rig)
tests_unit_jws_verify_test_CPPFLAGS = $(jose_cppflags)
tests_unit_jws_verify_test_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_jws_verify_test_LDADD = libha-format.la $(CMOCKA_LIBS)

check_PROGRAMS += tests/unit/jwt_test
TESTS += tests/unit/jwt_test
tests_unit_jwt_test_SOURCES = tests/unit/jwt_test.c $(jose_rig)
tests_unit_jwt_test_CPPFLAGS = $(jose_cppflags)
tests_unit_jwt_test_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_jwt_test_LDADD = libha-format.la $(CMOCKA_LIBS)
