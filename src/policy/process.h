// SPDX-License-Identifier: Apache-2.0
// What /proc says of one process, read so that it can't be another one's that has its number by now.
#pragma once

#include <sys/types.h>

struct ha_process {
    char *unit;  // the systemd unit; NULL: none, or not known
    char *exe;   // the path of the executable; NULL: not known
};

// Reads executables for a process that mustn't.
struct ha_exe_reader {
    // As ha_process_exe. Thread-safe.
    char *(*read)(void *context, int pidfd, pid_t pid, uid_t uid);
    void *context;
};

// pidfd: of that process; -1: the kernel has none to give, and the process is the one that has the number, if it runs
// as that user. What can't be known stays NULL. The executable is known when the link may be read (it may by root, the
// process's own user, and with CAP_SYS_PTRACE), the process still is the user's, and the path leads to the same file
// here: it doesn't from another root or mount namespace, nor when the file was replaced.
// exes: who reads the executable; NULL: this process.
void ha_process_read(const struct ha_exe_reader *exes, int pidfd, pid_t pid, uid_t uid, struct ha_process *ret_process);
// The executable alone, to be freed; NULL: not known.
char *ha_process_exe(int pidfd, pid_t pid, uid_t uid);
void ha_process_clear(struct ha_process *process);
