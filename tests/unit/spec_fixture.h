/*
 * For tests of spec/: a directory of their own with the files they write, and what reading them
 * gives. Criterion runs each test in a process of its own, so the state is global.
 */
#ifndef TSE_TESTS_SPEC_FIXTURE_H
#define TSE_TESTS_SPEC_FIXTURE_H

#include "spec/diagnostics.h"
#include "spec/environment.h"

/* Makes an empty directory the current one, and removes it. For .init and .fini. */
void fixture_begin(void);
void fixture_end(void);

void fixture_write(const char *file, const char *text);
/* Writes an Environment "dev" whose spec is `spec` (indented by two) to dev.yaml. */
void fixture_environment(const char *spec);
/* Writes a Stack. */
void fixture_stack(const char *file, const char *spec);

/* Sets a variable of the process environment that reading sees. */
void fixture_set(const char *name_is_value);

/* Reads dev.yaml; the environment lives until the end of the test. NULL after errors. */
const struct environment *fixture_read(void);
/* The same, and fails the test with the diagnostics when there are errors. */
const struct environment *fixture_must_read(void);
/* The service "x" of an Environment with one service, whose fields are `fields` (indented by six).
 */
const struct service *fixture_service(const char *fields);
/* Expects errors and returns what is printed of them. */
const char *fixture_errors(void);
/* Expects that reading an Environment with that spec, or a service with these fields besides its
 * image, prints an error with this text in it. */
void expect_spec_error(const char *spec, const char *text);
void expect_service_error(const char *fields, const char *text);
/* What was printed by the last reading. */
const char *fixture_printed(void);
/* Renders dev.yaml; fails the test when there are errors. */
const char *fixture_render(bool json);
extern bool fixture_without_secrets;

#endif
