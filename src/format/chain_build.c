// SPDX-License-Identifier: Apache-2.0
#include "format/chain_build.h"

#include "crypto/ossl.h"
#include "format/chain_judge.h"
#include "format/cert_words.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void ha_chain_note(struct ha_chain_notes *notes, const char *name, const char *format, ...)
{
    if (notes->n == HA_CHAIN_NOTES_MAX)
        return;
    struct ha_chain_note *note = &notes->items[notes->n++];
    note->name = name;
    va_list args;
    va_start(args, format);
    vsnprintf(note->text, sizeof note->text, format, args);
    va_end(args);
}

static bool is_for(X509 *certificate, const struct ha_pubkey *key)
{
    struct ha_err ignored = {0};
    ha_auto(ha_pubkey_free) struct ha_pubkey *own = NULL;
    if (ha_x5c_key_of(certificate, &own, &ignored))
        return false;
    return memcmp(ha_pubkey_spki_sha256(own), ha_pubkey_spki_sha256(key), HA_SPKI_HASH_LEN) == 0;
}

static bool is_valid_at(const X509 *certificate, time_t now)
{
    return ASN1_TIME_cmp_time_t(X509_get0_notBefore(certificate), now) <= 0 &&
           ASN1_TIME_cmp_time_t(X509_get0_notAfter(certificate), now) >= 0;
}

// Valid is better than not, later is better than earlier.
static bool is_better(const X509 *a, const X509 *b, time_t now)
{
    if (is_valid_at(a, now) != is_valid_at(b, now))
        return is_valid_at(a, now);
    return ASN1_TIME_compare(X509_get0_notBefore(a), X509_get0_notBefore(b)) > 0;
}

static enum ha_code refuse_all(const struct ha_cert_bag *bag, struct ha_err *err)
{
    ha_auto(ha_buf_clear) struct ha_buf subject = {0};
    ha_cert_words_name(&subject, X509_get_subject_name(bag->items[0]));
    if (bag->n == 1)
        ha_fail(err, HA_E_CERTIFICATE, "the certificate (%.200s) is for another key", ha_buf_text(&subject));
    else
        ha_fail(err, HA_E_CERTIFICATE, "none of the %zu certificates (%.200s, ...) is for this key", bag->n,
                ha_buf_text(&subject));
    return ha_hint(err, "install what was issued for a request of this key, and of this version of it: `hsm-agent "
                        "csr` makes one");
}

// What was taken is marked, so that a circle of certificates comes to an end.
struct walk {
    const struct ha_cert_bag *bag;
    bool taken[HA_CERT_BAG_MAX];
    time_t now;
};

static X509 *find_own(struct walk *walk, const struct ha_pubkey *key)
{
    X509 *best = NULL;
    size_t at = 0;
    for (size_t i = 0; i < walk->bag->n; i++) {
        X509 *item = walk->bag->items[i];
        if (!is_for(item, key) || (best && !is_better(item, best, walk->now)))
            continue;
        best = item;
        at = i;
    }
    if (best)
        walk->taken[at] = true;
    return best;
}

// The issuer's certificate; NULL: it isn't in the bag. *ret_broken: one of its name is, whose key isn't the issuer's.
static X509 *find_issuer(struct walk *walk, X509 *certificate, bool *ret_broken)
{
    X509 *best = NULL;
    size_t at = 0;
    for (size_t i = 0; i < walk->bag->n; i++) {
        X509 *item = walk->bag->items[i];
        if (walk->taken[i] || X509_NAME_cmp(X509_get_subject_name(item), X509_get_issuer_name(certificate)) != 0)
            continue;
        EVP_PKEY *key = X509_get0_pubkey(item);
        if (!key || X509_check_ca(item) == 0 || X509_verify(certificate, key) != 1)
            *ret_broken = true;
        else if (!best || is_better(item, best, walk->now))
            best = item, at = i;
    }
    ERR_clear_error();
    if (best)
        walk->taken[at] = true;
    return best;
}

static enum ha_code append(struct ha_x5c *chain, X509 *certificate, struct ha_err *err)
{
    ha_auto(ha_ossl_free) unsigned char *der = NULL;
    int n = i2d_X509(certificate, &der);
    return n > 0 ? ha_x5c_add(chain, der, (size_t)n, err)
                 : ha_ossl_fail(err, HA_E_MALFORMED, "a certificate can't be encoded");
}

// Above the first issuer nobody can tell whether only the root is missing, which is as it should be.
static void note_end(X509 *last, bool is_own, bool broken, struct ha_chain_notes *notes)
{
    ha_auto(ha_buf_clear) struct ha_buf issuer = {0};
    ha_cert_words_name(&issuer, X509_get_issuer_name(last));
    if (broken)
        ha_chain_note(notes, "chain-broken",
                      "a certificate of \"%.160s\" is there, but isn't the one that issued this; get it from the CA",
                      ha_buf_text(&issuer));
    else if (is_own)
        ha_chain_note(notes, "chain-incomplete",
                      "it was issued by \"%.160s\", whose certificate isn't there: peers find no way to a root, unless "
                      "that is one",
                      ha_buf_text(&issuer));
}

static void note_rest(const struct walk *walk, struct ha_chain_notes *notes)
{
    for (size_t i = 0; i < walk->bag->n; i++) {
        if (walk->taken[i])
            continue;
        ha_auto(ha_buf_clear) struct ha_buf subject = {0};
        ha_cert_words_name(&subject, X509_get_subject_name(walk->bag->items[i]));
        ha_chain_note(notes, "left-out", "\"%.200s\" isn't part of the chain", ha_buf_text(&subject));
    }
}

// The issuers, from the one of `own` on.
static enum ha_code climb(struct walk *walk, X509 *own, struct ha_x5c *chain, struct ha_chain_notes *notes,
                          struct ha_err *err)
{
    X509 *last = own;
    for (;;) {
        bool broken = false;
        X509 *issuer = find_issuer(walk, last, &broken);
        if (!issuer) {
            note_end(last, last == own, broken, notes);
            return HA_OK;
        }
        if (X509_self_signed(issuer, 1) == 1) {
            ha_auto(ha_buf_clear) struct ha_buf subject = {0};
            ha_cert_words_name(&subject, X509_get_subject_name(issuer));
            ha_chain_note(notes, "root-left-out", "the root \"%.200s\" isn't sent to peers: who trusts it has it",
                          ha_buf_text(&subject));
            return HA_OK;
        }
        if (ha_chain_judge_issuer(issuer, own, notes, err) || append(chain, issuer, err))
            return err->code;
        last = issuer;
    }
}

enum ha_code ha_chain_build(const struct ha_cert_bag *bag, const struct ha_pubkey *key, unsigned purposes,
                            int64_t now_s, struct ha_x5c *ret_chain, struct ha_chain_notes *notes, struct ha_err *err)
{
    struct walk walk = {.bag = bag, .now = (time_t)now_s};
    if (bag->n == 0)
        return ha_fail(err, HA_E_MALFORMED, "there is no certificate");
    X509 *own = find_own(&walk, key);
    if (!own)
        return refuse_all(bag, err);
    if (ha_chain_judge_own(own, purposes, walk.now, notes, err) || append(ret_chain, own, err))
        return err->code;
    if (X509_self_signed(own, 1) != 1 && climb(&walk, own, ret_chain, notes, err))
        return err->code;
    note_rest(&walk, notes);
    return HA_OK;
}
