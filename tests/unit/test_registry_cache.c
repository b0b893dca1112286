/* What the registry keeps in memory: the cache, its order and its filters, and the ring of events.
 */
#include "base/memory.h"
#include "registry/cache.h"
#include "registry/ring.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct cache cache;

static int put(const char *service, const char *name, const char *health, const char *tags) {
    cleanup_free char *json =
        format_text("{\"service\": \"%s\", \"id\": \"%s\", \"health\": \"%s\", \"tags\": [%s]}",
                    service, name, health, tags);
    return cache_put(&cache, &cache.instances, service, name, json, strlen(json));
}

static void setup(void) {
    cache_init(&cache);
}

static void teardown(void) {
    cache_clear(&cache);
    cr_assert_null(cache.instances.services);
    cr_assert_null(cache.config.entries);
}

TestSuite(registry_cache, .init = setup, .fini = teardown);

Test(registry_cache, put_find_remove) {
    cr_assert_eq(put("a", "one", "healthy", "\"x\""), 1);
    cr_assert_eq(put("a", "one", "healthy", "\"x\""), 0);
    cr_assert_eq(put("a", "one", "unhealthy", ""), 1);
    cr_assert_eq(put("a", "two", "healthy", ""), 1);
    cr_assert_eq(cache_find(&cache.instances, "a", "one")->health, HEALTH_UNHEALTHY);
    cr_assert_eq(cache_service(&cache.instances, "a")->count, 2);
    cr_assert(cache_remove(&cache.instances, "a", "one"));
    cr_assert_not(cache_remove(&cache.instances, "a", "one"));
    cr_assert(cache_remove(&cache.instances, "a", "two"));
    cr_assert_null(cache_service(&cache.instances, "a"));
}

Test(registry_cache, what_is_not_as_described_changes_nothing) {
    const char *const wrong[] = {"", "x", "[]", "{\"service\": \"a\"}",
                                 "{\"service\": \"b\", \"id\": \"one\"}"};
    put("a", "one", "healthy", "");
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        cr_assert_eq(cache_put(&cache, &cache.instances, "a", "one", wrong[i], strlen(wrong[i])),
                     -1);
    cr_assert_eq(cache_find(&cache.instances, "a", "one")->health, HEALTH_HEALTHY);
    cr_assert_eq(cache_put(&cache, &cache.config, "a", "k", "{\"version\": 0}", 14), -1);
    cr_assert_eq(cache_put(&cache, &cache.config, "a", "k", "{\"version\": 3}", 14), 1);
    cr_assert_eq(cache_find(&cache.config, "a", "k")->version, 3);
}

Test(registry_cache, order_and_filters) {
    put("b", "2", "healthy", "\"x\", \"y\"");
    put("a", "1", "healthy", "");
    put("b", "1", "starting", "\"y\"");
    cr_assert_str_eq(cache_sorted(&cache.instances)->name, "a");
    struct cache_entry *first = cache_sorted_entries(cache_service(&cache.instances, "b"));
    cr_assert_str_eq(first->name, "1");
    cr_assert(cache_entry_matches(first, "", "") && cache_entry_matches(first, "y", "starting"));
    cr_assert_not(cache_entry_matches(first, "x", ""));
    cr_assert_not(cache_entry_matches(first, "", "healthy"));
    cr_assert(cache_entry_matches(first->next, "x", "healthy"));
}

Test(registry_cache, a_scan_removes_what_it_did_not_see) {
    put("a", "one", "healthy", "");
    put("a", "two", "healthy", "");
    cache_scan_begin(&cache);
    put("a", "two", "healthy", "");
    cache_scan_end(&cache);
    cr_assert_null(cache_find(&cache.instances, "a", "one"));
    cr_assert_not_null(cache_find(&cache.instances, "a", "two"));
}

/* A change forgets the answer that was kept for its service. */
Test(registry_cache, kept_answers) {
    put("a", "one", "healthy", "");
    cache_service(&cache.instances, "a")->answer = copy_text("kept");
    put("a", "one", "healthy", "");
    cr_assert_not_null(cache_service(&cache.instances, "a")->answer);
    put("a", "one", "unhealthy", "");
    cr_assert_null(cache_service(&cache.instances, "a")->answer);
}

Test(registry_cache, older_events_do_not_undo_our_own) {
    const struct cache_half *half = &cache.instances;
    struct event_id own = {5, 1};
    cache_set_ahead(&cache, half, "a", "one", own);
    cr_assert(cache_is_ahead(&cache, half, "a", "one", (struct event_id){5, 0}));
    cr_assert_not(cache_is_ahead(&cache, half, "a", "two", (struct event_id){5, 0}));
    cr_assert_not(cache_is_ahead(&cache, &cache.config, "a", "one", (struct event_id){5, 0}));
    cr_assert(cache_is_ahead(&cache, half, "a", "one", own));
    cr_assert_not(cache_is_ahead(&cache, half, "a", "one", own), "it is forgotten then");
    cache_set_ahead(&cache, half, "a", "one", own);
    cr_assert_not(cache_is_ahead(&cache, half, "a", "one", (struct event_id){6, 0}));
}

/* --- The ring -----------------------------------------------------------------------------------
 */

static struct message *message(uint64_t ms, const char *data) {
    return message_new((struct event_id){ms, 0}, false, "updated", "a", "one", data, strlen(data),
                       false);
}

Test(registry_ring, messages) {
    struct message *one = message(7, "{}");
    cr_assert_str_eq(one->text + RING_PRE,
                     "{\"token\": \"7-0\", \"type\": \"updated\", \"service\": \"a\", "
                     "\"name\": \"one\", \"data\": {}}");
    cr_assert_eq(one->size, strlen(one->text + RING_PRE));
    message_release(message_hold(one));
    message_release(one);
    message_release(NULL);
}

Test(registry_ring, seeks_by_id) {
    static struct ring ring;
    uint64_t place = 0;
    ring_reset(&ring, (struct event_id){10, 0});
    for (uint64_t ms = 20; ms <= 50; ms += 10)
        ring_add(&ring, message(ms, "{}"));
    cr_assert_not(ring_seek(&ring, (struct event_id){9, 0}, &place));
    cr_assert(ring_seek(&ring, (struct event_id){10, 0}, &place) &&
              ring_at(&ring, place)->id.ms == 20);
    cr_assert(ring_seek(&ring, (struct event_id){30, 0}, &place) &&
              ring_at(&ring, place)->id.ms == 40);
    cr_assert(ring_seek(&ring, (struct event_id){35, 0}, &place) &&
              ring_at(&ring, place)->id.ms == 40);
    cr_assert(ring_seek(&ring, (struct event_id){50, 0}, &place) && !ring_at(&ring, place));
    cr_assert(ring_resume(&ring, (struct event_id){10, 0}, &place));
    cr_assert(ring_resume(&ring, (struct event_id){50, 0}, &place));
    cr_assert_not(ring_resume(&ring, (struct event_id){35, 0}, &place));
    cr_assert_not(ring_resume(&ring, (struct event_id){60, 0}, &place));
    ring_reset(&ring, (struct event_id){0, 0});
    cr_assert_eq(ring.bytes, 0);
}

Test(registry_ring, is_bounded_by_number_and_by_bytes) {
    static struct ring ring;
    uint64_t place = 0;
    for (uint64_t ms = 1; ms <= RING_SLOTS + 5; ms++)
        ring_add(&ring, message(ms, "{}"));
    cr_assert_eq(ring.next - ring.first, RING_SLOTS);
    cr_assert_not(ring_seek(&ring, (struct event_id){4, 0}, &place));
    cr_assert(ring_seek(&ring, (struct event_id){5, 0}, &place));
    cleanup_free char *large = memory_alloc(RING_BYTES + 1);
    memset(large, 'x', RING_BYTES);
    ring_add(&ring, message(9000, large));
    cr_assert_eq(ring.next - ring.first, 1);
    ring_reset(&ring, (struct event_id){0, 0});
}
