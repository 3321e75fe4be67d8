// SPDX-License-Identifier: Apache-2.0
#include "cpu.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

int cpu_add(struct side *sides, int n, char *text)
{
    char *pid = strchr(text, '='), *end;
    if (!pid)
        return -1;
    *pid++ = '\0';
    int i = 0;
    while (i < n && strcmp(sides[i].name, text) != 0)
        i++;
    struct side *side = &sides[i];
    if (i == SIDES_MAX || side->n_pids == PIDS_MAX)
        return -1;
    side->name = text;
    side->pid[side->n_pids++] = (pid_t)strtol(pid, &end, 10);
    side->with_children = side->with_children || *end == '+';
    bool good = end > pid && (*end == '\0' || strcmp(end, "+") == 0);
    return !good ? -1 : i == n ? n + 1 : n;
}

static pid_t parent_of(const char *pid)
{
    char path[300], line[512] = "";
    snprintf(path, sizeof(path), "/proc/%s/stat", pid);
    FILE *file = fopen(path, "re");
    if (!file)
        return 0;
    size_t n = fread(line, 1, sizeof(line) - 1, file);
    fclose(file);
    line[n] = '\0';
    const char *name_end = strrchr(line, ')');
    return name_end ? (pid_t)strtol(name_end + 4, NULL, 10) : 0;
}

// Once through /proc for each generation: children are listed behind their parents in most cases, not in all.
void cpu_find_children(struct side *side)
{
    for (int before = 0; side->with_children && before != side->n_pids;) {
        before = side->n_pids;
        DIR *all = opendir("/proc");
        const struct dirent *entry;
        while (all && (entry = readdir(all))) {
            pid_t pid = (pid_t)atoi(entry->d_name), parent = pid > 0 ? parent_of(entry->d_name) : 0;
            bool mine = false, known = false;
            for (int i = 0; i < side->n_pids; i++) {
                mine = mine || side->pid[i] == parent;
                known = known || side->pid[i] == pid;
            }
            if (pid > 0 && mine && !known && side->n_pids < PIDS_MAX)
                side->pid[side->n_pids++] = pid;
        }
        closedir(all);
    }
}

int64_t cpu_used(const struct side *side)
{
    int64_t sum = 0;
    for (int i = 0; i < side->n_pids; i++) {
        clockid_t clock;
        struct timespec used;
        if (clock_getcpuclockid(side->pid[i], &clock) == 0 && clock_gettime(clock, &used) == 0)
            sum += used.tv_sec * 1000000000ll + used.tv_nsec;
    }
    return sum;
}
