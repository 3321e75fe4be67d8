# SPDX-License-Identifier: Apache-2.0
noinst_LTLIBRARIES += libha-crypto.la
libha_crypto_la_SOURCES = \
	src/crypto/aead.c src/crypto/aead.h \
	src/crypto/aeskw.c src/crypto/aeskw.h \
	src/crypto/alg.c src/crypto/alg.h \
	src/crypto/challenge.c src/crypto/challenge.h \
	src/crypto/digest.c src/crypto/digest.h \
	src/crypto/kdf.c src/crypto/kdf.h \
	src/crypto/hasher.c src/crypto/hasher.h \
	src/crypto/key_file.c src/crypto/key_file.h \
	src/crypto/memory.c src/crypto/memory.h \
	src/crypto/oaep.c \
	src/crypto/ossl.c src/crypto/ossl.h \
	src/crypto/point.c src/crypto/point.h \
	src/crypto/private_key.c src/crypto/private_key.h \
	src/crypto/pubkey.c src/crypto/pubkey.h \
	src/crypto/pubkey_jwk.c \
	src/crypto/pubkey_verify.c \
	src/crypto/recipient.c src/crypto/recipient.h \
	src/crypto/sigenc.c src/crypto/sigenc.h \
	src/crypto/slow_hash.c src/crypto/slow_hash.h \
	src/crypto/spki_head.c src/crypto/spki_head.h \
	src/crypto/x509_parts.c src/crypto/x509_parts.h
libha_crypto_la_LIBADD = libha-base.la $(CRYPTO_LIBS)
