/* Where secrets' values come from, and whether they may be the declared defaults. */
#include "base/error.h"
#include "base/memory.h"
#include "spec/interpolate.h"
#include "spec/notation.h"
#include "spec/paths.h"
#include "spec/reading.h"
#include "spec/source.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <utstring.h>

#define MAX_SECRET_BYTES (1u << 20)

static int compare_secret(const void *name, const void *secret) {
    return strcmp(name, ((const struct secret *)secret)->name);
}

const struct secret *environment_secret(const struct environment *environment, const char *name) {
    if (environment->secret_count == 0)
        return NULL;
    return bsearch(name, environment->secrets, environment->secret_count, sizeof(struct secret),
                   compare_secret);
}

static void problem_secret(struct reading *reading, const struct secret_draft *draft,
                           const char *field, const char *help, const char *message) {
    struct path secrets = {NULL, "secrets", 0};
    struct path secret = {&secrets, draft->secret.name, 0};
    struct path inner = {&secret, field, 0};
    const struct node *node = field ? node_get(draft->node, field) : NULL;
    problem_at(&reading->decoder, field ? &inner : &secret, node ? node : draft->node, help, "%s",
               message);
}

/* The value a file holds, without one final line break, or NULL. That there is no such file is an
 * error only if the value cannot come from elsewhere. */
static const char *read_secret_file(struct reading *reading, const struct secret_draft *draft) {
    const struct node *node = node_get(draft->node, "file");
    const char *path = path_beside(reading->trees, node->at.file, draft->secret.file);
    cleanup_source struct source source = {0};
    cleanup_error struct error error = ERROR_INIT;
    if (access(path, F_OK) != 0 && draft->fallback)
        return NULL;
    if (source_read(path, MAX_SECRET_BYTES, &source, &error) != 0) {
        cleanup_free char *message = format_text("\"%s\": %s", path, error_text(&error));
        problem_secret(reading, draft, "file", NULL, message);
        return NULL;
    }
    if (memchr(source.text, '\0', source.size)) {
        problem_secret(reading, draft, "file", "a secret is a text", "the file holds NUL bytes");
        return NULL;
    }
    if (source.size > 0 && source.text[source.size - 1] == '\n')
        source.size--;
    if (source.size > 0 && source.text[source.size - 1] == '\r')
        source.size--;
    const char *value = arena_copy_n(reading->arena, source.text, source.size);
    explicit_bzero(source.text, source.size);
    return value;
}

static void resolve_secret(struct reading *reading, const struct secret_draft *draft,
                           struct secret *secret) {
    const char *set = secret->env ? variables_get(reading->variables, secret->env) : NULL;
    /* Compose files set variables to nothing as often as they leave them out: both are "not set".
     */
    if (set && *set)
        secret->value = arena_copy(reading->arena, set);
    else if (secret->file)
        secret->value = read_secret_file(reading, draft);
    if (!secret->value)
        secret->value = draft->fallback;
    secret->is_default =
        secret->value && draft->fallback && strcmp(secret->value, draft->fallback) == 0;
}

/* Where the value comes from, for messages, which never show the value. */
static const char *source_of(const struct reading *reading, const struct secret *secret) {
    const char *set = secret->env ? variables_get(reading->variables, secret->env) : NULL;
    if (set && *set)
        return secret->env;
    return secret->file && !secret->is_default ? secret->file : "default";
}

static void check_value(struct reading *reading, const struct secret_draft *draft,
                        const struct secret *secret) {
    if (!secret->value)
        return;
    const char *source = source_of(reading, secret);
    if (draft->characters && !consists_of_characters(secret->value, draft->characters)) {
        cleanup_free char *message = format_text(
            "the value of \"%s\" holds a character that is none of %s", source, draft->characters);
        problem_secret(reading, draft, NULL, "set it to a value of these characters only", message);
    }
    if (strlen(secret->value) < (size_t)draft->min_length) {
        cleanup_free char *message = format_text("the value of \"%s\" is shorter than %lld bytes",
                                                 source, (long long)draft->min_length);
        problem_secret(reading, draft, NULL, "set it to a longer one", message);
    }
}

/* --- missing, or refused ------------------------------------------------------------------------
 */

/* Whether a field that could give the value is there, but was found to be wrong. */
static bool was_reported(const struct secret_draft *draft) {
    const struct secret *secret = &draft->secret;
    return draft->node->kind != NODE_MAP || draft->node->partial ||
           (!secret->env && node_get(draft->node, "env")) ||
           (!secret->file && node_get(draft->node, "file")) ||
           (!draft->fallback && node_get(draft->node, "default"));
}

static void problem_missing(struct reading *reading, const struct secret_draft *draft) {
    const struct secret *secret = &draft->secret;
    if (was_reported(draft))
        return;
    if (secret->env) {
        cleanup_free char *help =
            format_text("set %s in the process environment or an env file", secret->env);
        cleanup_free char *message =
            format_text("the secret has no value: the variable \"%s\" is not set", secret->env);
        problem_secret(reading, draft, NULL, help, message);
    } else if (!secret->file) {
        problem_secret(reading, draft, NULL, "add env: VARIABLE, file: PATH or default: VALUE",
                       "the secret has no value: it names no variable, file or default");
    }
}

/* Names for a message: what nobody would read any more is only counted. */
#define MAX_NAMES      100
#define MAX_NAME_BYTES 1500

struct names {
    UT_string text;
    size_t count, left_out;
};

static void add_name(struct names *names, const char *format, const char *name) {
    if (names->count == MAX_NAMES || utstring_len(&names->text) > MAX_NAME_BYTES) {
        names->left_out++;
        return;
    }
    utstring_printf(&names->text, "%s", names->count++ ? ", " : "");
    utstring_printf(&names->text, format, name);
}

static void end_names(struct names *names) {
    if (names->left_out > 0)
        utstring_printf(&names->text, " … and %zu more", names->left_out);
}

static void add_secret(struct names *names, const struct secret *secret) {
    if (secret->env || secret->file)
        add_name(names, "%.200s", secret->env ? secret->env : secret->file);
    else
        add_name(names, "(secret %.200s: no `env`)", secret->name);
}

static void problem_refused(struct reading *reading, struct names *defaults,
                            struct names *missing) {
    end_names(defaults);
    end_names(missing);
    struct path path = {NULL, "defaultSecrets", 0};
    const struct node *node = node_get(reading->spec, "defaultSecrets");
    problem_at(
        &reading->decoder, &path, node,
        "set these variables in the process environment or an env file, to values of your own",
        "%s%s%s%s%s", defaults->count ? "default secrets are refused: " : "",
        utstring_body(&defaults->text), defaults->count && missing->count ? "; " : "",
        missing->count ? "secrets without a value: " : "", utstring_body(&missing->text));
}

/* One error for all that must be set, so that one look is enough. */
static void refuse_defaults(struct reading *reading) {
    struct names defaults = {0}, missing = {0};
    utstring_init(&defaults.text);
    utstring_init(&missing.text);
    for (size_t i = 0; i < reading->environment->secret_count; i++) {
        const struct secret *secret = &reading->environment->secrets[i];
        if (secret->is_default)
            add_secret(&defaults, secret);
        else if (!secret->value && (secret->env || !secret->file))
            add_secret(&missing, secret);
    }
    if (defaults.count || missing.count)
        problem_refused(reading, &defaults, &missing);
    utstring_done(&defaults.text);
    utstring_done(&missing.text);
}

void resolve_secrets(struct reading *reading) {
    struct environment *environment = reading->environment;
    const struct environment_draft *draft = &reading->draft;
    const bool refuse = draft->secret_defaults == SECRET_DEFAULTS_REFUSE;
    environment->secrets = arena_array(reading->arena, struct secret, draft->secret_count);
    environment->secret_count = draft->secret_count;
    for (size_t i = 0; i < draft->secret_count; i++) {
        struct secret *secret = &environment->secrets[i];
        *secret = draft->secrets[i].secret;
        if (reading->options->allow_missing_secrets) {
            secret->value = "";
            continue;
        }
        resolve_secret(reading, &draft->secrets[i], secret);
        check_value(reading, &draft->secrets[i], secret);
        if (!secret->value && !refuse)
            problem_missing(reading, &draft->secrets[i]);
    }
    if (refuse && !reading->options->allow_missing_secrets)
        refuse_defaults(reading);
}

/* Where secrets need not be there (destroy) this one is looked for all the same: it is needed for
 * taking registrations back. Not finding it is no error, so files that are not there are left. */
static const char *look_for(struct reading *reading, const char *name) {
    for (size_t i = 0; i < reading->draft.secret_count; i++) {
        const struct secret_draft *draft = &reading->draft.secrets[i];
        struct secret secret = draft->secret;
        if (strcmp(secret.name, name) != 0)
            continue;
        if (secret.file &&
            access(path_beside(reading->trees, node_get(draft->node, "file")->at.file, secret.file),
                   R_OK) != 0)
            secret.file = NULL;
        resolve_secret(reading, draft, &secret);
        return secret.value;
    }
    return NULL;
}

static void resolve_redis(struct reading *reading) {
    struct redis_settings *redis = &reading->environment->redis;
    const struct secret *secret =
        redis->secret ? environment_secret(reading->environment, redis->secret) : NULL;
    if (secret)
        redis->password = reading->options->allow_missing_secrets ? look_for(reading, redis->secret)
                                                                  : secret->value;
}

void resolve_variables(struct reading *reading) {
    resolve_redis(reading);
    for (size_t i = 0; i < reading->environment->service_count; i++) {
        struct service *service = &reading->environment->services[i];
        for (size_t j = 0; j < service->environment_count; j++) {
            struct variable *variable = &service->environment[j];
            const struct secret *secret =
                variable->secret ? environment_secret(reading->environment, variable->secret)
                                 : NULL;
            if (secret)
                variable->value = secret->value;
            if (!variable->value)
                variable->value = "";
        }
    }
}
