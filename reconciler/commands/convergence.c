/* What apply and destroy have in common; see convergence.h. */
#include "commands/convergence.h"

#include "base/memory.h"
#include "commands/interrupt.h"
#include "commands/progress.h"
#include "status/document.h"
#include "status/registration.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define LOOK_MS 5000 /* to see how the services are, afterwards */

/* --- options ------------------------------------------------------------------------------------
 */

enum { KEY_TIMEOUT = 512 };

static int parse_parallel(const char *argument, struct argp_state *state) {
    char *end = NULL;
    long number = strtol(argument, &end, 10);
    if (end == argument || *end || number < 1 || number > 1000)
        argp_error(state, "--parallel \"%s\" is not a number of requests: use 1 to 1000", argument);
    return (int)number;
}

static error_t parse_convergence(int key, char *argument, struct argp_state *state) {
    struct convergence_options *options = state->input;
    if (key == KEY_TIMEOUT)
        options->timeout_ms = parse_milliseconds(argument, state, "--timeout");
    else if (key == 'p')
        options->parallel = parse_parallel(argument, state);
    else if (key == 'v')
        options->verbose = true;
    else
        return ARGP_ERR_UNKNOWN;
    return 0;
}

static const struct argp_option convergence_list[] = {
    {"timeout", KEY_TIMEOUT, "DURATION", 0,
     "Give up after this long, like 90s or 5m (default: no limit but those of single steps)", 0},
    {"parallel", 'p', "NUMBER", 0, "Requests in flight at once (default 16)", 0},
    {"verbose", 'v', NULL, 0, "Say more: later passes, and where to reach the services", 0},
    {0},
};

const struct argp convergence_argp = {.options = convergence_list, .parser = parse_convergence};

/* --- the plan -----------------------------------------------------------------------------------
 */

static json_t *plan_document(const struct plan *plan) {
    cleanup_free char *text = plan_json(plan);
    json_t *document = text ? json_loads(text, 0, NULL) : NULL;
    return document ? document : json_object();
}

static void print_plan(const struct plan *plan) {
    struct terminal terminal;
    terminal_open(&terminal, stdout);
    plan_print(plan, stdout, terminal.colour);
    fflush(stdout);
}

int convergence_plan(struct connection *connection, const struct environment *environment,
                     const struct convergence_options *options, size_t *changes) {
    cleanup_arena struct arena *arena = arena_new();
    cleanup_error struct error error = ERROR_INIT;
    struct resource_set desired = {0}, observed = {0};
    struct plan *plan = NULL;
    if (converge_plan(connection->engine, environment, options->destroy, options->remove_volumes,
                      arena, &desired, &observed, &plan, &error) != 0)
        return report_error(&error, &options->output);
    if (options->output.format == OUTPUT_TABLE)
        print_plan(plan);
    else
        output_document(plan_document(plan), options->output.format);
    if (changes)
        *changes = plan_change_count(plan);
    return plan_change_count(plan) > 0 ? EXIT_CHANGES : EXIT_DONE;
}

/* --- converging ---------------------------------------------------------------------------------
 */

struct run {
    const struct convergence_options *options;
    const struct environment *environment;
    struct engine *engine;
    struct registration_run *registration; /* NULL: the environment names no Redis */
    bool withdrawn;
    struct progress progress;
    struct executor_observer shown; /* the progress view's */
    json_t *plan;                   /* of the first pass, when a document is asked for */
    struct converge_result result;
    long long since_ms;
};

/* Whether a person wants to see this plan: later ones are what is left of the first. */
static bool is_shown(const struct run *run, const struct plan *plan, int pass) {
    if (run->options->output.format != OUTPUT_TABLE || plan_change_count(plan) == 0)
        return false;
    return pass <= 1 ? !run->options->plan_shown : run->options->verbose;
}

static void on_planned(void *context, const struct plan *plan, int pass) {
    struct run *run = context;
    progress_plan(&run->progress, plan); /* takes the view of the pass before away */
    if (run->options->output.format != OUTPUT_TABLE && !run->plan)
        run->plan = plan_document(plan);
    if (!is_shown(run, plan, pass))
        return;
    print_plan(plan);
    putchar('\n');
    fflush(stdout);
}

static void on_retrying(void *context, const struct error *error, long delay_ms) {
    struct run *run = context;
    cleanup_free char *note = format_text("trying again in %ld.%02ld s: %s", delay_ms / 1000,
                                          delay_ms % 1000 / 10, error_text(error));
    progress_note(&run->progress, note);
}

static void on_observed(void *context, const struct resource_set *desired,
                        const struct resource_set *observed, const struct plan *plan) {
    struct run *run = context;
    (void)desired;
    if (!run->options->destroy)
        registration_observed(run->registration, observed, plan);
    else if (!run->withdrawn) /* before Redis itself goes */
        registration_withdraw(run->registration, observed);
    run->withdrawn = true;
}

static void on_converged(void *context, const struct resource_set *desired,
                         const struct resource_set *observed, const struct plan *plan) {
    struct run *run = context;
    if (!run->registration || run->options->destroy)
        return;
    cleanup_arena struct arena *arena = arena_new();
    struct status *status = status_make(arena, run->environment, desired, observed, plan,
                                        run->engine->description, time(NULL));
    registration_sync(run->registration, status, true);
}

static void on_action(void *context, const struct plan *plan, size_t action,
                      enum action_state state, const struct error *error) {
    struct run *run = context;
    if (run->shown.action)
        run->shown.action(run->shown.context, plan, action, state, error);
    if (state == ACTION_DONE && !run->options->destroy)
        registration_action(run->registration, plan, action);
}

static void on_progress(void *context, const struct plan *plan, size_t action, const char *text,
                        long long current, long long total) {
    const struct executor_observer *shown = &((struct run *)context)->shown;
    if (shown->progress)
        shown->progress(shown->context, plan, action, text, current, total);
}

static void on_tick(void *context) {
    const struct executor_observer *shown = &((struct run *)context)->shown;
    if (shown->tick)
        shown->tick(shown->context);
}

static int perform(struct run *run, struct engine *engine) {
    const struct convergence_options *options = run->options;
    struct terminal terminal;
    terminal_open(&terminal, stderr);
    interrupt_install(STDERR_FILENO, terminal.live);
    progress_begin(&run->progress, &terminal, run->environment->name, http_now_ms);
    run->shown = progress_observer(&run->progress);
    run->registration = registration_new(engine, run->environment, interrupt_flag());
    struct converge_options how = {
        .executor = {.parallel = options->parallel,
                     .interrupted = interrupt_flag(),
                     .observer = {on_action, on_progress, on_tick, run}},
        .observer = {.observed = on_observed,
                     .converged = on_converged,
                     .planned = on_planned,
                     .retrying = on_retrying,
                     .context = run},
        .timeout_ms = options->timeout_ms,
        .remove_volumes = options->remove_volumes,
    };
    int failed = converge(engine, run->environment, options->destroy, &how, &run->result);
    progress_end(&run->progress);
    return failed;
}

/* --- how it went --------------------------------------------------------------------------------
 */

static struct status *look(struct arena *arena, struct engine *engine,
                           const struct environment *environment, struct error *error) {
    struct resource_set *sets = arena_array(arena, struct resource_set, 2);
    struct plan *plan = NULL;
    if (converge_plan(engine, environment, false, false, arena, &sets[0], &sets[1], &plan, error))
        return NULL;
    struct status *status =
        status_make(arena, environment, &sets[0], &sets[1], plan, engine->description, time(NULL));
    status_probe(status, engine);
    return status;
}

/* The services as they are now, or NULL and the error. Some seconds at most, whatever --timeout
 * was, and not after Ctrl-C: it is only to tell. */
static struct status *look_again(struct arena *arena, struct engine *engine,
                                 const struct environment *environment, struct error *error) {
    const struct engine_limits before = engine->limits;
    engine->limits = (struct engine_limits){http_now_ms() + LOOK_MS, interrupt_flag()};
    struct status *status = look(arena, engine, environment, error);
    engine->limits = before;
    return status;
}

/* What did not converge is registered as it is now. */
static void register_failed(const struct run *run) {
    bool absent = run->result.error.code == ERROR_UNREACHABLE; /* the engine */
    if (!run->registration || run->options->destroy || absent || *interrupt_flag())
        return;
    cleanup_arena struct arena *arena = arena_new();
    struct status *status = look_again(arena, run->engine, run->environment, NULL);
    if (status)
        registration_sync(run->registration, status, false);
}

/* What was taken out of the registry is still there where removing it failed. */
static void warn_withdrawn(const struct run *run, int failed) {
    size_t removed = run->registration ? registration_result(run->registration)->removed : 0;
    if (!failed || !run->options->destroy || removed == 0)
        return;
    fprintf(stderr,
            "tse-reconcile: warning: %zu %s taken out of the registry before this failed; destroy "
            "again, or apply to register what still runs\n",
            removed, removed == 1 ? "instance was" : "instances were");
}

static void warn_registration(const struct run *run) {
    const struct error *error =
        run->registration ? &registration_result(run->registration)->error : NULL;
    if (!error || error->code == ERROR_NONE)
        return;
    fprintf(stderr, "tse-reconcile: warning: %s: %s; check `redis` in %s and that Redis runs%s\n",
            run->options->destroy ? "not everything was taken out of the registry"
                                  : "not every service is registered",
            error_text(error), run->environment->file,
            run->options->destroy ? "" : ", then apply again");
}

static json_t *registration_json(const struct registration_run *registration) {
    const struct registration_result *result = registration_result(registration);
    json_t *document = json_object();
    json_object_set_new(document, "written", json_integer((json_int_t)result->written));
    json_object_set_new(document, "removed", json_integer((json_int_t)result->removed));
    json_object_set_new(document, "error",
                        result->error.code ? error_json(&result->error) : json_null());
    return document;
}

static void summarise_removal(const struct run *run, const char *elapsed) {
    const char *name = run->environment->name;
    size_t changes = run->result.changes;
    bool volumes_stay = run->environment->volume_count > 0 && !run->options->remove_volumes;
    const char *hint = volumes_stay ? "; volumes stay (--volumes removes them)" : "";
    if (changes == 0)
        printf("%s: nothing to do: nothing to remove is there\n", name);
    else
        printf("%s: %zu %s removed in %s%s\n", name, changes,
               changes == 1 ? "resource" : "resources", elapsed, hint);
}

static void summarise(const struct run *run) {
    const char *name = run->environment->name;
    char elapsed[32];
    text_elapsed(elapsed, sizeof(elapsed), http_now_ms() - run->since_ms);
    size_t changes = run->result.changes, services = run->environment->service_count;
    if (run->options->destroy)
        summarise_removal(run, elapsed);
    else if (changes > 0)
        printf("%s: converged after %zu %s in %s\n", name, changes,
               changes == 1 ? "change" : "changes", elapsed);
    else
        printf("%s: nothing to do: %zu %s as declared\n", name, services,
               services == 1 ? "service is" : "services are");
}

static void show_reach(const struct run *run, struct engine *engine) {
    cleanup_arena struct arena *arena = arena_new();
    cleanup_error struct error error = ERROR_INIT;
    struct table_look look = output_look();
    struct status *status = look_again(arena, engine, run->environment, &error);
    if (!status) {
        fprintf(stderr, "tse-reconcile: where to reach the services is not known: %s\n",
                error_text(&error));
        return;
    }
    putchar('\n');
    status_write_reach(status, &look, stdout);
}

static const char *outcome(const struct run *run, int failed) {
    if (failed)
        return run->result.error.code == ERROR_INTERRUPTED ? "interrupted" : "failed";
    if (run->result.changes == 0)
        return "unchanged";
    return run->options->destroy ? "removed" : "converged";
}

static json_t *result_json(const struct run *run, int failed) {
    json_t *document = json_object();
    document_text(document, "environment", run->environment->name);
    document_text(document, "project", run->environment->project);
    document_text(document, "revision", run->environment->revision);
    document_text(document, "outcome", outcome(run, failed));
    json_object_set_new(document, "changesMade", json_integer((json_int_t)run->result.changes));
    json_object_set_new(document, "passes", json_integer(run->result.passes));
    json_object_set_new(document, "milliseconds", json_integer(http_now_ms() - run->since_ms));
    json_object_set_new(document, "plan", run->plan ? json_incref(run->plan) : json_null());
    if (run->registration)
        json_object_set_new(document, "registration", registration_json(run->registration));
    if (failed)
        json_object_set_new(document, "error", error_json(&run->result.error));
    return document;
}

static void write_document(const struct run *run, struct engine *engine, int failed) {
    json_t *document = result_json(run, failed);
    if (!failed && !run->options->destroy) {
        cleanup_arena struct arena *arena = arena_new();
        struct status *status = look_again(arena, engine, run->environment, NULL);
        json_t *state = status ? status_json(status) : NULL;
        json_object_set_new(document, "status", state ? state : json_null());
    }
    output_document(document, run->options->output.format);
}

/* What a person is to do next is in converge()'s message; what was reached so far is said here. */
static int fail(const struct run *run) {
    static const struct output_options for_people = {OUTPUT_TABLE, NULL};
    size_t changes = run->result.changes;
    int code = report_error(&run->result.error, &for_people);
    if (changes > 0 && run->result.error.code != ERROR_INTERRUPTED)
        fprintf(stderr, "tse-reconcile: %zu %s made before; the same command goes on from there\n",
                changes, changes == 1 ? "change was" : "changes were");
    return code;
}

int convergence_run(struct connection *connection, const struct environment *environment,
                    const struct convergence_options *options) {
    struct run run = {.options = options,
                      .environment = environment,
                      .engine = connection->engine,
                      .since_ms = http_now_ms()};
    int failed = perform(&run, connection->engine);
    if (failed)
        register_failed(&run);
    int code = failed ? fail(&run) : EXIT_DONE;
    if (options->output.format != OUTPUT_TABLE)
        write_document(&run, connection->engine, failed);
    else if (!failed) {
        summarise(&run);
        if (!options->destroy && (options->verbose || run.result.changes > 0))
            show_reach(&run, connection->engine);
    }
    warn_registration(&run);
    warn_withdrawn(&run, failed);
    registration_free(run.registration);
    json_decref(run.plan);
    error_clear(&run.result.error);
    return code;
}
