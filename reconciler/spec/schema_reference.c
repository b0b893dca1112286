/* The reference documentation, in Markdown: a section and a table for each kind. */
#include "base/memory.h"
#include "spec/decode.h"
#include "spec/schema_internal.h"
#include "spec/spec.h"

#include <string.h>

struct section { /* a kind, and where it stands */
    const struct kind_spec *kind;
    const char *path;
};

struct sections {
    struct arena *arena;
    struct section items[64];
    size_t count;
};

static bool is_listed(const struct sections *sections, const struct kind_spec *kind) {
    for (size_t i = 0; i < sections->count; i++)
        if (sections->items[i].kind == kind)
            return true;
    return false;
}

/* Each kind once, where it is met first, and those inside of it after it. */
static void collect(struct sections *sections, const struct kind_spec *kind, const char *path) {
    const size_t room = sizeof sections->items / sizeof sections->items[0];
    if (is_listed(sections, kind) || sections->count == room)
        return;
    sections->items[sections->count++] = (struct section){kind, path};
    for (const struct field_spec *field = kind->fields; field->name; field++) {
        static const char *const suffixes[] = {
            [SHAPE_OBJECT] = "", [SHAPE_OBJECTS] = "[]", [SHAPE_OBJECT_MAP] = ".NAME"};
        if (field->kind && kind_has(kind, field))
            collect(sections, field->kind,
                    arena_format(sections->arena, "%s%s%s%s", path, *path ? "." : "", field->name,
                                 suffixes[field->type->shape]));
    }
}

/* --- types --------------------------------------------------------------------------------------
 */

static const char *anchor(struct arena *arena, const struct kind_spec *kind) {
    char *text = arena_copy(arena, kind->name);
    size_t used = 0;
    for (const char *c = kind->name; *c; c++) {
        if (*c == '\'')
            continue;
        text[used++] = *c == ' ' ? '-' : *c >= 'A' && *c <= 'Z' ? (char)(*c - 'A' + 'a') : *c;
    }
    text[used] = '\0';
    return arena_format(arena, "[%s](#%s)", kind->name, text);
}

static const char *choices_text(struct arena *arena, const struct choice *choices) {
    const char *text = arena_format(arena, "`%s`", choices->text);
    for (const struct choice *choice = choices + 1; choice->text; choice++)
        text = arena_format(arena, "%s, `%s`", text, choice->text);
    return text;
}

static const char *type_text_of(struct arena *arena, const struct field_spec *field) {
    switch (field->type->shape) {
    case SHAPE_OBJECT:
        return anchor(arena, field->kind);
    case SHAPE_OBJECTS:
        return arena_format(arena, "list of %s", anchor(arena, field->kind));
    case SHAPE_OBJECT_MAP:
        return arena_format(arena, "%s: name to %s", field->type->name, anchor(arena, field->kind));
    case SHAPE_STRINGS:
        return arena_format(arena, "list of %s", field->element->name);
    case SHAPE_PAIRS:
    case SHAPE_PAIRS_OR_STRINGS:
        return arena_format(arena, "%s: %s to %s", field->type->name, field->key->name,
                            field->key == &type_feature ? "boolean" : field->element->name);
    default:
        break;
    }
    if (field->choices)
        return choices_text(arena, field->choices);
    if (field->type == &type_integer)
        return arena_format(arena, "integer, %lld to %lld", field->minimum, field->maximum);
    return field->type->name;
}

/* --- writing ------------------------------------------------------------------------------------
 */

/* Pipes would end a cell. */
static void write_cell(FILE *out, const char *text) {
    fputs(" ", out);
    for (; *text; text++) {
        if (*text == '|')
            fputc('\\', out);
        fputc(*text, out);
    }
    fputs(" |", out);
}

static void write_field(struct arena *arena, FILE *out, const struct kind_spec *kind,
                        const struct field_spec *field) {
    if (!kind_has(kind, field))
        return;
    fputs("|", out);
    write_cell(out, arena_format(arena, "`%s`", field->name));
    write_cell(out, type_text_of(arena, field));
    write_cell(out, field->flags & FIELD_REQUIRED ? "required"
                    : field->fallback             ? arena_format(arena, "`%s`", field->fallback)
                                                  : "");
    write_cell(out, schema_sentence(arena, field->help));
    fputs("\n", out);
}

static void write_section(struct arena *arena, FILE *out, const struct section *section) {
    const struct kind_spec *kind = section->kind;
    fprintf(out, "\n## %s\n\n", kind->name);
    if (*section->path)
        fprintf(out, "`%s`: ", section->path);
    fprintf(out, "%s\n", kind->help);
    if (kind->key)
        fprintf(out, "\nNAME, %s: %s.\n", kind->key_help, kind->key->expected);
    if (kind->short_type)
        fprintf(out, "\nShort form: %s.\n",
                kind->short_choices ? choices_text(arena, kind->short_choices)
                                    : kind->short_type->expected);
    fputs("\n| field | type | default | meaning |\n|---|---|---|---|\n", out);
    for (const struct field_spec *field = kind->fields; field->name; field++)
        write_field(arena, out, kind, field);
}

/* Notations that some field is written in, each once. */
static void write_notations(FILE *out) {
    static const struct value_type *const types[] = {
        &type_name,          &type_bytes,   &type_cpus,        &type_duration,   &type_image,
        &type_variable_name, &type_feature, &type_condition,   &type_target,     &type_host_path,
        &type_path,          &type_ipv4,    &type_ip,          &type_cidr,       &type_hostname,
        &type_host_address,  &type_user,    &type_owner,       &type_mode,       &type_restart,
        &type_port_text,     &type_signal,  &type_capability,  &type_sysctl,     &type_url_path,
        &type_label_key,     &type_ulimit,  &type_ulimit_name, &type_characters, &type_arguments,
        &type_address};
    fputs("\n## Notations\n\n| type | is |\n|---|---|\n", out);
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        fputs("|", out);
        write_cell(out, types[i]->name);
        write_cell(out, types[i]->expected);
        fputs("\n", out);
    }
}

void schema_write_reference(FILE *out) {
    cleanup_arena struct arena *arena = arena_new();
    struct sections sections = {.arena = arena};
    collect(&sections, &kind_environment, "");
    fprintf(out,
            "# Reference: Environments and Stacks\n\n"
            "<!-- Generated from the field tables by `tse-reconcile schema`; do not edit. -->\n\n"
            "Both are YAML files with `apiVersion: %s`. Unknown fields are errors. Any scalar "
            "below `spec` may\nbe made from variables: `${VARIABLE}`, `${VARIABLE:-default}`, "
            "`${VARIABLE:?message}`; `$$` is a dollar sign.\n",
            api_version);
    for (size_t i = 0; i < sections.count; i++)
        write_section(arena, out, &sections.items[i]);
    fprintf(out, "\n## %s\n\n%s Its `spec` has these fields of the Environment's:", kind_stack.name,
            kind_stack.help);
    const char *separator = " ";
    for (const struct field_spec *field = kind_stack_spec.fields; field->name; field++) {
        if (!kind_has(&kind_stack_spec, field))
            continue;
        fprintf(out, "%s`%s`", separator, field->name);
        separator = ", ";
    }
    fputs(".\n", out);
    write_notations(out);
}
