# SPDX-License-Identifier: Apache-2.0
# Both ends share the packets; the rest is the daemon's.
noinst_LTLIBRARIES += libha-channel.la libha-supervise.la
libha_channel_la_SOURCES = src/channel/packet.c src/channel/packet.h
libha_channel_la_LIBADD = libha-base.la
libha_supervise_la_SOURCES = \
	src/channel/bundle.c src/channel/bundle.h \
	src/channel/child.c src/channel/child.h \
	src/channel/exchange.c \
	src/channel/minder.c src/channel/minder.h \
	src/channel/pace.c src/channel/pace.h \
	src/channel/pool.c src/channel/pool.h \
	src/channel/queue.c src/channel/queue.h \
	src/channel/spawn.c src/channel/spawn.h \
	src/channel/supervise.c \
	src/channel/token.c src/channel/token.h src/channel/token_internal.h
libha_supervise_la_LIBADD = libha-channel.la libha-crypto.la
