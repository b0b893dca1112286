/*
 * Any bytes as a text with variables: a result or a problem with a place inside of the text; a text
 * without "$" stays; what interpolation_undo() writes interpolates to the same again, and shows no
 * secret.
 */
#include "base/memory.h"
#include "spec/diagnostics.h"
#include "spec/interpolate.h"
#include "spec/node.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define MAX_INPUT (64u << 10)
#define SECRET    "s3cr3t-value"

static const char *const environment[] = {
    "FOO=first", "EMPTY=",       "A=a$b${c}", "LONG=0123456789012345678901234567890123456789",
    "S=" SECRET, "BAD=\xff\xfe", NULL,
};

static const char *secret(void *context, const char *name) {
    (void)context;
    return strcmp(name, "known") == 0 ? SECRET : NULL;
}

static void check_text(struct arena *arena, const struct variables *variables, const char *text,
                       size_t size, secret_lookup *secrets) {
    struct interpolation result = interpolate_text(arena, text, size, variables, secrets, NULL);
    assert((result.text == NULL) == (result.problems != NULL));
    bool given = size > 0 && memmem(text, size, SECRET, strlen(SECRET));
    for (const struct interpolation_note *note = result.problems; note; note = note->next) {
        assert(note->at < size);
        assert(given || !strstr(note->text, SECRET));
    }
    for (const struct interpolation_note *note = result.unset; note; note = note->next)
        assert(note->at < size);
    if (!result.text)
        return;
    if (size == 0 || !memchr(text, '$', size))
        assert(result.length == size && memcmp(result.text, text, size) == 0);
    bool shows = memmem(result.text, result.length, SECRET, strlen(SECRET));
    /* Pieces of the text may add up to the secret by themselves; then it is none of ours. */
    if (shows && !given && memmem(text, size, "$", 1) && !result.sensitive)
        assert(memmem(text, size, "s3", 2));
}

static void check_tree(struct arena *arena, const struct variables *variables, const char *text,
                       size_t size) {
    if (memchr(text, '\0', size))
        return;
    char *copy = arena_copy_n(arena, text, size);
    struct node node = {.kind = NODE_SCALAR, .text = copy, .at = {"fuzz.yaml", 1, 1}, .width = 1};
    struct diagnostics *diagnostics = diagnostics_new();
    if (interpolate_tree(arena, &node, variables, diagnostics) == 0) {
        struct node *undone = interpolation_undo(arena, &node);
        assert(!node.sensitive || strcmp(undone->text, copy) == 0);
        assert(interpolate_tree(arena, undone, variables, diagnostics) == 0);
        assert(strcmp(undone->text, node.text) == 0);
    } else {
        assert(diagnostics_errors(diagnostics) > 0);
    }
    diagnostics_free(diagnostics);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size > MAX_INPUT)
        return 0;
    struct arena *arena = arena_new();
    struct variables *variables = variables_new(arena, environment);
    variables_mark_sensitive(variables, (const char *const[]){"S", NULL});
    /* A copy of the exact size, so that reading behind its end is seen. */
    char *text = malloc(size ? size : 1);
    memcpy(text, data, size);
    check_text(arena, variables, text, size, NULL);
    check_text(arena, variables, text, size, secret);
    check_tree(arena, variables, text, size);
    free(text);
    arena_free(arena);
    return 0;
}
