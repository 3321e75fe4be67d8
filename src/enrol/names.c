// SPDX-License-Identifier: Apache-2.0
#include "enrol/names.h"

#include "base/json.h"
#include "crypto/ossl.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/objects.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <string.h>

HA_AUTO_DEFINE(BIO, BIO_free_all)
HA_AUTO_DEFINE(X509, X509_free)
HA_AUTO_DEFINE(GENERAL_NAMES, GENERAL_NAMES_free)

static enum ha_code cannot(struct ha_err *err, const char *what)
{
    ha_fail(err, HA_E_KEY_CANNOT, "the certificate has %s, which a request made here can't have", what);
    return ha_hint(err, "Make the request elsewhere and give it to 'hsm-agent enrol' with --csr.");
}

// The string as UTF-8 without NULs; false: it is none.
static bool text_of(const ASN1_STRING *string, struct ha_buf *out)
{
    ha_auto(ha_ossl_free) unsigned char *utf8 = NULL;
    int n = ASN1_STRING_to_UTF8(&utf8, string);
    if (n < 0 || memchr(utf8, '\0', (size_t)n))
        return false;
    ha_buf_append(out, utf8, (size_t)n);
    return true;
}

// The short name that requests take, else the dotted OID.
static void type_of(const ASN1_OBJECT *object, char ret_type[static 128])
{
    int nid = OBJ_obj2nid(object);
    const char *name = nid == NID_undef ? NULL : OBJ_nid2sn(nid);
    // Two of OpenSSL's short names are older than what the agent calls them.
    if (nid == NID_givenName)
        name = "givenName";
    else if (nid == NID_surname)
        name = "surname";
    static const char *const known[] = {
        "C",
        "ST",
        "L",
        "street",
        "postalCode",
        "O",
        "OU",
        "organizationIdentifier",
        "businessCategory",
        "jurisdictionC",
        "jurisdictionST",
        "jurisdictionL",
        "CN",
        "serialNumber",
        "UID",
        "title",
        "givenName",
        "surname",
        "pseudonym",
        "dnQualifier",
        "description",
        "emailAddress",
        "DC",
    };
    for (size_t i = 0; name && i < HA_ARRAY_SIZE(known); i++) {
        if (strcmp(known[i], name) == 0) {
            strcpy(ret_type, name);
            return;
        }
    }
    OBJ_obj2txt(ret_type, 128, object, 1);
}

static enum ha_code put_subject(X509 *certificate, struct ha_buf *out, struct ha_err *err)
{
    const X509_NAME *name = X509_get_subject_name(certificate);
    int set = -1;
    ha_jw_array(out, "subject");
    for (int i = 0; i < X509_NAME_entry_count(name); i++) {
        ha_auto(ha_buf_clear) struct ha_buf value = {0};
        const X509_NAME_ENTRY *entry = X509_NAME_get_entry(name, i);
        char type[128];
        type_of(X509_NAME_ENTRY_get_object(entry), type);
        if (!text_of(X509_NAME_ENTRY_get_data(entry), &value))
            return cannot(err, "a name that is no text");
        // Entries of one set are one RDN.
        if (X509_NAME_ENTRY_set(entry) != set) {
            if (i > 0)
                ha_jw_object_end(out);
            ha_jw_object(out, NULL);
            set = X509_NAME_ENTRY_set(entry);
        }
        ha_jw_string(out, type, ha_buf_text(&value));
    }
    if (set >= 0)
        ha_jw_object_end(out);
    ha_jw_array_end(out);
    return HA_OK;
}

static bool put_address(const ASN1_OCTET_STRING *address, struct ha_buf *out)
{
    char text[INET6_ADDRSTRLEN];
    int n = ASN1_STRING_length(address);
    if ((n != 4 && n != 16) ||
        !inet_ntop(n == 4 ? AF_INET : AF_INET6, ASN1_STRING_get0_data(address), text, sizeof text))
        return false;
    ha_jw_string(out, NULL, text);
    return true;
}

static bool put_name(const GENERAL_NAME *name, struct ha_buf *out)
{
    ha_auto(ha_buf_clear) struct ha_buf text = {0};
    if (name->type == GEN_IPADD)
        return put_address(name->d.iPAddress, out);
    if (!text_of(name->d.ia5, &text))
        return false;
    ha_jw_string(out, NULL, ha_buf_text(&text));
    return true;
}

static enum ha_code put_san(const GENERAL_NAMES *names, struct ha_buf *out, struct ha_err *err)
{
    static const struct {
        int type;
        const char *name;
    } kinds[] = {{GEN_DNS, "dns"}, {GEN_IPADD, "ip"}, {GEN_URI, "uri"}, {GEN_EMAIL, "email"}};
    int n = 0;
    ha_jw_object(out, "san");
    for (size_t kind = 0; kind < HA_ARRAY_SIZE(kinds); kind++) {
        bool open = false;
        for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
            const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
            if (name->type != kinds[kind].type)
                continue;
            if (!open)
                ha_jw_array(out, kinds[kind].name);
            open = true;
            n++;
            if (!put_name(name, out))
                return cannot(err, "an alternative name that is no text");
        }
        if (open)
            ha_jw_array_end(out);
    }
    ha_jw_object_end(out);
    return n == sk_GENERAL_NAME_num(names) ? HA_OK : cannot(err, "an alternative name of another kind");
}

enum ha_code ha_enrol_put_names(const char *pem, struct ha_buf *out, struct ha_err *err)
{
    ha_auto(BIO_free_all) BIO *bio = BIO_new_mem_buf(pem, -1);
    ha_auto(X509_free) X509 *certificate = bio ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;
    int critical = -1;
    if (!certificate) {
        ERR_clear_error();
        return ha_fail(err, HA_E_MALFORMED, "the installed certificate isn't one in PEM");
    }
    ha_auto(GENERAL_NAMES_free) GENERAL_NAMES *names =
        X509_get_ext_d2i(certificate, NID_subject_alt_name, &critical, NULL);
    if (!names && critical != -1)
        return cannot(err, "alternative names that can't be read");
    if (put_subject(certificate, out, err) || (names && put_san(names, out, err)))
        return err->code;
    return ha_buf_ok(out) ? HA_OK : ha_fail(err, HA_E_MEMORY, "out of memory for a request");
}
