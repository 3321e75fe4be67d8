// SPDX-License-Identifier: Apache-2.0
#include "token/harden.h"

#include "base/sanitizer.h"

#include <errno.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>

void ha_harden_signals(void)
{
    signal(SIGPIPE, SIG_IGN);
    signal(SIGINT, SIG_IGN);
    signal(SIGTERM, SIG_IGN);
}

enum ha_code ha_harden(struct ha_err *err)
{
    ha_harden_signals();
    umask(077);
    if (setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0}) != 0)
        return ha_fail_errno(err, errno, "can't forbid core dumps");
    if (!HA_SANITIZER_ADDRESS && prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
        return ha_fail_errno(err, errno, "can't become not dumpable");
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return ha_fail_errno(err, errno, "can't give up new privileges");
    return HA_OK;
}

enum ha_code ha_harden_follow_parent(int control, struct ha_err *err)
{
    if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0)
        return ha_fail_errno(err, errno, "can't ask to be killed with the daemon");
    char byte;
    if (recv(control, &byte, sizeof(byte), MSG_PEEK | MSG_DONTWAIT) == 0)
        return ha_fail(err, HA_E_TOKEN_DOWN, "the daemon is gone");
    return HA_OK;
}
