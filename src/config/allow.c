// SPDX-License-Identifier: Apache-2.0
// A rule's parts, read left to right: the key's pattern, the operations, the algorithms, classes of content, profiles.
#include "config/allow.h"

#include "config/option.h"

#include <stdio.h>
#include <string.h>

enum { WORD_MAX = 40, PATTERN_MAX = 64 };

// A list's items are looked up one after the other; each sets bits.
struct vocabulary {
    const char *what;  // "operation"
    const char *const *names;
    size_t n;
    uint32_t (*find)(const char *name);  // 0: unknown
};

static uint32_t find_operation(const char *name)
{
    if (strcmp(name, "*") == 0)
        return HA_OPERATIONS_ALL;
    for (unsigned i = 0; i < HA_OPERATION_COUNT; i++) {
        if (strcmp(ha_operation_info((enum ha_operation)i)->name, name) == 0)
            return 1u << i;
    }
    return 0;
}

static uint32_t find_alg(const char *name)
{
    enum ha_alg alg = ha_alg_by_name(name);
    return alg == HA_ALG_NONE ? 0 : 1u << alg;
}

static enum ha_code unknown_word(const struct vocabulary *vocabulary, const char *word, struct ha_err *err)
{
    const char *meant = ha_option_nearest(word, vocabulary->names, vocabulary->n);
    char all[256] = "";
    ha_fail(err, HA_E_CONFIG, "there is no %s '%s'", vocabulary->what, word);
    if (meant)
        return ha_hint(err, "Did you mean '%s'?", meant);
    for (size_t i = 0; i < vocabulary->n; i++)
        snprintf(all + strlen(all), sizeof all - strlen(all), "%s%s", i > 0 ? ", " : "", vocabulary->names[i]);
    return ha_hint(err, "The %ss are: %s.", vocabulary->what, all);
}

static enum ha_code parse_list(const char *list, size_t n, const struct vocabulary *vocabulary, uint32_t *ret_bits,
                               struct ha_err *err)
{
    uint32_t bits = 0;
    for (size_t start = 0; start <= n;) {
        const char *comma = memchr(list + start, ',', n - start);
        size_t length = comma ? (size_t)(comma - list) - start : n - start;
        char word[WORD_MAX];
        if (length == 0) {
            ha_fail(err, HA_E_CONFIG, "the list of %ss is empty or has an empty item", vocabulary->what);
            return ha_hint(err, "Write names with one comma, and no space, between them.");
        }
        snprintf(word, sizeof word, "%.*s", (int)length, list + start);
        uint32_t bit = length < sizeof word ? vocabulary->find(word) : 0;
        if (!bit)
            return unknown_word(vocabulary, word, err);
        bits |= bit;
        start += length + 1;
    }
    *ret_bits = bits;
    return HA_OK;
}

static enum ha_code check_brackets(const char *pattern, size_t n, const char *whose, struct ha_err *err)
{
    size_t open = 0;
    for (size_t i = 0; i < n; i++)
        open = pattern[i] == '[' ? open + 1 : pattern[i] == ']' && open > 0 ? 0 : open;
    if (open == 0)
        return HA_OK;
    ha_fail(err, HA_E_CONFIG, "the %s's pattern has a '[' without its ']'", whose);
    return ha_hint(err, "Close the set of characters: [abc] or [a-c].");
}

static enum ha_code check_pattern(const char *pattern, size_t n, struct ha_err *err)
{
    static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-*?[]!^";
    if (n == 0 || n > PATTERN_MAX) {
        ha_fail(err, HA_E_CONFIG, "the key's pattern has %zu characters; it may have 1 to %d", n, PATTERN_MAX);
        return ha_hint(err, "Write it as KEY:OP, with * for all keys.");
    }
    if (strspn(pattern, allowed) < n) {
        ha_fail(err, HA_E_CONFIG, "the key's pattern has a character that no key's name can have");
        return ha_hint(err, "Use letters, digits, '.', '_', '-' and the wildcards *, ? and [...].");
    }
    return check_brackets(pattern, n, "key", err);
}

static enum ha_code parse_operations(const char *text, size_t n, struct ha_allow *allow, struct ha_err *err)
{
    const char *names[HA_OPERATION_COUNT];
    for (unsigned i = 0; i < HA_OPERATION_COUNT; i++)
        names[i] = ha_operation_info((enum ha_operation)i)->name;
    const struct vocabulary vocabulary = {"operation", names, HA_OPERATION_COUNT, find_operation};
    return parse_list(text, n, &vocabulary, &allow->operations, err);
}

static enum ha_code parse_algs(const char *text, size_t n, struct ha_allow *allow, struct ha_err *err)
{
    const char *names[HA_ALG_COUNT];
    for (unsigned i = HA_ALG_NONE + 1; i < HA_ALG_COUNT; i++)
        names[i - 1] = ha_alg_info((enum ha_alg)i)->name;
    const struct vocabulary vocabulary = {"algorithm", names, HA_ALG_COUNT - 1, find_alg};
    return parse_list(text, n, &vocabulary, &allow->algs, err);
}

// One of the patterns after profile=.
static enum ha_code check_profile(const char *pattern, size_t n, struct ha_err *err)
{
    static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-/*?[]!^";
    if (n == 0 || n > 2 * PATTERN_MAX) {
        ha_fail(err, HA_E_CONFIG, "the list of profiles is empty, or has an item that is empty or too long");
        return ha_hint(err, "Write it as profile=PROFILE/MESSAGE, with one comma, and no space, between several.");
    }
    if (strspn(pattern, allowed) < n) {
        ha_fail(err, HA_E_CONFIG, "the profile's pattern has a character that no profile's name can have");
        return ha_hint(err, "Use letters, digits, '.', '_', '-', '/' and the wildcards *, ? and [...].");
    }
    if (!memchr(pattern, '/', n) && !memchr(pattern, '*', n)) {
        ha_fail(err, HA_E_CONFIG, "'%.*s' names a profile, but none of its messages", (int)n, pattern);
        return ha_hint(err, "Write %.*s/* for all of them; `hsm-agent profiles` lists them.", (int)n, pattern);
    }
    return check_brackets(pattern, n, "profile", err);
}

static bool has_profile(const struct ha_operation_info *info)
{
    return info->profiled;
}

static bool has_content(const struct ha_operation_info *info)
{
    return info->classified;
}

// Whether the operations are such as have what the word is about; "*" is narrowed to those.
static enum ha_code narrow(unsigned *operations, bool (*has)(const struct ha_operation_info *info), const char *what,
                           const char *word, struct ha_err *err)
{
    unsigned such = 0;
    for (unsigned i = 0; i < HA_OPERATION_COUNT; i++) {
        const struct ha_operation_info *info = ha_operation_info((enum ha_operation)i);
        if (has(info))
            such |= 1u << i;
        else if ((*operations & 1u << i) && *operations != HA_OPERATIONS_ALL) {
            ha_fail(err, HA_E_CONFIG, "the operation %s has no %s, so that %s= says nothing of it", info->name, what,
                    word);
            return ha_hint(err, "Grant it in a rule of its own, without %s=.", word);
        }
    }
    *operations &= such;
    return HA_OK;
}

static uint32_t find_content(const char *name)
{
    for (unsigned i = 0; i < HA_CONTENT_COUNT; i++) {
        if (strcmp(ha_content_info((enum ha_content)i)->name, name) == 0)
            return 1u << i;
    }
    return 0;
}

static enum ha_code parse_contents(const char *list, size_t n, struct ha_allow *allow, struct ha_err *err)
{
    const char *names[HA_CONTENT_COUNT];
    uint32_t contents;
    for (unsigned i = 0; i < HA_CONTENT_COUNT; i++)
        names[i] = ha_content_info((enum ha_content)i)->name;
    const struct vocabulary vocabulary = {"content", names, HA_CONTENT_COUNT, find_content};
    if (parse_list(list, n, &vocabulary, &contents, err) ||
        narrow(&allow->operations, has_content, "content of the caller's", "content", err))
        return err->code;
    allow->contents = contents;
    return HA_OK;
}

// Fills allow->profiles, which the caller frees.
static enum ha_code parse_profiles(const char *list, size_t n, struct ha_allow *allow, struct ha_err *err)
{
    for (size_t start = 0; start <= n;) {
        const char *comma = memchr(list + start, ',', n - start);
        size_t length = comma ? (size_t)(comma - list) - start : n - start;
        if (check_profile(list + start, length, err))
            return err->code;
        start += length + 1;
    }
    if (narrow(&allow->operations, has_profile, "profile", "profile", err))
        return err->code;
    char *profiles = calloc(1, n + 2);
    if (!profiles)
        return ha_fail(err, HA_E_MEMORY, "out of memory for a rule");
    for (size_t i = 0; i < n; i++)
        profiles[i] = list[i] == ',' ? '\0' : list[i];
    allow->profiles = profiles;
    return HA_OK;
}

// What follows KEY:OP, word by word: first algorithms, then what has a mark, each once.
static enum ha_code parse_rest(const char *text, struct ha_allow *allow, struct ha_err *err)
{
    static const char profile[] = "profile=", content[] = "content=";
    bool first = true;
    for (size_t len; (len = strcspn(text, " \t")) > 0; text += len, text += strspn(text, " \t"), first = false) {
        bool is_profile = strncmp(text, profile, strlen(profile)) == 0 && !allow->profiles;
        bool is_content = strncmp(text, content, strlen(content)) == 0 && !allow->contents && !allow->profiles;
        if (!first && !is_profile && !is_content) {
            ha_fail(err, HA_E_CONFIG,
                    "the rule has more than a KEY:OP part, a list of algorithms, one of content classes and one of "
                    "profiles");
            return ha_hint(err, "Write lists with one comma, and no space, between the words; content= and profile= "
                                "come last.");
        }
        if (is_content   ? parse_contents(text + strlen(content), len - strlen(content), allow, err)
            : is_profile ? parse_profiles(text + strlen(profile), len - strlen(profile), allow, err)
                         : parse_algs(text, len, allow, err))
            return err->code;
    }
    return HA_OK;
}

// On failure allow->profiles may be set.
static enum ha_code parse_parts(const char *text, struct ha_allow *allow, size_t *ret_pattern_len, struct ha_err *err)
{
    size_t rule_len = strcspn(text, " \t");
    const char *rest = text + rule_len + strspn(text + rule_len, " \t");
    const char *colon = memchr(text, ':', rule_len);
    if (!colon) {
        ha_fail(err, HA_E_CONFIG, "the rule has no ':' between the key and the operations");
        return ha_hint(err, "Write it as KEY:OP[,OP] [ALG,...], for example edge-*:sign,csr ES256.");
    }
    size_t pattern_len = (size_t)(colon - text);
    if (check_pattern(text, pattern_len, err) || parse_operations(colon + 1, rule_len - pattern_len - 1, allow, err) ||
        parse_rest(rest, allow, err))
        return err->code;
    *ret_pattern_len = pattern_len;
    return HA_OK;
}

enum ha_code ha_allow_parse(const char *text, unsigned line, struct ha_allow *ret_allow, struct ha_err *err)
{
    struct ha_allow allow = {.line = line};
    size_t pattern_len = 0;
    enum ha_code code = parse_parts(text, &allow, &pattern_len, err);
    ha_auto(ha_free) char *profiles = allow.profiles;
    if (code != HA_OK)
        return code;
    ha_auto(ha_free) char *copy = strdup(text);
    ha_auto(ha_free) char *key = strndup(text, pattern_len);
    if (!copy || !key)
        return ha_fail(err, HA_E_MEMORY, "out of memory for a rule");
    allow.text = ha_take(&copy);
    allow.key = ha_take(&key);
    allow.profiles = ha_take(&profiles);
    *ret_allow = allow;
    return HA_OK;
}

enum ha_code ha_allow_admin_operations(const char *text, unsigned *ret_operations, struct ha_err *err)
{
    struct ha_allow allow = {0};
    if (parse_operations(text, strlen(text), &allow, err))
        return err->code;
    for (unsigned i = 0; i < HA_OPERATION_COUNT; i++) {
        const struct ha_operation_info *info = ha_operation_info((enum ha_operation)i);
        if (!info->admin && (allow.operations & 1u << i)) {
            ha_fail(err, HA_E_CONFIG, "the operation %s is none of the admin socket's", info->name);
            return ha_hint(err, "Name such as delete, export, backup, disable or rotate.");
        }
    }
    *ret_operations = allow.operations;
    return HA_OK;
}
