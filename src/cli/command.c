// SPDX-License-Identifier: Apache-2.0
// The rows. Their order is that of the help and of the manual.
#include "cli/command.h"

#include "cli/command_audit.h"
#include "cli/command_backup.h"
#include "cli/command_cert.h"
#include "cli/command_ceremony.h"
#include "cli/command_enrol.h"
#include "cli/command_http.h"
#include "cli/command_import.h"
#include "cli/command_inventory.h"
#include "cli/command_jose.h"
#include "cli/command_mac.h"
#include "cli/command_policy.h"
#include "cli/command_token.h"
#include "cli/command_versions.h"
#include "crypto/alg.h"

static void put_choice(struct ha_buf *out, const char *name, bool *first)
{
    ha_buf_printf(out, "%s%s", *first ? "" : ", ", name);
    *first = false;
}

static void key_types(struct ha_buf *out)
{
    bool first = true;
    for (unsigned type = 0; type < HA_KEY_TYPE_COUNT; type++)
        if (ha_key_type_info((enum ha_key_type)type)->creatable)
            put_choice(out, ha_key_type_info((enum ha_key_type)type)->name, &first);
}

static void purposes(struct ha_buf *out)
{
    for (size_t i = 0; i < HA_PURPOSE_COUNT; i++)
        ha_buf_printf(out, "%s%s (%s)", i > 0 ? ", " : "", ha_purpose_info(i)->name, ha_purpose_info(i)->help);
}

static void algorithms(struct ha_buf *out, enum ha_alg_use use)
{
    bool first = true;
    for (unsigned alg = HA_ALG_NONE + 1; alg < HA_ALG_COUNT; alg++)
        if (ha_alg_info((enum ha_alg)alg)->use == use)
            put_choice(out, ha_alg_info((enum ha_alg)alg)->name, &first);
}

static void sign_algorithms(struct ha_buf *out)
{
    algorithms(out, HA_USE_SIGN);
}

static void decrypt_algorithms(struct ha_buf *out)
{
    algorithms(out, HA_USE_DECRYPT);
}

#define ALG_ROW(help_, choices_)                                                                                       \
    {                                                                                                                  \
        .id = HA_OPT_ALG, .name = "alg", .value = "ALG", .help = (help_), .choices = (choices_)                        \
    }
#define PURPOSE_ROW(help_)                                                                                             \
    {                                                                                                                  \
        .id = HA_OPT_PURPOSE, .name = "purpose", .value = "P[,P]", .help = (help_), .choices = purposes                \
    }
#define VERSION_ROW(help_)                                                                                             \
    {                                                                                                                  \
        .id = HA_OPT_KEY_VERSION, .name = "key-version", .value = "N", .help = (help_)                                 \
    }
#define INPUT_ROW(help_)                                                                                               \
    {                                                                                                                  \
        .id = HA_OPT_INPUT, .name = "in", .letter = 'i', .value = "FILE", .help = (help_)                              \
    }
#define OUTPUT_ROW(help_)                                                                                              \
    {                                                                                                                  \
        .id = HA_OPT_OUTPUT, .name = "out", .letter = 'o', .value = "FILE", .help = (help_)                            \
    }

#define TRAIT_ROWS                                                                                                     \
    {.id = HA_OPT_ENVIRONMENT,                                                                                         \
     .name = "environment",                                                                                            \
     .value = "NAME",                                                                                                  \
     .help = "Where the key belongs, for example prod or pre-prod. Profiles of certificate requests check it."},       \
        {.id = HA_OPT_HOLDER,                                                                                          \
         .name = "holder",                                                                                             \
         .value = "WHO",                                                                                               \
         .help = "For whom the key works, when not for the operator: a participant, a client."},                       \
    {                                                                                                                  \
        .id = HA_OPT_PROFILE, .name = "profile", .value = "PROFILE[/MESSAGE]",                                         \
        .help = "By which profile its certificates are asked for, for example uae-client or mhhs/tls."                 \
    }

static const struct ha_opt_row global_rows[] = {
    {.id = HA_OPT_SOCKET,
     .name = "socket",
     .value = "PATH",
     .help = "The agent's socket; without it that of the environment variable HSM_AGENT_SOCKET, and without that "
             "agent.sock in the run-time directory of the installation, /run/hsm-agent as a rule."},
    {.id = HA_OPT_JSON,
     .name = "json",
     .help = "Print the agent's answer, JSON, as it came; and on stderr its problem document when it refuses."},
    {.id = HA_OPT_TIMEOUT,
     .name = "timeout",
     .value = "SECONDS",
     .help = "Wait no longer for the agent's answer: 1 to 3600, 60 without this option."},
    {.id = HA_OPT_HELP, .name = "help", .letter = 'h', .help = "Print help for the command, or an overview."},
    {.id = HA_OPT_VERSION, .name = "version", .letter = 'V', .help = "Print the version of this program."},
    {.id = HA_OPT_MANUAL,
     .name = "manual",
     .hidden = true,
     .help = "Print the manual's sections on options and commands."},
};

static const struct ha_opt_row show_rows[] = {
    VERSION_ROW("The version to show; without this option the active one."),
    {.id = HA_OPT_PUBLIC,
     .name = "public",
     .value = "FORM",
     .help = "Print only the public key: pem (SubjectPublicKeyInfo, text), der (the same, binary) or jwk (RFC 7517)."},
    OUTPUT_ROW("Write to FILE instead of stdout."),
};

static const struct ha_opt_row create_rows[] = {
    {.id = HA_OPT_TYPE,
     .name = "type",
     .value = "T",
     .required = true,
     .help = "What kind of key.",
     .choices = key_types},
    PURPOSE_ROW("What the key may ever be used for; without this option sign, or mac for an HMAC key."),
    {.id = HA_OPT_TOKEN,
     .name = "token",
     .value = "T[,T]",
     .help = "Name of the token, or of all that are to hold the key; may be left out when the agent has just one."},
    TRAIT_ROWS,
    {.id = HA_OPT_BACKUP,
     .name = "backup",
     .help = "Make the key so that it may leave the token, wrapped under a key encryption key."},
    HA_CEREMONY_CREATE_ROWS,
};

static const struct ha_opt_row adopt_rows[] = {
    PURPOSE_ROW("What the agent may use the key for; without this option, all that the object allows."),
    {.id = HA_OPT_TOKEN,
     .name = "token",
     .value = "T[,T]",
     .help = "Name of the token; may be left out when the agent has just one. With several, a token for each URI in "
             "their order, or one URI for all of them; may be left out when each URI fits a key in one token only, "
             "for example by 'token=LABEL' in it."},
    TRAIT_ROWS,
};

static const struct ha_opt_row sign_rows[] = {
    VERSION_ROW("The version of the key that does it; without this option the active one."),
    ALG_ROW("The algorithm; without this option the first signature algorithm that the key has.", sign_algorithms),
    {.id = HA_OPT_FORMAT,
     .name = "format",
     .value = "FORM",
     .help = "How an ECDSA signature is written: der (as OpenSSL and X.509 want it, the default), raw (r and s side by "
             "side) or jose (the same as base64url text, without a newline; also for other algorithms' signatures)."},
    {.id = HA_OPT_DIGEST,
     .name = "digest",
     .help = "The input is the digest itself (binary, of the algorithm's hash), not the data. The policy must grant "
             "sign-digest."},
    INPUT_ROW("Read the input from FILE instead of stdin."),
    OUTPUT_ROW("Write the signature to FILE instead of stdout."),
};

static const struct ha_opt_row decrypt_rows[] = {
    VERSION_ROW("The version of the key that does it; without this option the one that it was encrypted to is found."),
    ALG_ROW("The algorithm; RSA-OAEP-256 without this option.", decrypt_algorithms),
    {.id = HA_OPT_LABEL_FILE,
     .name = "label-file",
     .value = "FILE",
     .help = "The OAEP label, binary, when the ciphertext was made with one."},
    INPUT_ROW("Read the ciphertext from FILE instead of stdin."),
    OUTPUT_ROW("Write the plaintext to FILE (mode 0600) instead of stdout."),
};

static const struct ha_opt_row derive_rows[] = {
    VERSION_ROW("The version of the key that does it; without this option the active one."),
    {.id = HA_OPT_PEER,
     .name = "peer",
     .value = "FILE",
     .required = true,
     .help = "The other side's public key: PEM (PUBLIC KEY) or JWK."},
    OUTPUT_ROW("Write the secret to FILE (mode 0600) instead of stdout."),
};

static const struct ha_opt_row csr_rows[] = {
    VERSION_ROW("The version of the key that does it; without this option the active one."),
    {.id = HA_OPT_SUBJECT,
     .name = "subject",
     .value = "DN",
     .repeat = true,
     .help = "The subject's name, as said above; '' is an empty name. Given again it adds to the end."},
    {.id = HA_OPT_PROFILE,
     .name = "profile",
     .value = "PROFILE/MESSAGE",
     .help =
         "What certificate it is to be, see hsm-agent-profiles(5); without this option the one of the key's profile, "
         "if it has one."},
    {.id = HA_OPT_SET,
     .name = "set",
     .value = "TYPE=VALUE",
     .repeat = true,
     .help = "Instead of a subject: what the profile leaves open in its own, for example CN=edge.example."},
    {.id = HA_OPT_DNS, .name = "dns", .value = "NAME", .repeat = true, .help = "A DNS name for subjectAltName."},
    {.id = HA_OPT_IP,
     .name = "ip",
     .value = "ADDRESS",
     .repeat = true,
     .help = "An IPv4 or IPv6 address for subjectAltName."},
    {.id = HA_OPT_URI, .name = "uri", .value = "URI", .repeat = true, .help = "A URI for subjectAltName."},
    {.id = HA_OPT_EMAIL,
     .name = "email",
     .value = "ADDRESS",
     .repeat = true,
     .help = "A mail address for subjectAltName."},
    {.id = HA_OPT_KEY_USAGE,
     .name = "key-usage",
     .value = "USAGE",
     .repeat = true,
     .help = "A key usage to ask for: digitalSignature, keyEncipherment and the other names of RFC 5280."},
    {.id = HA_OPT_EXT_KEY_USAGE,
     .name = "ext-key-usage",
     .value = "USAGE",
     .repeat = true,
     .help = "An extended key usage to ask for: serverAuth, clientAuth, ... or a dotted OID."},
    ALG_ROW(
        "The algorithm that the request is signed with; without this option the agent chooses it by the key's type.",
        sign_algorithms),
    {.id = HA_OPT_PSS,
     .name = "pss",
     .help = "Ask for a certificate whose public key is for RSASSA-PSS only (id-RSASSA-PSS). See pem --pss."},
    OUTPUT_ROW("Write the request to FILE instead of stdout."),
};

static const struct ha_opt_row pem_rows[] = {
    VERSION_ROW(
        "The version to refer to; without this option the active one. The file goes on meaning that version when "
        "another one is active."),
    {.id = HA_OPT_PSS,
     .name = "pss",
     .help = "Write an RSA key as one for RSASSA-PSS only, for a certificate that csr --pss asked for."},
    OUTPUT_ROW("Write to FILE instead of stdout."),
};

static const struct ha_opt_row openssl_conf_rows[] = {
    {.id = HA_OPT_MODULE,
     .name = "module",
     .value = "PATH",
     .help = "The provider's file; without this option the installed one. A name without slashes is looked for in the "
             "directory that 'openssl version -m' prints."},
    OUTPUT_ROW("Write to FILE instead of stdout."),
};

static const struct ha_opt_row dev_rows[] = {
    {.id = HA_OPT_DIR,
     .name = "dir",
     .value = "DIR",
     .help =
         "Keep token, PINs, keys and log in DIR, and take them up from there the next time. Without this option all "
         "is in a new directory that is removed at the end."},
};

#define ROWS(rows_) .rows = (rows_), .n_rows = HA_ARRAY_SIZE(rows_)

static const struct ha_command commands[] = {
    {.name = "version",
     .arguments = "",
     .summary = "Prints the version of the agent that answers, and of its API.",
     .details = "",
     .run = ha_cmd_version},
    {.name = "whoami",
     .arguments = "",
     .summary = "Prints whom the agent takes the caller for, and which [client] sections of its policy apply.",
     .details = "",
     .run = ha_cmd_whoami},
    {.name = "status",
     .arguments = "",
     .summary = "Prints whether the agent is ready, the state of each token with cause and remedy, and of each "
                "replica of a key that is in several tokens, and which certificates expire next.",
     .details = "The exit status is 0 when every token is ready and 1 otherwise.\n",
     .run = ha_cmd_status},
    {.name = "tokens",
     .arguments = "",
     .summary = "Lists the tokens with their state, their identity and the algorithms that they can do.",
     .details = "",
     .run = ha_cmd_tokens},
    {.name = "token unlock",
     .arguments = "NAME",
     .summary = "Forgets that a token refused its PIN, and has the agent try again.",
     .details =
         "A PIN that was refused isn't tried again, not even by a restarted agent, since a few more tries lock the "
         "token. A corrected PIN is tried at once by this command, or at the next start. If the PIN is what it was "
         "and the token was changed, this command is the only way. The exit status is 0 when the token is ready "
         "then, and 1 otherwise. An administrator's command: it takes a rule 'allow = NAME:unlock'.\n",
     .run = ha_cmd_token_unlock},
    HA_COMMANDS_TOKEN,
    {.name = "profiles",
     .arguments = "",
     .summary = "Lists the messages that profiles know, each with its scheme and what the site has yet to say.",
     .details = "hsm-agent-profiles(5) says how to give values, and how to write profiles.\n",
     .run = ha_cmd_profiles},
    HA_COMMAND_INVENTORY,
    {.name = "key list",
     .alias = "keys",
     .arguments = "",
     .summary = "Lists the keys that the caller may know of.",
     .details = "",
     .run = ha_cmd_key_list},
    {.name = "key show",
     .arguments = "NAME",
     .summary = "Prints what is known of a key, its public key included.",
     .details = "",
     ROWS(show_rows),
     .run = ha_cmd_key_show},
    {.name = "key create",
     .arguments = "NAME",
     .summary = "Makes a key pair, or an HMAC key, in the token, under a new name.",
     .details =
         "The private or secret key can be neither read nor exported, by anybody; with --backup it leaves the token "
         "wrapped, see key backup and key export. An administrator's command: it needs a "
         "socket with "
         "'admin = yes' and a rule that grants create.\n"
         "With several tokens the first one makes the key and wraps it for the others with keys made for this one "
         "time; then it can't be extracted from any of them. The agent asks the least busy one, and the others when it "
         "fails:\n"
         "  hsm-agent key create edge --type ec:p256 --token a,b\n"
         "A name begins with a letter or digit and goes on with letters, digits, '.', '_' and '-'; it has 64 "
         "characters at most.\n",
     ROWS(create_rows),
     .run = ha_cmd_key_create},
    {.name = "key adopt",
     .arguments = "NAME URI...",
     .summary = "Takes a key pair that is in the token already, and gives it a name.",
     .details = "URI is a PKCS#11 URI (RFC 7512) that fits one private key only, for example "
                "'pkcs11:object=signer;id=%01'. An administrator's command, as key create is.\n"
                "Several URIs name copies of one key pair in as many tokens, its replicas, which prove that they are "
                "the same key. The agent asks the least busy one, and the others when it fails:\n"
                "  hsm-agent key adopt edge 'pkcs11:object=edge' --token a,b\n",
     ROWS(adopt_rows),
     .run = ha_cmd_key_adopt},
    HA_COMMAND_IMPORT,
    HA_COMMAND_IMPORT_SECRET,
    HA_COMMANDS_BACKUP,
    HA_COMMANDS_ARCHIVE,
    HA_COMMANDS_CEREMONY,
    HA_COMMANDS_VERSIONS,
    {.name = "sign",
     .arguments = "NAME",
     .summary = "Signs data from stdin or a file, and writes the signature.",
     .details =
         "The agent hashes the data itself, and takes up to 190 KiB at once. Larger data is hashed on this side and "
         "signed as a digest, if the policy allows that:\n"
         "  openssl dgst -sha256 -binary FILE | hsm-agent sign NAME --alg RS256 --digest -o FILE.sig\n",
     ROWS(sign_rows),
     .run = ha_cmd_sign},
    {.name = "decrypt",
     .arguments = "NAME",
     .summary = "Decrypts a ciphertext from stdin or a file, and writes the plaintext.",
     .details = "Why a ciphertext doesn't decrypt is never told.\n",
     ROWS(decrypt_rows),
     .run = ha_cmd_decrypt},
    {.name = "derive",
     .arguments = "NAME",
     .summary = "Agrees on a secret with the owner of another key (ECDH), and writes it.",
     .details =
         "The secret is the x coordinate of the shared point, as long as the curve's field. Put it through a key "
         "derivation function before use.\n",
     ROWS(derive_rows),
     .run = ha_cmd_derive},
    HA_COMMAND_MAC,
    {.name = "jwe-decrypt",
     .arguments = "NAME",
     .summary = "Decrypts a JWE from stdin or a file, compact or JSON, and writes what is inside.",
     .details = "Why a message doesn't decrypt is never told, unless its header already says so: an algorithm that "
                "isn't taken, "
                "or another key.\n"
                "  hsm-agent jwe-decrypt enc1 --cert enc1.pem --verify tpp.jwks <pii.jwe >pii.json\n",
     ROWS(ha_jwe_decrypt_rows),
     .run = ha_cmd_jwe_decrypt},
    {.name = "jwe-encrypt",
     .arguments = "",
     .summary = "Encrypts stdin or a file to somebody's public key, as a JWE in its compact form.",
     .details =
         "It takes no key of the agent, unless one signs before.\n"
         "  hsm-agent jwe-encrypt --recipient lfi.jwk --cty JWT <pii.jws >pii.jwe\n"
         "  hsm-agent jwe-encrypt --recipient lfi.jwk --profile uae-tpp/pii-encryption --sign sig1 --sign-profile "
         "uae-tpp/pii <pii.json >pii.jwe\n",
     ROWS(ha_jwe_encrypt_rows),
     .run = ha_cmd_jwe_encrypt},
    {.name = "csr",
     .arguments = "NAME",
     .summary = "Makes a certificate signing request (PKCS#10, PEM) for the key.",
     .details =
         "DN is TYPE=VALUE[,TYPE=VALUE]... in the order of the certificate, country first as a rule. A '+' instead of "
         "the ',' puts both into one RDN. A backslash before , + = \\ \" < > # ; or a space takes it literally, and "
         "before two hexadecimal digits it stands for that byte. Spaces around types and values are left out. "
         "Types are the short names C, ST, L, O, OU, CN and so on, or dotted OIDs.\n"
         "A DN that begins with a '/' is read as openssl req -subj does: /TYPE=VALUE/TYPE=VALUE, where a backslash "
         "takes the next character literally and '+' puts two into one RDN.\n"
         "  hsm-agent csr edge --subject 'C=AE,O=Acme\\, Inc,CN=edge.example' --dns edge.example\n"
         "  hsm-agent csr edge --subject C=AE --subject 'O=Acme\\, Inc' --subject CN=edge.example\n"
         "  hsm-agent csr edge --subject '/C=AE/O=Acme, Inc/CN=edge.example'\n"
         "With a profile, subject, alternative names and usages are the profile's, and only what it leaves open is "
         "said. What it doesn't permit is refused with the rule, before anything is signed.\n"
         "  hsm-agent csr edge --profile thredd-ehi/server --set CN=ehi.acme.example\n",
     ROWS(csr_rows),
     .run = ha_cmd_csr},
    HA_COMMANDS_AUDIT,
    HA_COMMANDS_CERT,
    HA_COMMANDS_ENROL,
    HA_COMMANDS_JOSE,
    HA_COMMANDS_VERIFY_HTTP,
    HA_COMMANDS_HTTP,
    {.name = "pem",
     .arguments = "NAME",
     .summary = "Writes a file that stands for the key, to be named where a program with OpenSSL 3 wants a key file.",
     .details = "It holds the key's name and public key and nothing secret. The program needs OpenSSL's provider "
                "hsmagent, see openssl-conf.\n"
                "  hsm-agent pem edge -o /etc/nginx/edge.key\n",
     ROWS(pem_rows),
     .run = ha_cmd_pem},
    {.name = "openssl-conf",
     .arguments = "",
     .summary = "Prints a configuration of OpenSSL 3 that loads the provider hsmagent beside its own.",
     .details = "Order and names of its sections matter; its comments say why.\n"
                "  hsm-agent openssl-conf -o agent.cnf; OPENSSL_CONF=agent.cnf openssl list -providers\n",
     .local = true,
     ROWS(openssl_conf_rows),
     .run = ha_cmd_openssl_conf},
    {.name = "openssl-check",
     .arguments = "",
     .summary = "Tests whether programs that use OpenSSL 3 get to the agent's keys, and names what is in the way.",
     .details =
         "It reads the configuration as those programs do, as the calling user: run it as the user that they run "
         "as. What it finds is printed in a line each, with a remedy. The exit status is 0 when there is no "
         "problem and 1 otherwise.\n"
         "With --key the key is loaded as a program would, and makes one signature: a message's, or for keys "
         "with a purpose of TLS a handshake's of no connection. With --json the same comes as a document, see "
         "CHECKS in hsm-agent(1).\n"
         "  sudo -u www-data hsm-agent openssl-check --conf /etc/ssl/agent.cnf --key edge\n",
     .local = true,
     ROWS(ha_openssl_check_rows),
     .run = ha_cmd_openssl_check},
    {.name = "tls check",
     .arguments = "HOST:PORT",
     .summary = "Looks at a TLS server as its peers will: chain, names, dates, versions, client certificates.",
     .details = "What it finds is printed in a line each, with a remedy. Warnings are left to the reader; the exit "
                "status is 0 when there is no problem and 1 otherwise. An IPv6 address is written in brackets.\n"
                "It connects six times at most: once with any version of TLS, with a request without a certificate; "
                "once with --cert; and once for each version. Each step takes 10 seconds at most, or what --timeout "
                "says. With --json the same comes as a document, see CHECKS in hsm-agent(1).\n"
                "  hsm-agent tls check edge.example:443 --ca root.pem --mtls\n"
                "  hsm-agent tls check edge.example:443 --ca root.pem --cert client.pem --key client\n",
     .local = true,
     ROWS(ha_tls_check_rows),
     .run = ha_cmd_tls_check},
    HA_COMMAND_POLICY_EXPLAIN,
    HA_COMMAND_POLICY_TEST,
    HA_COMMAND_POLICY_SUGGEST,
    {.name = "dev",
     .arguments = "",
     .rest = "COMMAND ARG...",
     .summary = "Starts an agent on a private SoftHSM2 token for the calling user, to develop and test with.",
     .details =
         "It is the same daemon with the same API as in production. The calling user may do everything, on the one "
         "socket there is. Without COMMAND it prints HSM_AGENT_SOCKET=PATH when the agent is ready, stays in the "
         "foreground and ends with SIGINT or SIGTERM. With COMMAND it runs that with HSM_AGENT_SOCKET and "
         "HSM_AGENT_CONFIG set, and HSM_AGENT_ENROL_DIR, so that enrolments are kept with its keys, stops the agent "
         "when it ends, and exits with its status (128 and the number of the signal that ended it, 127 when it "
         "isn't found). --timeout bounds the time for the start.\n"
         "  hsm-agent dev -- sh -c 'hsm-agent key create k --type ec:p256; echo hi | hsm-agent sign k -o sig'\n",
     .local = true,
     ROWS(dev_rows),
     .run = ha_cmd_dev},
};

static const struct ha_opt_table table = {
    .globals = global_rows,
    .n_globals = HA_ARRAY_SIZE(global_rows),
    .commands = commands,
    .n_commands = HA_ARRAY_SIZE(commands),
};

const struct ha_opt_table *ha_command_table(void)
{
    return &table;
}
