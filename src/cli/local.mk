# SPDX-License-Identifier: Apache-2.0
# The command line; a library without main, so that tests can link it.
noinst_LTLIBRARIES += libha-cli.la
libha_cli_la_SOURCES = \
	src/cli/cert_common.h \
	src/cli/cli.c src/cli/cli.h \
	src/cli/audit_lines.c src/cli/audit_lines.h \
	src/cli/cmd_agent.c \
	src/cli/cmd_archive.c \
	src/cli/cmd_audit.c \
	src/cli/cmd_audit_show.c \
	src/cli/cmd_backup.c \
	src/cli/cmd_cert.c \
	src/cli/cmd_ceremony.c \
	src/cli/cmd_cert_check.c \
	src/cli/cmd_cert_self_sign.c \
	src/cli/cmd_csr.c \
	src/cli/cmd_dev.c \
	src/cli/cmd_enrol.c \
	src/cli/cmd_export.c \
	src/cli/cmd_http_sign.c \
	src/cli/cmd_import.c \
	src/cli/cmd_inventory.c \
	src/cli/cmd_jose.c \
	src/cli/cmd_jwe.c \
	src/cli/cmd_key.c \
	src/cli/cmd_mac.c \
	src/cli/cmd_openssl.c \
	src/cli/cmd_openssl_check.c \
	src/cli/cmd_policy.c \
	src/cli/cmd_renew.c \
	src/cli/cmd_tls.c \
	src/cli/cmd_token.c \
	src/cli/cmd_use.c \
	src/cli/cmd_verify.c \
	src/cli/cmd_versions.c \
	src/cli/command.c src/cli/command.h \
	src/cli/command_audit.c src/cli/command_audit.h \
	src/cli/command_backup.c src/cli/command_backup.h \
	src/cli/command_cert.c src/cli/command_cert.h \
	src/cli/command_ceremony.c src/cli/command_ceremony.h \
	src/cli/command_checks.c \
	src/cli/command_enrol.c src/cli/command_enrol.h \
	src/cli/command_http.c src/cli/command_http.h \
	src/cli/command_import.c src/cli/command_import.h \
	src/cli/command_inventory.c src/cli/command_inventory.h \
	src/cli/command_jose.c src/cli/command_jose.h \
	src/cli/command_jwe.c \
	src/cli/command_mac.c src/cli/command_mac.h \
	src/cli/command_policy.c src/cli/command_policy.h \
	src/cli/command_token.c src/cli/command_token.h \
	src/cli/command_versions.c src/cli/command_versions.h \
	src/cli/conf_file.c src/cli/conf_file.h \
	src/cli/guard.c src/cli/guard.h \
	src/cli/conf_load.c src/cli/conf_load.h \
	src/cli/csr_body.h \
	src/cli/dev_child.c src/cli/dev_child.h \
	src/cli/dev_daemon.c src/cli/dev_daemon.h \
	src/cli/dev_dir.c src/cli/dev_dir.h \
	src/cli/dev_setup.c src/cli/dev_setup.h \
	src/cli/dev_token.c src/cli/dev_token.h \
	src/cli/enrol_begin.c src/cli/enrol_begin.h \
	src/cli/enrol_go.c src/cli/enrol_go.h \
	src/cli/enrol_session.c src/cli/enrol_session.h \
	src/cli/findings.c src/cli/findings.h \
	src/cli/help.c src/cli/help.h \
	src/cli/help_manual.c \
	src/cli/http_body.c src/cli/http_body.h \
	src/cli/in.c src/cli/in.h \
	src/cli/inventory.c src/cli/inventory.h \
	src/cli/inventory_csv.c \
	src/cli/inventory_html.c \
	src/cli/inventory_style.c \
	src/cli/jose_body.c src/cli/jose_body.h \
	src/cli/key_body.c src/cli/key_body.h \
	src/cli/opt.c src/cli/opt.h \
	src/cli/ossl_types.h \
	src/cli/out.c src/cli/out.h \
	src/cli/out_stream.c src/cli/out_stream.h \
	src/cli/password.c src/cli/password.h \
	src/cli/subject.c src/cli/subject.h \
	src/cli/table.c src/cli/table.h \
	src/cli/tls_cert.c src/cli/tls_cert.h \
	src/cli/tls_chain.c src/cli/tls_chain.h \
	src/cli/tls_identity.c src/cli/tls_identity.h \
	src/cli/tls_probe.c src/cli/tls_probe.h \
	src/cli/tls_report.c src/cli/tls_report.h \
	src/cli/tls_target.c src/cli/tls_target.h \
	src/cli/token_tool.c src/cli/token_tool.h \
	src/cli/transcript.c src/cli/transcript.h \
	src/cli/wipe.c src/cli/wipe.h
libha_cli_la_CPPFLAGS = $(AM_CPPFLAGS) -DHA_OPENSSL_MODULESDIR='"$(OPENSSL_MODULESDIR)"'
libha_cli_la_LIBADD = libha-policy.la libha-enrol.la libha-audit.la libha-client.la libha-crypto.la libha-base.la \
	$(OPENSSL_SSL_LIBS)

bin_PROGRAMS += hsm-agent
hsm_agent_SOURCES = src/cli/main.c
hsm_agent_LDADD = libha-cli.la
