// SPDX-License-Identifier: Apache-2.0
// Feeding inih line by line. inih is lenient and silent (it cuts long names, goes on with indented lines, takes ':' for
// '='), so each line is checked first, and only lines that inih reads as meant are handed to it.
#include "base/ini.h"

#include "base/text.h"

#include <ini.h>
#include <stdio.h>
#include <string.h>

enum {
    LONGEST_LINE = 198,  // inih's line buffer of 200, less newline and NUL
    LONGEST_NAME = 49,   // inih's buffers of 50 for section and name
};

struct reader {
    const char *text;
    size_t n;
    size_t at;
    unsigned line;  // the number of the line that inih has now
    bool lost;      // the last section header was wrong: what follows belongs nowhere
    const struct ha_ini_events *events;
};

struct span {
    const char *start;
    size_t n;
};

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static struct span trim(struct span span)
{
    while (span.n > 0 && is_blank(span.start[0])) {
        span.start++;
        span.n--;
    }
    while (span.n > 0 && (is_blank(span.start[span.n - 1]) || span.start[span.n - 1] == '\r'))
        span.n--;
    return span;
}

static struct span next_line(struct reader *reader)
{
    const char *start = reader->text + reader->at;
    size_t left = reader->n - reader->at;
    const char *end = memchr(start, '\n', left);
    size_t n = end ? (size_t)(end - start) : left;
    reader->at += end ? n + 1 : n;
    reader->line++;
    if (n > 0 && start[n - 1] == '\r')
        n--;
    return (struct span){start, n};
}

// Cuts a comment off: '#' or ';' at the start or after white space.
static struct span cut_comment(struct span line)
{
    for (size_t i = 0; i < line.n; i++) {
        if ((line.start[i] == '#' || line.start[i] == ';') && (i == 0 || is_blank(line.start[i - 1]))) {
            line.n = i;
            break;
        }
    }
    return line;
}

// Whether the bytes are text; `what` is NULL then.
static const char *find_foreign_bytes(struct span line)
{
    for (size_t i = 0; i < line.n; i++) {
        uint8_t c = (uint8_t)line.start[i];
        if ((c < 0x20 && c != '\t') || c == 0x7f)
            return "the line holds a control character";
    }
    return ha_utf8_valid(line.start, line.n) ? NULL : "the line isn't UTF-8";
}

static bool mistake(const struct reader *reader, const char *cause, const char *remedy)
{
    reader->events->mistake(reader->events->context, reader->line, cause, remedy);
    return false;
}

// A section's header, "[...": reports it, and hands it over as inih reads it. False when there is nothing to hand over.
static bool take_header(struct reader *reader, struct span line, char *out, size_t size)
{
    char section[LONGEST_NAME + 1];
    const char *close = memchr(line.start, ']', line.n);
    reader->lost = true;
    if (!close)
        return mistake(reader, "the section's header has no ']'", "write it as [kind name], on one line");
    if (close != line.start + line.n - 1)
        return mistake(reader, "there is text after the section's ']'",
                       "put options on lines of their own, below the header");
    struct span name = trim((struct span){line.start + 1, line.n - 2});
    if (name.n == 0)
        return mistake(reader, "the section has no name", "write it as [kind name]");
    if (name.n > LONGEST_NAME)
        return mistake(reader, "the section's header is longer than 49 characters", "choose a shorter name");
    reader->lost = false;
    memcpy(section, name.start, name.n);
    section[name.n] = '\0';
    reader->events->option(reader->events->context, reader->line, section, NULL, NULL);
    snprintf(out, size, "[%s]\n", section);
    return true;
}

static bool take_option(struct reader *reader, struct span line, char *out, size_t size)
{
    const char *equals = memchr(line.start, '=', line.n);
    const char *colon = memchr(line.start, ':', line.n);
    if (!equals || (colon && colon < equals))
        return mistake(reader, "the line is neither a [section] nor 'option = value'",
                       "put a '=' between the option's name and its value");
    struct span name = trim((struct span){line.start, (size_t)(equals - line.start)});
    if (name.n == 0)
        return mistake(reader, "there is no option name before the '='", "write it as 'option = value'");
    if (name.n > LONGEST_NAME)
        return mistake(reader, "the option's name is longer than 49 characters", "check the option's spelling");
    if (reader->lost)
        return false;
    snprintf(out, size, "%.*s\n", (int)line.n, line.start);
    return true;
}

// Hands the line over in out; false when inih shall see an empty one.
static bool take_line(struct reader *reader, struct span raw, char *out, size_t size)
{
    struct span cut = cut_comment(raw);
    struct span line = trim(cut);
    const char *foreign = find_foreign_bytes(raw);
    if (foreign)
        return mistake(reader, foreign, "remove it; the file is plain UTF-8 text");
    if (line.n == 0)
        return false;
    if (line.start != raw.start)
        return mistake(reader, "the line is indented", "remove the white space before it; a value is one line");
    if (line.n > LONGEST_LINE)
        return mistake(reader, "the line is longer than 198 bytes",
                       "shorten it; lists can be split over repeated options");
    return line.start[0] == '[' ? take_header(reader, line, out, size) : take_option(reader, line, out, size);
}

// inih's reader: like fgets.
static char *read_line(char *out, int size, void *stream)
{
    struct reader *reader = stream;
    if (reader->at >= reader->n)
        return NULL;
    if (!take_line(reader, next_line(reader), out, (size_t)size))
        snprintf(out, (size_t)size, "\n");
    return out;
}

static int handle(void *user, const char *section, const char *name, const char *value)
{
    const struct reader *reader = user;
    reader->events->option(reader->events->context, reader->line, section, name, value);
    return 1;
}

void ha_ini_parse(const char *text, size_t n, const struct ha_ini_events *events)
{
    static const char mark[] = "\xef\xbb\xbf";  // a byte order mark, which some editors put first
    struct reader reader = {.text = text, .n = n, .events = events};
    if (n >= 3 && memcmp(text, mark, 3) == 0)
        reader.at = 3;
    ini_parse_stream(read_line, &reader, handle, &reader);
}
