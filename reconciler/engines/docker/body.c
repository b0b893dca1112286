/*
 * Request bodies: POST /containers/create, with everything but HostConfig, which is in body_host.c.
 */
#include "engines/docker/fields.h"

#include "base/error.h"

#include <stdlib.h>
#include <string.h>

void docker_put_text(json_t *object, const char *key, const char *text, const char **bad) {
    if (!text)
        return;
    json_t *value = json_string(text);
    if (!value || json_object_set_new(object, key, value) != 0)
        *bad = key;
}

json_t *docker_text_array(const struct text_list *list, const char **bad) {
    json_t *array = json_array();
    for (size_t i = 0; i < list->count; i++) {
        json_t *text = json_string(list->items[i]);
        if (!text)
            *bad = "a list";
        else
            json_array_append_new(array, text);
    }
    return array;
}

static json_t *variables(const struct service *service, const char **bad) {
    json_t *array = json_array();
    for (size_t i = 0; i < service->environment_count; i++) {
        const struct variable *variable = &service->environment[i];
        cleanup_free char *text =
            format_text("%s=%s", variable->name, variable->value ? variable->value : "");
        json_t *entry = json_string(text);
        if (!entry)
            *bad = variable->name;
        else
            json_array_append_new(array, entry);
    }
    return array;
}

/* A NULL time or number is left out, so that the image's own counts, as in compile. */
static void put_time(json_t *object, const char *key, int64_t value) {
    if (value > 0)
        json_object_set_new(object, key, json_integer(value));
}

static json_t *healthcheck(const struct service *service, const char **bad) {
    const struct healthcheck *check = &service->healthcheck;
    if (!docker_check_is_engines(check->kind))
        return json_pack("{s:[s]}", "Test", "NONE");
    json_t *object = json_object();
    if (check->test.count)
        json_object_set_new(object, "Test", docker_text_array(&check->test, bad));
    put_time(object, "Interval", check->interval_ns);
    put_time(object, "Timeout", check->timeout_ns);
    put_time(object, "StartPeriod", check->start_period_ns);
    put_time(object, "Retries", check->retries);
    return object;
}

static json_t *exposed_ports(struct arena *arena, const struct service *service) {
    json_t *ports = json_object();
    for (size_t i = 0; i < service->port_count; i++)
        json_object_set_new(ports, docker_port_name(arena, &service->ports[i]), json_object());
    return ports;
}

/* Command and entry point. The engine takes [""] for "none at all, not the image's". */
static void put_process(json_t *body, const struct service *service, const char **bad) {
    if (service->command.count)
        json_object_set_new(body, "Cmd", docker_text_array(&service->command, bad));
    if (service->entrypoint.count)
        json_object_set_new(body, "Entrypoint", docker_text_array(&service->entrypoint, bad));
    else if (service->entrypoint.declared)
        json_object_set_new(body, "Entrypoint", json_pack("[s]", ""));
    docker_put_text(body, "User", service->user, bad);
    docker_put_text(body, "WorkingDir", service->working_dir, bad);
    docker_put_text(body, "Hostname", service->hostname, bad);
    docker_put_text(body, "StopSignal", service->stop_signal, bad);
    if (service->stop_grace_period_ns >= 0)
        json_object_set_new(body, "StopTimeout",
                            json_integer(docker_grace_seconds(service->stop_grace_period_ns)));
}

json_t *docker_endpoint(const struct service *service, const struct attachment *attachment,
                        const char **bad) {
    json_t *endpoint = json_object();
    json_t *aliases = docker_text_array(&attachment->aliases, bad);
    json_array_insert_new(aliases, 0, json_string(service->name));
    json_object_set_new(endpoint, "Aliases", aliases);
    if (attachment->ipv4_address)
        json_object_set_new(endpoint, "IPAMConfig",
                            json_pack("{s:s}", "IPv4Address", attachment->ipv4_address));
    return endpoint;
}

/* All networks where the engine takes them, else the one of HostConfig.NetworkMode; the planner has
 * the others connected before the start. */
static json_t *endpoints(struct arena *arena, const struct docker_engine *engine,
                         const struct environment *environment, const struct service *service,
                         const char **bad) {
    json_t *endpoints = json_object();
    size_t count = service->network_count;
    if (count > 1 && !engine->base.capabilities.create_with_all_networks)
        count = 1;
    for (size_t i = 0; i < count; i++) {
        char *name = docker_name(arena, environment->project, service->networks[i].network, 0);
        json_object_set_new(endpoints, name, docker_endpoint(service, &service->networks[i], bad));
    }
    return json_pack("{s:o}", "EndpointsConfig", endpoints);
}

/* The reader is told which text it was; the text itself cannot be shown. */
static int check_texts(const struct action *action, const char *bad, struct error *error) {
    if (!bad)
        return 0;
    return error_set(error, ERROR_INPUT,
                     "service \"%s\": %s holds bytes that are not UTF-8, which the engine's API "
                     "cannot carry: encode the value differently",
                     action->desired->name, bad);
}

char *docker_container_body(struct docker_engine *engine, const struct environment *environment,
                            const struct action *action, struct error *error) {
    const struct service *service = action->desired->service;
    const char *bad = NULL;
    cleanup_arena struct arena *arena = arena_new();
    json_auto_t *body = json_object();
    docker_put_text(body, "Image", service->image, &bad);
    put_process(body, service, &bad);
    json_object_set_new(body, "Env", variables(service, &bad));
    json_t *check = healthcheck(service, &bad);
    if (json_object_size(check))
        json_object_set(body, "Healthcheck", check);
    json_decref(check);
    json_object_set_new(body, "ExposedPorts", exposed_ports(arena, service));
    json_object_set_new(body, "Labels", docker_labels(environment, action->desired));
    json_object_set_new(body, "HostConfig", docker_host_config(environment, action, &bad));
    json_object_set_new(body, "NetworkingConfig",
                        endpoints(arena, engine, environment, service, &bad));
    if (check_texts(action, bad, error) != 0)
        return NULL;
    return json_dumps(body, JSON_COMPACT);
}
