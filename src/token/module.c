// SPDX-License-Identifier: Apache-2.0
#include "token/module.h"

#include "base/affinity.h"
#include "token/ckr.h"
#include "token/harden.h"
#include "token/p11.h"

#include <p11-kit/p11-kit.h>

enum ha_code ha_module_load(struct ha_p11 *token, struct ha_err *err)
{
    const char *path = token->options->module;
    token->p11 = p11_kit_module_load(path, P11_KIT_MODULE_UNMANAGED | P11_KIT_MODULE_CRITICAL);
    if (token->p11)
        return HA_OK;
    const char *message = p11_kit_message();
    ha_fail(err, HA_E_CONFIG, "%s can't be loaded: %s", path, message ? message : "it isn't a PKCS#11 module");
    return ha_hint(err,
                   "Check the 'module' option and that the vendor's package is installed, complete and made for this "
                   "machine's architecture.");
}

// Not p11_kit_module_initialize: for a module loaded by path it passes no arguments, and by the standard that promises
// that one thread only will call. SoftHSM then takes no locks and crashes.
enum ha_code ha_module_initialize(struct ha_p11 *token, struct ha_err *err)
{
    CK_C_INITIALIZE_ARGS args = {
        .flags = CKF_OS_LOCKING_OK,
        .pReserved = (void *)(uintptr_t)token->options->module_args,
    };
    ha_affinity_unbind();  // as the threads that it may start
    CK_RV rv = token->p11->C_Initialize(&args);
    ha_harden_signals();
    if (rv != CKR_OK) {
        ha_ckr_fail(err, "C_Initialize", rv);
        return ha_hint(err, "Check the environment and the arguments that the module needs: the 'environment' and "
                            "'module-args' options of the token's section.");
    }
    token->initialized = true;
    return HA_OK;
}

void ha_module_finalize(struct ha_p11 *token)
{
    if (!token->initialized)
        return;
    token->p11->C_Finalize(NULL);
    token->initialized = false;
}
