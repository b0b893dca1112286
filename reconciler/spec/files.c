/* Loading the content of services' files: from the text itself, a file, or all files of a folder.
 */
#include "base/error.h"
#include "base/memory.h"
#include "spec/interpolate.h"
#include "spec/paths.h"
#include "spec/reading.h"
#include "spec/source.h"
#include "spec/utf8.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define MAX_FILES       1000 /* of a service */
#define MAX_BYTES       ((size_t)16 << 20)
#define MAX_TOTAL_BYTES ((size_t)64 << 20)
#define MAX_DEPTH       16

struct loading { /* of one entry of `files` */
    struct reading *reading;
    const struct path *path;
    const struct file_draft *draft;
    const struct node *node; /* of the source or the content */
    struct file *items;
    size_t count, capacity;
    size_t bytes;
};

static void problem_file(struct loading *loading, const char *help, const char *message) {
    struct path inner = {loading->path, loading->draft->file.source ? "source" : "content", 0};
    problem_at(&loading->reading->decoder, &inner, loading->node, help, "%s", message);
}

/* --- ${…} in the content ------------------------------------------------------------------------
 */

static const char *find_secret(void *context, const char *name) {
    const struct loading *loading = context;
    const struct secret *secret = environment_secret(loading->reading->environment, name);
    /* One without a value was reported where it is declared; one that is not declared may be in a
     * Stack that could not be read. */
    if (!secret)
        return loading->reading->incomplete ? "" : NULL;
    return secret->value ? secret->value : "";
}

static const char *suggest_secret(const struct loading *loading, const char *unknown) {
    const struct environment *environment = loading->reading->environment;
    struct arena *arena = loading->reading->trees;
    if (!worth_the_effort(loading->reading->diagnostics))
        return NULL;
    const char **names = arena_array(arena, const char *, environment->secret_count + 1);
    for (size_t i = 0; i < environment->secret_count; i++)
        names[i] = environment->secrets[i].name;
    const char *help = did_you_mean(arena, unknown, names);
    return help ? help : "declare it under `secrets`";
}

/* Text that is interpolated: of a file, or inline when `path` is NULL. */
struct content {
    const char *path;
    const char *data;
    size_t size;
};

/* Points into the file itself; for inline content, at the content. */
static struct node place_in(struct loading *loading, const struct content *content, size_t offset) {
    struct node place = *loading->node;
    if (!content->path)
        return place;
    place.at = (struct position){arena_copy(loading->reading->trees, content->path), 1, 1};
    place.width = 1;
    size_t line = 0; /* where it starts */
    for (size_t i = 0; i < offset;) {
        size_t width = utf8_line_break(content->data + i, content->size - i);
        i += width ? width : 1;
        place.at.line += width > 0;
        line = width ? i : line;
    }
    if (offset > line)
        place.at.column += (unsigned)utf8_length(content->data + line, offset - line);
    return place;
}

static void problem_in_content(struct loading *loading, const struct content *content,
                               const struct interpolation_note *note) {
    struct path inner = {loading->path, content->path ? "source" : "content", 0};
    struct node place = place_in(loading, content, note->at);
    if (note->secret)
        problem_at(&loading->reading->decoder, &inner, &place,
                   suggest_secret(loading, note->secret), "the secret \"%s\" is not declared",
                   note->secret);
    else
        problem_at(&loading->reading->decoder, &inner, &place, NULL, "%s", note->text);
}

/* With a secret in it, a file that lacks something is a password of nothing more often than not. */
static void report_unset(struct loading *loading, const struct content *content,
                         const struct interpolation_note *note, bool secret) {
    struct path inner = {loading->path, content->path ? "source" : "content", 0};
    struct node place = place_in(loading, content, note->at);
    cleanup_free char *help = format_text(
        "set it in the environment or in an env file, or give a default: ${%s:-…}", note->text);
    place.width = (unsigned)strlen(note->text) + 1;
    if (secret)
        problem_at(&loading->reading->decoder, &inner, &place, help,
                   "variable \"%s\" is not set, in a file that holds secrets", note->text);
    else
        warning_at(&loading->reading->decoder, &inner, &place, help,
                   "variable \"%s\" is not set; it is replaced by nothing", note->text);
}

static bool has_place(struct loading *loading) {
    if (loading->count < MAX_FILES)
        return true;
    problem_file(loading, "mount a volume for so many", "the service has more than 1000 files");
    return false;
}

/* `path` is NULL for inline content. */
static void set_content(struct loading *loading, struct file *file, const char *path,
                        const char *data, size_t size) {
    struct reading *reading = loading->reading;
    if (!loading->draft->interpolate) {
        file->data = arena_copy_n(reading->arena, data, size);
        file->size = size;
        return;
    }
    struct interpolation result =
        interpolate_text(reading->arena, data, size, reading->variables, find_secret, loading);
    const struct content content = {path, data, size};
    const struct interpolation_note *note;
    for (note = result.problems; note; note = note->next)
        problem_in_content(loading, &content, note);
    for (note = result.unset; note; note = note->next)
        report_unset(loading, &content, note, result.sensitive);
    if (!result.text) {
        result.text = "";
        result.length = 0;
    }
    file->data = result.text;
    file->size = result.length;
    file->secret = result.sensitive;
}

/* --- sources ------------------------------------------------------------------------------------
 */

static struct file *add_file(struct loading *loading) {
    if (loading->count == loading->capacity) {
        loading->capacity = loading->capacity ? loading->capacity * 2 : 4;
        loading->items = memory_resize(loading->items, loading->capacity * sizeof(struct file));
    }
    struct file *file = &loading->items[loading->count++];
    *file = loading->draft->file;
    return file;
}

static bool within_bounds(struct loading *loading, size_t size) {
    struct reading *reading = loading->reading;
    if ((loading->bytes += size) > MAX_BYTES)
        problem_file(loading, "mount a volume for large data", "is larger than 16 MiB in all");
    else if ((reading->file_bytes += size) > MAX_TOTAL_BYTES)
        problem_file(loading, "mount volumes for large data",
                     "the files of all services are larger than 64 MiB");
    else
        return true;
    return false;
}

static int load_file(struct loading *loading, const char *path, const char *target) {
    cleanup_source struct source source = {0};
    cleanup_error struct error error = ERROR_INIT;
    if (source_read(path, MAX_BYTES, &source, &error) != 0) {
        cleanup_free char *message = format_text("\"%s\": %s", path, error_text(&error));
        problem_file(loading, NULL, message);
        return -1;
    }
    if (!within_bounds(loading, source.size))
        return -1;
    struct file *file = add_file(loading);
    file->target = target;
    set_content(loading, file, path, source.text, source.size);
    return 0;
}

static int load_path(struct loading *loading, const char *path, const char *target, unsigned depth);

/* Kubernetes keeps the versions of a mounted ConfigMap in "..data" and the like: not content. */
static int is_content(const struct dirent *entry) {
    return strncmp(entry->d_name, "..", 2) != 0 && strcmp(entry->d_name, ".") != 0;
}

static int compare_entries(const struct dirent **left, const struct dirent **right) {
    return strcmp((*left)->d_name, (*right)->d_name);
}

static int load_folder(struct loading *loading, const char *path, const char *target,
                       unsigned depth) {
    struct arena *arena = loading->reading->arena;
    struct dirent **entries = NULL;
    int count = depth < MAX_DEPTH ? scandir(path, &entries, is_content, compare_entries) : 0;
    int result = 0;
    if (depth >= MAX_DEPTH || count < 0) {
        cleanup_free char *message =
            count < 0 ? format_text("\"%s\": %s", path, strerror(errno))
                      : format_text("\"%s\" is more than %d folders deep", path, MAX_DEPTH);
        problem_file(loading, NULL, message);
        result = -1;
    }
    for (int i = 0; i < count; i++) {
        if (result == 0)
            result = load_path(loading, arena_format(arena, "%s/%s", path, entries[i]->d_name),
                               arena_format(arena, "%s/%s", strcmp(target, "/") == 0 ? "" : target,
                                            entries[i]->d_name),
                               depth + 1);
        free(entries[i]);
    }
    free(entries);
    return result;
}

static int load_path(struct loading *loading, const char *path, const char *target,
                     unsigned depth) {
    struct stat status;
    if (!has_place(loading))
        return -1;
    if (stat(path, &status) == 0 && S_ISDIR(status.st_mode))
        return load_folder(loading, path, target, depth);
    return load_file(loading, path, target);
}

static void load_draft(struct loading *loading) {
    const struct file_draft *draft = loading->draft;
    const char *name = draft->file.source ? "source" : "content";
    loading->node = node_get(draft->node, name);
    /* What is wrong with an entry that is incomplete was reported when it was read. */
    if (!loading->node || !draft->file.target)
        return;
    if (draft->file.source) {
        const char *path =
            path_beside(loading->reading->trees, loading->node->at.file, draft->file.source);
        const size_t before = loading->count;
        if (load_path(loading, path, draft->file.target, 0) == 0 && loading->count == before) {
            struct path inner = {loading->path, "source", 0};
            warning_at(&loading->reading->decoder, &inner, loading->node, NULL,
                       "the folder \"%s\" holds no file", path);
        }
    } else if (draft->content && has_place(loading) &&
               within_bounds(loading, strlen(draft->content))) {
        set_content(loading, add_file(loading), NULL, draft->content, strlen(draft->content));
    }
}

static int compare_targets(const void *left, const void *right) {
    return strcmp(((const struct file *)left)->target, ((const struct file *)right)->target);
}

void load_files(struct reading *reading, const struct service_draft *draft,
                struct service *service) {
    struct path services = {NULL, "services", 0};
    struct path name = {&services, service->name, 0};
    struct path files = {&name, "files", 0};
    struct loading loading = {.reading = reading};
    for (size_t i = 0; i < draft->file_count; i++) {
        struct path path = {&files, NULL, i};
        loading.path = &path;
        loading.draft = &draft->files[i];
        loading.bytes = 0;
        load_draft(&loading);
    }
    service->file_count = loading.count;
    service->files = arena_array(reading->arena, struct file, loading.count);
    if (loading.count > 0)
        memcpy(service->files, loading.items, loading.count * sizeof(struct file));
    if (loading.count > 1)
        qsort(service->files, service->file_count, sizeof(struct file), compare_targets);
    free(loading.items);
}
