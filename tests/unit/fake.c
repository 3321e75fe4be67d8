// SPDX-License-Identifier: Apache-2.0
#include "fake.h"

#include "base/file.h"

#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static enum ha_code ready_for_nothing(void *context, struct ha_token *token, struct ha_err *err)
{
    return HA_OK;
}

void fake_init(struct fake *fake, enum ha_code (*ready)(void *context, struct ha_token *token, struct ha_err *err),
               void *context)
{
    *fake = (struct fake){0};
    strcpy(fake->directory, "/tmp/hsm-agent-fake-XXXXXX");
    assert_non_null(mkdtemp(fake->directory));
    snprintf(fake->environment, sizeof(fake->environment), "FAKE_DIR=%s", fake->directory);
    fake->environment_items[0] = fake->environment;
    fake->config = (struct ha_token_config){
        .name = (char *)"fake",
        .uri = (char *)"pkcs11:token=fake",
        .module = (char *)"/nonexistent.so",
        .environment = {.items = fake->environment_items, .n = 1},
        .pin = (char *)"file:/nonexistent",
        .sessions = 4,
        .deadline_ms = 2000,
        .queue = 512,
    };
    fake->log = (struct ha_log){.fd = open("/dev/null", O_WRONLY | O_CLOEXEC), .least = HA_LOG_ERROR};
    fake->host = (struct ha_token_host){.program = FAKE_TOKEN_PROGRAM,
                                        .log = &fake->log,
                                        .context = context,
                                        .ready = ready ? ready : ready_for_nothing};
}

static int remove_entry(const char *path, const struct stat *info, int kind, struct FTW *place)
{
    return remove(path);
}

void fake_clear(struct fake *fake)
{
    close(fake->log.fd);
    nftw(fake->directory, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

static void put(const struct fake *fake, const char *name, const char *text)
{
    char path[128];
    struct ha_err err = {0};
    snprintf(path, sizeof(path), "%s/%s", fake->directory, name);
    assert_int_equal(ha_file_write(path, text, strlen(text), 0600, &err), HA_OK);
}

void fake_mode(const struct fake *fake, const char *mode)
{
    put(fake, "mode", mode);
}

void fake_objects(const struct fake *fake, const char *lines)
{
    put(fake, "objects", lines);
}
