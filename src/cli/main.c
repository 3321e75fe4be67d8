// SPDX-License-Identifier: Apache-2.0
// hsm-agent: the command line.
#include "cli/cli.h"
#include "crypto/memory.h"

#include <signal.h>

int main(int argc, char **argv)
{
    ha_memory_wipe_freed();
    // A reader that goes away is an error like others, met when writing.
    signal(SIGPIPE, SIG_IGN);
    return ha_cli_main(argc, argv);
}
