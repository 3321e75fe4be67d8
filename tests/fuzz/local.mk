# SPDX-License-Identifier: Apache-2.0
# Fuzzers (libFuzzer, so clang) of what reads a stranger's bytes: `make fuzz`, FUZZ_SECONDS for each.
FUZZ_SECONDS = 300
fuzz_client = $(client_sources) $(agent_sources)
fuzz_run = FUZZ_SECONDS=$(FUZZ_SECONDS) $(srcdir)/tests/fuzz/run.sh
fuzz_common = $(DEFS) $(AM_CPPFLAGS) $(CPPFLAGS) $(CRYPTO_CFLAGS) $(CJSON_CFLAGS) $(CRYPTO_LIBS) $(CJSON_LIBS)
fuzz_flags = $(fuzz_common) --
fuzz_audit_flags = $(fuzz_common) $(ZLIB_LIBS) --
fuzz_config_flags = $(fuzz_common) $(INIH_LIBS) --
fuzz_api_flags = $(fake_cppflags) $(fuzz_common) $(INIH_LIBS) $(ZLIB_LIBS) $(CMOCKA_LIBS) --
fuzz_jose = \
	src/base/buf.c src/base/err.c src/base/json.c src/base/json_check.c src/base/json_text.c src/base/json_write.c \
	src/base/secret.c src/base/text.c \
	src/crypto/alg.c src/crypto/digest.c src/crypto/ossl.c src/crypto/point.c src/crypto/pubkey.c \
	src/crypto/spki_head.c \
	src/crypto/pubkey_jwk.c src/crypto/pubkey_verify.c src/crypto/sigenc.c \
	src/format/jose_header.c src/format/jwk.c src/format/jwks.c src/format/jws.c src/format/jws_read.c \
	src/format/jws_verify.c src/format/jwt.c src/format/jwt_check.c src/format/x5c.c
fuzz_jwe = $(fuzz_jose) \
	src/crypto/aead.c src/crypto/aeskw.c src/crypto/challenge.c src/crypto/kdf.c src/crypto/oaep.c \
	src/format/fspiop_body.c src/format/fspiop_decrypt.c src/format/fspiop_encrypt.c \
	src/format/jwe.c src/format/jwe_alg.c src/format/jwe_encrypt.c src/format/jwe_header.c src/format/jwe_key.c \
	src/format/jwe_message.c
fuzz_http = $(libha_crypto_la_SOURCES) \
	src/base/buf.c src/base/clock.c src/base/err.c src/base/file.c src/base/json.c src/base/json_check.c \
	src/base/json_write.c src/base/secret.c src/base/text.c \
	src/format/base64_any.c src/format/canonical_json.c src/format/cert_words.c src/format/certificate.c \
	src/format/chain.c src/format/chain_ocsp.c src/format/content_digest.c src/format/dip.c src/format/dip_string.c \
	src/format/dip_verify.c src/format/fspiop.c src/format/fspiop_verify.c src/format/http_message.c \
	src/format/rfc9421.c src/format/rfc9421_base.c src/format/rfc9421_verify.c src/format/sfv.c
fuzz_enrol = $(libha_crypto_la_SOURCES) \
	src/base/buf.c src/base/err.c src/base/json.c src/base/json_check.c src/base/json_text.c src/base/json_write.c \
	src/base/secret.c src/base/text.c \
	src/enrol/answer.c src/enrol/dogtag_fill.c src/enrol/dogtag_json.c src/enrol/names.c
fuzz_certificates = $(libha_crypto_la_SOURCES) \
	src/base/buf.c src/base/err.c src/base/json.c src/base/json_check.c src/base/json_write.c src/base/secret.c \
	src/base/text.c \
	src/format/base64_any.c src/format/cert_bag.c src/format/cert_json.c src/format/cert_words.c \
	src/format/chain_build.c src/format/chain_judge.c src/format/csr_ext.c src/format/csr_name.c \
	src/format/csr_san.c src/format/csr_text.c src/format/pkcs7.c src/format/x5c.c
fuzz_audit = $(libha_crypto_la_SOURCES) \
	src/base/buf.c src/base/clock.c src/base/err.c src/base/file.c src/base/json.c src/base/json_check.c \
	src/base/json_write.c src/base/secret.c src/base/text.c \
	src/audit/checkpoint.c src/audit/files.c src/audit/line.c src/audit/reader.c src/audit/verify.c \
	src/audit/verify_state.c
fuzz_config = $(libha_base_la_SOURCES) $(libha_crypto_la_SOURCES) $(libha_config_la_SOURCES) $(libha_format_la_SOURCES)
fuzz_policy = $(libha_base_la_SOURCES) $(libha_crypto_la_SOURCES) $(libha_config_la_SOURCES) $(libha_format_la_SOURCES) \
	$(libha_policy_la_SOURCES)
fuzz_api = $(fuzz_policy) $(libha_audit_la_SOURCES) $(libha_channel_la_SOURCES) $(libha_supervise_la_SOURCES) \
	$(libha_keys_la_SOURCES) $(libha_api_la_SOURCES) $(fake_sources)
fuzz_csr = $(libha_crypto_la_SOURCES) \
	src/base/buf.c src/base/err.c src/base/json.c src/base/json_check.c src/base/json_write.c src/base/secret.c \
	src/base/text.c src/format/csr_name.c src/format/csr_san.c src/format/csr_text.c
fuzz_json = src/base/buf.c src/base/err.c src/base/json.c src/base/json_check.c src/base/json_write.c src/base/secret.c src/base/text.c
fuzz_packet = src/base/buf.c src/base/clock.c src/base/err.c src/base/secret.c src/base/text.c src/channel/packet.c
fuzz: tests/unit/fake_token$(EXEEXT)
	$(fuzz_run) api $(fuzz_api_flags) $(fuzz_api)
	$(fuzz_run) audit $(fuzz_audit_flags) $(fuzz_audit)
	$(fuzz_run) key_file $(fuzz_flags) $(fuzz_http)
	$(fuzz_run) reference $(fuzz_flags) $(hsmagent_la_SOURCES) $(fuzz_client)
	$(fuzz_run) answer $(fuzz_flags) $(fuzz_client)
	$(fuzz_run) content $(fuzz_flags) src/policy/content.c src/config/content_class.c
	$(fuzz_run) unit $(fuzz_flags) src/base/unit.c
	$(fuzz_run) jws $(fuzz_flags) $(fuzz_jose)
	$(fuzz_run) jwks $(fuzz_flags) $(fuzz_jose)
	$(fuzz_run) jwt $(fuzz_flags) $(fuzz_jose)
	$(fuzz_run) jwe $(fuzz_flags) $(fuzz_jwe)
	$(fuzz_run) fspiop_encryption $(fuzz_flags) $(fuzz_jwe)
	$(fuzz_run) http_signature $(fuzz_flags) $(fuzz_http)
	$(fuzz_run) chain $(fuzz_flags) $(fuzz_http)
	$(fuzz_run) certificates $(fuzz_flags) $(fuzz_certificates)
	$(fuzz_run) canonical $(fuzz_flags) $(fuzz_http)
	$(fuzz_run) enrol $(fuzz_flags) $(fuzz_enrol)
	$(fuzz_run) config $(fuzz_config_flags) $(fuzz_config)
	$(fuzz_run) csr $(fuzz_flags) $(fuzz_csr)
	$(fuzz_run) expect $(fuzz_config_flags) $(fuzz_policy)
	$(fuzz_run) json $(fuzz_flags) $(fuzz_json)
	$(fuzz_run) packet $(fuzz_flags) $(fuzz_packet)
# Each for a minute, from the corpora that are in the tree.
check-fuzz:
	$(MAKE) fuzz FUZZ_SECONDS=60
clean-local:
	rm -rf fuzz.out
EXTRA_DIST += \
	tests/fuzz/run.sh \
	tests/fuzz/reference_fuzz.c \
	tests/fuzz/answer_fuzz.c \
	tests/fuzz/api_fuzz.c \
	tests/fuzz/canonical_fuzz.c \
	tests/fuzz/audit_fuzz.c \
	tests/fuzz/certificates_fuzz.c \
	tests/fuzz/chain_fuzz.c \
	tests/fuzz/config_fuzz.c \
	tests/fuzz/csr_fuzz.c \
	tests/fuzz/json_fuzz.c \
	tests/fuzz/packet_fuzz.c \
	tests/fuzz/content_fuzz.c \
	tests/fuzz/enrol_fuzz.c \
	tests/fuzz/expect_fuzz.c \
	tests/fuzz/key_file_fuzz.c \
	tests/fuzz/jws_fuzz.c \
	tests/fuzz/jwks_fuzz.c \
	tests/fuzz/jwt_fuzz.c \
	tests/fuzz/jwe_fuzz.c \
	tests/fuzz/fspiop_encryption_fuzz.c \
	tests/fuzz/http_signature_fuzz.c \
	tests/fuzz/unit_fuzz.c \
	tests/fuzz/seeds
