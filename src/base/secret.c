// SPDX-License-Identifier: Apache-2.0
// Secrets in pages of their own, since mlock and madvise work on pages.
#include "base/secret.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

struct ha_secret {
    uint8_t *data;
    size_t capacity;
    size_t len;
    size_t mapped;  // bytes, whole pages
};

static enum ha_code lock_pages(struct ha_secret *secret, struct ha_err *err)
{
    // mlock2, since the sanitizers replace mlock by nothing, and a test must see the lock
    if (mlock2(secret->data, secret->mapped, 0) != 0) {
        ha_fail_errno(err, errno, "can't lock %zu bytes of memory for a secret", secret->mapped);
        return ha_hint(err,
                       "Raise the limit of locked memory (RLIMIT_MEMLOCK): LimitMEMLOCK=1M in the systemd unit, or "
                       "'ulimit -l 1024' in the shell that starts it.");
    }
    if (madvise(secret->data, secret->mapped, MADV_DONTDUMP) != 0)
        return ha_fail_errno(err, errno, "can't keep a secret out of core dumps (MADV_DONTDUMP)");
    // A wiped page is kinder to a child that frees the secret than a missing one, but not every kernel has it.
    if (madvise(secret->data, secret->mapped, MADV_WIPEONFORK) != 0 &&
        madvise(secret->data, secret->mapped, MADV_DONTFORK) != 0)
        return ha_fail_errno(err, errno, "can't keep a secret from forked processes (MADV_WIPEONFORK)");
    return HA_OK;
}

enum ha_code ha_secret_new(size_t capacity, struct ha_secret **ret_secret, struct ha_err *err)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    if (capacity > SIZE_MAX - page)
        return ha_fail(err, HA_E_MEMORY, "a secret of %zu bytes doesn't fit into memory", capacity);
    ha_auto(ha_secret_free) struct ha_secret *secret = calloc(1, sizeof *secret);
    if (!secret)
        return ha_fail(err, HA_E_MEMORY, "out of memory for a secret");
    size_t mapped = capacity == 0 ? page : (capacity + page - 1) / page * page;
    void *data = mmap(NULL, mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (data == MAP_FAILED)
        return ha_fail(err, HA_E_MEMORY, "out of memory for a secret of %zu bytes", capacity);
    *secret = (struct ha_secret){.data = data, .capacity = capacity, .mapped = mapped};
    enum ha_code code = lock_pages(secret, err);
    if (code != HA_OK)
        return code;
    *ret_secret = ha_take(&secret);
    return HA_OK;
}

void ha_secret_free(struct ha_secret *secret)
{
    if (!secret)
        return;
    if (secret->data) {
        ha_wipe(secret->data, secret->mapped);
        munmap(secret->data, secret->mapped);
    }
    free(secret);
}

uint8_t *ha_secret_data(struct ha_secret *secret)
{
    return secret->data;
}

size_t ha_secret_capacity(const struct ha_secret *secret)
{
    return secret->capacity;
}

size_t ha_secret_len(const struct ha_secret *secret)
{
    return secret->len;
}

void ha_secret_set_len(struct ha_secret *secret, size_t len)
{
    assert(len <= secret->capacity);
    secret->len = len;
    ha_wipe(secret->data + len, secret->mapped - len);
}

void ha_wipe(void *bytes, size_t n)
{
    if (n > 0)
        explicit_bzero(bytes, n);
}
