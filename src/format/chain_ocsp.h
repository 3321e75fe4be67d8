// SPDX-License-Identifier: Apache-2.0
// What an OCSP response says of a certificate (RFC 6960). For chain.c alone.
#pragma once

#include "crypto/ossl.h"
#include "format/chain.h"

// HA_OK: it is the responder's word that the certificate is good at trust->at. HA_E_NOT_VERIFIED: it says something
// else, is too old, or isn't from somebody who may say it. chain: the certificate, its issuer, ...; store: with the
// anchors and the time.
enum ha_code ha_chain_ocsp(const struct ha_chain_trust *trust, X509_STORE *store, STACK_OF(X509) * chain,
                           struct ha_err *err);
