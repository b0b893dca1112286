/*
 * Registrations: each a script in Redis (scripts.c), whose result goes into the cache before the
 * client is answered, so that who writes here reads here what he wrote.
 */
#include "base/memory.h"
#include "registry/handlers.h"
#include "registry/log.h"
#include "registry/scripts.h"
#include "registry/sync.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Whether a write can be tried; else it is answered. */
static bool redis_is_there(struct request *request) {
    if (request->server->commands.link.state == LINK_UP && request->server->redis_vitals.ok)
        return true;
    request_unavailable(request, "redis", "nothing was changed, try again");
    return false;
}

static void refuse(struct request *request, int status, const char *code, const char *message) {
    struct problem problem;
    problem_set(&problem, status, code, NULL, "%s", message);
    request_problem(request, &problem);
}

/* The answer to a kind that refuses; false when it is none. */
static bool refused(struct request *request, const char *kind) {
    if (strcmp(kind, "unknown") == 0)
        refuse(request, 404, "not_found",
               "there is no such instance: register it with PUT (its TTL may have passed)");
    else if (strcmp(kind, "conflict") == 0)
        refuse(
            request, 409, "conflict",
            "the reconciler registered this instance: it alone changes it, and only an admin may "
            "remove it");
    else
        return false;
    return true;
}

static int status_of(const char *kind) {
    return strcmp(kind, "registered") == 0 ? 201 : 200;
}

/* Every script here answers {kind, document, event id}. */
static void answered(void *data, redisReply *reply) {
    struct request *request = data;
    const char *kind = reply_text(reply_at(reply, 0));
    const redisReply *document = reply_at(reply, 1);
    if (!reply || !document) {
        request_unavailable(request, "redis",
                            "whether it was changed is not known, send the same again");
        return;
    }
    if (refused(request, kind))
        return;
    sync_apply_own(request->server, kind, request->route.service, request->route.name,
                   reply_text(document), (size_t)document->len, reply_text(reply_at(reply, 2)));
    request_answer(request, status_of(kind), JSON_TYPE, "", reply_text(document),
                   (size_t)document->len);
}

static void run(struct request *request, enum script script, int count, const char **arguments) {
    cleanup_free char *key =
        format_text("registry:services:%s:%s", request->route.service, request->route.name);
    request_wait(request);
    script_run(&request->server->commands, script, answered, request, key, count, arguments);
}

void write_instance(struct request *request) {
    struct registration registration;
    struct problem problem;
    char time[TIME_SIZE];
    char ttl[24] = "";
    if (registration_read(request->body ? request->body : "", request->body_size,
                          request->route.service, request->route.name, &registration,
                          &problem) != 0) {
        request_problem(request, &problem);
        return;
    }
    if (registration.ttl)
        snprintf(ttl, sizeof ttl, "%lld", (long long)registration.ttl);
    const char *arguments[] = {request->route.service,
                               request->route.name,
                               registration.head,
                               registration.health,
                               registration.tail,
                               time_text(time),
                               ttl};
    if (redis_is_there(request))
        run(request, SCRIPT_REGISTER, 7, arguments);
    registration_clear(&registration);
}

void remove_instance(struct request *request) {
    const char *arguments[] = {request->route.service, request->route.name,
                               request->role == ROLE_ADMIN ? "1" : "0"};
    if (redis_is_there(request))
        run(request, SCRIPT_DEREGISTER, 3, arguments);
}

void write_heartbeat(struct request *request) {
    struct problem problem;
    const char *health = "";
    char time[TIME_SIZE];
    if (heartbeat_read(request->body ? request->body : "", request->body_size, &health, &problem) !=
        0) {
        request_problem(request, &problem);
        return;
    }
    const char *arguments[] = {request->route.service, request->route.name, health,
                               time_text(time)};
    if (redis_is_there(request))
        run(request, SCRIPT_HEARTBEAT, 4, arguments);
}
