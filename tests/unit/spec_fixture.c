/* A directory of files to read environments from; see the header. */
#include "unit/spec_fixture.h"

#include "base/memory.h"
#include "spec/spec.h"

#include <criterion/criterion.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HEADER "apiVersion: tse.io/v1alpha1\nkind: %s\nmetadata: {name: %s}\nspec:\n%s"

static char directory[] = "/tmp/tse-spec-XXXXXX";
static const char *variables[16];
static size_t variable_count;
static struct environment *current;
static char *printed;
bool fixture_without_secrets;

void fixture_begin(void) {
    cr_assert(mkdtemp(directory) && chdir(directory) == 0);
}

static int remove_entry(const char *path, const struct stat *status, int type, struct FTW *walk) {
    (void)status, (void)type, (void)walk;
    return remove(path);
}

void fixture_end(void) {
    environment_free(current);
    free(printed);
    current = NULL;
    printed = NULL;
    cr_assert(chdir("/") == 0);
    nftw(directory, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

void fixture_write(const char *file, const char *text) {
    FILE *out = fopen(file, "w");
    cr_assert(out, "%s cannot be written", file);
    fputs(text, out);
    fclose(out);
}

static void write_document(const char *file, const char *kind, const char *name, const char *spec) {
    cleanup_free char *text = format_text(HEADER, kind, name, spec);
    fixture_write(file, text);
}

void fixture_environment(const char *spec) {
    write_document("dev.yaml", "Environment", "dev", spec);
}

void fixture_stack(const char *file, const char *spec) {
    write_document(file, "Stack", "stack", spec);
}

void fixture_set(const char *name_is_value) {
    variables[variable_count++] = name_is_value;
}

static struct spec_options options(void) {
    return (struct spec_options){.process_environment = variables,
                                 .allow_missing_secrets = fixture_without_secrets};
}

static void keep_printed(const struct diagnostics *diagnostics) {
    size_t size;
    free(printed);
    printed = NULL;
    FILE *out = open_memstream(&printed, &size);
    diagnostics_print(diagnostics, out, false);
    fclose(out);
}

const struct environment *fixture_read(void) {
    struct diagnostics *diagnostics = diagnostics_new();
    struct spec_options given = options();
    environment_free(current);
    current = spec_read("dev.yaml", &given, diagnostics);
    keep_printed(diagnostics);
    cr_assert((current == NULL) == (diagnostics_errors(diagnostics) > 0));
    diagnostics_free(diagnostics);
    return current;
}

const struct environment *fixture_must_read(void) {
    fixture_read();
    cr_assert(current, "%s", printed);
    return current;
}

const struct service *fixture_service(const char *fields) {
    cleanup_free char *spec =
        format_text("  networks: {a: {}, b: {subnet: 10.1.0.0/16}}\n"
                    "  volumes: {data: {}, more: {}}\n"
                    "  secrets: {password: {env: PASSWORD, default: hunter2}}\n"
                    "  services:\n"
                    "    other: {image: other}\n"
                    "    x:\n"
                    "      image: x:1\n%s",
                    fields);
    fixture_environment(spec);
    const struct environment *environment = fixture_must_read();
    return environment_service(environment, "x");
}

const char *fixture_errors(void) {
    cr_assert(!fixture_read(), "expected errors");
    return printed;
}

const char *fixture_printed(void) {
    return printed;
}

void expect_spec_error(const char *spec, const char *text) {
    fixture_environment(spec);
    fixture_read();
    cr_expect(!current, "expected an error for:\n%s", spec);
    cr_expect(strstr(printed, text), "expected: %s\nprinted: %s", text, printed);
}

void expect_service_error(const char *fields, const char *text) {
    cleanup_free char *spec = format_text("  services:\n"
                                          "    x:\n"
                                          "      image: x:1\n%s",
                                          fields);
    expect_spec_error(spec, text);
}

const char *fixture_render(bool json) {
    struct diagnostics *diagnostics = diagnostics_new();
    struct spec_options given = options();
    size_t size;
    free(printed);
    printed = NULL;
    FILE *out = open_memstream(&printed, &size);
    int result = spec_render("dev.yaml", &given, json, out, diagnostics);
    if (result != 0)
        diagnostics_print(diagnostics, out, false);
    fclose(out);
    diagnostics_free(diagnostics);
    cr_assert(result == 0, "%s", printed);
    return printed;
}
