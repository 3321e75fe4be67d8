// SPDX-License-Identifier: Apache-2.0
// The values of CSR profiles: text with {placeholders}, that a value of a request has to fit. Thread-safe.
//
//   {any}            some text                    {host}         a DNS name of two labels or more, no wildcard
//   {uuid}           a UUID                       {name}         the same, or one with *. before it
//   {digits}         decimal digits               {a|b|c}        one of these words
//   {environment}    the profile's word for the key's environment
//   {holder}         for whom the key is
//   {vetted TYPE}    what the profile has for that holder
#pragma once

#include "base/buf.h"
#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>

enum ha_csr_part_kind {
    HA_CSR_PART_TEXT,
    HA_CSR_PART_ANY,
    HA_CSR_PART_UUID,
    HA_CSR_PART_DIGITS,
    HA_CSR_PART_HOST,
    HA_CSR_PART_NAME,
    HA_CSR_PART_CHOICE,
};

struct ha_csr_part {
    enum ha_csr_part_kind kind;
    char *text;  // of TEXT; the words of CHOICE, a|b|c; NULL
};

#define HA_CSR_PARTS_MAX 8

struct ha_csr_template {
    struct ha_csr_part parts[HA_CSR_PARTS_MAX];
    size_t n;
    bool open;  // there is something that only a request can say
};
void ha_csr_template_clear(struct ha_csr_template *template);
HA_AUTO_DEFINE_CLEAR(struct ha_csr_template, ha_csr_template_clear)

// What the closed placeholders stand for: appends the text of "environment", "holder" or "vetted TYPE" to out.
struct ha_csr_facts {
    const void *context;
    enum ha_code (*put)(const void *context, const char *name, struct ha_buf *out, struct ha_err *err);
};

// Two open placeholders at most. HA_E_CONFIG: the text isn't a template; and what facts->put says.
enum ha_code ha_csr_template_read(const char *text, const struct ha_csr_facts *facts,
                                  struct ha_csr_template *ret_template, struct ha_err *err);
bool ha_csr_template_fits(const struct ha_csr_template *template, const char *value);
// The only value that fits a template that isn't open.
void ha_csr_template_text(const struct ha_csr_template *template, struct ha_buf *out);
// What fits, in words, for an error: a UUID; 'AE'; a value like 'OFBBR-{uuid}'.
void ha_csr_template_describe(const struct ha_csr_template *template, struct ha_buf *out);
