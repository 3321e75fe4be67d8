// SPDX-License-Identifier: Apache-2.0
// The rows of the table, and finding what a misspelt name was meant to be.
#include "config/option.h"

#include <assert.h>
#include <stddef.h>
#include <string.h>

#define AT(type, field) .offset = offsetof(struct type, field)

static const struct ha_option agent_options[] = {
    {.name = "user",
     .type = HA_OPTION_USER,
     .fixed = true,
     AT(ha_agent_config, user),
     .id_offset = offsetof(struct ha_agent_config, uid),
     .value = "USER",
     .help = "Whom an agent that root starts becomes, with that user's groups, before it makes or opens anything but "
             "this file. Unset: it stays who started it, as it should where a service manager chose the user."},
    {.name = "sandbox",
     .type = HA_OPTION_BOOL,
     .fallback = "yes",
     .fixed = true,
     AT(ha_agent_config, sandbox),
     .value = "yes|no",
     .help = "Whether the daemon gives up the system calls and files that it doesn't need, see CONFINEMENT in "
             "hsm-agentd(8). What the kernel doesn't know is left out, and logged."},
    {.name = "affinity",
     .type = HA_OPTION_BOOL,
     .fallback = "yes",
     .fixed = true,
     AT(ha_agent_config, affinity),
     .value = "yes|no",
     .help = "Whether the threads that work for one request share a processor, beside a caller that is bound to one, "
             "and requests are spread over those that the agent may use. They spend their time waking each other, "
             "which is dear across processors. no leaves all of it to the scheduler."},
    {.name = "state-dir",
     .type = HA_OPTION_PATH,
     .fallback = HA_LOCALSTATEDIR "/lib/hsm-agent",
     .fixed = true,
     AT(ha_agent_config, state_dir),
     .value = "PATH",
     .help = "The directory where the agent keeps what it creates: one small file a key."},
    {.name = "profiles",
     .type = HA_OPTION_PATH,
     .fallback = HA_SYSCONFDIR "/hsm-agent/profiles",
     AT(ha_agent_config, profiles),
     .value = "PATH",
     .help = "The directory of the site's profiles, which are laid over those that come with the agent; see "
             "hsm-agent-profiles(5). It need not be there."},
    {.name = "synchronised-clock",
     .type = HA_OPTION_STRING,
     AT(ha_agent_config, clock_keys),
     .value = "KEY",
     .help = "A shell pattern: keys that make messages (jws, jwt, http-signature) only while the kernel says that the "
             "system clock is synchronised, since their dates would be worth nothing. Unset: no key needs that."},
    {.name = "audit-key",
     .type = HA_OPTION_STRING,
     AT(ha_agent_config, audit_key),
     .value = "KEY",
     .help = "The name of the key that signs the checkpoints of the audit log, and the transcripts of ceremonies. It "
             "has the purpose sign, and no rule should grant it to anybody. Unset: there are neither."},
    {.name = "audit",
     .type = HA_OPTION_BOOL,
     .fallback = "yes",
     .fixed = true,
     AT(ha_agent_config, audit),
     .value = "yes|no",
     .help = "Whether each use of a key and each refusal is written to the audit log before its result is sent, see "
             "AUDIT in hsm-agentd(8). While the log can't be written, no key is used."},
    {.name = "audit-log",
     .type = HA_OPTION_PATH,
     .fixed = true,
     AT(ha_agent_config, audit_log),
     .value = "PATH",
     .help = "The file of the audit log. Unset: audit/audit.jsonl in the state directory. Its directory is made if it "
             "isn't there, and others mustn't be able to write to it; older files are beside it."},
    {.name = "audit-sync",
     .type = HA_OPTION_CHOICE,
     .fallback = "batch",
     .fixed = true,
     AT(ha_agent_config, audit_sync),
     .value = "batch|always|off",
     .help =
         "When a line is on the disk. In all cases it is in the file before the result is sent, so that it survives "
         "the agent's death. batch: 50 ms later, together with those that came meanwhile; a loss of power can "
         "cost those. always: before the result is sent; requests at one time share a sync. off: when the system "
         "likes."},
    {.name = "audit-checkpoint-lines",
     .type = HA_OPTION_UINT,
     .fallback = "1000",
     .min = 1,
     .max = 30000,
     .fixed = true,
     AT(ha_agent_config, audit_checkpoint_lines),
     .value = "N",
     .help = "After so many lines the audit key signs the log's last line, if there is an audit-key."},
    {.name = "audit-checkpoint-s",
     .type = HA_OPTION_UINT,
     .fallback = "60",
     .min = 1,
     .max = 86400,
     .fixed = true,
     AT(ha_agent_config, audit_checkpoint_s),
     .value = "SECONDS",
     .help = "And after this time, if a line was written."},
    {.name = "audit-rotate",
     .type = HA_OPTION_CHOICE,
     .fallback = "month",
     .fixed = true,
     AT(ha_agent_config, audit_rotate),
     .value = "month|day|never",
     .help = "When a new file is begun (UTC). The chain goes on in it."},
    {.name = "audit-rotate-mb",
     .type = HA_OPTION_UINT,
     .fallback = "1024",
     .min = 0,
     .max = 1000000,
     .fixed = true,
     AT(ha_agent_config, audit_rotate_mb),
     .value = "MEBIBYTES",
     .help = "A new file is begun too when the present one is larger; 0: whatever its size."},
    {.name = "audit-live-days",
     .type = HA_OPTION_UINT,
     .fallback = "92",
     .min = 0,
     .max = 36500,
     .fixed = true,
     AT(ha_agent_config, audit_live_days),
     .value = "DAYS",
     .help = "How long older files stay as they are; then they are compressed."},
    {.name = "audit-archive-days",
     .type = HA_OPTION_UINT,
     .fallback = "366",
     .min = 0,
     .max = 36500,
     .fixed = true,
     AT(ha_agent_config, audit_archive_days),
     .value = "DAYS",
     .help = "How long they are kept after that; then they are removed, and the log says so. 0: for ever."},
    {.name = "audit-syslog",
     .type = HA_OPTION_BOOL,
     .fallback = "no",
     .fixed = true,
     AT(ha_agent_config, audit_syslog),
     .value = "yes|no",
     .help =
         "Whether a copy of each line goes to syslog or journald (/dev/log, authpriv.info), as far as that has room."},
    {.name = "ceremony-self-approval",
     .type = HA_OPTION_BOOL,
     .fallback = "no",
     AT(ha_agent_config, self_approval),
     .value = "yes|no",
     .help = "Whether who asks for a ceremony may be one of the two who approve it. Otherwise it takes three people."},
    {.name = "second-approval",
     .type = HA_OPTION_OPERATIONS,
     AT(ha_agent_config, second),
     .id_offset = offsetof(struct ha_agent_config, seconds),
     .value = "OP[,OP...]",
     .help =
         "What takes two people, such as delete,disable: operations of the admin socket. The first request is refused "
         "(second-needed) and remembered; the same one by another user to whom it is granted, within "
         "second-approval-s, does it. `hsm-agent key export` makes a recipient of its own each time: no two "
         "of its requests are the same, and nobody exports by it then. Unset: nothing takes two."},
    {.name = "second-approval-s",
     .type = HA_OPTION_UINT,
     .fallback = "900",
     .min = 1,
     .max = 604800,
     AT(ha_agent_config, second_s),
     .value = "SECONDS",
     .help = "How soon the second of two people has to follow the first. A restart of the agent forgets the first, "
             "and so does a change of the configuration."},
    {.name = "rsa1_5-decrypt",
     .type = HA_OPTION_BOOL,
     .fallback = "no",
     AT(ha_agent_config, rsa1_5),
     .value = "yes|no",
     .help = "Whether RSA1_5 (PKCS#1 v1.5) decryption is served at all. Whoever may decrypt with it can be used as an "
             "oracle by whoever chooses the ciphertexts (Bleichenbacher's and Marvin attacks); prefer RSA-OAEP."},
    {.name = "connections",
     .type = HA_OPTION_UINT,
     .fallback = "512",
     .min = 1,
     .max = 100000,
     AT(ha_agent_config, connections),
     .value = "N",
     .help = "The most connections at one time on each socket. One more is answered 503."},
    {.name = "connections-per-uid",
     .type = HA_OPTION_UINT,
     .fallback = "0",
     .min = 0,
     .max = 100000,
     AT(ha_agent_config, connections_per_uid),
     .value = "N",
     .help =
         "The most connections of one user at one time on each socket; 0: as many as there are. One more is answered "
         "429. Set it, below connections, where users don't trust each other."},
    {.name = "requests-per-uid",
     .type = HA_OPTION_UINT,
     .fallback = "0",
     .min = 0,
     .max = 100000,
     AT(ha_agent_config, requests_per_uid),
     .value = "N",
     .help =
         "The most requests of one user under way at one time on each socket; 0: as many as there are connections. One "
         "more is answered 429."},
    {.name = "rotation-publish-s",
     .type = HA_OPTION_UINT,
     .fallback = "600",
     .min = 0,
     .max = 31536000,
     AT(ha_agent_config, publish_s),
     .value = "SECONDS",
     .help = "How long a new version of a key is published, as in GET /v1/jwks, before it signs: as long as others "
             "may keep an old copy. key rotate --activate-after says otherwise for one rotation."},
    {.name = "rotation-overlap-s",
     .type = HA_OPTION_UINT,
     .fallback = "86400",
     .min = 0,
     .max = 315360000,
     AT(ha_agent_config, overlap_s),
     .value = "SECONDS",
     .help = "How long the version before goes on being published then: as long as what it signed may be under way. "
             "key rotate --overlap says otherwise for one rotation."},
    {.name = "drain-ms",
     .type = HA_OPTION_UINT,
     .fallback = "10000",
     .min = 0,
     .max = 600000,
     AT(ha_agent_config, drain_ms),
     .value = "MILLISECONDS",
     .help = "How long SIGTERM waits for requests under way before it cuts them off."},
    {.name = "expiry-days",
     .type = HA_OPTION_DAYS,
     .fallback = "90, 60, 30, 1",
     AT(ha_agent_config, expiry_days),
     .value = "DAYS[,DAYS...]|none",
     .help = "So many days before an installed certificate expires the agent gives notice, and when it has expired: an "
             "event in the log, once for each certificate and each of the numbers, and a run of expiry-hook."},
    {.name = "expiry-hook",
     .type = HA_OPTION_PATH,
     AT(ha_agent_config, expiry_hook),
     .value = "PATH",
     .help =
         "A program that is run with each notice, see EXPIRY in hsm-agentd(8). It belongs to root or to the agent's "
         "user, and nobody else may write it."},
};

static const struct ha_option listen_options[] = {
    {.name = "socket",
     .type = HA_OPTION_SOCKET,
     .required = true,
     AT(ha_listen_config, socket),
     .value = "PATH",
     .help = "Where the Unix socket is made; 102 bytes at most. PATH.lock is held while the agent runs."},
    {.name = "user",
     .type = HA_OPTION_USER,
     AT(ha_listen_config, user),
     .id_offset = offsetof(struct ha_listen_config, uid),
     .value = "USER",
     .help = "The socket's owner, by name or number. Unset: the user that the agent runs as."},
    {.name = "group",
     .type = HA_OPTION_GROUP,
     AT(ha_listen_config, group),
     .id_offset = offsetof(struct ha_listen_config, gid),
     .value = "GROUP",
     .help = "The socket's group, by name or number: with the mode 0660, who may knock. Unset: the agent's own group."},
    {.name = "mode",
     .type = HA_OPTION_MODE,
     .fallback = "0660",
     AT(ha_listen_config, mode),
     .value = "OCTAL",
     .help = "The socket's permissions. To connect, a program needs to be able to write."},
    {.name = "admin",
     .type = HA_OPTION_BOOL,
     .fallback = "no",
     AT(ha_listen_config, admin),
     .value = "yes|no",
     .help =
         "Whether keys may be created, adopted and deleted, and tokens unlocked, over this socket. Clients need the "
         "operation granted as well."},
};

static const struct ha_option token_options[] = {
    {.name = "uri",
     .type = HA_OPTION_URI,
     .required = true,
     AT(ha_token_config, uri),
     .value = "URI",
     .help = "The PKCS#11 URI (RFC 7512) of the token: at least one of token=, serial=, manufacturer= and model=. Slot "
             "numbers change, so slot-id= alone is refused; so are objects and PINs."},
    {.name = "module",
     .type = HA_OPTION_PATH,
     .required = true,
     AT(ha_token_config, module),
     .value = "PATH",
     .help = "The vendor's PKCS#11 module. Only the token's own process loads it."},
    {.name = "module-args",
     .type = HA_OPTION_STRING,
     AT(ha_token_config, module_args),
     .value = "TEXT",
     .help = "What some modules want to be given when they are initialised."},
    {.name = "environment",
     .type = HA_OPTION_ENVIRONMENT,
     .repeatable = true,
     AT(ha_token_config, environment),
     .value = "NAME=VALUE",
     .help = "A variable of the token process's environment, which holds nothing else."},
    {.name = "pin",
     .type = HA_OPTION_PIN,
     .required = true,
     AT(ha_token_config, pin),
     .value = "SOURCE",
     .help =
         "Where the PIN comes from, never the PIN itself: credential:NAME (a systemd credential), file:PATH (a file "
         "that only its owner may read) or prompt (asked for on the terminal at start). Keys that want the PIN for "
         "each "
         "use (CKA_ALWAYS_AUTHENTICATE) get it from there too."},
    {.name = "sessions",
     .type = HA_OPTION_UINT,
     .fallback = "8",
     .min = 1,
     .max = 128,
     AT(ha_token_config, sessions),
     .value = "N",
     .help = "How many operations the token does at one time; one more session stays logged in beside them."},
    {.name = "deadline-ms",
     .type = HA_OPTION_UINT,
     .fallback = "10000",
     .min = 10,
     .max = 600000,
     AT(ha_token_config, deadline_ms),
     .value = "MILLISECONDS",
     .help = "How long one request may take, waiting and further tries included; a batch is one request. A token that "
             "works on one operation for longer hangs, and its process is replaced."},
    {.name = "queue",
     .type = HA_OPTION_UINT,
     .fallback = "512",
     .min = 1,
     .max = 100000,
     AT(ha_token_config, queue),
     .value = "N",
     .help = "How many requests may wait for one of the sessions. When there are more, the newest of the user with the "
             "most is answered 503 at once. Users take turns, and so do the connections of each."},
    {.name = "software-oaep",
     .type = HA_OPTION_BOOL,
     .fallback = "no",
     AT(ha_token_config, software_oaep),
     .value = "yes|no",
     .help =
         "Whether OAEP is decoded by the agent, after a raw RSA operation in the token, where the token can't do it "
         "with the hash that is asked for (SoftHSM: all but SHA-1)."},
    {.name = "verify",
     .type = HA_OPTION_CHOICE,
     .fallback = "rsa",
     AT(ha_token_config, verify),
     .value = "rsa|always|off",
     .help = "Which signatures are verified with the public key before they leave: those of RSA keys, which a token's "
             "fault can give away and which are cheap to verify, all, or none. A wrong one is never sent."},
    {.name = "sandbox",
     .type = HA_OPTION_CHOICE,
     .fallback = "module",
     AT(ha_token_config, sandbox),
     .value = "strict|module|off",
     .help = "Which system calls the token's process gives up before the module is loaded: strict leaves it files, "
             "devices and Unix sockets, and is for modules that start no programs and reach their token without a "
             "network; module leaves it what modules have been seen to need; off is for the rest. See CONFINEMENT in "
             "hsm-agentd(8)."},
    {.name = "write",
     .type = HA_OPTION_PATHS,
     .repeatable = true,
     AT(ha_token_config, writes),
     .value = "PATH",
     .help = "A file or directory that the module may write: SoftHSM's token directory, for example. With one of them "
             "named, the token's process can write nothing else but its record of refused PINs, and uses devices in "
             "/dev that are there. Unset: it can write what its user can."},
};

static const struct ha_option client_options[] = {
    {.name = "user",
     .type = HA_OPTION_USER,
     .repeatable = true,
     .one_of = true,
     AT(ha_client_config, user_names),
     .id_offset = offsetof(struct ha_client_config, uids),
     .count_offset = offsetof(struct ha_client_config, n_uids),
     .value = "USER",
     .help = "The section is about programs that run as this user, by name or number."},
    {.name = "group",
     .type = HA_OPTION_GROUP,
     .repeatable = true,
     .one_of = true,
     AT(ha_client_config, group_names),
     .id_offset = offsetof(struct ha_client_config, gids),
     .count_offset = offsetof(struct ha_client_config, n_gids),
     .value = "GROUP",
     .help = "The section is about programs in this group. With user as well, a program must fit one of each."},
    {.name = "unit",
     .type = HA_OPTION_UNIT,
     .repeatable = true,
     .one_of = true,
     AT(ha_client_config, units),
     .value = "UNIT",
     .help = "The section is about programs of this systemd unit, by a shell pattern such as nginx.service or "
             "worker@*.service. A user's own units are all user@UID.service. Where user or group is given as well, a "
             "program must fit one of each."},
    {.name = "exe",
     .type = HA_OPTION_EXE,
     .repeatable = true,
     AT(ha_client_config, exes),
     .value = "PATH",
     .help =
         "The section is only about programs whose executable is this file. It needs user, group or unit beside it, "
         "for whoever may run a program can make a connection first and become it then. The agent can tell only as "
         "root, with CAP_SYS_PTRACE, or for programs of its own user."},
    {.name = "allow",
     .type = HA_OPTION_ALLOW,
     .repeatable = true,
     .required = true,
     AT(ha_client_config, allows),
     .count_offset = offsetof(struct ha_client_config, n_allows),
     .value = "KEY:OP[,OP...] [ALG[,ALG...]] [content=CLASS[,...]] [profile=PROFILE/MESSAGE[,...]]",
     .help =
         "A rule: what they may do with which keys. KEY is a shell pattern; OP is an operation or * for all; with "
         "algorithms named, only with those; with classes of content named, only what is of one of those; with "
         "profiles named, by shell patterns such as uae-tpp/*, only those messages, and nothing that has no profile. "
         "What no rule grants is denied."},
    {.name = "hours",
     .type = HA_OPTION_HOURS,
     .repeatable = true,
     AT(ha_client_config, hours),
     .count_offset = offsetof(struct ha_client_config, n_hours),
     .value = "[DAY[-DAY][,...]] HH:MM-HH:MM",
     .help =
         "When the rules grant anything, in UTC: days are Mon to Sun, all of them when none is named, and a time that "
         "ends before it begins ends on the next day. Unset: always."},
    {.name = "rate",
     .type = HA_OPTION_RATE,
     AT(ha_client_config, rate),
     .value = "N/s [burst=N]",
     .help =
         "How many uses of keys the rules grant in a second, to all callers of the section together; each item of a "
         "batch is one. So many as burst says, N unless it is given, may come at once. One more is answered 429. "
         "Unset: no limit."},
    {.name = "daily-budget",
     .type = HA_OPTION_UINT,
     .fallback = "0",
     .min = 0,
     .max = 1000000000,
     AT(ha_client_config, daily_budget),
     .value = "N",
     .help = "How many uses of keys the rules grant in a day (UTC); one more is answered 429. 0: no limit. The count "
             "begins "
             "anew when the agent is restarted, not when it reads its configuration again."},
    {.name = "mode",
     .type = HA_OPTION_CHOICE,
     .fallback = "enforce",
     AT(ha_client_config, mode),
     .value = "enforce|shadow",
     .help =
         "With shadow, what no rule grants, or what is over rate or daily-budget, is logged (would-refuse) and done "
         "all the same, with those keys that the section's rules name. It is for finding out which rules are needed: "
         "`hsm-agent policy suggest` writes them. "
         "What takes an admin socket is never done without a rule."},
};

#define OPTIONS(array) .options = (array), .n_options = HA_ARRAY_SIZE(array)
#define NAMED(type, array, count)                                                                                      \
    .named = true, .size = sizeof(struct type), .line_offset = offsetof(struct type, line),                            \
    .name_offset = offsetof(struct type, name), .array_offset = offsetof(struct ha_config, array),                     \
    .count_offset = offsetof(struct ha_config, count)

static const struct ha_section sections[] = {
    [HA_SECTION_AGENT] = {.kind = "agent",
                          .size = sizeof(struct ha_agent_config),
                          .array_offset = offsetof(struct ha_config, agent),
                          .help = "The agent as a whole. May be left out.",
                          OPTIONS(agent_options)},
    [HA_SECTION_LISTEN] = {.kind = "listen",
                           NAMED(ha_listen_config, listens, n_listens),
                           .help = "A socket on which the agent answers. There is at least one.",
                           OPTIONS(listen_options)},
    [HA_SECTION_TOKEN] = {.kind = "token",
                          NAMED(ha_token_config, tokens, n_tokens),
                          .help = "A PKCS#11 token. There is at least one, and each gets a process of its own.",
                          OPTIONS(token_options)},
    [HA_SECTION_CLIENT] = {.kind = "client",
                           NAMED(ha_client_config, clients, n_clients),
                           .help = "Who may do what. A section says at least one user, group or unit and one rule; the "
                                   "rules of all sections that fit a program are added up.",
                           OPTIONS(client_options)},
};
static_assert(HA_ARRAY_SIZE(sections) == HA_SECTION_COUNT, "each kind of section has its row");
static_assert(HA_ARRAY_SIZE(agent_options) <= HA_OPTIONS_MAX, "the longest section fits");

const struct ha_section *ha_section(enum ha_section_kind kind)
{
    return &sections[kind];
}

void *ha_section_at(const struct ha_config *config, enum ha_section_kind kind, size_t i)
{
    const struct ha_section *section = &sections[kind];
    void *base = (void *)config;
    if (!section->named)
        return i == 0 ? HA_OPTION_FIELD(void, base, section->array_offset) : NULL;
    if (i >= *HA_OPTION_FIELD(size_t, base, section->count_offset))
        return NULL;
    return *HA_OPTION_FIELD(char *, base, section->array_offset) + i * section->size;
}

// Levenshtein's distance; names are short, longer text is far from each of them.
static size_t distance(const char *a, const char *b)
{
    enum { LONGEST = 32 };
    size_t row[LONGEST + 1];
    size_t n = strlen(b);
    if (n > LONGEST || strlen(a) > LONGEST)
        return SIZE_MAX;
    for (size_t j = 0; j <= n; j++)
        row[j] = j;
    for (size_t i = 1; a[i - 1]; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= n; j++) {
            size_t change = diagonal + (a[i - 1] != b[j - 1]);
            size_t least = row[j] < row[j - 1] ? row[j] + 1 : row[j - 1] + 1;
            diagonal = row[j];
            row[j] = change < least ? change : least;
        }
    }
    return row[n];
}

const char *ha_option_nearest(const char *text, const char *const *names, size_t n)
{
    const char *nearest = NULL;
    size_t least = strlen(text) / 3 + 2;
    for (size_t i = 0; i < n; i++) {
        size_t d = distance(text, names[i]);
        if (d < least && d < strlen(names[i])) {
            least = d;
            nearest = names[i];
        }
    }
    return nearest;
}
