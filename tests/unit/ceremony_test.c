// SPDX-License-Identifier: Apache-2.0
// Ceremonies' files: written and read back, damaged, and looked through for a name.
#include "keys/ceremony.h"

#include "base/file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

struct fixture {
    char state_dir[64], directory[80];
    struct ha_ceremonies *ceremonies;
};

static int setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    struct ha_err err = {0};
    strcpy(fixture->state_dir, "/tmp/hsm-agent-ceremony.XXXXXX");
    assert_non_null(mkdtemp(fixture->state_dir));
    snprintf(fixture->directory, sizeof(fixture->directory), "%s/ceremonies", fixture->state_dir);
    assert_int_equal(ha_ceremonies_new(fixture->state_dir, &fixture->ceremonies, &err), HA_OK);
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    char command[128];
    ha_ceremonies_free(fixture->ceremonies);
    snprintf(command, sizeof(command), "rm -rf '%s'", fixture->state_dir);
    assert_int_equal(system(command), 0);
    free(fixture);
    return 0;
}

static void fill(struct ha_ceremony *ceremony, const char *key)
{
    struct ha_err err = {0};
    assert_int_equal(ha_ceremony_begin(ceremony, &err), HA_OK);
    strcpy(ceremony->key, key);
    ha_buf_puts(&ceremony->request, "{\"type\":\"ec:p256\",\"purposes\":[\"sign\"]}");
    ceremony->requester.uid = 1000;
    strcpy(ceremony->requester.user, "ann");
}

static void add_approval(struct ha_ceremony *ceremony, uid_t uid)
{
    struct ha_ceremony_person *person = &ceremony->approvals[ceremony->n_approvals++];
    person->uid = uid;
    strcpy(person->time, "2026-11-21T07:26:35.123Z");
}

static void save(struct fixture *fixture, const struct ha_ceremony *ceremony)
{
    struct ha_err err = {0};
    assert_int_equal(ha_ceremonies_save(fixture->ceremonies, ceremony, &err), HA_OK);
}

static void ceremony_written_is_read_back(void **state)
{
    struct fixture *fixture = *state;
    ha_auto(ha_ceremony_clear) struct ha_ceremony written = {0};
    ha_auto(ha_ceremony_clear) struct ha_ceremony read = {0};
    struct ha_err err = {0};
    fill(&written, "bank");
    ha_buf_puts(&written.csr, "{\"subject\":[{\"CN\":\"bank\"}]}");
    add_approval(&written, 1001);
    add_approval(&written, 4294967294u);
    written.phase = HA_CEREMONY_DONE;
    strcpy(written.making, "2026-11-21T07:26:35.124Z");
    ha_buf_puts(&written.transcript, "aGVhZGVy.cGF5bG9hZA.c2lnbmF0dXJl");
    save(fixture, &written);
    assert_int_equal(ha_ceremonies_load(fixture->ceremonies, written.id, &read, &err), HA_OK);
    assert_string_equal(read.id, written.id);
    assert_int_equal(read.phase, HA_CEREMONY_DONE);
    assert_string_equal(read.key, "bank");
    assert_string_equal(ha_buf_text(&read.request), ha_buf_text(&written.request));
    assert_string_equal(ha_buf_text(&read.csr), ha_buf_text(&written.csr));
    assert_string_equal(ha_buf_text(&read.transcript), ha_buf_text(&written.transcript));
    assert_string_equal(read.making, written.making);
    assert_string_equal(read.requester.user, "ann");
    assert_int_equal(read.n_approvals, 2);
    assert_int_equal(read.approvals[1].uid, 4294967294u);
    assert_string_equal(read.approvals[1].user, "");
}

static void ceremony_file_is_private(void **state)
{
    struct fixture *fixture = *state;
    ha_auto(ha_ceremony_clear) struct ha_ceremony ceremony = {0};
    struct stat st;
    char path[160];
    fill(&ceremony, "bank");
    save(fixture, &ceremony);
    snprintf(path, sizeof(path), "%s/%s.json", fixture->directory, ceremony.id);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    assert_int_equal(stat(fixture->directory, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0700);
}

static void ceremony_hash_is_of_all_that_is_asked_for(void **state)
{
    ha_auto(ha_ceremony_clear) struct ha_ceremony ceremony = {0};
    char before[HA_CEREMONY_HASH_LEN + 1], after[HA_CEREMONY_HASH_LEN + 1];
    struct ha_err err = {0};
    fill(&ceremony, "bank");
    assert_int_equal(ha_ceremony_hash(&ceremony, before, &err), HA_OK);
    assert_int_equal(strlen(before), HA_CEREMONY_HASH_LEN);
    add_approval(&ceremony, 1001);
    assert_int_equal(ha_ceremony_hash(&ceremony, after, &err), HA_OK);
    assert_string_equal(before, after);
    ha_buf_puts(&ceremony.csr, "{}");
    assert_int_equal(ha_ceremony_hash(&ceremony, after, &err), HA_OK);
    assert_string_not_equal(before, after);
    memcpy(before, after, sizeof(before));
    strcpy(ceremony.key, "bunk");
    assert_int_equal(ha_ceremony_hash(&ceremony, after, &err), HA_OK);
    assert_string_not_equal(before, after);
    memcpy(before, after, sizeof(before));
    ceremony.request.data[ceremony.request.len - 2] = ' ';
    assert_int_equal(ha_ceremony_hash(&ceremony, after, &err), HA_OK);
    assert_string_not_equal(before, after);
}

#define HEAD   "\"format\":1,\"key\":\"bank\","
#define BODY   "\"request\":{\"type\":\"ec:p256\"},"
#define PERSON "{\"uid\":1000,\"time\":\"2026-11-21T07:26:35.123Z\"}"

static void ceremony_damaged_files_are_named(void **state)
{
    struct fixture *fixture = *state;
    static const char *const rows[][2] = {
        {"", "JSON"},
        {"[]", "format"},
        {"{" HEAD, "JSON"},
        {"{\"format\":2,\"phase\":\"pending\"}", "format"},
        {"{" HEAD BODY "\"requester\":" PERSON ",\"approvals\":[]}", "phase"},
        {"{" HEAD BODY "\"phase\":\"lost\",\"requester\":" PERSON ",\"approvals\":[]}", "phase"},
        {"{\"format\":1,\"key\":\"../bank\",\"phase\":\"pending\"," BODY "\"requester\":" PERSON ",\"approvals\":[]}",
         "key"},
        {"{" HEAD "\"phase\":\"pending\",\"request\":\"x\",\"requester\":" PERSON ",\"approvals\":[]}", "request"},
        {"{" HEAD BODY "\"phase\":\"pending\",\"approvals\":[]}", "requester"},
        {"{" HEAD BODY "\"phase\":\"pending\",\"requester\":{\"uid\":-1,\"time\":\"x\"},\"approvals\":[]}",
         "requester"},
        {"{" HEAD BODY
         "\"phase\":\"pending\",\"requester\":{\"uid\":1,\"time\":\"a time that is far too long to be one\"},"
         "\"approvals\":[]}",
         "requester"},
        {"{" HEAD BODY "\"phase\":\"pending\",\"requester\":" PERSON "}", "approvals"},
        {"{" HEAD BODY "\"phase\":\"pending\",\"requester\":" PERSON ",\"approvals\":[" PERSON "," PERSON "," PERSON
         "]}",
         "approvals"},
        {"{" HEAD BODY "\"phase\":\"done\",\"requester\":" PERSON ",\"approvals\":[]}", "signature"},
    };
    for (size_t i = 0; i < HA_ARRAY_SIZE(rows); i++) {
        ha_auto(ha_ceremony_clear) struct ha_ceremony ceremony = {0};
        struct ha_err err = {0};
        char path[160];
        snprintf(path, sizeof(path), "%s/damaged.json", fixture->directory);
        assert_int_equal(ha_dir_make(fixture->directory, 0700, &err), HA_OK);
        assert_int_equal(ha_file_write(path, rows[i][0], strlen(rows[i][0]), 0600, &err), HA_OK);
        assert_int_equal(ha_ceremonies_load(fixture->ceremonies, "damaged", &ceremony, &err), HA_E_CONFIG);
        assert_non_null(strstr(err.detail, "damaged.json"));
        if (!strstr(err.detail, rows[i][1]))
            fail_msg("row %zu: '%s' doesn't name %s", i, err.detail, rows[i][1]);
    }
}

static void ceremony_that_is_not_there_is_told(void **state)
{
    struct fixture *fixture = *state;
    static const char *const ids[] = {"20261121-0123456789ab", "../keys/bank", "", ".hidden", "a/b"};
    for (size_t i = 0; i < HA_ARRAY_SIZE(ids); i++) {
        ha_auto(ha_ceremony_clear) struct ha_ceremony ceremony = {0};
        struct ha_err err = {0};
        assert_int_equal(ha_ceremonies_load(fixture->ceremonies, ids[i], &ceremony, &err), HA_E_NO_ROUTE);
    }
}

static void ceremony_keeps_its_name_until_done(void **state)
{
    struct fixture *fixture = *state;
    ha_auto(ha_ceremony_clear) struct ha_ceremony ceremony = {0};
    struct ha_err err = {0};
    assert_int_equal(ha_ceremonies_check_name(fixture->ceremonies, "bank", &err), HA_OK);
    fill(&ceremony, "bank");
    save(fixture, &ceremony);
    assert_int_equal(ha_ceremonies_check_name(fixture->ceremonies, "bank", &err), HA_E_CONFLICT);
    assert_non_null(strstr(err.detail, ceremony.id));
    assert_int_equal(ha_ceremonies_check_name(fixture->ceremonies, "bank-2", &err), HA_OK);
    assert_int_equal(ha_ceremonies_may_make(fixture->ceremonies, "bank", &err), HA_E_CONFLICT);
    ha_ceremonies_lock(fixture->ceremonies);
    assert_int_equal(ha_ceremonies_may_make(fixture->ceremonies, "bank", &err), HA_OK);
    ha_ceremonies_unlock(fixture->ceremonies);
    assert_int_equal(ha_ceremonies_may_make(fixture->ceremonies, "bank", &err), HA_E_CONFLICT);
    ceremony.phase = HA_CEREMONY_MAKING;
    save(fixture, &ceremony);
    assert_int_equal(ha_ceremonies_check_name(fixture->ceremonies, "bank", &err), HA_E_CONFLICT);
    ceremony.phase = HA_CEREMONY_DONE;
    ha_buf_puts(&ceremony.transcript, "a.b.c");
    save(fixture, &ceremony);
    assert_int_equal(ha_ceremonies_check_name(fixture->ceremonies, "bank", &err), HA_OK);
}

// Whoever has many connections opened mustn't get at the name.
static void ceremony_that_cannot_be_read_keeps_its_name(void **state)
{
    struct fixture *fixture = *state;
    ha_auto(ha_ceremony_clear) struct ha_ceremony ceremony = {0};
    struct ha_err err = {0};
    struct rlimit before, few;
    fill(&ceremony, "bank");
    save(fixture, &ceremony);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    int next = dup(0);
    assert_true(next >= 0);
    close(next);
    few = before;
    few.rlim_cur = (rlim_t)next + 1;  // the directory, and no file in it
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
    enum ha_code code = ha_ceremonies_check_name(fixture->ceremonies, "bank", &err);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    assert_int_equal(code, HA_E_IO);
}

static void ceremony_unfinished_files_go_with_the_next_start(void **state)
{
    struct fixture *fixture = *state;
    struct ha_err err = {0};
    char path[160];
    snprintf(path, sizeof(path), "%s/.20261121-0123456789ab.json.Ab12Cd", fixture->directory);
    assert_int_equal(ha_dir_make(fixture->directory, 0700, &err), HA_OK);
    assert_int_equal(ha_file_write(path, "{", 1, 0600, &err), HA_OK);
    ha_ceremonies_free(fixture->ceremonies);
    assert_int_equal(ha_ceremonies_new(fixture->state_dir, &fixture->ceremonies, &err), HA_OK);
    assert_int_equal(access(path, F_OK), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(ceremony_written_is_read_back, setup, teardown),
        cmocka_unit_test_setup_teardown(ceremony_file_is_private, setup, teardown),
        cmocka_unit_test(ceremony_hash_is_of_all_that_is_asked_for),
        cmocka_unit_test_setup_teardown(ceremony_damaged_files_are_named, setup, teardown),
        cmocka_unit_test_setup_teardown(ceremony_that_is_not_there_is_told, setup, teardown),
        cmocka_unit_test_setup_teardown(ceremony_keeps_its_name_until_done, setup, teardown),
        cmocka_unit_test_setup_teardown(ceremony_that_cannot_be_read_keeps_its_name, setup, teardown),
        cmocka_unit_test_setup_teardown(ceremony_unfinished_files_go_with_the_next_start, setup, teardown),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("ceremony", tests, NULL, NULL);
}
