// SPDX-License-Identifier: Apache-2.0
// Command lines read by a table. The rows that drive the parsing are those that make the help and the manual.
//
// Options may stand before, between and after the other words; "--" ends them. --name=value and --name value are the
// same, as are -iFILE and -i FILE. Everything that comes out is borrowed from argv and from the table.
#pragma once

#include "base/buf.h"
#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>

struct ha_cli;

enum ha_opt {
    HA_OPT_SOCKET,
    HA_OPT_JSON,
    HA_OPT_TIMEOUT,
    HA_OPT_HELP,
    HA_OPT_VERSION,
    HA_OPT_MANUAL,
    HA_OPT_CSV,
    HA_OPT_HTML,
    HA_OPT_PUBLIC,
    HA_OPT_TYPE,
    HA_OPT_PURPOSE,
    HA_OPT_TOKEN,
    HA_OPT_DESTROY_OBJECTS,
    HA_OPT_ALG,
    HA_OPT_FORMAT,
    HA_OPT_DIGEST,
    HA_OPT_INPUT,
    HA_OPT_OUTPUT,
    HA_OPT_LABEL_FILE,
    HA_OPT_PEER,
    HA_OPT_SUBJECT,
    HA_OPT_DNS,
    HA_OPT_IP,
    HA_OPT_URI,
    HA_OPT_EMAIL,
    HA_OPT_KEY_USAGE,
    HA_OPT_EXT_KEY_USAGE,
    HA_OPT_DIR,
    HA_OPT_MODULE,
    HA_OPT_PSS,
    HA_OPT_CONF,
    HA_OPT_SERVERNAME,
    HA_OPT_CA,
    HA_OPT_CERT,
    HA_OPT_KEY,
    HA_OPT_KEY_FILE,
    HA_OPT_MUTUAL,
    HA_OPT_PATH,
    HA_OPT_PROFILE,
    HA_OPT_KID,
    HA_OPT_VERIFY,
    HA_OPT_RECIPIENT,
    HA_OPT_ENC,
    HA_OPT_CTY,
    HA_OPT_SIGN,
    HA_OPT_SIGN_PROFILE,
    HA_OPT_HEADER,
    HA_OPT_FORM,
    HA_OPT_SIGNER,
    HA_OPT_DETACHED,
    HA_OPT_UNENCODED,
    HA_OPT_CLAIMS,
    HA_OPT_CLAIM,
    HA_OPT_LIFETIME,
    HA_OPT_JWKS,
    HA_OPT_CRL,
    HA_OPT_OCSP,
    HA_OPT_REVOCATION,
    HA_OPT_PAYLOAD,
    HA_OPT_ANY,
    HA_OPT_AT,
    HA_OPT_JWT,
    HA_OPT_TYP,
    HA_OPT_ISS,
    HA_OPT_SUB,
    HA_OPT_AUD,
    HA_OPT_SKEW,
    HA_OPT_NEED_EXP,
    HA_OPT_URL,
    HA_OPT_METHOD,
    HA_OPT_STATUS,
    HA_OPT_CURL,
    HA_OPT_BODY_OUT,
    HA_OPT_KEYS,
    HA_OPT_SECRET_FILE,
    HA_OPT_MODULE_ARGS,
    HA_OPT_PIN,
    HA_OPT_NEW_PIN,
    HA_OPT_SO_PIN,
    HA_OPT_SO,
    HA_OPT_SLOT,
    HA_OPT_ERASE,
    HA_OPT_FINAL_TRY,
    HA_OPT_EST,
    HA_OPT_DOGTAG,
    HA_OPT_LABEL,
    HA_OPT_PROFILE_ID,
    HA_OPT_PROFILE_INPUT,
    HA_OPT_APPROVE,
    HA_OPT_STORE_IN_TOKEN,
    HA_OPT_WAIT,
    HA_OPT_CSR_FILE,
    HA_OPT_CSR_PROFILE,
    HA_OPT_LIST,
    HA_OPT_CERT_KEY,
    HA_OPT_USER_FILE,
    HA_OPT_KEY_ID,
    HA_OPT_KEY_VERSION,
    HA_OPT_STATE_DIR,
    HA_OPT_RESUME,
    HA_OPT_CANCEL,
    HA_OPT_PROFILES,
    HA_OPT_REASON,
    HA_OPT_COMMENT,
    HA_OPT_REVOKED_CERT,
    HA_OPT_ROTATE,
    HA_OPT_SET,
    HA_OPT_AGAIN,
    HA_OPT_YES,
    HA_OPT_ENVIRONMENT,
    HA_OPT_HOLDER,
    HA_OPT_BACKUP,
    HA_OPT_PASSWORD,
    HA_OPT_KEK,
    HA_OPT_NAME,
    HA_OPT_WIPE,
    HA_OPT_NO_CERTIFICATES,
    HA_OPT_ACTIVATE_AFTER,
    HA_OPT_AFTER,
    HA_OPT_CONFIRM,
    HA_OPT_OVERLAP,
    HA_OPT_PENDING,
    HA_OPT_DAYS,
    HA_OPT_INSTALL,
    HA_OPT_PEM,
    HA_OPT_CEREMONY,
    HA_OPT_CSR_REQUEST,
    HA_OPT_AS,
    HA_OPT_CONFIG,
    HA_OPT_HEAD,
    HA_OPT_STATE,
    HA_OPT_UNSIGNED,
    HA_OPT_SINCE,
    HA_OPT_UNTIL,
    HA_OPT_EVENT,
    HA_OPT_OPERATION,
    HA_OPT_RESULT,
    HA_OPT_UID,
    HA_OPT_REQUEST,
    HA_OPT_LAST,
    HA_OPT_COUNT
};

struct ha_opt_row {
    enum ha_opt id;
    const char *name;   // without the dashes
    char letter;        // 0: none
    const char *value;  // how the value is called: "FILE"; NULL: a flag
    bool repeat;        // may be given more than once
    bool required;
    bool hidden;                          // neither in the help nor in the manual
    const char *help;                     // sentences
    void (*choices)(struct ha_buf *out);  // appends the names that the value can have: "a, b, c"; NULL
};

struct ha_command {
    const char *name;       // one word, or group and word: "key create", "token pin change"
    const char *alias;      // another name; NULL
    const char *arguments;  // one word for each, "NAME URI"; "": none; "[NAME]": may be left out; "..." at the end: the
                            // last may be repeated
    const char *rest;       // what may come after "--": "COMMAND ARG..."; NULL: nothing
    const char *summary;    // a sentence
    const char *details;    // paragraphs, each ended by '\n'; one that begins with two spaces is an example line
    bool local;             // needs no running agent
    const struct ha_opt_row *rows;
    size_t n_rows;
    enum ha_code (*run)(struct ha_cli *cli, struct ha_err *err);
};

struct ha_opt_table {
    const struct ha_opt_row *globals;
    size_t n_globals;
    const struct ha_command *commands;
    size_t n_commands;
};

struct ha_opt_values {
    const char **items;  // in the order of the command line; a flag has ""
    size_t n;
};

enum { HA_OPT_ARGUMENTS_MAX = 9 };

struct ha_opts {
    const struct ha_command *command;  // NULL: none was given, which only --help, --version and --manual allow
    char group[32];                    // "key", "token pin" when only a group's words were given; else ""
    struct ha_opt_values values[HA_OPT_COUNT];
    const char *arguments[HA_OPT_ARGUMENTS_MAX + 1];  // NULL-terminated
    char **rest;  // what came after "--", NULL-terminated; NULL: no command takes it, or nothing came
};

// HA_E_USAGE with the nearest name as remedy for what the table doesn't know; with --help, --version or --manual
// nothing is missed. ret_opts is to be cleared by the caller.
enum ha_code ha_opt_parse(const struct ha_opt_table *table, int argc, char **argv, struct ha_opts *ret_opts,
                          struct ha_err *err);
void ha_opt_clear(struct ha_opts *opts);
HA_AUTO_DEFINE_CLEAR(struct ha_opts, ha_opt_clear)

bool ha_opt_given(const struct ha_opts *opts, enum ha_opt id);
const char *ha_opt_value(const struct ha_opts *opts, enum ha_opt id);  // NULL when not given; the first one
