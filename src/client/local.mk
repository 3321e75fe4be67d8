# SPDX-License-Identifier: Apache-2.0
noinst_LTLIBRARIES += libha-client.la
libha_client_la_SOURCES = \
	src/client/client.c src/client/client.h \
	src/client/conn.c src/client/conn.h \
	src/client/http1.c src/client/http1.h \
	src/client/refusal.c src/client/refusal.h
libha_client_la_LIBADD = libha-base.la
