// SPDX-License-Identifier: Apache-2.0
// Tests of base/file, each in a directory of its own.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

struct fixture {
    char directory[64];
    char path[128];
};

static int setup(void **state)
{
    static struct fixture fixture;
    fixture = (struct fixture){.directory = "/tmp/hsm-agent-file-test.XXXXXX"};
    if (!mkdtemp(fixture.directory))
        return -1;
    snprintf(fixture.path, sizeof fixture.path, "%s/file", fixture.directory);
    *state = &fixture;
    return 0;
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *where)
{
    return remove(path);
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    return nftw(f->directory, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

static void put(const char *path, const void *bytes, size_t n, mode_t mode)
{
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, n, file), n);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(chmod(path, mode), 0);
}

static mode_t mode_of(const char *path)
{
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    return st.st_mode & 07777;
}

static unsigned count_entries(const char *directory)
{
    DIR *stream = opendir(directory);
    unsigned n = 0;
    assert_non_null(stream);
    while (readdir(stream))
        n++;
    closedir(stream);
    return n - 2;  // "." and ".."
}

static void file_read_appends_the_content(void **state)
{
    struct fixture *f = *state;
    struct ha_err err = {0};
    ha_auto(ha_buf_clear) struct ha_buf out = {0};
    put(f->path, "one\0two", 7, 0644);
    ha_buf_puts(&out, "<");
    assert_int_equal(ha_file_read(f->path, 7, HA_FILE_ANY, &out, &err), HA_OK);
    assert_int_equal(out.len, 8);
    assert_memory_equal(out.data, "<one\0two", 8);
}

static void file_read_takes_files_of_any_size_up_to_max(void **state)
{
    struct fixture *f = *state;
    static uint8_t bytes[100001];
    static const size_t sizes[] = {0, 1, 16383, 16384, 16385, 32768, 100000};
    struct ha_err err = {0};
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(i * 7 + i / 256);
    for (size_t i = 0; i < HA_ARRAY_SIZE(sizes); i++) {
        ha_auto(ha_buf_clear) struct ha_buf out = {0};
        put(f->path, bytes, sizes[i], 0600);
        assert_int_equal(ha_file_read(f->path, sizes[i], HA_FILE_ANY, &out, &err), HA_OK);
        assert_int_equal(out.len, sizes[i]);
        assert_memory_equal(out.data, bytes, sizes[i]);
        put(f->path, bytes, sizes[i] + 1, 0600);
        assert_int_equal(ha_file_read(f->path, sizes[i], HA_FILE_ANY, &out, &err), HA_E_TOO_LARGE);
        assert_int_equal(out.len, sizes[i]);
    }
}

static void file_read_of_nothing_tells_enoent(void **state)
{
    struct fixture *f = *state;
    struct ha_err err = {0};
    ha_auto(ha_buf_clear) struct ha_buf out = {0};
    assert_int_equal(ha_file_read(f->path, 10, HA_FILE_ANY, &out, &err), HA_E_IO);
    assert_int_equal(errno, ENOENT);
    assert_non_null(strstr(err.detail, f->path));
}

static void file_read_refuses_what_isnt_a_regular_file(void **state)
{
    struct fixture *f = *state;
    struct ha_err err = {0};
    ha_auto(ha_buf_clear) struct ha_buf out = {0};
    assert_int_equal(mkfifo(f->path, 0600), 0);
    assert_int_equal(ha_file_read(f->path, 10, HA_FILE_ANY, &out, &err), HA_E_CONFIG);
    assert_int_equal(ha_file_read(f->directory, 10, HA_FILE_ANY, &out, &err), HA_E_CONFIG);
    assert_int_equal(ha_file_read("/dev/zero", 10, HA_FILE_ANY, &out, &err), HA_E_CONFIG);
    assert_int_equal(out.len, 0);
}

static void file_read_checks_the_mode(void **state)
{
    static const struct {
        mode_t mode;
        bool trusted;
        bool private;
    } rows[] = {
        {0600, true, true},   {0400, true, true},   {0700, true, true},   {0644, true, false},
        {0640, true, false},  {0604, true, false},  {0660, false, false}, {0606, false, false},
        {0620, false, false}, {0602, false, false}, {0666, false, false}, {0610, true, false},
    };
    struct fixture *f = *state;
    for (size_t i = 0; i < HA_ARRAY_SIZE(rows); i++) {
        struct ha_err err = {0};
        ha_auto(ha_buf_clear) struct ha_buf out = {0};
        put(f->path, "x", 1, 0600);
        assert_int_equal(chmod(f->path, rows[i].mode), 0);
        assert_int_equal(ha_file_read(f->path, 1, HA_FILE_ANY, &out, &err), HA_OK);
        assert_int_equal(ha_file_read(f->path, 1, HA_FILE_TRUSTED, &out, &err), rows[i].trusted ? HA_OK : HA_E_CONFIG);
        assert_int_equal(ha_file_read(f->path, 1, HA_FILE_PRIVATE, &out, &err), rows[i].private ? HA_OK : HA_E_CONFIG);
        if (!rows[i].private)
            assert_non_null(strstr(err.hint, "chmod "));
        unlink(f->path);
    }
}

static void file_read_checks_the_owner(void **state)
{
    struct fixture *f = *state;
    struct ha_err err = {0};
    ha_auto(ha_buf_clear) struct ha_buf out = {0};
    assert_int_equal(ha_file_read("/etc/passwd", 1 << 20, HA_FILE_TRUSTED, &out, &err), HA_OK);
    put(f->path, "x", 1, 0600);
    assert_int_equal(ha_file_read(f->path, 1, HA_FILE_PRIVATE, &out, &err), HA_OK);
    if (geteuid() != 0)
        return;  // only root can make a file that belongs to another user
    assert_int_equal(chown(f->path, 65534, (gid_t)-1), 0);
    assert_int_equal(ha_file_read(f->path, 1, HA_FILE_TRUSTED, &out, &err), HA_E_CONFIG);
    assert_int_equal(ha_file_read(f->path, 1, HA_FILE_PRIVATE, &out, &err), HA_E_CONFIG);
    assert_non_null(strstr(err.hint, "chown "));
    assert_int_equal(ha_file_read(f->path, 1, HA_FILE_ANY, &out, &err), HA_OK);
}

static void file_read_checks_behind_a_symlink(void **state)
{
    struct fixture *f = *state;
    struct ha_err err = {0};
    char link[160];
    ha_auto(ha_buf_clear) struct ha_buf out = {0};
    snprintf(link, sizeof link, "%s/link", f->directory);
    put(f->path, "x", 1, 0600);
    assert_int_equal(symlink("file", link), 0);
    assert_int_equal(ha_file_read(link, 1, HA_FILE_PRIVATE, &out, &err), HA_OK);
    assert_int_equal(chmod(f->path, 0644), 0);
    assert_int_equal(ha_file_read(link, 1, HA_FILE_PRIVATE, &out, &err), HA_E_CONFIG);
}

static void file_read_secret_cuts_newlines_off(void **state)
{
    static const struct {
        const char *content;
        const char *secret;
    } rows[] = {{"1234", "1234"}, {"1234\n", "1234"}, {"1234\r\n\n", "1234"},
                {"", ""},         {"\n", ""},         {" 1\n2 \n", " 1\n2 "}};
    struct fixture *f = *state;
    for (size_t i = 0; i < HA_ARRAY_SIZE(rows); i++) {
        struct ha_err err = {0};
        ha_auto(ha_secret_free) struct ha_secret *secret = NULL;
        put(f->path, rows[i].content, strlen(rows[i].content), 0600);
        assert_int_equal(ha_file_read_secret(f->path, 8, HA_FILE_PRIVATE, &secret, &err), HA_OK);
        assert_int_equal(ha_secret_len(secret), strlen(rows[i].secret));
        assert_memory_equal(ha_secret_data(secret), rows[i].secret, strlen(rows[i].secret) + 1);
    }
}

static void file_read_secret_refuses_like_read(void **state)
{
    struct fixture *f = *state;
    struct ha_err err = {0};
    struct ha_secret *secret = NULL;
    assert_int_equal(ha_file_read_secret(f->path, 4, HA_FILE_PRIVATE, &secret, &err), HA_E_IO);
    put(f->path, "12345", 5, 0600);
    assert_int_equal(ha_file_read_secret(f->path, 4, HA_FILE_PRIVATE, &secret, &err), HA_E_TOO_LARGE);
    assert_null(strstr(err.detail, "12345"));
    put(f->path, "1234", 4, 0644);
    assert_int_equal(ha_file_read_secret(f->path, 4, HA_FILE_PRIVATE, &secret, &err), HA_E_CONFIG);
    assert_null(secret);
}

static void file_write_makes_and_replaces_with_the_exact_mode(void **state)
{
    struct fixture *f = *state;
    struct ha_err err = {0};
    ha_auto(ha_buf_clear) struct ha_buf out = {0};
    mode_t before = umask(077);
    assert_int_equal(ha_file_write(f->path, "first", 5, 0644, &err), HA_OK);
    umask(0);
    assert_int_equal(mode_of(f->path), 0644);
    assert_int_equal(ha_file_write(f->path, "2\0", 2, 0600, &err), HA_OK);
    umask(before);
    assert_int_equal(mode_of(f->path), 0600);
    assert_int_equal(ha_file_read(f->path, 10, HA_FILE_ANY, &out, &err), HA_OK);
    assert_int_equal(out.len, 2);
    assert_memory_equal(out.data, "2\0", 2);
    assert_int_equal(ha_file_write(f->path, NULL, 0, 0600, &err), HA_OK);
    assert_int_equal(count_entries(f->directory), 1);
}

static void file_write_leaves_open_readers_the_old_content(void **state)
{
    struct fixture *f = *state;
    struct ha_err err = {0};
    char content[4] = "";
    put(f->path, "old", 3, 0600);
    ha_auto(ha_close) int fd = open(f->path, O_RDONLY | O_CLOEXEC);
    assert_int_equal(ha_file_write(f->path, "new", 3, 0600, &err), HA_OK);
    assert_int_equal(read(fd, content, 3), 3);
    assert_string_equal(content, "old");
}

static void file_write_takes_a_path_without_directory(void **state)
{
    struct fixture *f = *state;
    struct ha_err err = {0};
    ha_auto(ha_free) char *before = getcwd(NULL, 0);
    assert_int_equal(chdir(f->directory), 0);
    assert_int_equal(ha_file_write("file", "x", 1, 0600, &err), HA_OK);
    assert_int_equal(mode_of(f->path), 0600);
    assert_int_equal(ha_file_remove("file", &err), HA_OK);
    assert_int_equal(count_entries(f->directory), 0);
    assert_int_equal(chdir(before), 0);
}

static void file_write_that_fails_leaves_nothing(void **state)
{
    struct fixture *f = *state;
    struct ha_err err = {0};
    char path[160];
    snprintf(path, sizeof path, "%s/absent/file", f->directory);
    assert_int_equal(ha_file_write(path, "x", 1, 0600, &err), HA_E_IO);
    assert_int_equal(errno, ENOENT);
    // A directory can't be replaced by a file.
    assert_int_equal(mkdir(f->path, 0700), 0);
    assert_int_equal(ha_file_write(f->path, "x", 1, 0600, &err), HA_E_IO);
    assert_int_equal(errno, EISDIR);
    assert_int_equal(count_entries(f->directory), 1);
}

static void file_write_to_a_full_disk_keeps_the_old_content(void **state)
{
    struct fixture *f = *state;
    struct ha_err err = {0};
    ha_auto(ha_buf_clear) struct ha_buf out = {0};
    put(f->path, "old", 3, 0600);
    pid_t child = fork();
    if (child == 0) {
        // A limit on the size of files stands in for the disk: write() comes back short, then fails.
        static const uint8_t bytes[8192];
        signal(SIGXFSZ, SIG_IGN);
        if (setrlimit(RLIMIT_FSIZE, &(struct rlimit){5000, 5000}) != 0)
            _exit(10);
        _exit(ha_file_write(f->path, bytes, sizeof bytes, 0600, &err) == HA_E_IO && errno == EFBIG ? 0 : 11);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    assert_int_equal(count_entries(f->directory), 1);
    assert_int_equal(ha_file_read(f->path, 10, HA_FILE_ANY, &out, &err), HA_OK);
    assert_string_equal(ha_buf_text(&out), "old");
}

static void file_remove_is_done_when_nothing_is_there(void **state)
{
    struct fixture *f = *state;
    struct ha_err err = {0};
    put(f->path, "x", 1, 0600);
    assert_int_equal(ha_file_remove(f->path, &err), HA_OK);
    assert_int_equal(count_entries(f->directory), 0);
    assert_int_equal(ha_file_remove(f->path, &err), HA_OK);
    assert_int_equal(ha_file_remove(f->directory, &err), HA_E_IO);
}

static void file_dir_make_makes_parents(void **state)
{
    struct fixture *f = *state;
    struct ha_err err = {0};
    char path[160];
    snprintf(path, sizeof path, "%s/a//b/c/", f->directory);
    mode_t before = umask(077);
    assert_int_equal(ha_dir_make(path, 0751, &err), HA_OK);
    umask(before);
    assert_int_equal(mode_of(path), 0751);
    assert_int_equal(chmod(path, 0700), 0);
    assert_int_equal(ha_dir_make(path, 0751, &err), HA_OK);
    assert_int_equal(mode_of(path), 0700);
    snprintf(path, sizeof path, "%s/a", f->directory);
    assert_int_equal(mode_of(path), 0751);
}

static void file_dir_check_refuses_what_others_may_write(void **state)
{
    const struct fixture *f = *state;
    struct ha_err err = {0};
    const mode_t bad[] = {0770, 0777, 0702, 01777};
    assert_int_equal(mkdir(f->path, 0700), 0);
    assert_int_equal(ha_dir_check(f->path, &err), HA_OK);
    assert_int_equal(chmod(f->path, 0755), 0);
    assert_int_equal(ha_dir_check(f->path, &err), HA_OK);
    for (size_t i = 0; i < HA_ARRAY_SIZE(bad); i++) {
        assert_int_equal(chmod(f->path, bad[i]), 0);
        assert_int_equal(ha_dir_check(f->path, &err), HA_E_CONFIG);
    }
    if (geteuid() == 0) {
        assert_int_equal(chmod(f->path, 0700), 0);
        assert_int_equal(chown(f->path, 1234, 0), 0);
        assert_int_equal(ha_dir_check(f->path, &err), HA_E_CONFIG);
    }
    assert_int_equal(rmdir(f->path), 0);
    assert_int_equal(ha_dir_check(f->path, &err), HA_E_IO);
}

static void file_dir_make_refuses_a_file_in_the_way(void **state)
{
    struct fixture *f = *state;
    struct ha_err err = {0};
    char path[160];
    put(f->path, "x", 1, 0600);
    snprintf(path, sizeof path, "%s/b", f->path);
    assert_int_equal(ha_dir_make(f->path, 0700, &err), HA_E_IO);
    assert_int_equal(errno, ENOTDIR);
    assert_int_equal(ha_dir_make(path, 0700, &err), HA_E_IO);
}

#define IN_DIRECTORY(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_DIRECTORY(file_read_appends_the_content),
        IN_DIRECTORY(file_read_takes_files_of_any_size_up_to_max),
        IN_DIRECTORY(file_read_of_nothing_tells_enoent),
        IN_DIRECTORY(file_read_refuses_what_isnt_a_regular_file),
        IN_DIRECTORY(file_read_checks_the_mode),
        IN_DIRECTORY(file_read_checks_the_owner),
        IN_DIRECTORY(file_read_checks_behind_a_symlink),
        IN_DIRECTORY(file_read_secret_cuts_newlines_off),
        IN_DIRECTORY(file_read_secret_refuses_like_read),
        IN_DIRECTORY(file_write_makes_and_replaces_with_the_exact_mode),
        IN_DIRECTORY(file_write_leaves_open_readers_the_old_content),
        IN_DIRECTORY(file_write_takes_a_path_without_directory),
        IN_DIRECTORY(file_write_that_fails_leaves_nothing),
        IN_DIRECTORY(file_write_to_a_full_disk_keeps_the_old_content),
        IN_DIRECTORY(file_remove_is_done_when_nothing_is_there),
        IN_DIRECTORY(file_dir_make_makes_parents),
        IN_DIRECTORY(file_dir_check_refuses_what_others_may_write),
        IN_DIRECTORY(file_dir_make_refuses_a_file_in_the_way),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
