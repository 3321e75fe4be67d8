// SPDX-License-Identifier: Apache-2.0
// A key pair that one token makes for another: two children on a token each, and this program as the daemon between.
#include "base/buf.h"
#include "token_objects.h"

#include <p11-kit/pkcs11.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ID "shared-id"

struct fixture {
    struct rig from, to;
    unsigned ways;           // that both do
    struct ha_buf wrappers;  // as GENERATE takes them
    struct ha_buf spki;      // of the shared key
    struct ha_buf sealed;    // for `to`
};

static int set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    rig_init(&fixture->from);
    rig_init(&fixture->to);
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    rig_clear(&fixture->from);
    rig_clear(&fixture->to);
    free(fixture);
    return 0;
}

static void forget(struct fixture *fixture)
{
    ha_buf_clear(&fixture->wrappers);
    ha_buf_clear(&fixture->spki);
    ha_buf_clear(&fixture->sealed);
}

static int up(void **state)
{
    struct fixture *fixture = *state;
    rig_up(&fixture->from, &(struct rig_options){0});
    rig_up(&fixture->to, &(struct rig_options){0});
    return 0;
}

static int stop(void **state)
{
    struct fixture *fixture = *state;
    struct ha_err err = {0};
    forget(fixture);
    if (fixture->from.pid)
        token_destroy(&fixture->from, ID, NULL, &err);
    if (fixture->to.pid)
        token_destroy(&fixture->to, ID, NULL, &err);
    rig_stop(&fixture->from);
    rig_stop(&fixture->to);
    memset(fixture->from.faults, 0, sizeof(*fixture->from.faults));
    memset(fixture->to.faults, 0, sizeof(*fixture->to.faults));
    return 0;
}

static enum ha_code ask_wrapper(struct rig *rig, bool wraps, struct ha_packet *ret_answer, struct ha_err *err)
{
    struct ha_packet question = {.op = HA_OP_WRAPPER, .flags = wraps ? HA_PACKET_SHARED : 0};
    return rig_ask(rig, rig->control, &question, ret_answer, err);
}

static void add_wrapper(struct fixture *fixture, const void *spki, size_t n)
{
    uint32_t len = (uint32_t)n;
    ha_buf_append(&fixture->wrappers, &len, sizeof(len));
    ha_buf_append(&fixture->wrappers, spki, n);
}

static void prepare(struct fixture *fixture)
{
    struct ha_packet answer;
    struct ha_err err = {0};
    forget(fixture);
    assert_int_equal(ask_wrapper(&fixture->from, true, &answer, &err), HA_OK);
    assert_int_equal(answer.part[0].len, 1);
    fixture->ways = *(const uint8_t *)answer.part[0].data;
    assert_int_equal(ask_wrapper(&fixture->to, false, &answer, &err), HA_OK);
    assert_true(answer.part[0].len > 1);
    fixture->ways &= *(const uint8_t *)answer.part[0].data;
    assert_true(fixture->ways & 1u << HA_WRAP_PAD);
    add_wrapper(fixture, (const uint8_t *)answer.part[0].data + 1, answer.part[0].len - 1);
}

static enum ha_code make(struct fixture *fixture, enum ha_key_type type, struct ha_err *err)
{
    struct rig *rig = &fixture->from;
    struct ha_packet question = {.op = HA_OP_GENERATE,
                                 .flags = HA_PACKET_SHARED,
                                 .alg = HA_WRAP_PAD,
                                 .key_type = type,
                                 .purposes = HA_PURPOSE_SIGN};
    struct ha_packet answer;
    question.part[0] = (struct ha_part){ID, strlen(ID)};
    question.part[1] = (struct ha_part){"test", 4};
    question.part[2] = (struct ha_part){fixture->wrappers.data, fixture->wrappers.len};
    enum ha_code code = rig_ask(rig, rig->control, &question, &answer, err);
    if (code)
        return code;
    assert_int_equal(answer.op, HA_OP_OBJECT);
    ha_buf_append(&fixture->sealed, answer.part[0].data, answer.part[0].len);
    assert_int_equal(ha_packet_recv(rig->control, -1, rig->buffer, &answer, NULL, NULL, err), HA_OK);
    assert_int_equal(answer.op, HA_OP_GENERATE);
    ha_buf_append(&fixture->spki, answer.part[0].data, answer.part[0].len);
    return HA_OK;
}

static enum ha_code unwrap(struct fixture *fixture, enum ha_key_type type, struct ha_err *err)
{
    struct ha_packet question = {.op = HA_OP_UNWRAP, .alg = HA_WRAP_PAD, .key_type = type, .purposes = HA_PURPOSE_SIGN};
    struct ha_packet answer;
    question.part[0] = (struct ha_part){ID, strlen(ID)};
    question.part[1] = (struct ha_part){"test", 4};
    question.part[2] = (struct ha_part){fixture->spki.data, fixture->spki.len};
    question.part[3] = (struct ha_part){fixture->sealed.data, fixture->sealed.len};
    return rig_ask(&fixture->to, fixture->to.control, &question, &answer, err);
}

static unsigned count(struct rig *rig)
{
    struct token_seen seen;
    struct ha_err err = {0};
    assert_int_equal(token_list(rig, "", ID, &seen, &err), HA_OK);
    return seen.found;
}

static void shared_key_is_one_in_both_tokens_and_stays_there(void **state)
{
    struct fixture *fixture = *state;
    static const enum ha_key_type types[] = {HA_KEY_EC_P256, HA_KEY_EC_P521, HA_KEY_RSA_2048};
    struct rig *const rigs[] = {&fixture->from, &fixture->to};
    for (size_t i = 0; i < HA_ARRAY_SIZE(types); i++) {
        struct ha_err err = {0};
        struct ha_pubkey *key = NULL;
        prepare(fixture);
        assert_int_equal(make(fixture, types[i], &err), HA_OK);
        assert_int_equal(unwrap(fixture, types[i], &err), HA_OK);
        assert_int_equal(ha_pubkey_from_spki(fixture->spki.data, fixture->spki.len, &key, &err), HA_OK);
        for (size_t j = 0; j < HA_ARRAY_SIZE(rigs); j++) {
            struct token_seen seen;
            assert_int_equal(token_sign(rigs[j], ID, key, &err), HA_OK);
            assert_int_equal(token_list(rigs[j], "", ID, &seen, &err), HA_OK);
            assert_int_equal(seen.n, 1);
            assert_int_equal(seen.flags & (HA_OBJECT_SENSITIVE | HA_OBJECT_EXTRACTABLE), HA_OBJECT_SENSITIVE);
            assert_int_equal(seen.flags & (HA_OBJECT_SIGN | HA_OBJECT_DECRYPT | HA_OBJECT_DERIVE), HA_OBJECT_SIGN);
            assert_int_equal(seen.spki_len, fixture->spki.len);
            assert_memory_equal(seen.spki, fixture->spki.data, seen.spki_len);
            assert_int_equal(token_destroy(rigs[j], ID, key, &err), HA_OK);
            assert_int_equal(count(rigs[j]), 0);
        }
        ha_pubkey_free(key);
    }
}

static void unwrap_refuses_what_was_changed_on_the_way(void **state)
{
    struct fixture *fixture = *state;
    static const size_t from_the_end[] = {1, 100, 390};  // in the key, in the AES key
    for (size_t i = 0; i < HA_ARRAY_SIZE(from_the_end); i++) {
        struct ha_err err = {0};
        prepare(fixture);
        assert_int_equal(make(fixture, HA_KEY_EC_P256, &err), HA_OK);
        assert_true(fixture->sealed.len > from_the_end[i]);
        fixture->sealed.data[fixture->sealed.len - from_the_end[i]] ^= 1;
        assert_int_not_equal(unwrap(fixture, HA_KEY_EC_P256, &err), HA_OK);
        assert_int_equal(count(&fixture->to), 0);
        assert_int_equal(token_destroy(&fixture->from, ID, NULL, &err), HA_OK);
        if (err.code == HA_E_TOKEN_DOWN)
            rig_stop(&fixture->to), rig_up(&fixture->to, &(struct rig_options){0});
    }
}

static void unwrap_refuses_another_public_key(void **state)
{
    struct fixture *fixture = *state;
    struct ha_err err = {0};
    size_t n;
    prepare(fixture);
    assert_int_equal(make(fixture, HA_KEY_RSA_2048, &err), HA_OK);
    struct ha_pubkey *other = rig_key(&fixture->from, "other", HA_KEY_RSA_2048, HA_PURPOSE_SIGN);
    const uint8_t *spki = ha_pubkey_spki(other, &n);
    ha_buf_reset(&fixture->spki);
    ha_buf_append(&fixture->spki, spki, n);
    assert_int_equal(unwrap(fixture, HA_KEY_RSA_2048, &err), HA_E_TOKEN_ERROR);
    assert_non_null(strstr(err.detail, "another key"));
    assert_int_equal(count(&fixture->to), 0);
    assert_int_equal(token_destroy(&fixture->from, "other", other, &err), HA_OK);
    ha_pubkey_free(other);
}

static void wrapping_key_is_for_one_unwrapping(void **state)
{
    struct fixture *fixture = *state;
    struct ha_err err = {0};
    prepare(fixture);
    assert_int_equal(make(fixture, HA_KEY_EC_P256, &err), HA_OK);
    assert_int_equal(unwrap(fixture, HA_KEY_EC_P256, &err), HA_OK);
    assert_int_equal(token_destroy(&fixture->to, ID, NULL, &err), HA_OK);
    assert_int_equal(unwrap(fixture, HA_KEY_EC_P256, &err), HA_E_TOKEN_ERROR);
    assert_non_null(strstr(err.detail, "wrapping key was lost"));
    assert_int_equal(count(&fixture->to), 0);
}

static void id_that_is_taken_is_refused(void **state)
{
    struct fixture *fixture = *state;
    struct ha_err err = {0};
    prepare(fixture);
    ha_pubkey_free(rig_key(&fixture->to, ID, HA_KEY_EC_P256, HA_PURPOSE_SIGN));
    assert_int_equal(make(fixture, HA_KEY_EC_P256, &err), HA_OK);
    assert_int_equal(unwrap(fixture, HA_KEY_EC_P256, &err), HA_E_CONFLICT);
    assert_int_equal(make(fixture, HA_KEY_EC_P256, &err), HA_E_CONFLICT);
}

static void generate_refuses_bad_lists_of_wrapping_keys(void **state)
{
    struct fixture *fixture = *state;
    struct ha_err err = {0};
    size_t n;
    struct ha_pubkey *ec = rig_key(&fixture->from, "ec", HA_KEY_EC_P256, HA_PURPOSE_SIGN);
    const uint8_t *spki = ha_pubkey_spki(ec, &n);
    for (int i = 0; i < 4; i++) {
        forget(fixture);
        if (i == 0)
            ha_buf_puts(&fixture->wrappers, "x");
        if (i == 1)
            add_wrapper(fixture, "no SPKI", 7);
        if (i == 2)
            add_wrapper(fixture, spki, n);
        if (i == 3) {
            prepare(fixture);
            fixture->wrappers.len--;
        }
        assert_int_not_equal(make(fixture, HA_KEY_EC_P256, &err), HA_OK);
        assert_int_equal(fixture->from.faults->call[FAULT_GENERATE].calls, 1);
        assert_int_equal(count(&fixture->from), 0);
    }
    assert_int_equal(token_destroy(&fixture->from, "ec", ec, &err), HA_OK);
    ha_pubkey_free(ec);
}

static void token_that_lacks_a_mechanism_names_it(void **state)
{
    struct fixture *fixture = *state;
    static const struct {
        bool wraps;
        CK_MECHANISM_TYPE hidden[3];
        const char *lacks;
    } rows[] = {
        {true, {CKM_RSA_PKCS_OAEP}, "CKM_RSA_PKCS_OAEP"},
        {true, {CKM_AES_KEY_GEN}, "CKM_AES_KEY_GEN"},
        {true, {CKM_AES_KEY_WRAP_PAD, CKM_AES_CBC_PAD}, "CKM_AES_KEY_WRAP_PAD"},
        {false, {CKM_RSA_PKCS_OAEP}, "CKM_RSA_PKCS_OAEP"},
        {false, {CKM_RSA_PKCS_KEY_PAIR_GEN}, "CKM_RSA_PKCS_KEY_PAIR_GEN"},
        {false, {CKM_AES_KEY_WRAP_PAD, CKM_AES_CBC_PAD}, "CKM_AES_KEY_WRAP_PAD"},
    };
    struct rig *rig = &fixture->from;
    for (size_t i = 0; i < HA_ARRAY_SIZE(rows); i++) {
        struct ha_packet answer;
        struct ha_err err = {0};
        rig_stop(rig);
        memset(rig->faults, 0, sizeof(*rig->faults));
        memcpy(rig->faults->hidden, rows[i].hidden, sizeof(rows[i].hidden));
        rig->faults->n_hidden = HA_ARRAY_SIZE(rows[i].hidden);
        rig_up(rig, &(struct rig_options){0});
        assert_int_equal(ask_wrapper(rig, rows[i].wraps, &answer, &err), HA_E_KEY_CANNOT);
        assert_non_null(strstr(err.detail, rows[i].lacks));
        assert_int_equal(rig->faults->call[FAULT_GENERATE].calls, 0);
    }
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(shared_key_is_one_in_both_tokens_and_stays_there, up, stop),
        cmocka_unit_test_setup_teardown(unwrap_refuses_what_was_changed_on_the_way, up, stop),
        cmocka_unit_test_setup_teardown(unwrap_refuses_another_public_key, up, stop),
        cmocka_unit_test_setup_teardown(wrapping_key_is_for_one_unwrapping, up, stop),
        cmocka_unit_test_setup_teardown(id_that_is_taken_is_refused, up, stop),
        cmocka_unit_test_setup_teardown(generate_refuses_bad_lists_of_wrapping_keys, up, stop),
        cmocka_unit_test_setup_teardown(token_that_lacks_a_mechanism_names_it, up, stop),
    };
    return cmocka_run_group_tests_name("token_sharing", tests, set_up, tear_down);
}
