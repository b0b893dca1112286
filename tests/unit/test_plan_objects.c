/*
 * Networks, volumes, files and images; and what belongs to somebody else.
 */
#include "plan_sample.h"

#include <criterion/criterion.h>

/* They were taken off before it was removed; or hold its old id. */
Test(objects, network_is_made_under_containers) {
    expect_plan("network n\n"
                "service a networks.n=connected\n"
                "service b networks.n=connected\n"
                "service c networks.n=connected\n",
                "service a\n"
                "service b networks.n=connected\n"
                "service c networks.n=connected @state=exited:1\n",
                "0 disconnect service/c @s-p-c p-n\n"
                "1 disconnect service/b @s-p-b p-n\n"
                "2 create network/n <- 0 1\n"
                "3 connect service/b @s-p-b p-n <- 2\n"
                "4 connect service/c @s-p-c p-n <- 2\n"
                "5 connect service/a @s-p-a p-n <- 2\n"
                "6 await service/a @s-p-a healthy <- 5\n"
                "7 await service/b @s-p-b healthy <- 1 3\n"
                "8 start service/c @s-p-c <- 0 2 4\n"
                "9 await service/c @s-p-c healthy <- 8\n"
                "\n"
                "+ network/n  create\n"
                "~ service/a  update in place\n"
                "    networks.n   (not set) → connected\n"
                "~ service/c  start   exited with code 1\n");
}

Test(objects, network_changes_under_containers) {
    expect_plan("network n subnet=10.0.1.0/24\n"
                "service a networks.n=connected\n"
                "service b networks.n=connected @completes\n"
                "service c\n"
                "service d networks.n=connected networks.n.ipv4Address=10.0.1.5\n",
                "network n subnet=10.0.0.0/24\n"
                "service a networks.n=connected\n"
                "service b networks.n=connected @state=exited:0\n"
                "service c networks.n=connected\n"
                "service d networks.n=connected networks.n.ipv4Address=10.0.0.5\n"
                "service gone networks.n=connected\n"
                "service a networks.n=connected @slot=next @name=p-a.next @state=created @id=x\n",
                "0 stop service/gone @s-p-gone\n"
                "1 remove service/gone @s-p-gone <- 0\n"
                "2 remove service/a @x own-volumes\n"
                "3 disconnect service/d @s-p-d p-n\n"
                "4 disconnect service/c @s-p-c p-n\n"
                "5 disconnect service/b @s-p-b p-n\n"
                "6 disconnect service/a @s-p-a p-n\n"
                "7 remove network/n @n-p-n <- 1 2 3 4 5 6\n"
                "8 create network/n <- 7\n"
                "9 connect service/a @s-p-a p-n <- 8\n"
                "10 connect service/b @s-p-b p-n <- 8\n"
                "11 await service/a @s-p-a healthy <- 2 6 9\n"
                "12 await service/c @s-p-c healthy <- 4\n"
                "13 connect service/d @s-p-d p-n <- 3 8\n"
                "14 await service/d @s-p-d healthy <- 13\n"
                "\n"
                "± network/n     replace\n"
                "    subnet                   10.0.0.0/24 → 10.0.1.0/24\n"
                "~ service/a     finish an interrupted replacement   removes container "
                "\"p-a.next\", left over\n"
                "~ service/c     update in place\n"
                "    networks.n               connected → (not set)\n"
                "~ service/d     update in place\n"
                "    networks.n.ipv4Address   10.0.0.5 → 10.0.1.5\n"
                "- service/gone  remove\n");
}

/* The old one keeps its way back. */
Test(objects, network_changes_under_one_that_is_replaced) {
    expect_plan("network n subnet=10.0.1.0/24\n"
                "service a networks.n=connected x=2\n",
                "network n subnet=10.0.0.0/24\n"
                "service a networks.n=connected x=1\n",
                "0 disconnect service/a @s-p-a p-n\n"
                "1 remove network/n @n-p-n <- 0\n"
                "2 create network/n <- 1\n"
                "3 connect service/a @s-p-a p-n <- 2\n"
                "4 create service/a @p-a.next <- 0 2 3\n"
                "5 stop service/a @s-p-a <- 4\n"
                "6 rename service/a @s-p-a p-a.previous <- 5\n"
                "7 rename service/a @p-a.next p-a <- 6\n"
                "8 start service/a <- 7\n"
                "9 await service/a healthy <- 8\n"
                "10 stop service/a undoes 7\n"
                "11 remove service/a own-volumes undoes 7\n"
                "12 remove service/a @p-a.next own-volumes undoes 4\n"
                "13 rename service/a @s-p-a p-a undoes 6\n"
                "14 start service/a @s-p-a undoes 4\n"
                "15 remove service/a @s-p-a <- 9\n"
                "\n"
                "± network/n  replace\n"
                "    subnet   10.0.0.0/24 → 10.0.1.0/24\n"
                "± service/a  replace\n"
                "    x        1 → 2\n");
}

Test(objects, network_removed) {
    expect_plan("network n\n"
                "service a networks.n=connected\n"
                "service b networks.n=connected x=2\n",
                "network n\n"
                "network old\n"
                "service a networks.n=connected networks.old=connected\n"
                "service b networks.n=connected networks.p-old=connected x=1\n"
                "service gone networks.old=connected\n",
                "0 disconnect service/a @s-p-a p-old\n"
                "1 await service/a @s-p-a healthy <- 0\n"
                "2 create service/b @p-b.next\n"
                "3 stop service/b @s-p-b <- 2\n"
                "4 rename service/b @s-p-b p-b.previous <- 3\n"
                "5 rename service/b @p-b.next p-b <- 4\n"
                "6 start service/b <- 5\n"
                "7 await service/b healthy <- 6\n"
                "8 stop service/b undoes 5\n"
                "9 remove service/b own-volumes undoes 5\n"
                "10 remove service/b @p-b.next own-volumes undoes 2\n"
                "11 rename service/b @s-p-b p-b undoes 4\n"
                "12 start service/b @s-p-b undoes 2\n"
                "13 remove service/b @s-p-b <- 7\n"
                "14 stop service/gone @s-p-gone\n"
                "15 remove service/gone @s-p-gone <- 14\n"
                "16 remove network/old @n-p-old <- 0 13 15\n"
                "\n"
                "- network/old   remove\n"
                "~ service/a     update in place\n"
                "    networks.old     connected → (not set)\n"
                "± service/b     replace\n"
                "    networks.p-old   connected → (not set)\n"
                "    x                1 → 2\n"
                "- service/gone  remove\n");
}

Test(objects, network_under_another_name) {
    expect_plan("network n\n"
                "service a networks.n=connected\n",
                "network n @name=q-n\n"
                "service a networks.n=connected\n",
                "0 disconnect service/a @s-p-a q-n\n"
                "1 remove network/n @n-q-n <- 0\n"
                "2 create network/n <- 1\n"
                "3 connect service/a @s-p-a p-n <- 2\n"
                "4 await service/a @s-p-a healthy <- 0 3\n"
                "\n"
                "± network/n  replace\n"
                "    name   q-n → p-n\n");
}

Test(objects, second_network_of_the_same) {
    expect_plan("network n\n",
                "network n @id=2\n"
                "network n @name=copy @id=1\n",
                "0 remove network/n @1\n"
                "\n"
                "- network/n  remove\n");
}

Test(objects, volume_missing) {
    expect_plan("volume v\n"
                "service a mounts./v=volume_v_rw\n",
                "",
                "0 create volume/v\n"
                "1 create service/a <- 0\n"
                "2 start service/a <- 1\n"
                "3 await service/a healthy <- 2\n"
                "\n"
                "+ volume/v   create\n"
                "+ service/a  create\n");
}

/* It is refused, and so is what would be made with it; the rest goes on. */
Test(objects, volume_changed) {
    expect_plan("volume v driver=b\n"
                "service a mounts./v=volume_v_rw x=2\n"
                "service b\n",
                "volume v driver=a\n"
                "service a mounts./v=volume_v_rw x=1\n",
                "0 refuse volume/v \"driver\" of volume \"p-v\" cannot change without losing its "
                "data: save the data, remove the volume yourself, then apply again; or declare a "
                "new one under another name\n"
                "1 create service/a @p-a.next <- 0\n"
                "2 stop service/a @s-p-a <- 1\n"
                "3 rename service/a @s-p-a p-a.previous <- 2\n"
                "4 rename service/a @p-a.next p-a <- 3\n"
                "5 start service/a <- 4\n"
                "6 await service/a healthy <- 5\n"
                "7 stop service/a undoes 4\n"
                "8 remove service/a own-volumes undoes 4\n"
                "9 remove service/a @p-a.next own-volumes undoes 1\n"
                "10 rename service/a @s-p-a p-a undoes 3\n"
                "11 start service/a @s-p-a undoes 1\n"
                "12 remove service/a @s-p-a <- 6\n"
                "13 create service/b\n"
                "14 start service/b <- 13\n"
                "15 await service/b healthy <- 14\n"
                "\n"
                "! volume/v   cannot be done   \"driver\" of volume \"p-v\" cannot change without "
                "losing its data: save the data, remove the volume yourself, then apply again; or "
                "declare a new one under another name\n"
                "    driver   a → b\n"
                "± service/a  replace\n"
                "    x        1 → 2\n"
                "+ service/b  create\n");
}

Test(objects, volume_no_longer_desired) {
    expect_plan("", "volume v\n",
                "\n"
                "Nothing to do.\n");
}

/* Other data: left alone. */
Test(objects, volume_under_another_name) {
    expect_plan("volume v\n", "volume v @name=other\n",
                "0 create volume/v\n"
                "\n"
                "+ volume/v  create\n");
}

Test(objects, files_no_longer_used) {
    expect_plan("",
                "files a @id=1\n"
                "files a @id=2\n",
                "0 remove files/a @2\n"
                "1 remove files/a @1\n"
                "\n"
                "- files/a  remove\n"
                "- files/a  remove\n");
}

Test(images, missing_and_needed) {
    expect_plan("image i\n"
                "service a image=i\n"
                "service b image=i\n",
                "",
                "0 pull image/i\n"
                "1 create service/a <- 0\n"
                "2 start service/a <- 1\n"
                "3 await service/a healthy <- 2\n"
                "4 create service/b <- 0\n"
                "5 start service/b <- 4\n"
                "6 await service/b healthy <- 5\n"
                "\n"
                "↑ image/i    pull\n"
                "+ service/a  create\n"
                "+ service/b  create\n");
}

Test(images, missing_but_nothing_is_made) {
    expect_plan("image i\n"
                "service a image=i\n",
                "service a image=i\n",
                "\n"
                "Nothing to do.\n");
}

Test(images, never_pulled) {
    expect_plan("image i @pull=never\n"
                "service a image=i\n"
                "service b @needs=service/a:healthy\n",
                "",
                "0 refuse image/i image \"i\" is not on this machine and its pullPolicy is never: "
                "make it with `make images`, or pull it\n"
                "1 create service/a <- 0\n"
                "2 start service/a <- 1\n"
                "3 await service/a healthy <- 2\n"
                "4 create service/b\n"
                "5 start service/b <- 3 4\n"
                "6 await service/b healthy <- 5\n"
                "\n"
                "! image/i    cannot be done   image \"i\" is not on this machine and its "
                "pullPolicy is never: make it with `make images`, or pull it\n"
                "+ service/a  create\n"
                "+ service/b  create\n");
}

Test(images, there_already) {
    expect_plan("image i @pull=always\n"
                "service a image=i\n",
                "image i\n",
                "0 create service/a\n"
                "1 start service/a <- 0\n"
                "2 await service/a healthy <- 1\n"
                "\n"
                "+ service/a  create\n");
}

/* Whether a pull brings another image shows only when it is here. */
Test(images, newer_in_the_registry) {
    expect_plan("image i @pull=always\n"
                "service a image=i\n"
                "service b\n",
                "image i @outdated\n"
                "service a image=i\n"
                "service b\n",
                "0 pull image/i\n"
                "\n"
                "↑ image/i  pull   the registry has a newer one\n");
}

Test(images, newer_and_another_one_is_declared) {
    expect_plan("image i @pull=always\n"
                "service a image=i\n",
                "image i @outdated\n"
                "service a image=h\n",
                "0 pull image/i\n"
                "1 create service/a @p-a.next <- 0\n"
                "2 stop service/a @s-p-a <- 1\n"
                "3 rename service/a @s-p-a p-a.previous <- 2\n"
                "4 rename service/a @p-a.next p-a <- 3\n"
                "5 start service/a <- 4\n"
                "6 await service/a healthy <- 5\n"
                "7 stop service/a undoes 4\n"
                "8 remove service/a own-volumes undoes 4\n"
                "9 remove service/a @p-a.next own-volumes undoes 1\n"
                "10 rename service/a @s-p-a p-a undoes 3\n"
                "11 start service/a @s-p-a undoes 1\n"
                "12 remove service/a @s-p-a <- 6\n"
                "\n"
                "↑ image/i    pull   the registry has a newer one\n"
                "± service/a  replace\n"
                "    image   h → i\n");
}

Test(foreign, container) {
    expect_plan("service a\n"
                "service b @needs=service/a\n"
                "service c\n",
                "service a @foreign=somebody\n",
                "0 refuse service/a the name \"p-a\" is taken by a container that is not of this "
                "environment (somebody): remove or rename that one, or change the project's or the "
                "service's name\n"
                "1 create service/b\n"
                "2 start service/b <- 0 1\n"
                "3 await service/b healthy <- 2\n"
                "4 create service/c\n"
                "5 start service/c <- 4\n"
                "6 await service/c healthy <- 5\n"
                "\n"
                "! service/a  cannot be done   the name \"p-a\" is taken by a container that is "
                "not of this environment (somebody): remove or rename that one, or change the "
                "project's or the service's name\n"
                "+ service/b  create\n"
                "+ service/c  create\n");
}

/* Ours was renamed; it is left alone. */
Test(foreign, container_in_the_place_of_ours) {
    expect_plan("service a\n",
                "service a @name=x\n"
                "service a @foreign=somebody @id=f\n",
                "0 refuse service/a the name \"p-a\" is taken by a container that is not of this "
                "environment (somebody): remove or rename that one, or change the project's or the "
                "service's name\n"
                "\n"
                "! service/a  cannot be done   the name \"p-a\" is taken by a container that is "
                "not of this environment (somebody): remove or rename that one, or change the "
                "project's or the service's name\n");
}

Test(foreign, network) {
    expect_plan(
        "network n\n"
        "service a networks.n=connected\n"
        "service b networks.n=connected\n",
        "network n @foreign=somebody\n"
        "service b\n",
        "0 refuse network/n the name \"p-n\" is taken by a network that is not of this environment "
        "(somebody): remove that one, or change the project's or the network's name\n"
        "1 create service/a <- 0\n"
        "2 start service/a <- 1\n"
        "3 await service/a healthy <- 2\n"
        "4 connect service/b @s-p-b p-n <- 0\n"
        "5 await service/b @s-p-b healthy <- 4\n"
        "\n"
        "! network/n  cannot be done   the name \"p-n\" is taken by a network that is not of this "
        "environment (somebody): remove that one, or change the project's or the network's name\n"
        "+ service/a  create\n"
        "~ service/b  update in place\n"
        "    networks.n   (not set) → connected\n");
}

/* Networks of one name are possible; ours is there. */
Test(foreign, network_beside_ours) {
    expect_plan("network n\n",
                "network n @id=1\n"
                "network n @foreign=somebody @id=2\n",
                "\n"
                "Nothing to do.\n");
}

Test(foreign, volume) {
    expect_plan(
        "volume v\n"
        "service a mounts./v=volume_v_rw\n",
        "volume v @foreign=somebody\n",
        "0 refuse volume/v the name \"p-v\" is taken by a volume that is not of this environment "
        "(somebody): remove that one, or change the project's or the volume's name\n"
        "1 create service/a <- 0\n"
        "2 start service/a <- 1\n"
        "3 await service/a healthy <- 2\n"
        "\n"
        "! volume/v   cannot be done   the name \"p-v\" is taken by a volume that is not of this "
        "environment (somebody): remove that one, or change the project's or the volume's name\n"
        "+ service/a  create\n");
}

Test(foreign, name_that_is_not_wanted) {
    expect_plan("", "service a @foreign=somebody\n",
                "\n"
                "Nothing to do.\n");
}

Test(foreign, field_that_cannot_change) {
    expect_plan("service a fixed.x=2\n", "service a fixed.x=1\n",
                "0 refuse service/a \"fixed.x\" cannot be changed without losing data: save the "
                "data, remove the container \"p-a\", then apply again\n"
                "\n"
                "! service/a  cannot be done   \"fixed.x\" cannot be changed without losing data: "
                "save the data, remove the container \"p-a\", then apply again\n"
                "    fixed.x   1 → 2\n");
}

/* The executor tells a conflict from a failure by it. */
Test(foreign, is_what_the_change_is_about) {
    cleanup_arena struct arena *arena = arena_new();
    const struct plan *plan = sample_plan(
        arena, "network n\nservice a\n",
        "network n @foreign=x\nservice a @id=1 @name=other\nservice a @foreign=x\n", NULL);
    cr_assert_eq(plan->change_count, 2);
    for (size_t i = 0; i < plan->change_count; i++)
        cr_assert(plan->changes[i].kind == CHANGE_REFUSE && plan->changes[i].observed->foreign);
}
