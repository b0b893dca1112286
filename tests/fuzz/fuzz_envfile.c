/*
 * Any bytes as an env file: errors come with a position inside of the file and never show a value;
 * what a file sets, the process environment still overrides.
 */
#include "base/memory.h"
#include "spec/diagnostics.h"
#include "spec/variables.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define MAX_INPUT (64u << 10)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const char *const environment[] = {"FOO=first", "EMPTY=", NULL};
    static FILE *nowhere;
    if (!nowhere)
        nowhere = fopen("/dev/null", "w");
    if (size > MAX_INPUT)
        return 0;
    struct arena *arena = arena_new();
    struct variables *variables = variables_new(arena, environment);
    struct diagnostics *diagnostics = diagnostics_new();
    char *text = malloc(size ? size : 1);
    memcpy(text, data, size);
    size_t lines = 1;
    for (size_t i = 0; i < size; i++)
        lines += text[i] == '\n';
    variables_mark_sensitive(variables, (const char *const[]){"A", NULL});
    int status = variables_read_text(variables, "fuzz.env", text, size, diagnostics);
    assert((status != 0) == (diagnostics_errors(diagnostics) > 0));
    assert(strcmp(variables_get(variables, "FOO"), "first") == 0);
    assert(strcmp(variables_get(variables, "EMPTY"), "") == 0);
    for (size_t i = 0; i < diagnostics_count(diagnostics); i++) {
        const struct diagnostic *diagnostic = diagnostics_get(diagnostics, i);
        assert(diagnostic->at.line >= 1 && diagnostic->at.line <= lines);
        assert(diagnostic->at.column >= 1 && diagnostic->at.column <= size + 1);
    }
    diagnostics_print(diagnostics, nowhere, false);
    variables_mark_sensitive(variables, (const char *const[]){"B", NULL});
    free(text);
    diagnostics_free(diagnostics);
    arena_free(arena);
    return 0;
}
