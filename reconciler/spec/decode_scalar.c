/* Reading scalars: texts, numbers, booleans, enumerations, quantities; and the types they are of.
 */
#include "base/memory.h"
#include "spec/decode.h"
#include "spec/interpolate.h"
#include "spec/notation.h"
#include "spec/quantity.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void *place(const struct field_spec *field, void *object) {
    return (char *)object + field->offset;
}

/* The secret whose variable's value is part of the text, or NULL when it cannot be told. */
static const char *secret_in(const struct decoder *decoder, const char *text) {
    if (!decoder->secrets || !decoder->variables || decoder->secrets->kind != NODE_MAP)
        return NULL;
    for (size_t i = 0; i < decoder->secrets->count; i++) {
        const struct entry *entry = &decoder->secrets->entries[i];
        const struct node *env =
            entry->value->kind == NODE_MAP ? node_get(entry->value, "env") : NULL;
        if (!env || env->kind != NODE_SCALAR)
            continue;
        const char *value = variables_get(decoder->variables, env->text);
        if (value && *value && strstr(text, value))
            return entry->key;
    }
    return NULL;
}

static void problem_sensitive(struct decoder *decoder, const struct path *path,
                              const struct node *node) {
    const char *name =
        worth_the_effort(decoder->diagnostics) ? secret_in(decoder, node->text) : NULL;
    const char *shown = name ? name : "NAME";
    cleanup_free char *help =
        format_text("write {secret: %s} as the value of an environment variable, or use "
                    "${secret:%s} in a file with `interpolate: true`",
                    shown, shown);
    problem_at(decoder, path, node, help,
               "is made from a variable that a secret is read from, and would be shown");
}

const char *scalar_text(struct decoder *decoder, const struct path *path, const struct node *node,
                        const char *expected) {
    if (node->kind != NODE_SCALAR) {
        problem_mismatch(decoder, path, node, NULL, expected);
        return NULL;
    }
    if (node->unreadable)
        return NULL;
    if (node->sensitive) {
        problem_sensitive(decoder, path, node);
        return NULL;
    }
    return node->text;
}

/* Capabilities, signals and limits have many names: suggest the nearest, with the prefix it was
 * given. */
const char *nearest_known(struct arena *arena, const struct value_type *type, const char *text) {
    if (type == &type_ulimit_name)
        return did_you_mean(arena, text, known_ulimits());
    const bool signal = type == &type_signal || type == &type_reload_signal;
    if (!signal && type != &type_capability)
        return NULL;
    const char *prefix = signal ? "SIG" : "CAP_";
    const bool prefixed = strncasecmp(text, prefix, strlen(prefix)) == 0;
    char *upper = arena_copy(arena, prefixed ? text + strlen(prefix) : text);
    for (char *c = upper; *c; c++)
        if (*c >= 'a' && *c <= 'z')
            *c = (char)(*c - 'a' + 'A');
    const char *nearest = suggest(upper, signal ? known_signals() : known_capabilities());
    return nearest ? arena_format(arena, "did you mean \"%s%s\"?", prefixed ? prefix : "", nearest)
                   : NULL;
}

const char *scalar_convert(struct decoder *decoder, const struct path *path,
                           const struct node *node, const struct value_type *type) {
    const char *text = scalar_text(decoder, path, node, type->expected);
    if (!text)
        return NULL;
    const char *converted = type->convert(decoder->arena, text);
    if (!converted) {
        const char *help = nearest_known(decoder->arena, type, text);
        if (help)
            problem_at(decoder, path, node, help, "\"%s\" is not %s", text, type->expected);
        else
            problem_notation(decoder, path, node, type->expected);
    }
    return converted;
}

/* Decimal digits only: a leading zero would be octal to some readers of YAML. */
static int parse_integer(const char *text, long long *value) {
    const char *digits = *text == '-' ? text + 1 : text;
    if (!*digits || digits[strspn(digits, "0123456789")] || (digits[0] == '0' && digits[1]))
        return -1;
    errno = 0;
    *value = strtoll(text, NULL, 10);
    return errno ? -1 : 0;
}

int scalar_integer(struct decoder *decoder, const struct path *path, const struct node *node,
                   long long minimum, long long maximum, const char *expected, long long *value) {
    const char *text = scalar_text(decoder, path, node, expected);
    if (!text)
        return -1;
    long long number;
    if (parse_integer(text, &number) != 0 || number < minimum || number > maximum) {
        problem_notation(decoder, path, node, expected);
        return -1;
    }
    *value = number;
    return 0;
}

static const char *join_choices(struct arena *arena, const struct choice *choices) {
    const char *joined = choices->text;
    for (const struct choice *choice = choices + 1; choice->text; choice++)
        joined =
            arena_format(arena, "%s%s%s", joined, choice[1].text ? ", " : " or ", choice->text);
    return joined;
}

int scalar_choice(struct decoder *decoder, const struct path *path, const struct node *node,
                  const struct choice *choices, int *value) {
    size_t count = 0;
    if (node->kind == NODE_SCALAR && !node->sensitive) {
        for (; choices[count].text; count++) {
            if (strcmp(choices[count].text, node->text) == 0) {
                *value = choices[count].value;
                return 0;
            }
        }
    }
    cleanup_arena struct arena *scratch = arena_new();
    const char *expected = join_choices(scratch, choices);
    const char *text = scalar_text(decoder, path, node, expected);
    if (!text)
        return -1;
    const char **names = arena_array(scratch, const char *, count + 1);
    for (size_t i = 0; i < count; i++)
        names[i] = choices[i].text;
    problem_at(decoder, path, node, did_you_mean(scratch, text, names), "\"%s\" is not %s%s", text,
               choices[1].text ? "one of " : "", expected);
    return -1;
}

static void read_text(struct decoder *decoder, const struct path *path,
                      const struct field_spec *field, const struct node *node, void *object) {
    struct node plain = *node;
    if (field->flags & FIELD_CONFIDENTIAL)
        plain.sensitive = false; /* the one place where a secret belongs */
    *(const char **)place(field, object) = scalar_convert(decoder, path, &plain, field->type);
}

/* What other notations have for booleans, YAML 1.1 among them. */
static const char *boolean_meant(const char *text) {
    static const char *const words[][2] = {{"yes", "true"}, {"on", "true"},   {"y", "true"},
                                           {"no", "false"}, {"off", "false"}, {"n", "false"}};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (strcasecmp(text, words[i][0]) == 0)
            return words[i][1];
    return NULL;
}

int scalar_boolean(struct decoder *decoder, const struct path *path, const struct node *node) {
    const char *text = scalar_text(decoder, path, node, "true or false");
    int value = text ? parse_boolean(text) : -1;
    if (!text || value >= 0)
        return value;
    const char *meant = boolean_meant(text);
    cleanup_free char *help = meant ? format_text("did you mean %s?", meant) : NULL;
    if (help)
        problem_at(decoder, path, node, help, "\"%s\" is not true or false", text);
    else
        problem_notation(decoder, path, node, "true or false");
    return -1;
}

static void read_boolean(struct decoder *decoder, const struct path *path,
                         const struct field_spec *field, const struct node *node, void *object) {
    *(bool *)place(field, object) = scalar_boolean(decoder, path, node) == 1;
}

static void read_tristate(struct decoder *decoder, const struct path *path,
                          const struct field_spec *field, const struct node *node, void *object) {
    *(enum tristate *)place(field, object) = (enum tristate)scalar_boolean(decoder, path, node);
}

static void read_integer(struct decoder *decoder, const struct path *path,
                         const struct field_spec *field, const struct node *node, void *object) {
    char expected[80];
    snprintf(expected, sizeof expected, "a whole number from %lld to %lld", field->minimum,
             field->maximum);
    long long value;
    if (scalar_integer(decoder, path, node, field->minimum, field->maximum, expected, &value) == 0)
        *(int64_t *)place(field, object) = value;
}

static void read_port_number(struct decoder *decoder, const struct path *path,
                             const struct field_spec *field, const struct node *node,
                             void *object) {
    long long value;
    if (scalar_integer(decoder, path, node, 1, 65535, type_port_number.expected, &value) == 0)
        *(uint16_t *)place(field, object) = (uint16_t)value;
}

/* Quantities: text to a 64-bit number by a parser of quantity.h. */
struct quantity {
    int (*parse)(const char *text, int64_t *value);
    char *(*format)(char *buffer, size_t size, int64_t value);
    char *(*suggest)(char *buffer, size_t size, const char *text); /* or NULL */
};

static void problem_quantity(struct decoder *decoder, const struct path *path,
                             const struct field_spec *field, const struct node *node,
                             const struct quantity *quantity) {
    char buffer[64];
    const char *meant =
        quantity->suggest ? quantity->suggest(buffer, sizeof buffer, node->text) : NULL;
    if (!meant) {
        problem_notation(decoder, path, node, field->type->expected);
        return;
    }
    const bool milli = node->text[strlen(node->text) - 1] == 'm';
    cleanup_free char *help = format_text("did you mean \"%s\"?%s", meant,
                                          milli ? " \"m\" is a thousandth, as in Kubernetes" : "");
    problem_at(decoder, path, node, help, "\"%s\" is not %s", node->text, field->type->expected);
}

static void read_quantity(struct decoder *decoder, const struct path *path,
                          const struct field_spec *field, const struct node *node, void *object,
                          const struct quantity *quantity) {
    const char *text = scalar_text(decoder, path, node, field->type->expected);
    int64_t value;
    char least[32];
    if (!text)
        return;
    if (quantity->parse(text, &value) != 0)
        problem_quantity(decoder, path, field, node, quantity);
    else if (value < field->minimum)
        problem_at(decoder, path, node, NULL,
                   "\"%.60s\" is less than %s, the least that engines take", text,
                   quantity->format(least, sizeof least, field->minimum));
    else
        *(int64_t *)place(field, object) = value;
}

static void read_bytes(struct decoder *decoder, const struct path *path,
                       const struct field_spec *field, const struct node *node, void *object) {
    static const struct quantity bytes = {parse_bytes, format_bytes, suggest_bytes};
    read_quantity(decoder, path, field, node, object, &bytes);
}

static void read_cpus(struct decoder *decoder, const struct path *path,
                      const struct field_spec *field, const struct node *node, void *object) {
    static const struct quantity cpus = {parse_cpus, format_cpus, NULL};
    read_quantity(decoder, path, field, node, object, &cpus);
}

static void read_duration(struct decoder *decoder, const struct path *path,
                          const struct field_spec *field, const struct node *node, void *object) {
    static const struct quantity duration = {parse_duration, format_duration, NULL};
    read_quantity(decoder, path, field, node, object, &duration);
}

static void read_choice(struct decoder *decoder, const struct path *path,
                        const struct field_spec *field, const struct node *node, void *object) {
    int value;
    if (scalar_choice(decoder, path, node, field->choices, &value) == 0)
        *(int *)place(field, object) = value;
}

#define NAME_PATTERN    "^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$"
#define FEATURE_PATTERN "[A-Za-z][-_A-Za-z0-9]*$"
#define HOST_LABEL      "[A-Za-z0-9]([-A-Za-z0-9]{0,61}[A-Za-z0-9])?"
#define DECIMAL         "([0-9]+\\.?[0-9]*|\\.[0-9]+)"
#define EXPONENT        "[eE][-+]?[0-9]{1,2}"
#define OCTET           "(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
#define PORT                                                                                       \
    "(6553[0-5]|655[0-2][0-9]|65[0-4][0-9]{2}|6[0-4][0-9]{3}|[1-5][0-9]{4}|[1-9][0-9]{0,3})"
#define IPV4 OCTET "(\\." OCTET "){3}"

const struct value_type type_text = {.name = "text",
                                     .expected = "a text that is not empty",
                                     .shape = SHAPE_STRING,
                                     .read = read_text,
                                     .convert = convert_not_empty,
                                     .min_length = 1};
const struct value_type type_any_text = {.name = "text",
                                         .expected = "a text",
                                         .shape = SHAPE_SCALAR,
                                         .read = read_text,
                                         .convert = convert_any};
const struct value_type type_boolean = {
    .name = "boolean", .expected = "true or false", .shape = SHAPE_BOOLEAN, .read = read_boolean};
const struct value_type type_tristate = {
    .name = "boolean", .expected = "true or false", .shape = SHAPE_BOOLEAN, .read = read_tristate};
const struct value_type type_integer = {
    .name = "integer", .expected = "a whole number", .shape = SHAPE_INTEGER, .read = read_integer};
const struct value_type type_port_number = {.name = "port",
                                            .expected = "a port (1-65535)",
                                            .shape = SHAPE_INTEGER,
                                            .read = read_port_number};
const struct value_type type_bytes = {.name = "bytes",
                                      .expected = "a number of bytes such as 256Mi or 1Gi",
                                      .pattern = "^\\+?" DECIMAL "(" EXPONENT
                                                 "|[KMGTPE]i|[kMGTPE]|b|kb|mb|gb?)?$",
                                      .shape = SHAPE_NUMBER_OR_STRING,
                                      .read = read_bytes};
const struct value_type type_cpus = {.name = "CPUs",
                                     .expected = "a number of CPUs such as 500m or 0.5",
                                     .pattern = "^\\+?" DECIMAL "(" EXPONENT "|[numk])?$",
                                     .shape = SHAPE_NUMBER_OR_STRING,
                                     .read = read_cpus};
const struct value_type type_duration = {.name = "duration",
                                         .expected = "a duration such as 10s or 1m30s",
                                         .pattern = "^\\+?(0|(" DECIMAL
                                                    "(ns|us|\u00B5s|\u03BCs|ms|s|m|h))+)$",
                                         .shape = SHAPE_STRING,
                                         .read = read_duration};
const struct value_type type_choice = {.name = "enumeration",
                                       .expected = "one of a few words",
                                       .shape = SHAPE_STRING,
                                       .read = read_choice};
const struct value_type type_name = {
    .name = "name",
    .expected = "a name (lower-case letters, digits and inner dashes, at most 63)",
    .pattern = NAME_PATTERN,
    .shape = SHAPE_STRING,
    .read = read_text,
    .convert = convert_name};
const struct value_type type_feature = {
    .name = "feature",
    .expected = "the name of a feature (letters, digits, - and _, a letter first)",
    .pattern = "^" FEATURE_PATTERN,
    .shape = SHAPE_STRING,
    .read = read_text,
    .convert = convert_feature};
const struct value_type type_condition = {
    .name = "feature condition",
    .expected = "the name of a feature, or ! and the name of a feature",
    .pattern = "^!?" FEATURE_PATTERN,
    .shape = SHAPE_STRING,
    .read = read_text,
    .convert = convert_condition};
const struct value_type type_image = {
    .name = "image",
    .expected = "an image such as redis:7-alpine (lower case, [HOST[:PORT]/]PATH[:TAG][@DIGEST])",
    .pattern = "^[-._:/@A-Za-z0-9]+$",
    .shape = SHAPE_STRING,
    .read = read_text,
    .convert = convert_image};
const struct value_type type_variable_name = {
    .name = "variable",
    .expected = "the name of a variable (letters, digits and _, no digit first)",
    .pattern = "^[A-Za-z_][A-Za-z0-9_]*$",
    .shape = SHAPE_STRING,
    .read = read_text,
    .convert = convert_variable_name};
const struct value_type type_environment_name = {
    .name = "variable",
    .expected = "the name of an environment variable (letters, digits, _ - and ., no digit first)",
    .pattern = "^[-._A-Za-z][-._A-Za-z0-9]*$",
    .shape = SHAPE_STRING,
    .read = read_text,
    .convert = convert_environment_name};
const struct value_type type_target = {.name = "container path",
                                       .expected = "an absolute path in the container (without ..)",
                                       .pattern = "^/",
                                       .shape = SHAPE_STRING,
                                       .read = read_text,
                                       .convert = convert_target};
const struct value_type type_host_path = {.name = "host path",
                                          .expected =
                                              "an absolute path on the engine's host (without ..)",
                                          .pattern = "^/",
                                          .shape = SHAPE_STRING,
                                          .read = read_text,
                                          .convert = convert_target};
const struct value_type type_path = {.name = "path",
                                     .expected = "a path relative to this file",
                                     .shape = SHAPE_STRING,
                                     .read = read_text,
                                     .convert = convert_not_empty,
                                     .min_length = 1};
const struct value_type type_ipv4 = {.name = "IPv4 address",
                                     .expected = "an IPv4 address such as 172.20.0.10",
                                     .pattern = "^" IPV4 "$",
                                     .shape = SHAPE_STRING,
                                     .read = read_text,
                                     .convert = convert_ipv4};
const struct value_type type_ip = {.name = "IP address",
                                   .expected = "an IP address",
                                   .pattern = "^[0-9a-fA-F:.]+$",
                                   .shape = SHAPE_STRING,
                                   .read = read_text,
                                   .convert = convert_ip};
const struct value_type type_host_address = {.name = "address",
                                             .expected = "an IP address or host-gateway",
                                             .pattern = "^([0-9a-fA-F:.]+|host-gateway)$",
                                             .shape = SHAPE_STRING,
                                             .read = read_text,
                                             .convert = convert_host_address};
const struct value_type type_cidr = {.name = "CIDR",
                                     .expected =
                                         "a subnet such as 172.20.0.0/24 (its host bits must be 0)",
                                     .pattern = "^" IPV4 "/(3[0-2]|[12]?[0-9])$",
                                     .shape = SHAPE_STRING,
                                     .read = read_text,
                                     .convert = convert_cidr};
const struct value_type type_hostname = {.name = "host name",
                                         .expected =
                                             "a host name (letters, digits, inner dashes and dots)",
                                         .pattern = "^" HOST_LABEL "(\\." HOST_LABEL ")*$",
                                         .shape = SHAPE_STRING,
                                         .read = read_text,
                                         .convert = convert_hostname};
const struct value_type type_address = {.name = "address",
                                        .expected = "an address such as redis.example.com:6379",
                                        .pattern = "^(\\[[0-9a-fA-F:.]+]|" HOST_LABEL
                                                   "(\\." HOST_LABEL ")*):" PORT "$",
                                        .shape = SHAPE_STRING,
                                        .read = read_text,
                                        .convert = convert_address};
const struct value_type type_capability = {
    .name = "capability",
    .expected = "a Linux capability such as NET_BIND_SERVICE, or ALL",
    .pattern = "^[A-Za-z_]+$",
    .shape = SHAPE_STRING,
    .read = read_text,
    .convert = convert_capability};
const struct value_type type_signal = {.name = "signal",
                                       .expected = "a signal such as SIGTERM",
                                       .pattern = "^[A-Za-z0-9+-]+$",
                                       .shape = SHAPE_STRING,
                                       .read = read_text,
                                       .convert = convert_signal};
const struct value_type type_reload_signal = {.name = "signal",
                                              .expected = "a signal such as HUP",
                                              .pattern = "^[A-Za-z0-9+-]+$",
                                              .shape = SHAPE_STRING,
                                              .read = read_text,
                                              .convert = convert_reload_signal};
const struct value_type type_user = {.name = "user",
                                     .expected = "a user such as 999, redis or 999:999",
                                     .pattern = "^[^: ]+(:[^: ]+)?$",
                                     .shape = SHAPE_STRING,
                                     .read = read_text,
                                     .convert = convert_user};
const struct value_type type_label_key = {.name = "label",
                                          .expected = "the name of a label",
                                          .pattern = "^[^= ]+$",
                                          .shape = SHAPE_STRING,
                                          .read = read_text,
                                          .convert = convert_label_key};
const struct value_type type_sysctl = {.name = "sysctl",
                                       .expected = "a kernel parameter such as net.core.somaxconn",
                                       .pattern = "^[A-Za-z][-._/A-Za-z0-9]*$",
                                       .shape = SHAPE_STRING,
                                       .read = read_text,
                                       .convert = convert_sysctl};
const struct value_type type_url_path = {.name = "URL path",
                                         .expected = "a path of a URL, starting with /",
                                         .pattern = "^/[^ #]*$",
                                         .shape = SHAPE_STRING,
                                         .read = read_text,
                                         .convert = convert_url_path};
const struct value_type type_ulimit_name = {.name = "limit",
                                            .expected =
                                                "a resource limit (as, core, cpu, data, fsize, "
                                                "locks, memlock, msgqueue, nice, nofile, nproc, "
                                                "rss, rtprio, rttime, sigpending or stack)",
                                            .pattern = "^[a-z]+$",
                                            .shape = SHAPE_STRING,
                                            .read = read_text,
                                            .convert = convert_ulimit_name};
const struct value_type type_characters = {
    .name = "characters",
    .expected = "a set of characters such as A-Za-z0-9._- (no blanks)",
    .pattern = "^[!-~]+$",
    .shape = SHAPE_STRING,
    .read = read_text,
    .convert = convert_characters};
