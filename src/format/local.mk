# SPDX-License-Identifier: Apache-2.0
noinst_LTLIBRARIES += libha-format.la
libha_format_la_SOURCES = \
	src/format/canonical_json.h \
	src/format/certificate.h \
	src/format/chain.h \
	src/format/content_digest.h \
	src/format/csr.c src/format/csr.h \
	src/format/csr_ext.c src/format/csr_ext.h \
	src/format/csr_name.c src/format/csr_name.h \
	src/format/csr_san.c src/format/csr_san.h \
	src/format/csr_text.c src/format/csr_text.h \
	src/format/dip.h \
	src/format/fspiop.h \
	src/format/http_message.h \
	src/format/jwk.h src/format/jws.h src/format/jws_verify.h src/format/jwt.h \
	src/format/rfc9421.h \
	src/format/signer.h \
	src/format/x5c.h
libha_format_la_LIBADD = libha-crypto.la
