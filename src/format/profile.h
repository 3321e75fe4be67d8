// SPDX-License-Identifier: Apache-2.0
// Profiles: hsm-agent-profiles(5), read whole, checked whole, then immutable and thread-safe. A set is counted like the
// configuration, and comes into force with it.
//
// A profile is a file NAME.conf. Each [message KIND] of it names a scheme and gives values to that scheme's options;
// what it leaves out has the table's default. A [values] section declares what the options may name as ${value}, and
// a file of the same name in the site's directory overlays both, one by one.
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "base/mistakes.h"
#include "crypto/alg.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// What a message is made by. Each scheme has a struct for its options, and a table of them.
enum ha_scheme {
    HA_SCHEME_JWS,
    HA_SCHEME_JWT,
    HA_SCHEME_JWE,
    HA_SCHEME_RFC9421,
    HA_SCHEME_DIP,
    HA_SCHEME_FSPIOP,
    HA_SCHEME_FSPIOP_ENCRYPTION,
    HA_SCHEME_ILP,
    HA_SCHEME_CSR,
    HA_SCHEME_COUNT
};
#define HA_SCHEME_BIT(scheme) (1u << (scheme))

enum ha_profile_kind {
    HA_PROFILE_TEXT,    // char *; NULL: unset
    HA_PROFILE_PATH,    // char *: an absolute path; NULL: unset
    HA_PROFILE_LIST,    // struct ha_jose_list: words with commas between them; the option may be repeated
    HA_PROFILE_LINES,   // struct ha_jose_list: an item each time the option is repeated
    HA_PROFILE_BOOL,    // bool: yes or no
    HA_PROFILE_UINT,    // unsigned, min..max
    HA_PROFILE_CHOICE,  // an enum: the number of the word among those in `value`, a|b|c, from 0
    HA_PROFILE_SET,     // unsigned: bits 1u << those numbers, from words with commas between them; 0: unset
    HA_PROFILE_ALG,     // enum ha_alg; HA_ALG_NONE: unset
    HA_PROFILE_ALGS,    // uint32_t: bits 1u << enum ha_alg, from names with commas between them; 0: unset
};

// A row of a scheme's table.
struct ha_profile_option {
    const char *name;  // "max-lifetime-s"
    enum ha_profile_kind kind;
    bool required;         // the message can't be used while it is unset; of text, paths, lists and algorithms
    const char *fallback;  // the default as it would be written; NULL: unset, no, 0 or the first word
    unsigned min, max;     // of HA_PROFILE_UINT
    size_t offset;         // in the scheme's struct
    const char *value;     // what the manual puts for the value: "SECONDS", "a|b|c"
    const char *help;
};

struct ha_profile_table {
    size_t size;  // of the struct that the rows are about
    const struct ha_profile_option *options;
    size_t n;
};

struct ha_scheme_info {
    const char *name;   // "rfc9421"
    const char *plain;  // the message that is meant when a request names no profile, "jose/jws"; NULL: there is none
    const struct ha_profile_table *table;
    const char *help;
    // Whether what the lines say can be read, beyond their kinds; HA_E_CONFIG naming the option. NULL: it can.
    enum ha_code (*check)(const void *options, struct ha_err *err);
};
const struct ha_scheme_info *ha_scheme_info(enum ha_scheme scheme);

// One kind of message of one profile.
struct ha_profile {
    char *name;  // "uae-tpp/client-assertion", as requests and rules name it
    enum ha_scheme scheme;
    // The scheme's struct (struct ha_jwt_profile for HA_SCHEME_JWT, ...), every option with its value.
    const void *options;
    char *help;     // one line: the message's `help`; "" when it has none
    char *missing;  // the values that the site still has to give, "client-id, issuer"; NULL: it can be used
    char *file;     // where the site would give them
};

struct ha_profiles;  // a set of them

// Reads shipped/*.conf and site/*.conf, all of them. A directory that isn't there is empty; a NULL one too. Files are
// refused as the configuration's is (HA_FILE_TRUSTED). HA_E_CONFIG: every mistake is in ret_mistakes, with its file.
enum ha_code ha_profiles_load(const char *shipped, const char *site, struct ha_profiles **ret_profiles,
                              struct ha_mistakes *ret_mistakes, struct ha_err *err);
struct ha_profiles *ha_profiles_ref(struct ha_profiles *profiles);
void ha_profiles_free(struct ha_profiles *profiles);  // gives one reference back; NULL is fine
HA_AUTO_DEFINE(struct ha_profiles, ha_profiles_free)

// The i-th in the order of their names; NULL when there are fewer. Borrowed, as below.
const struct ha_profile *ha_profiles_at(const struct ha_profiles *profiles, size_t i);
// Calls path for each file or directory that an option of a message names.
void ha_profiles_paths(const struct ha_profiles *profiles, void *context,
                       void (*path)(void *context, const char *path));
// The message called name, "PROFILE/MESSAGE", of one of the schemes (bits); "PROFILE" alone where only one of its
// messages is. With name NULL, the plain message of the lowest of the schemes that has one. HA_E_MALFORMED: there is
// none of that name, or it is of another scheme (the words say which there are). HA_E_KEY_CANNOT: the site has yet to
// give it values. profiles NULL: an empty set.
enum ha_code ha_profiles_find(const struct ha_profiles *profiles, const char *name, unsigned schemes,
                              const struct ha_profile **ret_profile, struct ha_err *err);

// The tables of all schemes as roff, for hsm-agent-profiles(5): the manual is made from it.
void ha_profiles_manual(struct ha_buf *out);
