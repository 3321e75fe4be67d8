// SPDX-License-Identifier: Apache-2.0
// The options of certificate requests.
#include "format/csr_profile.h"
#include "format/profile_tables.h"

#include <assert.h>
#include <stddef.h>

#define AT(field) .offset = offsetof(struct ha_csr_profile, field)

enum { YEAR_S = 365 * 24 * 60 * 60 };

// A set's bits are the words' places: those of enum ha_key_type from 1 on, and of enum ha_purpose.
#define KEY_TYPES "rsa:2048|rsa:3072|rsa:4096|ec:p256|ec:p384|ec:p521|ed25519"
#define PURPOSES  "sign|csr|decrypt|derive|tls-server|tls-client|tls13-only"
static_assert(HA_KEY_RSA_2048 == 1 && HA_KEY_RSA_3072 == 2 && HA_KEY_RSA_4096 == 3 && HA_KEY_EC_P256 == 4 &&
                  HA_KEY_EC_P384 == 5 && HA_KEY_EC_P521 == 6 && HA_KEY_ED25519 == 7,
              "KEY_TYPES has the order of the enum");
static_assert(HA_PURPOSE_SIGN == 1u << 0 && HA_PURPOSE_CSR == 1u << 1 && HA_PURPOSE_DECRYPT == 1u << 2 &&
                  HA_PURPOSE_DERIVE == 1u << 3 && HA_PURPOSE_TLS_SERVER == 1u << 4 &&
                  HA_PURPOSE_TLS_CLIENT == 1u << 5 && HA_PURPOSE_TLS13_ONLY == 1u << 6,
              "PURPOSES has the order of the enum");

static const struct ha_profile_option csr_options[] = {
    {.name = "key-types",
     .kind = HA_PROFILE_SET,
     AT(key_types),
     .value = KEY_TYPES,
     .help = "The types of keys that may have such certificates, with commas between them. Unset: any."},
    {.name = "purposes",
     .kind = HA_PROFILE_SET,
     AT(purposes),
     .value = PURPOSES,
     .help = "The purposes that the key has to have, with commas between them."},
    {.name = "forbidden-purposes",
     .kind = HA_PROFILE_SET,
     AT(forbidden_purposes),
     .value = PURPOSES,
     .help = "The purposes that the key mustn't have, with commas between them."},
    {.name = "holder",
     .kind = HA_PROFILE_CHOICE,
     AT(holder),
     .value = "any|required|forbidden",
     .help = "Whether the key has to be for somebody else than the operator, who is named as its holder."},
    {.name = "role", .kind = HA_PROFILE_TEXT, AT(role), .value = "ROLE", .help = "What the site is in the ecosystem."},
    {.name = "roles",
     .kind = HA_PROFILE_LIST,
     AT(roles),
     .value = "ROLE[,ROLE...]",
     .help = "The roles that may have such certificates. Unset: any."},
    {.name = "algorithms",
     .kind = HA_PROFILE_ALGS,
     AT(algs),
     .value = "ALG[,ALG...]",
     .help = "The algorithms that a request may be signed with. Unset: any that fits the key."},
    {.name = "environments",
     .kind = HA_PROFILE_LIST,
     AT(environments),
     .value = "ENVIRONMENT[=WORD][,...]",
     .help = "The environments that there are, of which the key has to be of one. WORD is what {environment} stands "
             "for. Unset: the key's environment isn't asked for."},
    {.name = "names",
     .kind = HA_PROFILE_LINES,
     AT(names),
     .value = "ENVIRONMENT PATTERN...",
     .help =
         "The CNs and DNS names that belong to an environment, as shell patterns; case doesn't matter. They are for "
         "its keys alone, under a wildcard too, and its keys have no others."},
    {.name = "subject",
     .kind = HA_PROFILE_LINES,
     AT(subject),
     .value = "TYPE[?]=VALUE",
     .help = "A part of the subject, in the order of the certificate; with ? it may be left out. VALUE is text with "
             "placeholders."},
    {.name = "vetted",
     .kind = HA_PROFILE_LINES,
     AT(vetted),
     .value = "HOLDER TYPE=VALUE",
     .help = "What {vetted TYPE} stands for, for a key of that holder."},
    {.name = "san-dns",
     .kind = HA_PROFILE_LINES,
     AT(san_dns),
     .value = "VALUE",
     .help =
         "Each DNS name among the alternative names fits one of these. One without open placeholders is put in when "
         "the request has no alternative names."},
    {.name = "san-cn",
     .kind = HA_PROFILE_BOOL,
     AT(san_cn),
     .value = "yes|no",
     .help = "Whether the CN has to be among the DNS names. It is put in when the request has no alternative names."},
    {.name = "san-ip",
     .kind = HA_PROFILE_BOOL,
     AT(san_ip),
     .value = "yes|no",
     .help = "Whether there may be IP addresses."},
    {.name = "san-uri", .kind = HA_PROFILE_BOOL, AT(san_uri), .value = "yes|no", .help = "Whether there may be URIs."},
    {.name = "san-email",
     .kind = HA_PROFILE_BOOL,
     AT(san_email),
     .value = "yes|no",
     .help = "Whether there may be mail addresses."},
    {.name = "san-min",
     .kind = HA_PROFILE_UINT,
     .max = 100,
     AT(san_min),
     .value = "N",
     .help = "How many alternative names there have to be."},
    {.name = "key-usage",
     .kind = HA_PROFILE_LIST,
     AT(key_usage),
     .value = "USAGE[,USAGE...]",
     .help = "The key usage that is asked for. Unset: none."},
    {.name = "extended-key-usage",
     .kind = HA_PROFILE_LIST,
     AT(extended_key_usage),
     .value = "USAGE[,USAGE...]",
     .help = "The extended key usage that is asked for: names of RFC 5280 or dotted OIDs. Unset: none."},
    {.name = "publish-s",
     .kind = HA_PROFILE_UINT,
     .max = YEAR_S,
     AT(publish_s),
     .value = "SECONDS",
     .help = "How long a key's next version is published before it signs. 0: as the agent's rotation-publish-s says."},
    {.name = "overlap-s",
     .kind = HA_PROFILE_UINT,
     .max = YEAR_S,
     AT(overlap_s),
     .value = "SECONDS",
     .help = "How long the version before stays published after that. 0: as the agent's rotation-overlap-s says."},
};
const struct ha_profile_table ha_profile_table_csr = {sizeof(struct ha_csr_profile), csr_options,
                                                      HA_ARRAY_SIZE(csr_options)};
