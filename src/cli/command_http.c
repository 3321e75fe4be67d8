// SPDX-License-Identifier: Apache-2.0
// The options of the commands about signed HTTP messages: http-sign, verify http-signature.
#include "cli/command_http.h"

#define VERSION_ROW                                                                                                    \
    {                                                                                                                  \
        .id = HA_OPT_KEY_VERSION, .name = "key-version", .value = "N",                                                 \
        .help = "The version of the key that does it; without this option the active one."                             \
    }
#define PROFILE_ROW                                                                                                    \
    {                                                                                                                  \
        .id = HA_OPT_PROFILE, .name = "profile", .value = "PROFILE/MESSAGE",                                           \
        .help = "How it is signed: mhhs-dip/request, mojaloop/request, ..., see hsm-agent-profiles(5); without this "  \
                "option rfc9421/request."                                                                              \
    }
#define URL_ROW                                                                                                        \
    {                                                                                                                  \
        .id = HA_OPT_URL, .name = "url", .value = "URL", .help = "The whole URL, as it is sent."                       \
    }
#define METHOD_ROW                                                                                                     \
    {                                                                                                                  \
        .id = HA_OPT_METHOD, .name = "method", .letter = 'X', .value = "METHOD",                                       \
        .help = "The method; without this option POST when there is a body, else GET."                                 \
    }
#define STATUS_ROW                                                                                                     \
    {                                                                                                                  \
        .id = HA_OPT_STATUS, .name = "status", .value = "N", .help = "It is a response with this status."              \
    }
#define FIELD_ROW(help_)                                                                                               \
    {                                                                                                                  \
        .id = HA_OPT_HEADER, .name = "header", .letter = 'H', .value = "'NAME: VALUE'|@FILE", .repeat = true,          \
        .help = (help_)                                                                                                \
    }
#define BODY_ROW                                                                                                       \
    {                                                                                                                  \
        .id = HA_OPT_INPUT, .name = "in", .letter = 'i', .value = "FILE",                                              \
        .help = "The body, from FILE or, with -, from stdin. Without this option there is none."                       \
    }
#define OUTPUT_ROW                                                                                                     \
    {                                                                                                                  \
        .id = HA_OPT_OUTPUT, .name = "out", .letter = 'o', .value = "FILE",                                            \
        .help = "Write the result to FILE instead of stdout."                                                          \
    }

const struct ha_opt_row ha_http_sign_rows[] = {
    VERSION_ROW,
    PROFILE_ROW,
    URL_ROW,
    METHOD_ROW,
    STATUS_ROW,
    FIELD_ROW("A header field that is sent, or a file with one on each line. Give those that the signature covers."),
    BODY_ROW,
    {.id = HA_OPT_CERT,
     .name = "cert",
     .value = "FILE",
     .help = "The key's certificate, PEM, where it is sent with the message; without this option the one that the "
             "profile names."},
    {.id = HA_OPT_CURL, .name = "curl", .help = "Print arguments for curl."},
    {.id = HA_OPT_BODY_OUT, .name = "body-out", .value = "FILE", .help = "Write the body that has to be sent to FILE."},
    OUTPUT_ROW,
};

const struct ha_opt_row ha_verify_http_rows[] = {
    PROFILE_ROW,
    URL_ROW,
    METHOD_ROW,
    STATUS_ROW,
    FIELD_ROW("A header field as it came, or a file with one on each line."),
    BODY_ROW,
    {.id = HA_OPT_KEYS,
     .name = "keys",
     .value = "FILE",
     .help =
         "The keys to accept: a JWK Set, or a JSON object in which each name (the FSPIOP-Source, the keyid) has a JWK "
         "or the text of a PEM public key or certificate."},
    {.id = HA_OPT_CA,
     .name = "ca",
     .value = "FILE",
     .help = "CAs to trust, PEM, where the message brings its certificate."},
    {.id = HA_OPT_CRL, .name = "crl", .value = "FILE", .help = "Lists of revoked certificates, PEM."},
    {.id = HA_OPT_OCSP,
     .name = "ocsp",
     .value = "FILE",
     .help = "A response about the certificate from its OCSP responder, DER."},
    {.id = HA_OPT_AT,
     .name = "at",
     .value = "SECONDS",
     .help = "The time of the verification, since 1970, instead of now."},
    OUTPUT_ROW,
};
