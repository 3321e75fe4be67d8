// SPDX-License-Identifier: Apache-2.0
// ILP conditions and fulfilments against those of Mojaloop's own library.
#include "format/ilp.h"

#include "base/file.h"
#include "base/json.h"
#include "base/text.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static int read_vector(void **state)
{
    char path[512];
    const char *dir = getenv("srcdir");
    ha_auto(ha_buf_clear) struct ha_buf text = {0};
    struct ha_err err = {0};
    snprintf(path, sizeof path, "%s/tests/vectors/mojaloop-ilp.json", dir ? dir : ".");
    return ha_file_read(path, 1 << 20, HA_FILE_ANY, &text, &err) ||
           ha_json_parse(ha_buf_text(&text), text.len, 8, (ha_json **)state, &err);
}

static int free_vector(void **state)
{
    ha_json_free(*state);
    return 0;
}

// What a token would answer: the key is the base64 text of the secret.
static void mac(const ha_json *vector, const struct ha_buf *message, uint8_t ret_mac[static 32])
{
    ha_auto(ha_buf_clear) struct ha_buf key = {0};
    const char *secret = ha_json_get_string(vector, "secret");
    unsigned len = 32;
    ha_b64_encode(&key, secret, strlen(secret), 0);
    assert_non_null(HMAC(EVP_sha256(), key.data, (int)key.len, message->data, message->len, ret_mac, &len));
}

static void assert_vector(const ha_json *vector, const char *version, const struct ha_ilp_profile *profile,
                          const void *data, size_t n)
{
    ha_auto(ha_buf_clear) struct ha_buf message = {0}, fulfilment = {0}, condition = {0};
    const ha_json *wanted = ha_json_get(vector, version);
    uint8_t answer[32];
    struct ha_err err = {0};
    assert_int_equal(ha_ilp_begin(profile, data, n, &message, &err), HA_OK);
    mac(vector, &message, answer);
    assert_int_equal(ha_ilp_end(answer, sizeof answer, &fulfilment, &condition, &err), HA_OK);
    assert_string_equal(ha_buf_text(&fulfilment), ha_json_get_string(wanted, "fulfilment"));
    assert_string_equal(ha_buf_text(&condition), ha_json_get_string(wanted, "condition"));
}

static void ilp_v4_of_a_transaction_is_mojaloops(void **state)
{
    const char *transaction = ha_json_get_string(*state, "transaction");
    assert_vector(*state, "v4", &(struct ha_ilp_profile){HA_ILP_V4}, transaction, strlen(transaction));
}

static void ilp_v1_of_a_packet_is_mojaloops(void **state)
{
    ha_auto(ha_buf_clear) struct ha_buf packet = {0};
    const char *text = ha_json_get_string(*state, "packet");
    struct ha_err err = {0};
    assert_int_equal(ha_b64u_decode(&packet, text, strlen(text), &err), HA_OK);
    assert_vector(*state, "v1", &(struct ha_ilp_profile){HA_ILP_V1}, packet.data, packet.len);
}

static void ilp_fulfilment_of_another_length_is_an_error(void **state)
{
    static const uint8_t answer[33];
    static const size_t lengths[] = {0, 20, 31, 33};
    for (size_t i = 0; i < HA_ARRAY_SIZE(lengths); i++) {
        ha_auto(ha_buf_clear) struct ha_buf fulfilment = {0}, condition = {0};
        struct ha_err err = {0};
        assert_int_equal(ha_ilp_end(answer, lengths[i], &fulfilment, &condition, &err), HA_E_TOKEN_ERROR);
        assert_int_equal(fulfilment.len + condition.len, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ilp_v4_of_a_transaction_is_mojaloops),
        cmocka_unit_test(ilp_v1_of_a_packet_is_mojaloops),
        cmocka_unit_test(ilp_fulfilment_of_another_length_is_an_error),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, read_vector, free_vector);
}
