// SPDX-License-Identifier: Apache-2.0
// What a version is at a moment, and what versions are called.
#include "base/text.h"
#include "keys/versions.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define VERSIONS 3

static struct ha_key *version_of(unsigned number, int64_t activates_s, int64_t overlap_s)
{
    struct ha_key *key = ha_key_new("k");
    assert_non_null(key);
    key->version = number;
    key->phase = HA_PHASE_READY;
    atomic_store(&key->activates_s, activates_s);
    atomic_store(&key->overlap_s, overlap_s);
    return key;
}

static void release(struct ha_key **versions, size_t n)
{
    for (size_t i = 0; i < n; i++)
        ha_key_unref(versions[i]);
}

static void versions_pass_through_each_status_in_time(void **state)
{
    // The second signs from 100 on with an overlap of 50, the third from 200 on with one of 10.
    static const struct {
        int64_t now_s;
        size_t active;
        const char *status[VERSIONS];
        int64_t until_s[VERSIONS];
    } moments[] = {
        {2, 0, {"active", "pending", "pending"}, {0, 0, 0}},
        {99, 0, {"active", "pending", "pending"}, {0, 0, 0}},
        {100, 1, {"retiring", "active", "pending"}, {150, 0, 0}},
        {149, 1, {"retiring", "active", "pending"}, {150, 0, 0}},
        {150, 1, {"retired", "active", "pending"}, {0, 0, 0}},
        {200, 2, {"retired", "retiring", "active"}, {0, 210, 0}},
        {210, 2, {"retired", "retired", "active"}, {0, 0, 0}},
    };
    struct ha_key *versions[VERSIONS] = {version_of(1, HA_ACTIVE_ALWAYS, 0), version_of(2, 100, 50),
                                         version_of(3, 200, 10)};
    for (size_t i = 0; i < HA_ARRAY_SIZE(moments); i++) {
        assert_int_equal(ha_versions_active(versions, VERSIONS, moments[i].now_s), moments[i].active);
        for (size_t j = 0; j < VERSIONS; j++) {
            int64_t until_s = -1;
            enum ha_key_status status = ha_versions_status(versions, VERSIONS, j, moments[i].now_s, &until_s);
            assert_string_equal(ha_key_status_name(status), moments[i].status[j]);
            assert_int_equal(until_s, moments[i].until_s[j]);
        }
    }
    release(versions, VERSIONS);
}

static void version_activated_again_follows_the_one_that_came_after_it(void **state)
{
    struct ha_key *versions[] = {version_of(1, 300, 20), version_of(2, 100, 50)};
    assert_int_equal(ha_versions_active(versions, 2, 250), 1);
    assert_int_equal(ha_versions_status(versions, 2, 0, 250, NULL), HA_STATUS_PENDING);
    assert_int_equal(ha_versions_active(versions, 2, 300), 0);
    assert_int_equal(ha_versions_status(versions, 2, 1, 319, NULL), HA_STATUS_RETIRING);
    assert_int_equal(ha_versions_status(versions, 2, 1, 320, NULL), HA_STATUS_RETIRED);
    release(versions, 2);
}

static void later_of_two_with_one_time_is_active(void **state)
{
    struct ha_key *versions[] = {version_of(1, 100, 0), version_of(2, 100, 10)};
    assert_int_equal(ha_versions_active(versions, 2, 100), 1);
    assert_int_equal(ha_versions_status(versions, 2, 0, 105, NULL), HA_STATUS_RETIRING);
    release(versions, 2);
}

static void version_half_made_or_half_gone_is_never_active(void **state)
{
    static const enum ha_key_phase phases[] = {HA_PHASE_CREATING, HA_PHASE_DELETING};
    for (size_t i = 0; i < HA_ARRAY_SIZE(phases); i++) {
        struct ha_key *versions[] = {version_of(1, HA_ACTIVE_ALWAYS, 0), version_of(2, 100, 10)};
        versions[1]->phase = phases[i];
        assert_int_equal(ha_versions_active(versions, 2, 1000), 0);
        assert_int_equal(ha_versions_status(versions, 2, 0, 1000, NULL), HA_STATUS_ACTIVE);
        assert_int_equal(ha_versions_status(versions, 2, 1, 1000, NULL), HA_STATUS_PENDING);
        release(versions, 2);
    }
}

static void disabled_version_stays_the_active_one(void **state)
{
    struct ha_key *versions[] = {version_of(1, HA_ACTIVE_ALWAYS, 0), version_of(2, 100, 10)};
    atomic_store(&versions[1]->disabled, true);
    assert_int_equal(ha_versions_active(versions, 2, 1000), 1);
    release(versions, 2);
}

static void clock_before_all_times_leaves_the_first_one(void **state)
{
    struct ha_key *versions[] = {version_of(2, 300, 0), version_of(3, 200, 0), version_of(4, 0, 0)};
    assert_int_equal(ha_versions_active(versions, VERSIONS, 100), 1);
    struct ha_key *unsaid[] = {version_of(2, 0, 0), version_of(3, 0, 0)};
    assert_int_equal(ha_versions_active(unsaid, 2, 100), 0);
    release(versions, VERSIONS);
    release(unsaid, 2);
}

static void version_names_read_back_to_themselves(void **state)
{
    static const struct {
        unsigned version;
        const char *text;
    } cases[] = {{1, "edge"}, {2, "edge@2"}, {10, "edge@10"}, {4294967295u, "edge@4294967295"}};
    for (size_t i = 0; i < HA_ARRAY_SIZE(cases); i++) {
        char text[HA_VERSION_NAME_MAX], name[HA_VERSION_NAME_MAX];
        unsigned version = 0;
        ha_version_name("edge", cases[i].version, text);
        assert_string_equal(text, cases[i].text);
        assert_true(ha_version_name_parse(text, name, &version));
        assert_string_equal(name, "edge");
        assert_int_equal(version, cases[i].version);
    }
}

static void version_names_of_another_form_are_none(void **state)
{
    char long_name[HA_NAME_MAX + 4];
    memset(long_name, 'a', sizeof(long_name));
    strcpy(long_name + HA_NAME_MAX + 1, "@2");
    const char *const texts[] = {"",        "@2",      "edge@",   "edge@0",          "edge@1",
                                 "edge@01", "edge@02", "edge@2@", "edge@2@3",        "edge@-2",
                                 "edge@+2", "edge@x",  "../x@2",  "edge@4294967296", long_name};
    for (size_t i = 0; i < HA_ARRAY_SIZE(texts); i++) {
        char name[HA_VERSION_NAME_MAX] = "untouched";
        unsigned version = 7;
        assert_false(ha_version_name_parse(texts[i], name, &version));
        assert_string_equal(name, "untouched");
        assert_int_equal(version, 7);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(versions_pass_through_each_status_in_time),
        cmocka_unit_test(version_activated_again_follows_the_one_that_came_after_it),
        cmocka_unit_test(later_of_two_with_one_time_is_active),
        cmocka_unit_test(version_half_made_or_half_gone_is_never_active),
        cmocka_unit_test(disabled_version_stays_the_active_one),
        cmocka_unit_test(clock_before_all_times_leaves_the_first_one),
        cmocka_unit_test(version_names_read_back_to_themselves),
        cmocka_unit_test(version_names_of_another_form_are_none),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
