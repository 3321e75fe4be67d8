// SPDX-License-Identifier: Apache-2.0
// Whether the lines of a CSR profile can be read at all, which is asked when it is loaded.
#include "format/csr_rules.h"

#include <string.h>

static enum ha_code put_anything(const void *context, const char *name, struct ha_buf *out, struct ha_err *err)
{
    (void)context;
    (void)name;
    (void)err;
    ha_buf_puts(out, "x");
    return HA_OK;
}

static enum ha_code check_template(const char *text, struct ha_err *err)
{
    const struct ha_csr_facts facts = {NULL, put_anything};
    ha_auto(ha_csr_template_clear) struct ha_csr_template template = {0};
    return ha_csr_template_read(text, &facts, &template, err);
}

static enum ha_code check_rdn(const char *line, struct ha_err *err)
{
    struct ha_csr_rdn rdn;
    return ha_csr_rdn_read(line, &rdn, err) ? err->code : check_template(rdn.text, err);
}

static enum ha_code check_environment(const char *line, struct ha_err *err)
{
    size_t n = strcspn(line, "=");
    if (n > 0 && n < HA_CSR_WORD_MAX && (!line[n] || line[n + 1]))
        return HA_OK;
    ha_fail(err, HA_E_CONFIG, "'%.100s' isn't an environment", line);
    return ha_hint(err, "Write ENVIRONMENT, or ENVIRONMENT=WORD with what names have for it.");
}

static enum ha_code check_naming(const char *line, struct ha_err *err)
{
    size_t n = strcspn(line, " ");
    if (n > 0 && n < HA_CSR_WORD_MAX && line[n] && line[n + strspn(line + n, " ")])
        return HA_OK;
    ha_fail(err, HA_E_CONFIG, "'%.100s' has no names", line);
    return ha_hint(err, "Write ENVIRONMENT PATTERN, with further patterns after spaces.");
}

static enum ha_code check_vetted(const char *line, struct ha_err *err)
{
    size_t holder = strcspn(line, " ="), type = line[holder] == ' ' ? strcspn(line + holder + 1, " =") : 0;
    if (holder > 0 && type > 0 && line[holder + 1 + type] == '=' && line[holder + 2 + type])
        return HA_OK;
    ha_fail(err, HA_E_CONFIG, "'%.100s' isn't a vetted value", line);
    return ha_hint(err, "Write HOLDER TYPE=VALUE.");
}

static enum ha_code check_usage(const char *word, const char *const *known, struct ha_err *err)
{
    for (; *known; known++) {
        if (strcmp(word, *known) == 0)
            return HA_OK;
    }
    ha_fail(err, HA_E_CONFIG, "there is no usage '%.100s'", word);
    return ha_hint(err, "Use the names of RFC 5280: digitalSignature, serverAuth, clientAuth, ...");
}

static enum ha_code check_key_usage(const char *word, struct ha_err *err)
{
    return check_usage(word, ha_csr_key_usages(), err);
}

static enum ha_code check_extended_key_usage(const char *word, struct ha_err *err)
{
    return strspn(word, "0123456789.") == strlen(word) ? HA_OK : check_usage(word, ha_csr_extended_key_usages(), err);
}

enum ha_code ha_csr_profile_check(const void *options, struct ha_err *err)
{
    const struct ha_csr_profile *rules = options;
    const struct {
        const char *name;
        const struct ha_jose_list *list;
        enum ha_code (*check)(const char *line, struct ha_err *err);
    } lists[] = {
        {"subject", &rules->subject, check_rdn},
        {"san-dns", &rules->san_dns, check_template},
        {"environments", &rules->environments, check_environment},
        {"names", &rules->names, check_naming},
        {"vetted", &rules->vetted, check_vetted},
        {"key-usage", &rules->key_usage, check_key_usage},
        {"extended-key-usage", &rules->extended_key_usage, check_extended_key_usage},
    };
    for (size_t i = 0; i < HA_ARRAY_SIZE(lists); i++)
        for (size_t j = 0; j < lists[i].list->n; j++)
            if (lists[i].check(lists[i].list->items[j], err))
                return ha_wrap(err, "%s", lists[i].name);
    return HA_OK;
}
