// SPDX-License-Identifier: Apache-2.0
// Profiles: the shipped files against what the schemes' code takes for plain, overlays, values, and each mistake.
#include "base/file.h"
#include "format/dip.h"
#include "format/fspiop.h"
#include "format/ilp.h"
#include "format/jwe.h"
#include "format/jwt.h"
#include "format/profile.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

static const char *shipped(void)
{
    static char path[512];
    const char *dir = getenv("srcdir");
    snprintf(path, sizeof path, "%s/hsm-config/profiles", dir ? dir : ".");
    return path;
}

struct site {
    char dir[64];
};

static void make_site(struct site *site)
{
    strcpy(site->dir, "/tmp/profile_test.XXXXXX");
    assert_non_null(mkdtemp(site->dir));
}

static void write_profile(const struct site *site, const char *name, const char *text)
{
    char path[128];
    struct ha_err err = {0};
    snprintf(path, sizeof path, "%s/%s", site->dir, name);
    assert_int_equal(ha_file_write(path, text, strlen(text), 0644, &err), HA_OK);
}

static void remove_site(const struct site *site)
{
    char command[96];
    snprintf(command, sizeof command, "rm -r %s", site->dir);
    assert_int_equal(system(command), 0);
}

static struct ha_profiles *load_good(const char *first, const char *second)
{
    struct ha_profiles *profiles = NULL;
    ha_auto(ha_mistakes_clear) struct ha_mistakes mistakes = {0};
    struct ha_err err = {0};
    if (ha_profiles_load(first, second, &profiles, &mistakes, &err))
        fail_msg("%s:%u: %s", mistakes.n ? mistakes.items[0].file : "", mistakes.n ? mistakes.items[0].line : 0,
                 mistakes.n ? mistakes.items[0].cause : err.detail);
    return profiles;
}

static const void *options_of(const struct ha_profiles *profiles, const char *name, enum ha_scheme scheme)
{
    const struct ha_profile *profile = NULL;
    struct ha_err err = {0};
    if (ha_profiles_find(profiles, name, HA_SCHEME_BIT(scheme), &profile, &err))
        fail_msg("%s: %s", name ? name : "(plain)", err.detail);
    return profile->options;
}

static void profile_shipped_files_have_no_mistakes(void **state)
{
    ha_auto(ha_profiles_free) struct ha_profiles *profiles = load_good(shipped(), NULL);
    const struct ha_profile *profile;
    size_t n = 0;
    for (; (profile = ha_profiles_at(profiles, n)); n++) {
        assert_true(strlen(profile->help) > 10);
        assert_true(n == 0 || strcmp(ha_profiles_at(profiles, n - 1)->name, profile->name) < 0);
    }
    assert_true(n >= 18);
}

static void profile_plain_messages_are_the_standards(void **state)
{
    ha_auto(ha_profiles_free) struct ha_profiles *profiles = load_good(shipped(), NULL);
    const struct ha_jws_profile *jws = options_of(profiles, NULL, HA_SCHEME_JWS), *plain = ha_jws_plain();
    assert_int_equal(jws->algs, plain->algs);
    assert_int_equal(jws->kid, plain->kid);
    assert_int_equal(jws->forms, plain->forms);
    assert_int_equal(jws->x5c + 2 * jws->x5t_s256, plain->x5c + 2 * plain->x5t_s256);
    assert_int_equal(jws->detached + 2 * jws->unencoded, plain->detached + 2 * plain->unencoded);
    assert_int_equal(jws->headers.n, plain->headers.n);
    assert_string_equal(jws->headers.items[0], plain->headers.items[0]);
    assert_null(jws->typ);
    const struct ha_jwt_profile *jwt = options_of(profiles, NULL, HA_SCHEME_JWT), *token = ha_jwt_plain();
    assert_int_equal(jwt->iat + 2 * jwt->nbf + 4 * jwt->exp + 8 * jwt->jti + 16 * jwt->own_jti,
                     token->iat + 2 * token->nbf + 4 * token->exp + 8 * token->jti + 16 * token->own_jti);
    assert_int_equal(jwt->lifetime + jwt->lifetime_max + jwt->skew, 0);
    assert_int_equal(jwt->jws.headers.n, token->jws.headers.n);
    assert_memory_equal(options_of(profiles, NULL, HA_SCHEME_JWE), ha_jwe_plain(), sizeof(struct ha_jwe_profile));
    const struct ha_dip_profile *dip = options_of(profiles, "mhhs-dip/request", HA_SCHEME_DIP);
    struct ha_dip_profile client = *ha_dip_plain();
    client.algorithm = HA_ALG_RS256;
    assert_memory_equal(dip, &client, sizeof client);
    const struct ha_fspiop_profile *fspiop = options_of(profiles, "mojaloop/request", HA_SCHEME_FSPIOP);
    assert_int_equal(fspiop->canonical, HA_FSPIOP_SORTED);
    assert_int_equal(fspiop->algorithm, HA_ALG_RS256);
    assert_null(fspiop->source);
    const struct ha_ilp_profile *ilp = options_of(profiles, "mojaloop/ilp-v1", HA_SCHEME_ILP);
    assert_int_equal(ilp->version, HA_ILP_V1);
}

static void profile_waits_for_the_sites_values(void **state)
{
    struct site site;
    const struct ha_profile *profile = NULL;
    struct ha_err err = {0};
    make_site(&site);
    ha_auto(ha_profiles_free) struct ha_profiles *without = load_good(shipped(), site.dir);
    assert_int_equal(ha_profiles_find(without, "uae-tpp/client-assertion", ~0u, &profile, &err), HA_E_KEY_CANNOT);
    assert_non_null(strstr(err.detail, "client-id, issuer"));
    assert_non_null(strstr(err.hint, site.dir));
    write_profile(&site, "uae-tpp.conf",
                  "[values]\nclient-id = me\nissuer = https://as\nsigning-kid = k\n[message client-assertion]\n"
                  "lifetime-s = 60\n");
    ha_auto(ha_profiles_free) struct ha_profiles *with = load_good(shipped(), site.dir);
    const struct ha_jwt_profile *jwt = options_of(with, "uae-tpp/client-assertion", HA_SCHEME_JWT);
    assert_int_equal(jwt->lifetime, 60);
    assert_int_equal(jwt->lifetime_max, 300);
    assert_int_equal(jwt->jws.algs, 1u << HA_ALG_PS256);
    assert_int_equal(jwt->jws.kid, HA_KID_X5T_S256);
    assert_string_equal(jwt->jws.kid_text, "k");
    assert_null(jwt->jws.certificate);
    assert_int_equal(jwt->pins.n, 3);
    assert_string_equal(jwt->pins.items[0], "iss=me");
    assert_string_equal(jwt->pins.items[2], "aud=https://as");
    assert_int_equal(jwt->required.n, 6);
    remove_site(&site);
}

static void profile_overlay_takes_the_place_of_a_whole_option(void **state)
{
    struct site site;
    make_site(&site);
    write_profile(&site, "jose.conf", "[message jwt]\npin = iss=a\npin = iss=b\nheaders = jku,\nown-jti = no\n");
    struct ha_profiles *none = NULL;
    ha_auto(ha_mistakes_clear) struct ha_mistakes mistakes = {0};
    struct ha_err err = {0};
    assert_int_equal(ha_profiles_load(shipped(), site.dir, &none, &mistakes, &err), HA_E_CONFIG);
    assert_int_equal(mistakes.n, 1);
    assert_int_equal(mistakes.items[0].line, 4);
    write_profile(&site, "jose.conf", "[message jwt]\npin = iss=a\npin = iss=b\nheaders = jku, x\nown-jti = no\n");
    ha_auto(ha_profiles_free) struct ha_profiles *profiles = load_good(shipped(), site.dir);
    const struct ha_jwt_profile *jwt = options_of(profiles, NULL, HA_SCHEME_JWT);
    assert_int_equal(jwt->pins.n, 2);
    assert_string_equal(jwt->pins.items[1], "iss=b");
    assert_int_equal(jwt->jws.headers.n, 2);
    assert_string_equal(jwt->jws.headers.items[1], "x");
    assert_false(jwt->own_jti);
    assert_true(jwt->iat);
    remove_site(&site);
}

static void profile_of_the_site_alone_declares_its_own(void **state)
{
    struct site site;
    make_site(&site);
    write_profile(&site, "own.conf", "[values]\na = 1\n[message m]\nscheme = jws\nkid-text = x-${a}-${a}\n");
    write_profile(&site, "own.conf~", "nonsense\n");
    ha_auto(ha_profiles_free) struct ha_profiles *profiles = load_good(shipped(), site.dir);
    const struct ha_jws_profile *jws = options_of(profiles, "own/m", HA_SCHEME_JWS);
    assert_string_equal(jws->kid_text, "x-1-1");
    remove_site(&site);
}

static void profile_lookup_says_what_would_fit(void **state)
{
    static const struct {
        const char *name;
        unsigned schemes;
        const char *detail, *hint;
    } cases[] = {
        {"jose/jwz", HA_SCHEME_BIT(HA_SCHEME_JWS), "no message 'jose/jwz'", "did you mean 'jose/jws'"},
        {"nothing-like-it", HA_SCHEME_BIT(HA_SCHEME_DIP), "no message", "mhhs-dip/request"},
        {"jose/jwt", HA_SCHEME_BIT(HA_SCHEME_JWS), "of the scheme jwt", "jose/jws"},
        {NULL, HA_SCHEME_BIT(HA_SCHEME_DIP), "no profile is named", "mhhs-dip/request"},
    };
    ha_auto(ha_profiles_free) struct ha_profiles *profiles = load_good(shipped(), NULL);
    for (size_t i = 0; i < HA_ARRAY_SIZE(cases); i++) {
        const struct ha_profile *profile = NULL;
        struct ha_err err = {0};
        assert_int_equal(ha_profiles_find(profiles, cases[i].name, cases[i].schemes, &profile, &err), HA_E_MALFORMED);
        assert_null(profile);
        assert_non_null(strstr(err.detail, cases[i].detail));
        assert_non_null(strstr(err.hint, cases[i].hint));
    }
}

static void profile_alone_stands_for_its_only_message_that_fits(void **state)
{
    const struct ha_profile *profile = NULL;
    struct ha_err err = {0};
    ha_auto(ha_profiles_free) struct ha_profiles *profiles = load_good(shipped(), NULL);
    assert_int_equal(ha_profiles_find(profiles, "mhhs-dip", HA_SCHEME_BIT(HA_SCHEME_DIP), &profile, &err), HA_OK);
    assert_string_equal(profile->name, "mhhs-dip/request");
    assert_int_equal(ha_profiles_find(profiles, "mojaloop", HA_SCHEME_BIT(HA_SCHEME_FSPIOP), &profile, &err), HA_OK);
    assert_string_equal(profile->name, "mojaloop/request");
    assert_int_equal(ha_profiles_find(profiles, "mhhs-dip", HA_SCHEME_BIT(HA_SCHEME_JWT), &profile, &err),
                     HA_E_MALFORMED);
    assert_int_equal(ha_profiles_find(profiles, "uae-tpp", HA_SCHEME_BIT(HA_SCHEME_JWT), &profile, &err),
                     HA_E_MALFORMED);
    assert_int_equal(ha_profiles_find(profiles, "mhhs", HA_SCHEME_BIT(HA_SCHEME_DIP), &profile, &err), HA_E_MALFORMED);
}

static void profile_mistakes_are_told_with_file_and_line(void **state)
{
    static const struct {
        const char *text;
        unsigned line;
        const char *cause, *remedy;
    } cases[] = {
        {"[message m]\n", 1, "no 'scheme'", "The schemes are"},
        {"[message m]\nscheme = jvt\n", 2, "no scheme 'jvt'", "Did you mean"},
        {"[message m]\nscheme = jwt\nlifetim-s = 3\n", 3, "no option 'lifetim-s'", "'lifetime-s'"},
        {"[message m]\nscheme = jwt\nlifetime-s = -3\n", 3, "'-3' is not a number", "decimal"},
        {"[message m]\nscheme = jwt\nlifetime-s = 31536001\n", 3, "not a number from 0 to 31536000", "decimal"},
        {"[message m]\nscheme = jwt\niat = Yes\n", 3, "neither yes nor no", "lower case"},
        {"[message m]\nscheme = jwt\niat = yes\niat = no\n", 4, "has the option already", "Keep one"},
        {"[message m]\nscheme = jwt\nkid = sha1\n", 3, "'sha1' is not one of the choices", "x5t-s256"},
        {"[message m]\nscheme = jws\nforms = compact,thin\n", 3, "'thin' is not", "flattened"},
        {"[message m]\nscheme = jws\nalgorithms = PS255\n", 3, "no algorithm 'PS255'", "Did you mean"},
        {"[message m]\nscheme = dip\nalgorithm = RS256,ES256\n", 3, "more than one", "one"},
        {"[message m]\nscheme = jws\ncertificate = a.pem\n", 3, "relative", "'/'"},
        {"[message m]\nscheme = jws\ntyp = ${x}\n", 3, "declares no value 'x'", "[values]"},
        {"[message m]\nscheme = jws\ntyp =\n", 3, "empty", "Give a value"},
        {"[massage m]\n", 1, "no such section", "[message KIND]"},
        {"[message]\n", 1, "no name", "[message KIND]"},
        {"x = 1\n", 1, "before the first section", "header"},
        {"[values]\na = 1\na = 2\n", 3, "in this file already", "Keep one"},
        {"[message m\n", 1, "no ']'", ""},
    };
    for (size_t i = 0; i < HA_ARRAY_SIZE(cases); i++) {
        struct site site;
        struct ha_profiles *profiles = NULL;
        ha_auto(ha_mistakes_clear) struct ha_mistakes mistakes = {0};
        struct ha_err err = {0};
        make_site(&site);
        write_profile(&site, "bad.conf", cases[i].text);
        assert_int_equal(ha_profiles_load(shipped(), site.dir, &profiles, &mistakes, &err), HA_E_CONFIG);
        assert_null(profiles);
        assert_true(mistakes.n >= 1);
        assert_non_null(strstr(mistakes.items[0].file, "/bad.conf"));
        assert_int_equal(mistakes.items[0].line, cases[i].line);
        if (!strstr(mistakes.items[0].cause, cases[i].cause) || !strstr(mistakes.items[0].remedy, cases[i].remedy))
            fail_msg("%s: %s (%s)", cases[i].text, mistakes.items[0].cause, mistakes.items[0].remedy);
        remove_site(&site);
    }
}

static void profile_overlay_with_an_unknown_value_is_a_mistake(void **state)
{
    struct site site;
    struct ha_profiles *profiles = NULL;
    ha_auto(ha_mistakes_clear) struct ha_mistakes mistakes = {0};
    struct ha_err err = {0};
    make_site(&site);
    write_profile(&site, "uae-tpp.conf", "[values]\nclientid = me\n");
    assert_int_equal(ha_profiles_load(shipped(), site.dir, &profiles, &mistakes, &err), HA_E_CONFIG);
    assert_int_equal(mistakes.n, 1);
    assert_non_null(strstr(mistakes.items[0].remedy, "'client-id'"));
    remove_site(&site);
}

static void profile_file_that_others_can_write_is_refused(void **state)
{
    struct site site;
    char path[128];
    struct ha_profiles *profiles = NULL;
    ha_auto(ha_mistakes_clear) struct ha_mistakes mistakes = {0};
    struct ha_err err = {0};
    make_site(&site);
    write_profile(&site, "own.conf", "[message m]\nscheme = jws\n");
    snprintf(path, sizeof path, "%s/own.conf", site.dir);
    assert_int_equal(chmod(path, 0666), 0);
    assert_int_equal(ha_profiles_load(shipped(), site.dir, &profiles, &mistakes, &err), HA_E_CONFIG);
    assert_int_equal(mistakes.n, 1);
    assert_int_equal(mistakes.items[0].line, 0);
    remove_site(&site);
}

static void profile_directories_that_are_not_there_are_empty(void **state)
{
    ha_auto(ha_profiles_free) struct ha_profiles *profiles = load_good("/nonexistent/a", "/nonexistent/b");
    assert_null(ha_profiles_at(profiles, 0));
}

static void profile_manual_names_every_option(void **state)
{
    ha_auto(ha_buf_clear) struct ha_buf manual = {0};
    ha_profiles_manual(&manual);
    for (unsigned i = 0; i < HA_SCHEME_COUNT; i++) {
        const struct ha_profile_table *table = ha_scheme_info((enum ha_scheme)i)->table;
        assert_true(table->n > 0);
        for (size_t j = 0; j < table->n; j++) {
            assert_true(strlen(table->options[j].help) > 10);
            for (size_t k = 0; k < j; k++)
                assert_string_not_equal(table->options[j].name, table->options[k].name);
        }
    }
    assert_non_null(strstr(ha_buf_text(&manual), "scheme = fspiop\\-encryption"));
    assert_non_null(strstr(ha_buf_text(&manual), "\\fBlifetime\\-max\\-s\\fR"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(profile_shipped_files_have_no_mistakes),
        cmocka_unit_test(profile_plain_messages_are_the_standards),
        cmocka_unit_test(profile_waits_for_the_sites_values),
        cmocka_unit_test(profile_overlay_takes_the_place_of_a_whole_option),
        cmocka_unit_test(profile_of_the_site_alone_declares_its_own),
        cmocka_unit_test(profile_lookup_says_what_would_fit),
        cmocka_unit_test(profile_alone_stands_for_its_only_message_that_fits),
        cmocka_unit_test(profile_mistakes_are_told_with_file_and_line),
        cmocka_unit_test(profile_overlay_with_an_unknown_value_is_a_mistake),
        cmocka_unit_test(profile_file_that_others_can_write_is_refused),
        cmocka_unit_test(profile_directories_that_are_not_there_are_empty),
        cmocka_unit_test(profile_manual_names_every_option),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
