// SPDX-License-Identifier: Apache-2.0
// The options of the commands about JSON Web Signatures: jws, jwt, jwks, verify jws.
#include "cli/command_jose.h"

#include "crypto/alg.h"

static void sign_algorithms(struct ha_buf *out)
{
    bool first = true;
    for (unsigned alg = HA_ALG_NONE + 1; alg < HA_ALG_COUNT; alg++) {
        if (ha_alg_info((enum ha_alg)alg)->use != HA_USE_SIGN)
            continue;
        ha_buf_printf(out, "%s%s", first ? "" : ", ", ha_alg_info((enum ha_alg)alg)->name);
        first = false;
    }
}

#define VERSION_ROW                                                                                                    \
    {                                                                                                                  \
        .id = HA_OPT_KEY_VERSION, .name = "key-version", .value = "N",                                                 \
        .help = "The version of the key that does it; without this option the active one."                             \
    }
#define PROFILE_ROW                                                                                                    \
    {                                                                                                                  \
        .id = HA_OPT_PROFILE, .name = "profile", .value = "PROFILE/MESSAGE",                                           \
        .help = "What the message has to be, see hsm-agent-profiles(5); without this option the plain standard."       \
    }
#define ALG_ROW                                                                                                        \
    {                                                                                                                  \
        .id = HA_OPT_ALG, .name = "alg", .value = "ALG",                                                               \
        .help = "The algorithm; without this option the profile's or the key's.", .choices = sign_algorithms           \
    }
#define HEADER_ROW                                                                                                     \
    {                                                                                                                  \
        .id = HA_OPT_HEADER, .name = "header", .letter = 'H', .value = "JSON|FILE",                                    \
        .help = "Members of the protected header: an object, or the file that it is in."                               \
    }
#define CERT_ROW                                                                                                       \
    {                                                                                                                  \
        .id = HA_OPT_CERT, .name = "cert", .value = "FILE",                                                            \
        .help = "The key's certificate, PEM, for the key id and x5c; after it the CAs' between. Without this option "  \
                "the one that the profile names, if any."                                                              \
    }
#define INPUT_ROW(help_)                                                                                               \
    {                                                                                                                  \
        .id = HA_OPT_INPUT, .name = "in", .letter = 'i', .value = "FILE", .help = (help_)                              \
    }
#define OUTPUT_ROW(help_)                                                                                              \
    {                                                                                                                  \
        .id = HA_OPT_OUTPUT, .name = "out", .letter = 'o', .value = "FILE", .help = (help_)                            \
    }

const struct ha_opt_row ha_jws_rows[] = {
    VERSION_ROW,
    PROFILE_ROW,
    ALG_ROW,
    HEADER_ROW,
    CERT_ROW,
    {.id = HA_OPT_FORM,
     .name = "form",
     .value = "FORM",
     .help = "compact (the default), flattened or general; the latter two are JSON."},
    {.id = HA_OPT_SIGNER,
     .name = "signer",
     .value = "NAME",
     .repeat = true,
     .help = "One more key that signs; needs --form general."},
    {.id = HA_OPT_DETACHED, .name = "detached", .help = "Leave the payload out of the message."},
    {.id = HA_OPT_UNENCODED, .name = "unencoded", .help = "Sign the payload as it is, not its base64url (RFC 7797)."},
    INPUT_ROW("Read the payload from FILE instead of stdin."),
    OUTPUT_ROW("Write the message to FILE instead of stdout."),
};

const struct ha_opt_row ha_jwt_rows[] = {
    VERSION_ROW,
    PROFILE_ROW,
    ALG_ROW,
    HEADER_ROW,
    CERT_ROW,
    {.id = HA_OPT_CLAIMS,
     .name = "claims",
     .value = "JSON|FILE",
     .help = "The claims: an object, the file that it is in, or - for stdin. They are signed as they are written."},
    {.id = HA_OPT_CLAIM, .name = "claim", .value = "NAME=TEXT", .repeat = true, .help = "One more claim, a string."},
    {.id = HA_OPT_LIFETIME,
     .name = "lifetime",
     .value = "SECONDS",
     .help = "From the earlier of iat and nbf to exp. What is longer than the profile permits is refused."},
    OUTPUT_ROW("Write the token to FILE instead of stdout."),
};

const struct ha_opt_row ha_jwks_rows[] = {
    {.id = HA_OPT_PROFILE,
     .name = "profile",
     .value = "PROFILE[/MESSAGE]",
     .help = "Key ids and certificates as this profile has them; keys that it needs a certificate of are left out as "
             "long as they have none."},
    OUTPUT_ROW("Write the set to FILE instead of stdout."),
};

const struct ha_opt_row ha_verify_jws_rows[] = {
    {.id = HA_OPT_JWKS, .name = "jwks", .value = "FILE", .help = "The keys to accept: a JWK Set, or one JWK."},
    {.id = HA_OPT_CERT,
     .name = "cert",
     .value = "FILE",
     .help = "The certificate (or PUBLIC KEY) of the signer, PEM. It has to be valid, and with --ca to be trusted."},
    {.id = HA_OPT_CA,
     .name = "ca",
     .value = "FILE",
     .help = "CAs to trust, PEM; without --cert the message's own certificate (x5c) has to lead to one of them."},
    {.id = HA_OPT_CRL, .name = "crl", .value = "FILE", .help = "Lists of revoked certificates, PEM; with --ca."},
    {.id = HA_OPT_OCSP,
     .name = "ocsp",
     .value = "FILE",
     .help = "A response about the certificate from its OCSP responder, DER; with --ca."},
    {.id = HA_OPT_REVOCATION,
     .name = "need-revocation",
     .help = "Refuse unless --crl or --ocsp says that the certificate isn't revoked."},
    {.id = HA_OPT_ALG,
     .name = "alg",
     .value = "ALG",
     .repeat = true,
     .help = "An algorithm to accept; without this option what the keys permit.",
     .choices = sign_algorithms},
    {.id = HA_OPT_PAYLOAD, .name = "payload", .value = "FILE", .help = "The payload, when it is detached."},
    {.id = HA_OPT_ANY, .name = "any", .help = "Of several signatures one suffices."},
    {.id = HA_OPT_AT,
     .name = "at",
     .value = "SECONDS",
     .help = "The time of the verification, since 1970, instead of now."},
    {.id = HA_OPT_JWT,
     .name = "jwt",
     .help = "It is a token: exp, nbf and iat have to hold. Each of the options below says so too."},
    {.id = HA_OPT_TYP, .name = "typ", .value = "TYPE", .help = "The typ that its header has to have."},
    {.id = HA_OPT_ISS, .name = "iss", .value = "TEXT", .help = "Whom it has to be from."},
    {.id = HA_OPT_SUB, .name = "sub", .value = "TEXT", .help = "Whom it has to be about."},
    {.id = HA_OPT_AUD, .name = "aud", .value = "TEXT", .help = "Whom it has to be for, maybe among others."},
    {.id = HA_OPT_SKEW, .name = "skew", .value = "SECONDS", .help = "What clocks may differ; 0 without this option."},
    {.id = HA_OPT_LIFETIME, .name = "lifetime", .value = "SECONDS", .help = "The longest life to accept."},
    {.id = HA_OPT_NEED_EXP, .name = "need-exp", .help = "Refuse a token that never expires."},
    INPUT_ROW("Read the message from FILE instead of stdin."),
    OUTPUT_ROW("Write the payload to FILE instead of stdout."),
};
