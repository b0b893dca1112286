/* Names and numbers as requests spell them; see names.h. */
#include "registry/names.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static bool is_lower_or_digit(char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

bool name_is_valid(const char *text, size_t size) {
    if (size == 0 || size >= NAME_SIZE)
        return false;
    for (size_t i = 0; i < size; i++)
        if (!is_lower_or_digit(text[i]) && text[i] != '-')
            return false;
    return true;
}

bool tag_is_valid(const char *text, size_t size) {
    if (size == 0 || size >= NAME_SIZE)
        return false;
    for (size_t i = 0; i < size; i++) {
        char c = text[i];
        if (!is_lower_or_digit(c) && !(c >= 'A' && c <= 'Z') && (c == '\0' || !strchr("._:=/-", c)))
            return false;
    }
    return true;
}

/* The digits at *text as a number; false when there are none or too many. Moves *text on. */
static bool read_digits(const char **text, uint64_t *number) {
    const char *p = *text;
    uint64_t value = 0;
    while (*p >= '0' && *p <= '9') {
        uint64_t digit = (uint64_t)(*p - '0');
        if (value > (UINT64_MAX - digit) / 10)
            return false;
        value = value * 10 + digit;
        p++;
    }
    if (p == *text)
        return false;
    *text = p;
    *number = value;
    return true;
}

bool event_id_parse(const char *text, struct event_id *id) {
    struct event_id read = {0, 0};
    if (!read_digits(&text, &read.ms) || *text != '-')
        return false;
    text++;
    if (!read_digits(&text, &read.seq) || *text != '\0')
        return false;
    *id = read;
    return true;
}

char *event_id_format(char *buffer, struct event_id id) {
    snprintf(buffer, EVENT_ID_SIZE, "%" PRIu64 "-%" PRIu64, id.ms, id.seq);
    return buffer;
}

int event_id_compare(struct event_id a, struct event_id b) {
    if (a.ms != b.ms)
        return a.ms < b.ms ? -1 : 1;
    if (a.seq != b.seq)
        return a.seq < b.seq ? -1 : 1;
    return 0;
}

bool number_parse(const char *text, int64_t least, int64_t most, int64_t *number) {
    uint64_t value = 0;
    if (strlen(text) > 15 || !read_digits(&text, &value) || *text != '\0')
        return false;
    if ((int64_t)value < least || (int64_t)value > most)
        return false;
    *number = (int64_t)value;
    return true;
}
