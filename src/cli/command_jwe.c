// SPDX-License-Identifier: Apache-2.0
// The options of the commands for encrypted messages.
#include "cli/command.h"

const struct ha_opt_row ha_jwe_decrypt_rows[6] = {
    {.id = HA_OPT_PROFILE,
     .name = "profile",
     .value = "P",
     .help = "The profile's message, for example uae-lfi/pii; without this option what the standard permits."},
    {.id = HA_OPT_KID,
     .name = "kid",
     .value = "KID",
     .help = "What the key is called in messages. A message that names another key is refused then; of a message with "
             "several recipients, the one that is called so is decrypted."},
    {.id = HA_OPT_CERT,
     .name = "cert",
     .value = "FILE",
     .help = "The key's certificate (PEM): the key is called by its hash, as in the UAE directory."},
    {.id = HA_OPT_VERIFY,
     .name = "verify",
     .value = "FILE",
     .help =
         "What is inside is a signed message (JWS), which has to verify with a key of FILE: a JWK Set, a JWK, a public "
         "key or a certificate. What was signed is written then."},
    {.id = HA_OPT_INPUT,
     .name = "in",
     .letter = 'i',
     .value = "FILE",
     .help = "Read the message from FILE instead of stdin."},
    {.id = HA_OPT_OUTPUT,
     .name = "out",
     .letter = 'o',
     .value = "FILE",
     .help = "Write the plaintext to FILE (mode 0600) instead of stdout."},
};

const struct ha_opt_row ha_jwe_encrypt_rows[8] = {
    {.id = HA_OPT_RECIPIENT,
     .name = "recipient",
     .value = "FILE",
     .required = true,
     .help = "The recipient's key: a JWK, or PEM with a public key or a certificate."},
    {.id = HA_OPT_PROFILE,
     .name = "profile",
     .value = "P",
     .help = "The profile's message, for example uae-tpp/pii; without this option what the standard permits."},
    {.id = HA_OPT_ALG,
     .name = "alg",
     .value = "ALG",
     .help = "How the content's key gets to the recipient: RSA-OAEP-256 or RSA-OAEP, ECDH-ES, ECDH-ES+A128KW, "
             "ECDH-ES+A192KW or ECDH-ES+A256KW; without this option what the recipient's JWK says, or the profile, or "
             "RSA-OAEP-256 and ECDH-ES+A256KW."},
    {.id = HA_OPT_ENC,
     .name = "enc",
     .value = "ENC",
     .help = "How the content is encrypted: A256GCM, A192GCM, A128GCM, A256CBC-HS512, A192CBC-HS384 or A128CBC-HS256; "
             "without this option what the profile says, or A256GCM."},
    {.id = HA_OPT_KID,
     .name = "kid",
     .value = "KID",
     .help = "What the recipient's key is called; without this option what its JWK says."},
    {.id = HA_OPT_CTY,
     .name = "cty",
     .value = "TYPE",
     .help = "The type of the content, for the header: JWT when it is a signed message."},
    {.id = HA_OPT_INPUT,
     .name = "in",
     .letter = 'i',
     .value = "FILE",
     .help = "Read the plaintext from FILE instead of stdin."},
    {.id = HA_OPT_OUTPUT,
     .name = "out",
     .letter = 'o',
     .value = "FILE",
     .help = "Write the message to FILE instead of stdout."},
};
