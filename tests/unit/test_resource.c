/* Ordering, finding and building resources. */
#include "plan_sample.h"

#include <criterion/criterion.h>
#include <string.h>

Test(resource, order_is_kind_name_instance_slot_id) {
    cleanup_arena struct arena *arena = arena_new();
    struct resource_set set = sample_set(arena,
                                         "service b @id=1\n"
                                         "service a#10 @id=1\n"
                                         "service a#2 @id=1\n"
                                         "service a @id=2\n"
                                         "service a @id=1 @slot=previous\n"
                                         "service a @id=1 @slot=next\n"
                                         "service a @id=1\n"
                                         "service a-b @id=1\n"
                                         "image i\n"
                                         "volume z\n"
                                         "network z\n",
                                         false, true);
    static const char *const expected[] = {
        "network/z", "volume/z",     "image/i",       "service/a",   "service/a", "service/a",
        "service/a", "service/a[2]", "service/a[10]", "service/a-b", "service/b"};
    for (size_t i = 0; i < set.count; i++) {
        cr_assert_str_eq(set.items[i].key, expected[i]);
        if (i)
            cr_assert_lt(resource_compare(&set.items[i - 1], &set.items[i]), 0);
    }
    cr_assert_str_eq(set.items[3].id, "1");
    cr_assert_str_eq(set.items[4].id, "2");
    cr_assert_eq(set.items[5].slot, SLOT_NEXT);
    cr_assert_eq(set.items[6].slot, SLOT_PREVIOUS);
}

Test(resource, without_an_id_comes_first) {
    struct resource without = {.kind = &sample_image, .name = "i", .engine_name = "i"};
    struct resource with = without;
    with.id = "1";
    cr_assert_lt(resource_compare(&without, &with), 0);
    cr_assert_gt(resource_compare(&with, &without), 0);
    cr_assert_eq(resource_compare(&without, &without), 0);
}

Test(resource, found_by_key) {
    cleanup_arena struct arena *arena = arena_new();
    struct resource_set set = sample_set(arena,
                                         "network a\n"
                                         "volume a\n"
                                         "image redis:7\n"
                                         "image a\n"
                                         "service a @slot=previous @id=1\n"
                                         "service a @id=2\n"
                                         "service a#2\n"
                                         "service ab\n"
                                         "service b @foreign=x\n",
                                         false, true);
    static const char *const there[] = {"network/a", "volume/a",     "image/redis:7", "image/a",
                                        "service/a", "service/a[2]", "service/ab"};
    static const char *const missing[] = {"",           "a",           "network/",     "network/b",
                                          "files/a",    "service/b",   "service/a[3]", "net/a",
                                          "networks/a", "service/a[]", "service/[2]"};
    for (size_t i = 0; i < sizeof there / sizeof *there; i++) {
        const struct resource *found = resource_find(&set, there[i]);
        cr_assert_not_null(found, "%s", there[i]);
        cr_assert_str_eq(found->key, there[i]);
    }
    for (size_t i = 0; i < sizeof missing / sizeof *missing; i++)
        cr_assert_null(resource_find(&set, missing[i]), "%s", missing[i]);
    cr_assert_str_eq(resource_find(&set, "service/a")->id, "2");
}

Test(resource, nothing_is_found_in_an_empty_set) {
    struct resource_set set = {0};
    resource_set_sort(&set);
    cr_assert_null(resource_find(&set, "service/a"));
}

Test(fields, sorted_with_the_last_value_of_a_path) {
    cleanup_arena struct arena *arena = arena_new();
    struct field_builder builder = {.arena = arena};
    field_add(&builder, "b", "1");
    field_add(&builder, "a", "1");
    field_add(&builder, "c", NULL);
    field_add_secret(&builder, "b", "2");
    field_add(&builder, "a.b", "1");
    field_add(&builder, "b", "3");
    struct field_list list = field_list_finish(&builder);
    cr_assert_eq(list.count, 3);
    cr_assert_str_eq(list.items[0].path, "a");
    cr_assert_str_eq(list.items[1].path, "a.b");
    cr_assert_str_eq(list.items[2].path, "b");
    cr_assert_str_eq(list.items[2].value, "3");
    cr_assert_not(list.items[2].secret);
    cr_assert_str_eq(field_value(&list, "a.b"), "1");
    cr_assert_null(field_value(&list, "c"));
    cr_assert_null(field_value(&list, ""));
}

Test(fields, many) {
    cleanup_arena struct arena *arena = arena_new();
    struct field_builder builder = {.arena = arena};
    for (int i = 999; i >= 0; i--)
        field_add(&builder, arena_format(arena, "f%03d", i), arena_format(arena, "%d", i));
    struct field_list list = field_list_finish(&builder);
    cr_assert_eq(list.count, 1000);
    cr_assert_str_eq(field_value(&list, "f500"), "500");
}

Test(fields, none) {
    struct field_builder builder = {0};
    struct field_list list = field_list_finish(&builder);
    cr_assert_eq(list.count, 0);
    cr_assert_null(field_value(&list, "a"));
}
