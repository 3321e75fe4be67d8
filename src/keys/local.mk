# SPDX-License-Identifier: Apache-2.0
noinst_LTLIBRARIES += libha-keys.la
libha_keys_la_SOURCES = \
	src/keys/adopt.c \
	src/keys/backup.c src/keys/backup.h \
	src/keys/bind.c \
	src/keys/calendar.c \
	src/keys/certificate_objects.c \
	src/keys/certificates.c src/keys/certificates.h \
	src/keys/decisions.c \
	src/keys/delete.c \
	src/keys/expiry.c src/keys/expiry.h \
	src/keys/ceremonies.c src/keys/ceremony.c src/keys/ceremony.h \
	src/keys/importing.c \
	src/keys/key.c src/keys/key.h \
	src/keys/keys.c src/keys/keys.h src/keys/keys_internal.h \
	src/keys/last_use.c src/keys/last_use.h \
	src/keys/lifecycle.c \
	src/keys/objects.c src/keys/objects.h \
	src/keys/passwords.c \
	src/keys/prove.c src/keys/prove.h \
	src/keys/replicas.c src/keys/replicas.h \
	src/keys/rotate.c \
	src/keys/sharing.c \
	src/keys/store.c src/keys/store.h \
	src/keys/traits.c src/keys/traits.h \
	src/keys/use.c src/keys/use.h \
	src/keys/versions.c src/keys/versions.h
libha_keys_la_LIBADD = libha-supervise.la libha-format.la
