// SPDX-License-Identifier: Apache-2.0
// JSON pointers, OIDs and character classes for certificate requests.
#include "format/csr_text.h"

#include <openssl/err.h>
#include <openssl/objects.h>
#include <string.h>

#define OID_MAX 128  // characters

void ha_csr_text_pointer(struct ha_buf *out, const char *token)
{
    ha_buf_putc(out, '/');
    for (; *token; token++) {
        if (*token == '~')
            ha_buf_puts(out, "~0");
        else if (*token == '/')
            ha_buf_puts(out, "~1");
        else
            ha_buf_putc(out, *token);
    }
}

ASN1_OBJECT *ha_csr_text_oid(const char *text)
{
    // OBJ_txt2obj would take spaces for dots and leading zeros too.
    if (!strchr(text, '.') || strlen(text) > OID_MAX || strspn(text, "0123456789.") != strlen(text))
        return NULL;
    for (const char *arc = text; arc; arc = strchr(arc, '.') ? strchr(arc, '.') + 1 : NULL)
        if (*arc == '.' || *arc == '\0' || (*arc == '0' && arc[1] != '.' && arc[1] != '\0'))
            return NULL;
    ASN1_OBJECT *object = OBJ_txt2obj(text, 1);
    if (!object)
        ERR_clear_error();
    return object;
}

bool ha_csr_text_has_control(const char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text < 0x20 || *text == 0x7f)
            return true;
    return false;
}

bool ha_csr_text_is_ascii(const char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text >= 0x80)
            return false;
    return true;
}
