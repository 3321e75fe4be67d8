# SPDX-License-Identifier: Apache-2.0
noinst_LTLIBRARIES += libha-audit.la
libha_audit_la_SOURCES = \
	src/audit/archive.c src/audit/archive.h \
	src/audit/audit.c src/audit/audit.h src/audit/audit_internal.h \
	src/audit/checkpoint.c src/audit/checkpoint.h \
	src/audit/copy.c \
	src/audit/files.c src/audit/files.h \
	src/audit/keep.c \
	src/audit/line.c src/audit/line.h \
	src/audit/open.c \
	src/audit/reader.c src/audit/reader.h \
	src/audit/record.c src/audit/record.h \
	src/audit/sync.c \
	src/audit/verify.c src/audit/verify.h \
	src/audit/verify_state.c src/audit/verify_state.h
libha_audit_la_LIBADD = libha-crypto.la $(ZLIB_LIBS)
