// SPDX-License-Identifier: Apache-2.0
// Enrolments in files: all of them comes back, and what isn't one is refused.
#include "enrol/pending.h"

#include "base/file.h"

#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

static char dir[64];

static int setup(void **state)
{
    snprintf(dir, sizeof dir, "/tmp/hsm-agent-enrol.XXXXXX");
    return mkdtemp(dir) ? 0 : -1;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    return remove(path);
}

static int teardown(void **state)
{
    return nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static void set(char **member, const char *text)
{
    struct ha_err err = {0};
    assert_int_equal(ha_enrolment_set(member, text, &err), HA_OK);
}

static void save(const char *key, uint64_t version, enum ha_enrol_state state)
{
    struct ha_err err = {0};
    ha_auto(ha_enrolment_clear) struct ha_enrolment enrolment = {.version = version, .state = state};
    set(&enrolment.key, key);
    set(&enrolment.url, "https://ca");
    set(&enrolment.csr, "CSR");
    assert_int_equal(ha_enrol_save(dir, &enrolment, &err), HA_OK);
}

static void enrolment_comes_back_whole(void **state)
{
    struct ha_err err = {0};
    bool found = false;
    ha_auto(ha_enrolment_clear) struct ha_enrolment in = {
        .version = 12, .state = HA_ENROL_ISSUED, .protocol = HA_ENROL_DOGTAG, .retry_at = 1795275000, .approve = true};
    ha_auto(ha_enrolment_clear) struct ha_enrolment out = {0};
    char **const members[] = {
        &in.url,       &in.label, &in.profile,    &in.inputs,         &in.ca_file,      &in.client_key, &in.client_cert,
        &in.user_file, &in.csr,   &in.request_id, &in.certificate_id, &in.certificates, &in.failure,    &in.began};
    for (size_t i = 0; i < HA_ARRAY_SIZE(members); i++) {
        char text[32];
        snprintf(text, sizeof text, "member \"%zu\"\n\xc3\xa9", i);
        set(members[i], text);
    }
    set(&in.key, "edge");
    assert_int_equal(ha_enrol_save(dir, &in, &err), HA_OK);
    assert_int_equal(ha_enrol_load(dir, "edge", 12, &out, &found, &err), HA_OK);
    assert_true(found);
    assert_int_equal(out.version, 12);
    assert_int_equal(out.state, HA_ENROL_ISSUED);
    assert_int_equal(out.protocol, HA_ENROL_DOGTAG);
    assert_int_equal(out.retry_at, 1795275000);
    assert_true(out.approve && !out.reenrol && !out.store_in_token);
    for (size_t i = 0; i < HA_ARRAY_SIZE(members); i++)
        assert_string_equal(*(char **)((char *)&out + ((char *)members[i] - (char *)&in)), *members[i]);
    assert_string_equal(out.changed, in.changed);
}

static void what_is_not_there_is_not_found(void **state)
{
    struct ha_err err = {0};
    bool found = true;
    struct ha_enrolment out = {0};
    assert_int_equal(ha_enrol_load(dir, "nobody", 1, &out, &found, &err), HA_OK);
    assert_false(found);
    assert_int_equal(ha_enrol_load(dir, "../etc", 1, &out, &found, &err), HA_E_USAGE);
}

static void file_that_is_none_is_refused(void **state)
{
    static const char *const texts[] = {
        "",
        "{}",
        "[]",
        "{\"format\":2,\"key\":\"bad\",\"version\":1,\"state\":\"issued\",\"protocol\":\"est\",\"url\":\"u\",\"csr\":"
        "\"c\"}",
        "{\"format\":1,\"key\":\"bad\",\"version\":1,\"state\":\"lost\",\"protocol\":\"est\",\"url\":\"u\",\"csr\":"
        "\"c\"}",
        "{\"format\":1,\"key\":\"bad\",\"version\":1,\"state\":\"issued\",\"protocol\":\"acme\",\"url\":\"u\",\"csr\":"
        "\"c\"}",
        "{\"format\":1,\"key\":\"bad\",\"version\":1,\"state\":\"issued\",\"protocol\":\"est\",\"url\":\"u\"}",
        "{\"format\":1,\"key\":\"other\",\"version\":1,\"state\":\"issued\",\"protocol\":\"est\",\"url\":\"u\",\"csr\":"
        "\"c\"}",
        "{\"format\":1,\"key\":\"bad\",\"version\":2,\"state\":\"issued\",\"protocol\":\"est\",\"url\":\"u\",\"csr\":"
        "\"c\"}",
        "{\"format\":1,\"key\":\"bad\",\"version\":1,\"state\":\"issued\",\"protocol\":\"est\",\"url\":\"u\",\"csr\":"
        "\"c\","
        "\"approve\":1}",
    };
    char path[128];
    snprintf(path, sizeof path, "%s/bad@1.json", dir);
    for (size_t i = 0; i < HA_ARRAY_SIZE(texts); i++) {
        struct ha_err err = {0};
        bool found;
        struct ha_enrolment out = {0};
        assert_int_equal(ha_file_write(path, texts[i], strlen(texts[i]), 0600, &err), HA_OK);
        assert_int_equal(ha_enrol_load(dir, "bad", 1, &out, &found, &err), HA_E_CONFIG);
        assert_null(out.key);
    }
    struct ha_err err = {0};
    assert_int_equal(ha_enrol_forget(dir, "bad", 1, &err), HA_OK);
}

static void what_could_not_be_read_again_is_not_written(void **state)
{
    enum { TOO_LONG = 1024 * 1024 };
    struct ha_err err = {0};
    bool found = false;
    ha_auto(ha_free) char *long_text = malloc(TOO_LONG + 1);
    ha_auto(ha_enrolment_clear) struct ha_enrolment in = {.version = 1}, out = {0};
    assert_non_null(long_text);
    memset(long_text, 'x', TOO_LONG);
    long_text[TOO_LONG] = '\0';
    set(&in.key, "large");
    set(&in.url, "https://ca");
    set(&in.csr, "CSR");
    assert_int_equal(ha_enrol_save(dir, &in, &err), HA_OK);
    in.state = HA_ENROL_ISSUED;
    set(&in.certificates, long_text);
    assert_int_equal(ha_enrol_save(dir, &in, &err), HA_E_TOO_LARGE);
    assert_int_equal(ha_enrol_load(dir, "large", 1, &out, &found, &err), HA_OK);
    assert_int_equal(out.state, HA_ENROL_PREPARED);
    assert_int_equal(ha_enrol_forget(dir, "large", 1, &err), HA_OK);
}

static void list_is_sorted_and_knows_its_files(void **state)
{
    struct ha_err err = {0};
    ha_auto(ha_free) struct ha_enrol_name *names = NULL;
    size_t n = 0;
    static const char *const strangers[] = {"x.json", "x@.json", "x@0.json", "x@1.json.new", ".x@1.lock", "@1.json"};
    for (size_t i = 0; i < HA_ARRAY_SIZE(strangers); i++) {
        char path[128];
        snprintf(path, sizeof path, "%s/%s", dir, strangers[i]);
        assert_int_equal(ha_file_write(path, "", 0, 0600, &err), HA_OK);
    }
    save("b", 2, HA_ENROL_PREPARED);
    save("b", 10, HA_ENROL_PREPARED);
    save("a", 1, HA_ENROL_INSTALLED);
    assert_int_equal(ha_enrol_forget(dir, "edge", 12, &err), HA_OK);
    assert_int_equal(ha_enrol_list(dir, &names, &n, &err), HA_OK);
    assert_int_equal(n, 3);
    assert_string_equal(names[0].key, "a");
    assert_int_equal(names[1].version, 2);
    assert_int_equal(names[2].version, 10);
}

static void lock_is_for_one(void **state)
{
    struct ha_err err = {0};
    ha_auto(ha_close) int first = -1, second = -1, other = -1;
    assert_int_equal(ha_enrol_lock(dir, "l", 1, &first, &err), HA_OK);
    assert_int_equal(ha_enrol_lock(dir, "l", 1, &second, &err), HA_E_CONFLICT);
    assert_int_equal(ha_enrol_lock(dir, "l", 2, &other, &err), HA_OK);
    close(first);
    first = -1;
    assert_int_equal(ha_enrol_lock(dir, "l", 1, &second, &err), HA_OK);
}

static void directory_has_to_be_ours_alone(void **state)
{
    struct ha_err err = {0};
    char path[128];
    ha_auto(ha_free) char *found = NULL;
    snprintf(path, sizeof path, "%s/new/deep", dir);
    assert_int_equal(ha_enrol_dir(path, &found, &err), HA_OK);
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0700);
    assert_int_equal(chmod(path, 0770), 0);
    assert_int_equal(ha_enrol_dir(path, &found, &err), HA_E_CONFIG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(enrolment_comes_back_whole),
        cmocka_unit_test(what_is_not_there_is_not_found),
        cmocka_unit_test(file_that_is_none_is_refused),
        cmocka_unit_test(what_could_not_be_read_again_is_not_written),
        cmocka_unit_test(list_is_sorted_and_knows_its_files),
        cmocka_unit_test(lock_is_for_one),
        cmocka_unit_test(directory_has_to_be_ours_alone),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("enrol_pending", tests, setup, teardown);
}
