// SPDX-License-Identifier: Apache-2.0
#include "api/csr_profile.h"

#include <stdio.h>
#include <string.h>

struct ha_csr_key ha_csr_key_of(const struct ha_key *key)
{
    return (struct ha_csr_key){key->name, key->type, key->purposes, key->environment, key->holder};
}

// Whether the message is the one that name names, or one of the profile that it names.
static bool is_of(const struct ha_profile *message, const char *name)
{
    size_t n = strlen(name);
    return message->scheme == HA_SCHEME_CSR && strncmp(message->name, name, n) == 0 &&
           (message->name[n] == '\0' || message->name[n] == '/');
}

struct choice {
    const struct ha_profile *only;  // that is for the key
    size_t n, n_fitting;
    char names[200];    // of all
    struct ha_err why;  // the last one isn't for it
};

static void choose(const struct ha_profiles *profiles, const struct ha_csr_key *key, const char *name,
                   struct choice *choice)
{
    const struct ha_profile *profile;
    for (size_t i = 0; (profile = ha_profiles_at(profiles, i)); i++) {
        struct ha_err err = {0};
        size_t used = strlen(choice->names);
        if (!is_of(profile, name))
            continue;
        choice->n++;
        snprintf(choice->names + used, sizeof choice->names - used, "%s%s", used > 0 ? ", " : "", profile->name);
        if (ha_csr_profile_check_key(profile, key, &err)) {
            choice->why = err;
            continue;
        }
        choice->n_fitting++;
        choice->only = profile;
    }
}

static enum ha_code none_fits(const struct choice *choice, const struct ha_csr_key *key, const char *name,
                              struct ha_err *err)
{
    if (choice->n == 1) {
        *err = choice->why;
    } else {
        ha_fail(err, HA_E_KEY_CANNOT, "no certificate of %.64s is for such a key as '%s': %.300s", name, key->name,
                choice->why.detail);
        ha_hint(err, "its messages are %.200s; hsm-agent-profiles(5) says what keys they are for", choice->names);
    }
    return ha_at(err, "/profile");
}

enum ha_code ha_csr_profile_find(const struct ha_call_context *call, const struct ha_csr_key *key, const char *own,
                                 const char *wanted, const struct ha_profile **ret_profile, struct ha_err *err)
{
    const char *name = wanted ? wanted : own;
    struct choice choice = {0};
    if (!name) {
        *ret_profile = NULL;
        return HA_OK;
    }
    choose(call->api->profiles, key, name, &choice);
    if (choice.n == 0)  // says what would have been right
        return ha_call_profile(call, name, HA_SCHEME_BIT(HA_SCHEME_CSR), "/profile", ret_profile, err);
    size_t n = own ? strlen(own) : 0;
    if (own && strcmp(name, own) != 0 && (strncmp(name, own, n) != 0 || name[n] != '/')) {
        ha_fail(err, HA_E_KEY_CANNOT, "the key '%s' is for certificates of %.64s, not of %.64s", key->name, own, name);
        ha_hint(err, "leave \"profile\" out, or use a key that was made for the other one");
        return ha_at(err, "/profile");
    }
    if (choice.n_fitting == 0)
        return none_fits(&choice, key, name, err);
    if (choice.n_fitting > 1) {
        ha_fail(err, HA_E_MALFORMED, "several certificates of %.64s are for such a key as '%s'", name, key->name);
        ha_hint(err, "name one of %.200s", choice.names);
        return ha_at(err, "/profile");
    }
    return ha_call_profile(call, choice.only->name, HA_SCHEME_BIT(HA_SCHEME_CSR), "/profile", ret_profile, err);
}

enum ha_code ha_csr_profile_plan(const struct ha_call_context *call, const struct ha_csr_key *key, const char *name,
                                 struct ha_err *err)
{
    struct choice choice = {0};
    const struct ha_profile *profile;
    choose(call->api->profiles, key, name, &choice);
    if (choice.n == 0)
        return ha_call_profile(call, name, HA_SCHEME_BIT(HA_SCHEME_CSR), "/profile", &profile, err);
    return choice.n_fitting == 0 ? none_fits(&choice, key, name, err) : HA_OK;
}
