# SPDX-License-Identifier: Apache-2.0
noinst_LTLIBRARIES += libha-api.la
libha_api_la_SOURCES = \
	src/api/api.c src/api/api.h \
	src/api/audit.c src/api/audit.h \
	src/api/call.c src/api/call.h \
	src/api/call_policy.c \
	src/api/ceremony_run.c src/api/ceremony_run.h \
	src/api/certificate_common.c src/api/certificate_common.h \
	src/api/certificate_profile.c src/api/certificate_profile.h \
	src/api/csr_profile.c src/api/csr_profile.h \
	src/api/handle_audit.c \
	src/api/handle_backup.c \
	src/api/handle_ceremony.c \
	src/api/handle_certificate.c \
	src/api/handle_certificate_check.c \
	src/api/handle_csr.c \
	src/api/handle_export.c \
	src/api/handle_fields.c \
	src/api/handle_http_signature.c \
	src/api/handle_import.c \
	src/api/handle_inventory.c \
	src/api/handle_jwe.c \
	src/api/handle_jwe_encrypt.c \
	src/api/handle_jwks.c \
	src/api/handle_jws.c \
	src/api/handle_key_put.c \
	src/api/handle_key_versions.c \
	src/api/handle_keys.c \
	src/api/handle_mac.c \
	src/api/handle_metrics.c \
	src/api/handle_profiles.c \
	src/api/handle_secret.c \
	src/api/handle_self_signed.c \
	src/api/handle_service.c \
	src/api/handle_sign.c \
	src/api/handle_tls.c \
	src/api/handle_verify.c \
	src/api/handle_verify_http.c \
	src/api/http_members.c src/api/http_members.h \
	src/api/items.c src/api/items.h \
	src/api/jwe_common.c src/api/jwe_common.h \
	src/api/jwe_inner.c \
	src/api/key_signer.c src/api/key_signer.h \
	src/api/key_tokens.c src/api/key_tokens.h \
	src/api/members.c src/api/members.h \
	src/api/message.h \
	src/api/message_certificate.c src/api/message_certificate.h \
	src/api/message_signer.c src/api/message_signer.h \
	src/api/query.c src/api/query.h \
	src/api/router.c src/api/router.h
libha_api_la_LIBADD = libha-keys.la libha-format.la libha-policy.la libha-audit.la libha-config.la
