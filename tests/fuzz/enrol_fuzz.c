// SPDX-License-Identifier: Apache-2.0
// What a CA answers. The first byte of the input chooses whom the rest is for.
#include "enrol/answer.h"
#include "enrol/dogtag_json.h"
#include "enrol/names.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void expect(bool right)
{
    if (!right)
        abort();
}

// A review that was taken makes a request that is JSON, with the same nonce.
static void try_revocation(const char *text, size_t n)
{
    struct ha_err err = {0};
    ha_auto(ha_buf_clear) struct ha_buf out = {0};
    ha_auto(ha_json_free) ha_json *json = NULL;
    if (ha_dogtag_put_revocation(text, n, "Superseded", "why", &out, &err) == HA_OK)
        expect(ha_dogtag_parse(ha_buf_text(&out), out.len, "a request", &json, &err) == HA_OK);
}

static void try_filling(const char *text, size_t n)
{
    struct ha_err err = {0};
    ha_auto(ha_buf_clear) struct ha_buf out = {0};
    ha_auto(ha_json_free) ha_json *json = NULL;
    if (ha_dogtag_fill(text, n, "-----BEGIN\n", "me \"and\" you", NULL, &out, &err) == HA_OK)
        expect(ha_dogtag_parse(ha_buf_text(&out), out.len, "a request", &json, &err) == HA_OK);
}

static void try_info(const char *text, size_t n)
{
    struct ha_err err = {0};
    struct ha_dogtag_info info = {0};
    if (ha_dogtag_read_request(text, n, &info, &err) == HA_OK)
        expect(ha_dogtag_id_valid(info.request_id));
    if (ha_dogtag_read_submitted(text, n, &info, &err) == HA_OK)
        expect(ha_dogtag_id_valid(info.request_id));
}

static void try_lists(const char *text, size_t n)
{
    struct ha_err err = {0};
    char words[32];
    ha_auto(ha_buf_clear) struct ha_buf ids = {0}, profiles = {0}, csr = {0};
    ha_dogtag_read_ids(text, n, &ids, &err);
    ha_dogtag_read_profiles(text, n, &profiles, &err);
    ha_dogtag_read_review(text, n, "0x1", &csr, &err);
    ha_dogtag_read_refusal(text, n, words, sizeof words);
    expect(strlen(words) < sizeof words);
}

static void try_certificates(const char *text, size_t n)
{
    struct ha_err err = {0};
    ha_auto(ha_buf_clear) struct ha_buf bag = {0}, pem = {0}, certificate = {0};
    if (ha_answer_pkcs7(text, n, &bag, &err) == HA_OK)
        expect(strncmp(ha_buf_text(&bag), "-----BEGIN CERTIFICATE-----", 27) == 0);
    ha_answer_pem(text, n, &pem, &err);
    ha_dogtag_read_certificate(text, n, &certificate, &err);
}

static void try_names(const char *text)
{
    struct ha_err err = {0};
    ha_auto(ha_buf_clear) struct ha_buf body = {0}, serial = {0}, sorted = {0}, der = {0};
    ha_auto(ha_json_free) ha_json *json = NULL;
    ha_jw_object(&body, NULL);
    enum ha_code code = ha_enrol_put_names(text, &body, &err);
    ha_jw_object_end(&body);
    // A name of one type twice in one RDN is two members of one name, which the agent refuses.
    if (code == HA_OK)
        ha_json_parse(ha_buf_text(&body), body.len, 8, &json, &err);
    ha_answer_serial(text, &serial, &err);
    ha_answer_sort(text, text, &sorted, &err);
    ha_answer_csr_der(text, &der, &err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    if (n < 1)
        return 0;
    char *text = calloc(1, n);
    if (!text)
        abort();
    memcpy(text, data + 1, n - 1);
    switch (data[0] % 6) {
    case 0:
        try_revocation(text, n - 1);
        break;
    case 1:
        try_filling(text, n - 1);
        break;
    case 2:
        try_info(text, n - 1);
        break;
    case 3:
        try_lists(text, n - 1);
        break;
    case 4:
        try_certificates(text, n - 1);
        break;
    default:
        try_names(text);
        break;
    }
    free(text);
    return 0;
}
