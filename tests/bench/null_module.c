// SPDX-License-Identifier: Apache-2.0
// A PKCS#11 module whose signatures and decryptions cost nothing: it passes all calls on to the module that
// HSM_AGENT_NULL_MODULE names, but what a thread signs or decrypts again, with the same key and mechanism, gets the
// answer of the first time at once. So what is measured on it is the agent's own doing.
#include <dlfcn.h>
#include <p11-kit/pkcs11.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <threads.h>

enum { PARAMETER_MAX = 64, INPUT_MAX = 1024, OUTPUT_MAX = 1024 };

// One kind of operation in one thread. The other module is asked when the input is known. What a parameter points to is
// the caller's, who has to keep it until then.
struct memo {
    CK_MECHANISM mechanism;
    CK_BYTE parameter[PARAMETER_MAX];
    CK_OBJECT_HANDLE key;
    bool known;  // what follows is the answer to these two and the input
    CK_BYTE input[INPUT_MAX], output[OUTPUT_MAX];
    CK_ULONG n_input, n_output;
};

static struct {
    CK_FUNCTION_LIST *real;
    CK_FUNCTION_LIST list;
} module;
static once_flag once = ONCE_FLAG_INIT;
static thread_local struct memo signing, decrypting;

static CK_RV begin(struct memo *memo, const CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key)
{
    if (mechanism->ulParameterLen > PARAMETER_MAX)
        return CKR_MECHANISM_PARAM_INVALID;
    memo->known = memo->known && memo->key == key && memo->mechanism.mechanism == mechanism->mechanism;
    memo->mechanism = *mechanism;
    if (mechanism->ulParameterLen > 0)
        memcpy(memo->parameter, mechanism->pParameter, mechanism->ulParameterLen);
    memo->mechanism.pParameter = memo->parameter;
    memo->key = key;
    return CKR_OK;
}

static bool recall(const struct memo *memo, const CK_BYTE *in, CK_ULONG n_in, CK_BYTE *out, CK_ULONG *n_out)
{
    if (!memo->known || memo->n_input != n_in || memcmp(memo->input, in, n_in) != 0 || *n_out < memo->n_output)
        return false;
    memcpy(out, memo->output, memo->n_output);
    *n_out = memo->n_output;
    return true;
}

static void remember(struct memo *memo, const CK_BYTE *in, CK_ULONG n_in, const CK_BYTE *out, CK_ULONG n_out)
{
    memo->known = n_in <= INPUT_MAX && n_out <= OUTPUT_MAX;
    if (!memo->known)
        return;
    memcpy(memo->input, in, n_in);
    memcpy(memo->output, out, n_out);
    memo->n_input = n_in;
    memo->n_output = n_out;
}

static CK_RV sign_init(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key)
{
    return begin(&signing, mechanism, key);
}

static CK_RV sign(CK_SESSION_HANDLE session, CK_BYTE *in, CK_ULONG n_in, CK_BYTE *out, CK_ULONG *n_out)
{
    if (recall(&signing, in, n_in, out, n_out))
        return CKR_OK;
    CK_RV rv = module.real->C_SignInit(session, &signing.mechanism, signing.key);
    if (rv == CKR_OK)
        rv = module.real->C_Sign(session, in, n_in, out, n_out);
    if (rv == CKR_OK)
        remember(&signing, in, n_in, out, *n_out);
    return rv;
}

static CK_RV decrypt_init(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key)
{
    return begin(&decrypting, mechanism, key);
}

static CK_RV decrypt(CK_SESSION_HANDLE session, CK_BYTE *in, CK_ULONG n_in, CK_BYTE *out, CK_ULONG *n_out)
{
    if (recall(&decrypting, in, n_in, out, n_out))
        return CKR_OK;
    CK_RV rv = module.real->C_DecryptInit(session, &decrypting.mechanism, decrypting.key);
    if (rv == CKR_OK)
        rv = module.real->C_Decrypt(session, in, n_in, out, n_out);
    if (rv == CKR_OK)
        remember(&decrypting, in, n_in, out, *n_out);
    return rv;
}

static void load(void)
{
    const char *path = getenv("HSM_AGENT_NULL_MODULE");
    void *library = path ? dlopen(path, RTLD_NOW | RTLD_LOCAL) : NULL;
    CK_C_GetFunctionList get = library ? (CK_C_GetFunctionList)dlsym(library, "C_GetFunctionList") : NULL;
    if (!get || get(&module.real) != CKR_OK) {
        fprintf(stderr, "the null module: HSM_AGENT_NULL_MODULE isn't a PKCS#11 module\n");
        abort();
    }
    module.list = *module.real;
    module.list.C_SignInit = sign_init;
    module.list.C_Sign = sign;
    module.list.C_DecryptInit = decrypt_init;
    module.list.C_Decrypt = decrypt;
}

__attribute__((visibility("default"))) CK_RV C_GetFunctionList(CK_FUNCTION_LIST **list)
{
    call_once(&once, load);
    module.list.C_GetFunctionList = C_GetFunctionList;
    *list = &module.list;
    return CKR_OK;
}
