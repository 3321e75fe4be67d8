// SPDX-License-Identifier: Apache-2.0
// Tests of base/ini: the events of a text, written down as lines.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/buf.h"
#include "base/ini.h"

#include <stdio.h>
#include <string.h>

static void note_option(void *context, unsigned line, const char *section, const char *name, const char *value)
{
    if (name)
        ha_buf_printf(context, "%u [%s] %s=%s|\n", line, section, name, value);
    else
        ha_buf_printf(context, "%u [%s]%s\n", line, section, value ? " with a value" : "");
}

static void note_mistake(void *context, unsigned line, const char *cause, const char *remedy)
{
    assert_true(strlen(remedy) > 5);
    ha_buf_printf(context, "%u ! %s\n", line, cause);
}

static void assert_events(const char *text, size_t n, const char *expected)
{
    ha_auto(ha_buf_clear) struct ha_buf events = {0};
    ha_ini_parse(text, n, &(struct ha_ini_events){&events, note_option, note_mistake});
    assert_string_equal(ha_buf_text(&events), expected);
}

#define ASSERT_EVENTS(text, expected) assert_events(text, sizeof(text) - 1, expected)

static void ini_sections_and_options_come_with_their_lines(void **state)
{
    ASSERT_EVENTS("early = 1\n"
                  "\n"
                  "[agent]\n"
                  "a = b\n"
                  "a=c\n"
                  "[listen admin]\r\n"
                  "socket =  /run/x y \t\r\n"
                  "empty =\n"
                  "last = one",
                  "1 [] early=1|\n3 [agent]\n4 [agent] a=b|\n5 [agent] a=c|\n6 [listen admin]\n"
                  "7 [listen admin] socket=/run/x y|\n8 [listen admin] empty=|\n9 [listen admin] last=one|\n");
}

static void ini_empty_texts_say_nothing(void **state)
{
    ASSERT_EVENTS("", "");
    ASSERT_EVENTS("\n\n", "");
    ASSERT_EVENTS("\xef\xbb\xbf", "");
}

static void ini_byte_order_mark_is_skipped(void **state)
{
    ASSERT_EVENTS("\xef\xbb\xbf[a]\nb = c\n", "1 [a]\n2 [a] b=c|\n");
}

static void ini_comments_are_cut_off(void **state)
{
    ASSERT_EVENTS("# one\n; two\n   # three\n[a] # four\n[b]\t; five\nc = d # six ; seven\ne = f ;g\nh = # i\n",
                  "4 [a]\n5 [b]\n6 [b] c=d|\n7 [b] e=f|\n8 [b] h=|\n");
}

static void ini_comment_characters_inside_words_stay(void **state)
{
    ASSERT_EVENTS("uri = pkcs11:token=edge;serial=8a#7f\nx =;y\n",
                  "1 [] uri=pkcs11:token=edge;serial=8a#7f|\n2 [] x=;y|\n");
}

static void ini_values_keep_equals_colons_brackets_and_quotes(void **state)
{
    ASSERT_EVENTS("a = b=c:d\nb = [x]\nc = \"q\"\n", "1 [] a=b=c:d|\n2 [] b=[x]|\n3 [] c=\"q\"|\n");
}

static void ini_lines_without_equals_are_mistakes(void **state)
{
    ASSERT_EVENTS("[a]\nyes\nuri pkcs11:token=x\nname: value\n= x\nb = c\n",
                  "1 [a]\n2 ! the line is neither a [section] nor 'option = value'\n"
                  "3 ! the line is neither a [section] nor 'option = value'\n"
                  "4 ! the line is neither a [section] nor 'option = value'\n"
                  "5 ! there is no option name before the '='\n6 [a] b=c|\n");
}

static void ini_indented_lines_are_mistakes_not_continuations(void **state)
{
    ASSERT_EVENTS("[a]\nb = c\n  d = e\n\tf\n  [g]\nh = i\n",
                  "1 [a]\n2 [a] b=c|\n3 ! the line is indented\n4 ! the line is indented\n5 ! the line is indented\n"
                  "6 [a] h=i|\n");
}

static void ini_options_below_a_wrong_header_belong_nowhere(void **state)
{
    ASSERT_EVENTS(
        "[good]\na = 1\n[wrong\nb = 2\nnonsense\n[x] y\nc = 3\n[]\nd = 4\n[ ]\ne = 5\n[ next ]\nf = 6\n",
        "1 [good]\n2 [good] a=1|\n3 ! the section's header has no ']'\n"
        "5 ! the line is neither a [section] nor 'option = value'\n6 ! there is text after the section's ']'\n"
        "8 ! the section has no name\n10 ! the section has no name\n12 [next]\n13 [next] f=6|\n");
}

static void ini_control_characters_and_bad_utf8_are_mistakes(void **state)
{
    ASSERT_EVENTS("a = b\0c\nd = \x1b[2J\ne = \xff\nf = k\xc3\xa4se\ng = x\rh = y\ni = \x7f\n# \x01\nj\t=\tk\n",
                  "1 ! the line holds a control character\n2 ! the line holds a control character\n"
                  "3 ! the line isn't UTF-8\n4 [] f=k\xc3\xa4se|\n5 ! the line holds a control character\n"
                  "6 ! the line holds a control character\n7 ! the line holds a control character\n8 [] j=k|\n");
}

static void ini_lines_up_to_198_bytes_are_taken_whole(void **state)
{
    char text[512], expected[512], value[300];
    for (int n = 190; n <= 210; n++) {
        memset(value, 'v', sizeof value);
        value[n - 4] = '\0';
        int length = snprintf(text, sizeof text, "a = %s # and a long comment that isn't counted\nb = c\n", value);
        if (n <= 198)
            snprintf(expected, sizeof expected, "1 [] a=%s|\n2 [] b=c|\n", value);
        else
            snprintf(expected, sizeof expected, "1 ! the line is longer than 198 bytes\n2 [] b=c|\n");
        assert_events(text, (size_t)length, expected);
    }
}

static void ini_names_up_to_49_characters_are_taken_whole(void **state)
{
    char text[512], expected[512], name[60];
    for (int n = 45; n <= 55; n++) {
        memset(name, 'n', sizeof name);
        name[n] = '\0';
        int length = snprintf(text, sizeof text, "[%s]\n[b]\n%s = c\n", name, name);
        if (n <= 49)
            snprintf(expected, sizeof expected, "1 [%s]\n2 [b]\n3 [b] %s=c|\n", name, name);
        else
            snprintf(expected, sizeof expected,
                     "1 ! the section's header is longer than 49 characters\n2 [b]\n"
                     "3 ! the option's name is longer than 49 characters\n");
        assert_events(text, (size_t)length, expected);
    }
}

static void count_line(void *context, unsigned line, const char *section, const char *name, const char *value)
{
    unsigned *last = context;
    assert_true(line >= *last);
    *last = line;
}

static void count_mistake(void *context, unsigned line, const char *cause, const char *remedy)
{
    count_line(context, line, NULL, NULL, NULL);
}

static void ini_any_bytes_are_survived_in_order(void **state)
{
    static const char pieces[] = "[]=;# \t\n\nab:\r\\\"\x01\xff";
    uint32_t random = 12345;
    char text[600];
    for (int round = 0; round < 20000; round++) {
        unsigned last = 0, lines = 1;
        size_t n = (random >> 8) % sizeof text;
        for (size_t i = 0; i < n; i++) {
            random = random * 1664525 + 1013904223;
            text[i] = pieces[(random >> 16) % (sizeof pieces - 1)];
            lines += text[i] == '\n';
        }
        ha_ini_parse(text, n, &(struct ha_ini_events){&last, count_line, count_mistake});
        assert_true(last <= lines);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ini_sections_and_options_come_with_their_lines),
        cmocka_unit_test(ini_empty_texts_say_nothing),
        cmocka_unit_test(ini_byte_order_mark_is_skipped),
        cmocka_unit_test(ini_comments_are_cut_off),
        cmocka_unit_test(ini_comment_characters_inside_words_stay),
        cmocka_unit_test(ini_values_keep_equals_colons_brackets_and_quotes),
        cmocka_unit_test(ini_lines_without_equals_are_mistakes),
        cmocka_unit_test(ini_indented_lines_are_mistakes_not_continuations),
        cmocka_unit_test(ini_options_below_a_wrong_header_belong_nowhere),
        cmocka_unit_test(ini_control_characters_and_bad_utf8_are_mistakes),
        cmocka_unit_test(ini_lines_up_to_198_bytes_are_taken_whole),
        cmocka_unit_test(ini_names_up_to_49_characters_are_taken_whole),
        cmocka_unit_test(ini_any_bytes_are_survived_in_order),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
