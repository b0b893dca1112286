/*
 * Replacing containers with a way back, and finding the way after a replacement was interrupted.
 */
#include "plan_sample.h"

#include <criterion/criterion.h>

Test(replace, recreate) {
    expect_plan("network m\n"
                "network n\n"
                "service a networks.m=connected networks.n=connected x=2 @files=/a\n",
                "network m\n"
                "network n\n"
                "service a networks.m=connected networks.n=connected x=1\n",
                "0 create service/a @p-a.next\n"
                "1 connect service/a @p-a.next p-n <- 0\n"
                "2 upload service/a @p-a.next <- 1\n"
                "3 stop service/a @s-p-a <- 2\n"
                "4 rename service/a @s-p-a p-a.previous <- 3\n"
                "5 rename service/a @p-a.next p-a <- 4\n"
                "6 start service/a <- 5\n"
                "7 await service/a healthy <- 6\n"
                "8 stop service/a undoes 5\n"
                "9 remove service/a own-volumes undoes 5\n"
                "10 remove service/a @p-a.next own-volumes undoes 0\n"
                "11 rename service/a @s-p-a p-a undoes 4\n"
                "12 start service/a @s-p-a undoes 2\n"
                "13 remove service/a @s-p-a <- 7\n"
                "\n"
                "± service/a  replace\n"
                "    x   1 → 2\n");
}

/* It should have run, so the way back starts it. */
Test(replace, recreate_what_does_not_run) {
    expect_plan("service a x=2\n", "service a x=1 @state=exited:1\n",
                "0 create service/a @p-a.next\n"
                "1 rename service/a @s-p-a p-a.previous <- 0\n"
                "2 rename service/a @p-a.next p-a <- 1\n"
                "3 start service/a <- 2\n"
                "4 await service/a healthy <- 3\n"
                "5 stop service/a undoes 2\n"
                "6 remove service/a own-volumes undoes 2\n"
                "7 remove service/a @p-a.next own-volumes undoes 0\n"
                "8 rename service/a @s-p-a p-a undoes 1\n"
                "9 start service/a @s-p-a undoes 0\n"
                "10 remove service/a @s-p-a <- 4\n"
                "\n"
                "± service/a  replace\n"
                "    x   1 → 2\n");
}

Test(replace, recreate_what_is_paused) {
    expect_plan("service a x=2\n", "service a x=1 @state=paused\n",
                "0 create service/a @p-a.next\n"
                "1 stop service/a @s-p-a <- 0\n"
                "2 rename service/a @s-p-a p-a.previous <- 1\n"
                "3 rename service/a @p-a.next p-a <- 2\n"
                "4 start service/a <- 3\n"
                "5 await service/a healthy <- 4\n"
                "6 stop service/a undoes 3\n"
                "7 remove service/a own-volumes undoes 3\n"
                "8 remove service/a @p-a.next own-volumes undoes 0\n"
                "9 rename service/a @s-p-a p-a undoes 2\n"
                "10 start service/a @s-p-a undoes 0\n"
                "11 remove service/a @s-p-a <- 5\n"
                "\n"
                "± service/a  replace\n"
                "    x   1 → 2\n");
}

Test(replace, recreate_a_completed_job) {
    expect_plan("service a x=2 @completes\n", "service a x=1 @state=exited:0\n",
                "0 create service/a @p-a.next\n"
                "1 rename service/a @s-p-a p-a.previous <- 0\n"
                "2 rename service/a @p-a.next p-a <- 1\n"
                "3 start service/a <- 2\n"
                "4 await service/a healthy <- 3\n"
                "5 stop service/a undoes 2\n"
                "6 remove service/a own-volumes undoes 2\n"
                "7 remove service/a @p-a.next own-volumes undoes 0\n"
                "8 rename service/a @s-p-a p-a undoes 1\n"
                "9 remove service/a @s-p-a <- 4\n"
                "\n"
                "± service/a  replace\n"
                "    x   1 → 2\n");
}

/* There is nothing to go back to. */
Test(replace, recreate_what_never_ran) {
    expect_plan("service a x=2\n", "service a x=1 @state=created\n",
                "0 remove service/a @s-p-a\n"
                "1 create service/a <- 0\n"
                "2 start service/a <- 1\n"
                "3 await service/a healthy <- 2\n"
                "\n"
                "± service/a  replace   removes container \"p-a\", which never ran\n"
                "    x   1 → 2\n");
}

Test(replace, recreate_under_a_wrong_name) {
    expect_plan("service a x=2\n", "service a x=1 @name=other\n",
                "0 rename service/a @s-other p-a\n"
                "1 create service/a @p-a.next <- 0\n"
                "2 stop service/a @s-other <- 1\n"
                "3 rename service/a @s-other p-a.previous <- 2\n"
                "4 rename service/a @p-a.next p-a <- 3\n"
                "5 start service/a <- 4\n"
                "6 await service/a healthy <- 5\n"
                "7 stop service/a undoes 4\n"
                "8 remove service/a own-volumes undoes 4\n"
                "9 remove service/a @p-a.next own-volumes undoes 1\n"
                "10 rename service/a @s-other p-a undoes 3\n"
                "11 start service/a @s-other undoes 1\n"
                "12 remove service/a @s-other <- 6\n"
                "\n"
                "± service/a  replace\n"
                "    name   other → p-a   drift: changed outside\n"
                "    x      1 → 2\n");
}

/* It waits for them before the old one goes. */
Test(replace, recreate_with_dependencies) {
    expect_plan("service a x=2 @needs=service/b:healthy\n"
                "service b x=2\n",
                "service a x=1\n"
                "service b x=1\n",
                "0 create service/b @p-b.next\n"
                "1 stop service/b @s-p-b <- 0\n"
                "2 rename service/b @s-p-b p-b.previous <- 1\n"
                "3 rename service/b @p-b.next p-b <- 2\n"
                "4 start service/b <- 3\n"
                "5 await service/b healthy <- 4\n"
                "6 create service/a @p-a.next <- 5\n"
                "7 stop service/a @s-p-a <- 6\n"
                "8 rename service/a @s-p-a p-a.previous <- 7\n"
                "9 rename service/a @p-a.next p-a <- 8\n"
                "10 start service/a <- 5 9\n"
                "11 await service/a healthy <- 10\n"
                "12 stop service/a undoes 9\n"
                "13 remove service/a own-volumes undoes 9\n"
                "14 remove service/a @p-a.next own-volumes undoes 6\n"
                "15 rename service/a @s-p-a p-a undoes 8\n"
                "16 start service/a @s-p-a undoes 6\n"
                "17 remove service/a @s-p-a <- 11\n"
                "18 stop service/b undoes 3\n"
                "19 remove service/b own-volumes undoes 3\n"
                "20 remove service/b @p-b.next own-volumes undoes 0\n"
                "21 rename service/b @s-p-b p-b undoes 2\n"
                "22 start service/b @s-p-b undoes 0\n"
                "23 remove service/b @s-p-b <- 5\n"
                "\n"
                "± service/a  replace\n"
                "    x   1 → 2\n"
                "± service/b  replace\n"
                "    x   1 → 2\n");
}

Test(replace, reset_that_needs_it) {
    expect_plan("service a\n", "service a resources.limits.memory=1\n",
                "0 create service/a @p-a.next\n"
                "1 stop service/a @s-p-a <- 0\n"
                "2 rename service/a @s-p-a p-a.previous <- 1\n"
                "3 rename service/a @p-a.next p-a <- 2\n"
                "4 start service/a <- 3\n"
                "5 await service/a healthy <- 4\n"
                "6 stop service/a undoes 3\n"
                "7 remove service/a own-volumes undoes 3\n"
                "8 remove service/a @p-a.next own-volumes undoes 0\n"
                "9 rename service/a @s-p-a p-a undoes 2\n"
                "10 start service/a @s-p-a undoes 0\n"
                "11 remove service/a @s-p-a <- 5\n"
                "\n"
                "± service/a  replace\n"
                "    resources.limits.memory   1 → (not set)\n");
}

Test(replace, removed_file) {
    expect_plan("service a\n", "service a reloadable./a=1\n",
                "0 create service/a @p-a.next\n"
                "1 stop service/a @s-p-a <- 0\n"
                "2 rename service/a @s-p-a p-a.previous <- 1\n"
                "3 rename service/a @p-a.next p-a <- 2\n"
                "4 start service/a <- 3\n"
                "5 await service/a healthy <- 4\n"
                "6 stop service/a undoes 3\n"
                "7 remove service/a own-volumes undoes 3\n"
                "8 remove service/a @p-a.next own-volumes undoes 0\n"
                "9 rename service/a @s-p-a p-a undoes 2\n"
                "10 start service/a @s-p-a undoes 0\n"
                "11 remove service/a @s-p-a <- 5\n"
                "\n"
                "± service/a  replace\n"
                "    reloadable./a   1 → (not set)\n");
}

Test(replace, start_first) {
    expect_plan("network m\n"
                "network n\n"
                "service a networks.m=connected networks.n=connected x=2 @files=/a @startFirst\n",
                "network m\n"
                "network n\n"
                "service a networks.m=connected networks.n=connected x=1\n",
                "0 create service/a @p-a.next\n"
                "1 connect service/a @p-a.next p-n <- 0\n"
                "2 upload service/a @p-a.next <- 1\n"
                "3 start service/a @p-a.next <- 2\n"
                "4 await service/a @p-a.next healthy <- 3\n"
                "5 rename service/a @s-p-a p-a.previous <- 4\n"
                "6 rename service/a @p-a.next p-a <- 5\n"
                "7 stop service/a @p-a.next undoes 2\n"
                "8 remove service/a @p-a.next own-volumes undoes 0\n"
                "9 rename service/a @s-p-a p-a undoes 5\n"
                "10 stop service/a @s-p-a <- 4 6\n"
                "11 remove service/a @s-p-a <- 10\n"
                "\n"
                "± service/a  replace\n"
                "    x   1 → 2\n");
}

Test(replace, start_first_what_does_not_run) {
    expect_plan("service a x=2 @startFirst\n", "service a x=1 @state=exited:1\n",
                "0 create service/a @p-a.next\n"
                "1 start service/a @p-a.next <- 0\n"
                "2 await service/a @p-a.next healthy <- 1\n"
                "3 rename service/a @s-p-a p-a.previous <- 2\n"
                "4 rename service/a @p-a.next p-a <- 3\n"
                "5 stop service/a @p-a.next undoes 0\n"
                "6 remove service/a @p-a.next own-volumes undoes 0\n"
                "7 rename service/a @s-p-a p-a undoes 3\n"
                "8 remove service/a @s-p-a <- 2 4\n"
                "\n"
                "± service/a  replace\n"
                "    x   1 → 2\n");
}

Test(replace, start_first_with_a_fixed_port) {
    expect_plan(
        "service a x=2 ports.80/tcp=127.0.0.1:8000 @startFirst\n",
        "service a x=1 ports.80/tcp=127.0.0.1:8000\n",
        "0 create service/a @p-a.next\n"
        "1 stop service/a @s-p-a <- 0\n"
        "2 rename service/a @s-p-a p-a.previous <- 1\n"
        "3 rename service/a @p-a.next p-a <- 2\n"
        "4 start service/a <- 3\n"
        "5 await service/a healthy <- 4\n"
        "6 stop service/a undoes 3\n"
        "7 remove service/a own-volumes undoes 3\n"
        "8 remove service/a @p-a.next own-volumes undoes 0\n"
        "9 rename service/a @s-p-a p-a undoes 2\n"
        "10 start service/a @s-p-a undoes 0\n"
        "11 remove service/a @s-p-a <- 5\n"
        "\n"
        "± service/a  replace   the old one stops first, because of a fixed address or host port\n"
        "    x   1 → 2\n");
}

Test(replace, start_first_with_a_fixed_address_before) {
    expect_plan(
        "network n\n"
        "service a x=2 networks.n=connected @startFirst\n",
        "network n\n"
        "service a x=1 networks.n=connected networks.n.ipv4Address=10.0.0.1\n",
        "0 create service/a @p-a.next\n"
        "1 stop service/a @s-p-a <- 0\n"
        "2 rename service/a @s-p-a p-a.previous <- 1\n"
        "3 rename service/a @p-a.next p-a <- 2\n"
        "4 start service/a <- 3\n"
        "5 await service/a healthy <- 4\n"
        "6 stop service/a undoes 3\n"
        "7 remove service/a own-volumes undoes 3\n"
        "8 remove service/a @p-a.next own-volumes undoes 0\n"
        "9 rename service/a @s-p-a p-a undoes 2\n"
        "10 start service/a @s-p-a undoes 0\n"
        "11 remove service/a @s-p-a <- 5\n"
        "\n"
        "± service/a  replace   the old one stops first, because of a fixed address or host port\n"
        "    networks.n.ipv4Address   10.0.0.1 → (not set)\n"
        "    x                        1 → 2\n");
}

/* The new one goes, and is made again. */
Test(interrupted, before_the_old_one_stopped) {
    expect_plan("service a x=2\n",
                "service a x=1 @id=old\n"
                "service a x=2 @id=new @slot=next @name=p-a.next @state=created\n",
                "0 remove service/a @new own-volumes\n"
                "1 create service/a @p-a.next <- 0\n"
                "2 stop service/a @old <- 1\n"
                "3 rename service/a @old p-a.previous <- 2\n"
                "4 rename service/a @p-a.next p-a <- 3\n"
                "5 start service/a <- 4\n"
                "6 await service/a healthy <- 5\n"
                "7 stop service/a undoes 4\n"
                "8 remove service/a own-volumes undoes 4\n"
                "9 remove service/a @p-a.next own-volumes undoes 1\n"
                "10 rename service/a @old p-a undoes 3\n"
                "11 start service/a @old undoes 1\n"
                "12 remove service/a @old <- 6\n"
                "\n"
                "± service/a  replace   removes container \"p-a.next\", left over\n"
                "    x   1 → 2\n");
}

Test(interrupted, and_the_change_was_taken_back) {
    expect_plan("service a x=1\n",
                "service a x=1 @id=old\n"
                "service a x=2 @id=new @slot=next @name=p-a.next @state=running\n",
                "0 stop service/a @new\n"
                "1 remove service/a @new <- 0\n"
                "\n"
                "~ service/a  finish an interrupted replacement   removes container \"p-a.next\", "
                "left over\n");
}

Test(interrupted, after_the_old_one_stopped) {
    expect_plan("service a x=2\n",
                "service a x=1 @id=old @state=exited:0\n"
                "service a x=2 @id=new @slot=next @name=p-a.next @state=created\n",
                "0 remove service/a @new own-volumes\n"
                "1 create service/a @p-a.next <- 0\n"
                "2 rename service/a @old p-a.previous <- 1\n"
                "3 rename service/a @p-a.next p-a <- 2\n"
                "4 start service/a <- 3\n"
                "5 await service/a healthy <- 4\n"
                "6 stop service/a undoes 3\n"
                "7 remove service/a own-volumes undoes 3\n"
                "8 remove service/a @p-a.next own-volumes undoes 1\n"
                "9 rename service/a @old p-a undoes 2\n"
                "10 start service/a @old undoes 1\n"
                "11 remove service/a @old <- 5\n"
                "\n"
                "± service/a  replace   removes container \"p-a.next\", left over\n"
                "    x   1 → 2\n");
}

Test(interrupted, between_the_renames) {
    expect_plan("service a x=2\n",
                "service a x=1 @id=old @state=exited:0 @slot=previous @name=p-a.previous\n"
                "service a x=2 @id=new @slot=next @name=p-a.next @state=created\n",
                "0 remove service/a @new own-volumes\n"
                "1 rename service/a @old p-a <- 0\n"
                "2 create service/a @p-a.next <- 1\n"
                "3 rename service/a @old p-a.previous <- 2\n"
                "4 rename service/a @p-a.next p-a <- 3\n"
                "5 start service/a <- 4\n"
                "6 await service/a healthy <- 5\n"
                "7 stop service/a undoes 4\n"
                "8 remove service/a own-volumes undoes 4\n"
                "9 remove service/a @p-a.next own-volumes undoes 2\n"
                "10 rename service/a @old p-a undoes 3\n"
                "11 start service/a @old undoes 2\n"
                "12 remove service/a @old <- 6\n"
                "\n"
                "± service/a  replace   removes container \"p-a.next\", left over\n"
                "    name   p-a.previous → p-a\n"
                "    x      1 → 2\n");
}

Test(interrupted, after_the_renames) {
    expect_plan("service a x=2\n",
                "service a x=1 @id=old @state=exited:0 @slot=previous @name=p-a.previous\n"
                "service a x=2 @id=new @state=created\n",
                "0 stop service/a @old\n"
                "1 start service/a @new <- 0\n"
                "2 await service/a @new healthy <- 1\n"
                "3 stop service/a @new undoes 0\n"
                "4 remove service/a @new undoes 0\n"
                "5 rename service/a @old p-a undoes 0\n"
                "6 start service/a @old undoes 0\n"
                "7 remove service/a @old <- 2\n"
                "\n"
                "~ service/a  finish an interrupted replacement\n");
}

Test(interrupted, after_the_start) {
    expect_plan("service a x=2\n",
                "service a x=1 @id=old @state=exited:0 @slot=previous @name=p-a.previous\n"
                "service a x=2 @id=new\n",
                "0 stop service/a @old\n"
                "1 await service/a @new healthy <- 0\n"
                "2 stop service/a @new undoes 0\n"
                "3 remove service/a @new undoes 0\n"
                "4 rename service/a @old p-a undoes 0\n"
                "5 start service/a @old undoes 0\n"
                "6 remove service/a @old <- 1\n"
                "\n"
                "~ service/a  finish an interrupted replacement\n");
}

Test(interrupted, start_first_before_the_old_one_stopped) {
    expect_plan("service a x=2 @startFirst\n",
                "service a x=1 @id=old @slot=previous @name=p-a.previous\n"
                "service a x=2 @id=new\n",
                "0 stop service/a @old\n"
                "1 await service/a @new healthy <- 0\n"
                "2 stop service/a @new undoes 0\n"
                "3 remove service/a @new undoes 0\n"
                "4 rename service/a @old p-a undoes 0\n"
                "5 start service/a @old undoes 0\n"
                "6 remove service/a @old <- 1\n"
                "\n"
                "~ service/a  finish an interrupted replacement\n");
}

Test(interrupted, after_the_renames_with_a_job) {
    expect_plan("service a x=2 @completes\n",
                "service a x=1 @id=old @state=exited:0 @slot=previous @name=p-a.previous\n"
                "service a x=2 @id=new @state=exited:0\n",
                "0 stop service/a @old\n"
                "1 await service/a @new healthy <- 0\n"
                "2 stop service/a @new undoes 0\n"
                "3 remove service/a @new undoes 0\n"
                "4 rename service/a @old p-a undoes 0\n"
                "5 remove service/a @old <- 1\n"
                "\n"
                "~ service/a  finish an interrupted replacement\n");
}

Test(interrupted, and_more_is_to_change_in_place) {
    expect_plan(
        "service a x=2 restart=always @needs=service/b:healthy\n"
        "service b\n",
        "service a x=1 restart=no @id=old @state=exited:0 @slot=previous @name=p-a.previous\n"
        "service a x=2 restart=no @id=new @state=exited:1\n"
        "service b @health=starting\n",
        "0 await service/b @s-p-b healthy\n"
        "1 stop service/a @old <- 0\n"
        "2 update service/a @new <- 1\n"
        "3 start service/a @new <- 0 2\n"
        "4 await service/a @new healthy <- 3\n"
        "5 stop service/a @new undoes 1\n"
        "6 remove service/a @new undoes 1\n"
        "7 rename service/a @old p-a undoes 1\n"
        "8 start service/a @old undoes 1\n"
        "9 remove service/a @old <- 4\n"
        "\n"
        "~ service/a  finish an interrupted replacement\n"
        "    restart   no → always\n");
}

/* The one before last is the way back. */
Test(interrupted, and_the_desired_state_changed_again) {
    expect_plan("service a x=3\n",
                "service a x=1 @id=old @state=exited:0 @slot=previous @name=p-a.previous\n"
                "service a x=2 @id=failed\n",
                "0 create service/a @p-a.next\n"
                "1 stop service/a @failed <- 0\n"
                "2 remove service/a @failed <- 1\n"
                "3 rename service/a @p-a.next p-a <- 2\n"
                "4 start service/a <- 3\n"
                "5 await service/a healthy <- 4\n"
                "6 stop service/a undoes 3\n"
                "7 remove service/a own-volumes undoes 3\n"
                "8 remove service/a @p-a.next own-volumes undoes 0\n"
                "9 rename service/a @old p-a undoes 2\n"
                "10 start service/a @old undoes 2\n"
                "11 remove service/a @old <- 5\n"
                "\n"
                "± service/a  replace\n"
                "    x   2 → 3\n");
}

Test(interrupted, and_changed_again_to_a_wrong_name) {
    expect_plan("service a x=3\n",
                "service a x=1 @id=old @state=exited:0 @slot=previous @name=p-a.previous\n"
                "service a x=2 @id=failed @name=other\n",
                "0 stop service/a @failed\n"
                "1 remove service/a @failed <- 0\n"
                "2 rename service/a @old p-a <- 1\n"
                "3 create service/a @p-a.next <- 2\n"
                "4 rename service/a @old p-a.previous <- 3\n"
                "5 rename service/a @p-a.next p-a <- 4\n"
                "6 start service/a <- 5\n"
                "7 await service/a healthy <- 6\n"
                "8 stop service/a undoes 5\n"
                "9 remove service/a own-volumes undoes 5\n"
                "10 remove service/a @p-a.next own-volumes undoes 3\n"
                "11 rename service/a @old p-a undoes 4\n"
                "12 start service/a @old undoes 3\n"
                "13 remove service/a @old <- 7\n"
                "\n"
                "± service/a  replace   removes container \"other\", a second one\n"
                "    name   p-a.previous → p-a\n"
                "    x      1 → 3\n");
}

/* What is kept to go back to is what is desired. */
Test(interrupted, and_changed_back) {
    expect_plan("service a x=1\n",
                "service a x=1 @id=old @state=exited:0 @slot=previous @name=p-a.previous\n"
                "service a x=2 @id=failed\n",
                "0 stop service/a @failed\n"
                "1 remove service/a @failed <- 0\n"
                "2 rename service/a @old p-a <- 1\n"
                "3 start service/a @old <- 2\n"
                "4 await service/a @old healthy <- 3\n"
                "\n"
                "~ service/a  start   exited with code 0; removes container \"p-a\", a second one\n"
                "    name   p-a.previous → p-a\n");
}

/* After the new one was removed; the attempt is made again. */
Test(interrupted, during_the_way_back) {
    expect_plan("service a x=2\n",
                "service a x=1 @id=old @state=exited:0 @slot=previous @name=p-a.previous\n",
                "0 rename service/a @old p-a\n"
                "1 create service/a @p-a.next <- 0\n"
                "2 rename service/a @old p-a.previous <- 1\n"
                "3 rename service/a @p-a.next p-a <- 2\n"
                "4 start service/a <- 3\n"
                "5 await service/a healthy <- 4\n"
                "6 stop service/a undoes 3\n"
                "7 remove service/a own-volumes undoes 3\n"
                "8 remove service/a @p-a.next own-volumes undoes 1\n"
                "9 rename service/a @old p-a undoes 2\n"
                "10 start service/a @old undoes 1\n"
                "11 remove service/a @old <- 5\n"
                "\n"
                "± service/a  replace\n"
                "    name   p-a.previous → p-a\n"
                "    x      1 → 2\n");
}

/* Its anonymous volumes are the old one's. */
Test(interrupted, and_only_the_new_one_is_left) {
    expect_plan("service a x=2\n",
                "service a x=2 @id=new @slot=next @name=p-a.next @state=created\n",
                "0 remove service/a @new\n"
                "1 create service/a <- 0\n"
                "2 start service/a <- 1\n"
                "3 await service/a healthy <- 2\n"
                "\n"
                "+ service/a  create   removes container \"p-a.next\", left over\n");
}

Test(interrupted, with_a_dead_new_one) {
    expect_plan("service a x=2\n",
                "service a x=1 @id=old @state=exited:0 @slot=previous @name=p-a.previous\n"
                "service a x=2 @id=new @state=dead\n",
                "0 remove service/a @new\n"
                "1 rename service/a @old p-a <- 0\n"
                "2 create service/a @p-a.next <- 1\n"
                "3 rename service/a @old p-a.previous <- 2\n"
                "4 rename service/a @p-a.next p-a <- 3\n"
                "5 start service/a <- 4\n"
                "6 await service/a healthy <- 5\n"
                "7 stop service/a undoes 4\n"
                "8 remove service/a own-volumes undoes 4\n"
                "9 remove service/a @p-a.next own-volumes undoes 2\n"
                "10 rename service/a @old p-a undoes 3\n"
                "11 start service/a @old undoes 2\n"
                "12 remove service/a @old <- 6\n"
                "\n"
                "± service/a  replace   removes container \"p-a\", which is dead\n"
                "    name   p-a.previous → p-a\n"
                "    x      1 → 2\n");
}

Test(interrupted, with_a_dead_old_one) {
    expect_plan("service a x=2\n",
                "service a x=1 @id=old @state=dead @slot=previous @name=p-a.previous\n"
                "service a x=2 @id=new\n",
                "0 remove service/a @old\n"
                "\n"
                "~ service/a  finish an interrupted replacement   removes container "
                "\"p-a.previous\", left over\n");
}

Test(interrupted, and_the_service_was_removed) {
    expect_plan("",
                "service a x=1 @id=old @state=exited:0 @slot=previous @name=p-a.previous\n"
                "service a x=2 @id=new\n"
                "service a x=2 @id=next @slot=next @name=p-a.next\n",
                "0 stop service/a @new\n"
                "1 remove service/a @new <- 0\n"
                "2 stop service/a @next\n"
                "3 remove service/a @next <- 2\n"
                "4 remove service/a @old\n"
                "\n"
                "- service/a  remove\n");
}

Test(replace, old_one_stays_until_all_that_is_awaited_holds) {
    expect_plan("service a @needs=service/job:healthy\n"
                "service b @needs=service/job:completed\n"
                "service job x=2 @completes\n",
                "service job x=1 @state=exited:0\n",
                "0 create service/a\n"
                "1 create service/job @p-job.next\n"
                "2 rename service/job @s-p-job p-job.previous <- 1\n"
                "3 rename service/job @p-job.next p-job <- 2\n"
                "4 start service/job <- 3\n"
                "5 await service/job healthy <- 4\n"
                "6 start service/a <- 0 5\n"
                "7 await service/a healthy <- 6\n"
                "8 create service/b\n"
                "9 await service/job completed <- 4\n"
                "10 start service/b <- 8 9\n"
                "11 await service/b healthy <- 10\n"
                "12 stop service/job undoes 3\n"
                "13 remove service/job own-volumes undoes 3\n"
                "14 remove service/job @p-job.next own-volumes undoes 1\n"
                "15 rename service/job @s-p-job p-job undoes 2\n"
                "16 remove service/job @s-p-job <- 5 9\n"
                "\n"
                "+ service/a    create\n"
                "+ service/b    create\n"
                "± service/job  replace\n"
                "    x   1 → 2\n");
}

/* --- whose anonymous volumes the new one gets ---------------------------------------------------
 */

static void expect_carried(const char *desired, const char *observed, const char *id) {
    cleanup_arena struct arena *arena = arena_new();
    const struct plan *plan = sample_plan(arena, desired, observed, NULL);
    for (size_t i = 0; i < plan->action_count; i++) {
        const struct action *action = &plan->actions[i];
        if (action->verb != VERB_CREATE)
            continue;
        if (!id)
            cr_assert_null(action->observed);
        else
            cr_assert_str_eq(action->observed->id, id);
        return;
    }
    cr_assert(false, "nothing is created");
}

Test(carried, from_the_one_that_is_replaced) {
    expect_carried("service a x=2", "service a x=1 @id=old", "old");
    expect_carried("service a x=2 @startFirst", "service a x=1 @id=old", "old");
    expect_carried("service a x=2", "service a x=1 @id=old @state=created", "old");
    expect_carried("service a", "service a @id=old @state=dead", "old");
}

Test(carried, from_what_an_interrupted_replacement_left) {
    expect_carried("service a x=2",
                   "service a x=1 @id=old\n"
                   "service a x=2 @id=new @slot=next @name=p-a.next",
                   "old");
    expect_carried("service a x=2", "service a x=2 @id=new @slot=next @name=p-a.next", "new");
    expect_carried("service a x=3",
                   "service a x=1 @id=old @slot=previous @name=p-a.previous @state=exited:0\n"
                   "service a x=2 @id=failed",
                   "old");
    expect_carried("service a x=2",
                   "service a x=1 @id=old @slot=previous @name=p-a.previous @state=dead\n"
                   "service a x=2 @id=new @slot=next @name=p-a.next",
                   "old");
}

Test(carried, from_nothing) {
    expect_carried("service a", "", NULL);
}
