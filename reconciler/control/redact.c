/*
 * What a container says (its last lines, the output of its check) may hold secrets: a program that
 * prints its configuration, a URL with a password in it; so may what the engine says, which quotes
 * requests. Errors and progress never do (design, promise 7).
 */
#include "control/execution.h"

#include "base/memory.h"

#include <stdio.h>
#include <string.h>

#define REPLACEMENT  "(secret)"
#define LEAST_LENGTH 4
/* The text may have been cut in the middle of a value: so much of its beginning counts at the end.
 */
#define LEAST_BEGINNING 8
#define WHITESPACE      " \t\r\n"

/* How much of the beginning of `text` is this line of a secret. */
static size_t match_line(const char *text, const char *line, size_t length) {
    if (length < LEAST_LENGTH)
        return 0;
    if (strncmp(text, line, length) == 0)
        return length;
    size_t left = strnlen(text, length);
    bool is_cut = left >= LEAST_BEGINNING && left < length && strncmp(text, line, left) == 0;
    return is_cut ? left : 0;
}

/* The same for the lines of a value: the longest that fits. What is shown is shown line by line, so
 * a value of several lines is too. */
static size_t match_value(const char *text, const char *value) {
    size_t longest = 0;
    while (*value) {
        value += strspn(value, WHITESPACE);
        size_t size = strcspn(value, "\r\n"), length = size;
        while (length && strchr(WHITESPACE, value[length - 1]))
            length--;
        size_t matched = match_line(text, value, length);
        longest = matched > longest ? matched : longest;
        value += size;
    }
    return longest;
}

static size_t match_secrets(const struct environment *environment, const char *text) {
    size_t longest = 0;
    for (size_t i = 0; environment && i < environment->secret_count; i++) {
        const char *value = environment->secrets[i].value;
        size_t matched = value ? match_value(text, value) : 0;
        longest = matched > longest ? matched : longest;
    }
    return longest;
}

char *redact_secrets(const struct environment *environment, const char *text) {
    size_t length = 0;
    /* No value is shorter than LEAST_LENGTH, so this is room for all of them. */
    char *result =
        memory_alloc(strlen(text) / LEAST_LENGTH * sizeof REPLACEMENT + strlen(text) + 1);
    while (*text) {
        size_t matched = match_secrets(environment, text);
        if (matched) {
            memcpy(result + length, REPLACEMENT, sizeof REPLACEMENT - 1);
            length += sizeof REPLACEMENT - 1;
            text += matched;
        } else {
            result[length++] = *text++;
        }
    }
    return result;
}
