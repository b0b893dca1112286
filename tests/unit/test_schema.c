/* The generated schemas: that they parse, are well-formed, and know every field of the tables. */
#include "base/memory.h"
#include "spec/decode.h"
#include "spec/diagnostics.h"
#include "spec/node.h"
#include "spec/quantity.h"
#include "spec/spec.h"

#include <criterion/criterion.h>
#include <jansson.h>
#include <regex.h>
#include <stdlib.h>
#include <string.h>

static char *written(void (*write)(FILE *)) {
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    write(out);
    fclose(out);
    return text;
}

static struct node *crd(struct arena *arena) {
    struct diagnostics *diagnostics = diagnostics_new();
    char *text = written(schema_write_crd);
    struct node *root = yaml_read_text(arena, "crd", text, strlen(text), diagnostics);
    cr_assert(root && diagnostics_errors(diagnostics) == 0);
    diagnostics_free(diagnostics);
    free(text);
    return root;
}

static const char *text_of(const struct node *map, const char *key) {
    const struct node *node = node_get(map, key);
    return node && node->kind == NODE_SCALAR ? node->text : "";
}

static const struct node *version_of(const struct node *root) {
    return node_get(node_get(root, "spec"), "versions")->items[0];
}

static const struct node *schema_of(const struct node *root) {
    return node_get(node_get(version_of(root), "schema"), "openAPIV3Schema");
}

Test(schema, crd_names) {
    cleanup_arena struct arena *arena = arena_new();
    const struct node *root = crd(arena), *spec = node_get(root, "spec");
    const struct node *names = node_get(spec, "names");
    cr_expect_str_eq(text_of(root, "apiVersion"), "apiextensions.k8s.io/v1");
    cr_expect_str_eq(text_of(node_get(root, "metadata"), "name"), "environments.tse.io");
    cr_expect_str_eq(text_of(spec, "group"), "tse.io");
    cr_expect_str_eq(text_of(names, "kind"), "Environment");
    cr_expect_str_eq(text_of(names, "plural"), "environments");
    cr_expect_str_eq(node_get(names, "shortNames")->items[0]->text, "tenv");
    cr_expect_str_eq(text_of(version_of(root), "name"), "v1alpha1");
    cr_expect_not_null(node_get(node_get(version_of(root), "subresources"), "status"));
    const struct node *columns = node_get(version_of(root), "additionalPrinterColumns");
    static const char *const expected[] = {"Ready", "Services", "Revision", "Age"};
    cr_assert_eq(columns->count, 4);
    for (size_t i = 0; i < 4; i++)
        cr_expect_str_eq(text_of(columns->items[i], "name"), expected[i]);
}

static bool is_true(const struct node *map, const char *key) {
    return strcmp(text_of(map, key), "true") == 0;
}

/* The rules of structural schemas (Kubernetes: "Specifying a structural schema"), for what the CRD
 * uses of them. */
static void expect_structural(const struct node *schema, const char *name) {
    bool any = is_true(schema, "x-kubernetes-preserve-unknown-fields");
    bool number = is_true(schema, "x-kubernetes-int-or-string");
    const char *type = text_of(schema, "type");
    cr_expect(*type || any || number, "%s has no type", name);
    cr_expect_not(*type && number, "%s has a type and is int-or-string", name);
    cr_expect_not(node_get(schema, "properties") && node_get(schema, "additionalProperties"), "%s",
                  name);
    cr_expect_eq(strcmp(type, "array") == 0, node_get(schema, "items") != NULL, "%s", name);
    const struct node *fallback = node_get(schema, "default"), *list = node_get(schema, "enum");
    if (fallback && strcmp(type, "string") == 0)
        cr_expect(fallback->quoted || !strpbrk(fallback->text, "0123456789"), "%s", name);
    for (size_t i = 0; list && i < list->count; i++)
        cr_expect_eq(list->items[i]->kind, NODE_SCALAR, "%s", name);
    const struct node *properties = node_get(schema, "properties");
    for (size_t i = 0; properties && i < properties->count; i++)
        expect_structural(properties->entries[i].value, properties->entries[i].key);
    if (node_get(schema, "items"))
        expect_structural(node_get(schema, "items"), name);
    if (node_get(schema, "additionalProperties"))
        expect_structural(node_get(schema, "additionalProperties"), name);
}

Test(schema, crd_is_structural) {
    cleanup_arena struct arena *arena = arena_new();
    expect_structural(schema_of(crd(arena)), "Environment");
}

/* Follows the tables; kinds with a short form stay opaque in a CRD. */
static void expect_fields(const struct node *schema, const struct kind_spec *kind) {
    const struct node *properties = node_get(schema, "properties");
    cr_assert(properties, "%s", kind->name);
    for (const struct field_spec *field = kind->fields; field->name; field++) {
        if (!kind_has(kind, field))
            continue;
        const struct node *value = node_get(properties, field->name);
        cr_assert(value, "%s.%s is missing", kind->name, field->name);
        cr_expect(strlen(text_of(value, "description")) > 5, "%s.%s", kind->name, field->name);
        if (!field->kind || field->kind->short_type)
            continue;
        const struct node *inner = node_get(value, "items");
        inner = inner ? inner : node_get(value, "additionalProperties");
        expect_fields(inner ? inner : value, field->kind);
    }
}

Test(schema, crd_knows_every_field) {
    cleanup_arena struct arena *arena = arena_new();
    expect_fields(node_get(node_get(schema_of(crd(arena)), "properties"), "spec"),
                  &kind_environment_spec);
}

Test(schema, crd_takes_constraints_from_the_tables) {
    cleanup_arena struct arena *arena = arena_new();
    const struct node *spec = node_get(node_get(schema_of(crd(arena)), "properties"), "spec");
    const struct node *services = node_get(node_get(spec, "properties"), "services");
    const struct node *service = node_get(services, "additionalProperties");
    const struct node *fields = node_get(service, "properties");
    cr_expect_str_eq(node_get(service, "required")->items[0]->text, "image");
    cr_expect_str_eq(text_of(node_get(fields, "replicas"), "maximum"), "1000");
    cr_expect_str_eq(text_of(node_get(fields, "replicas"), "default"), "1");
    cr_expect_eq(node_get(node_get(fields, "pullPolicy"), "enum")->count, 3);
    cr_expect(is_true(node_get(fields, "shmSize"), "x-kubernetes-int-or-string"));
    /* Written into a resource, this default would look declared. */
    cr_expect_null(node_get(node_get(fields, "restart"), "default"));
    cr_expect(strstr(text_of(node_get(fields, "restart"), "pattern"), "on-failure"));
}

/* --- JSON Schema ------------------------------------------------------------------------------ */

static json_t *json_schema(void) {
    cleanup_free char *text = written(schema_write_json_schema);
    json_error_t error;
    json_t *root = json_loads(text, JSON_REJECT_DUPLICATES, &error);
    cr_assert(root, "%s", error.text);
    return root;
}

static void expect_references(const json_t *root, const json_t *value) {
    const char *key;
    json_t *inner;
    size_t index;
    const char *reference = json_string_value(json_object_get(value, "$ref"));
    if (reference) {
        cr_assert_eq(strncmp(reference, "#/definitions/", 14), 0);
        cr_expect(json_object_get(json_object_get(root, "definitions"), reference + 14), "%s",
                  reference);
    }
    json_object_foreach((json_t *)value, key, inner) expect_references(root, inner);
    json_array_foreach(value, index, inner) expect_references(root, inner);
}

Test(schema, json_schema_is_complete) {
    json_t *root = json_schema();
    cr_expect_str_eq(json_string_value(json_object_get(root, "$schema")),
                     "http://json-schema.org/draft-07/schema#");
    expect_references(root, root);
    json_decref(root);
}

static void expect_definition(const json_t *definitions, const struct kind_spec *kind) {
    char name[64];
    snprintf(name, sizeof name, "%s", kind->name);
    for (char *c = name; *c; c++)
        *c = *c == ' ' || *c == '\'' ? '-' : *c;
    const json_t *definition = json_object_get(definitions, name);
    cr_assert(definition, "%s is missing", name);
    cr_expect(json_is_false(json_object_get(definition, "additionalProperties")));
    size_t count = 0;
    for (const struct field_spec *field = kind->fields; field->name; field++) {
        const json_t *properties = json_object_get(definition, "properties");
        cr_expect_eq(json_object_get(properties, field->name) != NULL, kind_has(kind, field),
                     "%s.%s", kind->name, field->name);
        count += kind_has(kind, field);
        if (field->kind && kind_has(kind, field))
            expect_definition(definitions, field->kind);
    }
    cr_expect_eq(json_object_size(json_object_get(definition, "properties")), count);
}

Test(schema, json_schema_knows_every_field) {
    json_t *root = json_schema();
    expect_definition(json_object_get(root, "definitions"), &kind_environment);
    expect_definition(json_object_get(root, "definitions"), &kind_stack);
    json_decref(root);
}

/* --- reference and patterns ------------------------------------------------------------------- */

static void expect_documented(const char *text, const struct kind_spec *kind) {
    char heading[80];
    snprintf(heading, sizeof heading, "\n## %s\n", kind->name);
    const char *section = strstr(text, heading);
    cr_assert(section, "%s", heading);
    for (const struct field_spec *field = kind->fields; field->name; field++) {
        char row[80];
        snprintf(row, sizeof row, "| `%s` |", field->name);
        const char *found = strstr(section, row);
        const char *end = strstr(section + 3, "\n## ");
        cr_expect(found && (!end || found < end), "%s.%s", kind->name, field->name);
        if (field->kind)
            expect_documented(text, field->kind);
    }
}

Test(schema, reference_knows_every_field) {
    cleanup_free char *text = written(schema_write_reference);
    expect_documented(text, &kind_environment);
    cr_expect(strstr(text, "\n## Stack\n"));
}

/* The schemas' patterns and the hand-written checks must say the same. */
Test(schema, patterns_agree_with_the_checks) {
    static const struct value_type *const types[] = {
        &type_name,   &type_feature,  &type_condition, &type_variable_name,
        &type_ipv4,   &type_hostname, &type_url_path,  &type_environment_name,
        &type_sysctl, &type_cidr,     &type_user,      &type_address};
    static const char *const samples[] = {
        "",
        "a",
        "A",
        "a-b",
        "-a",
        "a-",
        "a_b",
        "_a",
        "1a",
        "a.b",
        "a..b",
        ".a",
        "a.",
        "!a",
        "!",
        "!!a",
        "a b",
        "a:b",
        "a:",
        ":a",
        "a:b:c",
        "/",
        "/a#b",
        "/a b",
        "/a/b?c=d",
        "1.2.3.4",
        "1.2.3",
        "1.2.3.4.5",
        "01.2.3.4",
        "256.1.1.1",
        "255.255.255.255",
        "0.0.0.0",
        "10.0.0.0/8",
        "10.0.0.0/33",
        "10.0.0.0/08",
        "10.0.0.0/",
        "0.0.0.0/0",
        "net.core.somaxconn",
        "a--b",
        "a:6379",
        "a.b-c:65535",
        "a:65536",
        "a:0",
        "a:06",
        "1.2.3.4:1",
        "[::1]:6379",
        "::1:6379",
        "[]:1",
        "[a:1",
        "abcdefghijklmnopqrstuvwxyz0123456789abcdefghijklmnopqrstuvwxyz0",
        "abcdefghijklmnopqrstuvwxyz0123456789abcdefghijklmnopqrstuvwxyz01"};
    cleanup_arena struct arena *arena = arena_new();
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        regex_t regex;
        cr_assert_eq(regcomp(&regex, types[i]->pattern, REG_EXTENDED | REG_NOSUB), 0, "%s",
                     types[i]->pattern);
        for (size_t j = 0; j < sizeof samples / sizeof *samples; j++)
            cr_expect_eq(regexec(&regex, samples[j], 0, NULL, 0) == 0,
                         types[i]->convert(arena, samples[j]) != NULL, "%s: \"%s\"", types[i]->name,
                         samples[j]);
        regfree(&regex);
    }
}

/* The same for quantities, which are read by parsers of their own. */
Test(schema, patterns_agree_with_the_parsers) {
    static const struct {
        const struct value_type *type;
        int (*parse)(const char *text, int64_t *value);
    } types[] = {
        {&type_bytes, parse_bytes}, {&type_cpus, parse_cpus}, {&type_duration, parse_duration}};
    static const char *const numbers[] = {"1", "1.", ".5",  "1.5", "+1", "01",  "1..5", ".",
                                          "",  "-1", "++1", "1 ",  " 1", "1,5", "0x1"};
    static const char *const units[] = {
        "",   "Ki", "Mi", "Ei", "k",   "K",   "M",    "E",  "b",     "B",       "kb",      "mb",
        "tb", "g",  "gb", "GB", "n",   "u",   "m",    "ns", "us",    "\u00b5s", "\u03bcs", "ms",
        "s",  "h",  "d",  "e3", "E+3", "e-3", "e123", "e",  "1m30s", "h30m",    "m.5s",    "m0"};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        regex_t regex;
        cr_assert_eq(regcomp(&regex, types[i].type->pattern, REG_EXTENDED | REG_NOSUB), 0);
        for (size_t j = 0; j < sizeof numbers / sizeof *numbers * (sizeof units / sizeof *units);
             j++) {
            char text[32];
            int64_t value;
            snprintf(text, sizeof text, "%s%s", numbers[j % (sizeof numbers / sizeof *numbers)],
                     units[j / (sizeof numbers / sizeof *numbers)]);
            cr_expect_eq(regexec(&regex, text, 0, NULL, 0) == 0, types[i].parse(text, &value) == 0,
                         "%s: \"%s\"", types[i].type->name, text);
        }
        regfree(&regex);
    }
}
