// SPDX-License-Identifier: Apache-2.0
#include "cli/conf_file.h"

#include "cli/ossl_types.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <openssl/err.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#define ANEW "'hsm-agent openssl-conf' prints a right one to copy from."

struct reading {
    const char *path;
    const CONF *conf;
    const char *init;                  // the section that openssl_conf names
    STACK_OF(CONF_VALUE) * providers;  // the list
    const char *list;                  // its section
    struct ha_findings *findings;
    struct ha_conf_facts *facts;
};

void ha_conf_facts_clear(struct ha_conf_facts *facts)
{
    free(facts->name);
    free(facts->module);
    free(facts->socket);
    *facts = (struct ha_conf_facts){0};
}

char *ha_conf_file_default(void)
{
    char *path = CONF_get1_default_config_file();
    char *copy = path ? strdup(path) : NULL;
    OPENSSL_free(path);
    return copy;
}

static bool problem(const struct reading *reading, const char *check, const char *remedy, const char *format, ...)
    HA_PRINTF(4, 5);

static bool problem(const struct reading *reading, const char *check, const char *remedy, const char *format, ...)
{
    char words[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(words, sizeof words, format, args);
    va_end(args);
    ha_findings_add(reading->findings, HA_FINDING_PROBLEM, check, remedy, "%s", words);
    return false;
}

static const char *get(const struct reading *reading, const char *section, const char *name)
{
    const char *value = NCONF_get_string(reading->conf, section, name);
    ERR_clear_error();
    return value;
}

static STACK_OF(CONF_VALUE) * section_of(const struct reading *reading, const char *name)
{
    STACK_OF(CONF_VALUE) *section = NCONF_get_section(reading->conf, name);
    ERR_clear_error();
    return section;
}

// OpenSSL takes "b" for "a.b", so that a name can stand twice in a section.
static const char *bare(const char *name)
{
    const char *dot = strchr(name, '.');
    return dot ? dot + 1 : name;
}

static bool read_file(const struct reading *reading, CONF *conf)
{
    struct stat st;
    long line = 0;
    const char *remedy = "Name the right file in OPENSSL_CONF or with --conf, and let this user read it. " ANEW;
    if (stat(reading->path, &st) != 0 || access(reading->path, R_OK) != 0)
        return problem(reading, "file", remedy, "%s can't be read: %s", reading->path, strerror(errno));
    if (!S_ISREG(st.st_mode))
        return problem(reading, "file", remedy, "%s isn't a file", reading->path);
    if (NCONF_load(conf, reading->path, &line) <= 0) {
        const char *reason = ERR_reason_error_string(ERR_peek_error());
        return problem(reading, "file", "Correct that line. " ANEW, "%s can't be understood at line %ld: %s",
                       reading->path, line, reason ? reason : "no reason is known");
    }
    ha_findings_add(reading->findings, HA_FINDING_OK, "file", NULL, "%s can be read", reading->path);
    return true;
}

static bool find_init(struct reading *reading)
{
    const char *remedy =
        "Put 'openssl_conf = openssl_init' above the first [section], and a section [openssl_init]. " ANEW;
    reading->init = get(reading, "default", "openssl_conf");
    if (!reading->init)
        return problem(reading, "openssl-conf", remedy,
                       "no line 'openssl_conf = ...' stands above the first section, so nothing of the file counts");
    if (!section_of(reading, reading->init))
        return problem(reading, "openssl-conf", remedy, "the section [%s] that openssl_conf names isn't there",
                       reading->init);
    ha_findings_add(reading->findings, HA_FINDING_OK, "openssl-conf", NULL, "openssl_conf names the section [%s]",
                    reading->init);
    return true;
}

static bool find_providers(struct reading *reading)
{
    const char *remedy = "Put 'providers = providers' into that section, and a section [providers]. " ANEW;
    STACK_OF(CONF_VALUE) *init = section_of(reading, reading->init);
    for (int i = 0; i < sk_CONF_VALUE_num(init); i++)
        if (strcmp(bare(sk_CONF_VALUE_value(init, i)->name), "providers") == 0)
            reading->list = sk_CONF_VALUE_value(init, i)->value;
    if (!reading->list)
        return problem(reading, "providers", remedy, "the section [%s] has no line 'providers = ...'", reading->init);
    reading->providers = section_of(reading, reading->list);
    if (!reading->providers)
        return problem(reading, "providers", remedy, "the section [%s] that lists the providers isn't there",
                       reading->list);
    ha_findings_add(reading->findings, HA_FINDING_OK, "providers", NULL, "the section [%s] lists %d providers",
                    reading->list, sk_CONF_VALUE_num(reading->providers));
    return true;
}

static const CONF_VALUE *setting(const struct reading *reading, const CONF_VALUE *provider, const char *wanted)
{
    STACK_OF(CONF_VALUE) *section = section_of(reading, provider->value);
    for (int i = 0; section && i < sk_CONF_VALUE_num(section); i++)
        if (strcmp(bare(sk_CONF_VALUE_value(section, i)->name), wanted) == 0)
            return sk_CONF_VALUE_value(section, i);
    return NULL;
}

static bool is_ours(const struct reading *reading, const CONF_VALUE *provider)
{
    const CONF_VALUE *module = setting(reading, provider, "module");
    return strstr(bare(provider->name), "hsmagent") || (module && strstr(module->value, "hsmagent"));
}

// Whether the section is there and activates its provider.
static bool check_active(const struct reading *reading, const CONF_VALUE *provider, const char *check)
{
    if (!section_of(reading, provider->value))
        return problem(reading, check, "Add the section. " ANEW, "the section [%s] of the provider %s isn't there",
                       provider->value, bare(provider->name));
    const CONF_VALUE *activate = setting(reading, provider, "activate");
    static const char *const off[] = {"0", "no", "off", "false"};
    bool is_off = !activate;
    for (size_t i = 0; activate && i < HA_ARRAY_SIZE(off); i++)
        is_off = is_off || strcasecmp(activate->value, off[i]) == 0;
    if (is_off)
        return problem(reading, check, "Put 'activate = 1' into it.",
                       "the section [%s] doesn't activate the provider %s", provider->value, bare(provider->name));
    ha_findings_add(reading->findings, HA_FINDING_OK, check, NULL, "the section [%s] activates the provider %s",
                    provider->value, bare(provider->name));
    return true;
}

// At which place of the list; -1: it isn't there.
static int place_of_default(const struct reading *reading)
{
    for (int i = 0; i < sk_CONF_VALUE_num(reading->providers); i++)
        if (strcmp(bare(sk_CONF_VALUE_value(reading->providers, i)->name), "default") == 0)
            return i;
    return -1;
}

static int place_of_ours(const struct reading *reading)
{
    for (int i = 0; i < sk_CONF_VALUE_num(reading->providers); i++)
        if (is_ours(reading, sk_CONF_VALUE_value(reading->providers, i)))
            return i;
    return -1;
}

static void check_order(const struct reading *reading, int our_place, int default_place)
{
    static const char *const others[] = {"base", "default", "fips", "legacy"};
    const char *name = reading->facts->name;
    for (size_t i = 0; i < HA_ARRAY_SIZE(others); i++)
        if (strcmp(name, others[i]) < 0) {
            problem(reading, "order", "Rename it in the list, to zz_hsmagent for example.",
                    "the provider's name %s sorts before %s, so that it takes other keys over", name, others[i]);
            return;
        }
    if (our_place < default_place)
        problem(reading, "order", "Put the line of default above it.",
                "%s stands before default in [%s], so that it takes other keys over", name, reading->list);
    else
        ha_findings_add(reading->findings, HA_FINDING_OK, "order", NULL,
                        "%s comes after default, in the list and by its name", name);
}

// As OpenSSL finds it. NULL: out of memory.
static char *module_path(const char *name, const char *module)
{
    const char *directory = secure_getenv("OPENSSL_MODULES");
    ha_auto(ha_buf_clear) struct ha_buf path = {0};
    if (!directory)
        directory = OPENSSL_info(OPENSSL_INFO_MODULES_DIR);
    if (module && module[0] == '/')
        ha_buf_puts(&path, module);
    else if (module)
        ha_buf_printf(&path, "%s/%s", directory, module);
    else
        ha_buf_printf(&path, "%s/%s.so", directory, name);
    return ha_buf_steal(&path, NULL);
}

static bool check_module(const struct reading *reading)
{
    const char *path = reading->facts->module;
    const char *remedy = "Write the whole path of hsmagent.so as 'module = ...' into the provider's section, and let "
                         "this user read it; without a slash at its beginning OpenSSL looks into its own directory.";
    struct stat st;
    if (stat(path, &st) != 0 || access(path, R_OK) != 0)
        return problem(reading, "module", remedy, "the module %s can't be read: %s", path, strerror(errno));
    if (!S_ISREG(st.st_mode))
        return problem(reading, "module", remedy, "the module %s isn't a file", path);
    ha_findings_add(reading->findings, HA_FINDING_OK, "module", NULL, "the module %s is there", path);
    return true;
}

// Whether a query of properties that every fetch adds lets the agent's provider pass: each "name=value" with "provider"
// has to be "?provider=..." or name it, and fips=yes shuts everything out that isn't the FIPS module.
static bool lets_pass(const char *properties)
{
    ha_auto(ha_free) char *copy = strdup(properties);
    char *rest = copy;
    for (char *clause; copy && (clause = strsep(&rest, ","));) {
        ha_auto(ha_buf_clear) struct ha_buf tight = {0};
        for (const char *c = clause; *c; c++)
            if (!strchr(" \t'\"", *c))
                ha_buf_putc(&tight, *c);
        const char *text = ha_buf_text(&tight);
        if ((strncasecmp(text, "provider=", 9) == 0 && strcasecmp(text + 9, "hsmagent") != 0) ||
            strcasecmp(text, "provider!=hsmagent") == 0 || strcasecmp(text, "fips=yes") == 0 ||
            strcasecmp(text, "fips") == 0)
            return false;
    }
    return copy != NULL;
}

static void check_properties(const struct reading *reading)
{
    STACK_OF(CONF_VALUE) *init = section_of(reading, reading->init);
    for (int i = 0; i < sk_CONF_VALUE_num(init); i++) {
        const CONF_VALUE *value = sk_CONF_VALUE_value(init, i);
        if (strcmp(bare(value->name), "alg_section") != 0)
            continue;
        const char *properties = get(reading, value->value, "default_properties");
        if (properties && !lets_pass(properties)) {
            problem(reading, "properties", "Take the line out, or write ?provider=default: preferred, not demanded.",
                    "default_properties = %s in [%s] shuts the agent's provider out", properties, value->value);
            return;
        }
    }
    ha_findings_add(reading->findings, HA_FINDING_OK, "properties", NULL,
                    "no default_properties shut the provider out");
}

static enum ha_code keep_facts(struct reading *reading, const CONF_VALUE *provider, struct ha_err *err)
{
    struct ha_conf_facts *facts = reading->facts;
    const CONF_VALUE *module = setting(reading, provider, "module"), *socket = setting(reading, provider, "socket");
    const CONF_VALUE *identity = setting(reading, provider, "identity");
    facts->name = strdup(identity ? identity->value : bare(provider->name));
    facts->module = facts->name ? module_path(facts->name, module ? module->value : NULL) : NULL;
    facts->socket = socket ? strdup(socket->value) : NULL;
    if (!facts->name || !facts->module || (socket && !facts->socket))
        return ha_fail(err, HA_E_MEMORY, "out of memory for the configuration");
    return HA_OK;
}

static enum ha_code check_providers(struct reading *reading, struct ha_err *err)
{
    int default_place = place_of_default(reading), our_place = place_of_ours(reading);
    bool all = true;
    if (default_place < 0)
        all =
            problem(reading, "default-provider", "Put 'default = default_provider' first into it. " ANEW,
                    "the list [%s] has no default, and since it names others, nothing works without it", reading->list);
    else
        all = check_active(reading, sk_CONF_VALUE_value(reading->providers, default_place), "default-provider");
    if (our_place < 0) {
        problem(reading, "hsmagent-section", "Put 'zz_hsmagent = zz_hsmagent_provider' behind the others. " ANEW,
                "the list [%s] has no provider hsmagent", reading->list);
        return HA_OK;
    }
    const CONF_VALUE *ours = sk_CONF_VALUE_value(reading->providers, our_place);
    if (keep_facts(reading, ours, err) != HA_OK)
        return err->code;
    all = check_active(reading, ours, "hsmagent-section") && all;
    check_order(reading, our_place, default_place);
    reading->facts->worth_loading = check_module(reading) && all;
    check_properties(reading);
    return HA_OK;
}

enum ha_code ha_conf_file_check(const char *path, struct ha_findings *findings, struct ha_conf_facts *ret_facts,
                                struct ha_err *err)
{
    ha_auto(ha_conf_facts_clear) struct ha_conf_facts facts = {0};
    ha_auto(OSSL_LIB_CTX_free) OSSL_LIB_CTX *libctx = OSSL_LIB_CTX_new();
    ha_auto(NCONF_free) CONF *conf = libctx ? NCONF_new_ex(libctx, NULL) : NULL;
    struct reading reading = {.path = path, .conf = conf, .findings = findings, .facts = &facts};
    if (!conf)
        return ha_fail(err, HA_E_MEMORY, "out of memory for the configuration");
    bool is_listed = read_file(&reading, conf) && find_init(&reading) && find_providers(&reading);
    ERR_clear_error();
    if (is_listed && check_providers(&reading, err) != HA_OK)
        return err->code;
    *ret_facts = facts;
    facts = (struct ha_conf_facts){0};
    return HA_OK;
}
