# SPDX-License-Identifier: Apache-2.0
# Fuzzers (libFuzzer, so clang) of what reads a stranger's bytes: `make fuzz`, FUZZ_SECONDS for each.
FUZZ_SECONDS = 300
fuzz_client = $(client_sources) $(agent_sources)
fuzz_run = FUZZ_SECONDS=$(FUZZ_SECONDS) $(srcdir)/tests/fuzz/run.sh
fuzz_flags = $(DEFS) $(AM_CPPFLAGS) $(CPPFLAGS) $(CRYPTO_CFLAGS) $(CJSON_CFLAGS) $(CRYPTO_LIBS) $(CJSON_LIBS) --
fuzz_jwe = $(fuzz_jose) \
	src/crypto/aead.c src/crypto/aeskw.c src/crypto/challenge.c src/crypto/kdf.c src/crypto/oaep.c \
	src/format/fspiop_body.c src/format/fspiop_decrypt.c src/format/fspiop_encrypt.c \
	src/format/jwe.c src/format/jwe_alg.c src/format/jwe_encrypt.c src/format/jwe_header.c src/format/jwe_key.c \
	src/format/jwe_message.c
fuzz:
	$(fuzz_run) reference $(fuzz_flags) $(hsmagent_la_SOURCES) $(fuzz_client)
	$(fuzz_run) answer $(fuzz_flags) $(fuzz_client)
	$(fuzz_run) content $(fuzz_flags) src/policy/content.c
clean-local:
	rm -rf fuzz.out
EXTRA_DIST += \
	tests/fuzz/run.sh \
	tests/fuzz/reference_fuzz.c \
	tests/fuzz/answer_fuzz.c \
	tests/fuzz/content_fuzz.c \
	tests/fuzz/seeds
