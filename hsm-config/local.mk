# SPDX-License-Identifier: Apache-2.0
# Commented samples, installed as documentation: nothing reads them where they are.
hsmconfigdir = $(docdir)/hsm-config
dist_hsmconfig_DATA = hsm-config/hsm-agent.conf hsm-config/hsm-agentd.service hsm-config/hsm-agentd.socket \
	hsm-config/hsm-agentd-admin.socket hsm-config/openssl.cnf hsm-config/softhsm2.conf \
	hsm-config/apache.conf hsm-config/curl.sh hsm-config/haproxy.cfg hsm-config/nginx.conf hsm-config/roles-dip.conf hsm-config/roles-dip.test \
	hsm-config/postgresql.conf hsm-config/stunnel.conf

# Read where they are installed; an agent in the build tree reads those beside it.
profilesdir = $(pkgdatadir)/profiles
dist_profiles_DATA = \
	hsm-config/profiles/brazil.conf \
	hsm-config/profiles/jose.conf \
	hsm-config/profiles/mhhs-dip.conf \
	hsm-config/profiles/mhhs.conf \
	hsm-config/profiles/mojaloop-client.conf \
	hsm-config/profiles/mojaloop-server.conf \
	hsm-config/profiles/mojaloop.conf \
	hsm-config/profiles/rfc9421.conf \
	hsm-config/profiles/thredd-ehi.conf \
	hsm-config/profiles/uae-client.conf \
	hsm-config/profiles/uae-lfi.conf \
	hsm-config/profiles/uae-server.conf \
	hsm-config/profiles/uae-tpp.conf

all-local: profiles-beside
.PHONY: profiles-beside
profiles-beside:
	@test -e hsm-config/profiles || \
		{ $(MKDIR_P) hsm-config && ln -s "$(abs_srcdir)/hsm-config/profiles" hsm-config/profiles; }
distclean-local:
	-test ! -L hsm-config/profiles || rm -f hsm-config/profiles
