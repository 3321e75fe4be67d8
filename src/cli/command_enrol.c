// SPDX-License-Identifier: Apache-2.0
// The options of the commands about CAs: enrol, renew, revoke, key archive, key recover.
#include "cli/command_enrol.h"

#include "enrol/dogtag.h"

#define EST_ROW                                                                                                        \
    {                                                                                                                  \
        .id = HA_OPT_EST, .name = "est", .value = "URL",                                                               \
        .help = "The CA speaks EST (RFC 7030) at this address, https://HOST[:PORT], with or without its "              \
                "/.well-known/est."                                                                                    \
    }

#define CA_ROWS                                                                                                        \
    {.id = HA_OPT_DOGTAG,                                                                                              \
     .name = "dogtag",                                                                                                 \
     .value = "URL",                                                                                                   \
     .help = "The CA is Dogtag (Red Hat Certificate System), at this address, https://HOST:PORT; its REST API is "     \
             "used, v2 or v1."},                                                                                       \
        {.id = HA_OPT_CA,                                                                                              \
         .name = "ca",                                                                                                 \
         .value = "FILE",                                                                                              \
         .help = "Trust the CA's server by the certificates in FILE (PEM), instead of those that the system trusts."}, \
        {.id = HA_OPT_USER_FILE,                                                                                       \
         .name = "user-file",                                                                                          \
         .value = "FILE",                                                                                              \
         .help = "Tell the CA who asks, by the USER:PASSWORD in FILE, which has to be private (mode 0600)."},          \
        {.id = HA_OPT_CERT_KEY,                                                                                        \
         .name = "cert-key",                                                                                           \
         .value = "KEY",                                                                                               \
         .help = "Tell the CA who asks, by a client certificate: that of the agent's key KEY, which has to have the "  \
                 "purpose tls-client. The key stays in its token."},                                                   \
        {.id = HA_OPT_CERT,                                                                                            \
         .name = "cert",                                                                                               \
         .value = "FILE",                                                                                              \
         .help = "The certificate of --cert-key with its chain (PEM), when it isn't installed in the agent."},         \
    {                                                                                                                  \
        .id = HA_OPT_STATE_DIR, .name = "state-dir", .value = "DIR",                                                   \
        .help = "Where the enrolments are kept; without this option the directory of the environment variable "        \
                "HSM_AGENT_ENROL_DIR, or hsm-agent-enrol in the system's state directory for root, hsm-agent/enrol "   \
                "in the user's for others."                                                                            \
    }

#define ASK_ROWS                                                                                                       \
    {.id = HA_OPT_LABEL,                                                                                               \
     .name = "label",                                                                                                  \
     .value = "LABEL",                                                                                                 \
     .help = "EST: which of the CA's profiles, as its operators call it."},                                            \
        {.id = HA_OPT_PROFILE_ID,                                                                                      \
         .name = "profile-id",                                                                                         \
         .value = "ID",                                                                                                \
         .help = "Dogtag: the profile, caServerCert for example."},                                                    \
        {.id = HA_OPT_PROFILE_INPUT,                                                                                   \
         .name = "input",                                                                                              \
         .value = "NAME=VALUE",                                                                                        \
         .repeat = true,                                                                                               \
         .help = "Dogtag: what else the profile asks for, requestor_email=ops@example.com for example."},              \
        {.id = HA_OPT_APPROVE,                                                                                         \
         .name = "approve",                                                                                            \
         .help = "Dogtag: review and approve the request as well, which takes an agent of the CA."},                   \
        {.id = HA_OPT_STORE_IN_TOKEN,                                                                                  \
         .name = "store-in-token",                                                                                     \
         .help = "Have the agent store the certificate in the token too."},                                            \
    {                                                                                                                  \
        .id = HA_OPT_WAIT, .name = "wait", .value = "SECONDS",                                                         \
        .help = "Go on asking for so long while the CA hasn't decided; without this option it is asked once."          \
    }

#define KEY_VERSION_ROW                                                                                                \
    {                                                                                                                  \
        .id = HA_OPT_KEY_VERSION, .name = "key-version", .value = "N",                                                 \
        .help = "Which version of the key; without this option the active one."                                        \
    }

const struct ha_opt_row ha_enrol_rows[] = {
    EST_ROW,
    CA_ROWS,
    ASK_ROWS,
    {.id = HA_OPT_CSR_FILE,
     .name = "csr",
     .value = "FILE",
     .help = "The certificate request (PEM), made before; without this option the agent makes one by the next ones, "
             "which are those of the command csr."},
    {.id = HA_OPT_CSR_PROFILE,
     .name = "csr-profile",
     .value = "PROFILE/MESSAGE",
     .help = "The profile that the request has to fit."},
    {.id = HA_OPT_SET, .name = "set", .value = "TYPE=VALUE", .repeat = true, .help = "What the profile leaves open."},
    {.id = HA_OPT_SUBJECT, .name = "subject", .value = "DN", .repeat = true, .help = "The subject's name."},
    {.id = HA_OPT_DNS, .name = "dns", .value = "NAME", .repeat = true, .help = "A DNS name for subjectAltName."},
    {.id = HA_OPT_IP, .name = "ip", .value = "ADDRESS", .repeat = true, .help = "An address for subjectAltName."},
    {.id = HA_OPT_URI, .name = "uri", .value = "URI", .repeat = true, .help = "A URI for subjectAltName."},
    {.id = HA_OPT_EMAIL,
     .name = "email",
     .value = "ADDRESS",
     .repeat = true,
     .help = "A mail address for subjectAltName."},
    {.id = HA_OPT_ALG, .name = "alg", .value = "ALG", .help = "The algorithm that the request is signed with."},
    KEY_VERSION_ROW,
    {.id = HA_OPT_LIST, .name = "list", .help = "Only print how far the enrolments came."},
    {.id = HA_OPT_RESUME,
     .name = "resume",
     .help = "Go on with what isn't over. Options about the CA that are given take the place of those before."},
    {.id = HA_OPT_CANCEL,
     .name = "cancel",
     .help =
         "Forget the enrolment; one that is over only with --key-version, since renew and revoke know the CA by it. "
         "The CA isn't told: it may have the request, or have issued the certificate."},
    {.id = HA_OPT_PROFILES, .name = "profiles", .help = "Only list the profiles that Dogtag has."},
    {.id = HA_OPT_AGAIN,
     .name = "again",
     .help = "Begin anew though an enrolment of the key isn't over; that one is forgotten."},
};

const struct ha_opt_row ha_renew_rows[] = {
    EST_ROW,
    CA_ROWS,
    ASK_ROWS,
    KEY_VERSION_ROW,
    {.id = HA_OPT_ROTATE,
     .name = "rotate",
     .help = "For the key's next version, instead of a longer life for the one that is in use."},
};

static void reasons(struct ha_buf *out)
{
    ha_dogtag_reasons(out);
}

const struct ha_opt_row ha_revoke_rows[] = {
    EST_ROW,
    CA_ROWS,
    {.id = HA_OPT_REASON, .name = "reason", .value = "REASON", .required = true, .help = "Why.", .choices = reasons},
    {.id = HA_OPT_COMMENT, .name = "comment", .value = "TEXT", .help = "What the CA is to keep of it."},
    {.id = HA_OPT_REVOKED_CERT,
     .name = "certificate",
     .value = "FILE",
     .help = "The certificate to revoke (PEM), when it isn't the installed one."},
    KEY_VERSION_ROW,
};

const struct ha_opt_row ha_archive_rows[] = {
    CA_ROWS,
    KEY_VERSION_ROW,
};

const struct ha_opt_row ha_recover_rows[] = {
    CA_ROWS,
    {.id = HA_OPT_KEY_ID,
     .name = "key-id",
     .value = "ID",
     .required = true,
     .help = "Which key: the id that key archive printed."},
    {.id = HA_OPT_PURPOSE,
     .name = "purpose",
     .value = "P[,P]",
     .help = "What the key may ever be used for, as for key create; without this option sign."},
    {.id = HA_OPT_TOKEN,
     .name = "token",
     .value = "T[,T]",
     .help = "Name of the token, or of all that are to hold the key; may be left out when the agent has just one."},
    {.id = HA_OPT_ENVIRONMENT,
     .name = "environment",
     .value = "NAME",
     .help = "Where the key belongs, as for key create."},
    {.id = HA_OPT_HOLDER, .name = "holder", .value = "WHO", .help = "For whom the key works, as for key create."},
    {.id = HA_OPT_PROFILE,
     .name = "profile",
     .value = "PROFILE[/MESSAGE]",
     .help = "By which profile its certificates are asked for, as for key create."},
    {.id = HA_OPT_BACKUP, .name = "backup", .help = "Let the key leave the token again, as for key create."},
};
