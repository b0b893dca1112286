/*
 * Documents that scripts read: one jansson value, written as JSON or as YAML.
 */
#ifndef TSE_STATUS_DOCUMENT_H
#define TSE_STATUS_DOCUMENT_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

/* Writes the document, keys in the order they were set, with a newline at the end. */
void document_write(const json_t *document, bool yaml, FILE *out);

/* Sets `key` to a text, or to null when it is NULL; text that is not UTF-8 is made so. */
void document_text(json_t *object, const char *key, const char *value);

#endif
