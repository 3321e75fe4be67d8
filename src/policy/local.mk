# SPDX-License-Identifier: Apache-2.0
noinst_LTLIBRARIES += libha-policy.la
libha_policy_la_SOURCES = \
	src/policy/policy.c src/policy/policy.h \
	src/policy/principal.c src/policy/principal.h
libha_policy_la_LIBADD = libha-config.la
