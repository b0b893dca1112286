/*
 * What the engine's refusals of actions mean to a person: which are permanent, which the next look
 * at the engine will clear up, and what to do about each. The engine's status codes alone do not
 * tell (a taken port is 500, an overlapping subnet 403), its words do. Pure.
 */
#include "engines/docker/failure.h"

#include "engines/docker/transport.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *noun(const struct resource_kind *kind) {
    if (kind == &docker_kind_network)
        return "network";
    if (kind == &docker_kind_image)
        return "image";
    if (kind == &docker_kind_volume || kind == &docker_kind_files)
        return "volume";
    return "container";
}

/* What the action is about, for people: its target may be a container's or network's id. */
static const char *target_name(const struct action *action) {
    const struct resource *observed = action->observed;
    if (!action->target)
        return "?";
    bool is_id = observed && observed->id && strcmp(observed->id, action->target) == 0;
    return is_id && observed->engine_name ? observed->engine_name : action->target;
}

char *docker_action_text(const struct action *action) {
    const char *kind = noun(docker_action_kind(action));
    const char *target = target_name(action);
    const char *argument = action->argument ? action->argument : "?";
    switch (action->verb) {
    case VERB_CONNECT:
        return format_text("connect container \"%s\" to network \"%s\"", target, argument);
    case VERB_DISCONNECT:
        return format_text("disconnect container \"%s\" from network \"%s\"", target, argument);
    case VERB_UPLOAD:
    case VERB_STAGE:
        return format_text("upload %s into container \"%s\"",
                           action->argument ? action->argument : "files", target);
    case VERB_SIGNAL:
        return format_text("send signal %s to container \"%s\"", argument, target);
    case VERB_RENAME:
        return format_text("rename container \"%s\" to \"%s\"", target, argument);
    default:
        return format_text("%s %s \"%s\"", verb_name(action->verb), kind, target);
    }
}

/* Sets the error and says that this is what the answer means. */
#define means(...) (error_set(__VA_ARGS__), true)

/* Whether ":PORT" occurs in the message, and not as the start of a longer number. */
static bool mentions_port(const char *message, unsigned port) {
    char text[16];
    size_t length = (size_t)snprintf(text, sizeof text, ":%u", port);
    for (const char *at = strstr(message, text); at; at = strstr(at + 1, text))
        if (at[length] < '0' || at[length] > '9')
            return true;
    return false;
}

/* The host port the message is about, or 0. */
static unsigned taken_port(const struct action *action, const char *message) {
    const struct service *service = action->desired ? action->desired->service : NULL;
    for (size_t i = 0; service && i < service->port_count; i++)
        if (service->ports[i].published && mentions_port(message, service->ports[i].published))
            return service->ports[i].published;
    return 0;
}

static bool is_port_taken(const char *message) {
    return docker_says(message, "port is already allocated") ||
           docker_says(message, "failed to bind host port") ||
           (docker_says(message, "address already in use") &&
            (docker_says(message, "bind") || docker_says(message, "listen")));
}

/* Taken ports and addresses: on start, or already on create or connect. */
static bool endpoint_failure(const struct action *action, const char *message,
                             struct error *error) {
    if (is_port_taken(message)) {
        unsigned port = taken_port(action, message);
        if (port)
            return means(error, ERROR_CONFLICT,
                         "host port %u is taken by another program or container (%s): free it "
                         "(sudo ss -lntup 'sport = :%u' and docker ps show who has it) or publish "
                         "another",
                         port, message, port);
        return means(error, ERROR_CONFLICT,
                     "a host port is taken by another program or container (%s): free it (sudo ss "
                     "-lntup and docker ps show who has it) or publish another",
                     message);
    }
    if (docker_says(message, "address already in use"))
        return means(error, ERROR_CONFLICT,
                     "an address it declares is taken by another container of the network (%s): "
                     "declare another (docker network inspect shows who has it)",
                     message);
    return false;
}

/* Creating one of these needs nothing that could have vanished meanwhile: what is not found is its
 * driver, "plugin \"brigde\" not found". */
static bool driver_failure(const struct action *action, long status, const char *message,
                           struct error *error) {
    const struct resource_kind *kind = docker_action_kind(action);
    const struct resource *desired = action->desired;
    if (status != 404 || (kind != &docker_kind_network && kind != &docker_kind_volume))
        return false;
    const char *driver = desired && desired->network  ? desired->network->driver
                         : desired && desired->volume ? desired->volume->driver
                                                      : NULL;
    return means(error, ERROR_FAILED,
                 "the engine does not have its driver%s%s%s (%s): correct driver, or install the "
                 "plugin (docker plugin install)",
                 driver ? " \"" : "", driver ? driver : "", driver ? "\"" : "", message);
}

static bool create_failure(const struct action *action, long status, const char *message,
                           struct error *error) {
    if (driver_failure(action, status, message, error))
        return true;
    if (docker_says(message, "pool overlaps"))
        return means(
            error, ERROR_CONFLICT,
            "its subnet overlaps another network's (%s): declare another subnet, or remove "
            "that network (docker network ls)",
            message);
    if (docker_says(message, "non-overlapping IPv4 address pool") ||
        docker_says(message, "address pools have been fully subnetted"))
        return means(
            error, ERROR_FAILED,
            "the engine has no free subnet left (%s): declare a subnet, or remove networks "
            "that are not used (docker network prune)",
            message);
    if (docker_says(message, "not a swarm manager")) /* a 503, as if it could pass */
        return means(error, ERROR_FAILED,
                     "its driver needs a swarm, and this engine is in none (%s): declare another "
                     "driver, or run docker swarm init",
                     message);
    if (status == 404 && docker_says(message, "no such image")) {
        const struct service *service = action->desired ? action->desired->service : NULL;
        return means(error, ERROR_FAILED,
                     "the engine does not have the image \"%s\": let it be pulled (pullPolicy "
                     "ifNotPresent), pull it yourself (docker pull %s), or make the local images "
                     "(make images)",
                     service ? service->image : "?", service ? service->image : "IMAGE");
    }
    if (status == 409)
        return means(error, ERROR_TRANSIENT,
                     "the name was taken meanwhile (%s): looking again tells by whom", message);
    return false;
}

static bool remove_failure(const struct action *action, long status, const char *message,
                           struct error *error) {
    const struct resource_kind *kind = docker_action_kind(action);
    const char *target = target_name(action);
    if (docker_says(message, "has active endpoints"))
        return means(error, ERROR_CONFLICT,
                     "containers that are not of this environment are connected to it (%s): "
                     "disconnect them (docker network inspect %s shows which)",
                     message, target);
    if (status == 409 && (kind == &docker_kind_volume || kind == &docker_kind_files))
        return means(error, ERROR_CONFLICT,
                     "a container that is not of this environment uses it (%s): remove that first "
                     "(docker ps -a --filter volume=%s shows which)",
                     message, target);
    return false;
}

static bool upload_failure(const char *message, struct error *error) {
    if (docker_says(message, "marked read-only"))
        return means(error, ERROR_FAILED,
                     "the container's root file system is read-only (%s): declare a volume where "
                     "the files go, or readOnly: false",
                     message);
    if (docker_says(message, "cannot overwrite directory") ||
        docker_says(message, "not a directory") || docker_says(message, "is a directory"))
        return means(error, ERROR_FAILED,
                     "a file's target does not fit what the image has there (%s): correct the "
                     "target of the file",
                     message);
    return false;
}

static bool start_failure(const char *message, struct error *error) {
    if (docker_says(message, "failed to initialize logging driver"))
        return means(error, ERROR_FAILED,
                     "its logging driver does not work (%s): correct logging, or start what it "
                     "logs to",
                     message);
    if (docker_says(message, "executable file not found") || docker_says(message, "exec format") ||
        docker_says(message, "container process: exec:"))
        return means(error, ERROR_FAILED,
                     "its command cannot be run (%s): correct command, entrypoint or image",
                     message);
    if (docker_says(message, "OCI runtime") || docker_says(message, "runc create failed"))
        return means(error, ERROR_FAILED, "the engine cannot run it (%s): correct what it names",
                     message);
    return false;
}

/* A memory limit below what the container uses: "unable to set memory limit to X (current usage: Y,
 * peak usage: Z)". */
static bool update_failure(const char *message, struct error *error) {
    if (docker_says(message, "unable to set memory limit") ||
        (docker_says(message, "memory") && docker_says(message, "current usage")))
        return means(error, ERROR_FAILED,
                     "it uses more memory than the new limit allows (%s): raise the limit, or "
                     "restart the service",
                     message);
    return false;
}

static bool verb_failure(const struct action *action, long status, const char *message,
                         struct error *error) {
    switch (action->verb) {
    case VERB_CREATE:
        return endpoint_failure(action, message, error) ||
               create_failure(action, status, message, error);
    case VERB_START:
        return endpoint_failure(action, message, error) || start_failure(message, error);
    case VERB_CONNECT:
        return endpoint_failure(action, message, error);
    case VERB_REMOVE:
        return remove_failure(action, status, message, error);
    case VERB_UPLOAD:
    case VERB_STAGE:
        return upload_failure(message, error);
    case VERB_UPDATE:
        return update_failure(message, error);
    default:
        return false;
    }
}

bool docker_action_failure(const struct action *action, long status, const char *message,
                           struct error *error) {
    /* What the plan was made from is not there any more: the next plan will know. */
    bool vanished = status == 404 && !docker_says(message, "no such image");
    bool known = verb_failure(action, status, message, error) ||
                 (vanished && means(error, ERROR_TRANSIENT,
                                    "what it needs has vanished since it was looked at (%s): "
                                    "looking again tells what to do",
                                    *message ? message : "not found"));
    if (known) {
        cleanup_free char *what = docker_action_text(action);
        error_wrap(error, "%s", what);
    }
    return known;
}
