/*
 * "Did you mean": the nearest known name by edit distance (optimal string alignment: insert,
 * remove, change, swap neighbours). Case, "_" and "-" are ignored, because depends_on for dependsOn
 * is the likeliest slip of somebody who comes from Compose.
 */
#include "spec/quantity.h"

#include <ctype.h>
#include <stdint.h>
#include <string.h>

/* Longer names are not compared: nobody misspells them by hand. */
#define MAX_NAME 64

static size_t fold(char folded[MAX_NAME], const char *name) {
    size_t length = 0;
    for (; *name; name++) {
        if (*name == '_' || *name == '-')
            continue;
        if (length == MAX_NAME)
            return SIZE_MAX;
        folded[length++] = (char)tolower((unsigned char)*name);
    }
    return length;
}

static size_t least(size_t a, size_t b) {
    return a < b ? a : b;
}

/* The distance, or anything above `limit` as soon as it is known to be more. */
static size_t distance(const char *a, size_t a_length, const char *b, size_t b_length,
                       size_t limit) {
    size_t rows[3][MAX_NAME + 1];
    size_t *before = rows[0];
    size_t *previous = rows[1];
    size_t *current = rows[2];
    for (size_t j = 0; j <= b_length; j++)
        previous[j] = j;
    for (size_t i = 1; i <= a_length; i++) {
        size_t best = current[0] = i;
        for (size_t j = 1; j <= b_length; j++) {
            size_t change = previous[j - 1] + (a[i - 1] != b[j - 1]);
            current[j] = least(change, least(previous[j], current[j - 1]) + 1);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                current[j] = least(current[j], before[j - 2] + 1);
            best = least(best, current[j]);
        }
        if (best > limit)
            return best;
        size_t *spare = before;
        before = previous;
        previous = current;
        current = spare;
    }
    return previous[b_length];
}

const char *suggest(const char *word, const char *const *candidates) {
    char a[MAX_NAME];
    char b[MAX_NAME];
    size_t a_length = fold(a, word);
    if (a_length == SIZE_MAX || a_length == 0)
        return NULL;
    const char *nearest = NULL;
    size_t limit = SIZE_MAX;
    for (; *candidates; candidates++) {
        size_t b_length = fold(b, *candidates);
        if (b_length == SIZE_MAX)
            continue;
        size_t longer = a_length > b_length ? a_length : b_length;
        size_t shorter = least(a_length, b_length);
        /* One slip in three letters, at least one: more is another word. */
        size_t worth = longer < 3 ? 1 : longer / 3;
        size_t bound = nearest ? least(worth, limit - 1) : worth;
        if (longer - shorter > bound)
            continue;
        size_t found = distance(a, a_length, b, b_length, bound);
        if (found > bound || found >= longer)
            continue;
        nearest = *candidates;
        limit = found;
        if (limit == 0)
            break;
    }
    return nearest;
}
