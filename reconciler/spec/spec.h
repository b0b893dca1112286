/*
 * Reading desired state: the one entry into spec/. Files → tree with positions → include → overlay
 * → interpolate → decode by the field tables → validate → struct environment.
 */
#ifndef TSE_SPEC_SPEC_H
#define TSE_SPEC_SPEC_H

#include "spec/environment.h"

#include <stdio.h>

struct error;
struct diagnostics;

struct spec_options {
    const char *const *process_environment; /* "NAME=value" strings, NULL-terminated (environ); wins
                                               over envFiles */
    bool allow_missing_secrets; /* render, validate --no-secrets: do not resolve secret values */
};

/*
 * Reads an Environment file. Returns it (free with environment_free()), or NULL with every problem
 * found in `diagnostics`. Touches nothing but the files it reads.
 */
struct environment *spec_read(const char *file, const struct spec_options *options,
                              struct diagnostics *diagnostics);
void environment_free(struct environment *environment);

/* Writes the flattened Environment (includes, overlays, interpolation and `when` applied; secrets
 * by reference, their defaults as declared) as YAML or JSON. Returns 0, or -1 with diagnostics. */
int spec_render(const char *file, const struct spec_options *options, bool json, FILE *out,
                struct diagnostics *diagnostics);

/* Schemas and documentation from the field tables. */
void schema_write_crd(FILE *out);         /* CustomResourceDefinition YAML, apiextensions/v1 */
void schema_write_json_schema(FILE *out); /* JSON Schema for editors, of Environment and Stack */
void schema_write_reference(FILE *out);   /* docs/reference.md */

#endif
