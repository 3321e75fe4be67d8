// SPDX-License-Identifier: Apache-2.0
#include "config/content_class.h"

#include "base/auto.h"

#include <assert.h>

static const struct ha_content_info contents[] = {
    [HA_CONTENT_OTHER] = {.name = "other"},
    [HA_CONTENT_TLS13_SERVER] = {"tls13-server-certificate-verify", .tls = true, .tls13 = true},
    [HA_CONTENT_TLS13_CLIENT] = {"tls13-client-certificate-verify", .tls = true, .tls13 = true},
    [HA_CONTENT_TLS12_SERVER] = {"tls12-server-key-exchange", .tls = true},
    [HA_CONTENT_TLS12_CLIENT] = {"tls12-client-certificate-verify", .tls = true},
    [HA_CONTENT_CSR] = {.name = "csr"},
    [HA_CONTENT_X509] = {.name = "x509"},
};
static_assert(HA_ARRAY_SIZE(contents) == HA_CONTENT_COUNT, "each class has its row");

const struct ha_content_info *ha_content_info(enum ha_content content)
{
    return &contents[content];
}
