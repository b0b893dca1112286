/*
 * A plan as JSON, for scripts (-o json). Changes that only carry an await are left out; actions
 * name the resource they are about. Values of secrets are not in a plan, so not in here either.
 */
#include "plan/plan.h"

#include "base/memory.h"
#include "base/text.h"

#include <jansson.h>
#include <stdint.h>

static const char *kind_word(enum change_kind kind) {
    static const char *const words[] = {
        [CHANGE_NONE] = "none",       [CHANGE_CREATE] = "create",   [CHANGE_UPDATE] = "update",
        [CHANGE_REPLACE] = "replace", [CHANGE_START] = "start",     [CHANGE_UNPAUSE] = "unpause",
        [CHANGE_RENAME] = "rename",   [CHANGE_RESTART] = "restart", [CHANGE_PULL] = "pull",
        [CHANGE_REMOVE] = "remove",   [CHANGE_FINISH] = "finish",   [CHANGE_REFUSE] = "refuse",
    };
    return words[kind];
}

static const char *cause_word(enum cause cause) {
    static const char *const words[] = {
        [CAUSE_SPEC] = "spec", [CAUSE_DRIFT] = "drift", [CAUSE_UNKNOWN] = "unknown"};
    return words[cause];
}

static const char *change_by_word(enum field_change_by change_by) {
    static const char *const words[] = {
        [CHANGE_BY_REPLACE] = "replace", [CHANGE_BY_UPDATE] = "update",
        [CHANGE_BY_ATTACH] = "attach",   [CHANGE_BY_UPLOAD] = "upload",
        [CHANGE_BY_RESTART] = "restart", [CHANGE_BY_NOTHING] = "nothing",
        [CHANGE_BY_RENAME] = "rename",
    };
    return words[change_by];
}

static const char *condition_word(enum depends_condition condition) {
    static const char *const words[] = {[DEPENDS_STARTED] = "started",
                                        [DEPENDS_HEALTHY] = "healthy",
                                        [DEPENDS_COMPLETED] = "completed"};
    return words[condition];
}

/* JSON carries UTF-8 only; what an engine reports may be anything: the rest becomes "?". */
static json_t *text(const char *value) {
    if (!value)
        return json_null();
    json_t *string = json_string(value);
    if (string)
        return string;
    cleanup_free char *fit = text_fit(value, SIZE_MAX, true);
    return json_string(fit);
}

static json_t *json_fields(const struct change *change) {
    json_t *fields = json_array();
    for (size_t i = 0; i < change->field_count; i++) {
        const struct field_change *field = &change->fields[i];
        json_array_append_new(fields, json_pack("{s:o, s:o, s:o, s:s, s:s}", "path",
                                                text(field->path), "from", text(field->from), "to",
                                                text(field->to), "cause", cause_word(field->cause),
                                                "changeBy", change_by_word(field->change_by)));
    }
    return fields;
}

static json_t *json_change(const struct change *change) {
    json_t *object =
        json_pack("{s:o, s:s, s:s, s:o}", "key", text(change->key), "kind", kind_word(change->kind),
                  "cause", cause_word(change->cause), "fields", json_fields(change));
    if (change->note)
        json_object_set_new(object, "note", text(change->note));
    return object;
}

static json_t *json_action(const struct plan *plan, size_t index) {
    const struct action *action = &plan->actions[index];
    const struct resource *subject = action->desired ? action->desired : action->observed;
    const char *key = subject ? subject->key : plan->changes[action->change].key;
    json_t *needs = json_array();
    for (size_t i = 0; i < action->need_count; i++)
        json_array_append_new(needs, json_integer((json_int_t)action->needs[i]));
    json_t *object = json_pack("{s:I, s:s, s:o, s:o, s:o}", "index", (json_int_t)index, "verb",
                               verb_name(action->verb), "key", text(key), "target",
                               text(action->target), "needs", needs);
    if (action->argument)
        json_object_set_new(object, "argument", text(action->argument));
    if (action->verb == VERB_AWAIT)
        json_object_set_new(object, "condition", json_string(condition_word(action->condition)));
    if (action->undoes != ACTION_NONE)
        json_object_set_new(object, "undoes", json_integer((json_int_t)action->undoes));
    return object;
}

char *plan_json(const struct plan *plan) {
    json_t *changes = json_array(), *actions = json_array();
    for (size_t i = 0; i < plan->change_count; i++)
        if (plan->changes[i].kind != CHANGE_NONE)
            json_array_append_new(changes, json_change(&plan->changes[i]));
    for (size_t i = 0; i < plan->action_count; i++)
        json_array_append_new(actions, json_action(plan, i));
    json_t *root = json_pack("{s:o, s:o}", "changes", changes, "actions", actions);
    char *result = json_dumps(root, JSON_INDENT(2));
    json_decref(root);
    return result;
}
