/*
 * Quantities, durations, addresses and other scalars with a notation of their own: text to number
 * and back in canonical form. Pure.
 */
#ifndef TSE_SPEC_QUANTITY_H
#define TSE_SPEC_QUANTITY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* All parsers return 0, or -1 and leave *result alone. Overflow is an error. */

/* Kubernetes quantity of bytes ("256Mi", "1.5Gi", "1000k", "1e6"), and Compose's lower-case forms
 * ("256m" is NOT a byte count: it is refused with Kubernetes' meaning of milli; "256mb", "1g",
 * "64k", "512b" are). Positive; a fraction of a byte is rounded up. */
int parse_bytes(const char *text, int64_t *bytes);
/* What somebody meant by "256m", "256MB" or "256mib": "256Mi" in the buffer, or NULL. */
char *suggest_bytes(char *buffer, size_t size, const char *text);
/* CPUs ("500m", "0.5", "2") to nano-CPUs; positive; a fraction of one is rounded up. */
int parse_cpus(const char *text, int64_t *nano_cpus);
/* Compose and Go durations ("1m30s", "250ms", "1.5h", "0") to nanoseconds; not negative. */
int parse_duration(const char *text, int64_t *nanoseconds);

/* Canonical text, which parses back to the same number. `buffer` holds at least 32 bytes and is
 * returned. */
char *format_bytes(char *buffer, size_t size, int64_t bytes);          /* 268435456 → "256Mi" */
char *format_cpus(char *buffer, size_t size, int64_t nano_cpus);       /* 500000000 → "500m" */
char *format_duration(char *buffer, size_t size, int64_t nanoseconds); /* 90000000000 → "1m30s" */

/* IPv4 address and CIDR. */
int parse_ipv4(const char *text, uint32_t *address);                    /* host byte order */
int parse_cidr4(const char *text, uint32_t *network, unsigned *prefix); /* host bits must be 0 */
bool cidr4_contains(uint32_t network, unsigned prefix, uint32_t address);
bool cidr4_overlaps(uint32_t a, unsigned a_prefix, uint32_t b, unsigned b_prefix);

/* The nearest of `candidates` (NULL-terminated) to a misspelt `word` by edit distance, close enough
 * to be worth suggesting, or NULL. */
const char *suggest(const char *word, const char *const *candidates);

#endif
