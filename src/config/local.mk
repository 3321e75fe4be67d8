# SPDX-License-Identifier: Apache-2.0
noinst_LTLIBRARIES += libha-config.la
libha_config_la_SOURCES = \
	src/config/allow.c src/config/allow.h \
	src/config/check.c src/config/check.h \
	src/config/compare.c \
	src/config/content_class.c src/config/content_class.h \
	src/config/config.c src/config/config.h \
	src/config/days.c src/config/days.h \
	src/config/dump.c \
	src/config/hours.c src/config/hours.h \
	src/config/manual.c \
	src/config/operation.c \
	src/config/option.c src/config/option.h src/config/option_tables.h \
	src/config/option_agent.c src/config/option_client.c src/config/option_listen.c src/config/option_token.c \
	src/config/rate.c src/config/rate.h \
	src/config/uri.c src/config/uri.h \
	src/config/value.c src/config/value.h \
	src/config/value_check.c src/config/value_check.h
libha_config_la_LIBADD = libha-format.la
