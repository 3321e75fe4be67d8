# SPDX-License-Identifier: Apache-2.0
noinst_LTLIBRARIES += libha-format.la
libha_format_la_SOURCES = \
	src/format/csr.c src/format/csr.h \
	src/format/csr_ext.c src/format/csr_ext.h \
	src/format/csr_name.c src/format/csr_name.h \
	src/format/csr_san.c src/format/csr_san.h \
	src/format/csr_text.c src/format/csr_text.h \
	src/format/profile.c src/format/profile.h src/format/profile_set.h \
	src/format/profile_tables.c \
	src/format/signer.h
libha_format_la_LIBADD = libha-crypto.la
