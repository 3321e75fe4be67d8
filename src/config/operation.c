// SPDX-License-Identifier: Apache-2.0
// The table of operations that a rule can grant.
#include "config/config.h"

#include <assert.h>

static const struct ha_operation_info operations[] = {
    [HA_OPERATION_SHOW] = {"show", .help = "see the key in lists, its public key and its state"},
    [HA_OPERATION_SIGN] = {"sign", .classified = true, .help = "sign data, which the agent hashes"},
    [HA_OPERATION_SIGN_DIGEST] = {"sign-digest",
                                  .help = "sign a digest that the caller made, whatever it is the digest of"},
    [HA_OPERATION_TLS] = {"tls", .classified = true, .help = "sign a TLS handshake, with a key that is made for TLS"},
    [HA_OPERATION_CSR] = {"csr", .profiled = true, .help = "make a certificate signing request"},
    [HA_OPERATION_DECRYPT] = {"decrypt", .help = "decrypt with an RSA key"},
    [HA_OPERATION_DERIVE] = {"derive", .help = "derive a shared secret with an EC key (ECDH)"},
    [HA_OPERATION_JWS] = {"jws", .profiled = true, .help = "make a JWS, a signed JSON message"},
    [HA_OPERATION_JWT] = {"jwt", .profiled = true, .help = "make a JWT, whose claims the agent completes and checks"},
    [HA_OPERATION_JWE_DECRYPT] = {"jwe-decrypt", .profiled = true, .help = "decrypt a JWE"},
    [HA_OPERATION_HTTP_SIGNATURE] = {"http-signature", .profiled = true,
                                     .help = "make the headers that sign an HTTP message"},
    [HA_OPERATION_MAC] = {"mac", .profiled = true, .help = "make a message authentication code with an HMAC key"},
    [HA_OPERATION_CREATE] = {"create", .admin = true, .help = "create the key, on an admin socket"},
    [HA_OPERATION_CEREMONY] = {"ceremony", .admin = true,
                               .help =
                                   "ask for the key to be created when two others have approved, on an admin socket"},
    [HA_OPERATION_APPROVE] = {"approve", .admin = true,
                              .help = "approve the creation of the key that somebody asked for, on an admin socket"},
    [HA_OPERATION_ADOPT] = {"adopt", .admin = true,
                            .help = "take an object that is in the token already as a key, on an admin socket"},
    [HA_OPERATION_IMPORT] = {"import", .admin = true,
                             .help = "take a key pair from outside into the token, on an admin socket"},
    [HA_OPERATION_BACKUP] = {"backup", .admin = true,
                             .help = "write the key, wrapped under a key encryption key, on an admin socket; both keys "
                                     "need it"},
    [HA_OPERATION_RESTORE] = {"restore", .admin = true, .help = "make the key of a backup, on an admin socket"},
    [HA_OPERATION_EXPORT] = {"export", .admin = true,
                             .help = "give the key, made for backups, to somebody else, on an admin socket"},
    [HA_OPERATION_DELETE] = {"delete", .admin = true, .help = "destroy the key, on an admin socket"},
    [HA_OPERATION_INSTALL] = {"install", .admin = true,
                              .help = "install and remove the key's certificate, on an admin socket"},
    [HA_OPERATION_ROTATE] = {"rotate", .admin = true,
                             .help = "make the key's next version, and say when one begins to sign, on an admin "
                                     "socket"},
    [HA_OPERATION_DISABLE] = {"disable", .admin = true, .help = "have the key refused, on an admin socket"},
    [HA_OPERATION_ENABLE] = {"enable", .admin = true, .help = "take that back, on an admin socket"},
    [HA_OPERATION_UNLOCK] = {"unlock", .admin = true,
                             .help = "have a PIN tried again that the token refused, on an admin socket; KEY is the "
                                     "token's name"},
};
static_assert(HA_ARRAY_SIZE(operations) == HA_OPERATION_COUNT, "each operation has its row");

const struct ha_operation_info *ha_operation_info(enum ha_operation operation)
{
    return &operations[operation];
}
