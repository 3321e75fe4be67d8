// SPDX-License-Identifier: Apache-2.0
// Chains of certificates at a time, and each way in which one isn't to be trusted. tests/vectors/pki/make.sh made them.
#include "format/chain.h"

#include "vector.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define AT 1795275000  // 2026-11-21T15:30:00Z

struct files {
    struct ha_buf root, issuer, other, crl, stale, good_ocsp, revoked_ocsp, impostor_ocsp;
};

static int setup(void **state)
{
    static struct files files;
    vector_read("pki/root.pem", &files.root);
    vector_read("pki/issuer.pem", &files.issuer);
    vector_read("pki/other.pem", &files.other);
    vector_read("pki/issuer.crl.pem", &files.crl);
    vector_read("pki/stale.crl.pem", &files.stale);
    vector_read("pki/good.ocsp.der", &files.good_ocsp);
    vector_read("pki/revoked.ocsp.der", &files.revoked_ocsp);
    vector_read("pki/impostor.ocsp.der", &files.impostor_ocsp);
    *state = &files;
    return 0;
}

static int teardown(void **state)
{
    struct ha_buf *buf = (struct ha_buf *)*state;
    for (size_t i = 0; i < sizeof(struct files) / sizeof *buf; i++)
        ha_buf_clear(&buf[i]);
    return 0;
}

static struct ha_chain_trust usual(const struct files *files)
{
    return (struct ha_chain_trust){
        .anchors = ha_buf_text(&files->root),
        .intermediates = ha_buf_text(&files->issuer),
        .crls = ha_buf_text(&files->crl),
        .at = AT,
        .revocation = true,
    };
}

static enum ha_code verify(const char *name, const struct ha_chain_trust *trust, struct ha_err *err)
{
    char path[64];
    ha_auto(ha_buf_clear) struct ha_buf pem = {0};
    ha_auto(ha_certificate_free) struct ha_certificate *certificate = NULL;
    snprintf(path, sizeof path, "pki/%s.pem", name);
    vector_read(path, &pem);
    assert_int_equal(ha_certificate_read(pem.data, pem.len, &certificate, err), HA_OK);
    return ha_chain_verify(certificate, trust, err);
}

static void trusted(const char *name, const struct ha_chain_trust *trust)
{
    struct ha_err err = {0};
    if (verify(name, trust, &err))
        fail_msg("%s: %s", name, err.detail);
}

static void refused(const char *name, const struct ha_chain_trust *trust, const char *reason)
{
    struct ha_err err = {0};
    assert_int_equal(verify(name, trust, &err), HA_E_NOT_VERIFIED);
    if (!strstr(err.detail, reason))
        fail_msg("%s: \"%s\" doesn't say \"%s\"", name, err.detail, reason);
}

static void malformed(const char *name, const struct ha_chain_trust *trust, const char *pointer)
{
    struct ha_err err = {0};
    assert_int_equal(verify(name, trust, &err), HA_E_MALFORMED);
    assert_string_equal(err.pointer, pointer);
}

static void chain_whole_is_trusted(void **state)
{
    struct ha_chain_trust trust = usual(*state);
    trusted("good", &trust);
    trusted("elsewhere", &trust);
    trust.crls = NULL;
    trust.revocation = false;
    trusted("good", &trust);
}

static void chain_dates_are_looked_at(void **state)
{
    struct ha_chain_trust trust = usual(*state);
    refused("expired", &trust, "expired on 2026-01-01T00:00:00Z");
    refused("future", &trust, "isn't valid before 2027-01-01T00:00:00Z");
    trust.at = 2200000000;
    refused("good", &trust, "expired on");
}

static void chain_to_another_root_is_refused(void **state)
{
    struct files *files = *state;
    struct ha_chain_trust trust = usual(files);
    refused("stranger", &trust, "was issued by \"CN=Root,O=Other\", which isn't among the anchors");
    trust.anchors = ha_buf_text(&files->other);
    refused("good", &trust, "isn't among the anchors");
    trust.intermediates = NULL;
    refused("good", &trust, "was issued by \"CN=Issuer,O=Test\"");
}

static void chain_anchor_may_be_an_issuer_or_the_certificate(void **state)
{
    struct files *files = *state;
    ha_auto(ha_buf_clear) struct ha_buf good = {0};
    struct ha_chain_trust trust = usual(files);
    trust.anchors = ha_buf_text(&files->issuer);
    trust.intermediates = NULL;
    trusted("good", &trust);
    vector_read("pki/good.pem", &good);
    trust.anchors = ha_buf_text(&good);
    trust.crls = NULL;
    trusted("good", &trust);
    refused("elsewhere", &trust, "isn't among the anchors");
}

static void chain_revoked_is_refused_with_date_and_reason(void **state)
{
    struct files *files = *state;
    struct ha_chain_trust trust = usual(files);
    refused("revoked", &trust, "was revoked on 2026-11-21T15:03:29Z (keyCompromise)");
    trust.revocation = false;
    refused("revoked", &trust, "was revoked");
    trust.crls = NULL;
    trusted("revoked", &trust);
    trust.ocsp = files->revoked_ocsp.data;
    trust.ocsp_len = files->revoked_ocsp.len;
    refused("revoked", &trust, "was revoked on 20261121150329Z (keyCompromise), says the OCSP response");
}

static void chain_without_word_on_revocation_is_refused(void **state)
{
    struct files *files = *state;
    struct ha_chain_trust trust = usual(files);
    trust.crls = NULL;
    refused("good", &trust, "may have been revoked: there is neither");
    trust.crls = ha_buf_text(&files->stale);
    refused("good", &trust, "list has expired");
}

static void chain_ocsp_is_a_word_on_revocation(void **state)
{
    struct files *files = *state;
    struct ha_chain_trust trust = usual(files);
    trust.crls = NULL;
    trust.ocsp = files->good_ocsp.data;
    trust.ocsp_len = files->good_ocsp.len;
    trust.cache_s = 24 * 60 * 60;
    trusted("good", &trust);
    trust.crls = ha_buf_text(&files->stale);
    trusted("good", &trust);
    refused("elsewhere", &trust, "is about another certificate");
    trust.at = AT + 2 * 24 * 60 * 60;
    refused("good", &trust, "older than 86400 seconds");
    trust.cache_s = 0;
    trusted("good", &trust);
    trust.at = AT + 8 * 24 * 60 * 60;
    refused("good", &trust, "OCSP response has expired");
    trust.at = AT - 60 * 60;
    trust.anchors = ha_buf_text(&files->issuer);
    refused("good", &trust, "later than the time");
}

static void chain_ocsp_of_a_stranger_is_refused(void **state)
{
    struct files *files = *state;
    struct ha_chain_trust trust = usual(files);
    trust.ocsp = files->impostor_ocsp.data;
    trust.ocsp_len = files->impostor_ocsp.len;
    refused("good", &trust, "isn't from a responder");
    trust.ocsp_len -= 1;
    malformed("good", &trust, "/ocsp");
}

static void chain_purpose_has_to_be_signing(void **state)
{
    struct files *files = *state;
    struct ha_chain_trust trust = usual(files);
    refused("cipher", &trust, "key usage doesn't allow signatures");
    trust.crls = NULL;
    trust.revocation = false;
    refused("root", &trust, "key usage doesn't allow signatures");
}

static void chain_unreadable_parts_are_pointed_at(void **state)
{
    struct ha_chain_trust trust = usual(*state);
    trust.anchors = NULL;
    malformed("good", &trust, "/anchors");
    trust.anchors = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    malformed("good", &trust, "/anchors");
    trust = usual(*state);
    trust.crls = "nothing";
    malformed("good", &trust, "/crls");
    trust = usual(*state);
    trust.intermediates = "";
    malformed("good", &trust, "/intermediates");
}

static void certificate_is_read_and_written(void **state)
{
    (void)state;
    struct ha_err err = {0};
    size_t n;
    ha_auto(ha_buf_clear) struct ha_buf pem = {0};
    ha_auto(ha_buf_clear) struct ha_buf again = {0};
    ha_auto(ha_buf_clear) struct ha_buf subject = {0};
    ha_auto(ha_certificate_free) struct ha_certificate *certificate = NULL;
    ha_auto(ha_certificate_free) struct ha_certificate *same = NULL;
    vector_read("pki/good.pem", &pem);
    assert_int_equal(ha_certificate_read(pem.data, pem.len, &certificate, &err), HA_OK);
    ha_certificate_to_pem(certificate, &again);
    assert_string_equal(ha_buf_text(&again), ha_buf_text(&pem));
    const uint8_t *der = ha_certificate_der(certificate, &n);
    assert_int_equal(ha_certificate_read(der, n, &same, &err), HA_OK);
    assert_int_equal(ha_certificate_read(der, n - 1, &same, &err), HA_E_MALFORMED);
    assert_int_equal(ha_certificate_read("", 0, &same, &err), HA_E_MALFORMED);
    ha_certificate_subject(certificate, &subject);
    assert_string_equal(ha_buf_text(&subject), "CN=good,O=Test");
}

static void certificate_is_checked_against_a_key(void **state)
{
    (void)state;
    struct ha_err err = {0};
    ha_auto(ha_buf_clear) struct ha_buf pem = {0};
    ha_auto(ha_certificate_free) struct ha_certificate *certificate = NULL;
    ha_auto(softkey_free) struct softkey *own = vector_key("pki/good.key");
    ha_auto(softkey_free) struct softkey *other = softkey_new(HA_KEY_EC_P256);
    vector_read("pki/good.pem", &pem);
    assert_int_equal(ha_certificate_read(pem.data, pem.len, &certificate, &err), HA_OK);
    assert_int_equal(ha_certificate_check_key(certificate, own->pub, &err), HA_OK);
    assert_int_equal(ha_certificate_check_key(certificate, other->pub, &err), HA_E_CONFLICT);
    assert_string_equal(err.detail, "the certificate of CN=good,O=Test is for another key");
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(chain_whole_is_trusted),
        cmocka_unit_test(chain_dates_are_looked_at),
        cmocka_unit_test(chain_to_another_root_is_refused),
        cmocka_unit_test(chain_anchor_may_be_an_issuer_or_the_certificate),
        cmocka_unit_test(chain_revoked_is_refused_with_date_and_reason),
        cmocka_unit_test(chain_without_word_on_revocation_is_refused),
        cmocka_unit_test(chain_ocsp_is_a_word_on_revocation),
        cmocka_unit_test(chain_ocsp_of_a_stranger_is_refused),
        cmocka_unit_test(chain_purpose_has_to_be_signing),
        cmocka_unit_test(chain_unreadable_parts_are_pointed_at),
        cmocka_unit_test(certificate_is_read_and_written),
        cmocka_unit_test(certificate_is_checked_against_a_key),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
