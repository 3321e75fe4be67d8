// SPDX-License-Identifier: Apache-2.0
// The certificate that a message names its key by.
#pragma once

#include "format/x5c.h"
#include "keys/key.h"

// The chain that the request brings (pem), or else that of the profile's file, or else the installed one. NULL is none;
// without any, ret_chain stays empty. The file that belongs to another version of the key doesn't count when this one
// has an installed certificate. ret_chain is zeroed by the caller, who clears it in any case. HA_E_MALFORMED at
// /certificate; HA_E_KEY_CANNOT when the file is no good. Whether it is the key's is looked at where it is used.
enum ha_code ha_message_certificate(struct ha_key *key, const char *pem, const char *file, struct ha_x5c *ret_chain,
                                    struct ha_err *err);
