/* Writing a status: as a document for scripts, as tables for people; see status.h. */
#include "status/status.h"

#include "base/memory.h"
#include "status/document.h"

#include <stdlib.h>
#include <string.h>

const char *service_health_name(enum service_health health) {
    static const char *const names[] = {
        [SERVICE_HEALTHY] = "healthy",     [SERVICE_RUNNING] = "running",
        [SERVICE_COMPLETED] = "completed", [SERVICE_STARTING] = "starting",
        [SERVICE_UNHEALTHY] = "unhealthy", [SERVICE_MISSING] = "missing",
    };
    return names[health];
}

const char *service_state_name(const struct service_status *service, struct arena *arena) {
    static const char *const names[] = {
        [RUN_NONE] = "unknown",  [RUN_CREATED] = "created",       [RUN_RUNNING] = "running",
        [RUN_PAUSED] = "paused", [RUN_RESTARTING] = "restarting", [RUN_EXITED] = "exited",
        [RUN_DEAD] = "dead",
    };
    if (!service->observed)
        return "missing";
    if (service->observed->state == RUN_EXITED)
        return arena_format(arena, "exited (%d)", service->observed->exit_code);
    return names[service->observed->state];
}

static const struct container_facts *facts_of(const struct service_status *service) {
    static const struct container_facts none;
    bool known = service->observed && service->observed->facts;
    return known ? service->observed->facts : &none;
}

static const struct service *declared(const struct service_status *service) {
    return service->desired ? service->desired->service : NULL;
}

/* --- where to reach it --------------------------------------------------------------------------
 */

/* "127.0.0.1:6379"; a port that an HTTP check asks is a URL, which can be followed. */
static const char *reach(struct arena *arena, const struct service *service,
                         const struct port *port) {
    bool everywhere = !port->host_ip || !*port->host_ip || strcmp(port->host_ip, "0.0.0.0") == 0;
    bool http = service && service->healthcheck.kind == CHECK_HTTP &&
                service->healthcheck.port == port->target && !port->udp;
    return arena_format(arena, "%s%s:%u%s", http ? "http://" : "",
                        everywhere ? "127.0.0.1" : port->host_ip, (unsigned)port->published,
                        port->udp ? "/udp" : "");
}

static const char *join(struct arena *arena, const char *left, const char *right) {
    return left ? arena_format(arena, "%s, %s", left, right) : right;
}

static const char *reach_all(struct arena *arena, const struct service_status *service) {
    const struct container_facts *facts = facts_of(service);
    const char *text = NULL;
    for (size_t i = 0; i < facts->port_count; i++)
        text = join(arena, text, reach(arena, declared(service), &facts->ports[i]));
    return text;
}

static const char *addresses(struct arena *arena, const struct container_facts *facts) {
    const char *text = NULL;
    for (size_t i = 0; i < facts->addresses.count; i++) {
        const struct pair *pair = &facts->addresses.items[i];
        text = join(arena, text, arena_format(arena, "%s %s", pair->key, pair->value));
    }
    return text;
}

/* Seconds since the last start, or -1. The engine's times are in UTC, "2024-05-01T10:20:30.1Z". */
static long long uptime(const struct service_status *service, time_t now) {
    struct tm parts = {0};
    const char *started = facts_of(service)->started;
    if (!started || service->observed->state != RUN_RUNNING ||
        !strptime(started, "%Y-%m-%dT%H:%M:%S", &parts))
        return -1;
    time_t since = timegm(&parts);
    return since < 0 || now < since ? -1 : (long long)(now - since);
}

/* The image it runs, not the one it should: they differ while a change is pending. */
static const char *image_of(struct arena *arena, const struct service_status *service) {
    const char *runs = service->observed ? field_value(&service->observed->fields, "image") : NULL;
    if (runs)
        return arena_copy_n(arena, runs, strcspn(runs, " "));
    return declared(service) ? declared(service)->image : NULL;
}

/* --- for scripts --------------------------------------------------------------------------------
 */

static json_t *addresses_json(const struct container_facts *facts) {
    json_t *object = json_object();
    for (size_t i = 0; i < facts->addresses.count; i++)
        document_text(object, facts->addresses.items[i].key, facts->addresses.items[i].value);
    return object;
}

static json_t *ports_json(struct arena *arena, const struct service_status *service) {
    const struct container_facts *facts = facts_of(service);
    json_t *array = json_array();
    for (size_t i = 0; i < facts->port_count; i++) {
        const struct port *port = &facts->ports[i];
        json_t *object = json_object();
        document_text(object, "hostIp", port->host_ip ? port->host_ip : "");
        json_object_set_new(object, "published", json_integer(port->published));
        json_object_set_new(object, "target", json_integer(port->target));
        document_text(object, "protocol", port->udp ? "udp" : "tcp");
        document_text(object, "reach", reach(arena, declared(service), port));
        json_array_append_new(array, object);
    }
    return array;
}

static json_t *service_json(const struct status *status, const struct service_status *service) {
    const struct container_facts *facts = facts_of(service);
    long long seconds = uptime(service, status->now);
    json_t *object = json_object();
    document_text(object, "name", service->name);
    json_object_set_new(object, "instance", json_integer(service->instance));
    document_text(object, "container", service->observed ? service->observed->engine_name : NULL);
    document_text(object, "id", service->observed ? service->observed->id : NULL);
    json_object_set_new(object, "declared", json_boolean(service->desired != NULL));
    document_text(object, "state", service_state_name(service, status->arena));
    document_text(object, "health", service_health_name(service->health));
    document_text(object, "detail", service->detail);
    document_text(object, "image", image_of(status->arena, service));
    document_text(object, "imageId", facts->image_id);
    document_text(object, "standIn", facts->stand_in);
    json_object_set_new(object, "addresses", addresses_json(facts));
    json_object_set_new(object, "ports", ports_json(status->arena, service));
    document_text(object, "started", facts->started);
    json_object_set_new(object, "uptimeSeconds", seconds < 0 ? json_null() : json_integer(seconds));
    json_object_set_new(object, "restarts", json_integer(facts->restarts));
    document_text(object, "pendingChange",
                  service->change ? change_kind_name(service->change->kind) : NULL);
    return object;
}

static json_t *condition_json(const struct condition *condition) {
    json_t *object = json_object();
    document_text(object, "type", condition->type);
    document_text(object, "status", condition->status ? "True" : "False");
    document_text(object, "reason", condition->reason);
    document_text(object, "message", condition->message);
    return object;
}

json_t *status_json(const struct status *status) {
    json_t *document = json_object();
    json_t *conditions = json_array(), *services = json_array();
    for (size_t i = 0; i < STATUS_CONDITIONS; i++)
        json_array_append_new(conditions, condition_json(&status->conditions[i]));
    for (size_t i = 0; i < status->count; i++)
        json_array_append_new(services, service_json(status, &status->services[i]));
    document_text(document, "environment", status->environment->name);
    document_text(document, "project", status->environment->project);
    document_text(document, "revision", status->environment->revision);
    document_text(document, "engine", status->engine);
    json_object_set_new(document, "conditions", conditions);
    json_object_set_new(document, "changes", json_integer((json_int_t)status->changes));
    json_object_set_new(document, "services", services);
    return document;
}

/* --- for people ---------------------------------------------------------------------------------
 */

static enum style health_style(enum service_health health) {
    if (health <= SERVICE_COMPLETED)
        return STYLE_GREEN;
    return health == SERVICE_STARTING ? STYLE_YELLOW : STYLE_RED;
}

/* "redis", from the second instance on "redis[2]", as the plan calls it. */
static const char *title(struct arena *arena, const struct service_status *service) {
    return service->instance > 1 ? arena_format(arena, "%s[%d]", service->name, service->instance)
                                 : service->name;
}

static const char *note(struct arena *arena, const struct service_status *service) {
    const char *text = service->detail;
    const struct container_facts *facts = facts_of(service);
    if (facts->stand_in)
        text = join(arena, text, "stand-in");
    if (!service->desired)
        return join(arena, text, "no longer declared");
    if (service->change)
        text = join(arena, text,
                    arena_format(arena, "to do: %s", change_kind_name(service->change->kind)));
    return text;
}

enum { NAME, STATE, HEALTH, REACH, ADDRESS, UP, RESTARTS, IMAGE, NOTE, COLUMNS };

static const struct table_column columns[COLUMNS] = {
    [NAME] = {"SERVICE", 0},      [STATE] = {"STATE", 6},     [HEALTH] = {"HEALTH", 0},
    [REACH] = {"REACH AT", 1},    [ADDRESS] = {"ADDRESS", 4}, [UP] = {"UP", 3},
    [RESTARTS] = {"RESTARTS", 5}, [IMAGE] = {"IMAGE", 7},     [NOTE] = {"NOTE", 0},
};

static const char *uptime_text(const struct status *status, const struct service_status *service) {
    char buffer[32];
    long long seconds = uptime(service, status->now);
    if (seconds < 0)
        return NULL;
    if (seconds < 60)
        return arena_format(status->arena, "%llds", seconds);
    return arena_copy(status->arena, text_elapsed(buffer, sizeof(buffer), seconds * 1000));
}

static void fill_row(const struct status *status, const struct service_status *service,
                     struct table_cell *cells) {
    struct arena *arena = status->arena;
    const struct container_facts *facts = facts_of(service);
    bool well = service->health <= SERVICE_COMPLETED;
    cells[NAME].text = title(arena, service);
    cells[STATE].text = service_state_name(service, arena);
    cells[HEALTH] =
        (struct table_cell){service_health_name(service->health), health_style(service->health)};
    cells[REACH].text = reach_all(arena, service);
    cells[ADDRESS].text = addresses(arena, facts);
    cells[UP].text = uptime_text(status, service);
    if (facts->restarts > 0)
        cells[RESTARTS].text = arena_format(arena, "%d", facts->restarts);
    cells[IMAGE].text = image_of(arena, service);
    cells[NOTE] = (struct table_cell){note(arena, service), well ? STYLE_YELLOW : STYLE_RED};
}

static void write_condition(const struct condition *condition, const struct table_look *look,
                            FILE *out) {
    enum style style = condition->status ? STYLE_GREEN : STYLE_RED;
    fprintf(out, "%-8s %s%s%s", condition->type, style_begin(style, look->colour),
            condition->status ? "yes" : "no", style_end(style, look->colour));
    fprintf(out, "%s  %s\n", condition->status ? "" : " ", condition->message);
}

/* Once, rather than on each line. */
static void explain_stand_ins(const struct status *status, const struct table_look *look,
                              FILE *out) {
    for (size_t i = 0; i < status->count; i++)
        if (facts_of(&status->services[i])->stand_in) {
            fprintf(out,
                    "\n%sstand-in: an image made here that answers the health check only, in "
                    "place of the real program (images/README.md)%s\n",
                    style_begin(STYLE_DIM, look->colour), style_end(STYLE_DIM, look->colour));
            return;
        }
}

void status_write(const struct status *status, const struct table_look *look, FILE *out) {
    struct table table = {.columns = columns, .column_count = COLUMNS};
    struct table_cell *cells =
        arena_array(status->arena, struct table_cell, COLUMNS * (status->count + 1));
    for (size_t i = 0; i < status->count; i++)
        fill_row(status, &status->services[i], &cells[i * COLUMNS]);
    table.cells = cells;
    table.row_count = status->count;
    fprintf(out, "%s%s%s on %s\n\n", style_begin(STYLE_BOLD, look->colour),
            status->environment->name, style_end(STYLE_BOLD, look->colour), status->engine);
    if (status->count > 0) {
        table_write(&table, look, out);
        fputc('\n', out);
    }
    for (size_t i = 0; i < STATUS_CONDITIONS; i++)
        write_condition(&status->conditions[i], look, out);
    explain_stand_ins(status, look, out);
}

void status_write_reach(const struct status *status, const struct table_look *look, FILE *out) {
    static const struct table_column reach_columns[] = {{"SERVICE", 0}, {"REACH AT", 0}, {"", 0}};
    struct table table = {.columns = reach_columns, .column_count = 3};
    struct table_cell *cells = arena_array(status->arena, struct table_cell, 3 * status->count + 1);
    for (size_t i = 0; i < status->count; i++) {
        const struct service_status *service = &status->services[i];
        struct table_cell *row = &cells[table.row_count * 3];
        row[0].text = title(status->arena, service);
        row[1] = (struct table_cell){reach_all(status->arena, service), STYLE_CYAN};
        /* Set either way: the row may be that of a service before it that cannot be reached. */
        row[2] = (struct table_cell){facts_of(service)->stand_in ? "stand-in" : NULL, STYLE_YELLOW};
        table.row_count += row[1].text != NULL;
    }
    table.cells = cells;
    if (table.row_count > 0)
        table_write(&table, look, out);
}
