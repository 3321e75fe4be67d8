# SPDX-License-Identifier: Apache-2.0
# Certificates from CAs: the command line's, never the daemon's.
noinst_LTLIBRARIES += libha-enrol.la
libha_enrol_la_SOURCES = \
	src/enrol/answer.c src/enrol/answer.h \
	src/enrol/dogtag.c src/enrol/dogtag.h \
	src/enrol/dogtag_fill.c \
	src/enrol/dogtag_json.c src/enrol/dogtag_json.h \
	src/enrol/enrol.c src/enrol/enrol.h \
	src/enrol/est.c src/enrol/est.h \
	src/enrol/http.c src/enrol/http.h \
	src/enrol/kra.c src/enrol/kra.h \
	src/enrol/names.c src/enrol/names.h \
	src/enrol/pending.c src/enrol/pending.h
libha_enrol_la_LIBADD = libha-crypto.la libha-base.la $(LIBCURL_LIBS) $(OPENSSL_SSL_LIBS)
