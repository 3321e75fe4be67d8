# SPDX-License-Identifier: Apache-2.0
# Commented samples, installed as documentation: nothing reads them where they are.
hsmconfigdir = $(docdir)/hsm-config
dist_hsmconfig_DATA = hsm-config/hsm-agent.conf hsm-config/hsm-agentd.service hsm-config/openssl.cnf hsm-config/softhsm2.conf \
	hsm-config/apache.conf hsm-config/curl.sh hsm-config/haproxy.cfg hsm-config/nginx.conf \
	hsm-config/postgresql.conf hsm-config/stunnel.conf
