/*
 * The tree of a YAML file: what was written and where, before it means anything. Scalars stay text;
 * their types are decided by the field tables.
 */
#ifndef TSE_SPEC_NODE_H
#define TSE_SPEC_NODE_H

#include "spec/environment.h"

#include <stdio.h>

struct arena;
struct diagnostics;

enum node_kind { NODE_NULL, NODE_SCALAR, NODE_LIST, NODE_MAP };

struct node;

struct entry { /* of a map */
    const char *key;
    struct position at; /* of the key */
    struct node *value;
};

struct node {
    enum node_kind kind;
    struct position at;
    unsigned width;     /* columns the scalar takes in its source line; at least 1 */
    unsigned last_line; /* the line a scalar ends on, or 0 */
    const char *text;   /* scalars */
    bool quoted;    /* so that "5" is a string and 5 a number, "true" a string and true a boolean */
    bool sensitive; /* text came out of a variable that a secret is read from */
    bool unreadable;   /* ${…} in it, or its alias, is wrong, which was reported */
    bool partial;      /* a map that lacks entries, which was reported: nothing is missed in it */
    bool interpolated; /* done already: aliases and overlays share nodes */
    const char *template;  /* what was written, if interpolating has changed it */
    struct node **items;   /* lists */
    struct entry *entries; /* maps, in the order of writing; keys are unique */
    size_t count;
};

/* Bounds that keep hostile input harmless; each is an error that names it. */
#define YAML_MAX_BYTES (8u << 20)
#define YAML_MAX_DEPTH 64
#define YAML_MAX_NODES 500000 /* after aliases are followed: a billion laughs stops here */

/*
 * Reads one YAML document (YAML 1.1 as libyaml reads it; anchors, aliases and the merge key "<<";
 * duplicate keys, tabs, NUL bytes, other tags and more than one document are errors). Returns the
 * root, or NULL when an error ended the reading. After others (duplicate keys, unknown aliases and
 * tags …) there is a root, so that what else is wrong is found in the same run. `file` is kept in
 * positions and must live in the arena or longer.
 */
struct node *yaml_read_file(struct arena *arena, const char *file, struct diagnostics *diagnostics);
struct node *yaml_read_text(struct arena *arena, const char *file, const char *text, size_t size,
                            struct diagnostics *diagnostics);

/* What an unquoted text means in YAML 1.2's core schema (section 10.3.2). */
enum scalar_type { SCALAR_STRING, SCALAR_NULL, SCALAR_BOOL, SCALAR_INTEGER, SCALAR_FLOAT };
enum scalar_type scalar_type(const char *text);
/* 1 for true, True and TRUE, 0 for false, False and FALSE, -1 for anything else. */
int parse_boolean(const char *text);

struct node *node_get(const struct node *map, const char *key); /* or NULL */
struct entry *node_entry(const struct node *map, const char *key);

/* By key. */
void node_sort_entries(struct entry *entries, size_t count);

/* JSON Merge Patch (RFC 7386): lays `patch` over `target` and returns the result, which shares
 * nodes with both. Either may be NULL. Maps merge, everything else replaces, null removes. */
struct node *node_merge(struct arena *arena, struct node *target, struct node *patch);
/* The same for any number, the lowest first, in time linear in what is in them. */
struct node *node_merge_all(struct arena *arena, struct node *const *nodes, size_t count);

/* Writes a tree. Scalars are quoted as needed so that reading gives the same tree; in JSON,
 * unquoted scalars are numbers, booleans and null as in the core schema. Sensitive texts are
 * written as they are: see interpolation_undo() for what may be shown. */
void node_write_yaml(const struct node *node, FILE *out);
void node_write_json(const struct node *node, FILE *out);

#endif
