// SPDX-License-Identifier: Apache-2.0
// Certificate requests that are made: read back and verified with OpenSSL.
#include "format/csr.h"

#include "base/json.h"
#include "crypto/ossl.h"
#include "softkey.h"

#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

struct fixture {
    struct softkey *keys[HA_KEY_TYPE_COUNT];
};

static int make_keys(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    assert_non_null(fixture);
    for (int type = HA_KEY_RSA_2048; type <= HA_KEY_ED25519; type++)
        fixture->keys[type] = softkey_new(type);
    *state = fixture;
    return 0;
}

static int free_keys(void **state)
{
    struct fixture *fixture = *state;
    for (int type = 0; type < HA_KEY_TYPE_COUNT; type++)
        softkey_free(fixture->keys[type]);
    free(fixture);
    return 0;
}

// description: {"subject":..,"san":..,"key_usage":..,"extended_key_usage":..}
static enum ha_code build(struct softkey *key, enum ha_alg alg, const char *description, struct ha_buf *out,
                          struct ha_err *err)
{
    ha_auto(ha_json_free) ha_json *json = NULL;
    assert_int_equal(ha_json_parse(description, strlen(description), 8, &json, err), HA_OK);
    struct ha_csr_request request = {
        .subject = ha_json_get(json, "subject"),
        .san = ha_json_get(json, "san"),
        .key_usage = ha_json_get(json, "key_usage"),
        .extended_key_usage = ha_json_get(json, "extended_key_usage"),
        .algorithm = alg,
    };
    struct ha_signer signer = softkey_signer(key);
    return ha_csr_build(&request, &signer, out, err);
}

static X509_REQ *must_build(struct softkey *key, enum ha_alg alg, const char *description)
{
    struct ha_err err = {0};
    ha_auto(ha_buf_clear) struct ha_buf pem = {0};
    enum ha_code code = build(key, alg, description, &pem, &err);
    if (code)
        fail_msg("%s: %s", description, err.detail);
    BIO *bio = BIO_new_mem_buf(pem.data, (int)pem.len);
    X509_REQ *req = PEM_read_bio_X509_REQ(bio, NULL, NULL, NULL);
    BIO_free(bio);
    assert_non_null(req);
    assert_int_equal(X509_REQ_verify(req, key->evp), 1);
    return req;
}

// The subject as "C=AE,O=Acme,OU=a+CN=b" in the order of the encoding.
static void assert_subject(const X509_REQ *req, const char *expected)
{
    BIO *bio = BIO_new(BIO_s_mem());
    X509_NAME_print_ex(bio, X509_REQ_get_subject_name(req), 0,
                       (XN_FLAG_RFC2253 & ~(XN_FLAG_DN_REV | ASN1_STRFLGS_ESC_MSB)));
    BIO_write(bio, "", 1);
    char *text = NULL;
    BIO_get_mem_data(bio, &text);
    assert_string_equal(text, expected);
    BIO_free(bio);
}

static void csr_verifies_for_every_type_and_algorithm(void **state)
{
    struct fixture *fixture = *state;
    unsigned made = 0;
    for (int type = HA_KEY_RSA_2048; type <= HA_KEY_ED25519; type++) {
        for (int alg = HA_ALG_NONE + 1; alg < HA_ALG_COUNT; alg++) {
            if (!ha_alg_fits(alg, type) || ha_alg_info(alg)->use != HA_USE_SIGN)
                continue;
            struct softkey *key = fixture->keys[type];
            key->signatures = 0;
            ha_auto(X509_REQ_free) X509_REQ *req = must_build(key, alg,
                                                              "{\"subject\":[{\"C\":\"AE\"},{\"CN\":\"edge\"}],"
                                                              "\"san\":{\"dns\":[\"example.com\"]}}");
            assert_int_equal(key->signatures, 1);
            assert_int_equal(EVP_PKEY_eq(X509_REQ_get0_pubkey(req), key->evp), 1);
            assert_int_equal(X509_REQ_get_version(req), X509_REQ_VERSION_1);
            made++;
        }
    }
    assert_int_equal(made, 3 * 6 + 3 + 1);
}

static void csr_algorithm_identifiers_are_those_of_the_rfcs(void **state)
{
    // DER of the AlgorithmIdentifiers; those of PSS and RSA are the ones that the CA/Browser Forum's baseline
    // requirements list in section 7.1.3.2.
    static const struct {
        enum ha_key_type type;
        enum ha_alg alg;
        const char *hex;
    } cases[] = {
        {HA_KEY_RSA_2048, HA_ALG_RS256, "300d06092a864886f70d01010b0500"},
        {HA_KEY_RSA_2048, HA_ALG_RS384, "300d06092a864886f70d01010c0500"},
        {HA_KEY_RSA_2048, HA_ALG_RS512, "300d06092a864886f70d01010d0500"},
        {HA_KEY_RSA_2048, HA_ALG_PS256,
         "304106092a864886f70d01010a3034a00f300d06096086480165030402010500a11c301a06092a864886f70d010108300d060960"
         "8648016503040201"
         "0500a203020120"},
        {HA_KEY_RSA_2048, HA_ALG_PS384,
         "304106092a864886f70d01010a3034a00f300d06096086480165030402020500a11c301a06092a864886f70d010108300d060960"
         "8648016503040202"
         "0500a203020130"},
        {HA_KEY_RSA_2048, HA_ALG_PS512,
         "304106092a864886f70d01010a3034a00f300d06096086480165030402030500a11c301a06092a864886f70d010108300d060960"
         "8648016503040203"
         "0500a203020140"},
        {HA_KEY_EC_P256, HA_ALG_ES256, "300a06082a8648ce3d040302"},
        {HA_KEY_EC_P384, HA_ALG_ES384, "300a06082a8648ce3d040303"},
        {HA_KEY_EC_P521, HA_ALG_ES512, "300a06082a8648ce3d040304"},
        {HA_KEY_ED25519, HA_ALG_ED25519, "300506032b6570"},
    };
    struct fixture *fixture = *state;
    for (size_t i = 0; i < HA_ARRAY_SIZE(cases); i++) {
        ha_auto(X509_REQ_free) X509_REQ *req = must_build(fixture->keys[cases[i].type], cases[i].alg, "{}");
        const X509_ALGOR *algor = NULL;
        X509_REQ_get0_signature(req, NULL, &algor);
        unsigned char *der = NULL;
        int len = i2d_X509_ALGOR(algor, &der);
        char hex[256] = "";
        assert_true(len > 0 && len < 100);
        for (int j = 0; j < len; j++)
            snprintf(hex + 2 * j, 3, "%02x", der[j]);
        OPENSSL_free(der);
        assert_string_equal(hex, cases[i].hex);
    }
}

static void csr_subject_keeps_its_order_and_sets(void **state)
{
    struct fixture *fixture = *state;
    struct softkey *key = fixture->keys[HA_KEY_EC_P256];
    ha_auto(X509_REQ_free) X509_REQ *req =
        must_build(key, HA_ALG_ES256,
                   "{\"subject\":[{\"C\":\"AE\"},{\"O\":\"Bank \\u00c4\"},{\"OU\":\"x\"},{\"OU\":\"y\"},"
                   "{\"OU\":\"a\",\"CN\":\"b\"},{\"DC\":\"example\"},{\"1.2.3.4\":\"odd\"}]}");
    assert_subject(req, "C=AE,O=Bank \xc3\x84,OU=x,OU=y,CN=b+OU=a,DC=example,1.2.3.4=#0C036F6464");
    ha_auto(X509_REQ_free) X509_REQ *reverse =
        must_build(key, HA_ALG_ES256, "{\"subject\":[{\"CN\":\"b\"},{\"O\":\"Acme\"},{\"C\":\"GB\"}]}");
    assert_subject(reverse, "CN=b,O=Acme,C=GB");
}

static void csr_subject_string_types_follow_rfc5280(void **state)
{
    static const struct {
        const char *type, *value;
        int nid, string_type;
    } cases[] = {
        {"C", "AE", NID_countryName, V_ASN1_PRINTABLESTRING},
        {"2.5.4.6", "AE", NID_countryName, V_ASN1_PRINTABLESTRING},
        {"serialNumber", "12-3", NID_serialNumber, V_ASN1_PRINTABLESTRING},
        {"DC", "example", NID_domainComponent, V_ASN1_IA5STRING},
        {"emailAddress", "a@example.com", NID_pkcs9_emailAddress, V_ASN1_IA5STRING},
        {"CN", "plain", NID_commonName, V_ASN1_UTF8STRING},
        {"organizationIdentifier", "OFBBR-1", NID_organizationIdentifier, V_ASN1_UTF8STRING},
        {"jurisdictionC", "BR", NID_jurisdictionCountryName, V_ASN1_PRINTABLESTRING},
        {"UID", "1b94c", NID_userId, V_ASN1_UTF8STRING},
    };
    struct fixture *fixture = *state;
    for (size_t i = 0; i < HA_ARRAY_SIZE(cases); i++) {
        char text[128];
        snprintf(text, sizeof text, "{\"subject\":[{\"%s\":\"%s\"}]}", cases[i].type, cases[i].value);
        ha_auto(X509_REQ_free) X509_REQ *req = must_build(fixture->keys[HA_KEY_ED25519], HA_ALG_ED25519, text);
        const X509_NAME_ENTRY *entry = X509_NAME_get_entry(X509_REQ_get_subject_name(req), 0);
        assert_int_equal(OBJ_obj2nid(X509_NAME_ENTRY_get_object(entry)), cases[i].nid);
        const ASN1_STRING *value = X509_NAME_ENTRY_get_data(entry);
        assert_int_equal(ASN1_STRING_type(value), cases[i].string_type);
        assert_int_equal(ASN1_STRING_length(value), strlen(cases[i].value));
        assert_memory_equal(ASN1_STRING_get0_data(value), cases[i].value, strlen(cases[i].value));
    }
}

static void csr_knows_every_attribute_it_lists(void **state)
{
    struct fixture *fixture = *state;
    size_t n = 0;
    for (const char *const *name = ha_csr_attributes(); *name; name++, n++) {
        char text[128];
        snprintf(text, sizeof text, "{\"subject\":[{\"%s\":\"AA\"}]}", *name);
        ha_auto(X509_REQ_free) X509_REQ *req = must_build(fixture->keys[HA_KEY_ED25519], HA_ALG_ED25519, text);
        assert_int_equal(X509_NAME_entry_count(X509_REQ_get_subject_name(req)), 1);
    }
    assert_true(n > 10);
}

static void csr_subject_takes_values_up_to_the_bound(void **state)
{
    // 64 characters of two bytes each: the bound counts characters.
    char text[256] = "{\"subject\":[{\"CN\":\"";
    for (int i = 0; i < 64; i++)
        strcat(text, "\xc3\xa9");
    strcat(text, "\"}]}");
    struct fixture *fixture = *state;
    ha_auto(X509_REQ_free) X509_REQ *req = must_build(fixture->keys[HA_KEY_ED25519], HA_ALG_ED25519, text);
    assert_int_equal(X509_NAME_entry_count(X509_REQ_get_subject_name(req)), 1);
}

static void *get_extension(const X509_REQ *req, int nid, int *ret_critical)
{
    STACK_OF(X509_EXTENSION) *extensions = X509_REQ_get_extensions((X509_REQ *)req);
    void *value = X509V3_get_d2i(extensions, nid, ret_critical, NULL);
    sk_X509_EXTENSION_pop_free(extensions, X509_EXTENSION_free);
    return value;
}

static void assert_name(const GENERAL_NAMES *names, int index, int type, const char *value, size_t n)
{
    int got_type;
    const ASN1_STRING *got = GENERAL_NAME_get0_value(sk_GENERAL_NAME_value(names, index), &got_type);
    assert_int_equal(got_type, type);
    assert_int_equal(ASN1_STRING_length(got), n);
    assert_memory_equal(ASN1_STRING_get0_data(got), value, n);
}

static void csr_san_holds_every_kind_in_order(void **state)
{
    struct fixture *fixture = *state;
    int critical = -1;
    ha_auto(X509_REQ_free) X509_REQ *req = must_build(fixture->keys[HA_KEY_RSA_2048], HA_ALG_RS256,
                                                      "{\"subject\":[{\"CN\":\"a\"}],\"san\":{\"email\":[\"a@example."
                                                      "com\"],\"dns\":[\"*.example.com\",\"localhost\"],"
                                                      "\"ip\":[\"10.1.2.3\",\"2001:db8::1\"],\"uri\":[\"https://"
                                                      "example.com/x?y=1,DNS:evil.example\",\"urn:uuid:1\"]}}");
    GENERAL_NAMES *names = get_extension(req, NID_subject_alt_name, &critical);
    assert_int_equal(critical, 0);
    assert_int_equal(sk_GENERAL_NAME_num(names), 7);
    assert_name(names, 0, GEN_EMAIL, "a@example.com", 13);
    assert_name(names, 1, GEN_DNS, "*.example.com", 13);
    assert_name(names, 2, GEN_DNS, "localhost", 9);
    assert_name(names, 3, GEN_IPADD, "\x0a\x01\x02\x03", 4);
    assert_name(names, 4, GEN_IPADD, "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01", 16);
    assert_name(names, 5, GEN_URI, "https://example.com/x?y=1,DNS:evil.example", 42);
    assert_name(names, 6, GEN_URI, "urn:uuid:1", 10);
    GENERAL_NAMES_free(names);
}

static void csr_san_is_critical_when_the_subject_is_empty(void **state)
{
    static const char *const descriptions[] = {"{\"subject\":[],\"san\":{\"dns\":[\"a.example\"]}}",
                                               "{\"san\":{\"dns\":[\"a.example\"]}}"};
    struct fixture *fixture = *state;
    for (size_t i = 0; i < HA_ARRAY_SIZE(descriptions); i++) {
        int critical = -1;
        ha_auto(X509_REQ_free) X509_REQ *req = must_build(fixture->keys[HA_KEY_EC_P256], HA_ALG_ES256, descriptions[i]);
        assert_int_equal(X509_NAME_entry_count(X509_REQ_get_subject_name(req)), 0);
        GENERAL_NAMES *names = get_extension(req, NID_subject_alt_name, &critical);
        assert_int_equal(critical, 1);
        GENERAL_NAMES_free(names);
    }
}

static void csr_key_usage_sets_exactly_its_bits(void **state)
{
    struct fixture *fixture = *state;
    static const struct {
        const char *name;
        int bit;
    } usages[] = {{"digitalSignature", 0}, {"nonRepudiation", 1}, {"contentCommitment", 1}, {"keyEncipherment", 2},
                  {"dataEncipherment", 3}, {"keyAgreement", 4},   {"keyCertSign", 5},       {"cRLSign", 6},
                  {"encipherOnly", 7},     {"decipherOnly", 8}};
    size_t n = 0;
    for (const char *const *name = ha_csr_key_usages(); *name; name++, n++) {
        char text[128];
        int critical = -1;
        assert_string_equal(*name, usages[n].name);
        snprintf(text, sizeof text, "{\"key_usage\":[\"%s\"]}", *name);
        ha_auto(X509_REQ_free) X509_REQ *req = must_build(fixture->keys[HA_KEY_EC_P256], HA_ALG_ES256, text);
        ASN1_BIT_STRING *bits = get_extension(req, NID_key_usage, &critical);
        assert_int_equal(critical, 1);
        for (int bit = 0; bit < 16; bit++)
            assert_int_equal(ASN1_BIT_STRING_get_bit(bits, bit), bit == usages[n].bit);
        ASN1_BIT_STRING_free(bits);
    }
    assert_int_equal(n, HA_ARRAY_SIZE(usages));
}

static void csr_extended_key_usage_keeps_names_and_oids(void **state)
{
    struct fixture *fixture = *state;
    int critical = -1;
    ha_auto(X509_REQ_free) X509_REQ *req =
        must_build(fixture->keys[HA_KEY_EC_P256], HA_ALG_ES256,
                   "{\"extended_key_usage\":[\"serverAuth\",\"clientAuth\",\"codeSigning\",\"emailProtection\","
                   "\"timeStamping\",\"OCSPSigning\",\"anyExtendedKeyUsage\",\"1.3.6.1.4.1.99999.7\"]}");
    static const char *const oids[] = {"1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.2",  "1.3.6.1.5.5.7.3.3",
                                       "1.3.6.1.5.5.7.3.4", "1.3.6.1.5.5.7.3.8",  "1.3.6.1.5.5.7.3.9",
                                       "2.5.29.37.0",       "1.3.6.1.4.1.99999.7"};
    EXTENDED_KEY_USAGE *usages = get_extension(req, NID_ext_key_usage, &critical);
    assert_int_equal(critical, 0);
    assert_int_equal(sk_ASN1_OBJECT_num(usages), HA_ARRAY_SIZE(oids));
    for (int i = 0; i < (int)HA_ARRAY_SIZE(oids); i++) {
        char text[64];
        OBJ_obj2txt(text, sizeof text, sk_ASN1_OBJECT_value(usages, i), 1);
        assert_string_equal(text, oids[i]);
    }
    EXTENDED_KEY_USAGE_free(usages);
    size_t listed = 0;
    for (const char *const *name = ha_csr_extended_key_usages(); *name; name++)
        listed++;
    assert_int_equal(listed, HA_ARRAY_SIZE(oids) - 1);
}

static void csr_without_extensions_has_no_attribute(void **state)
{
    struct fixture *fixture = *state;
    ha_auto(X509_REQ_free) X509_REQ *req =
        must_build(fixture->keys[HA_KEY_EC_P256], HA_ALG_ES256, "{\"subject\":[{\"CN\":\"a\"}]}");
    assert_int_equal(X509_REQ_get_attr_count(req), 0);
}

static void csr_is_the_same_but_for_the_signature(void **state)
{
    // Deterministic signatures make the whole request deterministic.
    struct fixture *fixture = *state;
    struct ha_err err = {0};
    ha_auto(ha_buf_clear) struct ha_buf pems = {0};
    static const char text[] = "{\"subject\":[{\"CN\":\"a\",\"O\":\"b\"}],\"key_usage\":[\"digitalSignature\"]}";
    assert_int_equal(build(fixture->keys[HA_KEY_ED25519], HA_ALG_ED25519, text, &pems, &err), HA_OK);
    size_t n = pems.len;
    assert_int_equal(build(fixture->keys[HA_KEY_ED25519], HA_ALG_ED25519, text, &pems, &err), HA_OK);
    assert_int_equal(pems.len, 2 * n);
    assert_memory_equal(pems.data, pems.data + n, n);
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(csr_verifies_for_every_type_and_algorithm),
        cmocka_unit_test(csr_algorithm_identifiers_are_those_of_the_rfcs),
        cmocka_unit_test(csr_subject_keeps_its_order_and_sets),
        cmocka_unit_test(csr_subject_string_types_follow_rfc5280),
        cmocka_unit_test(csr_knows_every_attribute_it_lists),
        cmocka_unit_test(csr_subject_takes_values_up_to_the_bound),
        cmocka_unit_test(csr_san_holds_every_kind_in_order),
        cmocka_unit_test(csr_san_is_critical_when_the_subject_is_empty),
        cmocka_unit_test(csr_key_usage_sets_exactly_its_bits),
        cmocka_unit_test(csr_extended_key_usage_keeps_names_and_oids),
        cmocka_unit_test(csr_without_extensions_has_no_attribute),
        cmocka_unit_test(csr_is_the_same_but_for_the_signature),
    };
    return cmocka_run_group_tests_name("csr", tests, make_keys, free_keys);
}
