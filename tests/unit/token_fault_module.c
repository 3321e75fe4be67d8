// SPDX-License-Identifier: Apache-2.0
// A PKCS#11 module that passes everything to SoftHSM, counts calls, and fails where the test wants it to.
#include "token_fault.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <p11-kit/pkcs11.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static CK_FUNCTION_LIST *real;
static CK_FUNCTION_LIST ours;
static struct fault_shared *shared;

// Whether this call is to fail, and how.
static CK_RV fault(enum fault_call call)
{
    __atomic_add_fetch(&shared->call[call].calls, 1, __ATOMIC_SEQ_CST);
    if (__atomic_fetch_sub(&shared->call[call].count, 1, __ATOMIC_SEQ_CST) > 0)
        return shared->call[call].rv;
    __atomic_add_fetch(&shared->call[call].count, 1, __ATOMIC_SEQ_CST);
    return CKR_OK;
}

static CK_RV initialize(void *args)
{
    CK_RV rv = fault(FAULT_INITIALIZE);
    if (rv)
        return rv;
    CK_C_INITIALIZE_ARGS plain = args ? *(CK_C_INITIALIZE_ARGS *)args : (CK_C_INITIALIZE_ARGS){0};
    shared->module_args[0] = '\0';
    if (plain.pReserved)
        strncpy(shared->module_args, plain.pReserved, sizeof(shared->module_args) - 1);
    plain.pReserved = NULL;
    return real->C_Initialize(args ? &plain : NULL);
}

static CK_RV get_slot_list(unsigned char present, CK_SLOT_ID *slots, CK_ULONG *n)
{
    CK_RV rv = fault(FAULT_GET_SLOT_LIST);
    return rv ? rv : real->C_GetSlotList(present, slots, n);
}

static CK_RV get_token_info(CK_SLOT_ID slot, CK_TOKEN_INFO *info)
{
    CK_RV rv = real->C_GetTokenInfo(slot, info);
    info->flags |= shared->token_flags;
    return rv;
}

static bool is_hidden(CK_MECHANISM_TYPE type)
{
    for (int i = 0; i < shared->n_hidden; i++) {
        if (shared->hidden[i] == type)
            return true;
    }
    return false;
}

static CK_RV get_mechanism_info(CK_SLOT_ID slot, CK_MECHANISM_TYPE type, CK_MECHANISM_INFO *info)
{
    return is_hidden(type) ? CKR_MECHANISM_INVALID : real->C_GetMechanismInfo(slot, type, info);
}

static CK_RV open_session(CK_SLOT_ID slot, CK_FLAGS flags, void *application, CK_NOTIFY notify,
                          CK_SESSION_HANDLE *session)
{
    CK_RV rv = fault(FAULT_OPEN_SESSION);
    if (rv)
        return rv;
    if (__atomic_add_fetch(&shared->sessions, 1, __ATOMIC_SEQ_CST) > shared->session_cap && shared->session_cap > 0)
        rv = CKR_SESSION_COUNT;
    else
        rv = real->C_OpenSession(slot, flags, application, notify, session);
    if (rv)
        __atomic_sub_fetch(&shared->sessions, 1, __ATOMIC_SEQ_CST);
    return rv;
}

static CK_RV close_session(CK_SESSION_HANDLE session)
{
    CK_RV rv = real->C_CloseSession(session);
    if (rv == CKR_OK)
        __atomic_sub_fetch(&shared->sessions, 1, __ATOMIC_SEQ_CST);
    return rv;
}

static CK_RV login(CK_SESSION_HANDLE session, CK_USER_TYPE user, unsigned char *pin, CK_ULONG n)
{
    CK_RV rv = fault(user == CKU_CONTEXT_SPECIFIC ? FAULT_LOGIN_CONTEXT : FAULT_LOGIN);
    return rv ? rv : real->C_Login(session, user, pin, n);
}

static CK_RV find_init(CK_SESSION_HANDLE session, CK_ATTRIBUTE *template, CK_ULONG n)
{
    CK_RV rv = fault(FAULT_FIND_INIT);
    return rv ? rv : real->C_FindObjectsInit(session, template, n);
}

static CK_RV sign_init(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key)
{
    CK_SESSION_INFO info;
    if (__atomic_exchange_n(&shared->drop_sessions, 0, __ATOMIC_SEQ_CST) &&
        real->C_GetSessionInfo(session, &info) == CKR_OK && real->C_CloseAllSessions(info.slotID) == CKR_OK)
        __atomic_store_n(&shared->sessions, 0, __ATOMIC_SEQ_CST);
    if (__atomic_exchange_n(&shared->log_out, 0, __ATOMIC_SEQ_CST))
        real->C_Logout(session);
    CK_RV rv = fault(FAULT_SIGN_INIT);
    return rv ? rv : real->C_SignInit(session, mechanism, key);
}

static CK_RV sign(CK_SESSION_HANDLE session, unsigned char *data, CK_ULONG n, unsigned char *signature, CK_ULONG *len)
{
    CK_RV rv = fault(FAULT_SIGN);
    return rv ? rv : real->C_Sign(session, data, n, signature, len);
}

static CK_RV decrypt_init(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key)
{
    CK_RV rv = fault(FAULT_DECRYPT_INIT);
    return rv ? rv : real->C_DecryptInit(session, mechanism, key);
}

static CK_RV decrypt(CK_SESSION_HANDLE session, unsigned char *data, CK_ULONG n, unsigned char *plain, CK_ULONG *len)
{
    CK_RV rv = fault(FAULT_DECRYPT);
    return rv ? rv : real->C_Decrypt(session, data, n, plain, len);
}

static CK_RV derive_key(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key,
                        CK_ATTRIBUTE *template, CK_ULONG n, CK_OBJECT_HANDLE *secret)
{
    CK_RV rv = fault(FAULT_DERIVE);
    if (rv)
        return rv;
    const CK_ECDH1_DERIVE_PARAMS *params = mechanism->pParameter;
    // Raw P-256: 65 bytes. In an OCTET STRING there are 67.
    if (shared->der_points_only && params->ulPublicDataLen == 65)
        return CKR_MECHANISM_PARAM_INVALID;
    return real->C_DeriveKey(session, mechanism, key, template, n, secret);
}

static CK_RV generate(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_ATTRIBUTE *public_template,
                      CK_ULONG n_public, CK_ATTRIBUTE *private_template, CK_ULONG n_private,
                      CK_OBJECT_HANDLE *public_key, CK_OBJECT_HANDLE *private_key)
{
    CK_RV rv = fault(FAULT_GENERATE);
    return rv ? rv
              : real->C_GenerateKeyPair(session, mechanism, public_template, n_public, private_template, n_private,
                                        public_key, private_key);
}

static CK_RV get_attribute_value(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object, CK_ATTRIBUTE *attributes,
                                 CK_ULONG n)
{
    CK_RV rv = real->C_GetAttributeValue(session, object, attributes, n);
    for (CK_ULONG i = 0; i < n && shared->weak_keys; i++) {
        if (attributes[i].type == CKA_NEVER_EXTRACTABLE && attributes[i].ulValueLen == 1)
            *(CK_BBOOL *)attributes[i].pValue = CK_FALSE;
    }
    return rv;
}

static CK_RV load_real(void)
{
    const char *path = getenv(FAULT_ENVIRONMENT), *module = getenv(FAULT_MODULE);
    int fd = path && module ? open(path, O_RDWR | O_CLOEXEC) : -1;
    if (fd < 0)
        return CKR_GENERAL_ERROR;
    shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    void *library = shared == MAP_FAILED ? NULL : dlopen(module, RTLD_NOW | RTLD_LOCAL);
    CK_C_GetFunctionList get = library ? (CK_C_GetFunctionList)dlsym(library, "C_GetFunctionList") : NULL;
    return get ? get(&real) : CKR_GENERAL_ERROR;
}

__attribute__((visibility("default"))) CK_RV C_GetFunctionList(CK_FUNCTION_LIST **list)
{
    if (!real && load_real() != CKR_OK)
        return CKR_GENERAL_ERROR;
    ours = *real;
    ours.C_Initialize = initialize;
    ours.C_GetSlotList = get_slot_list;
    ours.C_GetTokenInfo = get_token_info;
    ours.C_GetMechanismInfo = get_mechanism_info;
    ours.C_OpenSession = open_session;
    ours.C_CloseSession = close_session;
    ours.C_Login = login;
    ours.C_FindObjectsInit = find_init;
    ours.C_SignInit = sign_init;
    ours.C_Sign = sign;
    ours.C_DecryptInit = decrypt_init;
    ours.C_Decrypt = decrypt;
    ours.C_DeriveKey = derive_key;
    ours.C_GenerateKeyPair = generate;
    ours.C_GetAttributeValue = get_attribute_value;
    *list = &ours;
    return CKR_OK;
}
