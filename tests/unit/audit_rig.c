// SPDX-License-Identifier: Apache-2.0
#include "audit_rig.h"

#include "audit/checkpoint.h"
#include "base/clock.h"

#include <assert.h>
#include <string.h>

struct ha_audit_record audit_rig_record(void)
{
    static const uint8_t hash[32] = "the hash of something, 32 bytes";
    return (struct ha_audit_record){
        .uid = 33,
        .gid = 33,
        .unit = "nginx.service",
        .exe = "/usr/sbin/nginx",
        .listen = "agent",
        .client = "gateway",
        .request = "0123456789-1",
        .key = "edge-tls",
        .version = 2,
        .spki_sha256 = hash,
        .operation = "tls",
        .algorithm = "ES256",
        .content = "tls13-server-certificate-verify",
        .content_sha256 = hash,
        .token = "main",
        .latency_us = 123,
        .policy = HA_AUDIT_NO_HASH,
    };
}

void audit_rig_checkpoint(struct ha_audit *audit, struct softkey *key)
{
    ha_auto(ha_audit_checkpoint_clear) struct ha_audit_checkpoint checkpoint = {
        .key = "audit", .version = 1, .alg = ha_alg_default(ha_pubkey_type(key->pub))};
    ha_auto(ha_buf_clear) struct ha_buf text = {0};
    ha_auto(ha_buf_clear) struct ha_buf body = {0};
    struct ha_audit_head head;
    struct ha_err err = {0};
    struct ha_signer signer = softkey_signer(key);
    ha_audit_head(audit, &head);
    checkpoint.of = head.seq;
    strcpy(checkpoint.hash, head.hash);
    ha_time_iso(checkpoint.at);
    memcpy(checkpoint.spki_sha256, ha_pubkey_spki_sha256(key->pub), HA_SPKI_HASH_LEN);
    ha_audit_checkpoint_text(&checkpoint, &text);
    enum ha_code code = signer.sign(signer.context, checkpoint.alg, text.data, text.len, &checkpoint.signature, &err);
    assert(code == HA_OK);
    ha_audit_checkpoint_write(&checkpoint, &body);
    code = ha_audit_checkpoint(audit, &head, &body, &err);
    assert(code == HA_OK);
    (void)code;
}

void audit_rig_fill(struct ha_audit *audit, struct softkey *key, unsigned n, unsigned every)
{
    for (unsigned i = 1; i <= n; i++) {
        struct ha_audit_record record = audit_rig_record();
        struct ha_err err = {0};
        record.latency_us = i;
        enum ha_code code = ha_audit_use(audit, &record, 1, &err);
        assert(code == HA_OK);
        (void)code;
        if (i % every == 0)
            audit_rig_checkpoint(audit, key);
    }
}
