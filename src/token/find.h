// SPDX-License-Identifier: Apache-2.0
// Searching for objects and reading their attributes. The caller holds the token's object_lock.
#pragma once

#include "base/auto.h"
#include "base/err.h"

#include <p11-kit/pkcs11.h>
#include <stdbool.h>
#include <stddef.h>

struct ha_p11;
struct ha_session;

struct ha_handles {
    CK_OBJECT_HANDLE *items;
    size_t n;
    size_t room;
};
void ha_handles_clear(struct ha_handles *handles);
HA_AUTO_DEFINE_CLEAR(struct ha_handles, ha_handles_clear)

// Appends the handles of the objects that fit the template, found in batches.
enum ha_code ha_find_objects(struct ha_p11 *token, struct ha_session *session, CK_ATTRIBUTE *template, CK_ULONG n,
                             struct ha_handles *out, struct ha_err *err);
// The objects of one class that have that CKA_ID.
enum ha_code ha_find_by_id(struct ha_p11 *token, struct ha_session *session, CK_OBJECT_CLASS class, const void *id,
                           size_t id_len, struct ha_handles *out, struct ha_err *err);
// Reads n attributes into the buffers given. One that the object doesn't have, doesn't tell, or that doesn't fit gets
// ulValueLen 0.
enum ha_code ha_find_attributes(struct ha_p11 *token, struct ha_session *session, CK_OBJECT_HANDLE object,
                                CK_ATTRIBUTE *attributes, CK_ULONG n, struct ha_err *err);
// Whether a CK_BBOOL is true. One that the object doesn't have isn't.
enum ha_code ha_find_flag(struct ha_p11 *token, struct ha_session *session, CK_OBJECT_HANDLE object,
                          CK_ATTRIBUTE_TYPE type, bool *ret_flag, struct ha_err *err);
