// SPDX-License-Identifier: Apache-2.0
#include "format/jwe_alg.h"

#include "base/auto.h"

#include <assert.h>
#include <string.h>

static const struct ha_jwe_alg_info rows[] = {
    [HA_JWE_ALG_NONE] = {"none", HA_ALG_NONE, 0},
    [HA_JWE_RSA_OAEP] = {"RSA-OAEP", HA_ALG_RSA_OAEP, 0},
    [HA_JWE_RSA_OAEP_256] = {"RSA-OAEP-256", HA_ALG_RSA_OAEP_256, 0},
    [HA_JWE_ECDH_ES] = {"ECDH-ES", HA_ALG_ECDH, 0},
    [HA_JWE_ECDH_ES_A128KW] = {"ECDH-ES+A128KW", HA_ALG_ECDH, 16},
    [HA_JWE_ECDH_ES_A192KW] = {"ECDH-ES+A192KW", HA_ALG_ECDH, 24},
    [HA_JWE_ECDH_ES_A256KW] = {"ECDH-ES+A256KW", HA_ALG_ECDH, 32},
};
static_assert(HA_ARRAY_SIZE(rows) == HA_JWE_ALG_COUNT, "one row for each");

const struct ha_jwe_alg_info *ha_jwe_alg_info(enum ha_jwe_alg alg)
{
    return &rows[(unsigned)alg < HA_JWE_ALG_COUNT ? alg : HA_JWE_ALG_NONE];
}

enum ha_jwe_alg ha_jwe_alg_by_name(const char *name)
{
    for (unsigned i = HA_JWE_ALG_NONE + 1; i < HA_JWE_ALG_COUNT; i++)
        if (strcmp(rows[i].name, name) == 0)
            return (enum ha_jwe_alg)i;
    return HA_JWE_ALG_NONE;
}

bool ha_jwe_alg_fits(enum ha_jwe_alg alg, enum ha_key_type type)
{
    return ha_alg_fits(ha_jwe_alg_info(alg)->alg, type);
}
