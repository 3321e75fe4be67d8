# SPDX-License-Identifier: Apache-2.0
# What needs no main is a library, so that tests can link it.
noinst_LTLIBRARIES += libha-agentd.la
libha_agentd_la_SOURCES = \
	src/agentd/confine.c src/agentd/confine.h \
	src/agentd/hook.c src/agentd/hook.h \
	src/agentd/inherit.c src/agentd/inherit.h \
	src/agentd/listen.c src/agentd/listen.h \
	src/agentd/looker.c src/agentd/looker.h \
	src/agentd/notify.c src/agentd/notify.h \
	src/agentd/options.c src/agentd/options.h \
	src/agentd/starter.c src/agentd/starter.h
libha_agentd_la_LIBADD = libha-policy.la libha-supervise.la

sbin_PROGRAMS += hsm-agentd
hsm_agentd_SOURCES = \
	src/agentd/auditor.c src/agentd/auditor.h \
	src/agentd/daemon.c src/agentd/daemon.h \
	src/agentd/doors.c src/agentd/doors.h \
	src/agentd/keeper.c src/agentd/keeper.h \
	src/agentd/main.c \
	src/agentd/reload.c src/agentd/reload.h \
	src/agentd/snapshot.c src/agentd/snapshot.h \
	src/agentd/tokens.c src/agentd/tokens.h
hsm_agentd_LDADD = libha-agentd.la libha-http.la libha-api.la
