/*
 * Resources written as text, so that a test of the planner is three texts: what is desired, what is
 * observed, what is planned. One resource on a line:
 *
 *   KIND NAME[#INSTANCE] PATH=VALUE … @ATTRIBUTE[=VALUE] …
 *
 * PATH=!VALUE is a secret field. In values of mounts "_" stands for a space. A service needs the
 * image, networks and volumes its fields name.
 *
 *   both      @name=ENGINE-NAME (default: "p-NAME[-INSTANCE]"; of images NAME)
 *   desired   @needs=KEY[:healthy|:completed],…  @pull=always|never  @completes  @startFirst
 *             @files=TARGET[:SIGNAL],…
 *   observed  @id=ID (default: first letter of the kind, "-", engine name)  @slot=next|previous
 *             @state=created|running|paused|restarting|exited:CODE|dead
 *             @health=starting|healthy|unhealthy|unknown  @foreign=OWNER  @outdated  @created=TIME
 *             @strangers=NAME  @address=NETWORK:ADDRESS
 *             @applied=PATH:VALUE and @unapplied=PATH: how the label differs from the fields
 */
#ifndef TSE_TESTS_PLAN_SAMPLE_H
#define TSE_TESTS_PLAN_SAMPLE_H

#include "base/memory.h"
#include "plan/plan.h"

extern const struct resource_kind sample_network, sample_volume, sample_image, sample_service;

/* The set in the order of the text if not `sorted`. */
struct resource_set sample_set(struct arena *arena, const char *text, bool desired, bool sorted);

struct plan *sample_plan(struct arena *arena, const char *desired, const char *observed,
                         const struct plan_options *options);

/* As plan_print_actions() and plan_print() print them; malloc'd. */
char *sample_actions(const struct plan *plan);
char *sample_changes(const struct plan *plan, bool colour);

/* Asserts that a plan prints so: its actions, an empty line, its changes without the summary. */
#define expect_plan(desired, observed, expected)                                                   \
    sample_expect(__FILE__, __LINE__, desired, observed, NULL, expected)
#define expect_plan_with(options, desired, observed, expected)                                     \
    sample_expect(__FILE__, __LINE__, desired, observed, options, expected)
void sample_expect(const char *file, int line, const char *desired, const char *observed,
                   const struct plan_options *options, const char *expected);

#define expect_text(text, expected) sample_expect_text(__FILE__, __LINE__, text, expected)
void sample_expect_text(const char *file, int line, const char *text, const char *expected);

#endif
