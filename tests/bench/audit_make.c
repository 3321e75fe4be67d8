// SPDX-License-Identifier: Apache-2.0
// Makes an audit log of LINES records in FILE, a checkpoint after each thousand, and writes the public key that signs
// them to FILE.pem: audit_make FILE LINES.
#include "audit_rig.h"

#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
    const struct ha_log log = {.fd = 2, .least = HA_LOG_WARN};
    ha_auto(softkey_free) struct softkey *key = softkey_new(HA_KEY_EC_P256);
    ha_auto(ha_audit_free) struct ha_audit *audit = NULL;
    ha_auto(ha_buf_clear) struct ha_buf pem = {0};
    struct ha_err err = {0};
    char path[4096];
    if (argc != 3)
        return 2;
    const struct ha_audit_options options = {.path = argv[1], .sync = HA_AUDIT_OFF, .log = &log};
    if (ha_audit_open(&options, &audit, &err)) {
        fprintf(stderr, "%s\n", err.detail);
        return 1;
    }
    audit_rig_fill(audit, key, (unsigned)atoi(argv[2]), 1000);
    ha_pubkey_to_pem(key->pub, &pem);
    snprintf(path, sizeof path, "%s.pem", argv[1]);
    FILE *file = fopen(path, "we");
    return file && fputs(ha_buf_text(&pem), file) >= 0 && fclose(file) == 0 ? 0 : 1;
}
