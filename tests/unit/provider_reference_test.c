// SPDX-License-Identifier: Apache-2.0
// Key references: what is read from them, and that nothing else is taken for one. Copies end where their memory does,
// for sanitizers to see a step too far.
#include "provider/reference.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

// SEQUENCE { UTF8String description, UTF8String "hsm-agent:k?socket=/s", SEQUENCE { NULL } in place of a public key }
static const uint8_t whole[] = {
    0x30, 52,  0x0c, 23,  'h', 's', 'm', '-', 'a', 'g',  'e', 'n', 't', ' ', 'k',  'e', 'y',  ' ',
    'r',  'e', 'f',  'e', 'r', 'e', 'n', 'c', 'e', 0x0c, 21,  'h', 's', 'm', '-',  'a', 'g',  'e',
    'n',  't', ':',  'k', '?', 's', 'o', 'c', 'k', 'e',  't', '=', '/', 's', 0x30, 2,   0x05, 0,
};

static const char *read_copy(const uint8_t *bytes, size_t n, struct ha_reference *ret_reference)
{
    uint8_t *copy = malloc(n ? n : 1);
    assert_non_null(copy);
    memcpy(copy, bytes, n);
    const char *wrong = "it isn't one";
    if (ha_reference_is(copy, n))
        wrong = ha_reference_read(copy, n, ret_reference);
    free(copy);
    return wrong;
}

static void reference_read_has_name_socket_and_key(void **state)
{
    struct ha_reference reference;
    assert_true(ha_reference_is(whole, sizeof whole));
    assert_null(ha_reference_read(whole, sizeof whole, &reference));
    assert_string_equal(reference.name, "k");
    assert_string_equal(reference.socket, "/s");
    assert_ptr_equal(reference.spki, whole + sizeof whole - 4);
    assert_int_equal(reference.spki_len, 4);
}

static void reference_read_refuses_every_part_of_one(void **state)
{
    struct ha_reference reference;
    for (size_t n = 0; n < sizeof whole; n++)
        assert_non_null(read_copy(whole, n, &reference));
}

static void reference_read_refuses_what_comes_after(void **state)
{
    uint8_t longer[sizeof whole + 1] = {0};
    memcpy(longer, whole, sizeof whole);
    assert_false(ha_reference_is(longer, sizeof longer));
    // Inside the sequence, after the public key.
    longer[1]++;
    assert_true(ha_reference_is(longer, sizeof longer));
    struct ha_reference reference;
    assert_non_null(ha_reference_read(longer, sizeof longer, &reference));
}

static void reference_read_with_any_byte_changed_stays_inside(void **state)
{
    struct ha_reference reference;
    for (size_t at = 0; at < sizeof whole; at++) {
        for (unsigned value = 0; value < 256; value++) {
            uint8_t changed[sizeof whole];
            memcpy(changed, whole, sizeof whole);
            changed[at] = (uint8_t)value;
            if (read_copy(changed, sizeof changed, &reference) == NULL) {
                assert_true(strlen(reference.name) < sizeof reference.name);
                assert_int_equal(reference.spki_len, 4);
            }
        }
    }
}

static void reference_uri_reads_names_and_sockets(void **state)
{
    static const struct {
        const char *uri, *name, *socket;  // name NULL: refused
    } rows[] = {
        {"hsm-agent:edge", "edge", ""},
        {"hsm-agent:a.b_c-9", "a.b_c-9", ""},
        {"hsm-agent:edge?socket=/run/x y.sock", "edge", "/run/x y.sock"},
        {"hsm-agent:", NULL, NULL},
        {"hsm-agent", NULL, NULL},
        {"", NULL, NULL},
        {"file:edge", NULL, NULL},
        {"hsm-agent:../x", NULL, NULL},
        {"hsm-agent:a/b", NULL, NULL},
        {"hsm-agent:a b", NULL, NULL},
        {"hsm-agent:edge?", NULL, NULL},
        {"hsm-agent:edge?socket=", NULL, NULL},
        {"hsm-agent:edge?socket=run", NULL, NULL},
        {"hsm-agent:edge?pin=1", NULL, NULL},
        {"hsm-agent:?socket=/s", NULL, NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct ha_reference reference;
        const char *wrong = ha_reference_uri(rows[i].uri, strlen(rows[i].uri), &reference);
        if (!rows[i].name) {
            assert_non_null(wrong);
            continue;
        }
        assert_null(wrong);
        assert_string_equal(reference.name, rows[i].name);
        assert_string_equal(reference.socket, rows[i].socket);
        assert_null(reference.spki);
    }
}

static void reference_uri_keeps_the_limits(void **state)
{
    char uri[256] = "hsm-agent:";
    struct ha_reference reference;
    size_t start = strlen(uri);
    memset(uri + start, 'a', 65);
    assert_null(ha_reference_uri(uri, start + 64, &reference));
    assert_non_null(ha_reference_uri(uri, start + 65, &reference));
    strcpy(uri, "hsm-agent:k?socket=/");
    start = strlen(uri);
    memset(uri + start, 's', 107);
    assert_null(ha_reference_uri(uri, start + 106, &reference));
    assert_int_equal(strlen(reference.socket), 107);
    assert_non_null(ha_reference_uri(uri, start + 107, &reference));
    uri[start + 3] = 0;
    assert_non_null(ha_reference_uri(uri, start + 9, &reference));
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reference_read_has_name_socket_and_key),
        cmocka_unit_test(reference_read_refuses_every_part_of_one),
        cmocka_unit_test(reference_read_refuses_what_comes_after),
        cmocka_unit_test(reference_read_with_any_byte_changed_stays_inside),
        cmocka_unit_test(reference_uri_reads_names_and_sockets),
        cmocka_unit_test(reference_uri_keeps_the_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
