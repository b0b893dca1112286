/*
 * The CustomResourceDefinition of Environments: apiextensions.k8s.io/v1, a structural schema. Where
 * a value may be written in several forms, which a structural schema cannot tell apart, the API
 * server keeps it as it is, and the reconciler checks it.
 */
#include "base/memory.h"
#include "spec/decode.h"
#include "spec/schema_internal.h"
#include "spec/spec.h"

static struct node *object_schema(struct arena *arena, const struct kind_spec *kind);

static void any_form(struct arena *arena, struct node *schema) {
    schema_set_bool(arena, schema, "x-kubernetes-preserve-unknown-fields", true);
}

static void number_or_text(struct arena *arena, struct node *schema) {
    static const char *const types[] = {"integer", "string"};
    struct node *list = schema_set(arena, schema, "anyOf", schema_list(arena));
    for (size_t i = 0; i < 2; i++)
        schema_set_text(arena, schema_append(arena, list, schema_map(arena)), "type", types[i]);
    schema_set_bool(arena, schema, "x-kubernetes-int-or-string", true);
}

/* An element of a list of texts, or a value of a map of texts. */
static struct node *element_schema(struct arena *arena, const struct value_type *type) {
    struct node *schema = schema_map(arena);
    if (type->shape == SHAPE_SCALAR)
        number_or_text(arena, schema);
    else
        schema_set_text(arena, schema, "type", "string");
    schema_set_notation(arena, schema, type);
    return schema;
}

/* One of a list or a map: any form when it also has a short one. */
static struct node *item_schema(struct arena *arena, const struct kind_spec *kind) {
    if (!kind->short_type)
        return object_schema(arena, kind);
    struct node *schema = schema_map(arena);
    schema_set_text(arena, schema, "description", kind->help);
    any_form(arena, schema);
    return schema;
}

static void set_pairs(struct arena *arena, struct node *schema, const struct field_spec *field) {
    schema_set_text(arena, schema, "type", "object");
    struct node *value = element_schema(arena, field->element);
    if (field->key == &type_feature) {
        value = schema_map(arena);
        schema_set_text(arena, value, "type", "boolean");
    }
    schema_set(arena, schema, "additionalProperties", value);
}

static void set_scalar(struct arena *arena, struct node *schema, const struct field_spec *field) {
    switch (field->type->shape) {
    case SHAPE_INTEGER:
        schema_set_text(arena, schema, "type", "integer");
        schema_set_text(arena, schema, "format", "int64");
        schema_set_bounds(arena, schema, field);
        break;
    case SHAPE_BOOLEAN:
        schema_set_text(arena, schema, "type", "boolean");
        break;
    case SHAPE_NUMBER_OR_STRING:
    case SHAPE_SCALAR:
        number_or_text(arena, schema);
        break;
    default:
        schema_set_text(arena, schema, "type", "string");
        break;
    }
    schema_set_notation(arena, schema, field->type);
    if (field->choices)
        schema_set_choices(arena, schema, field->choices);
    schema_set_default(arena, schema, field);
}

static void set_list(struct arena *arena, struct node *schema, struct node *items) {
    schema_set_text(arena, schema, "type", "array");
    schema_set(arena, schema, "items", items);
}

static struct node *field_schema(struct arena *arena, const struct field_spec *field) {
    struct node *schema = field->type->shape == SHAPE_OBJECT && !field->kind->short_type
                              ? object_schema(arena, field->kind)
                              : schema_map(arena);
    if (field->type->shape == SHAPE_OBJECT) {
        if (field->kind->short_type)
            any_form(arena, schema);
        schema_set(arena, schema, "description",
                   schema_text(arena, schema_sentence(arena, field->help)));
        return schema;
    }
    schema_set_text(arena, schema, "description", schema_sentence(arena, field->help));
    switch (field->type->shape) {
    case SHAPE_STRINGS:
        set_list(arena, schema, element_schema(arena, field->element));
        break;
    case SHAPE_PAIRS:
        set_pairs(arena, schema, field);
        break;
    case SHAPE_ARGUMENTS:
    case SHAPE_PAIRS_OR_STRINGS:
        any_form(arena, schema);
        break;
    case SHAPE_OBJECTS:
        set_list(arena, schema, item_schema(arena, field->kind));
        break;
    case SHAPE_OBJECT_MAP:
        if (field->type == &type_dependencies) {
            any_form(arena, schema);
            break;
        }
        schema_set_text(arena, schema, "type", "object");
        schema_set(arena, schema, "additionalProperties", item_schema(arena, field->kind));
        break;
    default:
        set_scalar(arena, schema, field);
        break;
    }
    return schema;
}

/* Without a description: that of the field it is the value of comes after. */
static struct node *object_schema(struct arena *arena, const struct kind_spec *kind) {
    struct node *schema = schema_map(arena);
    schema_set_text(arena, schema, "type", "object");
    schema_set_required(arena, schema, kind);
    struct node *properties = schema_set(arena, schema, "properties", schema_map(arena));
    for (const struct field_spec *field = kind->fields; field->name; field++)
        if (kind_has(kind, field))
            schema_set(arena, properties, field->name, field_schema(arena, field));
    return schema;
}

/* What the reconciler writes; it may say more than what is listed. */
static struct node *status_schema(struct arena *arena) {
    static const char *const fields[][3] = {
        {"observedGeneration", "integer", "The generation of the spec that was last worked on."},
        {"revision", "string", "The identity of the desired state that was last worked on."},
        {"services", "string", "How many services are ready, and of how many."},
    };
    struct node *schema = schema_map(arena);
    schema_set_text(arena, schema, "description",
                    "What was found and done. Written by the "
                    "reconciler.");
    schema_set_text(arena, schema, "type", "object");
    any_form(arena, schema);
    struct node *properties = schema_set(arena, schema, "properties", schema_map(arena));
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        struct node *field = schema_set(arena, properties, fields[i][0], schema_map(arena));
        schema_set_text(arena, field, "description", fields[i][2]);
        schema_set_text(arena, field, "type", fields[i][1]);
    }
    struct node *conditions = schema_set(arena, properties, "conditions", schema_map(arena));
    struct node *condition = schema_map(arena);
    schema_set_text(arena, conditions, "description", "Conditions, as Kubernetes defines them.");
    schema_set_text(arena, condition, "type", "object");
    any_form(arena, condition);
    set_list(arena, conditions, condition);
    return schema;
}

static struct node *root_schema(struct arena *arena) {
    struct node *schema = schema_map(arena);
    schema_set_text(arena, schema, "description", kind_environment.help);
    schema_set_text(arena, schema, "type", "object");
    struct node *required = schema_set(arena, schema, "required", schema_list(arena));
    schema_append(arena, required, schema_text(arena, "spec"));
    struct node *properties = schema_set(arena, schema, "properties", schema_map(arena));
    /* The API server has rules of its own for these three. */
    static const char *const envelope[][2] = {
        {"apiVersion", "string"}, {"kind", "string"}, {"metadata", "object"}};
    for (size_t i = 0; i < 3; i++)
        schema_set_text(arena, schema_set(arena, properties, envelope[i][0], schema_map(arena)),
                        "type", envelope[i][1]);
    struct node *spec =
        schema_set(arena, properties, "spec", object_schema(arena, &kind_environment_spec));
    schema_set_text(arena, spec, "description", kind_environment_spec.help);
    schema_set(arena, properties, "status", status_schema(arena));
    return schema;
}

static void add_columns(struct arena *arena, struct node *version) {
    static const char *const columns[][3] = {
        {"Ready", "string", ".status.conditions[?(@.type==\"Ready\")].status"},
        {"Services", "string", ".status.services"},
        {"Revision", "string", ".status.revision"},
        {"Age", "date", ".metadata.creationTimestamp"},
    };
    struct node *list = schema_set(arena, version, "additionalPrinterColumns", schema_list(arena));
    for (size_t i = 0; i < sizeof columns / sizeof columns[0]; i++) {
        struct node *column = schema_append(arena, list, schema_map(arena));
        schema_set_text(arena, column, "name", columns[i][0]);
        schema_set_text(arena, column, "type", columns[i][1]);
        schema_set_text(arena, column, "jsonPath", columns[i][2]);
    }
}

static void add_version(struct arena *arena, struct node *spec) {
    struct node *versions = schema_set(arena, spec, "versions", schema_list(arena));
    struct node *version = schema_append(arena, versions, schema_map(arena));
    schema_set_text(arena, version, "name", "v1alpha1");
    schema_set_bool(arena, version, "served", true);
    schema_set_bool(arena, version, "storage", true);
    struct node *subresources = schema_set(arena, version, "subresources", schema_map(arena));
    schema_set(arena, subresources, "status", schema_map(arena));
    add_columns(arena, version);
    struct node *schema = schema_set(arena, version, "schema", schema_map(arena));
    schema_set(arena, schema, "openAPIV3Schema", root_schema(arena));
}

void schema_write_crd(FILE *out) {
    cleanup_arena struct arena *arena = arena_new();
    struct node *root = schema_map(arena);
    schema_set_text(arena, root, "apiVersion", "apiextensions.k8s.io/v1");
    schema_set_text(arena, root, "kind", "CustomResourceDefinition");
    struct node *metadata = schema_set(arena, root, "metadata", schema_map(arena));
    schema_set_text(arena, metadata, "name", "environments.tse.io");
    struct node *spec = schema_set(arena, root, "spec", schema_map(arena));
    schema_set_text(arena, spec, "group", "tse.io");
    schema_set_text(arena, spec, "scope", "Namespaced");
    struct node *names = schema_set(arena, spec, "names", schema_map(arena));
    schema_set_text(arena, names, "kind", kind_environment.name);
    schema_set_text(arena, names, "listKind", "EnvironmentList");
    schema_set_text(arena, names, "plural", "environments");
    schema_set_text(arena, names, "singular", "environment");
    struct node *short_names = schema_set(arena, names, "shortNames", schema_list(arena));
    schema_append(arena, short_names, schema_text(arena, "tenv"));
    add_version(arena, spec);
    fputs("# Generated from the field tables by `tse-reconcile schema`; do not edit.\n", out);
    node_write_yaml(root, out);
}
