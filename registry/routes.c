/* What a request asks for; see routes.h. */
#include "registry/routes.h"

#include "registry/instance.h"

#include <stdio.h>
#include <string.h>

#define READING (METHOD_GET | METHOD_HEAD)

static const struct route_description descriptions[ROUTE_COUNT] = {
    [ROUTE_UNKNOWN] = {"", READING, ROLE_NONE, ROLE_NONE},
    [ROUTE_SERVICES] = {"/services", READING, ROLE_READ, ROLE_ADMIN},
    [ROUTE_SERVICE] = {"/services/{service}", READING, ROLE_READ, ROLE_ADMIN},
    [ROUTE_INSTANCE] = {"/services/{service}/instances/{name}",
                        READING | METHOD_PUT | METHOD_DELETE, ROLE_READ, ROLE_REGISTER},
    [ROUTE_HEARTBEAT] = {"/services/{service}/instances/{name}/heartbeat", METHOD_POST, ROLE_READ,
                         ROLE_REGISTER},
    [ROUTE_CONFIG] = {"/config/{service}", READING, ROLE_READ, ROLE_ADMIN},
    [ROUTE_VALUE] = {"/config/{service}/{name}", READING | METHOD_PUT | METHOD_DELETE, ROLE_READ,
                     ROLE_ADMIN},
    [ROUTE_HISTORY] = {"/config/{service}/{name}/history", READING, ROLE_READ, ROLE_ADMIN},
    [ROUTE_WATCH] = {"/watch", METHOD_GET, ROLE_READ, ROLE_ADMIN},
    [ROUTE_OPENAPI] = {"/openapi.json", READING, ROLE_NONE, ROLE_NONE},
    [ROUTE_HEALTH] = {"/health", READING, ROLE_NONE, ROLE_NONE},
    [ROUTE_LIVE] = {"/live", READING, ROLE_NONE, ROLE_NONE},
    [ROUTE_METRICS] = {"/metrics", READING, ROLE_NONE, ROLE_NONE},
};

static const struct {
    enum method method;
    const char *name;
} method_names[] = {{METHOD_GET, "GET"},   {METHOD_HEAD, "HEAD"},     {METHOD_PUT, "PUT"},
                    {METHOD_POST, "POST"}, {METHOD_DELETE, "DELETE"}, {METHOD_OTHER, "other"}};

#define METHOD_NAMES (sizeof method_names / sizeof *method_names)

const struct route_description *route_describe(enum route_kind kind) {
    return &descriptions[kind];
}

struct part {
    const char *text;
    size_t size;
};

/* The part of *path up to the next slash; moves *path behind it. */
static struct part next_part(const char **path, const char *end) {
    const char *slash = memchr(*path, '/', (size_t)(end - *path));
    struct part part = {*path, (size_t)((slash ? slash : end) - *path)};
    *path = slash ? slash + 1 : end;
    return part;
}

/* Whether the path has the pattern's shape; the parts that stand for {service} and {name}. */
static bool matches(const char *pattern, const char *path, size_t size, struct part names[2]) {
    const char *pattern_end = pattern + strlen(pattern);
    const char *end = path + size;
    if (size == 0 || *path != '/' || (size > 1 && path[size - 1] == '/'))
        return false;
    pattern++;
    path++;
    while (pattern < pattern_end && path < end) {
        struct part want = next_part(&pattern, pattern_end);
        struct part have = next_part(&path, end);
        if (want.text[0] == '{')
            names[want.text[1] == 's' ? 0 : 1] = have;
        else if (want.size != have.size || memcmp(want.text, have.text, want.size) != 0)
            return false;
    }
    return pattern == pattern_end && path == end;
}

static int take_name(struct part part, char *name, const char *field, struct problem *problem) {
    if (!part.text)
        return 0;
    if (!name_is_valid(part.text, part.size))
        return problem_set(problem, 400, "invalid_name", field,
                           "a %s is 1 to 63 of the characters a-z, 0-9 and -", field);
    memcpy(name, part.text, part.size);
    name[part.size] = '\0';
    return 0;
}

int route_parse(const char *path, size_t size, struct route *route, struct problem *problem) {
    memset(route, 0, sizeof *route);
    for (int kind = ROUTE_UNKNOWN + 1; kind < ROUTE_COUNT; kind++) {
        struct part names[2] = {{NULL, 0}, {NULL, 0}};
        if (!matches(descriptions[kind].path, path, size, names))
            continue;
        route->kind = (enum route_kind)kind;
        const char *second = strncmp(path, "/config", 7) == 0 ? "key" : "instance";
        return take_name(names[0], route->service, "service", problem) ||
                       take_name(names[1], route->name, second, problem)
                   ? -1
                   : 0;
    }
    return problem_set(problem, 404, "no_such_path", NULL,
                       "there is nothing at this path: GET /openapi.json lists what there is");
}

enum role route_role(enum route_kind kind, enum method method) {
    return method & READING ? descriptions[kind].reading : descriptions[kind].writing;
}

char *methods_format(char *buffer, size_t size, unsigned methods) {
    size_t used = 0;
    buffer[0] = '\0';
    for (size_t i = 0; i < METHOD_NAMES; i++)
        if ((methods & method_names[i].method) && used < size)
            used += (size_t)snprintf(buffer + used, size - used, "%s%s", used ? ", " : "",
                                     method_names[i].name);
    return buffer;
}

const char *method_name(enum method method) {
    for (size_t i = 0; i < METHOD_NAMES; i++)
        if (method_names[i].method == method)
            return method_names[i].name;
    return "other";
}

/* --- Queries ---------------------------------------------------------------------------------- */

static int take_tag(const char *text, struct query *query) {
    if (query->tag[0] || !tag_is_valid(text, strlen(text)))
        return -1;
    memcpy(query->tag, text, strlen(text) + 1);
    return 0;
}

static int take_health(const char *text, struct query *query) {
    if (query->health[0] || health_parse(text) < 0)
        return -1;
    memcpy(query->health, text, strlen(text) + 1);
    return 0;
}

static int take_text(char *name, const char *text) {
    if (name[0] || !name_is_valid(text, strlen(text)))
        return -1;
    memcpy(name, text, strlen(text) + 1);
    return 0;
}

static int take_after(const char *text, struct query *query) {
    return take_text(query->after, text);
}

static int take_service(const char *text, struct query *query) {
    return take_text(query->service, text);
}

static int take_kind(const char *text, struct query *query) {
    if (query->kind[0] || (strcmp(text, "services") != 0 && strcmp(text, "config") != 0))
        return -1;
    memcpy(query->kind, text, strlen(text) + 1);
    return 0;
}

static int take_limit(const char *text, struct query *query) {
    return query->limit == 0 && number_parse(text, 1, 1000, &query->limit) ? 0 : -1;
}

static int take_version(const char *text, struct query *query) {
    return query->version == 0 && number_parse(text, 1, INT64_MAX, &query->version) ? 0 : -1;
}

static int take_since(const char *text, struct query *query) {
    if (query->has_since || !event_id_parse(text, &query->since))
        return -1;
    query->has_since = true;
    return 0;
}

static const struct parameter {
    const char *name;
    unsigned routes; /* bits 1 << kind */
    int (*take)(const char *text, struct query *query);
    const char *help;
} parameters[] = {
    {"tag", 1 << ROUTE_SERVICES | 1 << ROUTE_SERVICE, take_tag,
     "1 to 63 of a-z, A-Z, 0-9 and . _ : = / -"},
    {"health", 1 << ROUTE_SERVICES | 1 << ROUTE_SERVICE, take_health,
     "healthy, unhealthy, starting or unknown"},
    {"limit", 1 << ROUTE_SERVICES, take_limit, "a number from 1 to 1000"},
    {"after", 1 << ROUTE_SERVICES, take_after, "the \"next\" of the page before"},
    {"version", 1 << ROUTE_VALUE, take_version, "a version's number, from 1"},
    {"since", 1 << ROUTE_WATCH, take_since, "the token of a message of /watch"},
    {"service", 1 << ROUTE_WATCH, take_service, "the name of a service"},
    {"kind", 1 << ROUTE_WATCH, take_kind, "services or config"},
};

#define PARAMETERS (sizeof parameters / sizeof *parameters)

int query_add(enum route_kind kind, const char *argument, size_t size, struct query *query,
              struct problem *problem) {
    char text[128];
    if (size >= sizeof text || memchr(argument, '\0', size))
        return problem_set(problem, 400, "invalid_query", NULL,
                           "a parameter of the query is too long or contains a NUL");
    memcpy(text, argument, size);
    text[size] = '\0';
    char *value = strchr(text, '=');
    if (value)
        *value++ = '\0';
    for (size_t i = 0; i < PARAMETERS; i++) {
        const struct parameter *parameter = &parameters[i];
        if (!(parameter->routes & 1U << kind) || strcmp(text, parameter->name) != 0)
            continue;
        if (value && parameter->take(value, query) == 0)
            return 0;
        return problem_set(problem, 400, "invalid_query", parameter->name,
                           "it must be given once, as %s", parameter->help);
    }
    return problem_set(problem, 400, "unknown_parameter", NULL,
                       "this path knows no such query parameter: see GET /openapi.json");
}
