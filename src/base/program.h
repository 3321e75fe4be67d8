// SPDX-License-Identifier: Apache-2.0
// Finding our own programs, installed or in the build tree.
#pragma once

#include "base/err.h"

// The program called name: beside the running executable when it is there, else in directory. The directory of an
// executable is trusted as much as the executable. *ret_path is malloc'ed; that the file exists isn't checked.
enum ha_code ha_program_find(const char *name, const char *directory, char **ret_path, struct ha_err *err);
// Likewise a directory of ours: beside/ next to the running executable when it is there, else the one called installed.
enum ha_code ha_program_data(const char *beside, const char *installed, char **ret_path, struct ha_err *err);
