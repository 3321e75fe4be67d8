# SPDX-License-Identifier: Apache-2.0
# The client, once for the command line, and once as a library for others' programs.
client_sources = \
	src/client/client.c src/client/client.h \
	src/client/conn.c src/client/conn.h \
	src/client/http1.c src/client/http1.h \
	src/client/pool.c src/client/pool.h \
	src/client/refusal.c src/client/refusal.h

noinst_LTLIBRARIES += libha-client.la
libha_client_la_SOURCES = $(client_sources)
libha_client_la_LIBADD = libha-base.la

# All that the functions of hsm-agent/client.h need and nothing else, for a library or module to take in whole: of the
# base only these files, so that nobody's web server loads what they don't use.
noinst_LTLIBRARIES += libha-agent.la
agent_sources = \
	src/client/agent.c src/client/agent.h \
	src/client/agent_use.c \
	src/base/buf.c \
	src/base/clock.c \
	src/base/err.c \
	src/base/json.c src/base/json_check.c src/base/json_write.c \
	src/base/secret.c \
	src/base/text.c
libha_agent_la_SOURCES = $(client_sources) $(agent_sources)
libha_agent_la_LIBADD = $(CJSON_LIBS)

pkginclude_HEADERS = include/hsm-agent/client.h
lib_LTLIBRARIES = libhsmagent.la
libhsmagent_la_SOURCES =
libhsmagent_la_LIBADD = libha-agent.la
libhsmagent_la_LDFLAGS = $(AM_LDFLAGS) -version-info 0:0:0 -Wl,--version-script=$(srcdir)/src/client/libhsmagent.map
EXTRA_libhsmagent_la_DEPENDENCIES = src/client/libhsmagent.map
EXTRA_DIST += src/client/libhsmagent.map

pkgconfigdir = $(libdir)/pkgconfig
pkgconfig_DATA = hsm-agent.pc
