# SPDX-License-Identifier: Apache-2.0
# The child process: the only code that sees PKCS#11. A library without main, so that tests can link it.
noinst_LTLIBRARIES += libha-token.la
libha_token_la_SOURCES = \
	src/token/backup.c src/token/backup.h \
	src/token/cache.c src/token/cache.h \
	src/token/ckr.c src/token/ckr.h \
	src/token/control.c src/token/control.h \
	src/token/decrypt.c src/token/decrypt.h \
	src/token/derive.c src/token/derive.h \
	src/token/destroy.c src/token/destroy.h \
	src/token/find.c src/token/find.h \
	src/token/generate.c src/token/generate.h \
	src/token/guard.c src/token/guard.h \
	src/token/harden.c src/token/harden.h \
	src/token/hmac.c src/token/hmac.h \
	src/token/init.c src/token/init.h \
	src/token/kek.c src/token/kek.h \
	src/token/ladder.c src/token/ladder.h \
	src/token/list.c src/token/list.h \
	src/token/login.c src/token/login.h \
	src/token/mechanism.c src/token/mechanism.h \
	src/token/module.c src/token/module.h \
	src/token/oaep_probe.c src/token/oaep_probe.h \
	src/token/object.c src/token/object.h \
	src/token/operate.c src/token/operate.h \
	src/token/options.c src/token/options.h \
	src/token/pin.c src/token/pin.h \
	src/token/public.c src/token/public.h \
	src/token/publics.c src/token/publics.h \
	src/token/receive.c src/token/receive.h \
	src/token/reply.c src/token/reply.h \
	src/token/session.c src/token/session.h \
	src/token/share.c src/token/share.h \
	src/token/sign.c src/token/sign.h \
	src/token/slot.c src/token/slot.h \
	src/token/start.c src/token/start.h \
	src/token/template.c src/token/template.h \
	src/token/p11.c src/token/p11.h \
	src/token/uri.c src/token/uri.h \
	src/token/verify.c src/token/verify.h \
	src/token/worker.c src/token/worker.h \
	src/token/wrapping.c src/token/wrapping.h
libha_token_la_LIBADD = libha-channel.la libha-crypto.la $(P11KIT_LIBS) $(LIBP11_LIBS)

pkglibexec_PROGRAMS += hsm-agent-token
hsm_agent_token_SOURCES = src/token/main.c
hsm_agent_token_LDADD = libha-token.la
