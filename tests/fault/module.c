// SPDX-License-Identifier: Apache-2.0
#include "module.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

static struct fault_module the_module;
static once_flag once = ONCE_FLAG_INIT;

struct fault_module *fault_module(void)
{
    return &the_module;
}

static _Noreturn void give_up(const char *what, const char *why)
{
    fprintf(stderr, "the fault module: %s: %s\n", what, why);
    abort();
}

static const char *variable(const char *name)
{
    const char *value = getenv(name);
    if (!value || value[0] == '\0')
        give_up(name, "it isn't in the environment");
    return value;
}

static void load(void)
{
    struct ha_err err = {0};
    pthread_rwlockattr_t attributes;
    const char *path = variable(FAULT_MODULE_VARIABLE);
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    CK_C_GetFunctionList get = library ? (CK_C_GetFunctionList)dlsym(library, "C_GetFunctionList") : NULL;
    if (!get || get(&the_module.real) != CKR_OK)
        give_up(path, library ? "it isn't a PKCS#11 module" : dlerror());
    // Without this whoever wants to take the sessions away would wait for ever, if there is always somebody signing.
    pthread_rwlockattr_init(&attributes);
    pthread_rwlockattr_setkind_np(&attributes, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
    if (pthread_rwlock_init(&the_module.gate, &attributes) != 0 || !fault_sessions_init(&the_module.sessions))
        give_up(path, "no lock can be made");
    pthread_rwlockattr_destroy(&attributes);
    if (fault_watch_init(&the_module.watch, variable(FAULT_RULES_VARIABLE), &err))
        give_up("the state", err.detail);
}

__attribute__((visibility("default"))) CK_RV C_GetFunctionList(CK_FUNCTION_LIST **list)
{
    call_once(&once, load);
    *list = fault_wrappers();
    return CKR_OK;
}
