# SPDX-License-Identifier: Apache-2.0
# The OpenSSL provider: a module with the client inside, so that it needs no library of ours.
opensslmodulesdir = @OPENSSL_MODULESDIR@
opensslmodules_LTLIBRARIES = hsmagent.la
hsmagent_la_SOURCES = \
	src/provider/async.c src/provider/async.h \
	src/provider/choice.c src/provider/choice.h \
	src/provider/cipher.c \
	src/provider/complain.c src/provider/complain.h \
	src/provider/decoder.c \
	src/provider/exchange.c \
	src/provider/keymgmt.c \
	src/provider/pkey.c src/provider/pkey.h \
	src/provider/provider.c src/provider/provider.h \
	src/provider/reference.c src/provider/reference.h \
	src/provider/remote.c src/provider/remote.h \
	src/provider/signature.c \
	src/provider/store.c
hsmagent_la_LIBADD = libha-agent.la $(CRYPTO_LIBS)
hsmagent_la_LDFLAGS = $(AM_LDFLAGS) -module -avoid-version -shared \
	-Wl,--version-script=$(srcdir)/src/provider/hsmagent.map
EXTRA_hsmagent_la_DEPENDENCIES = src/provider/hsmagent.map
EXTRA_DIST += src/provider/hsmagent.map
