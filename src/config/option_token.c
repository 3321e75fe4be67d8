// SPDX-License-Identifier: Apache-2.0
// The options of [token NAME]: tokens.
#include "config/option_tables.h"

static const struct ha_option options[] = {
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
static_assert(HA_ARRAY_SIZE(options) <= HA_OPTIONS_MAX, "they fit");

const struct ha_options ha_options_token = {options, HA_ARRAY_SIZE(options)};
