// SPDX-License-Identifier: Apache-2.0
#include "format/base64_any.h"

#include "base/text.h"

#include <string.h>

enum ha_code ha_base64_any_decode(struct ha_buf *out, const char *text, size_t n, struct ha_err *err)
{
    size_t padding = 0;
    while (padding < 2 && padding < n && text[n - 1 - padding] == '=')
        padding++;
    if (padding > 0 && n % 4 != 0)
        return ha_fail(err, HA_E_MALFORMED, "the padding of the base64 isn't right");
    n -= padding;
    bool standard = memchr(text, '+', n) || memchr(text, '/', n);
    if (standard && (memchr(text, '-', n) || memchr(text, '_', n)))
        return ha_fail(err, HA_E_MALFORMED, "both alphabets of base64 are in one text");
    ha_auto(ha_buf_clear) struct ha_buf url = {0};
    ha_buf_append(&url, text, n);
    if (!ha_buf_ok(&url))
        return ha_fail(err, HA_E_MEMORY, "out of memory for decoding base64");
    for (size_t i = 0; i < n; i++)
        url.data[i] = url.data[i] == '+' ? '-' : url.data[i] == '/' ? '_' : url.data[i];
    return ha_b64u_decode(out, ha_buf_text(&url), n, err);
}
