// SPDX-License-Identifier: Apache-2.0
#include "audit_case.h"

#include "audit/checkpoint.h"
#include "base/file.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int audit_case_set_up(void **state)
{
    struct rig *rig = calloc(1, sizeof *rig);
    strcpy(rig->directory, "/tmp/hsm-agent-test-XXXXXX");
    assert_non_null(mkdtemp(rig->directory));
    snprintf(rig->path, sizeof rig->path, "%s/log/audit.jsonl", rig->directory);
    snprintf(rig->copy, sizeof rig->copy, "%s/copy", rig->directory);
    rig->key = softkey_new(HA_KEY_EC_P256);
    rig->log = (struct ha_log){.fd = open("/dev/null", O_WRONLY | O_CLOEXEC)};
    *state = rig;
    return 0;
}

int audit_case_tear_down(void **state)
{
    struct rig *rig = *state;
    char command[128];
    snprintf(command, sizeof command, "rm -rf %s", rig->directory);
    softkey_free(rig->key);
    close(rig->log.fd);
    int failed = system(command);
    free(rig);
    return failed;
}

struct ha_audit *open_log(struct rig *rig, const struct ha_audit_options *like)
{
    struct ha_audit_options options = like ? *like : (struct ha_audit_options){.live_days = 92, .archive_days = 366};
    struct ha_audit *audit = NULL;
    struct ha_err err = {0};
    options.path = rig->path;
    options.log = &rig->log;
    if (!like)
        options.sync = HA_AUDIT_OFF;
    if (ha_audit_open(&options, &audit, &err))
        fail_msg("%s", err.detail);
    return audit;
}

static void note(void *context, const struct ha_audit_finding *finding)
{
    struct found *found = context;
    found->n++;
    size_t len = strlen(found->names);
    snprintf(found->names + len, sizeof found->names - len, "%s ", finding->name);
}

struct ha_audit_verdict verify_with(struct rig *rig, const char *path, const char *head, const char *state,
                                    struct found *found)
{
    struct ha_audit_verdict verdict;
    ha_auto(ha_audit_checkpoint_clear) struct ha_audit_checkpoint checkpoint = {0};
    struct ha_err err = {0};
    struct ha_audit_verify_options options = {
        .keys = &rig->key->pub, .n_keys = 1, .state = state, .context = found, .found = note};
    *found = (struct found){0};
    if (head) {
        assert_int_equal(ha_audit_checkpoint_read(head, strlen(head), &checkpoint, &err), HA_OK);
        options.head = &checkpoint;
    }
    if (ha_audit_verify(path, &options, &verdict, &err))
        fail_msg("%s", err.detail);
    assert_int_equal(verdict.findings, found->n);
    return verdict;
}

struct ha_audit_verdict verify(struct rig *rig, struct found *found)
{
    return verify_with(rig, rig->path, NULL, NULL, found);
}

void read_file(const char *path, struct ha_buf *out)
{
    struct ha_err err = {0};
    ha_buf_reset(out);
    assert_int_equal(ha_file_read(path, 64 << 20, HA_FILE_ANY, out, &err), HA_OK);
}

void write_file(const char *path, const void *bytes, size_t n)
{
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, n, file), n);
    assert_int_equal(fclose(file), 0);
}
