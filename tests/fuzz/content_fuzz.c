// SPDX-License-Identifier: Apache-2.0
// Content that somebody wants signed: any bytes are of one class, and always of the same.
#include "policy/content.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    enum ha_content content = ha_content_classify(data, n);
    if (content >= HA_CONTENT_COUNT || !ha_content_info(content)->name)
        abort();
    // In memory of just that size, so that a read beyond it is seen; the fuzzer's own has room behind it.
    uint8_t *copy = malloc(n ? n : 1);
    if (!copy)
        abort();
    if (n)
        memcpy(copy, data, n);
    if (ha_content_classify(copy, n) != content)
        abort();
    free(copy);
    return 0;
}
