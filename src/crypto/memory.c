// SPDX-License-Identifier: Apache-2.0
#include "crypto/memory.h"

#include "base/secret.h"

#include <malloc.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

static void wipe_and_free(void *memory, const char *file, int line)
{
    if (memory)
        ha_wipe(memory, malloc_usable_size(memory));
    free(memory);
}

// Not realloc, which leaves what it moves.
static void *allocate_again(void *memory, size_t n, const char *file, int line)
{
    size_t had = memory ? malloc_usable_size(memory) : 0;
    if (n > 0 && n <= had)
        return memory;
    void *moved = n > 0 ? malloc(n) : NULL;
    if (n > 0 && !moved)
        return NULL;
    if (moved && memory)
        memcpy(moved, memory, had);
    wipe_and_free(memory, file, line);
    return moved;
}

bool ha_memory_wipe_freed(void)
{
    return CRYPTO_set_mem_functions(NULL, allocate_again, wipe_and_free) == 1;
}
