# SPDX-License-Identifier: Apache-2.0
noinst_LTLIBRARIES += libha-http.la
libha_http_la_SOURCES = \
	src/http/callers.c src/http/callers.h \
	src/http/complaint.c src/http/complaint.h \
	src/http/connection.c src/http/connection.h \
	src/http/fields.c src/http/fields.h \
	src/http/reply.c src/http/reply.h \
	src/http/request.c src/http/request.h \
	src/http/server.c src/http/server.h \
	src/http/watch.c src/http/watch.h
libha_http_la_LIBADD = libha-policy.la $(MICROHTTPD_LIBS)
