/*
 * Plans from what is there and what should be: what is made, started, awaited and removed, and who
 * waits for whom.
 */
#include "plan_sample.h"

#include "base/error.h"

#include <criterion/criterion.h>
#include <string.h>

Test(plan, nothing_to_do) {
    expect_plan(
        "network internal subnet=10.0.0.0/24\n"
        "volume data\n"
        "image redis:7\n"
        "service redis image=redis:7 networks.internal=connected mounts./data=volume_data_rw\n",
        "network internal subnet=10.0.0.0/24\n"
        "volume data\n"
        "image redis:7\n"
        "service redis image=redis:7 networks.internal=connected mounts./data=volume_data_rw "
        "@health=healthy\n",
        "\n"
        "Nothing to do.\n");
}

/* Objects first; a dependent starts when its dependency is healthy. */
Test(plan, from_nothing) {
    expect_plan(
        "network internal\n"
        "network audit\n"
        "volume data\n"
        "image redis:7\n"
        "image web:1\n"
        "service redis image=redis:7 networks.audit=connected networks.internal=connected "
        "mounts./data=volume_data_rw @files=/etc/redis.conf\n"
        "service web image=web:1 networks.internal=connected @needs=service/redis:healthy\n",
        "",
        "0 create network/audit\n"
        "1 create network/internal\n"
        "2 create volume/data\n"
        "3 pull image/redis:7\n"
        "4 pull image/web:1\n"
        "5 create service/redis <- 0 1 2 3\n"
        "6 connect service/redis p-internal <- 5\n"
        "7 upload service/redis <- 6\n"
        "8 start service/redis <- 7\n"
        "9 await service/redis healthy <- 8\n"
        "10 create service/web <- 1 4\n"
        "11 start service/web <- 9 10\n"
        "12 await service/web healthy <- 11\n"
        "\n"
        "+ network/audit     create\n"
        "+ network/internal  create\n"
        "+ volume/data       create\n"
        "↑ image/redis:7     pull\n"
        "↑ image/web:1       pull\n"
        "+ service/redis     create\n"
        "+ service/web       create\n");
}

Test(state, exited) {
    expect_plan("service a image=i\n"
                "image i\n",
                "service a image=i @state=exited:137\n"
                "image i\n",
                "0 start service/a @s-p-a\n"
                "1 await service/a @s-p-a healthy <- 0\n"
                "\n"
                "~ service/a  start   exited with code 137\n");
}

Test(state, never_started) {
    expect_plan("service a image=i\n"
                "image i\n",
                "service a image=i @state=created\n"
                "image i\n",
                "0 start service/a @s-p-a\n"
                "1 await service/a @s-p-a healthy <- 0\n"
                "\n"
                "~ service/a  start   it was never started\n");
}

Test(state, exited_with_0_is_no_success_unless_it_completes) {
    expect_plan("service a\n"
                "service job @completes\n",
                "service a @state=exited:0\n"
                "service job @state=exited:0\n",
                "0 start service/a @s-p-a\n"
                "1 await service/a @s-p-a healthy <- 0\n"
                "\n"
                "~ service/a  start   exited with code 0\n");
}

Test(state, failed_job_starts_again) {
    expect_plan("service job @completes\n", "service job @state=exited:1\n",
                "0 start service/job @s-p-job\n"
                "1 await service/job @s-p-job healthy <- 0\n"
                "\n"
                "~ service/job  start   exited with code 1\n");
}

Test(state, job_that_was_never_started) {
    expect_plan("service job @completes\n", "service job @state=created\n",
                "0 start service/job @s-p-job\n"
                "1 await service/job @s-p-job healthy <- 0\n"
                "\n"
                "~ service/job  start   it was never started\n");
}

Test(state, running_job_is_left_alone) {
    expect_plan("service job @completes\n", "service job @state=running\n",
                "\n"
                "Nothing to do.\n");
}

Test(state, paused) {
    expect_plan("service a\n", "service a @state=paused\n",
                "0 unpause service/a @s-p-a\n"
                "1 await service/a @s-p-a healthy <- 0\n"
                "\n"
                "~ service/a  unpause   it is paused\n");
}

Test(state, restarting_is_awaited) {
    expect_plan("service a\n", "service a @state=restarting\n",
                "0 await service/a @s-p-a healthy\n"
                "\n"
                "Nothing to do.\n");
}

Test(state, not_yet_healthy_is_awaited) {
    expect_plan("service a\n"
                "service b\n"
                "service c\n"
                "service d\n",
                "service a @health=starting\n"
                "service b @health=unhealthy\n"
                "service c @health=unknown\n"
                "service d @health=healthy\n",
                "0 await service/a @s-p-a healthy\n"
                "1 await service/b @s-p-b healthy\n"
                "2 await service/c @s-p-c healthy\n"
                "\n"
                "Nothing to do.\n");
}

/* Its anonymous volumes are found at the dead one. */
Test(state, dead) {
    expect_plan("service a\n", "service a @state=dead\n",
                "0 remove service/a @s-p-a\n"
                "1 create service/a <- 0\n"
                "2 start service/a <- 1\n"
                "3 await service/a healthy <- 2\n"
                "\n"
                "± service/a  replace   removes container \"p-a\", which is dead\n");
}

Test(instances, scaled_up) {
    expect_plan("service a\n"
                "service a#2\n"
                "service a#3\n"
                "service b @needs=service/a:healthy\n",
                "service a\n"
                "service b\n",
                "0 create service/a[2]\n"
                "1 start service/a[2] <- 0\n"
                "2 await service/a[2] healthy <- 1\n"
                "3 create service/a[3]\n"
                "4 start service/a[3] <- 3\n"
                "5 await service/a[3] healthy <- 4\n"
                "\n"
                "+ service/a[2]  create\n"
                "+ service/a[3]  create\n");
}

Test(instances, scaled_down) {
    expect_plan("service a\n",
                "service a\n"
                "service a#2\n"
                "service a#3 @state=exited:1\n",
                "0 remove service/a[3] @s-p-a-3\n"
                "1 stop service/a[2] @s-p-a-2\n"
                "2 remove service/a[2] @s-p-a-2 <- 1\n"
                "\n"
                "- service/a[2]  remove\n"
                "- service/a[3]  remove\n");
}

/* The one with the right name stays. */
Test(instances, second_one_of_the_same) {
    expect_plan("service a\n",
                "service a @name=copy @id=1\n"
                "service a @id=2\n",
                "0 stop service/a @1\n"
                "1 remove service/a @1 <- 0\n"
                "\n"
                "- service/a  remove   removes container \"copy\", a second one\n");
}

/* The older one stays. */
Test(instances, second_one_where_no_name_is_right) {
    expect_plan("service a\n",
                "service a @name=x @id=1 @created=2026-01-02\n"
                "service a @name=y @id=2 @created=2026-01-01\n",
                "0 stop service/a @1\n"
                "1 remove service/a @1 <- 0\n"
                "2 rename service/a @2 p-a <- 1\n"
                "\n"
                "~ service/a  rename   removes container \"x\", a second one\n"
                "    name   y → p-a   drift: changed outside\n");
}

Test(instances, second_one_of_the_same_age) {
    expect_plan("service a\n",
                "service a @name=x @id=2\n"
                "service a @name=y @id=1\n",
                "0 stop service/a @2\n"
                "1 remove service/a @2 <- 0\n"
                "2 rename service/a @1 p-a <- 1\n"
                "\n"
                "~ service/a  rename   removes container \"x\", a second one\n"
                "    name   y → p-a   drift: changed outside\n");
}

Test(instances, removed_service) {
    expect_plan("",
                "service a\n"
                "service b @state=paused\n"
                "service c @state=dead\n"
                "service d @state=exited:1\n"
                "service e @state=restarting\n",
                "0 stop service/e @s-p-e\n"
                "1 remove service/e @s-p-e <- 0\n"
                "2 remove service/d @s-p-d\n"
                "3 remove service/c @s-p-c\n"
                "4 stop service/b @s-p-b\n"
                "5 remove service/b @s-p-b <- 4\n"
                "6 stop service/a @s-p-a\n"
                "7 remove service/a @s-p-a <- 6\n"
                "\n"
                "- service/a  remove\n"
                "- service/b  remove\n"
                "- service/c  remove\n"
                "- service/d  remove\n"
                "- service/e  remove\n");
}

Test(depends, on_started) {
    expect_plan("service a @needs=service/b\n"
                "service b\n",
                "",
                "0 create service/a\n"
                "1 create service/b\n"
                "2 start service/b <- 1\n"
                "3 start service/a <- 0 2\n"
                "4 await service/a healthy <- 3\n"
                "5 await service/b healthy <- 2\n"
                "\n"
                "+ service/a  create\n"
                "+ service/b  create\n");
}

Test(depends, on_completed) {
    expect_plan("service a @needs=service/job:completed\n"
                "service job @completes\n",
                "",
                "0 create service/a\n"
                "1 create service/job\n"
                "2 start service/job <- 1\n"
                "3 await service/job completed <- 2\n"
                "4 start service/a <- 0 3\n"
                "5 await service/a healthy <- 4\n"
                "\n"
                "+ service/a    create\n"
                "+ service/job  create\n");
}

Test(depends, on_different_conditions) {
    expect_plan("service a @needs=service/job:completed\n"
                "service b @needs=service/job:healthy\n"
                "service c @needs=service/job\n"
                "service job @completes\n",
                "",
                "0 create service/a\n"
                "1 create service/job\n"
                "2 start service/job <- 1\n"
                "3 await service/job completed <- 2\n"
                "4 start service/a <- 0 3\n"
                "5 await service/a healthy <- 4\n"
                "6 create service/b\n"
                "7 await service/job healthy <- 2\n"
                "8 start service/b <- 6 7\n"
                "9 await service/b healthy <- 8\n"
                "10 create service/c\n"
                "11 start service/c <- 2 10\n"
                "12 await service/c healthy <- 11\n"
                "\n"
                "+ service/a    create\n"
                "+ service/b    create\n"
                "+ service/c    create\n"
                "+ service/job  create\n");
}

Test(depends, on_every_instance) {
    expect_plan("service a @needs=service/b:healthy\n"
                "service b\n"
                "service b#2\n",
                "service b @health=starting\n",
                "0 create service/a\n"
                "1 create service/b[2]\n"
                "2 start service/b[2] <- 1\n"
                "3 await service/b[2] healthy <- 2\n"
                "4 await service/b @s-p-b healthy\n"
                "5 start service/a <- 0 3 4\n"
                "6 await service/a healthy <- 5\n"
                "\n"
                "+ service/a     create\n"
                "+ service/b[2]  create\n");
}

Test(depends, on_what_is_healthy_already) {
    expect_plan("service a @needs=service/b:healthy,service/c:healthy,service/d\n"
                "service b\n"
                "service c\n"
                "service d\n",
                "service b @health=healthy\n"
                "service c\n"
                "service d\n",
                "0 create service/a\n"
                "1 start service/a <- 0\n"
                "2 await service/a healthy <- 1\n"
                "\n"
                "+ service/a  create\n");
}

Test(depends, on_what_completed_already) {
    expect_plan("service a @needs=service/job:completed,service/other:healthy\n"
                "service job @completes\n"
                "service other @completes\n",
                "service job @state=exited:0\n"
                "service other @state=exited:0\n",
                "0 create service/a\n"
                "1 start service/a <- 0\n"
                "2 await service/a healthy <- 1\n"
                "\n"
                "+ service/a  create\n");
}

Test(depends, on_a_job_that_still_runs) {
    expect_plan("service a @needs=service/job:completed\n"
                "service job @completes\n",
                "service job\n",
                "0 create service/a\n"
                "1 await service/job @s-p-job completed\n"
                "2 start service/a <- 0 1\n"
                "3 await service/a healthy <- 2\n"
                "\n"
                "+ service/a  create\n");
}

Test(depends, on_a_job_that_still_runs_but_nothing_starts) {
    expect_plan("service a @needs=service/job:completed\n"
                "service job @completes\n",
                "service a\n"
                "service job\n",
                "\n"
                "Nothing to do.\n");
}

/* Dependents that run are left alone; those that start wait for the new one. */
Test(depends, on_what_is_replaced) {
    expect_plan("service a @needs=service/b:healthy\n"
                "service b x=2\n"
                "service c @needs=service/b:healthy\n",
                "service b x=1\n"
                "service c\n",
                "0 create service/a\n"
                "1 create service/b @p-b.next\n"
                "2 stop service/b @s-p-b <- 1\n"
                "3 rename service/b @s-p-b p-b.previous <- 2\n"
                "4 rename service/b @p-b.next p-b <- 3\n"
                "5 start service/b <- 4\n"
                "6 await service/b healthy <- 5\n"
                "7 start service/a <- 0 6\n"
                "8 await service/a healthy <- 7\n"
                "9 stop service/b undoes 4\n"
                "10 remove service/b own-volumes undoes 4\n"
                "11 remove service/b @p-b.next own-volumes undoes 1\n"
                "12 rename service/b @s-p-b p-b undoes 3\n"
                "13 start service/b @s-p-b undoes 1\n"
                "14 remove service/b @s-p-b <- 6\n"
                "\n"
                "+ service/a  create\n"
                "± service/b  replace\n"
                "    x   1 → 2\n");
}

/* A service with no instance has nothing to wait for. */
Test(depends, on_nothing_that_is_there) {
    expect_plan("service a @needs=service/b:healthy\n", "",
                "0 create service/a\n"
                "1 start service/a <- 0\n"
                "2 await service/a healthy <- 1\n"
                "\n"
                "+ service/a  create\n");
}

/* --- what no text of a plan shows ---------------------------------------------------------------
 */

Test(plan, awaits_alone_are_no_changes) {
    cleanup_arena struct arena *arena = arena_new();
    const struct plan *plan = sample_plan(arena, "service a\nservice b\n",
                                          "service a @health=starting\nservice b\n", NULL);
    cr_assert_eq(plan->action_count, 1);
    cr_assert_eq(plan->change_count, 1);
    cr_assert_eq(plan_change_count(plan), 0);
}

static const char many_desired[] = "network internal subnet=10.0.0.0/24\n"
                                   "network audit\n"
                                   "volume v\n"
                                   "image i\n"
                                   "image j @pull=always\n"
                                   "service a image=i networks.internal=connected x=2\n"
                                   "service a#2 image=i networks.internal=connected x=2\n"
                                   "service b image=j networks.audit=connected "
                                   "@needs=service/a:healthy\n"
                                   "service c networks.audit=connected restart=no\n";
static const char many_observed[] = "network internal subnet=10.1.0.0/24\n"
                                    "network old\n"
                                    "image j @outdated\n"
                                    "service a image=i networks.internal=connected x=1 @id=1\n"
                                    "service a image=i x=1 @id=2 @name=a @created=2026\n"
                                    "service a image=i x=2 @id=3 @slot=next @name=p-a.next\n"
                                    "service b image=j networks.audit=connected @state=paused\n"
                                    "service c networks.old=connected restart=always\n"
                                    "service d networks.old=connected\n";

static char *plan_of_sets(struct arena *arena, const struct resource_set *desired,
                          const struct resource_set *observed) {
    static const struct plan_options options;
    struct plan *plan;
    cr_assert_eq(plan_make(arena, desired, observed, &options, &plan, NULL), 0);
    cleanup_free char *actions = sample_actions(plan);
    cleanup_free char *changes = sample_changes(plan, false);
    return format_text("%s%s", actions, changes);
}

/* Other orders: rotated, and reversed. */
static void turn_round(struct resource_set *set, size_t by) {
    struct resource first[64];
    for (size_t i = 0; i < set->count; i++)
        first[(set->count - 1 - i + by) % set->count] = set->items[i];
    memcpy(set->items, first, set->count * sizeof *first);
}

Test(plan, is_the_same_whatever_order_the_input_is_in) {
    cleanup_arena struct arena *arena = arena_new();
    struct resource_set desired = sample_set(arena, many_desired, true, true);
    struct resource_set observed = sample_set(arena, many_observed, false, true);
    cleanup_free char *sorted = plan_of_sets(arena, &desired, &observed);
    cr_assert(strstr(sorted, "replace"));
    for (size_t by = 0; by < 8; by++) {
        turn_round(&desired, by);
        turn_round(&observed, by + 3);
        cleanup_free char *turned = plan_of_sets(arena, &desired, &observed);
        expect_text(turned, sorted);
    }
}

Test(plan, a_cycle_is_an_error_that_names_it) {
    cleanup_arena struct arena *arena = arena_new();
    static const struct plan_options options;
    struct resource_set desired = sample_set(arena,
                                             "service a @needs=service/b:healthy\n"
                                             "service b @needs=service/c\n"
                                             "service c @needs=service/a:healthy\n"
                                             "service d @needs=service/a\n",
                                             true, true);
    struct resource_set observed = {0};
    struct plan *plan;
    cleanup_error struct error error = ERROR_INIT;
    cr_assert_eq(plan_make(arena, &desired, &observed, &options, &plan, &error), -1);
    cr_assert_eq(error.code, ERROR_INPUT);
    expect_text(error_text(&error), "these wait for each other: service/a → service/b → service/c "
                                    "→ service/a; remove one of their dependencies (`dependsOn`)");
}

Test(plan, destroy_keeps_volumes) {
    expect_plan("",
                "network n\n"
                "volume v\n"
                "image i\n"
                "service a networks.p-n=connected mounts./v=volume_v_rw\n",
                "0 stop service/a @s-p-a\n"
                "1 remove service/a @s-p-a <- 0\n"
                "2 remove network/n @n-p-n <- 1\n"
                "\n"
                "- network/n  remove\n"
                "- service/a  remove\n");
}

Test(plan, destroy_with_volumes_removes_them_after_the_containers) {
    static const struct plan_options options = {.remove_volumes = true};
    expect_plan_with(&options, "",
                     "volume v\n"
                     "volume w\n"
                     "volume x @foreign=somebody\n"
                     "service a mounts./v=volume_v_rw\n"
                     "service b mounts./v=volume_v_ro @state=exited:0\n",
                     "0 remove service/b @s-p-b volumes\n"
                     "1 stop service/a @s-p-a\n"
                     "2 remove service/a @s-p-a volumes <- 1\n"
                     "3 remove volume/w @v-p-w\n"
                     "4 remove volume/v @v-p-v <- 0 2\n"
                     "\n"
                     "- volume/v   remove\n"
                     "- volume/w   remove\n"
                     "- service/a  remove\n"
                     "- service/b  remove\n");
}

Test(plan, an_engine_that_takes_all_networks_at_create_gets_them) {
    static const struct plan_options options = {.create_with_all_networks = true};
    expect_plan_with(&options,
                     "network m\n"
                     "network n\n"
                     "service a networks.m=connected networks.n=connected\n",
                     "",
                     "0 create network/m\n"
                     "1 create network/n\n"
                     "2 create service/a <- 0 1\n"
                     "3 start service/a <- 2\n"
                     "4 await service/a healthy <- 3\n"
                     "\n"
                     "+ network/m  create\n"
                     "+ network/n  create\n"
                     "+ service/a  create\n");
}
