// SPDX-License-Identifier: Apache-2.0
// A key's certificate out of a bag, and the way from it to its root: put in order, and looked at. Nothing is trusted
// here (that is format/chain.h): a chain is what a peer needs, who trusts the root or doesn't. Thread-safe.
#pragma once

#include "format/cert_bag.h"
#include "format/x5c.h"

#define HA_CHAIN_NOTES_MAX 16

// Something that a person should know and that nothing fails for.
struct ha_chain_note {
    const char *name;  // "chain-incomplete"; it never changes
    char text[320];
};
struct ha_chain_notes {
    struct ha_chain_note items[HA_CHAIN_NOTES_MAX];
    size_t n;
};
void ha_chain_note(struct ha_chain_notes *notes, const char *name, const char *format, ...) HA_PRINTF(3, 4);

// The chain of the certificate that is for this key: of several the one that is valid, and of these the one that was
// issued last. Then each issuer whose name fits and whose key verifies the signature, as far as the bag goes; a root
// (self-signed) stays out, since whoever trusts it has it. ret_chain is zeroed by the caller, who clears it in any
// case.
//
// HA_E_CERTIFICATE says why it is none to be installed:
//   no certificate is for this key (whose there are); it has expired; it is a CA's (unless self-signed); a signature by
//   MD5 or SHA-1, or a key below 112 bits of security, anywhere but at the root; an extension that is critical and that
//   nobody knows.
// Notes: chain-incomplete, chain-broken (a name fits, the signature doesn't), self-signed, root-left-out, left-out,
//   not-yet-valid, expires-soon (30 days), issuer-expires-first, no-names (of a TLS server), usage (what the key is to
//   be used for isn't in its key usages).
// purposes: bits of enum ha_purpose; now_s: seconds since 1970.
enum ha_code ha_chain_build(const struct ha_cert_bag *bag, const struct ha_pubkey *key, unsigned purposes,
                            int64_t now_s, struct ha_x5c *ret_chain, struct ha_chain_notes *notes, struct ha_err *err);
