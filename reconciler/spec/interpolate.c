/*
 * Replacing ${VAR} in one text. The rules are Compose's (docs.docker.com/reference/compose-file/
 * interpolation); where the documentation is silent, what its implementation does: the operator is
 * the first one after the name, a default is only looked at when it is used, braces in it balance,
 * and a "$" that starts neither a name nor a brace stays.
 */
#include "spec/interpolate_internal.h"

#include "base/memory.h"

#include <string.h>
#include <utstring.h>

/* Defaults inside of defaults; deeper is not written by anybody. */
#define MAX_NESTING 32
/* Bytes of the message of ${NAME:?message} that are shown. */
#define MAX_MESSAGE 1000

struct notes {
    const struct interpolation_note *first;
    const struct interpolation_note **end; /* where the next one is linked */
    size_t count;
};

struct interpolator {
    struct arena *arena;
    const char *text;
    const struct variables *variables;
    secret_lookup *secrets;
    void *secrets_context;
    variable_used *used;
    void *used_context;
    struct notes problems, unset;
    struct interpolation result;
};

static void add_note(struct interpolator *state, struct notes *notes, size_t at, const char *text,
                     const char *secret) {
    if (notes->count == INTERPOLATION_MAX_NOTES)
        return;
    struct interpolation_note *note = arena_alloc(state->arena, sizeof *note);
    *note = (struct interpolation_note){text, at, secret, NULL};
    *(notes->count++ ? notes->end : &notes->first) = note;
    notes->end = &note->next;
}

/* Notes what is wrong; what follows it is read on, so that all problems of a text are told. */
static int problem(struct interpolator *state, size_t at, const char *text) {
    add_note(state, &state->problems, at, text, NULL);
    return 0;
}

/* The same where there is nothing to go on with. */
static int fatal(struct interpolator *state, size_t at, const char *text) {
    add_note(state, &state->problems, at, text, NULL);
    return -1;
}

static int append(struct interpolator *state, UT_string *out, const char *text, size_t length,
                  size_t at) {
    if (length > INTERPOLATION_MAX_BYTES || utstring_len(out) > INTERPOLATION_MAX_BYTES - length)
        return fatal(state, at,
                     arena_format(state->arena,
                                  "the text grows beyond %u MiB once its variables are "
                                  "replaced: use shorter values",
                                  INTERPOLATION_MAX_BYTES >> 20));
    if (length > 0)
        utstring_bincpy(out, text, length);
    return 0;
}

static bool is_name_start(char c) {
    return c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_name(char c) {
    return is_name_start(c) || (c >= '0' && c <= '9');
}

static size_t name_length(const char *text, size_t at, size_t end) {
    size_t length = 0;
    while (at + length < end && is_name(text[at + length]))
        length++;
    return length;
}

/* The "}" that closes a "{" just before `at`, or `end`. */
static size_t find_close(const char *text, size_t at, size_t end) {
    unsigned open = 1;
    for (; at < end; at++) {
        if (text[at] == '{')
            open++;
        else if (text[at] == '}' && --open == 0)
            return at;
    }
    return end;
}

static void note_unset(struct interpolator *state, size_t at, const char *name) {
    if (state->unset.count == INTERPOLATION_MAX_NOTES)
        return;
    const struct interpolation_note *note = state->unset.first;
    while (note && strcmp(note->text, name) != 0)
        note = note->next;
    if (!note)
        add_note(state, &state->unset, at, name, NULL);
}

static const struct variable_slot *look_up(struct interpolator *state, const char *name) {
    if (state->used)
        state->used(state->used_context, name);
    return variables_find(state->variables, name, strlen(name));
}

static int expand(struct interpolator *state, size_t from, size_t end, unsigned depth,
                  UT_string *out);

/* $VAR and ${VAR} */
static int expand_plain(struct interpolator *state, const char *name, size_t at, UT_string *out) {
    const struct variable_slot *slot = look_up(state, name);
    state->result.sensitive |= slot && slot->sensitive;
    if (!slot || !slot->value) {
        note_unset(state, at, name);
        return 0;
    }
    return append(state, out, slot->value, strlen(slot->value), at);
}

/* What somebody wrote behind ":?" is quoted as it was written: the values of variables in it may be
 * secrets, of which not all are known yet while includes are read. */
static int required(struct interpolator *state, const char *name, size_t at, size_t from,
                    size_t end) {
    size_t length = end - from < MAX_MESSAGE ? end - from : MAX_MESSAGE;
    const char *message = length > 0 ? arena_copy_n(state->arena, state->text + from, length)
                                     : "set it in the environment or in an env file";
    return problem(state, at,
                   arena_format(state->arena, "variable \"%.200s\" is required: %s%s", name,
                                message, end - from > length ? "..." : ""));
}

/* An operator and its operand: text[from, end). */
struct operation {
    char kind;   /* '-', '?' or '+' */
    bool colon;  /* an empty value counts as unset */
    size_t from; /* the operand */
    size_t end;
};

static int expand_operation(struct interpolator *state, const char *name, size_t at,
                            const struct operation *operation, unsigned depth, UT_string *out) {
    const struct variable_slot *slot = look_up(state, name);
    const char *value = slot ? slot->value : NULL;
    bool present = value && !(operation->colon && *value == '\0');
    if (operation->kind == '+') {
        /* Whether a variable is set is no secret; what it holds does not go into the text. */
        if (!present)
            return 0;
        return expand(state, operation->from, operation->end, depth + 1, out);
    }
    state->result.sensitive |= slot && slot->sensitive;
    if (present)
        return append(state, out, value, strlen(value), at);
    if (operation->kind == '?')
        return required(state, name, at, operation->from, operation->end);
    return expand(state, operation->from, operation->end, depth + 1, out);
}

static int expand_secret(struct interpolator *state, size_t at, size_t from, size_t end,
                         UT_string *out) {
    const char *name = arena_copy_n(state->arena, state->text + from, end - from);
    const char *value = state->secrets(state->secrets_context, name);
    if (!value) {
        add_note(state, &state->problems, at,
                 arena_format(state->arena,
                              "secret \"%.200s\" is not declared, or has no value: declare it "
                              "under \"secrets\"",
                              name),
                 name);
        return 0;
    }
    state->result.sensitive = true;
    return append(state, out, value, strlen(value), at);
}

static int invalid(struct interpolator *state, size_t at, const char *name, bool is_secret) {
    if (is_secret)
        return problem(state, at,
                       "\"${secret:NAME}\" is only replaced in files with \"interpolate: true\": "
                       "elsewhere use {secret: NAME}");
    if (*name == '\0')
        return problem(state, at,
                       "\"${\" needs a variable's name right behind it: write \"${NAME}\", or "
                       "\"$${\" for the characters themselves");
    return problem(state, at,
                   arena_format(state->arena,
                                "\"${%.200s\" can only be followed by \"}\", \":-default\", "
                                "\"-default\", \":?message\", \"?message\", \":+other\" or "
                                "\"+other\": write \"$${\" for the characters themselves",
                                name));
}

/* "${...}" at `at`; *next is set behind it. */
static int expand_braced(struct interpolator *state, size_t at, size_t end, unsigned depth,
                         UT_string *out, size_t *next) {
    const char *text = state->text;
    size_t start = at + 2;
    size_t close = find_close(text, start, end);
    if (close == end)
        return fatal(state, at,
                     "\"${\" is never closed: add \"}\", or write \"$${\" for the characters "
                     "themselves");
    *next = close + 1;
    size_t length = start < end && is_name_start(text[start]) ? name_length(text, start, close) : 0;
    const char *name = arena_copy_n(state->arena, text + start, length);
    size_t behind = start + length;
    struct operation operation = {.colon = text[behind] == ':', .end = close};
    operation.kind = text[behind + operation.colon];
    operation.from = behind + operation.colon + 1;
    if (length > 0 && behind == close)
        return expand_plain(state, name, at, out);
    if (length > 0 && operation.from <= close && strchr("-?+", operation.kind) && operation.kind)
        return expand_operation(state, name, at, &operation, depth, out);
    bool is_secret = strcmp(name, "secret") == 0 && operation.colon;
    if (is_secret && state->secrets)
        return expand_secret(state, at, behind + 1, close, out);
    return invalid(state, at, name, is_secret);
}

/* Appends text[from, end) with its variables replaced. */
static int expand(struct interpolator *state, size_t from, size_t end, unsigned depth,
                  UT_string *out) {
    const char *text = state->text;
    if (depth > MAX_NESTING)
        return fatal(state, from, "defaults are nested too deeply: write fewer in each other");
    while (from < end) {
        const char *dollar = memchr(text + from, '$', end - from);
        size_t at = dollar ? (size_t)(dollar - text) : end;
        if (append(state, out, text + from, at - from, from) != 0)
            return -1;
        if (at == end)
            break;
        int status = 0;
        char following = at + 1 < end ? text[at + 1] : '\0';
        if (following == '{') {
            status = expand_braced(state, at, end, depth, out, &from);
        } else if (is_name_start(following)) {
            size_t length = name_length(text, at + 1, end);
            from = at + 1 + length;
            status =
                expand_plain(state, arena_copy_n(state->arena, text + at + 1, length), at, out);
        } else {
            from = at + 1 + (following == '$');
            status = append(state, out, "$", 1, at);
        }
        if (status != 0)
            return -1;
    }
    return 0;
}

struct interpolation interpolate_watched(struct arena *arena, const char *text, size_t length,
                                         const struct variables *variables, secret_lookup *secrets,
                                         void *secrets_context, variable_used *used,
                                         void *used_context) {
    struct interpolator state = {.arena = arena,
                                 .text = text,
                                 .variables = variables,
                                 .secrets = secrets,
                                 .secrets_context = secrets_context,
                                 .used = used,
                                 .used_context = used_context};
    UT_string out;
    utstring_init(&out);
    if (expand(&state, 0, length, 0, &out) == 0 && state.problems.count == 0) {
        state.result.length = utstring_len(&out);
        state.result.text = arena_copy_n(arena, utstring_body(&out), utstring_len(&out));
    }
    utstring_done(&out);
    state.result.problems = state.problems.first;
    state.result.unset = state.unset.first;
    return state.result;
}

struct interpolation interpolate_text(struct arena *arena, const char *text, size_t length,
                                      const struct variables *variables, secret_lookup *secrets,
                                      void *context) {
    return interpolate_watched(arena, text, length, variables, secrets, context, NULL, NULL);
}
