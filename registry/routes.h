/*
 * What a request asks for: the route its path stands for with the names in it, the methods a route
 * knows, the role it needs, and its query. Pure: text in, struct out.
 */
#ifndef REGISTRY_ROUTES_H
#define REGISTRY_ROUTES_H

#include "registry/names.h"
#include "registry/problem.h"

enum method {
    METHOD_GET = 1,
    METHOD_HEAD = 2,
    METHOD_PUT = 4,
    METHOD_POST = 8,
    METHOD_DELETE = 16,
    METHOD_OTHER = 32
};

enum role { ROLE_NONE, ROLE_READ, ROLE_REGISTER, ROLE_ADMIN };

enum route_kind {
    ROUTE_UNKNOWN,
    ROUTE_SERVICES,
    ROUTE_SERVICE,
    ROUTE_INSTANCE,
    ROUTE_HEARTBEAT,
    ROUTE_CONFIG,
    ROUTE_VALUE,
    ROUTE_HISTORY,
    ROUTE_WATCH,
    ROUTE_OPENAPI,
    ROUTE_HEALTH,
    ROUTE_LIVE,
    ROUTE_METRICS,
    ROUTE_COUNT
};

/* One route, as the table in routes.c describes it. */
struct route_description {
    const char *path;  /* "/services/{service}", for the metrics' labels and the table's match */
    unsigned methods;  /* those it knows, or'ed */
    enum role reading; /* role for GET and HEAD */
    enum role writing; /* role for the others */
};

struct route {
    enum route_kind kind;
    char service[NAME_SIZE];
    char name[NAME_SIZE]; /* the instance or the configuration key */
};

/* The description of a route; of ROUTE_UNKNOWN too. */
const struct route_description *route_describe(enum route_kind kind);

/* Reads a decoded path. Fails with 404 when no route is like it, 400 when a name in it is none. */
int route_parse(const char *path, size_t size, struct route *route, struct problem *problem);

/* The role a method of a route needs. */
enum role route_role(enum route_kind kind, enum method method);

/* "GET, HEAD, PUT" of a set of methods. Returns the buffer (64 bytes or more). */
char *methods_format(char *buffer, size_t size, unsigned methods);

/* The name of one method. */
const char *method_name(enum method method);

struct query {
    char tag[NAME_SIZE]; /* "" where not given, as the others */
    char health[16];
    char after[NAME_SIZE];
    char service[NAME_SIZE];
    char kind[16];   /* "services" or "config" */
    int64_t limit;   /* 0: not given */
    int64_t version; /* 0: not given */
    bool has_since;
    struct event_id since;
};

/* Takes one decoded "NAME=VALUE" of a query into `query` (zeroed before the first). Fails with 400
 * when the route knows no such parameter, it was given before or its value is wrong. */
int query_add(enum route_kind kind, const char *argument, size_t size, struct query *query,
              struct problem *problem);

#endif
