// SPDX-License-Identifier: Apache-2.0
// Names and dates of certificates, in words. Thread-safe.
#pragma once

#include "base/buf.h"

#include <openssl/x509.h>

// Appends "CN=...,O=..." in the order of RFC 4514, in UTF-8, with the escapes of that.
void ha_cert_words_name(struct ha_buf *out, const X509_NAME *name);
// Appends "2026-11-21T07:26:35Z", or "?" when it is no time.
void ha_cert_words_time(struct ha_buf *out, const ASN1_TIME *time);
