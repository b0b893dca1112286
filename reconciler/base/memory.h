/*
 * Memory. Two lifetimes cover nearly everything: an arena for what lives as long as one pass
 * (an environment, resources, a plan) and is freed at once, and scope-bound pointers that the
 * cleanup attribute frees. Running out of memory ends the program with a message: no caller could
 * do better, and the state of the engine is safe at any point (design, promise 1).
 */
#ifndef TSE_BASE_MEMORY_H
#define TSE_BASE_MEMORY_H

#include <stdarg.h>
#include <stddef.h>

/* malloc family that never returns NULL. The caller frees the result with free(). */
void *memory_alloc(size_t size); /* zeroed */
void *memory_resize(void *old, size_t size);
char *copy_text(const char *text); /* NULL stays NULL */
char *format_text(const char *format, ...) __attribute__((format(printf, 1, 2)));
char *format_va(const char *format, va_list arguments) __attribute__((format(printf, 1, 0)));

/* An arena: a glibc obstack. Everything allocated from it is freed by arena_free(). */
struct arena;

struct arena *arena_new(void);
void arena_free(struct arena *arena);                    /* NULL is allowed */
void *arena_alloc(struct arena *arena, size_t size);     /* zeroed, aligned for any type */
char *arena_copy(struct arena *arena, const char *text); /* NULL stays NULL */
char *arena_copy_n(struct arena *arena, const char *text, size_t length); /* NUL-terminated */
char *arena_format(struct arena *arena, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Bytes held by the arena, for tests and the bench. */
size_t arena_size(struct arena *arena);

/* A typed zeroed array in an arena. */
#define arena_array(arena, type, count) ((type *)arena_alloc((arena), sizeof(type) * (count)))

void cleanup_free_pointer(void *pointer);
void cleanup_arena_pointer(struct arena **pointer);
void cleanup_file_pointer(void *pointer);

#define cleanup_free  __attribute__((cleanup(cleanup_free_pointer)))
#define cleanup_arena __attribute__((cleanup(cleanup_arena_pointer)))
#define cleanup_file  __attribute__((cleanup(cleanup_file_pointer)))

#endif
