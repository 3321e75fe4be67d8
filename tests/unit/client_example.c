// SPDX-License-Identifier: Apache-2.0
// Signs with a key of the agent: example KEY ALG TEXT >SIGNATURE
#include <hsm-agent/client.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(int argc, char **argv)
{
    struct hsm_agent_options options = {.timeout_ms = 5000};
    struct hsm_agent_error err;
    uint8_t signature[1024];
    size_t len = sizeof signature;

    if (argc != 4) {
        fprintf(stderr, "usage: %s KEY ALG TEXT >SIGNATURE\n", argv[0]);
        return 2;
    }
    hsm_agent *agent = hsm_agent_new(&options);
    if (!agent)
        abort();
    int result = hsm_agent_sign(agent, argv[1], argv[2], argv[3], strlen(argv[3]), 0, signature, &len, &err);
    hsm_agent_free(agent);
    if (result != 0) {
        fprintf(stderr, "%s: %s\n  remedy: %s\n", err.code, err.detail, err.hint);
        return 1;
    }
    return fwrite(signature, 1, len, stdout) == len && fflush(stdout) == 0 ? 0 : 1;
}
