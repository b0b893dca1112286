/* An engine without an engine; see fake_engine.h. */
#include "unit/fake_engine.h"

#include "base/memory.h"
#include "unit/http_server.h"

#include <stdlib.h>
#include <string.h>

struct call {
    struct fake_engine *fake;
    char what;
    const struct action *action;
    engine_done *done;
    probe_done *probed;
    void *context;
};

static const struct resource_kind network_kind = {"network", LIFECYCLE_OBJECT, 1, NULL};
static const struct resource_kind image_kind = {"image", LIFECYCLE_IMAGE, 1, NULL};
static const struct resource_kind service_kind = {"service", LIFECYCLE_CONTAINER, 2, NULL};

static struct fake_target *target_of(struct fake_engine *fake, const char *name) {
    for (int i = 0; i < fake->target_count; i++)
        if (strcmp(fake->targets[i].name, name) == 0)
            return &fake->targets[i];
    fake->targets[fake->target_count] = (struct fake_target){copy_text(name), ".", 0};
    return &fake->targets[fake->target_count++];
}

void fake_script(struct fake_engine *fake, const char *target, const char *script) {
    target_of(fake, target)->script = script;
}

int fake_calls(const struct fake_engine *fake, const char *target) {
    return target_of((struct fake_engine *)fake, target)->calls;
}

static char at_call(const char *script, int call) {
    int length = (int)strlen(script);
    return script[call < length ? call : length - 1];
}

static void add_present(struct fake_engine *fake, const char *name, bool present) {
    for (int i = 0; i < 8; i++)
        if (fake->present[i] && strcmp(fake->present[i], name) == 0)
            fake->present[i] = NULL;
    for (int i = 0; present && i < 8; i++)
        if (!fake->present[i]) {
            fake->present[i] = name;
            return;
        }
}

static void effect(const struct call *call) {
    const struct action *action = call->action;
    const struct resource *resource = action->desired ? action->desired : action->observed;
    if (!resource || resource->kind != &network_kind)
        return;
    for (int i = 0; i < 8; i++) /* the resource's texts die with the pass */
        if (call->fake->wanted[i] && strcmp(call->fake->wanted[i], resource->name) == 0)
            add_present(call->fake, call->fake->wanted[i], action->verb == VERB_CREATE);
    if (action->verb == VERB_REMOVE)
        add_present(call->fake, resource->name, false);
}

static enum error_code code_of(char what) {
    return what == 't'   ? ERROR_TRANSIENT
           : what == 'u' ? ERROR_UNREACHABLE
           : what == 'o' ? ERROR_TIMEOUT
                         : ERROR_FAILED;
}

static void end_act(struct call *call, bool ok, enum error_code code, const char *text) {
    cleanup_error struct error error = ERROR_INIT;
    call->fake->in_flight--;
    if (ok && call->what == '.')
        effect(call);
    if (!ok)
        error_set(&error, code, "%s", text);
    call->done(call->context, ok, ok ? NULL : &error);
    free(call);
}

static void answer_act(void *context) {
    struct call *call = context;
    cleanup_free char *text = format_text("%s: scripted %c", call->action->target, call->what);
    end_act(call, call->what == '.' || call->what == 'l', code_of(call->what), text);
}

static void answer_probe(void *context) {
    struct call *call = context;
    enum probe_result result = call->what == '.'   ? PROBE_HEALTHY
                               : call->what == 'c' ? PROBE_COMPLETED
                               : call->what == 'f' ? PROBE_FAILED
                               : call->what == 'g' ? PROBE_HOPELESS
                                                   : PROBE_WAITING;
    const char *detail = call->what == 'f'   ? "exited with code 1"
                         : call->what == 'g' ? "the container is gone"
                         : call->what == 'w' ? "connection refused"
                                             : "";
    call->probed(call->context, result, detail);
    free(call);
}

static void answer_hanging(void *context, const struct http_response *response) {
    struct call *call = context;
    (void)response; /* only ever given up */
    if (call->probed)
        answer_probe(call);
    else
        end_act(call, false, ERROR_INTERRUPTED, "given up");
}

/* A request that never ends, so that it is given up as a real one. */
static void hang(struct call *call) {
    static struct http_endpoint endpoint;
    if (!endpoint.url)
        endpoint = (struct http_endpoint){.url = http_server_start()->url};
    struct http_request request = {.endpoint = &endpoint, .method = "GET", .path = "/silent"};
    http_send(call->fake->engine.client, &request, answer_hanging, call);
}

static struct call *call_new(struct fake_engine *fake, const char *target, void *context) {
    struct fake_target *known = target_of(fake, target);
    struct call *call = memory_alloc(sizeof *call);
    *call = (struct call){
        .fake = fake, .what = at_call(known->script, known->calls++), .context = context};
    size_t length = strlen(fake->log);
    snprintf(fake->log + length, sizeof fake->log - length, "%s ", target);
    if (fake->on_call)
        fake->on_call(target);
    return call;
}

static void act(struct engine *engine, const struct environment *environment,
                const struct action *action, long timeout_ms, engine_progress *progress,
                engine_done *done, void *context) {
    struct fake_engine *fake = (struct fake_engine *)engine;
    struct call *call = call_new(fake, action->target, context);
    (void)environment, (void)timeout_ms, (void)progress;
    call->action = action;
    call->done = done;
    if (++fake->in_flight > fake->most_in_flight)
        fake->most_in_flight = fake->in_flight;
    if (call->what == 'h')
        hang(call);
    else
        http_after(engine->client, 0, answer_act, call);
}

static void probe(struct engine *engine, const struct service *service, const char *target,
                  enum depends_condition condition, probe_done *done, void *context) {
    struct call *call = call_new((struct fake_engine *)engine, target, context);
    (void)service, (void)condition;
    call->probed = done;
    if (call->what == 'h')
        hang(call);
    else
        http_after(engine->client, 0, answer_probe, call);
}

/* As the real one it runs the loop. */
static void nothing(void *context) {
    (void)context;
}

static char *last_logs(struct engine *engine, const char *target, int lines) {
    (void)target, (void)lines;
    http_after(engine->client, 0, nothing, NULL);
    http_run(engine->client, 100);
    return copy_text(((struct fake_engine *)engine)->logs);
}

static void networks(struct arena *arena, const char *const *names, const char *suffix,
                     struct resource_set *set) {
    set->items = arena_array(arena, struct resource, 10); /* and a container, an image */
    for (int i = 0; i < 8; i++)
        if (names[i])
            set->items[set->count++] =
                (struct resource){.kind = &network_kind,
                                  .key = arena_format(arena, "network/%s", names[i]),
                                  .name = arena_copy(arena, names[i]),
                                  .engine_name = arena_format(arena, "%s%s", names[i], suffix),
                                  .id = arena_copy(arena, names[i])};
    resource_set_sort(set);
}

static void add_container(const struct fake_engine *fake, enum run_state state,
                          struct resource_set *set) {
    static const struct service service = {.name = "redis", .restart = RESTART_NO};
    if (!fake->container_script)
        return;
    set->items[set->count++] = (struct resource){.kind = &service_kind,
                                                 .key = "service/redis",
                                                 .name = "redis",
                                                 .engine_name = "redis",
                                                 .id = state ? "redis" : NULL,
                                                 .instance = 1,
                                                 .service = state ? NULL : &service,
                                                 .state = state};
    resource_set_sort(set);
}

static void add_image(const struct fake_engine *fake, bool outdated, struct resource_set *set) {
    if (!fake->outdated)
        return;
    set->items[set->count++] = (struct resource){.kind = &image_kind,
                                                 .key = "image/image",
                                                 .name = "image",
                                                 .engine_name = "image",
                                                 .pull_policy = PULL_ALWAYS,
                                                 .outdated = outdated};
    resource_set_sort(set);
}

static int compile(struct engine *engine, struct arena *arena,
                   const struct environment *environment, struct resource_set *desired,
                   struct error *error) {
    static const char *const none[8];
    const struct fake_engine *fake = (struct fake_engine *)engine;
    (void)error;
    networks(arena, environment ? fake->wanted : none, "", desired);
    if (environment)
        add_container(fake, RUN_NONE, desired);
    if (environment)
        add_image(fake, false, desired);
    return 0;
}

static int observe(struct engine *engine, struct arena *arena, const char *project,
                   const char *environment, const struct resource_set *desired,
                   struct resource_set *observed, struct error *error) {
    struct fake_engine *fake = (struct fake_engine *)engine;
    (void)project, (void)environment;
    const char *script = fake->container_script;
    bool running = script && at_call(script, fake->observations) == 'r';
    char what = at_call(fake->observe_script, fake->observations++);
    if (what != '.')
        return error_set(error, code_of(what), "observe: scripted %c", what);
    networks(arena, fake->present, fake->misnamed ? ".old" : "", observed);
    add_container(fake, running ? RUN_RUNNING : RUN_RESTARTING, observed);
    const struct resource *image = resource_find(desired, "image/image");
    add_image(fake, image && image->pull_policy == PULL_ALWAYS, observed);
    return 0;
}

static const struct engine_operations operations = {.name = "fake",
                                                    .compile = compile,
                                                    .observe = observe,
                                                    .act = act,
                                                    .probe = probe,
                                                    .last_logs = last_logs};

struct fake_engine *fake_engine_new(void) {
    struct fake_engine *fake = memory_alloc(sizeof *fake);
    fake->engine = (struct engine){.operations = &operations, .client = http_client_new(NULL)};
    fake->observe_script = ".";
    return fake;
}

void fake_engine_free(struct fake_engine *fake) {
    http_client_free(fake->engine.client);
    for (int i = 0; i < fake->target_count; i++)
        free((char *)fake->targets[i].name);
    free(fake);
}
