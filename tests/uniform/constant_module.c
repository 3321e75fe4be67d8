// SPDX-License-Identifier: Apache-2.0
// A PKCS#11 module whose decryption takes the same time whatever the ciphertext: it passes all calls on to the module
// that HSM_AGENT_CONSTANT_MODULE names, and returns from C_Decrypt HSM_AGENT_CONSTANT_US microseconds after it was
// called. So what differs between ciphertexts on this module is the agent's own doing. Where HSM_AGENT_CONSTANT_LEAK is
// set it is so many microseconds later for a block that doesn't begin with zero, which a test has to notice.
#include <dlfcn.h>
#include <errno.h>
#include <p11-kit/pkcs11.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <threads.h>
#include <time.h>

static struct {
    CK_FUNCTION_LIST *real;
    CK_FUNCTION_LIST list;
    int64_t us, leak_us;
} module;
static once_flag once = ONCE_FLAG_INIT;

static int64_t number(const char *name)
{
    const char *value = getenv(name);
    return value ? strtoll(value, NULL, 10) : 0;
}

static CK_RV decrypt(CK_SESSION_HANDLE session, CK_BYTE *in, CK_ULONG n_in, CK_BYTE *out, CK_ULONG *n_out)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    CK_RV rv = module.real->C_Decrypt(session, in, n_in, out, n_out);
    int64_t us = module.us + (rv == CKR_OK && out && *n_out == n_in && out[0] != 0 ? module.leak_us : 0);
    until.tv_nsec += (long)(us % 1000000) * 1000;
    until.tv_sec += us / 1000000 + until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) == EINTR)
        ;
    return rv;
}

static void load(void)
{
    const char *path = getenv("HSM_AGENT_CONSTANT_MODULE");
    void *library = path ? dlopen(path, RTLD_NOW | RTLD_LOCAL) : NULL;
    CK_C_GetFunctionList get = library ? (CK_C_GetFunctionList)dlsym(library, "C_GetFunctionList") : NULL;
    if (!get || get(&module.real) != CKR_OK) {
        fprintf(stderr, "the constant module: HSM_AGENT_CONSTANT_MODULE isn't a PKCS#11 module\n");
        abort();
    }
    module.list = *module.real;
    module.list.C_Decrypt = decrypt;
    module.us = number("HSM_AGENT_CONSTANT_US");
    module.leak_us = number("HSM_AGENT_CONSTANT_LEAK");
}

__attribute__((visibility("default"))) CK_RV C_GetFunctionList(CK_FUNCTION_LIST **list)
{
    call_once(&once, load);
    module.list.C_GetFunctionList = C_GetFunctionList;
    *list = &module.list;
    return CKR_OK;
}
