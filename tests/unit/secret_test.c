// SPDX-License-Identifier: Apache-2.0
// Tests of base/secret.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/secret.h"

#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static struct ha_secret *make_secret(size_t capacity)
{
    struct ha_secret *secret = NULL;
    struct ha_err err = {0};
    assert_int_equal(ha_secret_new(capacity, &secret, &err), HA_OK);
    return secret;
}

static void secret_new_is_empty_and_zero(void **state)
{
    ha_auto(ha_secret_free) struct ha_secret *secret = make_secret(5000);
    assert_int_equal(ha_secret_capacity(secret), 5000);
    assert_int_equal(ha_secret_len(secret), 0);
    for (size_t i = 0; i < 5000; i++)
        assert_int_equal(ha_secret_data(secret)[i], 0);
}

static void secret_of_no_capacity_can_be_made(void **state)
{
    ha_auto(ha_secret_free) struct ha_secret *secret = make_secret(0);
    assert_int_equal(ha_secret_capacity(secret), 0);
    assert_non_null(ha_secret_data(secret));
    ha_secret_free(NULL);
}

static void secret_set_len_wipes_what_is_beyond(void **state)
{
    ha_auto(ha_secret_free) struct ha_secret *secret = make_secret(16);
    memcpy(ha_secret_data(secret), "0123456789abcdef", 16);
    ha_secret_set_len(secret, 4);
    assert_int_equal(ha_secret_len(secret), 4);
    assert_memory_equal(ha_secret_data(secret), "0123\0\0\0\0\0\0\0\0\0\0\0\0", 16);
}

static void secret_too_large_is_an_error(void **state)
{
    struct ha_secret *secret = NULL;
    struct ha_err err = {0};
    assert_int_equal(ha_secret_new(SIZE_MAX, &secret, &err), HA_E_MEMORY);
    assert_int_equal(ha_secret_new(SIZE_MAX / 2, &secret, &err), HA_E_MEMORY);
    assert_null(secret);
}

// The VmFlags line of the mapping that holds the address; false when the kernel doesn't tell.
static bool find_flags(const void *address, char *line, size_t size)
{
    FILE *maps = fopen("/proc/self/smaps", "re");
    bool inside = false, found = false;
    if (!maps)
        return false;
    while (!found && fgets(line, (int)size, maps)) {
        unsigned long start, end;
        if (sscanf(line, "%lx-%lx ", &start, &end) == 2)
            inside = (uintptr_t)address >= start && (uintptr_t)address < end;
        found = inside && strncmp(line, "VmFlags:", 8) == 0;
    }
    fclose(maps);
    return found;
}

static void secret_pages_are_locked_and_not_dumped(void **state)
{
    ha_auto(ha_secret_free) struct ha_secret *secret = make_secret(32);
    char flags[512];
    // The address is mapped, so the line is missing only where the kernel has no VmFlags at all.
    if (!find_flags(ha_secret_data(secret), flags, sizeof flags)) {
        assert_false(find_flags(&flags, flags, sizeof flags));
        return;
    }
    assert_non_null(strstr(flags, " lo"));
    assert_non_null(strstr(flags, " dd"));
    assert_true(strstr(flags, " wf") || strstr(flags, " dc"));
}

static void secret_is_not_inherited_by_fork(void **state)
{
    ha_auto(ha_secret_free) struct ha_secret *secret = make_secret(8);
    memcpy(ha_secret_data(secret), "password", 8);
    pid_t child = fork();
    if (child == 0) {
        signal(SIGSEGV, SIG_DFL);
        for (size_t i = 0; i < 8; i++) {
            if (ha_secret_data(secret)[i] != 0)
                _exit(1);
        }
        ha_secret_free(secret);
        _exit(0);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    // zeros, or no memory at all where the kernel can't wipe
    assert_true((WIFEXITED(status) && WEXITSTATUS(status) == 0) ||
                (WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV));
    assert_memory_equal(ha_secret_data(secret), "password", 8);
}

static void secret_that_cant_be_locked_says_what_to_raise(void **state)
{
    pid_t child = fork();
    if (child == 0) {
        struct ha_secret *secret = NULL;
        struct ha_err err = {0};
        // Root may lock memory whatever the limit.
        if (geteuid() == 0 && setresuid(65534, 65534, 65534) != 0)
            _exit(10);
        if (setrlimit(RLIMIT_MEMLOCK, &(struct rlimit){0, 0}) != 0)
            _exit(11);
        if (ha_secret_new(32, &secret, &err) != HA_E_IO)
            _exit(12);
        _exit(secret == NULL && strstr(err.hint, "LimitMEMLOCK") && strstr(err.hint, "ulimit -l") ? 0 : 13);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

static void secret_wipe_overwrites(void **state)
{
    char text[] = "password";
    ha_wipe(text + 1, 3);
    assert_memory_equal(text, "p\0\0\0word", 9);
    ha_wipe(NULL, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(secret_new_is_empty_and_zero),
        cmocka_unit_test(secret_of_no_capacity_can_be_made),
        cmocka_unit_test(secret_set_len_wipes_what_is_beyond),
        cmocka_unit_test(secret_too_large_is_an_error),
        cmocka_unit_test(secret_pages_are_locked_and_not_dumped),
        cmocka_unit_test(secret_is_not_inherited_by_fork),
        cmocka_unit_test(secret_that_cant_be_locked_says_what_to_raise),
        cmocka_unit_test(secret_wipe_overwrites),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
