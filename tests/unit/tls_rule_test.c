// SPDX-License-Identifier: Apache-2.0
// What keys may sign of TLS: every set of purposes with every class of content.
#include "policy/tls.h"

#include "base/auto.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void tls_check_follows_the_purposes(void **state)
{
    static const unsigned server = 1u << HA_CONTENT_TLS13_SERVER | 1u << HA_CONTENT_TLS12_SERVER;
    static const unsigned client = 1u << HA_CONTENT_TLS13_CLIENT | 1u << HA_CONTENT_TLS12_CLIENT;
    static const unsigned tls13 = 1u << HA_CONTENT_TLS13_SERVER | 1u << HA_CONTENT_TLS13_CLIENT;
    for (unsigned purposes = 1; purposes < 1u << HA_PURPOSE_COUNT; purposes++) {
        unsigned allowed =
            (purposes & HA_PURPOSE_TLS_SERVER ? server : 0) | (purposes & HA_PURPOSE_TLS_CLIENT ? client : 0);
        if (purposes & HA_PURPOSE_TLS13_ONLY)
            allowed &= tls13;
        for (int content = 0; content < HA_CONTENT_COUNT; content++) {
            static const enum ha_alg algs[] = {HA_ALG_ES256, HA_ALG_ED25519, HA_ALG_PS256, HA_ALG_RS256};
            for (size_t i = 0; i < HA_ARRAY_SIZE(algs); i++) {
                struct ha_err err = {0};
                bool may = (allowed & 1u << content) && !(algs[i] == HA_ALG_RS256 && (tls13 & 1u << content));
                assert_int_equal(ha_tls_check(purposes, (enum ha_content)content, algs[i], &err),
                                 may ? HA_OK : HA_E_KEY_CANNOT);
                if (!may)
                    assert_non_null(strstr(err.detail, ha_content_info((enum ha_content)content)->name));
            }
        }
    }
}

static void tls_check_names_the_rule(void **state)
{
    static const struct {
        unsigned purposes;
        enum ha_content content;
        enum ha_alg alg;
        const char *rule;
    } rows[] = {
        {HA_PURPOSE_SIGN, HA_CONTENT_TLS13_SERVER, HA_ALG_ES256, "its purpose is sign"},
        {HA_PURPOSE_TLS_SERVER, HA_CONTENT_OTHER, HA_ALG_ES256, "tls-server signs TLS handshakes only"},
        {HA_PURPOSE_TLS_SERVER, HA_CONTENT_TLS13_CLIENT, HA_ALG_ES256, "tls-server doesn't sign"},
        {HA_PURPOSE_TLS_SERVER | HA_PURPOSE_TLS13_ONLY, HA_CONTENT_TLS12_SERVER, HA_ALG_ES256, "tls13-only"},
        {HA_PURPOSE_TLS_CLIENT, HA_CONTENT_TLS13_CLIENT, HA_ALG_RS512, "no rsa_pkcs1 signatures"},
    };
    for (size_t i = 0; i < HA_ARRAY_SIZE(rows); i++) {
        struct ha_err err = {0};
        assert_int_equal(ha_tls_check(rows[i].purposes, rows[i].content, rows[i].alg, &err), HA_E_KEY_CANNOT);
        assert_non_null(strstr(err.detail, rows[i].rule));
        assert_string_not_equal(err.hint, "");
    }
}

static void tls_check_of_a_message_refuses_handshakes(void **state)
{
    for (int content = 0; content < HA_CONTENT_COUNT; content++) {
        struct ha_err err = {0};
        const struct ha_content_info *info = ha_content_info((enum ha_content)content);
        assert_int_equal(info->tls, strncmp(info->name, "tls", 3) == 0);
        assert_int_equal(ha_tls_check_message((enum ha_content)content, &err), info->tls ? HA_E_KEY_CANNOT : HA_OK);
        if (info->tls)
            assert_non_null(strstr(err.detail, info->name));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tls_check_follows_the_purposes),
        cmocka_unit_test(tls_check_names_the_rule),
        cmocka_unit_test(tls_check_of_a_message_refuses_handshakes),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("tls_rule", tests, NULL, NULL);
}
