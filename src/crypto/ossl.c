// SPDX-License-Identifier: Apache-2.0
// OpenSSL's error queue as one of our errors.
#include "crypto/ossl.h"

#include <openssl/err.h>

enum ha_code ha_ossl_fail(struct ha_err *err, enum ha_code code, const char *what)
{
    // The first entry is where it went wrong; later ones only say who passed it on.
    const char *reason = ERR_reason_error_string(ERR_peek_error());
    if (reason)
        ha_fail(err, code, "%s: %s", what, reason);
    else
        ha_fail(err, code, "%s", what);
    ERR_clear_error();
    return code;
}
