# SPDX-License-Identifier: Apache-2.0
noinst_LTLIBRARIES += libha-base.la
libha_base_la_SOURCES = \
	src/base/affinity.c src/base/affinity.h \
	src/base/auto.h \
	src/base/buf.c src/base/buf.h \
	src/base/clock.c src/base/clock.h \
	src/base/err.c src/base/err.h \
	src/base/file.c src/base/file.h \
	src/base/ini.c src/base/ini.h \
	src/base/json.c src/base/json.h src/base/json_check.c src/base/json_check.h src/base/json_plain.h src/base/json_write.c \
	src/base/json_text.c src/base/json_text.h \
	src/base/landlock.c src/base/landlock.h \
	src/base/log.c src/base/log.h \
	src/base/mistakes.c src/base/mistakes.h \
	src/base/nearest.c src/base/nearest.h \
	src/base/pass.c src/base/pass.h \
	src/base/program.c src/base/program.h \
	src/base/sanitizer.h \
	src/base/seccomp.c src/base/seccomp.h \
	src/base/secret.c src/base/secret.h \
	src/base/text.c src/base/text.h \
	src/base/unit.c src/base/unit.h
libha_base_la_LIBADD = $(CJSON_LIBS) $(INIH_LIBS)
