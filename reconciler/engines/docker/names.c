/* Names on the engine and keys in the environment; see docs/architecture.md. */
#include "engines/docker/fields.h"

#include <string.h>

char *docker_name(struct arena *arena, const char *project, const char *name, int instance) {
    if (instance > 1)
        return arena_format(arena, "%s-%s-%d", project, name, instance);
    return arena_format(arena, "%s-%s", project, name);
}

char *docker_key(struct arena *arena, const char *kind, const char *name, int instance) {
    if (instance > 1)
        return arena_format(arena, "%s/%s[%d]", kind, name, instance);
    return arena_format(arena, "%s/%s", kind, name);
}

enum slot docker_slot(const char *engine_name, const char *expected) {
    size_t length = strlen(expected);
    if (strncmp(engine_name, expected, length) != 0)
        return SLOT_CURRENT;
    if (strcmp(engine_name + length, SUFFIX_NEXT) == 0)
        return SLOT_NEXT;
    if (strcmp(engine_name + length, SUFFIX_PREVIOUS) == 0)
        return SLOT_PREVIOUS;
    return SLOT_CURRENT;
}

char *docker_project_of(struct arena *arena, const struct resource *container) {
    char *own = docker_name(arena, "", container->name, container->instance);
    size_t length = strlen(container->engine_name), tail = strlen(own);
    if (length < tail)
        return arena_copy(arena, "");
    return arena_copy_n(arena, container->engine_name, length - tail);
}
