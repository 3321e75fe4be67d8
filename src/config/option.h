// SPDX-License-Identifier: Apache-2.0
// THE table of sections and options. Reading, checking, dumping and the manual are all made of these rows.
#pragma once

#include "config/config.h"

enum ha_section_kind { HA_SECTION_AGENT, HA_SECTION_LISTEN, HA_SECTION_TOKEN, HA_SECTION_CLIENT, HA_SECTION_COUNT };

enum ha_option_type {
    HA_OPTION_STRING,       // char *
    HA_OPTION_PATH,         // char *: an absolute path
    HA_OPTION_SOCKET,       // char *: an absolute path that fits struct sockaddr_un
    HA_OPTION_BOOL,         // bool: yes or no
    HA_OPTION_UINT,         // unsigned, min..max
    HA_OPTION_MODE,         // mode_t: octal
    HA_OPTION_USER,         // char * and uid_t; repeatable: struct ha_strings, uid_t * and size_t
    HA_OPTION_GROUP,        // the same with gid_t
    HA_OPTION_URI,          // char *: a PKCS#11 URI that names a token
    HA_OPTION_PIN,          // char *: where the PIN comes from
    HA_OPTION_ENVIRONMENT,  // struct ha_strings: NAME=value
    HA_OPTION_PATHS,        // struct ha_strings: absolute paths
    HA_OPTION_CHOICE,       // char *: one of the words in `value`, which are separated by |
    HA_OPTION_DAYS,         // struct ha_days
    HA_OPTION_OPERATIONS,   // char * and unsigned: operations that take an admin socket, as bits
    HA_OPTION_UNIT,         // struct ha_strings: patterns of systemd units
    HA_OPTION_EXE,          // struct ha_strings: absolute paths
    HA_OPTION_RATE,         // struct ha_rate
    HA_OPTION_HOURS,        // struct ha_hours * and size_t
    HA_OPTION_ALLOW,        // struct ha_allow * and size_t
};

struct ha_option {
    const char *name;
    enum ha_option_type type;
    const char *fallback;  // the default as it would be written; NULL: unset
    bool repeatable;
    bool required;
    bool fixed;           // can't change while the agent runs
    bool one_of;          // of the options so marked, a section has at least one
    uint64_t min, max;    // of HA_OPTION_UINT
    size_t offset;        // of the value in the section's struct
    size_t id_offset;     // of the uid or gid, or of the array of them; of the operations' bits
    size_t count_offset;  // of the number of those ids or rules, when repeatable
    const char *value;    // what the manual puts for the value: "PATH"
    const char *help;
};
enum { HA_OPTIONS_MAX = 40 };  // options of one section

struct ha_options {
    const struct ha_option *row;
    size_t n;
};

struct ha_section {
    const char *kind;
    bool named;          // [kind NAME], any number of them; else [kind], at most one
    size_t size;         // of the section's struct
    size_t line_offset;  // in the section's struct; of named sections
    size_t name_offset;
    size_t array_offset;  // in struct ha_config: of the array, or of the one struct
    size_t count_offset;  // of the number of sections in the array; of named sections
    const char *help;
    const struct ha_options *options;
};

const struct ha_section *ha_section(enum ha_section_kind kind);
// The section's i-th struct in config. NULL when there are fewer.
void *ha_section_at(const struct ha_config *config, enum ha_section_kind kind, size_t i);
#define HA_OPTION_FIELD(type, base, offset) ((type *)(void *)((char *)(base) + (offset)))

// The name among names that was probably meant: few letters differ. NULL when none is near.
const char *ha_option_nearest(const char *text, const char *const *names, size_t n);
