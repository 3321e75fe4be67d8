// SPDX-License-Identifier: Apache-2.0
// What may follow the '?' of a request's target.
#include "api/query.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define HASH "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

static void queries_are_taken_as_the_route_allows(void **state)
{
    static const struct {
        const char *allowed, *query;
        bool taken;
    } cases[] = {
        {NULL, "", true},
        {NULL, "a", false},
        {"objects=destroy", "", true},
        {"objects=destroy", "objects=destroy", true},
        {"objects=destroy", "objects=keep", false},
        {"objects=destroy", "objects=destroyed", false},
        {"objects=destroy", "objects=destroy&objects=destroy", false},
        {"version=*", "version=2", true},
        {"version=*", "version=", false},
        {"version=*", "version", false},
        {"version=*", "versions=2", false},
        {"version=*", "version=2&", false},
        {"version=*", "&version=2", false},
        {"version=*", "version=2&version=3", false},
        {"a=b&version=*&after=*", "after=1&version=2", true},
        {"a=b&version=*&after=*", "a=b&after=1&version=2", true},
        {"a=b&version=*&after=*", "a=b&after=1&c=2", false},
        {"profile=*", "profile=uae-tpp/client-assertion", true},
    };
    for (size_t i = 0; i < HA_ARRAY_SIZE(cases); i++) {
        struct ha_err err = {0};
        enum ha_code wanted = cases[i].taken ? HA_OK : HA_E_MALFORMED;
        if (ha_query_check(cases[i].allowed, cases[i].query, &err) != wanted)
            fail_msg("%s with %s", cases[i].query, cases[i].allowed ? cases[i].allowed : "nothing");
    }
}

static void query_values_end_at_the_ampersand(void **state)
{
    size_t n = 0;
    const char *value = ha_query_value("versions=1&version=23&a=b", "version", &n);
    assert_non_null(value);
    assert_int_equal(n, 2);
    assert_memory_equal(value, "23", 2);
    assert_null(ha_query_value("versions=1", "version", &n));
    assert_null(ha_query_value("", "version", &n));
}

static void versions_are_numbers_or_hashes(void **state)
{
    static const char *const wrong[] = {
        "version=0",
        "version=-1",
        "version=x",
        "version=4294967296",
        "version=99999999999999999999",
        "spki_sha256=00",
        "spki_sha256=zz",
        ("spki_sha256=" HASH "00"),
        ("version=1&spki_sha256=" HASH),
    };
    struct ha_version_choice choice = {0};
    struct ha_err err = {0};
    assert_int_equal(ha_query_read_version("version=4294967295", &choice, &err), HA_OK);
    assert_int_equal(choice.number, UINT32_MAX);
    assert_false(choice.by_spki);
    assert_int_equal(ha_query_read_version("spki_sha256=" HASH, &choice, &err), HA_OK);
    assert_int_equal(choice.number, 0);
    assert_true(choice.by_spki);
    assert_int_equal(choice.spki_sha256[31], 0xff);
    assert_int_equal(ha_query_read_version("after=3", &choice, &err), HA_OK);
    assert_false(choice.by_spki);
    for (size_t i = 0; i < HA_ARRAY_SIZE(wrong); i++) {
        err = (struct ha_err){0};
        if (ha_query_read_version(wrong[i], &choice, &err) != HA_E_MALFORMED)
            fail_msg("%s", wrong[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(queries_are_taken_as_the_route_allows),
        cmocka_unit_test(query_values_end_at_the_ampersand),
        cmocka_unit_test(versions_are_numbers_or_hashes),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
