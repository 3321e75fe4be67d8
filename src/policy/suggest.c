// SPDX-License-Identifier: Apache-2.0
// Uses are kept in a tree, each kind once, in the order in which they are written.
#include "policy/suggest.h"

#include "base/text.h"
#include "base/unit.h"
#include "policy/suggest_rule.h"

#include <inttypes.h>
#include <pwd.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// NAME_BYTES: what the configuration takes as a section's name (base/ini.h).
enum { TIME_LEN = 24, NO_CONTENT = HA_CONTENT_COUNT, PASSWD_BYTES = 65536, NAME_BYTES = 42 };

// All uses of one kind.
struct kind {
    uid_t uid;
    char *unit;  // "" for none, so that it comes first; the same below
    char *key;
    enum ha_operation operation;
    char *profile;
    unsigned content;  // enum ha_content, or NO_CONTENT
    uint32_t algs;     // bits 1u << enum ha_alg, HA_ALG_NONE among them
    uint64_t uses;
    char first[TIME_LEN + 1], last[TIME_LEN + 1];
};

struct ha_suggestion {
    void *kinds;  // a tree of tsearch(3)
    size_t n;
    uint64_t left_out;
    bool failed;
};

struct ha_suggestion *ha_suggestion_new(void)
{
    return calloc(1, sizeof(struct ha_suggestion));
}

static void kind_free(void *what)
{
    struct kind *kind = what;
    if (!kind)
        return;
    free(kind->unit);
    free(kind->key);
    free(kind->profile);
    free(kind);
}

static void kind_free_auto(struct kind **kind)
{
    kind_free(*kind);
}

void ha_suggestion_free(struct ha_suggestion *suggestion)
{
    if (!suggestion)
        return;
    tdestroy(suggestion->kinds, kind_free);
    free(suggestion);
}

static int order(uint64_t a, uint64_t b)
{
    return (a > b) - (a < b);
}

static int compare(const void *one, const void *other)
{
    const struct kind *a = one, *b = other;
    int result = order(a->uid, b->uid);
    if (result == 0)
        result = strcmp(a->unit, b->unit);
    if (result == 0)
        result = strcmp(a->key, b->key);
    if (result == 0)
        result = order(a->operation, b->operation);
    if (result == 0)
        result = strcmp(a->profile, b->profile);
    return result ? result : order(a->content, b->content);
}

// --- Adding

static bool is_profile(const char *profile)
{
    static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-/";
    const char *slash = strchr(profile, '/');
    return slash && slash > profile && slash[1] && profile[strspn(profile, allowed)] == '\0';
}

static bool is_time(const char *time)
{
    static const char form[] = "dddd-dd-ddTdd:dd:dd.dddZ";
    for (size_t i = 0; i < sizeof form; i++)
        if (form[i] == 'd' ? time[i] < '0' || time[i] > '9' : time[i] != form[i])
            return false;
    return true;
}

// Has the same name the next time.
static bool is_lasting(const char *unit)
{
    size_t n = strlen(unit);
    bool scope = n > 6 && strcmp(unit + n - 6, ".scope") == 0;
    return !scope && strncmp(unit, "run-", 4) != 0;
}

static bool is_sayable(const struct ha_suggest_use *use, const struct kind *kind)
{
    const struct ha_suggest_rule rule = {.operations = 1u << use->operation,
                                         .algs = use->alg ? 1u << use->alg : 0,
                                         .contents = kind->content == NO_CONTENT ? 0 : 1u << kind->content,
                                         .profile = kind->profile};
    if (use->uid == (uid_t)-1 || !ha_name_valid(use->key) || !is_time(use->time))
        return false;
    if (kind->profile[0] && (!is_profile(use->profile) || !ha_operation_info(use->operation)->profiled))
        return false;
    if (use->unit && (!ha_unit_valid(use->unit, strlen(use->unit), false) ||
                      strlen("unit = ") + strlen(use->unit) > HA_SUGGEST_LINE_MAX))
        return false;
    return ha_suggest_rule_fits(use->key, &rule);
}

static char *copy(const char *text)
{
    return strdup(text ? text : "");
}

static struct kind *find(struct ha_suggestion *suggestion, const struct kind *wanted)
{
    struct kind *const *found = tfind(wanted, &suggestion->kinds, compare);
    if (found)
        return *found;
    __attribute__((cleanup(kind_free_auto))) struct kind *kind = malloc(sizeof *kind);
    if (!kind)
        return NULL;
    *kind = *wanted;
    kind->unit = copy(wanted->unit);
    kind->key = copy(wanted->key);
    kind->profile = copy(wanted->profile);
    if (!kind->unit || !kind->key || !kind->profile || !tsearch(kind, &suggestion->kinds, compare))
        return NULL;
    suggestion->n++;
    return ha_take(&kind);
}

void ha_suggestion_leave_out(struct ha_suggestion *suggestion)
{
    suggestion->left_out++;
}

void ha_suggestion_add(struct ha_suggestion *suggestion, const struct ha_suggest_use *use)
{
    const struct ha_operation_info *info = ha_operation_info(use->operation);
    bool lasting = use->unit && is_lasting(use->unit);
    const struct kind wanted = {
        .uid = use->uid,
        .unit = (char *)(lasting ? use->unit : ""),
        .key = (char *)use->key,
        .operation = use->operation,
        .profile = (char *)(use->profile ? use->profile : ""),
        .content = info->classified && use->content ? *use->content : NO_CONTENT,
    };
    if (!use->key || !is_sayable(use, &wanted)) {
        ha_suggestion_leave_out(suggestion);
        return;
    }
    struct kind *kind = find(suggestion, &wanted);
    if (!kind) {
        suggestion->failed = true;
        return;
    }
    if (kind->uses == 0 || strcmp(use->time, kind->first) < 0)
        memcpy(kind->first, use->time, TIME_LEN);
    if (kind->uses == 0 || strcmp(use->time, kind->last) > 0)
        memcpy(kind->last, use->time, TIME_LEN);
    kind->uses++;
    kind->algs |= 1u << use->alg;
}

// --- Writing

struct list {
    const struct kind **items;
    size_t n;
};

static void collect(const void *node, VISIT visit, void *closure)
{
    struct list *list = closure;
    if (visit == postorder || visit == leaf)
        list->items[list->n++] = *(const struct kind *const *)node;
}

static void put_user_name(struct ha_buf *out, uid_t uid)
{
    struct passwd entry, *found = NULL;
    ha_auto(ha_free) char *buffer = malloc(PASSWD_BYTES);
    if (buffer && getpwuid_r(uid, &entry, buffer, PASSWD_BYTES, &found) == 0 && found && ha_name_valid(found->pw_name))
        ha_buf_printf(out, "%s: ", found->pw_name);
}

// A section's name is made of user and unit; of one whose characters no name has, with the section's number.
static void put_name(struct ha_buf *out, const struct kind *of, size_t number)
{
    char name[HA_UNIT_MAX + 24], digits[24];
    snprintf(name, sizeof name, "uid-%u%s%s", (unsigned)of->uid, of->unit[0] ? "-" : "", of->unit);
    bool whole = strlen(name) <= NAME_BYTES && ha_name_valid(name);
    for (char *at = name; *at && !whole; at++)
        if (strchr(":\\@", *at))
            *at = '_';
    snprintf(digits, sizeof digits, "-%zu", number);
    ha_buf_printf(out, "[client %.*s%s]\n", NAME_BYTES - (whole ? 0 : (int)strlen(digits)), name, whole ? "" : digits);
}

static void put_head(struct ha_buf *out, const struct kind *const *kinds, size_t n, size_t number)
{
    const struct kind *of = kinds[0];
    const char *first = of->first, *last = of->last;
    uint64_t uses = 0;
    for (size_t i = 0; i < n; i++) {
        uses += kinds[i]->uses;
        first = strcmp(kinds[i]->first, first) < 0 ? kinds[i]->first : first;
        last = strcmp(kinds[i]->last, last) > 0 ? kinds[i]->last : last;
    }
    ha_buf_puts(out, "\n# ");
    put_user_name(out, of->uid);
    ha_buf_printf(out, "%" PRIu64 " use%s since %s, the last at %s\n", uses, uses == 1 ? "" : "s", first, last);
    put_name(out, of, number);
    ha_buf_printf(out, "user = %u\n", (unsigned)of->uid);
    if (of->unit[0])
        ha_buf_printf(out, "unit = %s\n", of->unit);
}

// The rules for one key. HA_ALG_NONE is in what any algorithm grants.
static void put_key(struct ha_buf *out, const struct kind *const *kinds, size_t n, struct ha_suggest_rule *rules)
{
    const char *key = kinds[0]->key;
    size_t n_rules = 0;
    for (size_t i = 0; i < n; i++) {
        struct ha_suggest_rule rule = {.operations = 1u << kinds[i]->operation,
                                       .contents = kinds[i]->content == NO_CONTENT ? 0 : 1u << kinds[i]->content,
                                       .profile = kinds[i]->profile};
        uint32_t algs = kinds[i]->algs & ~(1u << HA_ALG_NONE);
        if (!algs)
            rules[n_rules++] = rule;
        for (unsigned alg = 0; alg < HA_ALG_COUNT; alg++) {
            rule.algs = 1u << alg;
            if (algs & rule.algs)
                rules[n_rules++] = rule;
        }
    }
    ha_suggest_rules_join(key, rules, n_rules);
    for (size_t i = 0; i < n_rules; i++) {
        if (rules[i].gone)
            continue;
        ha_suggest_rule_put(&rules[i], key, out);
        ha_buf_putc(out, '\n');
    }
}

static size_t same_section(const struct kind *const *kinds, size_t n)
{
    size_t i = 1;
    while (i < n && kinds[i]->uid == kinds[0]->uid && strcmp(kinds[i]->unit, kinds[0]->unit) == 0)
        i++;
    return i;
}

static size_t same_key(const struct kind *const *kinds, size_t n)
{
    size_t i = 1;
    while (i < n && strcmp(kinds[i]->key, kinds[0]->key) == 0)
        i++;
    return i;
}

static void put_all(const struct ha_suggestion *suggestion, const struct kind *const *kinds,
                    struct ha_suggest_rule *rules, struct ha_buf *out)
{
    size_t number = 0;
    ha_buf_puts(out, "# What the uses below need, and no more. Refused requests aren't in it, nor is reading (show),\n"
                     "# which no log has; whoever may do anything with a key may also see it.\n");
    if (suggestion->left_out)
        ha_buf_printf(out, "# Left out: %" PRIu64 " use%s of which no rule can be made.\n", suggestion->left_out,
                      suggestion->left_out == 1 ? "" : "s");
    for (size_t i = 0, n; i < suggestion->n; i += n) {
        n = same_section(kinds + i, suggestion->n - i);
        put_head(out, kinds + i, n, ++number);
        for (size_t j = 0, m; j < n; j += m) {
            m = same_key(kinds + i + j, n - j);
            put_key(out, kinds + i + j, m, rules);
        }
    }
}

enum ha_code ha_suggestion_write(const struct ha_suggestion *suggestion, struct ha_buf *out, struct ha_err *err)
{
    struct list list = {.items = calloc(suggestion->n + 1, sizeof(*list.items))};
    ha_auto(ha_free) const struct kind **items = list.items;
    ha_auto(ha_free) struct ha_suggest_rule *rules = calloc(suggestion->n * HA_ALG_COUNT + 1, sizeof(*rules));
    if (items && rules && !suggestion->failed) {
        twalk_r(suggestion->kinds, collect, &list);
        put_all(suggestion, items, rules, out);
    }
    if (!items || !rules || suggestion->failed || !ha_buf_ok(out))
        return ha_fail(err, HA_E_MEMORY, "out of memory for the policy");
    return HA_OK;
}
