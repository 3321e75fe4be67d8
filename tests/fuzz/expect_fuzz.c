// SPDX-License-Identifier: Apache-2.0
// A file of expectations of the policy: it is refused with words that name a line, or each line that isn't met has one
// line of its own in what is printed.
#include "policy/expect.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static const char policy[] = "[agent]\n"
                             "state-dir = /nonexistent\n"
                             "[listen agent]\n"
                             "socket = /nonexistent/agent.sock\n"
                             "[token main]\n"
                             "uri = pkcs11:token=main\n"
                             "module = /nonexistent.so\n"
                             "pin = file:/nonexistent\n"
                             "[client gateway]\n"
                             "user = 0\n"
                             "unit = nginx*.service\n"
                             "hours = Mon-Fri 08:00-18:00\n"
                             "rate = 5/s\n"
                             "allow = edge*:tls,sign ES256 content=other,csr\n"
                             "allow = pay:jws profile=jose/*\n"
                             "[client trial]\n"
                             "group = 0\n"
                             "mode = shadow\n"
                             "allow = [ab]?:show,csr\n";

static const struct ha_config *the_policy(void)
{
    static struct ha_config *config;
    ha_auto(ha_mistakes_clear) struct ha_mistakes mistakes = {0};
    struct ha_err err = {0};
    if (!config && ha_config_parse("policy", policy, strlen(policy), &config, &mistakes, &err))
        abort();
    return config;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    ha_auto(ha_buf_clear) struct ha_buf out = {0};
    ha_auto(ha_free) char *text = strndup((const char *)data, n);
    struct ha_expectations result = {0};
    struct ha_err err = {0};
    size_t lines = 0;
    if (!text)
        abort();
    if (ha_expect(the_policy(), "expected", text, 1795000000, &out, &result, &err)) {
        if (err.code != HA_E_USAGE || strncmp(err.detail, "expected:", strlen("expected:")) != 0)
            abort();
        return 0;
    }
    for (size_t i = 0; i < out.len; i++)
        lines += out.data[i] == '\n';
    if (!ha_buf_ok(&out) || result.wrong > result.n || lines != result.wrong)
        abort();
    return 0;
}
