// SPDX-License-Identifier: Apache-2.0
#include "audit/files.h"

#include "base/buf.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { DIGITS = 18 };

void ha_audit_files_clear(struct ha_audit_files *files)
{
    for (size_t i = 0; i < files->n; i++)
        free(files->items[i].path);
    free(files->items);
    *files = (struct ha_audit_files){0};
}

char *ha_audit_files_path(const char *log_path, uint64_t first)
{
    char *path = NULL;
    return asprintf(&path, "%s.%0*" PRIu64, log_path, DIGITS, first) < 0 ? NULL : path;
}

// "N" or "N.gz".
static bool read_suffix(const char *text, uint64_t *ret_first, bool *ret_compressed)
{
    uint64_t first = 0;
    size_t n = strspn(text, "0123456789");
    if (n != DIGITS)
        return false;
    for (size_t i = 0; i < n; i++)
        first = first * 10 + (unsigned)(text[i] - '0');
    *ret_first = first;
    *ret_compressed = strcmp(text + n, ".gz") == 0;
    return first > 0 && (text[n] == '\0' || *ret_compressed);
}

static enum ha_code add(struct ha_audit_files *files, const char *path, uint64_t first, bool compressed,
                        struct ha_err *err)
{
    struct stat st;
    if (stat(path, &st) != 0)
        return errno == ENOENT ? HA_OK : ha_fail_errno(err, errno, "can't look at %s", path);
    struct ha_audit_file *items = realloc(files->items, (files->n + 1) * sizeof *items);
    char *copy = strdup(path);
    if (items)
        files->items = items;
    if (!items || !copy) {
        free(copy);
        return ha_fail(err, HA_E_MEMORY, "out of memory for the names of the audit log's files");
    }
    files->items[files->n++] = (struct ha_audit_file){.path = copy,
                                                      .first = first,
                                                      .compressed = compressed,
                                                      .size = (uint64_t)st.st_size,
                                                      .changed = (int64_t)st.st_mtime};
    return HA_OK;
}

static int compare(const void *a, const void *b)
{
    const struct ha_audit_file *one = a, *other = b;
    if (one->first != other->first)
        return one->first < other->first ? -1 : 1;
    return one->compressed - other->compressed;
}

static void sort(struct ha_audit_files *files)
{
    size_t kept = 0;
    if (files->n > 1)
        qsort(files->items, files->n, sizeof *files->items, compare);
    for (size_t i = 0; i < files->n; i++) {
        if (kept > 0 && files->items[kept - 1].first == files->items[i].first)
            free(files->items[i].path);
        else
            files->items[kept++] = files->items[i];
    }
    files->n = kept;
}

static enum ha_code list_older(const char *directory, const char *name, struct ha_audit_files *files,
                               struct ha_err *err)
{
    size_t name_len = strlen(name);
    DIR *dir = opendir(directory);
    enum ha_code code = HA_OK;
    if (!dir)
        return errno == ENOENT ? HA_OK : ha_fail_errno(err, errno, "can't read the directory %s", directory);
    for (const struct dirent *entry; code == HA_OK && (entry = readdir(dir));) {
        uint64_t first;
        bool compressed;
        ha_auto(ha_buf_clear) struct ha_buf path = {0};
        if (strncmp(entry->d_name, name, name_len) != 0 || entry->d_name[name_len] != '.' ||
            !read_suffix(entry->d_name + name_len + 1, &first, &compressed))
            continue;
        ha_buf_printf(&path, "%s/%s", directory, entry->d_name);
        code = add(files, ha_buf_text(&path), first, compressed, err);
    }
    closedir(dir);
    return code;
}

enum ha_code ha_audit_files_list(const char *log_path, struct ha_audit_files *ret_files, struct ha_err *err)
{
    ha_auto(ha_audit_files_clear) struct ha_audit_files files = {0};
    const char *slash = strrchr(log_path, '/');
    ha_auto(ha_free) char *directory =
        slash ? strndup(log_path, slash == log_path ? 1 : (size_t)(slash - log_path)) : strdup(".");
    if (!directory)
        return ha_fail(err, HA_E_MEMORY, "out of memory for the names of the audit log's files");
    if (list_older(directory, slash ? slash + 1 : log_path, &files, err))
        return err->code;
    sort(&files);
    if (add(&files, log_path, 0, false, err))
        return err->code;
    *ret_files = files;
    files = (struct ha_audit_files){0};
    return HA_OK;
}
