// SPDX-License-Identifier: Apache-2.0
#include "format/cert_words.h"

#include "base/auto.h"

#include <time.h>

HA_AUTO_DEFINE(BIO, BIO_free_all)

void ha_cert_words_name(struct ha_buf *out, const X509_NAME *name)
{
    ha_auto(BIO_free_all) BIO *bio = BIO_new(BIO_s_mem());
    char *text = NULL;
    if (!bio || X509_NAME_print_ex(bio, name, 0, XN_FLAG_RFC2253 & ~(unsigned long)ASN1_STRFLGS_ESC_MSB) < 0) {
        out->failed = true;
        return;
    }
    long n = BIO_get_mem_data(bio, &text);
    if (n > 0)
        ha_buf_append(out, text, (size_t)n);
}

void ha_cert_words_time(struct ha_buf *out, const ASN1_TIME *time)
{
    struct tm when;
    char text[sizeof "2026-11-21T07:26:35Z"] = "?";
    if (ASN1_TIME_to_tm(time, &when))
        strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &when);
    ha_buf_puts(out, text);
}
