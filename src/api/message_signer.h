// SPDX-License-Identifier: Apache-2.0
// One signature of a JWS or JWT on its way: what a request asks for, the policy's word, the question to the token.
#pragma once

#include "api/call.h"
#include "api/members.h"
#include "format/jwt.h"
#include "keys/use.h"

struct ha_message_signer {
    // As the request has it.
    const char *key_name;
    const char *profile_name;  // NULL: the plain message
    enum ha_alg algorithm;     // HA_ALG_NONE: the profile and the key choose
    const char *certificate;   // PEM; NULL: the profile's, or the installed one
    struct ha_json_text header, unprotected;
    bool unencoded;

    // As it is found.
    const struct ha_profile *profile;  // NULL: the plain one that is built in
    struct ha_key *key;
    struct ha_jws job;
    struct ha_use use;
};
void ha_message_signer_clear(struct ha_message_signer *signer);

// What is signed: the payload, or the claims of a JWT.
struct ha_message_content {
    const void *payload;
    size_t payload_len;
    struct ha_json_text claims;  // data NULL: it is a JWS
    unsigned lifetime;           // of the JWT; 0: unsaid
};

// Everything that can be said before the token is asked: key and policy first, then the rest. The use is ready for
// ha_call_exchange after. Pointers are those of the members' object.
enum ha_code ha_message_signer_prepare(const struct ha_call_context *call, const struct ha_message_content *content,
                                       struct ha_message_signer *signer, struct ha_err *err);
// The profile's options that a JWS of this signer has to obey.
const struct ha_jws_profile *ha_message_signer_options(const struct ha_message_signer *signer);
// Takes the token's answer into the job.
enum ha_code ha_message_signer_finish(struct ha_message_signer *signer, struct ha_err *err);
// Asks the tokens for n signatures, all those of one key at once.
void ha_message_signers_exchange(const struct ha_call_context *call, struct ha_message_signer *const *signers,
                                 size_t n);
