// SPDX-License-Identifier: Apache-2.0
// The schemes, and the manual that is made of their tables.
#include "format/profile_tables.h"

#include "format/csr_profile.h"

#include <assert.h>

static const struct ha_scheme_info schemes[] = {
    [HA_SCHEME_JWS] = {.name = "jws",
                       .table = &ha_profile_table_jws,
                       .plain = "jose/jws",
                       .help = "A JWS (RFC 7515): any payload, signed."},
    [HA_SCHEME_JWT] = {.name = "jwt",
                       .table = &ha_profile_table_jwt,
                       .plain = "jose/jwt",
                       .help = "A JWT (RFC 7519): claims, completed and signed."},
    [HA_SCHEME_JWE] = {.name = "jwe",
                       .table = &ha_profile_table_jwe,
                       .plain = "jose/jwe",
                       .help = "A JWE (RFC 7516), encrypted or decrypted."},
    [HA_SCHEME_RFC9421] = {.name = "rfc9421",
                           .table = &ha_profile_table_rfc9421,
                           .plain = "rfc9421/request",
                           .help = "HTTP Message Signatures (RFC 9421) with Content-Digest (RFC 9530)."},
    [HA_SCHEME_DIP] = {.name = "dip",
                       .table = &ha_profile_table_dip,
                       .help = "The X-DIP-* headers of the MHHS Data Integration Platform."},
    [HA_SCHEME_FSPIOP] = {.name = "fspiop",
                          .table = &ha_profile_table_fspiop,
                          .help = "The FSPIOP-Signature header of a Mojaloop switch."},
    [HA_SCHEME_FSPIOP_ENCRYPTION] = {.name = "fspiop-encryption",
                                     .table = &ha_profile_table_fspiop_encryption,
                                     .help = "The FSPIOP-Encryption header: fields of a body, encrypted or decrypted."},
    [HA_SCHEME_ILP] = {.name = "ilp",
                       .table = &ha_profile_table_ilp,
                       .help = "The condition and fulfilment of a Mojaloop transfer, by an HMAC key."},
    [HA_SCHEME_CSR] = {.name = "csr",
                       .table = &ha_profile_table_csr,
                       .help = "A certificate request (PKCS#10), and the key that it is for.",
                       .check = ha_csr_profile_check},
};
static_assert(HA_ARRAY_SIZE(schemes) == HA_SCHEME_COUNT, "each scheme has its row");

const struct ha_scheme_info *ha_scheme_info(enum ha_scheme scheme)
{
    return &schemes[scheme];
}

// Text as roff shows it unchanged.
static void put_text(struct ha_buf *out, const char *text)
{
    for (const char *c = text; *c; c++) {
        if (*c == '\\')
            ha_buf_puts(out, "\\e");
        else if (*c == '-')
            ha_buf_puts(out, "\\-");
        else if ((*c == '.' || *c == '\'') && c == text)
            ha_buf_printf(out, "\\&%c", *c);
        else
            ha_buf_putc(out, *c);
    }
}

static void put_option(struct ha_buf *out, const struct ha_profile_option *option)
{
    bool list = option->kind == HA_PROFILE_LIST || option->kind == HA_PROFILE_LINES;
    ha_buf_puts(out, ".TP\n\\fB");
    put_text(out, option->name);
    ha_buf_puts(out, "\\fR = \\fI");
    put_text(out, option->value);
    ha_buf_printf(out, "\\fR%s%s", option->required ? " (required)" : "", list ? " (repeatable)" : "");
    if (option->fallback)
        ha_buf_printf(out, " (default: %s)", option->fallback);
    ha_buf_putc(out, '\n');
    put_text(out, option->help);
    ha_buf_putc(out, '\n');
}

void ha_profiles_manual(struct ha_buf *out)
{
    for (size_t i = 0; i < HA_SCHEME_COUNT; i++) {
        ha_buf_puts(out, ".SS scheme = ");
        put_text(out, schemes[i].name);
        ha_buf_putc(out, '\n');
        put_text(out, schemes[i].help);
        ha_buf_putc(out, '\n');
        for (size_t j = 0; j < schemes[i].table->n; j++)
            put_option(out, &schemes[i].table->options[j]);
    }
}
