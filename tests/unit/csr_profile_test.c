// SPDX-License-Identifier: Apache-2.0
// Profiles of certificate requests: what fits a template, what a request becomes, and each rule that refuses one.
#include "base/file.h"
#include "format/csr_profile.h"
#include "format/csr_template.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

// --- Templates

static enum ha_code put_fact(const void *context, const char *name, struct ha_buf *out, struct ha_err *err)
{
    if (strcmp(name, "environment") != 0)
        return ha_fail(err, HA_E_KEY_CANNOT, "no %s", name);
    ha_buf_puts(out, context);
    return HA_OK;
}

static enum ha_code read_template(const char *text, struct ha_csr_template *ret_template)
{
    const struct ha_csr_facts facts = {"nonprod", put_fact};
    struct ha_err err = {0};
    return ha_csr_template_read(text, &facts, ret_template, &err);
}

static void template_fits_what_it_says(void **state)
{
    static const struct {
        const char *template, *value;
        bool fits;
    } rows[] = {
        {"AE", "AE", true},
        {"AE", "ae", false},
        {"AE", "AEE", false},
        {"AE", "", false},
        {"{any}", "x", true},
        {"{any}", "", false},
        {"{uuid}", "4767786f-ab28-4d5c-8fdb-0f27e1c4eb9c", true},
        {"{uuid}", "4767786F-AB28-4D5C-8FDB-0F27E1C4EB9C", true},
        {"{uuid}", "4767786f-ab28-4d5c-8fdb-0f27e1c4eb9", false},
        {"{uuid}", "4767786f-ab28-4d5c-8fdb-0f27e1c4eb9g", false},
        {"{uuid}", "4767786fab284d5c8fdb0f27e1c4eb9c", false},
        {"OFBBR-{uuid}", "OFBBR-4767786f-ab28-4d5c-8fdb-0f27e1c4eb9c", true},
        {"OFBBR-{uuid}", "4767786f-ab28-4d5c-8fdb-0f27e1c4eb9c", false},
        {"{digits}", "0123", true},
        {"{digits}", "01 3", false},
        {"{host}", "a.example", true},
        {"{host}", "a-b.c.example", true},
        {"{host}", "localhost", false},
        {"{host}", "*.a.example", false},
        {"{host}", "a.example.", false},
        {"{host}", ".example", false},
        {"{host}", "-a.example", false},
        {"{host}", "a b.example", false},
        {"{name}", "*.a.example", true},
        {"{name}", "*.example", false},
        {"{name}", "*", false},
        {"{name}", "a.example", true},
        {"{one|two}", "two", true},
        {"{one|two}", "one|two", false},
        {"{one|two}", "on", false},
        {"a-{environment}.b", "a-nonprod.b", true},
        {"a-{environment}.b", "a-prod.b", false},
        {"{any}-{digits}", "a-1-22", true},
        {"{any}-{digits}", "a-1-2x", false},
        {"{any}-{digits}", "-1", false},
    };
    for (size_t i = 0; i < HA_ARRAY_SIZE(rows); i++) {
        ha_auto(ha_csr_template_clear) struct ha_csr_template template = {0};
        assert_int_equal(read_template(rows[i].template, &template), HA_OK);
        if (ha_csr_template_fits(&template, rows[i].value) != rows[i].fits)
            fail_msg("%s, %s", rows[i].template, rows[i].value);
    }
}

static void template_refuses_what_is_none(void **state)
{
    static const char *const texts[] = {"",      "{",     "a}",    "{a",          "{}",
                                        "{Any}", "{uid}", "{{a}}", "{vetted O}x", "{any}{any}{any}"};
    for (size_t i = 0; i < HA_ARRAY_SIZE(texts); i++) {
        struct ha_csr_template template = {0};
        if (read_template(texts[i], &template) == HA_OK)
            fail_msg("%s is read", texts[i]);
        assert_int_equal(template.n, 0);
    }
}

// --- Requests

struct site {
    char dir[64];
    struct ha_profiles *profiles;
};

static void write_profile(const struct site *site, const char *name, const char *text)
{
    char path[128];
    struct ha_err err = {0};
    snprintf(path, sizeof path, "%s/%s", site->dir, name);
    assert_int_equal(ha_file_write(path, text, strlen(text), 0644, &err), HA_OK);
}

static int set_up(void **state)
{
    static struct site site;
    char shipped[512];
    ha_auto(ha_mistakes_clear) struct ha_mistakes mistakes = {0};
    struct ha_err err = {0};
    const char *dir = getenv("srcdir");
    snprintf(shipped, sizeof shipped, "%s/hsm-config/profiles", dir ? dir : ".");
    strcpy(site.dir, "/tmp/csr_profile_test.XXXXXX");
    if (!mkdtemp(site.dir))
        return -1;
    write_profile(&site, "uae-client.conf",
                  "[values]\norganisation = Bank\norganisation-id = 4767786f-ab28-4d5c-8fdb-0f27e1c4eb9c\n");
    write_profile(&site, "mhhs.conf",
                  "[values]\nrole = connection-provider\nstate = Kent\ncity = Dover\norganisation = Provider Ltd\n"
                  "domain = provider.example\n"
                  "[message client-signing]\nvetted = acme C=GB\nvetted = acme ST=Kent\nvetted = acme L=Dover\n"
                  "vetted = acme O=Acme = Ltd\nvetted = acme domain=acme.example\n");
    write_profile(
        &site, "own.conf",
        "[message m]\nscheme = csr\nsubject = O?=Own\nsubject = OU?={any}\nsubject = OU?={digits}\n"
        "subject = CN=a-{environment}.example\nenvironments = prod, test=t\nsan-dns = b-{environment}.example\n"
        "san-cn = yes\nkey-usage = digitalSignature, keyAgreement\n"
        "[message named]\nscheme = csr\nsubject = CN={name}\nnames = prod api.bank.example *.live.example\n");
    enum ha_code code = ha_profiles_load(shipped, site.dir, &site.profiles, &mistakes, &err);
    if (code)
        print_error("%s\n", mistakes.n ? mistakes.items[0].cause : err.detail);
    *state = &site;
    return code;
}

static int tear_down(void **state)
{
    const struct site *site = *state;
    char command[96];
    ha_profiles_free(site->profiles);
    snprintf(command, sizeof command, "rm -r %s", site->dir);
    return system(command);
}

static const struct ha_profile *message(const struct site *site, const char *name)
{
    const struct ha_profile *profile = NULL;
    struct ha_err err = {0};
    if (ha_profiles_find(site->profiles, name, HA_SCHEME_BIT(HA_SCHEME_CSR), &profile, &err))
        fail_msg("%s: %s", name, err.detail);
    return profile;
}

// The request, and what is left of it as text: the key's rules, then the parts.
static enum ha_code apply(const struct ha_profile *profile, const struct ha_csr_key *key, const char *text,
                          struct ha_buf *out, struct ha_err *err)
{
    ha_auto(ha_json_free) ha_json *json = NULL, *made = NULL;
    if (ha_json_parse(text, strlen(text), 8, &json, err))
        fail_msg("%s: %s", text, err->detail);
    struct ha_csr_request request = {.subject = ha_json_get(json, "subject"),
                                     .san = ha_json_get(json, "san"),
                                     .key_usage = ha_json_get(json, "key_usage"),
                                     .extended_key_usage = ha_json_get(json, "extended_key_usage")};
    if (ha_csr_profile_check_key(profile, key, err) ||
        ha_csr_profile_apply(profile, key, ha_json_get(json, "values"), &request, &made, err))
        return err->code;
    for (const ha_json *rdn = ha_json_first(request.subject); rdn; rdn = ha_json_next(rdn))
        ha_buf_printf(out, "%s=%s;", ha_json_name(ha_json_first(rdn)), ha_json_string(ha_json_first(rdn)));
    const ha_json *dns = request.san ? ha_json_get(request.san, "dns") : NULL;
    for (const ha_json *name = dns ? ha_json_first(dns) : NULL; name; name = ha_json_next(name))
        ha_buf_printf(out, "dns:%s;", ha_json_string(name));
    const ha_json *usage = request.key_usage ? ha_json_first(request.key_usage) : NULL;
    for (; usage; usage = ha_json_next(usage))
        ha_buf_printf(out, "%s;", ha_json_string(usage));
    return HA_OK;
}

#define UUID     "0b18eb32-778d-4df0-ab79-c09fb2e2e24e"
#define UAE      "C=AE;O=Bank;OU=4767786f-ab28-4d5c-8fdb-0f27e1c4eb9c;CN=" UUID ";"
#define OWN_TEST "CN=a-t.example;dns:b-t.example;dns:a-t.example;digitalSignature;keyAgreement;"

static const struct ha_csr_key uae_key = {"c3", HA_KEY_RSA_2048, HA_PURPOSE_TLS_CLIENT, "prod", NULL};
static const struct ha_csr_key own_key = {"own", HA_KEY_EC_P256, HA_PURPOSE_SIGN, "test", NULL};
static const struct ha_csr_key acme_key = {"acme", HA_KEY_EC_P256, HA_PURPOSE_SIGN, "pre-prod", "acme"};

static void csr_profile_completes_requests(void **state)
{
    static const struct {
        const char *profile;
        const struct ha_csr_key *key;
        const char *request, *wanted;
    } rows[] = {
        {"uae-client/transport", &uae_key, "{\"values\":{\"CN\":\"" UUID "\"}}", UAE},
        {"uae-client/transport", &uae_key, "{\"values\":{\"CN\":\"" UUID "\",\"O\":\"Bank\"}}", UAE},
        {"mhhs/client-signing", &acme_key, "{}",
         "C=GB;ST=Kent;L=Dover;O=Acme = Ltd;CN=energydip-nonprod.acme.example;"},
        {"own/m", &own_key, "{}", OWN_TEST},
        {"own/m", &own_key, "{\"values\":{\"O\":\"Own\"}}", "O=Own;" OWN_TEST},
        {"own/named", &own_key, "{\"values\":{\"CN\":\"test.bank.example\"}}", "CN=test.bank.example;"},
        {"own/m", &own_key, "{\"subject\":[{\"OU\":\"x\"},{\"OU\":\"7\"},{\"CN\":\"a-t.example\"}]}",
         "OU=x;OU=7;" OWN_TEST},
        {"own/m", &own_key,
         "{\"key_usage\":[\"keyAgreement\",\"digitalSignature\"],\"san\":{\"dns\":[\"a-t.example\"]}}",
         "CN=a-t.example;dns:a-t.example;keyAgreement;digitalSignature;"},
    };
    for (size_t i = 0; i < HA_ARRAY_SIZE(rows); i++) {
        ha_auto(ha_buf_clear) struct ha_buf out = {0};
        struct ha_err err = {0};
        if (apply(message(*state, rows[i].profile), rows[i].key, rows[i].request, &out, &err))
            fail_msg("%s: %s at %s", rows[i].request, err.detail, err.pointer);
        assert_string_equal(ha_buf_text(&out), rows[i].wanted);
    }
}

struct refusal {
    const char *profile;
    const struct ha_csr_key *key;
    const char *request;
    enum ha_code code;
    const char *pointer, *rule;
};

static void refuse_all(const struct site *site, const struct refusal *rows, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        ha_auto(ha_buf_clear) struct ha_buf out = {0};
        struct ha_err err = {0};
        enum ha_code code = apply(message(site, rows[i].profile), rows[i].key, rows[i].request, &out, &err);
        if (code != rows[i].code || strcmp(err.pointer, rows[i].pointer) != 0 || !strstr(err.detail, rows[i].rule) ||
            !err.hint[0])
            fail_msg("%s, %s: %d at \"%s\": %s", rows[i].profile, rows[i].request, code, err.pointer, err.detail);
        assert_int_equal(out.len, 0);
    }
}

static void csr_profile_refuses_wrong_requests(void **state)
{
    static const struct refusal rows[] = {
        {"own/m", &own_key, "{\"values\":{\"CN\":\"a-prod.example\"}}", HA_E_KEY_CANNOT, "/values/CN", "of test"},
        {"own/m", &own_key, "{\"values\":{\"CN\":\"a-x.example\"}}", HA_E_MALFORMED, "/values/CN", "'a-t.example'"},
        {"own/m", &own_key, "{\"values\":{\"CN\":7}}", HA_E_MALFORMED, "/values/CN", "isn't a string"},
        {"own/m", &own_key, "{\"values\":{\"L\":\"x\"}}", HA_E_UNKNOWN_MEMBER, "/values/L", "no part"},
        {"own/m", &own_key, "{\"values\":{\"a/b\":\"x\"}}", HA_E_UNKNOWN_MEMBER, "/values/a~1b", "no part"},
        {"own/m", &own_key, "{\"values\":{\"O\":\"own\"}}", HA_E_MALFORMED, "/values/O", "'Own'"},
        {"own/m", &own_key, "{\"subject\":[{\"CN\":\"a-t.example\"},{\"O\":\"Own\"}]}", HA_E_MALFORMED, "/subject/1/O",
         "wrong place"},
        {"own/m", &own_key, "{\"subject\":[{\"O\":\"Own\"}]}", HA_E_MALFORMED, "/subject", "wants CN"},
        {"own/m", &own_key, "{\"subject\":[\"CN=a\"]}", HA_E_MALFORMED, "/subject/0", "one value each"},
        {"own/m", &own_key, "{\"subject\":[{\"CN\":[\"a\"]}]}", HA_E_MALFORMED, "/subject/0", "isn't a string"},
        {"own/m", &own_key, "{\"subject\":{}}", HA_E_MALFORMED, "/subject", "list"},
        {"own/m", &own_key, "{\"subject\":[],\"values\":{}}", HA_E_MALFORMED, "/values", "not both"},
        {"own/m", &own_key, "{\"san\":{\"dns\":[\"b-prod.example\"]}}", HA_E_KEY_CANNOT, "/san/dns/0", "of test"},
        {"own/m", &own_key, "{\"san\":{\"dns\":[\"b-t.example\"]}}", HA_E_MALFORMED, "/san/dns", "among the DNS names"},
        {"own/m", &own_key, "{\"san\":{\"dns\":[\"a-t.example\",\"c\"]}}", HA_E_MALFORMED, "/san/dns/1", "b-t.example"},
        {"own/m", &own_key, "{\"san\":{\"email\":[\"a@b.example\"]}}", HA_E_MALFORMED, "/san/email", "kind email"},
        {"own/m", &own_key, "{\"key_usage\":[\"digitalSignature\"]}", HA_E_MALFORMED, "/key_usage", "nothing else"},
        {"own/m", &own_key, "{\"extended_key_usage\":[\"serverAuth\"]}", HA_E_MALFORMED, "/extended_key_usage", "no"},
        {"own/named", &own_key, "{\"values\":{\"CN\":\"api.bank.example\"}}", HA_E_KEY_CANNOT, "/values/CN", "of test"},
        {"own/named", &own_key, "{\"values\":{\"CN\":\"API.Bank.Example\"}}", HA_E_KEY_CANNOT, "/values/CN", "of test"},
        {"own/named", &own_key, "{\"values\":{\"CN\":\"*.bank.example\"}}", HA_E_KEY_CANNOT, "/values/CN", "of test"},
        {"own/named", &own_key, "{\"values\":{\"CN\":\"*.live.example\"}}", HA_E_KEY_CANNOT, "/values/CN", "of test"},
        {"uae-client/transport", &uae_key, "{}", HA_E_MALFORMED, "/values/CN", "a UUID"},
        {"uae-client/transport", &uae_key, "{\"values\":{\"CN\":\"" UUID "\"},\"san\":{\"dns\":[\"a.example\"]}}",
         HA_E_MALFORMED, "/san", "no alternative names"},
        {"uae-client/transport", &uae_key, "{\"values\":{\"CN\":\"" UUID "\",\"O\":\"BANK\"}}", HA_E_MALFORMED,
         "/values/O", "'Bank'"},
    };
    refuse_all(*state, rows, HA_ARRAY_SIZE(rows));
}

static void csr_profile_refuses_wrong_keys(void **state)
{
    static const struct ha_csr_key ec = {"k", HA_KEY_EC_P256, HA_PURPOSE_TLS_CLIENT, "prod", NULL},
                                   server = {"k", HA_KEY_RSA_2048, HA_PURPOSE_TLS_SERVER, "prod", NULL},
                                   homeless = {"k", HA_KEY_RSA_2048, HA_PURPOSE_TLS_CLIENT, NULL, NULL},
                                   elsewhere = {"k", HA_KEY_RSA_2048, HA_PURPOSE_TLS_CLIENT, "lab", NULL},
                                   other = {"k", HA_KEY_RSA_OTHER, HA_PURPOSE_TLS_CLIENT, "prod", NULL},
                                   nobodys = {"k", HA_KEY_EC_P256, HA_PURPOSE_SIGN, "prod", NULL},
                                   bolts = {"k", HA_KEY_EC_P256, HA_PURPOSE_SIGN, "prod", "bolt"},
                                   both = {"k", HA_KEY_RSA_4096, HA_PURPOSE_SIGN | HA_PURPOSES_TLS | HA_PURPOSE_DUAL,
                                           "prod", NULL};
    static const struct refusal rows[] = {
        {"uae-client/transport", &ec, "{}", HA_E_KEY_CANNOT, "", "rsa:2048"},
        {"uae-client/transport", &other, "{}", HA_E_KEY_CANNOT, "", "rsa:2048"},
        {"uae-client/transport", &server, "{}", HA_E_KEY_CANNOT, "", "with the purpose tls-client"},
        {"uae-client/transport", &homeless, "{}", HA_E_KEY_CANNOT, "", "doesn't say which one"},
        {"uae-client/transport", &elsewhere, "{}", HA_E_KEY_CANNOT, "", "is of lab"},
        {"mhhs/client-signing", &nobodys, "{}", HA_E_KEY_CANNOT, "", "one participant each"},
        {"mhhs/client-signing", &bolts, "{}", HA_E_KEY_CANNOT, "/values/C", "no vetted value"},
        {"mhhs/signing", &nobodys, "{}", HA_E_KEY_CANNOT, "", "the role active-participant"},
        {"mhhs/tls", &both, "{}", HA_E_KEY_CANNOT, "", "without the purpose sign"},
        {"mhhs/dual", &both, "{}", HA_E_KEY_CANNOT, "", "the role active-participant"},
    };
    refuse_all(*state, rows, HA_ARRAY_SIZE(rows));
}

static void csr_profile_chooses_the_algorithm(void **state)
{
    static const struct {
        const char *profile;
        enum ha_key_type type;
        enum ha_alg wanted, chosen;  // HA_ALG_NONE: refused
    } rows[] = {
        {"uae-client/transport", HA_KEY_RSA_2048, HA_ALG_NONE, HA_ALG_RS256},
        {"uae-client/transport", HA_KEY_RSA_2048, HA_ALG_PS256, HA_ALG_NONE},
        {"mhhs/signing", HA_KEY_EC_P256, HA_ALG_NONE, HA_ALG_ES256},
        {"mhhs/signing", HA_KEY_RSA_4096, HA_ALG_NONE, HA_ALG_RS256},
        {"mhhs/signing", HA_KEY_EC_P384, HA_ALG_NONE, HA_ALG_NONE},
        {"mojaloop-server/tls", HA_KEY_RSA_2048, HA_ALG_RS512, HA_ALG_RS512},
        {"mojaloop-server/tls", HA_KEY_RSA_2048, HA_ALG_RS384, HA_ALG_NONE},
        {"own/m", HA_KEY_EC_P384, HA_ALG_NONE, HA_ALG_ES384},
        {"own/m", HA_KEY_RSA_2048, HA_ALG_PS512, HA_ALG_PS512},
    };
    for (size_t i = 0; i < HA_ARRAY_SIZE(rows); i++) {
        const struct ha_csr_key key = {"k", rows[i].type, HA_PURPOSE_SIGN, "prod", NULL};
        struct ha_err err = {0};
        enum ha_alg alg = HA_ALG_NONE;
        enum ha_code code =
            ha_csr_profile_algorithm(message(*state, rows[i].profile), &key, rows[i].wanted, &alg, &err);
        assert_int_equal(code, rows[i].chosen ? HA_OK : HA_E_KEY_CANNOT);
        assert_int_equal(alg, rows[i].chosen);
        assert_string_equal(err.pointer, rows[i].chosen ? "" : "/algorithm");
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(template_fits_what_it_says),     cmocka_unit_test(template_refuses_what_is_none),
        cmocka_unit_test(csr_profile_completes_requests), cmocka_unit_test(csr_profile_refuses_wrong_requests),
        cmocka_unit_test(csr_profile_refuses_wrong_keys), cmocka_unit_test(csr_profile_chooses_the_algorithm),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
