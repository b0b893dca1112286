/*
 * Names, addresses, host ports and subnets that change hands.
 */
#include "plan_sample.h"

#include <criterion/criterion.h>

/* The new holder starts when the old one has stopped. */
Test(handover, host_port) {
    expect_plan("service a ports.80/tcp=127.0.0.1:8000\n", "service b ports.81/tcp=0.0.0.0:8000\n",
                "0 create service/a\n"
                "1 stop service/b @s-p-b\n"
                "2 start service/a <- 0 1\n"
                "3 await service/a healthy <- 2\n"
                "4 remove service/b @s-p-b <- 1\n"
                "\n"
                "+ service/a  create\n"
                "- service/b  remove\n");
}

Test(handover, ports_swapped) {
    expect_plan("service a ports.80/tcp=127.0.0.1:8000\n"
                "service b ports.80/tcp=127.0.0.1:8001\n",
                "service a ports.80/tcp=127.0.0.1:8001\n"
                "service b ports.80/tcp=127.0.0.1:8000\n",
                "0 create service/a @p-a.next\n"
                "1 stop service/a @s-p-a <- 0\n"
                "2 rename service/a @s-p-a p-a.previous <- 1\n"
                "3 rename service/a @p-a.next p-a <- 2\n"
                "4 create service/b @p-b.next\n"
                "5 stop service/b @s-p-b <- 4\n"
                "6 start service/a <- 3 5\n"
                "7 await service/a healthy <- 6\n"
                "8 stop service/a undoes 3\n"
                "9 remove service/a own-volumes undoes 3\n"
                "10 remove service/a @p-a.next own-volumes undoes 0\n"
                "11 rename service/a @s-p-a p-a undoes 2\n"
                "12 start service/a @s-p-a undoes 0\n"
                "13 remove service/a @s-p-a <- 7\n"
                "14 rename service/b @s-p-b p-b.previous <- 5\n"
                "15 rename service/b @p-b.next p-b <- 14\n"
                "16 start service/b <- 1 15\n"
                "17 await service/b healthy <- 16\n"
                "18 stop service/b undoes 15\n"
                "19 remove service/b own-volumes undoes 15\n"
                "20 remove service/b @p-b.next own-volumes undoes 4\n"
                "21 rename service/b @s-p-b p-b undoes 14\n"
                "22 start service/b @s-p-b undoes 4\n"
                "23 remove service/b @s-p-b <- 17\n"
                "\n"
                "± service/a  replace\n"
                "    ports.80/tcp   127.0.0.1:8001 → 127.0.0.1:8000\n"
                "± service/b  replace\n"
                "    ports.80/tcp   127.0.0.1:8000 → 127.0.0.1:8001\n");
}

/* It stops before its dependency is ready, as there is no other way. */
Test(handover, port_of_one_that_waits_for_the_taker) {
    expect_plan("service a ports.80/tcp=127.0.0.1:8001 @needs=service/b:healthy\n"
                "service b ports.80/tcp=127.0.0.1:8000\n",
                "service a ports.80/tcp=127.0.0.1:8000\n"
                "service b ports.80/tcp=127.0.0.1:8001\n",
                "0 create service/a @p-a.next\n"
                "1 stop service/a @s-p-a <- 0\n"
                "2 rename service/a @s-p-a p-a.previous <- 1\n"
                "3 rename service/a @p-a.next p-a <- 2\n"
                "4 create service/b @p-b.next\n"
                "5 stop service/b @s-p-b <- 4\n"
                "6 rename service/b @s-p-b p-b.previous <- 5\n"
                "7 rename service/b @p-b.next p-b <- 6\n"
                "8 start service/b <- 1 7\n"
                "9 await service/b healthy <- 8\n"
                "10 start service/a <- 3 5 9\n"
                "11 await service/a healthy <- 10\n"
                "12 stop service/a undoes 3\n"
                "13 remove service/a own-volumes undoes 3\n"
                "14 remove service/a @p-a.next own-volumes undoes 0\n"
                "15 rename service/a @s-p-a p-a undoes 2\n"
                "16 start service/a @s-p-a undoes 0\n"
                "17 remove service/a @s-p-a <- 11\n"
                "18 stop service/b undoes 7\n"
                "19 remove service/b own-volumes undoes 7\n"
                "20 remove service/b @p-b.next own-volumes undoes 4\n"
                "21 rename service/b @s-p-b p-b undoes 6\n"
                "22 start service/b @s-p-b undoes 4\n"
                "23 remove service/b @s-p-b <- 9\n"
                "\n"
                "± service/a  replace\n"
                "    ports.80/tcp   127.0.0.1:8000 → 127.0.0.1:8001\n"
                "± service/b  replace\n"
                "    ports.80/tcp   127.0.0.1:8001 → 127.0.0.1:8000\n");
}

Test(handover, addresses_swapped) {
    expect_plan("network n\n"
                "service a networks.n=connected networks.n.ipv4Address=10.0.0.1\n"
                "service b networks.n=connected networks.n.ipv4Address=10.0.0.2\n",
                "network n\n"
                "service a networks.n=connected networks.n.ipv4Address=10.0.0.2\n"
                "service b networks.n=connected networks.n.ipv4Address=10.0.0.1\n",
                "0 disconnect service/a @s-p-a p-n\n"
                "1 disconnect service/b @s-p-b p-n\n"
                "2 connect service/a @s-p-a p-n <- 0 1\n"
                "3 await service/a @s-p-a healthy <- 2\n"
                "4 connect service/b @s-p-b p-n <- 0 1\n"
                "5 await service/b @s-p-b healthy <- 4\n"
                "\n"
                "~ service/a  update in place\n"
                "    networks.n.ipv4Address   10.0.0.2 → 10.0.0.1\n"
                "~ service/b  update in place\n"
                "    networks.n.ipv4Address   10.0.0.1 → 10.0.0.2\n");
}

Test(handover, name_of_a_removed_instance) {
    expect_plan("service a-2\n", "service a#2\n",
                "0 stop service/a[2] @s-p-a-2\n"
                "1 remove service/a[2] @s-p-a-2 <- 0\n"
                "2 create service/a-2 <- 1\n"
                "3 start service/a-2 <- 2\n"
                "4 await service/a-2 healthy <- 3\n"
                "\n"
                "- service/a[2]  remove\n"
                "+ service/a-2   create\n");
}

Test(handover, subnet_of_a_removed_network) {
    expect_plan("network new subnet=10.0.0.0/24\n", "network old subnet=10.0.0.0/16\n",
                "0 remove network/old @n-p-old\n"
                "1 create network/new <- 0\n"
                "\n"
                "+ network/new  create\n"
                "- network/old  remove\n");
}

Test(handover, subnets_swapped) {
    expect_plan("network n subnet=10.0.0.0/24\n"
                "network m subnet=10.0.1.0/24\n",
                "network n subnet=10.0.1.0/24\n"
                "network m subnet=10.0.0.0/24\n",
                "0 remove network/m @n-p-m\n"
                "1 remove network/n @n-p-n\n"
                "2 create network/m <- 0 1\n"
                "3 create network/n <- 0 1\n"
                "\n"
                "± network/m  replace\n"
                "    subnet   10.0.0.0/24 → 10.0.1.0/24\n"
                "± network/n  replace\n"
                "    subnet   10.0.1.0/24 → 10.0.0.0/24\n");
}

/* The old network is left first, or the new container would wait for itself. */
Test(handover, subnet_with_containers_that_are_replaced) {
    expect_plan("network new subnet=10.0.0.0/24\n"
                "service a networks.new=connected x=2\n",
                "network old subnet=10.0.0.0/24\n"
                "service a networks.p-old=connected x=1\n",
                "0 disconnect service/a @s-p-a p-old\n"
                "1 remove network/old @n-p-old <- 0\n"
                "2 create network/new <- 1\n"
                "3 create service/a @p-a.next <- 0 2\n"
                "4 stop service/a @s-p-a <- 3\n"
                "5 rename service/a @s-p-a p-a.previous <- 4\n"
                "6 rename service/a @p-a.next p-a <- 5\n"
                "7 start service/a <- 6\n"
                "8 await service/a healthy <- 7\n"
                "9 stop service/a undoes 6\n"
                "10 remove service/a own-volumes undoes 6\n"
                "11 remove service/a @p-a.next own-volumes undoes 3\n"
                "12 rename service/a @s-p-a p-a undoes 5\n"
                "13 start service/a @s-p-a undoes 3\n"
                "14 remove service/a @s-p-a <- 8\n"
                "\n"
                "+ network/new  create\n"
                "- network/old  remove\n"
                "± service/a    replace\n"
                "    networks.new     (not set) → connected\n"
                "    networks.p-old   connected → (not set)\n"
                "    x                1 → 2\n");
}
