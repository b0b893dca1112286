/* Paths of files, as text; see paths.h. */
#include "spec/paths.h"
#include "base/memory.h"

#include <stdbool.h>
#include <string.h>

static bool is_parent(const char *component, size_t length) {
    return length == 2 && component[0] == '.' && component[1] == '.';
}

/* Cuts the last component off what was written so far. */
static size_t cut_last(const char *text, size_t used) {
    while (used > 0 && text[used - 1] != '/')
        used--;
    return used > 1 ? used - 1 : used;
}

/* Whether ".." takes something away: not at the start, and not after another "..". */
static bool can_go_up(const char *text, size_t used) {
    size_t start = used;
    while (start > 0 && text[start - 1] != '/')
        start--;
    return used > start && !is_parent(text + start, used - start);
}

static const char *clean(struct arena *arena, const char *path) {
    char *text = arena_alloc(arena, strlen(path) + 2);
    size_t used = 0;
    bool absolute = *path == '/';
    if (absolute)
        text[used++] = '/';
    while (*path) {
        size_t length = strcspn(path, "/");
        if (is_parent(path, length) && (can_go_up(text, used) || (absolute && used == 1))) {
            used = cut_last(text, used);
        } else if (length > 0 && !(length == 1 && *path == '.')) {
            if (used > 0 && text[used - 1] != '/')
                text[used++] = '/';
            memcpy(text + used, path, length);
            used += length;
        }
        path += length;
        path += strspn(path, "/");
    }
    if (used == 0)
        text[used++] = '.';
    text[used] = '\0';
    return text;
}

const char *path_beside(struct arena *arena, const char *from, const char *path) {
    const char *slash = strrchr(from, '/');
    if (*path == '/' || !slash)
        return clean(arena, path);
    return clean(arena, arena_format(arena, "%.*s/%s", (int)(slash - from), from, path));
}

const char *path_from(struct arena *arena, const char *from, const char *path) {
    from = clean(arena, from);
    if ((*from == '/') != (*path == '/'))
        return path;
    /* Skip the directories both have. */
    for (;;) {
        size_t length = strcspn(from, "/");
        if (from[length] != '/' || strncmp(from, path, length + 1) != 0)
            break;
        from += length + 1;
        path += length + 1;
    }
    const char *result = path;
    for (const char *slash = strchr(from, '/'); slash; slash = strchr(slash + 1, '/'))
        result = arena_format(arena, "../%s", result);
    return result;
}
