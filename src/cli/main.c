// SPDX-License-Identifier: Apache-2.0
// hsm-agent: the command line.
#include "cli/cli.h"
#include "crypto/memory.h"

#include <signal.h>
#include <sys/resource.h>

int main(int argc, char **argv)
{
    ha_memory_wipe_freed();
    // It reads PINs, and keys that are to be imported. Not PR_SET_DUMPABLE: an agent of the same user couldn't tell then
    // which executable calls it.
    setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
    // A reader that goes away is an error like others, met when writing.
    signal(SIGPIPE, SIG_IGN);
    return ha_cli_main(argc, argv);
}
