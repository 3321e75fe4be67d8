# SPDX-License-Identifier: Apache-2.0
dist_man_MANS += \
	man/hsm-agent.1 \
	man/hsm-agent-api.7 \
	man/hsm-agent-profiles.5 \
	man/hsm-agent-provider.7 \
	man/hsm-agent.conf.5 \
	man/hsm-agentd.8 \
	man/libhsmagent.3
EXTRA_DIST += man/update

# The programs' tables print parts of the pages; tests compare them. This brings the pages up to date.
.PHONY: update-manuals
update-manuals: hsm-agent hsm-agentd
	$(srcdir)/man/update $(srcdir)/man/hsm-agent.1 ./hsm-agent
	$(srcdir)/man/update $(srcdir)/man/hsm-agent.conf.5 ./hsm-agentd
	$(srcdir)/man/update $(srcdir)/man/hsm-agent-profiles.5 ./hsm-agentd --manual-profiles
