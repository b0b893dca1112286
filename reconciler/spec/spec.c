/*
 * Reading desired state, step by step: files and includes (include.c), overlaying and ${…}
 * (overlay.c), decoding by the tables (decode.c), features, secrets, files, and what must hold
 * between fields (validate.c). A step goes on as far as it can, so that one run shows all errors.
 */
#include "spec/spec.h"
#include "base/memory.h"
#include "spec/reading.h"

#include <stdlib.h>
#include <string.h>

/* Hash tables; what is in them lives in arenas. */
static void free_tables(struct reading *reading) {
    HASH_CLEAR(hh, reading->documents);
    HASH_CLEAR(hh, reading->switched_off);
}

static void begin_reading(struct reading *reading, const char *file) {
    reading->arena = arena_new();
    reading->file = arena_copy(reading->arena, file);
    reading->decoder.arena = reading->arena;
    reading->decoder.diagnostics = reading->diagnostics;
    reading->environment = arena_alloc(reading->arena, sizeof *reading->environment);
    reading->environment->arena = reading->arena;
    reading->environment->file = reading->file;
}

static void decode_environment(struct reading *reading) {
    struct environment *environment = reading->environment;
    struct environment_draft *draft = &reading->draft;
    decode_object(&reading->decoder, NULL, &kind_environment, reading->root, draft);
    environment->name = draft->name;
    environment->project = draft->project ? draft->project : draft->name;
    environment->networks = draft->networks;
    environment->network_count = draft->network_count;
    environment->volumes = draft->volumes;
    environment->volume_count = draft->volume_count;
    environment->redis = draft->redis;
}

/* Returns NULL after errors. */
static struct environment *run_steps(struct reading *reading) {
    size_t errors = diagnostics_errors(reading->diagnostics);
    if (load_documents(reading) != 0)
        return NULL;
    reading->decoder.incomplete = reading->incomplete;
    interpolate_environment(reading);
    decode_environment(reading);
    resolve_secrets(reading);
    apply_features(reading);
    resolve_variables(reading);
    if (!reading->incomplete)
        validate_environment(reading);
    if (diagnostics_errors(reading->diagnostics) > errors)
        return NULL;
    compute_revision(reading);
    return reading->environment;
}

static struct environment *read_environment(struct reading *reading, const char *file) {
    begin_reading(reading, file);
    struct environment *environment = run_steps(reading);
    if (!environment)
        arena_free(reading->arena);
    return environment;
}

struct environment *spec_read(const char *file, const struct spec_options *options,
                              struct diagnostics *diagnostics) {
    return spec_read_text(file, NULL, 0, options, diagnostics);
}

struct environment *spec_read_text(const char *file, const char *text, size_t size,
                                   const struct spec_options *options,
                                   struct diagnostics *diagnostics) {
    cleanup_arena struct arena *trees = arena_new();
    __attribute__((cleanup(free_tables))) struct reading reading = {.options = options,
                                                                    .diagnostics = diagnostics,
                                                                    .trees = trees,
                                                                    .text = text,
                                                                    .text_size = size};
    return read_environment(&reading, file);
}

int spec_render(const char *file, const struct spec_options *options, bool json, FILE *out,
                struct diagnostics *diagnostics) {
    cleanup_arena struct arena *trees = arena_new();
    struct spec_options without_secrets = *options;
    without_secrets.allow_missing_secrets = true;
    __attribute__((cleanup(free_tables))) struct reading reading = {
        .options = &without_secrets, .diagnostics = diagnostics, .trees = trees};
    struct environment *environment = read_environment(&reading, file);
    if (!environment)
        return -1;
    struct node *tree = render_tree(&reading);
    if (json)
        node_write_json(tree, out);
    else
        node_write_yaml(tree, out);
    environment_free(environment);
    return 0;
}
