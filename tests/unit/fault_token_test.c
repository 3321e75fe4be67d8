// SPDX-License-Identifier: Apache-2.0
// What the fault module's rules make of the token: its sessions, login, slots, objects and PIN.
#include "fault_rig.h"

#include "base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <threads.h>

#include <cmocka.h>

#define SIGNERS    8
#define SIGNATURES 200

static struct fault_rig rig;

static CK_RV sign_once(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE key)
{
    CK_BYTE signature[128];
    CK_ULONG n = sizeof(signature);
    return fault_rig_sign(&rig, session, key, signature, &n);
}

static CK_STATE state_of(CK_SESSION_HANDLE session)
{
    CK_SESSION_INFO info;
    assert_int_equal(rig.p11->C_GetSessionInfo(session, &info), CKR_OK);
    return info.state;
}

static CK_FLAGS token_flags(void)
{
    CK_TOKEN_INFO info;
    assert_int_equal(rig.p11->C_GetTokenInfo(rig.slot, &info), CKR_OK);
    return info.flags & (CKF_USER_PIN_COUNT_LOW | CKF_USER_PIN_FINAL_TRY | CKF_USER_PIN_LOCKED);
}

static int well_again(void **state)
{
    fault_rig_rules(&rig, "");
    rig.p11->C_CloseAllSessions(rig.slot);
    return 0;
}

static void kill_sessions_takes_all_of_them(void **state)
{
    CK_SESSION_HANDLE session = fault_rig_logged_in(&rig), other = fault_rig_session(&rig);
    CK_OBJECT_HANDLE key = fault_rig_key(&rig, session);
    CK_SESSION_INFO info;
    assert_int_equal(atomic_load(&rig.shared->sessions), 2);
    fault_rig_rules(&rig, "C_SignInit kill-sessions count 1");
    assert_int_equal(sign_once(session, key), CKR_SESSION_HANDLE_INVALID);
    assert_int_equal(rig.p11->C_GetSessionInfo(other, &info), CKR_SESSION_HANDLE_INVALID);
    assert_int_equal(atomic_load(&rig.shared->sessions), 0);
    session = fault_rig_session(&rig);
    assert_int_equal(state_of(session), CKS_RW_PUBLIC_SESSION);
    assert_int_equal(fault_rig_login(&rig, session, FAULT_RIG_PIN), CKR_OK);
    assert_int_equal(sign_once(session, fault_rig_key(&rig, session)), CKR_OK);
}

static void logout_lasts_until_the_next_login(void **state)
{
    CK_SESSION_HANDLE session = fault_rig_logged_in(&rig);
    CK_OBJECT_HANDLE key = fault_rig_key(&rig, session);
    fault_rig_rules(&rig, "C_SignInit logout count 1");
    assert_int_equal(sign_once(session, key), CKR_USER_NOT_LOGGED_IN);
    assert_int_equal(sign_once(session, key), CKR_USER_NOT_LOGGED_IN);
    assert_int_equal(state_of(session), CKS_RW_PUBLIC_SESSION);
    assert_int_equal(fault_rig_login(&rig, session, FAULT_RIG_PIN), CKR_OK);
    assert_int_equal(sign_once(session, fault_rig_key(&rig, session)), CKR_OK);
}

static void session_cap_is_the_most(void **state)
{
    CK_SESSION_HANDLE session[3];
    fault_rig_rules(&rig, "token session-cap 2");
    session[0] = fault_rig_session(&rig);
    session[1] = fault_rig_session(&rig);
    assert_int_equal(rig.p11->C_OpenSession(rig.slot, CKF_SERIAL_SESSION, NULL, NULL, &session[2]), CKR_SESSION_COUNT);
    assert_int_equal(rig.p11->C_CloseSession(session[0]), CKR_OK);
    assert_int_equal(rig.p11->C_OpenSession(rig.slot, CKF_SERIAL_SESSION, NULL, NULL, &session[2]), CKR_OK);
}

static void max_sessions_is_what_the_token_says(void **state)
{
    CK_TOKEN_INFO info;
    fault_rig_rules(&rig, "token max-sessions 16");
    assert_int_equal(rig.p11->C_GetTokenInfo(rig.slot, &info), CKR_OK);
    assert_int_equal(info.ulMaxSessionCount, 16);
}

static void idle_session_expires_and_a_used_one_does_not(void **state)
{
    CK_SESSION_HANDLE idle = fault_rig_logged_in(&rig), used = fault_rig_session(&rig);
    CK_SESSION_INFO info;
    int64_t end = ha_now_ms() + 900;
    fault_rig_rules(&rig, "token session-idle 600");
    while (ha_now_ms() < end) {
        assert_int_equal(rig.p11->C_GetSessionInfo(used, &info), CKR_OK);
        thrd_sleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
    }
    assert_int_equal(rig.p11->C_GetSessionInfo(idle, &info), CKR_SESSION_HANDLE_INVALID);
    assert_int_equal(rig.p11->C_GetSessionInfo(used, &info), CKR_OK);
    assert_int_equal(info.state, CKS_RW_USER_FUNCTIONS);
    // With the last session the login goes.
    thrd_sleep(&(struct timespec){.tv_nsec = 700000000}, NULL);
    assert_int_equal(rig.p11->C_GetSessionInfo(used, &info), CKR_SESSION_HANDLE_INVALID);
    assert_int_equal(state_of(fault_rig_session(&rig)), CKS_RW_PUBLIC_SESSION);
}

static CK_ULONG slots(CK_BBOOL present, CK_SLOT_ID *ret_slots)
{
    CK_ULONG n = 8, count = 0;
    assert_int_equal(rig.p11->C_GetSlotList(present, NULL, &count), CKR_OK);
    assert_int_equal(rig.p11->C_GetSlotList(present, ret_slots, &n), CKR_OK);
    assert_int_equal(n, count);
    return n;
}

static bool has(const CK_SLOT_ID *list, CK_ULONG n, CK_SLOT_ID slot)
{
    while (n > 0 && list[n - 1] != slot)
        n--;
    return n > 0;
}

static void slots_shift_makes_the_old_number_invalid(void **state)
{
    CK_SLOT_ID list[8];
    CK_TOKEN_INFO info;
    CK_SESSION_INFO session_info;
    CK_SESSION_HANDLE session;
    fault_rig_rules(&rig, "token slots-shift 1000");
    CK_ULONG n = slots(CK_TRUE, list);
    assert_int_equal(n, 2);
    assert_true(has(list, n, rig.slot + 1000));
    assert_false(has(list, n, rig.slot));
    assert_int_equal(rig.p11->C_GetTokenInfo(rig.slot, &info), CKR_SLOT_ID_INVALID);
    assert_int_equal(rig.p11->C_GetTokenInfo(rig.slot + 1000, &info), CKR_OK);
    assert_memory_equal(info.label, "fault ", 6);
    assert_int_equal(rig.p11->C_OpenSession(rig.slot, CKF_SERIAL_SESSION, NULL, NULL, &session), CKR_SLOT_ID_INVALID);
    assert_int_equal(rig.p11->C_OpenSession(rig.slot + 1000, CKF_SERIAL_SESSION, NULL, NULL, &session), CKR_OK);
    assert_int_equal(rig.p11->C_GetSessionInfo(session, &session_info), CKR_OK);
    assert_int_equal(session_info.slotID, rig.slot + 1000);
    assert_int_equal(rig.p11->C_CloseAllSessions(rig.slot + 1000), CKR_OK);
    assert_int_equal(atomic_load(&rig.shared->sessions), 0);
}

static void slots_move_leaves_an_empty_slot(void **state)
{
    CK_SLOT_ID list[8];
    CK_TOKEN_INFO info;
    CK_SLOT_INFO slot_info;
    fault_rig_rules(&rig, "token slots-move 1000");
    CK_ULONG n = slots(CK_TRUE, list);
    assert_true(n == 2 && has(list, n, rig.slot + 1000) && !has(list, n, rig.slot));
    n = slots(CK_FALSE, list);
    assert_true(n == 4 && has(list, n, rig.slot + 1000) && has(list, n, rig.slot));
    assert_int_equal(rig.p11->C_GetTokenInfo(rig.slot, &info), CKR_TOKEN_NOT_PRESENT);
    assert_int_equal(rig.p11->C_GetTokenInfo(rig.slot + 1000, &info), CKR_OK);
    assert_int_equal(rig.p11->C_GetTokenInfo(rig.slot + 1, &info), CKR_SLOT_ID_INVALID);
    assert_int_equal(rig.p11->C_GetSlotInfo(rig.slot, &slot_info), CKR_OK);
    assert_int_equal(slot_info.flags & CKF_TOKEN_PRESENT, 0);
    assert_int_equal(rig.p11->C_GetSlotInfo(rig.slot + 1000, &slot_info), CKR_OK);
    assert_int_not_equal(slot_info.flags & CKF_TOKEN_PRESENT, 0);
}

static void absent_token_comes_back_without_its_sessions(void **state)
{
    CK_SLOT_ID list[8];
    CK_SLOT_INFO slot_info;
    CK_SESSION_INFO info;
    CK_SESSION_HANDLE session = fault_rig_logged_in(&rig), other;
    fault_rig_rules(&rig, "token absent");
    assert_int_equal(rig.p11->C_GetSessionInfo(session, &info), CKR_DEVICE_REMOVED);
    assert_int_equal(slots(CK_TRUE, list), 0);
    assert_int_equal(slots(CK_FALSE, list), 2);
    assert_int_equal(rig.p11->C_GetSlotInfo(rig.slot, &slot_info), CKR_OK);
    assert_int_equal(slot_info.flags & CKF_TOKEN_PRESENT, 0);
    assert_int_equal(rig.p11->C_GetTokenInfo(rig.slot, &(CK_TOKEN_INFO){0}), CKR_TOKEN_NOT_PRESENT);
    assert_int_equal(rig.p11->C_OpenSession(rig.slot, CKF_SERIAL_SESSION, NULL, NULL, &other), CKR_TOKEN_NOT_PRESENT);
    fault_rig_rules(&rig, "");
    assert_int_equal(rig.p11->C_GetSessionInfo(session, &info), CKR_SESSION_HANDLE_INVALID);
    assert_int_equal(slots(CK_TRUE, list), 2);
    assert_int_equal(state_of(fault_rig_session(&rig)), CKS_RW_PUBLIC_SESSION);
}

// The private keys with CKA_ID 01, asked for so many at a time.
static CK_ULONG keys(CK_SESSION_HANDLE session, CK_ULONG step, CK_OBJECT_HANDLE *ret_keys)
{
    CK_ULONG n = 0, got = 0;
    CK_BYTE id = 1;
    CK_OBJECT_CLASS class = CKO_PRIVATE_KEY;
    CK_ATTRIBUTE template[] = {{CKA_CLASS, &class, sizeof(class)}, {CKA_ID, &id, 1}};
    assert_int_equal(rig.p11->C_FindObjectsInit(session, template, 2), CKR_OK);
    do {
        assert_true(n + step <= 8);
        assert_int_equal(rig.p11->C_FindObjects(session, ret_keys + n, step, &got), CKR_OK);
        n += got;
    } while (got == step);
    assert_int_equal(rig.p11->C_FindObjectsFinal(session), CKR_OK);
    return n;
}

static void objects_are_found_twice_or_not_at_all(void **state)
{
    CK_OBJECT_HANDLE key[8];
    CK_SESSION_HANDLE session = fault_rig_logged_in(&rig);
    for (CK_ULONG step = 1; step <= 4; step++) {
        fault_rig_rules(&rig, "");
        assert_int_equal(keys(session, step, key), 1);
        fault_rig_rules(&rig, "token objects-twice");
        assert_int_equal(keys(session, step, key), 2);
        assert_true(key[0] == key[1]);
        fault_rig_rules(&rig, "token objects-hidden");
        assert_int_equal(keys(session, step, key), 0);
    }
}

static void twin_is_an_object_of_its_own(void **state)
{
    CK_BYTE id[2] = {0};
    CK_OBJECT_HANDLE key[8];
    CK_SESSION_HANDLE session = fault_rig_logged_in(&rig);
    fault_rig_rules(&rig, "token objects-twins");
    for (CK_ULONG step = 1; step <= 4; step++) {
        assert_int_equal(keys(session, step, key), 2);
        assert_true(key[0] != key[1]);
        for (unsigned i = 0; i < 2; i++) {
            CK_ATTRIBUTE attribute = {CKA_ID, &id[i], 1};
            assert_int_equal(rig.p11->C_GetAttributeValue(session, key[i], &attribute, 1), CKR_OK);
            assert_int_equal(id[i], 1);
            assert_int_equal(sign_once(session, key[i]), CKR_OK);
        }
    }
}

struct logins {
    uint64_t asked, ok, refused, other;
};

static struct logins counted(const char *pin)
{
    const struct fault_pin *row = fault_state_pin(rig.shared, fault_pin_hash((const uint8_t *)pin, strlen(pin)));
    return (struct logins){atomic_load(&row->asked), atomic_load(&row->ok), atomic_load(&row->refused),
                           atomic_load(&row->other)};
}

static void login_is_counted_for_each_pin(void **state)
{
    CK_SESSION_HANDLE session = fault_rig_session(&rig);
    struct logins right = counted(FAULT_RIG_PIN), wrong = counted(FAULT_RIG_BAD);
    assert_int_equal(fault_rig_login(&rig, session, FAULT_RIG_BAD), CKR_PIN_INCORRECT);
    assert_int_equal(fault_rig_login(&rig, session, FAULT_RIG_PIN), CKR_OK);
    assert_int_equal(fault_rig_login(&rig, session, FAULT_RIG_PIN), CKR_USER_ALREADY_LOGGED_IN);
    fault_rig_rules(&rig, "C_Login error CKR_PIN_LOCKED");
    assert_int_equal(fault_rig_login(&rig, session, FAULT_RIG_BAD), CKR_PIN_LOCKED);
    assert_int_equal(counted(FAULT_RIG_BAD).asked - wrong.asked, 2);
    assert_int_equal(counted(FAULT_RIG_BAD).refused - wrong.refused, 2);
    assert_int_equal(counted(FAULT_RIG_BAD).ok, 0);
    assert_int_equal(counted(FAULT_RIG_PIN).asked - right.asked, 2);
    assert_int_equal(counted(FAULT_RIG_PIN).ok - right.ok, 1);
    assert_int_equal(counted(FAULT_RIG_PIN).other - right.other, 1);
}

static void pin_tries_lock_the_token(void **state)
{
    CK_SESSION_HANDLE session = fault_rig_session(&rig);
    fault_rig_rules(&rig, "token pin-tries 3");
    atomic_store(&rig.shared->wrong_pins, 0);
    assert_int_equal(token_flags(), 0);
    assert_int_equal(fault_rig_login(&rig, session, FAULT_RIG_BAD), CKR_PIN_INCORRECT);
    assert_int_equal(token_flags(), CKF_USER_PIN_COUNT_LOW);
    assert_int_equal(fault_rig_login(&rig, session, FAULT_RIG_BAD), CKR_PIN_INCORRECT);
    assert_int_equal(token_flags(), CKF_USER_PIN_COUNT_LOW | CKF_USER_PIN_FINAL_TRY);
    assert_int_equal(fault_rig_login(&rig, session, FAULT_RIG_PIN), CKR_OK);
    assert_int_equal(token_flags(), 0);
    assert_int_equal(rig.p11->C_Logout(session), CKR_OK);
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(fault_rig_login(&rig, session, FAULT_RIG_BAD), CKR_PIN_INCORRECT);
    assert_int_equal(token_flags(), CKF_USER_PIN_COUNT_LOW | CKF_USER_PIN_LOCKED);
    assert_int_equal(fault_rig_login(&rig, session, FAULT_RIG_PIN), CKR_PIN_LOCKED);
    assert_int_equal(state_of(session), CKS_RW_PUBLIC_SESSION);
}

static void pin_flags_are_what_the_rules_say(void **state)
{
    fault_rig_rules(&rig, "token pin-final-try");
    assert_true(token_flags() & CKF_USER_PIN_FINAL_TRY);
    fault_rig_rules(&rig, "token pin-count-low\ntoken pin-locked");
    assert_true((token_flags() & CKF_USER_PIN_COUNT_LOW) && (token_flags() & CKF_USER_PIN_LOCKED));
}

static void already_logged_in_is_no_login(void **state)
{
    CK_SESSION_HANDLE session = fault_rig_session(&rig);
    fault_rig_rules(&rig, "C_Login error CKR_USER_ALREADY_LOGGED_IN count 1");
    assert_int_equal(fault_rig_login(&rig, session, FAULT_RIG_BAD), CKR_USER_ALREADY_LOGGED_IN);
    assert_int_equal(state_of(session), CKS_RW_PUBLIC_SESSION);
}

static int sign_through_kills(void *ret_signed)
{
    CK_SESSION_HANDLE session = CK_INVALID_HANDLE;
    CK_OBJECT_CLASS class = CKO_PRIVATE_KEY;
    CK_ATTRIBUTE template = {CKA_CLASS, &class, sizeof(class)};
    for (unsigned i = 0; i < SIGNATURES; i++) {
        CK_ULONG n = 0;
        CK_OBJECT_HANDLE key = CK_INVALID_HANDLE;
        bool found = rig.p11->C_FindObjectsInit(session, &template, 1) == CKR_OK &&
                     rig.p11->C_FindObjects(session, &key, 1, &n) == CKR_OK &&
                     rig.p11->C_FindObjectsFinal(session) == CKR_OK;
        CK_RV rv = found && n == 1 ? sign_once(session, key) : CKR_SESSION_HANDLE_INVALID;
        *(unsigned *)ret_signed += rv == CKR_OK;
        if (rv == CKR_SESSION_HANDLE_INVALID)
            rig.p11->C_OpenSession(rig.slot, CKF_SERIAL_SESSION, NULL, NULL, &session);
        if (rv != CKR_OK)
            fault_rig_login(&rig, session, FAULT_RIG_PIN);
    }
    return 0;
}

static void sessions_die_safely_under_those_who_use_them(void **state)
{
    thrd_t thread[SIGNERS];
    unsigned n_signed[SIGNERS] = {0}, total = 0;
    fault_rig_rules(&rig, "C_SignInit kill-sessions rate 0.05\nC_FindObjects logout rate 0.02");
    for (unsigned i = 0; i < SIGNERS; i++)
        assert_int_equal(thrd_create(&thread[i], sign_through_kills, &n_signed[i]), thrd_success);
    for (unsigned i = 0; i < SIGNERS; i++) {
        thrd_join(thread[i], NULL);
        total += n_signed[i];
    }
    assert_in_range(total, SIGNERS, SIGNERS * SIGNATURES);
    fault_rig_rules(&rig, "");
    CK_SESSION_HANDLE session = fault_rig_logged_in(&rig);
    assert_int_equal(sign_once(session, fault_rig_key(&rig, session)), CKR_OK);
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
        cmocka_unit_test_teardown(kill_sessions_takes_all_of_them, well_again),
        cmocka_unit_test_teardown(logout_lasts_until_the_next_login, well_again),
        cmocka_unit_test_teardown(session_cap_is_the_most, well_again),
        cmocka_unit_test_teardown(max_sessions_is_what_the_token_says, well_again),
        cmocka_unit_test_teardown(idle_session_expires_and_a_used_one_does_not, well_again),
        cmocka_unit_test_teardown(slots_shift_makes_the_old_number_invalid, well_again),
        cmocka_unit_test_teardown(slots_move_leaves_an_empty_slot, well_again),
        cmocka_unit_test_teardown(absent_token_comes_back_without_its_sessions, well_again),
        cmocka_unit_test_teardown(objects_are_found_twice_or_not_at_all, well_again),
        cmocka_unit_test_teardown(twin_is_an_object_of_its_own, well_again),
        cmocka_unit_test_teardown(login_is_counted_for_each_pin, well_again),
        cmocka_unit_test_teardown(pin_tries_lock_the_token, well_again),
        cmocka_unit_test_teardown(pin_flags_are_what_the_rules_say, well_again),
        cmocka_unit_test_teardown(already_logged_in_is_no_login, well_again),
        cmocka_unit_test_teardown(sessions_die_safely_under_those_who_use_them, well_again),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
