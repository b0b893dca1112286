/*
 * Writing a tree as YAML or JSON. YAML goes through libyaml's emitter, which knows when syntax
 * needs quotes; here it is told when meaning does: a string that would read as null, a boolean or a
 * number, here or in a reader of YAML 1.1.
 */
#include "base/memory.h"
#include "spec/node.h"
#include "spec/utf8.h"

#include <stdlib.h>
#include <string.h>
#include <utstring.h>
#include <yaml.h>

/* --- YAML ------------------------------------------------------------------------------------- */

/* Whether YAML 1.1 has a meaning of its own for a text that is a string in 1.2: yes and no, times
 * and dates, numbers with "_" or ":", the merge key. */
static bool means_more_in_yaml11(const char *text) {
    static const char *const words[] = {"y",    "n",     "yes", "no", "on", "off",
                                        "true", "false", "<<",  "=",  ".",  NULL};
    for (const char *const *word = words; *word; word++) {
        if (strcasecmp(text, *word) == 0)
            return true;
    }
    const char *digits = text + strspn(text, "+-.");
    return *digits >= '0' && *digits <= '9' &&
           text[strspn(text, "0123456789abcdefABCDEFxoTtZz_:.+- ")] == '\0';
}

static bool needs_quotes(const struct node *node) {
    if (node->quoted)
        return scalar_type(node->text) != SCALAR_STRING || means_more_in_yaml11(node->text);
    /* Interpolation can leave an unquoted text that would read as null. */
    return scalar_type(node->text) == SCALAR_NULL;
}

/* Whether a text of several lines can be written as it is, after "|". What a block cannot hold or
 * its indentation would blur is written with escapes. */
static bool fits_block(const char *text, size_t length) {
    if (!strchr(text, '\n') || text[0] == ' ' || text[0] == '\n' || text[0] == '\t')
        return false;
    for (size_t i = 0; i < length; i++) {
        if ((unsigned char)text[i] < 0x20 && text[i] != '\n' && text[i] != '\t')
            return false;
        if (text[i] == '\n' && i > 0 && (text[i - 1] == ' ' || text[i - 1] == '\t'))
            return false;
        if (text[i] == '\n' && text[i + 1] == '\n' && text[i + 2] == '\0')
            return false;
    }
    return text[length - 1] != ' ' && text[length - 1] != '\t';
}

struct emitter {
    yaml_emitter_t yaml;
    bool failed;
};

static void emit(struct emitter *emitter, yaml_event_t *event, int initialized) {
    /* Initialising fails only without memory or for invalid UTF-8, which writers never pass on. */
    if (!initialized || !yaml_emitter_emit(&emitter->yaml, event))
        emitter->failed = true;
}

/* Appends a text with what is not UTF-8 replaced. */
static void append_valid(UT_string *valid, const char *text) {
    size_t size = strlen(text);
    for (size_t at = 0; at < size;) {
        uint32_t code_point;
        size_t length = utf8_decode(text + at, size - at, &code_point);
        if (length == 0)
            utstring_bincpy(valid, "\xEF\xBF\xBD", 3);
        else
            utstring_bincpy(valid, text + at, length);
        at += length ? length : 1;
    }
}

static void emit_text(struct emitter *emitter, const char *text, yaml_scalar_style_t style) {
    UT_string valid;
    utstring_init(&valid);
    append_valid(&valid, text);
    yaml_event_t event;
    emit(emitter, &event,
         yaml_scalar_event_initialize(&event, NULL, NULL, (yaml_char_t *)utstring_body(&valid),
                                      (int)utstring_len(&valid), 1, 1, style));
    utstring_done(&valid);
}

static void emit_scalar(struct emitter *emitter, const struct node *node) {
    yaml_scalar_style_t style = YAML_PLAIN_SCALAR_STYLE;
    if (needs_quotes(node))
        style = YAML_DOUBLE_QUOTED_SCALAR_STYLE;
    else if (strchr(node->text, '\n'))
        style = fits_block(node->text, strlen(node->text)) ? YAML_LITERAL_SCALAR_STYLE
                                                           : YAML_DOUBLE_QUOTED_SCALAR_STYLE;
    emit_text(emitter, node->text, style);
}

static void emit_node(struct emitter *emitter, const struct node *node);

static void emit_map(struct emitter *emitter, const struct node *node) {
    yaml_event_t event;
    emit(emitter, &event,
         yaml_mapping_start_event_initialize(&event, NULL, NULL, 1, YAML_BLOCK_MAPPING_STYLE));
    for (size_t i = 0; i < node->count; i++) {
        const struct node key = {.kind = NODE_SCALAR, .text = node->entries[i].key, .quoted = true};
        yaml_scalar_style_t style = needs_quotes(&key) || strchr(key.text, '\n')
                                        ? YAML_DOUBLE_QUOTED_SCALAR_STYLE
                                        : YAML_PLAIN_SCALAR_STYLE;
        emit_text(emitter, key.text, style);
        emit_node(emitter, node->entries[i].value);
    }
    emit(emitter, &event, yaml_mapping_end_event_initialize(&event));
}

static void emit_list(struct emitter *emitter, const struct node *node) {
    yaml_event_t event;
    emit(emitter, &event,
         yaml_sequence_start_event_initialize(&event, NULL, NULL, 1, YAML_BLOCK_SEQUENCE_STYLE));
    for (size_t i = 0; i < node->count; i++)
        emit_node(emitter, node->items[i]);
    emit(emitter, &event, yaml_sequence_end_event_initialize(&event));
}

static void emit_node(struct emitter *emitter, const struct node *node) {
    if (emitter->failed)
        return;
    switch (node->kind) {
    case NODE_NULL:
        emit_text(emitter, "null", YAML_PLAIN_SCALAR_STYLE);
        break;
    case NODE_SCALAR:
        emit_scalar(emitter, node);
        break;
    case NODE_LIST:
        emit_list(emitter, node);
        break;
    case NODE_MAP:
        emit_map(emitter, node);
        break;
    }
}

static int write_to_file(void *context, unsigned char *buffer, size_t size) {
    return fwrite(buffer, 1, size, context) == size;
}

void node_write_yaml(const struct node *node, FILE *out) {
    struct emitter emitter = {0};
    yaml_event_t event;
    if (!node || !yaml_emitter_initialize(&emitter.yaml))
        return;
    yaml_emitter_set_output(&emitter.yaml, write_to_file, out);
    yaml_emitter_set_unicode(&emitter.yaml, 1);
    yaml_emitter_set_width(&emitter.yaml, -1);
    emit(&emitter, &event, yaml_stream_start_event_initialize(&event, YAML_UTF8_ENCODING));
    emit(&emitter, &event, yaml_document_start_event_initialize(&event, NULL, NULL, NULL, 1));
    emit_node(&emitter, node);
    emit(&emitter, &event, yaml_document_end_event_initialize(&event, 1));
    emit(&emitter, &event, yaml_stream_end_event_initialize(&event));
    yaml_emitter_delete(&emitter.yaml);
}

/* --- JSON (RFC 8259) -------------------------------------------------------------------------- */

static void write_string(const char *text, FILE *out) {
    size_t size = strlen(text);
    putc('"', out);
    for (size_t at = 0; at < size;) {
        uint32_t code_point;
        size_t length = utf8_decode(text + at, size - at, &code_point);
        if (length == 0)
            fputs("\\ufffd", out);
        else if (code_point == '"' || code_point == '\\')
            fprintf(out, "\\%c", (int)code_point);
        else if (code_point == '\n')
            fputs("\\n", out);
        else if (code_point == '\t')
            fputs("\\t", out);
        else if (utf8_is_control(code_point))
            fprintf(out, "\\u%04x", (unsigned)code_point);
        else
            fwrite(text + at, 1, length, out);
        at += length ? length : 1;
    }
    putc('"', out);
}

/* "0x1f" and "0o17"; JSON only has decimals. What is too large stays a string. */
static void write_based_integer(const char *text, FILE *out) {
    char *end;
    unsigned long long value = strtoull(text + 2, &end, text[1] == 'x' ? 16 : 8);
    if (value == UINT64_MAX)
        write_string(text, out);
    else
        fprintf(out, "%llu", value);
}

/* Decimal numbers: what JSON does not allow ("+5", "007", ".5", "5.") is brought into its form
 * digit by digit, so that nothing is rounded. */
static void write_decimal(const char *text, FILE *out) {
    if (*text == '-')
        putc('-', out);
    text += *text == '-' || *text == '+';
    size_t whole = strspn(text, "0123456789");
    while (whole > 1 && *text == '0') {
        text++;
        whole--;
    }
    fprintf(out, "%.*s", (int)(whole ? whole : 1), whole ? text : "0");
    text += whole;
    if (*text != '.') {
        fputs(text, out);
        return;
    }
    size_t decimals = strspn(text + 1, "0123456789");
    fprintf(out, ".%.*s%s", (int)(decimals ? decimals : 1), decimals ? text + 1 : "0",
            text + 1 + decimals);
}

/* ".inf" and ".nan", which JSON does not have, stay strings. */
static void write_scalar(const struct node *node, FILE *out) {
    const char *text = node->text;
    enum scalar_type type = node->quoted ? SCALAR_STRING : scalar_type(text);
    if (type == SCALAR_BOOL)
        fputs(*text == 't' || *text == 'T' ? "true" : "false", out);
    else if (type == SCALAR_INTEGER && text[0] == '0' && (text[1] == 'x' || text[1] == 'o'))
        write_based_integer(text, out);
    else if (type == SCALAR_INTEGER || (type == SCALAR_FLOAT && !strpbrk(text, "nN")))
        write_decimal(text, out);
    else
        write_string(text, out);
}

static void write_json(const struct node *node, int indent, FILE *out) {
    bool map = node->kind == NODE_MAP;
    if (node->kind == NODE_NULL) {
        fputs("null", out);
        return;
    }
    if (node->kind == NODE_SCALAR) {
        write_scalar(node, out);
        return;
    }
    if (node->count == 0) {
        fputs(map ? "{}" : "[]", out);
        return;
    }
    fputs(map ? "{" : "[", out);
    for (size_t i = 0; i < node->count; i++) {
        fprintf(out, "%s\n%*s", i > 0 ? "," : "", indent + 2, "");
        if (map) {
            write_string(node->entries[i].key, out);
            fputs(": ", out);
        }
        write_json(map ? node->entries[i].value : node->items[i], indent + 2, out);
    }
    fprintf(out, "\n%*s%s", indent, "", map ? "}" : "]");
}

void node_write_json(const struct node *node, FILE *out) {
    if (!node)
        return;
    write_json(node, 0, out);
    putc('\n', out);
}
