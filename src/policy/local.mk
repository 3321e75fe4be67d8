# SPDX-License-Identifier: Apache-2.0
noinst_LTLIBRARIES += libha-policy.la
libha_policy_la_SOURCES = \
	src/policy/case.c src/policy/case.h \
	src/policy/content.c src/policy/content.h \
	src/policy/expect.c src/policy/expect.h \
	src/policy/explain.c src/policy/explain.h \
	src/policy/limits.c src/policy/limits.h \
	src/policy/pairs.c src/policy/pairs.h \
	src/policy/policy.c src/policy/policy.h \
	src/policy/principal.c src/policy/principal.h \
	src/policy/process.c src/policy/process.h \
	src/policy/suggest.c src/policy/suggest.h \
	src/policy/suggest_rule.c src/policy/suggest_rule.h \
	src/policy/tls.c src/policy/tls.h
libha_policy_la_LIBADD = libha-config.la
