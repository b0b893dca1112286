/* Building and comparing what the registry holds of an instance; see instance.h. */
#include "status/instance.h"

#include "base/memory.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ID_LIMIT    63
#define HASH_DIGITS 8

/* --- names --------------------------------------------------------------------------------------
 */

/* FNV-1a: two long names that begin alike stay apart. */
static uint32_t hash(const char *text) {
    uint32_t value = 2166136261u;
    for (; *text; text++)
        value = (value ^ (unsigned char)*text) * 16777619u;
    return value;
}

static char reduced(char c) {
    if (c >= 'A' && c <= 'Z')
        return (char)(c - 'A' + 'a');
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ? c : '-';
}

char *instance_id(const char *container) {
    size_t length = strlen(container);
    char *id = memory_alloc(length + ID_LIMIT + 1);
    for (size_t i = 0; i < length; i++)
        id[i] = reduced(container[i]);
    if (length > ID_LIMIT)
        snprintf(id + ID_LIMIT - HASH_DIGITS - 1, HASH_DIGITS + 2, "-%08x", hash(container));
    if (length == 0)
        id[0] = '-';
    return id;
}

char *instance_key(const char *service, const char *id) {
    return format_text("registry:services:%s:%s", service, id);
}

char *image_version(const char *image) {
    static const int shown = 7 + 12; /* "sha256:" and as many digits as docker shows */
    const char *digest = strchr(image, '@');
    size_t length = digest ? (size_t)(digest - image) : strlen(image);
    cleanup_free char *name = format_text("%.*s", (int)length, image);
    const char *slash = strrchr(name, '/');
    const char *colon = strrchr(slash ? slash : name, ':');
    if (colon && colon[1])
        return copy_text(colon + 1);
    return digest ? format_text("%.*s", shown, digest + 1) : copy_text("latest");
}

char *instance_time(long long milliseconds) {
    time_t seconds = (time_t)(milliseconds / 1000);
    struct tm parts;
    char text[32] = "";
    if (gmtime_r(&seconds, &parts))
        strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts);
    return format_text("%s.%03dZ", text, (int)(milliseconds % 1000));
}

/* --- the document -------------------------------------------------------------------------------
 */

static const char *address_on(const struct pair_list *addresses, const char *network) {
    for (size_t i = 0; i < addresses->count; i++)
        if (strcmp(addresses->items[i].key, network) == 0)
            return addresses->items[i].value;
    return NULL;
}

const char *instance_host(const struct service *service, const struct pair_list *addresses) {
    const char *host = address_on(addresses, "internal");
    for (size_t i = 0; !host && i < service->network_count; i++)
        host = address_on(addresses, service->networks[i].network);
    return host ? host : addresses->count ? addresses->items[0].value : NULL;
}

/* "4317,4318", where there is more than the one that is registered; NULL otherwise. */
static char *all_ports(const struct service *service) {
    char *list = NULL;
    for (size_t i = 0; service->port_count > 1 && i < service->port_count; i++) {
        char *longer = format_text("%s%s%u", list ? list : "", list ? "," : "",
                                   (unsigned)service->ports[i].target);
        free(list);
        list = longer;
    }
    return list;
}

static json_t *metadata(const struct environment *environment, const struct resource *container) {
    json_t *object = json_pack("{s:s, s:s, s:s}", "environment", environment->name, "project",
                               environment->project, "container", container->engine_name);
    cleanup_free char *ports = all_ports(container->service);
    if (ports)
        json_object_set_new(object, "ports", json_string(ports));
    return object;
}

static json_t *tags_of(const struct service *service) {
    json_t *tags = json_array();
    for (size_t i = 0; i < service->registration.tags.count; i++)
        json_array_append_new(tags, json_string(service->registration.tags.items[i]));
    return tags;
}

json_t *instance_document(const struct environment *environment, const struct resource *container,
                          const char *host, const char *health) {
    const struct service *service = container->service;
    const struct registration *registration = &service->registration;
    cleanup_free char *id = instance_id(container->engine_name);
    cleanup_free char *version = image_version(service->image);
    json_t *port = registration->port ? json_integer(registration->port) : json_null();
    return json_pack("{s:s, s:s, s:s?, s:o, s:s, s:s, s:s, s:o, s:o, s:n, s:n, s:n, s:s}",
                     "service", service->name, "id", id, "host", host, "port", port, "protocol",
                     registration->protocol, "version", version, "health", health, "tags",
                     tags_of(service), "metadata", metadata(environment, container), "ttl",
                     "registeredAt", "updatedAt", "source", "reconciler");
}

/* --- what is to be done -------------------------------------------------------------------------
 */

static const char *text_of(const json_t *document, const char *name) {
    return json_string_value(json_object_get(document, name));
}

/* Equal but for the times. */
static bool is_same(const json_t *left, const json_t *right) {
    static const char *const times[] = {"registeredAt", "updatedAt"};
    json_auto_t *a = json_copy((json_t *)left), *b = json_copy((json_t *)right);
    for (size_t i = 0; i < 2; i++) {
        json_object_del(a, times[i]);
        json_object_del(b, times[i]);
    }
    return json_equal(a, b);
}

/* A container that is down has no address: the one that it had stays. */
static json_t *complete(const json_t *wanted, const json_t *before, const char *now) {
    json_t *document = json_copy((json_t *)wanted);
    const char *registered = text_of(before, "registeredAt");
    if (!text_of(document, "host") && text_of(before, "host"))
        json_object_set(document, "host", json_object_get(before, "host"));
    json_object_set_new(document, "registeredAt", json_string(registered ? registered : now));
    json_object_set_new(document, "updatedAt", json_string(now));
    return document;
}

static struct instance_decision decide_gone(const json_t *before) {
    if (!before)
        return (struct instance_decision){.step = INSTANCE_UNLIST};
    return (struct instance_decision){INSTANCE_REMOVE, "deregistered",
                                      json_incref((json_t *)before)};
}

static struct instance_decision decide_there(const struct instance_wish *wish, const json_t *before,
                                             const char *now) {
    enum instance_step fine = wish->unlisted ? INSTANCE_LIST : INSTANCE_KEEP;
    if (!before && wish->only_update)
        return (struct instance_decision){.step = INSTANCE_UNLIST};
    json_auto_t *document = complete(wish->document, before, now);
    if (before && is_same(document, before))
        return (struct instance_decision){.step = fine};
    return (struct instance_decision){INSTANCE_WRITE, before ? "updated" : "registered",
                                      json_incref(document)};
}

/* Environments of other projects may have the same name, and so share a set. */
static bool is_anothers(const json_t *before, const char *project) {
    const char *owner = text_of(json_object_get(before, "metadata"), "project");
    return owner && project && strcmp(owner, project) != 0;
}

struct instance_decision instance_decide(const struct instance_wish *wish, const char *present,
                                         const char *now) {
    json_auto_t *parsed = present ? json_loads(present, 0, NULL) : NULL;
    const json_t *before = json_is_object(parsed) ? parsed : NULL;
    const char *source = text_of(before, "source");
    if (source && strcmp(source, "api") == 0)
        return (struct instance_decision){.step = INSTANCE_UNLIST};
    if (is_anothers(before, wish->project))
        return (struct instance_decision){.step = INSTANCE_KEEP};
    return wish->document ? decide_there(wish, before, now) : decide_gone(before);
}
