/*
 * tse-reconcile schema: writes what is generated from the field tables. The files are committed, so
 * that a cluster, an editor and a reader can use them without building anything; --check keeps them
 * current.
 */
#include "commands/common.h"

#include "base/memory.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct schema {
    const char *kind;
    const char *file;
    bool documentation; /* goes to --docs instead of --dir */
    void (*write)(FILE *out);
};

static const struct schema schemas[] = {
    {"crd", "environments.tse.io.yaml", false, schema_write_crd},
    {"json-schema", "environment.schema.json", false, schema_write_json_schema},
    {"reference", "reference.md", true, schema_write_reference},
};
#define SCHEMA_COUNT (sizeof(schemas) / sizeof(schemas[0]))

struct schema_options {
    const char *dir, *docs;
    const struct schema *only; /* to stdout, or the one to check */
    bool check;
};

enum { KEY_DIR = 768, KEY_DOCS, KEY_CHECK };

static const struct schema *find(const char *kind) {
    for (size_t i = 0; i < SCHEMA_COUNT; i++)
        if (strcmp(schemas[i].kind, kind) == 0)
            return &schemas[i];
    return NULL;
}

static error_t parse(int key, char *argument, struct argp_state *state) {
    struct schema_options *options = state->input;
    switch (key) {
    case KEY_DIR:
        options->dir = argument;
        return 0;
    case KEY_DOCS:
        options->docs = argument;
        return 0;
    case KEY_CHECK:
        options->check = true;
        return 0;
    case 'h':
        argp_state_help(state, stdout, ARGP_HELP_STD_HELP);
        return 0;
    case ARGP_KEY_ARG:
        options->only = find(argument);
        if (!options->only || state->arg_num > 0)
            argp_error(state, "\"%s\" is not one KIND: use crd, json-schema or reference",
                       argument);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_option list[] = {
    {"dir", KEY_DIR, "DIR", 0, "Where the schemas are (default specs)", 0},
    {"docs", KEY_DOCS, "DIR", 0, "Where reference.md is (default docs)", 0},
    {"check", KEY_CHECK, NULL, 0, "Write nothing; exit code 1 if a file is not current", 0},
    {NULL, 'h', NULL, OPTION_HIDDEN, NULL, 0},
    {0},
};

static const struct argp argp = {
    list,
    parse,
    "[KIND]",
    "Writes the CustomResourceDefinition (environments.tse.io.yaml), the JSON Schema for editors "
    "(environment.schema.json) and the reference documentation (reference.md); with KIND (crd, "
    "json-schema or reference) only that one, to stdout; with --check only that one is checked.",
    NULL,
    NULL,
    NULL};

static char *generate(const struct schema *schema, size_t *size) {
    char *text = NULL;
    FILE *out = open_memstream(&text, size);
    if (!out)
        return NULL;
    schema->write(out);
    fclose(out);
    return text;
}

/* Whether the file holds exactly this. */
static bool is_current(const char *path, const char *text, size_t size) {
    cleanup_file FILE *file = fopen(path, "rb");
    if (!file)
        return false;
    cleanup_free char *old = memory_alloc(size + 1);
    return fread(old, 1, size + 1, file) == size && memcmp(old, text, size) == 0;
}

/* Beside it first, then in its place: no reader ever sees half a file. */
static int replace(const char *path, const char *text, size_t size, struct error *error) {
    cleanup_free char *beside = format_text("%s.new", path);
    FILE *file = fopen(beside, "wb");
    bool written = file && fwrite(text, 1, size, file) == size;
    int problem = errno;
    if (file && fclose(file) != 0) {
        written = false;
        problem = errno;
    }
    if (written && rename(beside, path) == 0)
        return 0;
    problem = written ? errno : problem;
    remove(beside);
    return error_set(
        error, ERROR_FAILED,
        "\"%s\" cannot be written: %s: run it in the project's folder, or say where with "
        "--dir and --docs",
        path, strerror(problem));
}

static int bring_up_to_date(const struct schema_options *options, const struct schema *schema,
                            bool *stale, struct error *error) {
    size_t size = 0;
    cleanup_free char *text = generate(schema, &size);
    cleanup_free char *path =
        format_text("%s/%s", schema->documentation ? options->docs : options->dir, schema->file);
    if (!text)
        return error_set(error, ERROR_FAILED, "out of memory: free some, then run it again");
    if (is_current(path, text, size))
        return 0;
    *stale = true;
    if (options->check) {
        fprintf(stderr, "%s is not current: run \"tse-reconcile schema\" and commit it\n", path);
        return 0;
    }
    if (replace(path, text, size, error) != 0)
        return -1;
    printf("%s written\n", path);
    return 0;
}

int command_schema(int argc, char **argv) {
    static const struct output_options for_people = {OUTPUT_TABLE, NULL};
    struct schema_options options = {.dir = "specs", .docs = "docs"};
    parse_options(&argp, argc, argv, &options);
    if (options.only && !options.check) {
        options.only->write(stdout);
        return EXIT_DONE;
    }
    cleanup_error struct error error = ERROR_INIT;
    bool stale = false;
    for (size_t i = 0; i < SCHEMA_COUNT; i++)
        if ((!options.only || options.only == &schemas[i]) &&
            bring_up_to_date(&options, &schemas[i], &stale, &error) != 0)
            return report_error(&error, &for_people);
    return options.check && stale ? EXIT_FAILED : EXIT_DONE;
}
