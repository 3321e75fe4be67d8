# SPDX-License-Identifier: Apache-2.0
noinst_LTLIBRARIES += libha-policy.la
libha_policy_la_SOURCES = \
	src/policy/content.c src/policy/content.h \
	src/policy/limits.c src/policy/limits.h \
	src/policy/policy.c src/policy/policy.h \
	src/policy/principal.c src/policy/principal.h \
	src/policy/process.c src/policy/process.h \
	src/policy/tls.c src/policy/tls.h
libha_policy_la_LIBADD = libha-config.la
