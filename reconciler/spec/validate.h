/*
 * Validation: what must hold between fields, found after all of them are decoded. Shared by the
 * validate_*.c files, each of which knows one subject.
 */
#ifndef TSE_SPEC_VALIDATE_H
#define TSE_SPEC_VALIDATE_H

#include "spec/reading.h"

/* --- validate_report.c ---------------------------------------------------------------------------
 */
/* Where a problem is: the keys that lead to it from `spec`, ended by NULL. "[]" is the item of a
 * list that stands at `at`. Without a list, `at` is the position of the last key; when it is
 * nowhere, the value that the keys lead to is underlined. */
struct place {
    const char *keys[8];
    struct position at;
};

void problem_in(struct reading *reading, const struct place *place, const char *help,
                const char *format, ...) __attribute__((format(printf, 4, 5)));
void warning_in(struct reading *reading, const struct place *place, const char *help,
                const char *format, ...) __attribute__((format(printf, 4, 5)));

/* `did you mean "x"?` for the nearest of items that start with their name, or NULL. */
const char *suggest_item(struct reading *reading, const char *word, const void *items, size_t count,
                         size_t size);

/* The index of a service in the environment, or SIZE_MAX. */
size_t service_index(const struct environment *environment, const char *name);

/* --- subjects
 * ------------------------------------------------------------------------------------- */
void validate_references(struct reading *reading); /* names of what is not declared */
void validate_depends(struct reading *reading);    /* conditions that cannot come true, cycles */
void validate_networks(struct reading *reading);   /* subnets and addresses */
void validate_ports(struct reading *reading);      /* host ports taken twice */
void validate_scaling(struct reading *reading); /* what cannot be there twice; names taken twice */
void validate_targets(struct reading *reading); /* what is put at the same path */
void validate_resources(struct reading *reading); /* requests above limits */

#endif
