// SPDX-License-Identifier: Apache-2.0
// The OpenSSL 3 provider: what one loaded instance of it has.
//
// Public operations are OpenSSL's own: they happen in a private library context that has only the default provider.
// Thread-safe: nothing here changes between load and unload.
#pragma once

#include "hsm-agent/client.h"

#include <openssl/core.h>
#include <openssl/core_dispatch.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/provider.h>

enum ha_provider_type {
    HA_PROVIDER_RSA,
    HA_PROVIDER_RSA_PSS,
    HA_PROVIDER_EC,
    HA_PROVIDER_ED25519,
    HA_PROVIDER_TYPE_COUNT
};

// Why something failed, for OpenSSL's error queue.
enum ha_provider_reason {
    HA_REASON_AGENT = 1,
    HA_REASON_REFUSED,
    HA_REASON_UNSUPPORTED,
    HA_REASON_KEY,
    HA_REASON_MEMORY
};

struct ha_provider {
    const OSSL_CORE_HANDLE *core;
    OSSL_FUNC_core_new_error_fn *new_error;
    OSSL_FUNC_core_vset_error_fn *vset_error;
    OSSL_LIB_CTX *libctx;  // private
    OSSL_PROVIDER *software;
    EVP_KEYMGMT *keymgmt[HA_PROVIDER_TYPE_COUNT];  // the default provider's
    hsm_agent *agent;                              // of keys whose reference names no socket
};

// The name of a type in OpenSSL: "RSA", "RSA-PSS", "EC", "ED25519".
const char *ha_provider_type_name(enum ha_provider_type type);
// The agent at that socket, waiting as OpenSSL's asynchronous jobs want it. NULL: HSM_AGENT_SOCKET or the built-in
// path.
hsm_agent *ha_provider_agent_new(const char *socket_path);

// What the core is told of; each ends with an empty row.
extern const OSSL_DISPATCH ha_keymgmt_rsa[], ha_keymgmt_rsa_pss[], ha_keymgmt_ec[], ha_keymgmt_ed25519[];
extern const OSSL_DISPATCH ha_signature_rsa[], ha_signature_ecdsa[], ha_signature_ed25519[];
extern const OSSL_DISPATCH ha_cipher_rsa[];
extern const OSSL_DISPATCH ha_exchange_ecdh[];
extern const OSSL_DISPATCH ha_decoder_pem[], ha_decoder_rsa[], ha_decoder_rsa_pss[], ha_decoder_ec[],
    ha_decoder_ed25519[];
extern const OSSL_DISPATCH ha_store_loader[];
