// SPDX-License-Identifier: Apache-2.0
// The configuration as the operator wrote it: hsm-agent.conf(5), read whole, checked whole, then immutable. It is
// counted, so that whoever works with one keeps it while another comes into force.
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "base/mistakes.h"
#include "config/content_class.h"
#include "config/days.h"
#include "config/hours.h"
#include "config/rate.h"
#include "crypto/alg.h"
#include "format/profile.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <sys/types.h>

// A list of strings, for the options that may be repeated.
struct ha_strings {
    char **items;
    size_t n;
};

struct ha_agent_config {
    char *user;  // whom a daemon that root started becomes, as written; NULL: it stays who it is
    uid_t uid;   // (uid_t)-1: it stays who it is
    bool sandbox;
    bool affinity;  // requests are kept each on one processor
    char *state_dir;
    char *second;       // operations that take two people, as written; NULL: none
    unsigned seconds;   // the same as bits 1u << enum ha_operation
    unsigned second_s;  // how soon the second has to follow the first
    char *profiles;     // the directory of the site's profiles
    char *clock_keys;   // a shell glob: keys whose messages need a synchronised clock; NULL: none
    char *audit_key;    // the key that signs transcripts of ceremonies; NULL: none
    bool audit;         // whether uses of keys are logged
    char *audit_log;    // NULL: in the state directory
    char *audit_sync;   // "batch", "always" or "off"
    unsigned audit_checkpoint_lines, audit_checkpoint_s;
    char *audit_rotate;  // "month", "day" or "never"
    unsigned audit_rotate_mb, audit_live_days, audit_archive_days;
    bool audit_syslog;
    bool self_approval;                              // who asks for a ceremony may be one of those who approve it
    bool rsa1_5;                                     // RSA1_5 decryption allowed at all
    unsigned connections;                            // most connections at one time on each socket
    unsigned connections_per_uid, requests_per_uid;  // likewise of one user, and its requests under way; 0: no limit
    unsigned publish_s, overlap_s;                   // of a rotation: before a new version signs, and after
    unsigned drain_ms;                               // how long SIGTERM waits for requests under way
    struct ha_days expiry_days;                      // before a certificate's end: when to give notice
    char *expiry_hook;                               // a program that is run with each notice; NULL: none
};

struct ha_listen_config {
    unsigned line;  // of the section's header
    char *name;
    char *socket;        // absolute path, short enough for sockaddr_un
    char *user, *group;  // as written; NULL: unchanged
    uid_t uid;           // (uid_t)-1: unchanged
    gid_t gid;           // (gid_t)-1: unchanged
    mode_t mode;
    bool admin;
};

struct ha_token_config {
    unsigned line;
    char *name;
    char *uri;          // RFC 7512; checked: names a token, not a slot-id alone, no pin-value, no pin-source
    char *module;       // absolute path
    char *module_args;  // NULL: none
    struct ha_strings environment;  // "NAME=value": all that the child's environment holds
    char *pin;                      // "credential:NAME", "file:/PATH", "prompt"
    unsigned sessions;
    unsigned deadline_ms;
    unsigned queue;  // most requests that wait for a session at one time
    bool software_oaep;
    char *verify;              // "rsa", "always" or "off"
    char *sandbox;             // "strict", "module" or "off"
    struct ha_strings writes;  // what the module may write; none: whatever its user may
};

// The operations a rule can grant. The table's names are what stands in the configuration.
enum ha_operation {
    HA_OPERATION_SHOW,         // see the key in lists, its public key and state
    HA_OPERATION_SIGN,         // over data that the agent hashes
    HA_OPERATION_SIGN_DIGEST,  // over a digest that the caller made
    HA_OPERATION_TLS,          // a handshake, for a TLS stack
    HA_OPERATION_CSR,
    HA_OPERATION_DECRYPT,
    HA_OPERATION_DERIVE,
    HA_OPERATION_JWS,             // with a profile, as the four below it
    HA_OPERATION_JWT,             // claims that the agent completes and checks
    HA_OPERATION_JWE_DECRYPT,     // a JWE, to its plaintext
    HA_OPERATION_HTTP_SIGNATURE,  // the headers that sign a request or reply
    HA_OPERATION_MAC,             // with an HMAC key
    HA_OPERATION_CREATE,          // on an admin socket
    HA_OPERATION_CEREMONY,        // on an admin socket: ask for a key that others approve
    HA_OPERATION_APPROVE,         // on an admin socket: such a key
    HA_OPERATION_ADOPT,           // on an admin socket
    HA_OPERATION_IMPORT,          // on an admin socket
    HA_OPERATION_BACKUP,          // on an admin socket; of a key, and under a KEK
    HA_OPERATION_RESTORE,         // on an admin socket
    HA_OPERATION_EXPORT,          // on an admin socket
    HA_OPERATION_DELETE,          // on an admin socket
    HA_OPERATION_INSTALL,         // on an admin socket
    HA_OPERATION_ROTATE,          // on an admin socket, as the two below it; makes versions, and has them sign
    HA_OPERATION_DISABLE,
    HA_OPERATION_ENABLE,
    HA_OPERATION_UNLOCK,  // on an admin socket; what is named isn't a key but a token
    HA_OPERATION_COUNT
};
struct ha_operation_info {
    const char *name;  // "sign-digest"
    bool admin;
    bool profiled;    // is asked for with a profile's message, so that a rule may say profile=
    bool classified;  // what is signed is the caller's, and is looked at, so that a rule may say content=
    const char *help;
};
const struct ha_operation_info *ha_operation_info(enum ha_operation operation);
#define HA_OPERATIONS_ALL ((1u << HA_OPERATION_COUNT) - 1)

// allow = KEY:OP[,OP] [ALG,...] [content=CLASS,...] [profile=PROFILE/MESSAGE,...]
struct ha_allow {
    unsigned line;
    char *text;           // as written
    char *key;            // a shell glob
    unsigned operations;  // bits 1u << enum ha_operation
    uint32_t algs;        // bits 1u << enum ha_alg; 0: all
    unsigned contents;    // bits 1u << enum ha_content; 0: all
    char *profiles;       // shell globs, each ended by NUL, the last one by two; NULL: all
};

struct ha_client_config {
    unsigned line;
    char *name;
    struct ha_strings user_names, group_names;  // as written
    uid_t *uids;
    size_t n_uids;
    gid_t *gids;
    size_t n_gids;
    struct ha_strings units;  // shell patterns of systemd units
    struct ha_strings exes;   // paths of executables
    struct ha_hours *hours;   // when the rules grant anything; none: always
    size_t n_hours;
    struct ha_rate rate;    // of uses that the section's rules grant, to all callers together
    unsigned daily_budget;  // likewise, of one day (UTC); 0: no limit
    char *mode;             // "enforce", or "shadow": what would be refused is logged and done; NULL: "enforce"
    struct ha_allow *allows;
    size_t n_allows;
};

struct ha_config {
    atomic_uint refs;
    char *path;
    struct ha_agent_config agent;
    struct ha_listen_config *listens;
    size_t n_listens;
    struct ha_token_config *tokens;
    size_t n_tokens;
    struct ha_client_config *clients;
    size_t n_clients;
    struct ha_profiles *profiles;  // shipped and the site's; NULL unless it was loaded
};

// Reads path (refused when group- or world-writable, or owned by neither us nor root), and the profiles. On HA_E_CONFIG
// every mistake is in ret_mistakes, in the order of the lines, and after them those of the profiles with their files;
// ret_config is set on HA_OK only.
enum ha_code ha_config_load(const char *path, struct ha_config **ret_config, struct ha_mistakes *ret_mistakes,
                            struct ha_err *err);
// The same from text, without the profiles; path is for messages.
enum ha_code ha_config_parse(const char *path, const char *text, size_t n, struct ha_config **ret_config,
                             struct ha_mistakes *ret_mistakes, struct ha_err *err);
// One more reference to what was loaded or parsed, which has one to begin with.
struct ha_config *ha_config_ref(struct ha_config *config);
void ha_config_free(struct ha_config *config);  // gives one reference back; the last one frees it. NULL is fine
HA_AUTO_DEFINE(struct ha_config, ha_config_free)

// The path of the audit log, whether it is written or not.
void ha_config_audit_log(const struct ha_config *config, struct ha_buf *out);
// Whether a token made from one would be made the same from the other: every option has the same value.
bool ha_config_same_token(const struct ha_token_config *a, const struct ha_token_config *b);
// Calls differs for each option that can't change while the agent runs and isn't the same in both.
void ha_config_fixed(const struct ha_config *running, const struct ha_config *wanted, void *context,
                     void (*differs)(void *context, const char *section, const char *option));

// The effective configuration, every option with its value, in a form that reads back to the same.
void ha_config_dump(const struct ha_config *config, struct ha_buf *out);

// The table of sections and options as roff (.TP paragraphs), for hsm-agent.conf(5): the manual is made from it.
void ha_config_manual(struct ha_buf *out);
