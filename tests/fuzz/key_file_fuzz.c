// SPDX-License-Identifier: Apache-2.0
// Files with private keys: whatever is read is a key that the daemon takes too. Without a password, so that no file's
// count of rounds decides how long a run takes.
#include "crypto/key_file.h"
#include "crypto/private_key.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct ha_key_file file = {0};
    struct ha_err err = {0};
    // In memory of just that size, so that a read beyond it is seen.
    uint8_t *copy = malloc(n ? n : 1);
    if (!copy)
        abort();
    if (n)
        memcpy(copy, data, n);
    bool encrypted = ha_key_file_is_encrypted(copy, n);
    if (ha_key_file_read(copy, n, NULL, &file, &err) == HA_OK) {
        struct ha_buf again = {0};
        struct ha_pubkey *public_key = NULL;
        if (encrypted && !memmem(copy, n, "-----BEGIN", 10))
            abort();
        if (ha_private_key_check(file.pkcs8.data, file.pkcs8.len, &again, &public_key, &err) ||
            again.len != file.pkcs8.len || memcmp(again.data, file.pkcs8.data, again.len) != 0)
            abort();
        ha_buf_clear(&again);
        ha_pubkey_free(public_key);
    } else if (err.code == HA_OK || !err.detail[0]) {
        abort();
    }
    ha_key_file_clear(&file);
    free(copy);
    return 0;
}
