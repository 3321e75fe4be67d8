// SPDX-License-Identifier: Apache-2.0
// Snapshots: who holds one keeps it, and they end in the order in which they came.
#include "agentd/snapshot.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct ha_config *config_of(const char *pin)
{
    struct ha_config *config = NULL;
    struct ha_mistakes mistakes = {0};
    struct ha_err err = {0};
    ha_auto(ha_buf_clear) struct ha_buf text = {0};
    ha_buf_printf(&text,
                  "[listen a]\nsocket = /run/a\n[client c]\nuser = 0\nallow = *:*\n[token t]\nuri = pkcs11:token=t\n"
                  "module = /m.so\npin = file:%s\n",
                  pin);
    assert_int_equal(ha_config_parse("test", ha_buf_text(&text), text.len, &config, &mistakes, &err), HA_OK);
    return config;
}

static uint64_t publish(struct ha_snapshots *snapshots, const char *pin)
{
    ha_auto(ha_config_free) struct ha_config *config = config_of(pin);
    struct ha_snapshot *snapshot = ha_snapshot_new(config, NULL, NULL);
    assert_non_null(snapshot);
    return ha_snapshots_publish(snapshots, snapshot);
}

static void assert_pin(const struct ha_snapshot *snapshot, const char *pin)
{
    assert_string_equal(snapshot->api.config->tokens[0].pin, pin);
}

static void snapshot_that_is_held_stays(void **state)
{
    struct ha_snapshots snapshots;
    ha_snapshots_init(&snapshots);
    assert_int_equal(publish(&snapshots, "/one"), 1);
    struct ha_snapshot *first = ha_snapshots_take(&snapshots), *again = ha_snapshots_take(&snapshots);
    assert_ptr_equal(first, again);
    assert_int_equal(publish(&snapshots, "/two"), 2);
    assert_int_equal(ha_snapshots_reap(&snapshots), 1);
    assert_false(ha_snapshots_quiet(&snapshots));
    assert_pin(first, "file:/one");
    struct ha_snapshot *second = ha_snapshots_take(&snapshots);
    assert_pin(second, "file:/two");
    ha_snapshots_return(second);
    ha_snapshots_return(first);
    assert_int_equal(ha_snapshots_reap(&snapshots), 1);
    ha_snapshots_return(again);
    assert_int_equal(ha_snapshots_reap(&snapshots), 2);
    assert_true(ha_snapshots_quiet(&snapshots));
    ha_snapshots_clear(&snapshots);
}

static void snapshot_waits_for_those_before_it(void **state)
{
    struct ha_snapshots snapshots;
    ha_snapshots_init(&snapshots);
    publish(&snapshots, "/one");
    struct ha_snapshot *first = ha_snapshots_take(&snapshots);
    publish(&snapshots, "/two");
    publish(&snapshots, "/three");
    // Nobody holds the second, but who holds the first may have seen what belongs to it.
    assert_int_equal(ha_snapshots_reap(&snapshots), 1);
    ha_snapshots_return(first);
    assert_int_equal(ha_snapshots_reap(&snapshots), 3);
    ha_snapshots_clear(&snapshots);
}

struct crowd {
    struct ha_snapshots snapshots;
    atomic_bool over;
    atomic_uint torn;
};

static void *hold_and_look(void *argument)
{
    struct crowd *crowd = argument;
    while (!atomic_load(&crowd->over)) {
        struct ha_snapshot *snapshot = ha_snapshots_take(&crowd->snapshots);
        uint64_t number = snapshot->number;
        // The first configuration's PIN is /0, the next one's /1, ...
        if (strtoul(strchr(snapshot->config->tokens[0].pin, '/') + 1, NULL, 10) + 1 != number)
            atomic_fetch_add(&crowd->torn, 1);
        ha_snapshots_return(snapshot);
    }
    return NULL;
}

static void snapshots_change_under_many_threads(void **state)
{
    static struct crowd crowd;
    pthread_t threads[8];
    ha_snapshots_init(&crowd.snapshots);
    publish(&crowd.snapshots, "/0");
    for (size_t i = 0; i < HA_ARRAY_SIZE(threads); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, hold_and_look, &crowd), 0);
    for (int i = 1; i < 1000; i++) {
        char pin[16];
        snprintf(pin, sizeof pin, "/%d", i);
        publish(&crowd.snapshots, pin);
        ha_snapshots_reap(&crowd.snapshots);
    }
    atomic_store(&crowd.over, true);
    for (size_t i = 0; i < HA_ARRAY_SIZE(threads); i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(crowd.torn, 0);
    assert_int_equal(ha_snapshots_reap(&crowd.snapshots), 1000);
    ha_snapshots_clear(&crowd.snapshots);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(snapshot_that_is_held_stays),
        cmocka_unit_test(snapshot_waits_for_those_before_it),
        cmocka_unit_test(snapshots_change_under_many_threads),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
