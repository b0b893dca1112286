/*
 * The graph of actions while it is being planned, and its sorting: depth first from the changes in
 * the order they print, so that the actions of a change stay together where they can and the order
 * depends on nothing but the input. A plan numbers its actions in this order: what an action needs
 * has a smaller number.
 *
 * Some needs give way: a replacement waits for the dependencies before it takes the old container
 * down, unless one of them waits for what the old one holds. A cycle is opened at its weakest need.
 */
#include "plan/planner.h"

#include "base/error.h"
#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

/* --- building -----------------------------------------------------------------------------------
 */

/* These two arrays grow to the largest a plan has, so they are not in the arena, where each would
 * leave its smaller ones behind. */
static void *grown(void *items, size_t count, size_t size, size_t *capacity) {
    if (count < *capacity)
        return items;
    *capacity = *capacity ? *capacity * 2 : 64;
    return memory_resize(items, size * *capacity);
}

void graph_release(struct planner *planner) {
    free(planner->nodes);
    free(planner->drafts);
}

size_t change_new(struct planner *planner, enum change_kind kind, const struct resource *desired,
                  const struct resource *observed) {
    planner->drafts = grown(planner->drafts, planner->draft_count, sizeof *planner->drafts,
                            &planner->draft_capacity);
    size_t number = planner->draft_count++;
    planner->drafts[number] = (struct draft){
        .change = {.kind = kind,
                   .desired = desired,
                   .observed = observed,
                   .key = desired ? desired->key : observed->key,
                   .cause = CAUSE_SPEC},
        .first = NODE_NONE,
        .last = NODE_NONE,
        .number = number,
    };
    return number;
}

struct change *change_at(struct planner *planner, size_t change) {
    return &planner->drafts[change].change;
}

void change_note(struct planner *planner, size_t change, const char *note) {
    struct change *noted = change_at(planner, change);
    noted->note = noted->note ? arena_format(planner->arena, "%s; %s", noted->note, note) : note;
}

size_t node_new(struct planner *planner, size_t change, enum verb verb,
                const struct resource *desired, const struct resource *observed, const char *target,
                const char *argument) {
    planner->nodes =
        grown(planner->nodes, planner->node_count, sizeof *planner->nodes, &planner->node_capacity);
    size_t number = planner->node_count++;
    planner->nodes[number] = (struct node){
        .action = {.verb = verb,
                   .change = change,
                   .desired = desired,
                   .observed = observed,
                   .target = target,
                   .argument = argument,
                   .undoes = ACTION_NONE},
        .next = NODE_NONE,
    };
    struct draft *draft = &planner->drafts[change];
    if (draft->first == NODE_NONE)
        draft->first = number;
    else
        planner->nodes[draft->last].next = number;
    draft->last = number;
    return number;
}

void node_needs(struct planner *planner, size_t node, size_t needed, enum need_strength strength) {
    if (node == NODE_NONE || needed == NODE_NONE || node == needed)
        return;
    struct edge *edge = arena_alloc(planner->arena, sizeof *edge);
    *edge = (struct edge){needed, strength, planner->nodes[node].edges};
    planner->nodes[node].edges = edge;
}

/* --- sorting ------------------------------------------------------------------------------------
 */

struct frame {
    size_t node;
    struct edge *edge; /* the one that is being followed, or is next */
};

struct sorter {
    struct planner *planner;
    struct frame *stack;
    size_t depth;
    size_t *order; /* nodes by index */
    size_t count;
};

static void enter(struct sorter *sorter, size_t node) {
    sorter->planner->nodes[node].mark = MARK_OPEN;
    sorter->stack[sorter->depth++] = (struct frame){node, sorter->planner->nodes[node].edges};
}

static void leave(struct sorter *sorter) {
    struct node *node = &sorter->planner->nodes[sorter->stack[--sorter->depth].node];
    node->mark = MARK_DONE;
    node->index = sorter->count;
    sorter->order[sorter->count++] = (size_t)(node - sorter->planner->nodes);
}

static const char *key_at(const struct sorter *sorter, size_t frame) {
    const struct planner *planner = sorter->planner;
    return planner->drafts[planner->nodes[sorter->stack[frame].node].action.change].change.key;
}

/* Each of those that wait once, and the first one again. */
static int cycle_error(const struct sorter *sorter, size_t from, struct error *error) {
    const char *first = key_at(sorter, from), *last = first;
    cleanup_free char *path = copy_text(first);
    for (size_t i = from + 1; i <= sorter->depth; i++) {
        const char *key = i < sorter->depth ? key_at(sorter, i) : first;
        if (strcmp(last, key) == 0)
            continue;
        char *longer = format_text("%s → %s", path, key);
        free(path);
        path = longer;
        last = key;
    }
    return error_set(error, ERROR_INPUT,
                     "these wait for each other: %s; remove one of their dependencies "
                     "(`dependsOn`)",
                     path);
}

/* The edge on top of the stack leads back to an open node. Drops the weakest need of the cycle, and
 * goes back to where it was followed. */
static int open_cycle(struct sorter *sorter, struct error *error) {
    struct planner *planner = sorter->planner;
    size_t back = sorter->stack[sorter->depth - 1].edge->node;
    size_t frame = sorter->depth, weakest = frame - 1;
    do {
        frame--;
        if (sorter->stack[frame].edge->strength > sorter->stack[weakest].edge->strength)
            weakest = frame;
    } while (sorter->stack[frame].node != back);
    if (sorter->stack[weakest].edge->strength == NEED_HARD)
        return cycle_error(sorter, frame, error);
    while (sorter->depth > weakest + 1)
        planner->nodes[sorter->stack[--sorter->depth].node].mark = MARK_NEW;
    sorter->stack[weakest].edge->node = NODE_NONE;
    return 0;
}

static int visit(struct sorter *sorter, size_t root, struct error *error) {
    struct node *nodes = sorter->planner->nodes;
    if (nodes[root].mark == MARK_DONE)
        return 0;
    enter(sorter, root);
    while (sorter->depth) {
        struct frame *top = &sorter->stack[sorter->depth - 1];
        if (!top->edge) {
            leave(sorter);
        } else if (top->edge->node == NODE_NONE || nodes[top->edge->node].mark == MARK_DONE) {
            top->edge = top->edge->next;
        } else if (nodes[top->edge->node].mark == MARK_NEW) {
            enter(sorter, top->edge->node);
        } else if (open_cycle(sorter, error) < 0) {
            return -1;
        }
    }
    return 0;
}

static int visit_change(struct sorter *sorter, const struct draft *draft, struct error *error) {
    const struct planner *planner = sorter->planner;
    for (int undo = 0; undo < 2; undo++)
        for (size_t n = draft->first; n != NODE_NONE; n = planner->nodes[n].next)
            if ((planner->nodes[n].action.undoes != ACTION_NONE) == undo &&
                visit(sorter, n, error) < 0)
                return -1;
    return 0;
}

/* --- the plan -----------------------------------------------------------------------------------
 */

static const struct resource *subject(const struct draft *draft) {
    return draft->change.desired ? draft->change.desired : draft->change.observed;
}

static int compare_drafts(const void *left, const void *right) {
    const struct draft *const *a = left, *const *b = right;
    const struct resource *one = subject(*a), *other = subject(*b);
    int order = (one->kind->order > other->kind->order) - (one->kind->order < other->kind->order);
    if (!order)
        order = strcmp(one->name, other->name);
    if (!order)
        order = (one->instance > other->instance) - (one->instance < other->instance);
    if (!order)
        order = ((*a)->change.kind == CHANGE_NONE) - ((*b)->change.kind == CHANGE_NONE);
    return order ? order : ((*a)->number > (*b)->number) - ((*a)->number < (*b)->number);
}

static struct draft **sorted_drafts(struct planner *planner) {
    struct draft **sorted = arena_array(planner->arena, struct draft *, planner->draft_count);
    bool in_order = true;
    for (size_t i = 0; i < planner->draft_count; i++) {
        sorted[i] = &planner->drafts[i];
        in_order = in_order && (!i || compare_drafts(&sorted[i - 1], &sorted[i]) < 0);
    }
    if (!in_order)
        qsort(sorted, planner->draft_count, sizeof(struct draft *), compare_drafts);
    return sorted;
}

static int compare_sizes(const void *left, const void *right) {
    size_t a = *(const size_t *)left, b = *(const size_t *)right;
    return (a > b) - (a < b);
}

static void collect_needs(struct planner *planner, const struct node *node, struct action *action) {
    size_t count = 0;
    for (const struct edge *edge = node->edges; edge; edge = edge->next)
        count += edge->node != NODE_NONE;
    if (!count)
        return;
    action->needs = arena_array(planner->arena, size_t, count);
    count = 0;
    for (const struct edge *edge = node->edges; edge; edge = edge->next)
        if (edge->node != NODE_NONE)
            action->needs[count++] = planner->nodes[edge->node].index;
    qsort(action->needs, count, sizeof *action->needs, compare_sizes);
    for (size_t i = 0; i < count; i++)
        if (!i || action->needs[i] != action->needs[i - 1])
            action->needs[action->need_count++] = action->needs[i];
}

static void fill_plan(struct planner *planner, const struct sorter *sorter, struct draft **drafts,
                      struct plan *plan) {
    plan->change_count = planner->draft_count;
    plan->changes = arena_array(planner->arena, struct change, plan->change_count);
    for (size_t i = 0; i < plan->change_count; i++) {
        plan->changes[i] = drafts[i]->change;
        drafts[i]->number = i;
    }
    plan->action_count = sorter->count;
    plan->actions = arena_array(planner->arena, struct action, plan->action_count);
    for (size_t i = 0; i < plan->action_count; i++) {
        const struct node *node = &planner->nodes[sorter->order[i]];
        struct action *action = &plan->actions[i];
        *action = node->action;
        action->change = planner->drafts[action->change].number;
        if (action->undoes != ACTION_NONE)
            action->undoes = planner->nodes[action->undoes].index;
        collect_needs(planner, node, action);
    }
}

/* What is desired comes first; removals from the last to the first, unless something waits for
 * them. */
static int visit_all(struct sorter *sorter, struct draft **drafts, struct error *error) {
    size_t count = sorter->planner->draft_count;
    for (size_t i = 0; i < count; i++)
        if (drafts[i]->change.kind != CHANGE_REMOVE && visit_change(sorter, drafts[i], error) < 0)
            return -1;
    for (size_t i = count; i-- > 0;)
        if (drafts[i]->change.kind == CHANGE_REMOVE && visit_change(sorter, drafts[i], error) < 0)
            return -1;
    return 0;
}

int graph_finish(struct planner *planner, struct plan *plan, struct error *error) {
    struct draft **drafts = sorted_drafts(planner);
    struct sorter sorter = {
        .planner = planner,
        .stack = arena_array(planner->arena, struct frame, planner->node_count),
        .order = arena_array(planner->arena, size_t, planner->node_count),
    };
    if (visit_all(&sorter, drafts, error) < 0)
        return -1;
    fill_plan(planner, &sorter, drafts, plan);
    return 0;
}
