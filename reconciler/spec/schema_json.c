/*
 * The JSON Schema (draft 7) for editors, of Environment and Stack files. A value may be written as
 * ${…} wherever there is a scalar, and null wherever a field may be removed by an overlay.
 */
#include "base/memory.h"
#include "spec/decode.h"
#include "spec/schema_internal.h"
#include "spec/spec.h"

#include <string.h>

struct writer {
    struct arena *arena;
    struct node *definitions;
};

static struct node *reference(struct writer *writer, const char *name) {
    struct node *schema = schema_map(writer->arena);
    schema_set_text(writer->arena, schema, "$ref",
                    arena_format(writer->arena, "#/definitions/%s", name));
    return schema;
}

static struct node *of_type(struct writer *writer, const char *type) {
    struct node *schema = schema_map(writer->arena);
    schema_set_text(writer->arena, schema, "type", type);
    return schema;
}

/* The first of the alternatives is the one editors complete from. */
static struct node *alternatives(struct writer *writer, struct node *schema) {
    return schema_set(writer->arena, schema, "anyOf", schema_list(writer->arena));
}

static struct node *texts_and_numbers(struct writer *writer, bool booleans) {
    static const char *const types[] = {"string", "number", "boolean"};
    struct node *schema = schema_map(writer->arena);
    struct node *list = schema_set(writer->arena, schema, "type", schema_list(writer->arena));
    for (size_t i = 0; i < (booleans ? 3u : 2u); i++)
        schema_append(writer->arena, list, schema_text(writer->arena, types[i]));
    return schema;
}

/* Numbers and booleans may be in quotes, as they are where variables are replaced. */
static struct node *or_text(struct writer *writer, const char *type, const char *pattern) {
    struct node *schema = schema_map(writer->arena);
    struct node *list = schema_set(writer->arena, schema, "type", schema_list(writer->arena));
    schema_append(writer->arena, list, schema_text(writer->arena, type));
    schema_append(writer->arena, list, schema_text(writer->arena, "string"));
    schema_set_text(writer->arena, schema, "pattern", pattern);
    return schema;
}

/* A scalar of a type, without ${…}. */
static struct node *scalar_schema(struct writer *writer, const struct value_type *type,
                                  const struct field_spec *field, const struct choice *choices) {
    struct node *schema = NULL;
    if (choices) {
        schema = schema_map(writer->arena);
        schema_set_choices(writer->arena, schema, choices);
    } else if (type->shape == SHAPE_INTEGER) {
        schema = or_text(writer, "integer", "^-?(0|[1-9][0-9]*)$");
        if (field)
            schema_set_bounds(writer->arena, schema, field);
    } else if (type->shape == SHAPE_BOOLEAN) {
        schema = or_text(writer, "boolean", "^(true|True|TRUE|false|False|FALSE)$");
    } else {
        schema = texts_and_numbers(writer, type->shape == SHAPE_SCALAR);
        schema_set_notation(writer->arena, schema, type);
    }
    return schema;
}

static struct node *with_interpolation(struct writer *writer, struct node *schema) {
    struct node *result = schema_map(writer->arena);
    struct node *list = alternatives(writer, result);
    schema_append(writer->arena, list, schema);
    schema_append(writer->arena, list, reference(writer, "interpolated"));
    return result;
}

static struct node *list_of(struct writer *writer, struct node *items) {
    struct node *schema = of_type(writer, "array");
    schema_set(writer->arena, schema, "items", items);
    return schema;
}

static struct node *map_of(struct writer *writer, const struct value_type *key,
                           struct node *values) {
    struct node *schema = of_type(writer, "object");
    if (key->pattern) {
        struct node *names = schema_map(writer->arena);
        schema_set_text(writer->arena, names, "pattern", key->pattern);
        schema_set(writer->arena, schema, "propertyNames", names);
    }
    schema_set(writer->arena, schema, "additionalProperties", values);
    return schema;
}

static struct node *kind_reference(struct writer *writer, const struct kind_spec *kind,
                                   bool complete);

/* An item of a list, or a value of a map: the kind, or its short form. */
static struct node *item_schema(struct writer *writer, const struct kind_spec *kind,
                                bool complete) {
    struct node *object = kind_reference(writer, kind, complete);
    if (!kind->short_type)
        return object;
    struct node *schema = schema_map(writer->arena);
    struct node *list = alternatives(writer, schema);
    schema_append(writer->arena, list,
                  with_interpolation(
                      writer, scalar_schema(writer, kind->short_type, NULL, kind->short_choices)));
    schema_append(writer->arena, list, object);
    return schema;
}

static struct node *or_null(struct writer *writer, struct node *schema) {
    struct node *result = schema_map(writer->arena);
    struct node *list = alternatives(writer, result);
    schema_append(writer->arena, list, schema);
    schema_append(writer->arena, list, of_type(writer, "null"));
    return result;
}

static void add_value(struct writer *writer, struct node *list, const struct field_spec *field,
                      bool complete) {
    struct arena *arena = writer->arena;
    struct node *text = NULL;
    switch (field->type->shape) {
    case SHAPE_STRINGS:
        text = with_interpolation(writer, scalar_schema(writer, field->element, NULL, NULL));
        schema_append(arena, list, list_of(writer, text));
        break;
    case SHAPE_ARGUMENTS:
        schema_append(arena, list, list_of(writer, texts_and_numbers(writer, true)));
        schema_append(arena, list, of_type(writer, "string"));
        break;
    case SHAPE_PAIRS_OR_STRINGS:
        schema_append(arena, list, list_of(writer, of_type(writer, "string")));
        __attribute__((fallthrough));
    case SHAPE_PAIRS:
        text = with_interpolation(
            writer,
            scalar_schema(writer, field->key == &type_feature ? &type_boolean : field->element,
                          NULL, NULL));
        schema_append(arena, list, map_of(writer, field->key, or_null(writer, text)));
        break;
    case SHAPE_OBJECT:
        schema_append(arena, list, item_schema(writer, field->kind, complete));
        break;
    case SHAPE_OBJECTS:
        schema_append(arena, list, list_of(writer, item_schema(writer, field->kind, true)));
        break;
    case SHAPE_OBJECT_MAP:
        schema_append(arena, list,
                      map_of(writer, field->kind->key,
                             or_null(writer, item_schema(writer, field->kind, false))));
        if (field->type == &type_dependencies)
            schema_append(arena, list, list_of(writer, of_type(writer, "string")));
        break;
    default:
        schema_append(arena, list, scalar_schema(writer, field->type, field, field->choices));
        schema_append(arena, list, reference(writer, "interpolated"));
        break;
    }
}

static struct node *field_schema(struct writer *writer, const struct field_spec *field,
                                 bool complete) {
    struct node *schema = schema_map(writer->arena);
    schema_set_text(writer->arena, schema, "description",
                    schema_sentence(writer->arena, field->help));
    schema_set_default(writer->arena, schema, field);
    struct node *list = alternatives(writer, schema);
    add_value(writer, list, field, complete);
    schema_append(writer->arena, list, of_type(writer, "null"));
    return schema;
}

static struct node *root_field_schema(struct writer *writer, const struct field_spec *field) {
    if (field->type->shape == SHAPE_OBJECT)
        return kind_reference(writer, field->kind, field->kind == &kind_metadata);
    struct node *schema = scalar_schema(writer, field->type, field, field->choices);
    schema_set_text(writer->arena, schema, "description",
                    schema_sentence(writer->arena, field->help));
    return schema;
}

/* `complete`: no overlay can add what is missing, so that required fields must be there. */
static struct node *kind_reference(struct writer *writer, const struct kind_spec *kind,
                                   bool complete) {
    const struct kind_spec *root = kind == &kind_environment || kind == &kind_stack ? kind : NULL;
    char *name = arena_copy(writer->arena, kind->name);
    for (char *c = name; *c; c++)
        if (*c == ' ' || *c == '\'')
            *c = '-';
    if (node_get(writer->definitions, name))
        return reference(writer, name);
    struct node *schema =
        schema_set(writer->arena, writer->definitions, name, of_type(writer, "object"));
    schema_set_text(writer->arena, schema, "description", kind->help);
    if (complete)
        schema_set_required(writer->arena, schema, kind);
    schema_set_bool(writer->arena, schema, "additionalProperties", false);
    struct node *properties =
        schema_set(writer->arena, schema, "properties", schema_map(writer->arena));
    for (const struct field_spec *field = kind->fields; field->name; field++)
        if (kind_has(kind, field))
            schema_set(writer->arena, properties, field->name,
                       root ? root_field_schema(writer, field)
                            : field_schema(writer, field, complete));
    return reference(writer, name);
}

static void add_interpolated(struct writer *writer) {
    struct node *schema =
        schema_set(writer->arena, writer->definitions, "interpolated", of_type(writer, "string"));
    schema_set_text(writer->arena, schema, "pattern", "\\$");
    schema_set_text(writer->arena, schema, "description",
                    "${VARIABLE}, ${VARIABLE:-default} or ${VARIABLE:?message}; $$ is a dollar "
                    "sign.");
}

/* The one or the other by `kind`, so that an editor reports what is wrong with that one. */
static void add_roots(struct writer *writer, struct node *root) {
    struct arena *arena = writer->arena;
    struct node *condition = schema_set(arena, root, "if", schema_map(arena));
    struct node *properties = schema_set(arena, condition, "properties", schema_map(arena));
    struct node *kind = schema_set(arena, properties, "kind", schema_map(arena));
    schema_set_text(arena, kind, "const", kind_stack.name);
    struct node *required = schema_set(arena, condition, "required", schema_list(arena));
    schema_append(arena, required, schema_text(arena, "kind"));
    schema_set(arena, root, "then", kind_reference(writer, &kind_stack, true));
    schema_set(arena, root, "else", kind_reference(writer, &kind_environment, true));
}

void schema_write_json_schema(FILE *out) {
    cleanup_arena struct arena *arena = arena_new();
    struct writer writer = {arena, schema_map(arena)};
    struct node *root = schema_map(arena);
    schema_set_text(arena, root, "$schema", "http://json-schema.org/draft-07/schema#");
    schema_set_text(arena, root, "$comment",
                    "Generated from the field tables by `tse-reconcile schema`; do not edit.");
    schema_set_text(arena, root, "title", "Environment or Stack of tse-reconcile");
    add_interpolated(&writer);
    add_roots(&writer, root);
    schema_set(arena, root, "definitions", writer.definitions);
    node_write_json(root, out);
}
