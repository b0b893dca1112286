/*
 * What differs is changed in the least disruptive way, and no more than that.
 */
#include "plan_sample.h"

#include <criterion/criterion.h>

/* All fields in one request. */
Test(in_place, update) {
    expect_plan("service a resources.limits.memory=1 restart=always\n",
                "service a resources.limits.memory=2 restart=no\n",
                "0 update service/a @s-p-a\n"
                "\n"
                "~ service/a  update in place\n"
                "    resources.limits.memory   2 → 1\n"
                "    restart                   no → always\n");
}

Test(in_place, update_of_a_paused_one) {
    expect_plan("service a restart=always\n", "service a restart=no @state=paused\n",
                "0 unpause service/a @s-p-a\n"
                "1 update service/a @s-p-a <- 0\n"
                "2 await service/a @s-p-a healthy <- 1\n"
                "\n"
                "~ service/a  update in place   it is paused\n"
                "    restart   no → always\n");
}

Test(in_place, update_of_a_stopped_one) {
    expect_plan("service a restart=always\n", "service a restart=no @state=exited:1\n",
                "0 update service/a @s-p-a\n"
                "1 start service/a @s-p-a <- 0\n"
                "2 await service/a @s-p-a healthy <- 1\n"
                "\n"
                "~ service/a  start   exited with code 1\n"
                "    restart   no → always\n");
}

Test(in_place, update_of_a_completed_job) {
    expect_plan("service a restart=no @completes\n", "service a restart=always @state=exited:0\n",
                "0 update service/a @s-p-a\n"
                "\n"
                "~ service/a  update in place\n"
                "    restart   always → no\n");
}

Test(in_place, renamed) {
    expect_plan("service a\n", "service a @name=other\n",
                "0 rename service/a @s-other p-a\n"
                "\n"
                "~ service/a  rename\n"
                "    name   other → p-a   drift: changed outside\n");
}

Test(in_place, renamed_and_more) {
    expect_plan("service a restart=always\n", "service a restart=no @name=other @state=paused\n",
                "0 rename service/a @s-other p-a\n"
                "1 unpause service/a @s-other <- 0\n"
                "2 update service/a @s-other <- 1\n"
                "3 await service/a @s-other healthy <- 2\n"
                "\n"
                "~ service/a  update in place   it is paused\n"
                "    name      other → p-a   drift: changed outside\n"
                "    restart   no → always\n");
}

/* Two that have each other's names need a third one. */
Test(in_place, swapped_names) {
    expect_plan("service a\n"
                "service b\n",
                "service a @name=p-b @id=1\n"
                "service b @name=p-a @id=2\n",
                "0 rename service/a @1 p-a.aside1\n"
                "1 rename service/b @2 p-b.aside1\n"
                "2 rename service/a @1 p-a <- 0 1\n"
                "3 rename service/b @2 p-b <- 0 1\n"
                "\n"
                "~ service/a  rename\n"
                "    name   p-b → p-a   drift: changed outside\n"
                "~ service/b  rename\n"
                "    name   p-a → p-b   drift: changed outside\n");
}

Test(in_place, names_in_a_ring) {
    expect_plan("service a\n"
                "service b\n"
                "service c\n",
                "service a @name=p-b @id=1\n"
                "service b @name=p-c @id=2\n"
                "service c @name=p-a @id=3\n",
                "0 rename service/a @1 p-a.aside1\n"
                "1 rename service/c @3 p-c.aside1\n"
                "2 rename service/a @1 p-a <- 0 1\n"
                "3 rename service/b @2 p-b.aside1\n"
                "4 rename service/b @2 p-b <- 0 3\n"
                "5 rename service/c @3 p-c <- 1 3\n"
                "\n"
                "~ service/a  rename\n"
                "    name   p-b → p-a   drift: changed outside\n"
                "~ service/b  rename\n"
                "    name   p-c → p-b   drift: changed outside\n"
                "~ service/c  rename\n"
                "    name   p-a → p-c   drift: changed outside\n");
}

Test(in_place, names_in_a_row) {
    expect_plan("service a\n"
                "service b\n",
                "service a @name=x @id=1\n"
                "service b @name=p-a @id=2\n",
                "0 rename service/b @2 p-b\n"
                "1 rename service/a @1 p-a <- 0\n"
                "\n"
                "~ service/a  rename\n"
                "    name   x → p-a     drift: changed outside\n"
                "~ service/b  rename\n"
                "    name   p-a → p-b   drift: changed outside\n");
}

Test(in_place, disconnected) {
    expect_plan("network n\n"
                "service a networks.n=connected networks.n.ipv4Address=10.0.0.1\n",
                "network n\n"
                "service a @applied=networks.n:connected\n",
                "0 connect service/a @s-p-a p-n\n"
                "1 await service/a @s-p-a healthy <- 0\n"
                "\n"
                "~ service/a  update in place\n"
                "    networks.n               (not set) → connected   drift: changed outside\n"
                "    networks.n.ipv4Address   (not set) → 10.0.0.1\n");
}

Test(in_place, address_changed) {
    expect_plan("network n\n"
                "network m\n"
                "service a networks.n=connected networks.n.ipv4Address=10.0.0.1 "
                "networks.m=connected networks.m.ipv4Address=10.1.0.1\n",
                "network n\n"
                "network m\n"
                "service a networks.n=connected networks.n.ipv4Address=10.0.0.2 "
                "networks.m=connected networks.m.ipv4Address=10.1.0.2\n",
                "0 disconnect service/a @s-p-a p-m\n"
                "1 disconnect service/a @s-p-a p-n <- 0\n"
                "2 connect service/a @s-p-a p-m <- 1\n"
                "3 connect service/a @s-p-a p-n <- 2\n"
                "4 await service/a @s-p-a healthy <- 3\n"
                "\n"
                "~ service/a  update in place\n"
                "    networks.m.ipv4Address   10.1.0.2 → 10.1.0.1\n"
                "    networks.n.ipv4Address   10.0.0.2 → 10.0.0.1\n");
}

/* Ours is called by its name, another's as the engine does. */
Test(in_place, connected_to_what_nobody_declared) {
    expect_plan("network n\n"
                "network m\n"
                "service a networks.n=connected\n",
                "network n\n"
                "network m\n"
                "service a networks.n=connected networks.m=connected "
                "networks.[my.net]=connected @unapplied=networks.m\n",
                "0 disconnect service/a @s-p-a my.net\n"
                "1 disconnect service/a @s-p-a p-m <- 0\n"
                "2 await service/a @s-p-a healthy <- 1\n"
                "\n"
                "~ service/a  update in place\n"
                "    networks.[my.net]   connected → (not set)\n"
                "    networks.m          connected → (not set)   drift: changed outside\n");
}

/* Not taken for ours, which the container has lost. */
Test(in_place, connected_to_anothers_network_called_like_ours) {
    expect_plan("network n\n"
                "service a networks.n=connected\n",
                "network n\n"
                "service a networks.[n]=connected @unapplied=networks.[n] "
                "@applied=networks.n:connected\n",
                "0 disconnect service/a @s-p-a n\n"
                "1 connect service/a @s-p-a p-n <- 0\n"
                "2 await service/a @s-p-a healthy <- 1\n"
                "\n"
                "~ service/a  update in place\n"
                "    networks.[n]   connected → (not set)   drift: changed outside\n"
                "    networks.n     (not set) → connected   drift: changed outside\n");
}

Test(in_place, network_of_a_stopped_one) {
    expect_plan("network n\n"
                "service a networks.n=connected\n",
                "network n\n"
                "service a @state=exited:1\n",
                "0 connect service/a @s-p-a p-n\n"
                "1 start service/a @s-p-a <- 0\n"
                "2 await service/a @s-p-a healthy <- 1\n"
                "\n"
                "~ service/a  start   exited with code 1\n"
                "    networks.n   (not set) → connected\n");
}

Test(in_place, uploads_then_each_signal_once) {
    expect_plan(
        "service a reloadable./a=1 reloadable./b=1 reloadable./c=1 @files=/a:HUP,/b:USR1,/c:HUP\n",
        "service a reloadable./a=2 reloadable./b=2 reloadable./c=2\n",
        "0 stage service/a @s-p-a /a\n"
        "1 stage service/a @s-p-a /b <- 0\n"
        "2 stage service/a @s-p-a /c <- 1\n"
        "3 signal service/a @s-p-a HUP <- 2\n"
        "4 signal service/a @s-p-a USR1 <- 3\n"
        "5 upload service/a @s-p-a /a <- 4\n"
        "6 upload service/a @s-p-a /b <- 5\n"
        "7 upload service/a @s-p-a /c <- 6\n"
        "8 await service/a @s-p-a healthy <- 7\n"
        "\n"
        "~ service/a  update in place\n"
        "    reloadable./a   2 → 1\n"
        "    reloadable./b   2 → 1\n"
        "    reloadable./c   2 → 1\n");
}

Test(in_place, uploads_before_a_start) {
    expect_plan("service a reloadable./a=1 @files=/a:HUP\n",
                "service a reloadable./a=2 @state=exited:1\n",
                "0 upload service/a @s-p-a /a\n"
                "1 start service/a @s-p-a <- 0\n"
                "2 await service/a @s-p-a healthy <- 1\n"
                "\n"
                "~ service/a  start   exited with code 1\n"
                "    reloadable./a   2 → 1\n");
}

Test(in_place, uploads_to_a_completed_job) {
    expect_plan("service a reloadable./a=1 @files=/a:HUP @completes\n",
                "service a reloadable./a=2 @state=exited:0\n",
                "0 upload service/a @s-p-a /a\n"
                "\n"
                "~ service/a  update in place\n"
                "    reloadable./a   2 → 1\n");
}

/* A signal may miss it. */
Test(in_place, uploads_to_a_restarting_one) {
    expect_plan("service a reloadable./a=1 @files=/a:HUP\n",
                "service a reloadable./a=2 @state=restarting\n",
                "0 stop service/a @s-p-a\n"
                "1 upload service/a @s-p-a /a <- 0\n"
                "2 start service/a @s-p-a <- 1\n"
                "3 await service/a @s-p-a healthy <- 2\n"
                "\n"
                "~ service/a  update in place\n"
                "    reloadable./a   2 → 1\n");
}

/* What needs it stopped is done while it is. */
Test(in_place, not_in_effect) {
    expect_plan("network n\n"
                "service a networks.n=connected effective.ports=bound\n",
                "network n\n"
                "service a effective.ports=unbound @applied=effective.ports:bound\n",
                "0 stop service/a @s-p-a\n"
                "1 connect service/a @s-p-a p-n <- 0\n"
                "2 start service/a @s-p-a <- 1\n"
                "3 await service/a @s-p-a healthy <- 2\n"
                "\n"
                "~ service/a  restart\n"
                "    effective.ports   unbound → bound   drift: changed outside\n"
                "    networks.n        (not set) → connected\n");
}

Test(in_place, not_in_effect_and_paused) {
    expect_plan("service a effective.ports=bound\n",
                "service a effective.ports=unbound @state=paused\n",
                "0 stop service/a @s-p-a\n"
                "1 start service/a @s-p-a <- 0\n"
                "2 await service/a @s-p-a healthy <- 1\n"
                "\n"
                "~ service/a  restart   it is paused\n"
                "    effective.ports   unbound → bound\n");
}

Test(in_place, not_in_effect_of_a_completed_job) {
    expect_plan("service a effective.ports=bound @completes\n",
                "service a effective.ports=unbound @state=exited:0\n",
                "\n"
                "Nothing to do.\n");
}

Test(in_place, restart_waits_for_dependencies) {
    expect_plan("service a effective.ports=bound @needs=service/b:healthy\n"
                "service b\n",
                "service a effective.ports=unbound\n"
                "service b @state=exited:1\n",
                "0 start service/b @s-p-b\n"
                "1 await service/b @s-p-b healthy <- 0\n"
                "2 stop service/a @s-p-a <- 1\n"
                "3 start service/a @s-p-a <- 1 2\n"
                "4 await service/a @s-p-a healthy <- 3\n"
                "\n"
                "~ service/a  restart\n"
                "    effective.ports   unbound → bound\n"
                "~ service/b  start   exited with code 1\n");
}

Test(in_place, everything_at_once) {
    expect_plan(
        "network n\n"
        "service a networks.n=connected restart=always reloadable./a=1 @files=/a:HUP\n",
        "network n\n"
        "service a restart=no reloadable./a=2 networks.x=connected @name=other @state=paused\n",
        "0 rename service/a @s-other p-a\n"
        "1 unpause service/a @s-other <- 0\n"
        "2 update service/a @s-other <- 1\n"
        "3 disconnect service/a @s-other x <- 2\n"
        "4 connect service/a @s-other p-n <- 3\n"
        "5 stage service/a @s-other /a <- 4\n"
        "6 signal service/a @s-other HUP <- 5\n"
        "7 upload service/a @s-other /a <- 6\n"
        "8 await service/a @s-other healthy <- 7\n"
        "\n"
        "~ service/a  update in place   it is paused\n"
        "    name            other → p-a   drift: changed outside\n"
        "    networks.n      (not set) → connected\n"
        "    networks.x      connected → (not set)\n"
        "    reloadable./a   2 → 1\n"
        "    restart         no → always\n");
}
