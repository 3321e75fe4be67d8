// SPDX-License-Identifier: Apache-2.0
// The fields are looked through once; what matters is how often each of a few occurs.
#include "http/fields.h"

#include "api/message.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct fields {
    unsigned hosts;
    unsigned lengths;
    unsigned codings;
    const char *length;
    const char *coding;
    bool has_space;  // before a colon
};

static enum MHD_Result count(void *cls, enum MHD_ValueKind kind, const char *name, const char *value)
{
    struct fields *fields = cls;
    if (strpbrk(name, " \t"))
        fields->has_space = true;
    if (strcasecmp(name, MHD_HTTP_HEADER_HOST) == 0)
        fields->hosts++;
    if (strcasecmp(name, MHD_HTTP_HEADER_CONTENT_LENGTH) == 0) {
        fields->lengths++;
        fields->length = value;
    }
    if (strcasecmp(name, MHD_HTTP_HEADER_TRANSFER_ENCODING) == 0) {
        fields->codings++;
        fields->coding = value;
    }
    return MHD_YES;
}

static enum ha_code check_size(struct MHD_Connection *mhd, struct ha_err *err)
{
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
    if (!info || info->header_size <= HA_HEADERS_MAX)
        return HA_OK;
    return ha_fail(err, HA_E_HEADERS_TOO_LARGE, "the request's header has %zu bytes; the limit is %d",
                   info->header_size, HA_HEADERS_MAX);
}

static enum ha_code malformed(struct ha_err *err, const char *cause, const char *remedy)
{
    ha_fail(err, HA_E_MALFORMED, "%s", cause);
    return ha_hint(err, "%s", remedy);
}

static enum ha_code check_form(const struct fields *fields, const char *version, const char *target, struct ha_err *err)
{
    bool needs_host = strcmp(version, MHD_HTTP_VERSION_1_0) != 0;
    if (strchr(target, ' '))
        return malformed(err, "the request's target has a space", "Write it as %20.");
    if (fields->has_space)
        return malformed(err, "a header field has white space before its colon", "Remove it.");
    if (fields->hosts > 1 || (needs_host && fields->hosts == 0))
        return malformed(err, "the request must have exactly one Host field",
                         "Send 'Host: localhost'; any name will do.");
    if (fields->lengths > 1)
        return malformed(err, "the request has more than one Content-Length", "Send one.");
    if (fields->codings > 0 && fields->lengths > 0)
        return malformed(err, "the request has both Content-Length and Transfer-Encoding", "Send one of them.");
    if (fields->codings > 1 || (fields->codings == 1 && strcasecmp(fields->coding, "chunked") != 0))
        return malformed(err, "the request has a Transfer-Encoding other than chunked",
                         "Send the body with Content-Length, or chunked.");
    return HA_OK;
}

enum ha_code ha_http_fields_check(struct MHD_Connection *mhd, const char *version, const char *target,
                                  bool *ret_has_body, struct ha_err *err)
{
    struct fields fields = {0};
    MHD_get_connection_values(mhd, MHD_HEADER_KIND, count, &fields);
    // libmicrohttpd has made sure that it is a number of 64 bits.
    unsigned long long length = fields.length ? strtoull(fields.length, NULL, 10) : 0;
    *ret_has_body = fields.codings > 0 || length > 0;
    enum ha_code code = check_size(mhd, err);
    if (code == HA_OK)
        code = check_form(&fields, version, target, err);
    if (code == HA_OK && length > HA_BODY_MAX)
        code = ha_fail(err, HA_E_TOO_LARGE, "the body has %llu bytes; the limit is %d", length, HA_BODY_MAX);
    return code;
}

void ha_http_fields_split(char *target, const char **ret_path, const char **ret_query)
{
    static const char scheme[] = "http://";
    char *path = target;
    if (strncasecmp(target, scheme, strlen(scheme)) == 0) {
        path = target + strlen(scheme);
        path += strcspn(path, "/?");
    }
    char *query = strchr(path, '?');
    if (query)
        *query++ = '\0';
    *ret_path = path;
    *ret_query = query ? query : "";
}
