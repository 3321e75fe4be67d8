// SPDX-License-Identifier: Apache-2.0
#include "fault_rig.h"

#include "fault/module.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define SO_PIN "5678-officer"
#define CHECK(condition)                                                                                               \
    do {                                                                                                               \
        if (!(condition)) {                                                                                            \
            fprintf(stderr, "%s:%d: the rig failed: %s\n", __FILE__, __LINE__, #condition);                            \
            abort();                                                                                                   \
        }                                                                                                              \
    } while (0)

static CK_BYTE digest[32] = "a digest, as far as it matters.";

static void path_of(const struct fault_rig *rig, const char *name, char ret_path[static 128])
{
    CHECK(snprintf(ret_path, 128, "%s/%s", rig->dir, name) < 128);
}

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "we");
    CHECK(file && fputs(text, file) >= 0 && fclose(file) == 0);
}

void fault_rig_rules(struct fault_rig *rig, const char *text)
{
    char path[128], new[128];
    path_of(rig, "faults", path);
    path_of(rig, "faults.new", new);
    write_file(new, text);
    CHECK(rename(new, path) == 0);
}

static void prepare(struct fault_rig *rig)
{
    char path[128], text[192];
    const char *softhsm = getenv("SOFTHSM_MODULE");
    strcpy(rig->dir, "/tmp/hsm-agent-fault-XXXXXX");
    CHECK(mkdtemp(rig->dir));
    path_of(rig, "tokens", path);
    CHECK(mkdir(path, 0700) == 0);
    snprintf(text, sizeof(text), "directories.tokendir = %s\nlog.level = ERROR\n", path);
    path_of(rig, "softhsm2.conf", path);
    write_file(path, text);
    setenv("SOFTHSM2_CONF", path, 1);
    setenv(FAULT_MODULE_VARIABLE, softhsm ? softhsm : "/usr/lib/softhsm/libsofthsm2.so", 1);
    path_of(rig, "faults", path);
    setenv(FAULT_RULES_VARIABLE, path, 1);
    fault_rig_rules(rig, "");
}

static void load(struct fault_rig *rig)
{
    int fd;
    char path[128];
    struct ha_err err = {0};
    // The test program's current folder is the build's top.
    void *library = dlopen("tests/fault/.libs/fault_module.so", RTLD_NOW | RTLD_LOCAL);
    CK_C_GetFunctionList get = library ? (CK_C_GetFunctionList)dlsym(library, "C_GetFunctionList") : NULL;
    CHECK(get && get(&rig->p11) == CKR_OK);
    path_of(rig, "faults" FAULT_STATE_NAME, path);
    CHECK(fault_state_map(path, &rig->shared, &fd, &err) == HA_OK);
}

static void make_token(struct fault_rig *rig)
{
    CK_SLOT_ID slots[8];
    CK_ULONG n = 8;
    CK_BYTE label[32];
    CK_TOKEN_INFO info;
    CK_SESSION_HANDLE session;
    memset(label, ' ', sizeof(label));
    memcpy(label, "fault", 5);
    CHECK(rig->p11->C_GetSlotList(CK_TRUE, slots, &n) == CKR_OK && n == 1);
    CHECK(rig->p11->C_InitToken(slots[0], (CK_BYTE *)(uintptr_t)SO_PIN, strlen(SO_PIN), label) == CKR_OK);
    // SoftHSM numbers its slots anew.
    rig->p11->C_Finalize(NULL);
    CHECK(rig->p11->C_Initialize(&(CK_C_INITIALIZE_ARGS){.flags = CKF_OS_LOCKING_OK}) == CKR_OK);
    n = 8;
    CHECK(rig->p11->C_GetSlotList(CK_TRUE, slots, &n) == CKR_OK && n == 2);
    for (CK_ULONG i = 0; i < n; i++) {
        CHECK(rig->p11->C_GetTokenInfo(slots[i], &info) == CKR_OK);
        if (info.flags & CKF_TOKEN_INITIALIZED)
            rig->slot = slots[i];
    }
    session = fault_rig_session(rig);
    CHECK(rig->p11->C_Login(session, CKU_SO, (CK_BYTE *)(uintptr_t)SO_PIN, strlen(SO_PIN)) == CKR_OK);
    CHECK(rig->p11->C_InitPIN(session, (CK_BYTE *)(uintptr_t)FAULT_RIG_PIN, strlen(FAULT_RIG_PIN)) == CKR_OK);
    CHECK(rig->p11->C_CloseSession(session) == CKR_OK);
}

static void make_key(struct fault_rig *rig)
{
    static CK_BYTE p256[] = {0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07}, id[] = {1};
    static CK_BBOOL yes = CK_TRUE;
    CK_OBJECT_HANDLE public_key, private_key;
    CK_ATTRIBUTE public_template[] = {
        {CKA_TOKEN, &yes, 1}, {CKA_EC_PARAMS, p256, sizeof(p256)}, {CKA_ID, id, 1}, {CKA_VERIFY, &yes, 1}};
    CK_ATTRIBUTE private_template[] = {
        {CKA_TOKEN, &yes, 1}, {CKA_PRIVATE, &yes, 1}, {CKA_ID, id, 1}, {CKA_SIGN, &yes, 1}};
    CK_SESSION_HANDLE session = fault_rig_logged_in(rig);
    CHECK(rig->p11->C_GenerateKeyPair(session, &(CK_MECHANISM){.mechanism = CKM_EC_KEY_PAIR_GEN}, public_template, 4,
                                      private_template, 4, &public_key, &private_key) == CKR_OK);
    CHECK(rig->p11->C_CloseSession(session) == CKR_OK);
}

void fault_rig_init(struct fault_rig *rig)
{
    *rig = (struct fault_rig){0};
    prepare(rig);
    load(rig);
    CHECK(rig->p11->C_Initialize(&(CK_C_INITIALIZE_ARGS){.flags = CKF_OS_LOCKING_OK}) == CKR_OK);
    make_token(rig);
    make_key(rig);
}

void fault_rig_clear(struct fault_rig *rig)
{
    char command[128];
    rig->p11->C_Finalize(NULL);
    snprintf(command, sizeof(command), "rm -rf '%s'", rig->dir);
    CHECK(system(command) == 0);
}

CK_SESSION_HANDLE fault_rig_session(struct fault_rig *rig)
{
    CK_SESSION_HANDLE session;
    CHECK(rig->p11->C_OpenSession(rig->slot, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, &session) == CKR_OK);
    return session;
}

CK_RV fault_rig_login(struct fault_rig *rig, CK_SESSION_HANDLE session, const char *pin)
{
    return rig->p11->C_Login(session, CKU_USER, (CK_BYTE *)(uintptr_t)pin, strlen(pin));
}

CK_SESSION_HANDLE fault_rig_logged_in(struct fault_rig *rig)
{
    CK_SESSION_HANDLE session = fault_rig_session(rig);
    CK_RV rv = fault_rig_login(rig, session, FAULT_RIG_PIN);
    CHECK(rv == CKR_OK || rv == CKR_USER_ALREADY_LOGGED_IN);
    return session;
}

static CK_OBJECT_HANDLE find(struct fault_rig *rig, CK_SESSION_HANDLE session, CK_OBJECT_CLASS class)
{
    CK_ULONG n = 0;
    CK_OBJECT_HANDLE object = CK_INVALID_HANDLE;
    CK_ATTRIBUTE template = {CKA_CLASS, &class, sizeof(class)};
    CHECK(rig->p11->C_FindObjectsInit(session, &template, 1) == CKR_OK);
    CHECK(rig->p11->C_FindObjects(session, &object, 1, &n) == CKR_OK && n == 1);
    CHECK(rig->p11->C_FindObjectsFinal(session) == CKR_OK);
    return object;
}

CK_OBJECT_HANDLE fault_rig_key(struct fault_rig *rig, CK_SESSION_HANDLE session)
{
    return find(rig, session, CKO_PRIVATE_KEY);
}

CK_RV fault_rig_sign(struct fault_rig *rig, CK_SESSION_HANDLE session, CK_OBJECT_HANDLE key, CK_BYTE *signature,
                     CK_ULONG *n)
{
    CK_RV rv = rig->p11->C_SignInit(session, &(CK_MECHANISM){.mechanism = CKM_ECDSA}, key);
    return rv == CKR_OK ? rig->p11->C_Sign(session, digest, sizeof(digest), signature, n) : rv;
}

bool fault_rig_verifies(struct fault_rig *rig, CK_SESSION_HANDLE session, CK_BYTE *signature, CK_ULONG n)
{
    CK_OBJECT_HANDLE key = find(rig, session, CKO_PUBLIC_KEY);
    CHECK(rig->p11->C_VerifyInit(session, &(CK_MECHANISM){.mechanism = CKM_ECDSA}, key) == CKR_OK);
    return rig->p11->C_Verify(session, digest, sizeof(digest), signature, n) == CKR_OK;
}

int fault_rig_fork(struct fault_rig *rig, int (*act)(struct fault_rig *rig))
{
    int status;
    fflush(NULL);
    pid_t pid = fork();
    CHECK(pid >= 0);
    if (pid == 0) {
        // A process that gives up says why, which is no test's diagnostic.
        CHECK(freopen("/dev/null", "w", stderr));
        _exit(act(rig));
    }
    CHECK(waitpid(pid, &status, 0) == pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}
