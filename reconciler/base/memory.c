/* Allocation that cannot fail, and arenas; see memory.h. */
#include "base/memory.h"

#include <obstack.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static _Noreturn void out_of_memory(void) {
    fputs("tse-reconcile: out of memory. Free some, then run the command again.\n", stderr);
    abort();
}

void *memory_alloc(size_t size) {
    void *memory = calloc(1, size ? size : 1);
    if (!memory)
        out_of_memory();
    return memory;
}

void *memory_resize(void *old, size_t size) {
    void *memory = realloc(old, size ? size : 1);
    if (!memory)
        out_of_memory();
    return memory;
}

char *copy_text(const char *text) {
    if (!text)
        return NULL;
    char *copy = strdup(text);
    if (!copy)
        out_of_memory();
    return copy;
}

char *format_va(const char *format, va_list arguments) {
    char *text = NULL;
    if (vasprintf(&text, format, arguments) < 0)
        out_of_memory();
    return text;
}

char *format_text(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    char *text = format_va(format, arguments);
    va_end(arguments);
    return text;
}

struct arena {
    struct obstack stack;
};

static void *chunk_alloc(size_t size) {
    void *memory = malloc(size);
    if (!memory)
        out_of_memory();
    return memory;
}

#define obstack_chunk_alloc chunk_alloc
#define obstack_chunk_free  free

struct arena *arena_new(void) {
    struct arena *arena = memory_alloc(sizeof *arena);
    obstack_init(&arena->stack);
    obstack_alignment_mask(&arena->stack) = _Alignof(max_align_t) - 1;
    return arena;
}

void arena_free(struct arena *arena) {
    if (!arena)
        return;
    obstack_free(&arena->stack, NULL);
    free(arena);
}

/* glibc's macro aligns by adding to a null pointer, which clang's sanitizer takes for a mistake. */
__attribute__((no_sanitize("pointer-overflow"))) void *arena_alloc(struct arena *arena,
                                                                   size_t size) {
    /* obstack counts in int in its macros; larger blocks than that are never ours. */
    if (size > INT32_MAX / 2)
        out_of_memory();
    void *memory = obstack_alloc(&arena->stack, (int)size);
    memset(memory, 0, size);
    return memory;
}

char *arena_copy_n(struct arena *arena, const char *text, size_t length) {
    char *copy = arena_alloc(arena, length + 1);
    memcpy(copy, text, length);
    return copy;
}

char *arena_copy(struct arena *arena, const char *text) {
    return text ? arena_copy_n(arena, text, strlen(text)) : NULL;
}

char *arena_format(struct arena *arena, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    cleanup_free char *text = format_va(format, arguments);
    va_end(arguments);
    return arena_copy(arena, text);
}

size_t arena_size(struct arena *arena) {
    return (size_t)obstack_memory_used(&arena->stack);
}

void cleanup_free_pointer(void *pointer) {
    free(*(void **)pointer);
}

void cleanup_arena_pointer(struct arena **pointer) {
    arena_free(*pointer);
}

void cleanup_file_pointer(void *pointer) {
    FILE *file = *(FILE **)pointer;
    if (file)
        fclose(file);
}
