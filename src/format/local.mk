# SPDX-License-Identifier: Apache-2.0
noinst_LTLIBRARIES += libha-format.la
libha_format_la_SOURCES = \
	src/format/base64_any.c src/format/base64_any.h \
	src/format/canonical_json.c src/format/canonical_json.h \
	src/format/cert_bag.c src/format/cert_bag.h \
	src/format/cert_json.c src/format/cert_json.h \
	src/format/cert_words.c src/format/cert_words.h \
	src/format/certificate.c src/format/certificate.h \
	src/format/chain.c src/format/chain.h \
	src/format/chain_build.c src/format/chain_build.h \
	src/format/chain_judge.c src/format/chain_judge.h \
	src/format/chain_ocsp.c src/format/chain_ocsp.h \
	src/format/content_digest.c src/format/content_digest.h \
	src/format/csr.c src/format/csr.h \
	src/format/csr_ext.c src/format/csr_ext.h \
	src/format/csr_name.c src/format/csr_name.h \
	src/format/csr_profile.c src/format/csr_profile.h src/format/csr_profile_check.c \
	src/format/csr_rules.c src/format/csr_rules.h src/format/csr_rules_san.c src/format/csr_rules_subject.c \
	src/format/csr_san.c src/format/csr_san.h \
	src/format/csr_template.c src/format/csr_template.h \
	src/format/csr_text.c src/format/csr_text.h \
	src/format/fspiop_body.c src/format/fspiop_body.h \
	src/format/fspiop_decrypt.c src/format/fspiop_encrypt.c src/format/fspiop_encryption.h \
	src/format/jose_header.c src/format/jose_header.h \
	src/format/jwe.c src/format/jwe.h \
	src/format/jwe_alg.c src/format/jwe_alg.h \
	src/format/jwe_encrypt.c src/format/jwe_encrypt.h \
	src/format/jwe_header.c src/format/jwe_header.h \
	src/format/jwe_key.c src/format/jwe_key.h \
	src/format/jwe_message.c src/format/jwe_message.h \
	src/format/jwk.c src/format/jwk.h src/format/jwks.c \
	src/format/jws.c src/format/jws.h \
	src/format/jws_read.c src/format/jws_read.h \
	src/format/jws_verify.c src/format/jws_verify.h \
	src/format/jwt.c src/format/jwt.h src/format/jwt_check.c \
	src/format/pkcs7.c src/format/pkcs7.h \
	src/format/profile.c src/format/profile.h src/format/profile_set.h \
	src/format/ilp.c src/format/ilp.h \
	src/format/profile_build.c src/format/profile_build.h \
	src/format/profile_load.c \
	src/format/profile_raw.c src/format/profile_raw.h \
	src/format/profile_table_csr.c src/format/profile_table_http.c src/format/profile_table_jose.c \
	src/format/profile_tables.c src/format/profile_tables.h \
	src/format/profile_value.c src/format/profile_value.h \
	src/format/dip.c src/format/dip.h \
	src/format/dip_string.c src/format/dip_string.h \
	src/format/dip_verify.c \
	src/format/fspiop.c src/format/fspiop.h src/format/fspiop_header.h \
	src/format/fspiop_verify.c \
	src/format/http_message.c src/format/http_message.h \
	src/format/rfc9421.c src/format/rfc9421.h \
	src/format/rfc9421_base.c src/format/rfc9421_base.h \
	src/format/rfc9421_verify.c \
	src/format/self_signed.c src/format/self_signed.h \
	src/format/sfv.c src/format/sfv.h \
	src/format/signer.h \
	src/format/x509_sign.c src/format/x509_sign.h \
	src/format/x5c.c src/format/x5c.h
libha_format_la_LIBADD = libha-crypto.la
