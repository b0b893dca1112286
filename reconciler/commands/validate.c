/* tse-reconcile validate: checks files without an engine. */
#include "commands/common.h"

#include "base/memory.h"
#include "status/document.h"

#include <stdlib.h>
#include <unistd.h>

struct validate_options {
    struct output_options output;
    bool no_secrets;
    const char **files; /* malloc'd */
    size_t count;
};

enum { KEY_NO_SECRETS = 768 };

static error_t parse(int key, char *argument, struct argp_state *state) {
    struct validate_options *options = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &options->output;
        return 0;
    case KEY_NO_SECRETS:
        options->no_secrets = true;
        return 0;
    case ARGP_KEY_ARG:
        options->files =
            memory_resize(options->files, sizeof(*options->files) * (options->count + 1));
        options->files[options->count++] = argument;
        return 0;
    case ARGP_KEY_END:
        if (options->count == 0)
            argp_error(state, "FILE is missing: name the files to check");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_option list[] = {
    {"no-secrets", KEY_NO_SECRETS, NULL, 0, "Do not ask for the values of secrets", 0},
    {0},
};

static const struct argp_child children[] = {{&output_argp, 0, NULL, 0}, {0}};

static const struct argp argp = {list,
                                 parse,
                                 "FILE...",
                                 "Checks environments without an engine: their syntax, every "
                                 "field, and whether ports, addresses, "
                                 "names and dependencies fit together.\v"
                                 "Exit codes: 0 all are right, 3 one has errors.",
                                 children,
                                 NULL,
                                 NULL};

static bool is_right(const struct validate_options *options, const char *file,
                     struct diagnostics *diagnostics) {
    struct spec_options how = {.process_environment = (const char *const *)environ,
                               .allow_missing_secrets = options->no_secrets};
    struct environment *environment = spec_read(file, &how, diagnostics);
    if (environment)
        environment_free(environment);
    return environment != NULL;
}

static void report(const struct validate_options *options, const char *file, bool right,
                   const struct diagnostics *diagnostics, json_t *results) {
    if (right && options->output.format == OUTPUT_TABLE) {
        size_t warnings = diagnostics_warnings(diagnostics);
        printf("%s: valid", file);
        if (warnings > 0)
            printf(", with %zu %s", warnings, warnings == 1 ? "warning" : "warnings");
        putchar('\n');
    }
    json_t *result = json_object();
    document_text(result, "file", file);
    json_object_set_new(result, "valid", json_boolean(right));
    json_object_update_new(result, diagnostics_json(diagnostics));
    json_array_append_new(results, result);
}

static json_t *failure(size_t wrong, size_t count) {
    cleanup_error struct error error = ERROR_INIT;
    error_set(&error, ERROR_INPUT, "%zu of %zu %s %s errors", wrong, count,
              count == 1 ? "file" : "files", wrong == 1 ? "has" : "have");
    return error_json(&error);
}

int command_validate(int argc, char **argv) {
    struct validate_options options = {.output.forms = "table, json or yaml"};
    parse_options(&argp, argc, argv, &options);
    json_t *results = json_array();
    size_t right = 0;
    for (size_t i = 0; i < options.count; i++) {
        struct diagnostics *diagnostics = diagnostics_new();
        bool valid = is_right(&options, options.files[i], diagnostics);
        right += valid;
        print_diagnostics(diagnostics);
        report(&options, options.files[i], valid, diagnostics, results);
        diagnostics_free(diagnostics);
    }
    json_t *document = json_pack("{s:b, s:o}", "valid", right == options.count, "files", results);
    if (right < options.count)
        json_object_set_new(document, "error", failure(options.count - right, options.count));
    if (options.output.format == OUTPUT_TABLE)
        json_decref(document);
    else
        output_document(document, options.output.format);
    free(options.files);
    return right == options.count ? EXIT_DONE : EXIT_SPEC;
}
