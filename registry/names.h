/*
 * Names and numbers as requests spell them: services, instances, configuration keys
 * (docs/redis-keys.md), tags, event ids.
 */
#ifndef REGISTRY_NAMES_H
#define REGISTRY_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NAME_SIZE 64 /* 63 characters and the NUL */

/* Whether it matches [a-z0-9-]{1,63}. */
bool name_is_valid(const char *text, size_t size);

/* Whether it matches [A-Za-z0-9._:=/-]{1,63}. */
bool tag_is_valid(const char *text, size_t size);

/* The id of an entry in a Redis stream, "MILLISECONDS-SEQUENCE"; it orders all events. */
struct event_id {
    uint64_t ms;
    uint64_t seq;
};

#define EVENT_ID_SIZE 48

/* Reads an id; false (and *id untouched) when it is none. */
bool event_id_parse(const char *text, struct event_id *id);

/* Writes an id into a buffer of EVENT_ID_SIZE; returns the buffer. */
char *event_id_format(char *buffer, struct event_id id);

/* <0, 0, >0 as strcmp. */
int event_id_compare(struct event_id a, struct event_id b);

/* Reads a decimal number of 1 to 15 digits without sign; false when it is none or out of range. */
bool number_parse(const char *text, int64_t least, int64_t most, int64_t *number);

#endif
