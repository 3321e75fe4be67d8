// SPDX-License-Identifier: Apache-2.0
// A log that somebody else has written, read by the verifier; what it says of its own checkpoints; and how far it was
// verified before.
#include "audit/verify.h"
#include "audit/verify_state.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

struct seen {
    uint64_t findings;
};

static void found(void *context, const struct ha_audit_finding *finding)
{
    struct seen *seen = context;
    seen->findings++;
    if (!finding->name[0] || !finding->words[0])
        abort();
}

static void verify(const char *path)
{
    struct seen seen = {0};
    struct ha_audit_verdict verdict;
    struct ha_err err = {0};
    const struct ha_audit_verify_options options = {.context = &seen, .found = found};
    if (ha_audit_verify(path, &options, &verdict, &err))
        return;
    // What nobody signed is never said to be signed.
    if (verdict.findings != seen.findings || verdict.checkpoints > 0 || verdict.signed_to > 0)
        abort();
    if (verdict.findings == 0 && verdict.lines > 0 && verdict.last - verdict.first + 1 != verdict.lines)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    char path[64];
    struct ha_err err = {0};
    struct ha_audit_state state;
    struct ha_audit_line line;
    struct ha_audit_checkpoint checkpoint = {0};
    ha_audit_line_read((const char *)data, n, &line);
    if (ha_audit_checkpoint_read((const char *)data, n, &checkpoint, &err) == HA_OK)
        ha_audit_checkpoint_clear(&checkpoint);
    int fd = memfd_create("log", MFD_CLOEXEC);
    // A last line that isn't whole is waited for, which takes the time of many inputs.
    if (fd < 0 || fchmod(fd, 0600) != 0 || write(fd, data, n) != (ssize_t)n || write(fd, "\n", 1) != 1)
        abort();
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    verify(path);
    ha_audit_state_read(path, &state);
    close(fd);
    return 0;
}
