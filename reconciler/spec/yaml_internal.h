/* What reading YAML (yaml.c) and explaining what is wrong with it (yaml_error.c) share, and
 * the tags of scalars (scalar.c). */
#ifndef TSE_SPEC_YAML_INTERNAL_H
#define TSE_SPEC_YAML_INTERNAL_H

#include "spec/diagnostics.h"

#include <yaml.h>

struct node;

#define CORE_TAG "tag:yaml.org,2002:"

/* Adds an error at a position. */
void yaml_problem(struct diagnostics *diagnostics, struct position at, unsigned width,
                  const char *help, const char *format, ...) __attribute__((format(printf, 5, 6)));

/* Reports what the parser stumbled over, in words that say what to do. */
void yaml_report_syntax(const yaml_parser_t *parser, const char *file, const char *text,
                        size_t size, struct diagnostics *diagnostics);

/* Checks that a text is UTF-8 and holds only characters that YAML allows. Returns 0, or -1 with a
 * diagnostic. */
int yaml_check_characters(const char *file, const char *text, size_t size,
                          struct diagnostics *diagnostics);

/* Applies a tag of the core schema to a scalar, in scalar.c. Returns false for any other tag, or
 * one that does not fit. */
bool yaml_apply_tag(struct node *node, const char *tag);

#endif
