/* Bodies of requests and stored documents; see instance.h. */
#include "registry/instance.h"

#include "base/memory.h"
#include "registry/names.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_TAGS      32
#define MAX_METADATA  32
#define MAX_TTL       86400
#define MAX_TEXT      255
#define MAX_VALUE     65536
#define MAX_VERSION   9007199254740992 /* up to which every double is its integer */
#define LIKE_A_HOST   "-._:"
#define LIKE_A_SCHEME "-.+"

static const char *const health_names[HEALTH_COUNT] = {"unknown", "starting", "healthy",
                                                       "unhealthy"};

static void decref_pointer(json_t **value) {
    json_decref(*value);
}

#define cleanup_json __attribute__((cleanup(decref_pointer)))

int health_parse(const char *text) {
    for (int i = 0; i < HEALTH_COUNT; i++)
        if (strcmp(text, health_names[i]) == 0)
            return i;
    return -1;
}

const char *health_name(enum health health) {
    return health_names[health];
}

void registration_clear(struct registration *registration) {
    free(registration->head);
    free(registration->tail);
    memset(registration, 0, sizeof *registration);
}

/* --- Reading bodies --------------------------------------------------------------------------- */

/* The body as an object, or NULL with the problem. */
static json_t *read_object(const char *body, size_t size, struct problem *problem) {
    json_error_t error;
    json_t *object = json_loadb(body, size, JSON_REJECT_DUPLICATES, &error);
    if (!object) {
        problem_set(problem, 400, "invalid_json", NULL, "the body is not JSON: line %d, column %d",
                    error.line, error.column);
        return NULL;
    }
    if (json_is_object(object))
        return object;
    json_decref(object);
    problem_set(problem, 400, "invalid_json", NULL, "the body must be a JSON object");
    return NULL;
}

static bool all_of(const char *text, const char *besides) {
    for (; *text; text++) {
        bool plain = (*text >= 'a' && *text <= 'z') || (*text >= 'A' && *text <= 'Z') ||
                     (*text >= '0' && *text <= '9');
        if (!plain && !strchr(besides, *text))
            return false;
    }
    return true;
}

static int wrong(struct problem *problem, const char *field, const char *expected) {
    return problem_set(problem, 400, "invalid_field", field, "it must be %s", expected);
}

static int check_host(const json_t *value, struct problem *problem) {
    const char *text = json_string_value(value);
    if (!text || !*text || strlen(text) > MAX_TEXT || !all_of(text, LIKE_A_HOST))
        return wrong(problem, "host", "a host name or an address");
    return 0;
}

static int check_port(const json_t *value, struct problem *problem) {
    json_int_t port = json_integer_value(value);
    if (json_is_null(value) || (json_is_integer(value) && port >= 1 && port <= 65535))
        return 0;
    return wrong(problem, "port", "a number from 1 to 65535, or null");
}

static int check_protocol(const json_t *value, struct problem *problem) {
    const char *text = json_string_value(value);
    if (!text || !*text || strlen(text) >= 32 || !all_of(text, LIKE_A_SCHEME))
        return wrong(problem, "protocol", "a short word such as http, grpc or tcp");
    return 0;
}

static int check_version(const json_t *value, struct problem *problem) {
    const char *text = json_string_value(value);
    if (json_is_null(value) || (text && strlen(text) <= MAX_TEXT))
        return 0;
    return wrong(problem, "version", "a text of at most 255 bytes, or null");
}

static int check_health(const json_t *value, struct problem *problem) {
    const char *text = json_string_value(value);
    if (text && health_parse(text) >= 0)
        return 0;
    return wrong(problem, "health", "healthy, unhealthy, starting or unknown");
}

static int check_tags(const json_t *value, struct problem *problem) {
    static const char expected[] =
        "at most 32 different tags, each 1 to 63 of a-z, A-Z, 0-9 and . _ : = / -";
    if (!json_is_array(value) || json_array_size(value) > MAX_TAGS)
        return wrong(problem, "tags", expected);
    for (size_t i = 0; i < json_array_size(value); i++) {
        const json_t *tag = json_array_get(value, i);
        if (!json_is_string(tag) || !tag_is_valid(json_string_value(tag), json_string_length(tag)))
            return wrong(problem, "tags", expected);
        for (size_t k = 0; k < i; k++)
            if (json_equal(tag, json_array_get(value, k)))
                return wrong(problem, "tags", expected);
    }
    return 0;
}

static int check_metadata(const json_t *value, struct problem *problem) {
    static const char expected[] =
        "an object of at most 32 texts, names of at most 63 bytes, texts of at most 255";
    const char *name;
    json_t *text;
    if (!json_is_object(value) || json_object_size(value) > MAX_METADATA)
        return wrong(problem, "metadata", expected);
    json_object_foreach((json_t *)value, name,
                        text) if (!json_is_string(text) || !*name || strlen(name) >= NAME_SIZE ||
                                  json_string_length(text) >
                                      MAX_TEXT) return wrong(problem, "metadata", expected);
    return 0;
}

static int check_ttl(const json_t *value, struct problem *problem) {
    json_int_t ttl = json_integer_value(value);
    if (json_is_null(value) || (json_is_integer(value) && ttl >= 1 && ttl <= MAX_TTL))
        return 0;
    return wrong(problem, "ttl", "a number of seconds from 1 to 86400, or null");
}

/* What a registration may say, in the order in which it is stored. */
static const struct field {
    const char *name;
    int (*check)(const json_t *value, struct problem *problem);
} fields[] = {{"host", check_host},         {"port", check_port},     {"protocol", check_protocol},
              {"version", check_version},   {"health", check_health}, {"tags", check_tags},
              {"metadata", check_metadata}, {"ttl", check_ttl}};

#define FIELDS (sizeof fields / sizeof *fields)

static const struct field *find_field(const char *name) {
    for (size_t i = 0; i < FIELDS; i++)
        if (strcmp(fields[i].name, name) == 0)
            return &fields[i];
    return NULL;
}

/* Puts an unknown name, made printable, into the problem. */
static int unknown_field(const char *name, struct problem *problem) {
    char shown[NAME_SIZE];
    snprintf(shown, sizeof shown, "%s", name);
    for (char *p = shown; *p; p++)
        if (*p < ' ' || *p > '~')
            *p = '?';
    return problem_set(problem, 400, "unknown_field", shown,
                       "there is no such field: leave it out (GET /openapi.json lists them)");
}

static int check_fields(json_t *object, struct problem *problem) {
    const char *name;
    json_t *value;
    json_object_foreach(object, name, value) {
        const struct field *field = find_field(name);
        if (!field)
            return unknown_field(name, problem);
        if (field->check(value, problem) != 0)
            return -1;
    }
    if (!json_object_get(object, "host"))
        return problem_set(problem, 400, "missing_field", "host",
                           "say the host name or address where the instance is reached");
    return 0;
}

/* --- Writing registrations -------------------------------------------------------------------- */

/* The field of an object as a new reference, or the default (whose reference is taken). */
static json_t *field_or(const json_t *object, const char *name, json_t *otherwise) {
    json_t *value = json_object_get(object, name);
    if (!value)
        return otherwise;
    json_decref(otherwise);
    return json_incref(value);
}

/* The members of an object without its braces; the caller frees it. */
static char *members_text(const json_t *object) {
    char *text = json_dumps(object, 0);
    size_t size = strlen(text);
    memmove(text, text + 1, size - 2);
    text[size - 2] = '\0';
    return text;
}

static void write_registration(const json_t *body, const char *service, const char *id,
                               struct registration *registration) {
    cleanup_json json_t *head = json_object();
    cleanup_json json_t *tail = json_object();
    json_object_set_new(head, "service", json_string(service));
    json_object_set_new(head, "id", json_string(id));
    json_object_set(head, "host", json_object_get(body, "host"));
    json_object_set_new(head, "port", field_or(body, "port", json_null()));
    json_object_set_new(head, "protocol", field_or(body, "protocol", json_string("tcp")));
    json_object_set_new(head, "version", field_or(body, "version", json_null()));
    json_object_set_new(tail, "tags", field_or(body, "tags", json_array()));
    json_object_set_new(tail, "metadata", field_or(body, "metadata", json_object()));
    json_object_set_new(tail, "ttl", field_or(body, "ttl", json_null()));
    cleanup_free char *head_text = members_text(head);
    cleanup_free char *tail_text = members_text(tail);
    const char *health = json_string_value(json_object_get(body, "health"));
    registration->head = format_text("{%s, \"health\": \"", head_text);
    registration->tail = format_text("\", %s", tail_text);
    registration->health = health ? health_names[health_parse(health)] : "";
    registration->ttl = json_integer_value(json_object_get(body, "ttl"));
}

int registration_read(const char *body, size_t size, const char *service, const char *id,
                      struct registration *registration, struct problem *problem) {
    memset(registration, 0, sizeof *registration);
    cleanup_json json_t *object = read_object(body, size, problem);
    if (!object || check_fields(object, problem) != 0)
        return -1;
    write_registration(object, service, id, registration);
    return 0;
}

int heartbeat_read(const char *body, size_t size, const char **health, struct problem *problem) {
    *health = "";
    if (size == 0)
        return 0;
    cleanup_json json_t *object = read_object(body, size, problem);
    if (!object)
        return -1;
    const char *name;
    json_t *value;
    json_object_foreach(object, name, value) {
        if (strcmp(name, "health") != 0)
            return unknown_field(name, problem);
        if (check_health(value, problem) != 0)
            return -1;
        *health = health_names[health_parse(json_string_value(value))];
    }
    return 0;
}

/* The size of a value as PostgreSQL writes it: jsonb has numbers without exponent, 1e20 in full. */
static size_t stored_size(const char *text) {
    size_t size = strlen(text);
    bool quoted = false;
    for (const char *p = text; *p; p++) {
        if (*p == '"')
            quoted = !quoted;
        else if (quoted && *p == '\\')
            p++;
        else if (!quoted && *p == 'e') /* also that of true and false: no number follows */
            size += (size_t)labs(strtol(p + 1, NULL, 10));
    }
    return size;
}

char *value_read(const char *body, size_t size, struct problem *problem) {
    cleanup_json json_t *object = read_object(body, size, problem);
    if (!object)
        return NULL;
    const char *name;
    json_t *value;
    json_object_foreach(object, name, value) if (strcmp(name, "value") != 0) {
        unknown_field(name, problem);
        return NULL;
    }
    value = json_object_get(object, "value");
    if (!value) {
        problem_set(problem, 400, "missing_field", "value", "say {\"value\": …}, any JSON");
        return NULL;
    }
    char *text = json_dumps(value, JSON_ENCODE_ANY);
    if (text && stored_size(text) <= MAX_VALUE)
        return text;
    free(text);
    problem_set(problem, 413, "too_large", "value",
                "a value is at most 65536 bytes of JSON, its numbers written without exponent");
    return NULL;
}

/* --- Reading what is stored ------------------------------------------------------------------- */

static void collect_tags(const json_t *tags, struct instance_facts *facts) {
    size_t size = 1;
    for (size_t i = 0; i < json_array_size(tags); i++)
        size += json_string_length(json_array_get(tags, i)) + 1;
    facts->tags = memory_alloc(size);
    char *end = facts->tags;
    for (size_t i = 0; i < json_array_size(tags); i++) {
        const char *tag = json_string_value(json_array_get(tags, i));
        if (tag && *tag)
            end = stpcpy(end, tag) + 1;
    }
    facts->tags_size = (size_t)(end - facts->tags) + 1;
}

static bool says(const json_t *object, const char *name, const char *text) {
    const char *value = json_string_value(json_object_get(object, name));
    return value && strcmp(value, text) == 0;
}

int instance_facts(const char *json, size_t size, const char *service, const char *id,
                   struct instance_facts *facts) {
    cleanup_json json_t *object = json_loadb(json, size, 0, NULL);
    if (!object || !says(object, "service", service) || !says(object, "id", id))
        return -1;
    const char *health = json_string_value(json_object_get(object, "health"));
    int known = health ? health_parse(health) : -1;
    facts->health = known < 0 ? HEALTH_UNKNOWN : (enum health)known;
    collect_tags(json_object_get(object, "tags"), facts);
    return 0;
}

int64_t value_version(const char *json, size_t size) {
    /* PostgreSQL writes 1e20 in full: no integer that jansson would read. */
    cleanup_json json_t *object = json_loadb(json, size, JSON_DECODE_INT_AS_REAL, NULL);
    double version = json_real_value(json_object_get(object, "version"));
    if (!(version >= 1 && version <= MAX_VERSION) || version != (double)(int64_t)version)
        return -1;
    return (int64_t)version;
}
