// SPDX-License-Identifier: Apache-2.0
// What the fault module's rules do to calls.
#include "fault_rig.h"

#include "base/clock.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <threads.h>
#include <unistd.h>

#include <cmocka.h>

#define THREADS  32
#define LIMIT_MS 20000
#define POLL_MS  5
#define CALLS    1000

static struct fault_rig rig;

static CK_RV get_info(void)
{
    CK_INFO info;
    return rig.p11->C_GetInfo(&info);
}

static void doze(void)
{
    thrd_sleep(&(struct timespec){.tv_nsec = POLL_MS * 1000000L}, NULL);
}

// How many calls the rule has met; some call must have seen the file.
static uint64_t fired(unsigned rule)
{
    return atomic_load(&rig.shared->block[rig.shared->sequence % FAULT_BLOCKS].rule[rule].fired);
}

static int no_rules(void **state)
{
    fault_rig_rules(&rig, "");
    return 0;
}

static void without_rules_the_token_works(void **state)
{
    CK_BYTE signature[128];
    CK_ULONG n = sizeof(signature);
    CK_SESSION_HANDLE session = fault_rig_logged_in(&rig);
    assert_int_equal(fault_rig_sign(&rig, session, fault_rig_key(&rig, session), signature, &n), CKR_OK);
    assert_int_equal(n, 64);
    assert_true(fault_rig_verifies(&rig, session, signature, n));
    assert_int_equal(rig.p11->C_CloseSession(session), CKR_OK);
}

static void error_ends_the_call(void **state)
{
    fault_rig_rules(&rig, "C_GetInfo error CKR_DEVICE_REMOVED");
    assert_int_equal(get_info(), CKR_DEVICE_REMOVED);
    fault_rig_rules(&rig, "C_GetInfo error 0x80000001");
    assert_int_equal(get_info(), 0x80000001);
    fault_rig_rules(&rig, "");
    assert_int_equal(get_info(), CKR_OK);
}

static void error_after_and_count_are_exact(void **state)
{
    fault_rig_rules(&rig, "C_GetInfo error CKR_DEVICE_ERROR after 2 count 3");
    for (unsigned i = 1; i <= 10; i++)
        assert_int_equal(get_info(), i > 2 && i <= 5 ? CKR_DEVICE_ERROR : CKR_OK);
}

static void error_of_a_replaced_file_begins_anew(void **state)
{
    for (unsigned i = 0; i < 3; i++) {
        fault_rig_rules(&rig, "C_GetInfo error CKR_DEVICE_ERROR count 1");
        assert_int_equal(get_info(), CKR_DEVICE_ERROR);
        assert_int_equal(get_info(), CKR_OK);
    }
}

// Which of the calls fail, as a bitmap.
static unsigned fail_at_rate(const char *rules, bool *ret_failed)
{
    unsigned n = 0;
    fault_rig_rules(&rig, rules);
    for (unsigned i = 0; i < CALLS; i++) {
        ret_failed[i] = get_info() != CKR_OK;
        n += ret_failed[i];
    }
    return n;
}

static void error_rate_is_kept_and_repeats(void **state)
{
    static bool first[CALLS], second[CALLS], other[CALLS];
    unsigned n = fail_at_rate("seed 5\nC_GetInfo error CKR_DEVICE_ERROR rate 0.1", first);
    assert_in_range(n, 60, 140);
    fail_at_rate("seed 5\nC_GetInfo error CKR_DEVICE_ERROR rate 0.1", second);
    assert_memory_equal(first, second, sizeof(first));
    fail_at_rate("seed 6\nC_GetInfo error CKR_DEVICE_ERROR rate 0.1", other);
    assert_memory_not_equal(first, other, sizeof(first));
    assert_int_equal(fail_at_rate("C_GetInfo error CKR_DEVICE_ERROR rate 0", first), 0);
    assert_int_equal(fail_at_rate("C_GetInfo error CKR_DEVICE_ERROR rate 1", first), CALLS);
}

static void error_for_a_time_ends_by_itself(void **state)
{
    int64_t end = ha_now_ms() + LIMIT_MS;
    fault_rig_rules(&rig, "C_GetInfo error CKR_DEVICE_ERROR for 300");
    assert_int_equal(get_info(), CKR_DEVICE_ERROR);
    while (get_info() != CKR_OK && ha_now_ms() < end)
        doze();
    assert_int_equal(get_info(), CKR_OK);
}

static void pattern_counts_all_its_functions(void **state)
{
    CK_ULONG n = 0;
    fault_rig_rules(&rig, "C_Get*Info error CKR_DEVICE_ERROR count 2");
    assert_int_equal(get_info(), CKR_DEVICE_ERROR);
    assert_int_equal(rig.p11->C_GetSlotList(CK_TRUE, NULL, &n), CKR_OK);
    assert_int_equal(rig.p11->C_GetTokenInfo(rig.slot, &(CK_TOKEN_INFO){0}), CKR_DEVICE_ERROR);
    assert_int_equal(get_info(), CKR_OK);
}

static void every_third_is_met_after_the_spared(void **state)
{
    fault_rig_rules(&rig, "C_GetInfo error CKR_DEVICE_ERROR after 2 every 3 count 2");
    for (int i = 1; i <= 12; i++)
        assert_int_equal(get_info(), i == 5 || i == 8 ? CKR_DEVICE_ERROR : CKR_OK);
}

struct caller {
    thrd_t thread;
    CK_RV rv;
    atomic_bool done;
};

static int call_once_each(void *context)
{
    struct caller *caller = context;
    caller->rv = get_info();
    atomic_store(&caller->done, true);
    return 0;
}

static void delay_is_taken_by_all_threads_at_once(void **state)
{
    static struct caller caller[THREADS];
    fault_rig_rules(&rig, "C_GetInfo delay 100");
    int64_t start = ha_now_ms();
    for (unsigned i = 0; i < THREADS; i++)
        assert_int_equal(thrd_create(&caller[i].thread, call_once_each, &caller[i]), thrd_success);
    for (unsigned i = 0; i < THREADS; i++) {
        thrd_join(caller[i].thread, NULL);
        assert_int_equal(caller[i].rv, CKR_OK);
    }
    // One after the other they would take 3.2 s.
    assert_in_range(ha_now_ms() - start, 100, 1600);
}

static void hold_ends_with_its_rule(void **state)
{
    static struct caller caller;
    int64_t end = ha_now_ms() + LIMIT_MS;
    CK_ULONG n = 0;
    fault_rig_rules(&rig, "C_GetInfo hold");
    assert_int_equal(rig.p11->C_GetSlotList(CK_TRUE, NULL, &n), CKR_OK);
    assert_int_equal(thrd_create(&caller.thread, call_once_each, &caller), thrd_success);
    while (fired(0) == 0 && ha_now_ms() < end)
        doze();
    assert_int_equal(fired(0), 1);
    assert_false(atomic_load(&caller.done));
    fault_rig_rules(&rig, "");
    thrd_join(caller.thread, NULL);
    assert_int_equal(caller.rv, CKR_OK);
}

static int just_call(struct fault_rig *unused)
{
    return get_info() == CKR_OK ? 0 : 1;
}

static int call_five_times(struct fault_rig *unused)
{
    for (unsigned i = 0; i < 5; i++) {
        if (get_info() != CKR_OK)
            return 1;
    }
    return 0;
}

static void crash_has_its_signal(void **state)
{
    fault_rig_rules(&rig, "C_GetInfo crash");
    assert_int_equal(fault_rig_fork(&rig, just_call), -SIGABRT);
    fault_rig_rules(&rig, "C_GetInfo crash segv");
    assert_int_equal(fault_rig_fork(&rig, just_call), -SIGSEGV);
    fault_rig_rules(&rig, "C_GetInfo crash kill");
    assert_int_equal(fault_rig_fork(&rig, just_call), -SIGKILL);
    fault_rig_rules(&rig, "C_GetInfo error CKR_DEVICE_ERROR after 1\nC_GetInfo crash exit");
    assert_int_equal(fault_rig_fork(&rig, just_call), 0);
    assert_int_equal(fault_rig_fork(&rig, just_call), 1);
}

static void crash_once_spares_the_next_process(void **state)
{
    fault_rig_rules(&rig, "C_GetInfo crash count 1");
    assert_int_equal(fault_rig_fork(&rig, just_call), -SIGABRT);
    assert_int_equal(fault_rig_fork(&rig, just_call), 0);
    assert_int_equal(get_info(), CKR_OK);
    assert_int_equal(fired(0), 1);
}

static void crash_after_counts_all_processes_or_each(void **state)
{
    fault_rig_rules(&rig, "C_GetInfo crash kill after 3 count 1");
    assert_int_equal(fault_rig_fork(&rig, call_five_times), -SIGKILL);
    assert_int_equal(fault_rig_fork(&rig, call_five_times), 0);
    fault_rig_rules(&rig, "C_GetInfo crash kill after 3 count 1 per-process");
    assert_int_equal(fault_rig_fork(&rig, call_five_times), -SIGKILL);
    assert_int_equal(fault_rig_fork(&rig, call_five_times), -SIGKILL);
}

static int die_if_it_hangs(struct fault_rig *unused)
{
    alarm(1);
    return just_call(unused);
}

static void hang_never_ends(void **state)
{
    fault_rig_rules(&rig, "C_GetInfo hang count 1");
    assert_int_equal(fault_rig_fork(&rig, die_if_it_hangs), -SIGALRM);
    assert_int_equal(fault_rig_fork(&rig, die_if_it_hangs), 0);
}

static void mistake_in_the_rules_ends_the_process(void **state)
{
    fault_rig_rules(&rig, "C_GetInfo explode");
    assert_int_equal(fault_rig_fork(&rig, just_call), -SIGABRT);
}

static void late_does_it_and_says_otherwise(void **state)
{
    CK_BYTE random[32] = {0}, zero[32] = {0};
    CK_SESSION_HANDLE session = fault_rig_session(&rig);
    fault_rig_rules(&rig, "C_GenerateRandom late CKR_DEVICE_ERROR count 1");
    assert_int_equal(rig.p11->C_GenerateRandom(session, random, sizeof(random)), CKR_DEVICE_ERROR);
    assert_memory_not_equal(random, zero, sizeof(zero));
    fault_rig_rules(&rig, "C_GenerateRandom error CKR_DEVICE_ERROR count 1");
    memset(random, 0, sizeof(random));
    assert_int_equal(rig.p11->C_GenerateRandom(session, random, sizeof(random)), CKR_DEVICE_ERROR);
    assert_memory_equal(random, zero, sizeof(zero));
    rig.p11->C_CloseSession(session);
}

// Signs under a rule, after asking for the size, which the rule spares.
static CK_RV sign_under(const char *rules, CK_ULONG *n, bool *ret_verifies)
{
    CK_BYTE signature[128], data[32] = {0};
    CK_ULONG size = 0;
    CK_SESSION_HANDLE session = fault_rig_logged_in(&rig);
    CK_OBJECT_HANDLE key = fault_rig_key(&rig, session);
    fault_rig_rules(&rig, rules);
    assert_int_equal(rig.p11->C_SignInit(session, &(CK_MECHANISM){.mechanism = CKM_ECDSA}, key), CKR_OK);
    assert_int_equal(rig.p11->C_Sign(session, data, sizeof(data), NULL, &size), CKR_OK);
    assert_int_equal(size, 64);
    rig.p11->C_Sign(session, data, sizeof(data), signature, &size);
    // The first one ate the rule, if it has a count.
    CK_RV rv = fault_rig_sign(&rig, session, key, signature, n);
    *ret_verifies = rv == CKR_OK && fault_rig_verifies(&rig, session, signature, *n);
    rig.p11->C_CloseSession(session);
    return rv;
}

static void output_is_spoilt_with_ok(void **state)
{
    bool verifies = true;
    CK_ULONG n = 128;
    assert_int_equal(sign_under("C_Sign garbage", &n, &verifies), CKR_OK);
    assert_int_equal(n, 64);
    assert_false(verifies);
    assert_int_equal(sign_under("C_Sign flip", &n, &verifies), CKR_OK);
    assert_int_equal(n, 64);
    assert_false(verifies);
    assert_int_equal(sign_under("C_Sign shorten 3", &n, &verifies), CKR_OK);
    assert_int_equal(n, 61);
    n = 128;
    assert_int_equal(sign_under("C_Sign garbage count 1", &n, &verifies), CKR_OK);
    assert_true(verifies);
}

static void too_small_is_said_of_a_large_buffer(void **state)
{
    bool verifies = true;
    CK_ULONG n = 128;
    assert_int_equal(sign_under("C_Sign too-small", &n, &verifies), CKR_BUFFER_TOO_SMALL);
    assert_int_equal(n, 256);
}

static void all_rules_of_a_call_are_obeyed(void **state)
{
    fault_rig_rules(&rig, "C_GetInfo delay 50\nC_GetInfo error CKR_DEVICE_ERROR\nC_GetInfo error CKR_HOST_MEMORY");
    int64_t start = ha_now_ms();
    assert_int_equal(get_info(), CKR_DEVICE_ERROR);
    assert_true(ha_now_ms() - start >= 50);
    assert_int_equal(fired(0), 1);
    assert_int_equal(fired(1), 1);
    assert_int_equal(fired(2), 0);
}

static int call_many(void *ret_failed)
{
    for (unsigned i = 0; i < CALLS; i++)
        *(unsigned *)ret_failed += get_info() != CKR_OK;
    return 0;
}

static void count_is_exact_under_threads(void **state)
{
    thrd_t thread[8];
    unsigned failed[8] = {0}, total = 0;
    uint64_t before = atomic_load(&rig.shared->calls[FAULT_C_GetInfo]);
    fault_rig_rules(&rig, "C_GetInfo error CKR_DEVICE_ERROR rate 0.5 count 777");
    for (unsigned i = 0; i < 8; i++)
        assert_int_equal(thrd_create(&thread[i], call_many, &failed[i]), thrd_success);
    for (unsigned i = 0; i < 8; i++) {
        thrd_join(thread[i], NULL);
        total += failed[i];
    }
    assert_int_equal(total, 777);
    assert_int_equal(atomic_load(&rig.shared->calls[FAULT_C_GetInfo]) - before, 8 * CALLS);
}

static void signals_are_taken_by_a_handler(void **state)
{
    struct sigaction now;
    static const int numbers[] = {SIGPIPE, SIGINT, SIGTERM, SIGHUP};
    fault_rig_rules(&rig, "C_GetInfo signals count 1");
    assert_int_equal(get_info(), CKR_OK);
    for (unsigned i = 0; i < 4; i++) {
        assert_int_equal(raise(numbers[i]), 0);
        assert_int_equal(atomic_load(&rig.shared->signals), i + 1);
        assert_int_equal(sigaction(numbers[i], NULL, &now), 0);
        assert_true(now.sa_handler != SIG_DFL && now.sa_handler != SIG_IGN);
        signal(numbers[i], SIG_DFL);
    }
}

static int set_up(void **state)
{
    fault_rig_init(&rig);
    return 0;
}

static int tear_down(void **state)
{
    fault_rig_clear(&rig);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(without_rules_the_token_works, no_rules),
        cmocka_unit_test_teardown(error_ends_the_call, no_rules),
        cmocka_unit_test_teardown(error_after_and_count_are_exact, no_rules),
        cmocka_unit_test_teardown(error_of_a_replaced_file_begins_anew, no_rules),
        cmocka_unit_test_teardown(error_rate_is_kept_and_repeats, no_rules),
        cmocka_unit_test_teardown(error_for_a_time_ends_by_itself, no_rules),
        cmocka_unit_test_teardown(pattern_counts_all_its_functions, no_rules),
        cmocka_unit_test_teardown(every_third_is_met_after_the_spared, no_rules),
        cmocka_unit_test_teardown(delay_is_taken_by_all_threads_at_once, no_rules),
        cmocka_unit_test_teardown(hold_ends_with_its_rule, no_rules),
        cmocka_unit_test_teardown(crash_has_its_signal, no_rules),
        cmocka_unit_test_teardown(crash_once_spares_the_next_process, no_rules),
        cmocka_unit_test_teardown(crash_after_counts_all_processes_or_each, no_rules),
        cmocka_unit_test_teardown(hang_never_ends, no_rules),
        cmocka_unit_test_teardown(mistake_in_the_rules_ends_the_process, no_rules),
        cmocka_unit_test_teardown(late_does_it_and_says_otherwise, no_rules),
        cmocka_unit_test_teardown(output_is_spoilt_with_ok, no_rules),
        cmocka_unit_test_teardown(too_small_is_said_of_a_large_buffer, no_rules),
        cmocka_unit_test_teardown(all_rules_of_a_call_are_obeyed, no_rules),
        cmocka_unit_test_teardown(count_is_exact_under_threads, no_rules),
        cmocka_unit_test_teardown(signals_are_taken_by_a_handler, no_rules),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
