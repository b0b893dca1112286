/* What the schemas share: building trees of nodes. Not for inclusion elsewhere. */
#ifndef TSE_SPEC_SCHEMA_INTERNAL_H
#define TSE_SPEC_SCHEMA_INTERNAL_H

#include "spec/tables.h"

/* Nodes in an arena; keys and texts are kept, not copied. The setters return the value they were
 * given, so that calls nest. */
struct node *schema_map(struct arena *arena);
struct node *schema_list(struct arena *arena);
struct node *schema_set(struct arena *arena, struct node *map, const char *key, struct node *value);
struct node *schema_append(struct arena *arena, struct node *list, struct node *value);
void schema_set_text(struct arena *arena, struct node *map, const char *key, const char *text);
void schema_set_bool(struct arena *arena, struct node *map, const char *key, bool value);
void schema_set_number(struct arena *arena, struct node *map, const char *key, long long value);
struct node *schema_text(struct arena *arena, const char *text);

/* Sets "enum" to the texts of choices. */
void schema_set_choices(struct arena *arena, struct node *map, const struct choice *choices);
/* Sets "minimum" and "maximum" of an integer field. */
void schema_set_bounds(struct arena *arena, struct node *map, const struct field_spec *field);
/* Sets "default" in the field's JSON type, if it has one that may be written. */
void schema_set_default(struct arena *arena, struct node *map, const struct field_spec *field);
/* Sets "pattern" and "minLength". */
void schema_set_notation(struct arena *arena, struct node *map, const struct value_type *type);
/* Sets "required" to the names of the kind's required fields, if there are any. */
void schema_set_required(struct arena *arena, struct node *map, const struct kind_spec *kind);
/* "The image it runs, as redis:7-alpine." */
const char *schema_sentence(struct arena *arena, const char *help);

#endif
