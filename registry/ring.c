/* The latest events; see ring.h. */
#include "registry/ring.h"

#include "base/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct message *message_new(struct event_id id, bool is_config, const char *type,
                            const char *service, const char *name, const char *data,
                            size_t data_size, bool snapshot) {
    char head[512];
    char token[EVENT_ID_SIZE];
    int used =
        snapshot ? snprintf(head, sizeof head, "{\"snapshot\": true, ")
                 : snprintf(head, sizeof head, "{\"token\": \"%s\", ", event_id_format(token, id));
    used += snprintf(head + used, sizeof head - (size_t)used,
                     "\"type\": \"%s\", \"service\": \"%s\", \"name\": \"%s\", \"data\": ", type,
                     service, name);
    size_t size = (size_t)used + data_size + 1;
    struct message *message = memory_alloc(sizeof *message + RING_PRE + size + 1);
    message->id = id;
    message->references = 1;
    message->size = (unsigned)size;
    message->is_config = is_config;
    snprintf(message->service, sizeof message->service, "%s", service);
    char *text = message->text + RING_PRE;
    memcpy(text, head, (size_t)used);
    memcpy(text + used, data, data_size);
    text[size - 1] = '}';
    return message;
}

struct message *message_hold(struct message *message) {
    message->references++;
    return message;
}

void message_release(struct message *message) {
    if (message && --message->references == 0)
        free(message);
}

static void drop_oldest(struct ring *ring) {
    struct message **slot = &ring->slots[ring->first++ % RING_SLOTS];
    ring->bytes -= (*slot)->size;
    ring->floor = (*slot)->id;
    message_release(*slot);
    *slot = NULL;
}

void ring_reset(struct ring *ring, struct event_id floor) {
    while (ring->first < ring->next)
        drop_oldest(ring);
    ring->floor = floor;
}

void ring_add(struct ring *ring, struct message *message) {
    while (ring->first < ring->next &&
           (ring->next - ring->first == RING_SLOTS || ring->bytes + message->size > RING_BYTES))
        drop_oldest(ring);
    ring->slots[ring->next++ % RING_SLOTS] = message;
    ring->bytes += message->size;
}

struct message *ring_at(const struct ring *ring, uint64_t place) {
    return place >= ring->first && place < ring->next ? ring->slots[place % RING_SLOTS] : NULL;
}

bool ring_seek(const struct ring *ring, struct event_id id, uint64_t *place) {
    if (event_id_compare(id, ring->floor) < 0)
        return false;
    uint64_t low = ring->first;
    uint64_t high = ring->next;
    while (low < high) {
        uint64_t middle = low + (high - low) / 2;
        if (event_id_compare(ring->slots[middle % RING_SLOTS]->id, id) > 0)
            high = middle;
        else
            low = middle + 1;
    }
    *place = low;
    return true;
}

bool ring_resume(const struct ring *ring, struct event_id id, uint64_t *place) {
    if (!ring_seek(ring, id, place))
        return false;
    return event_id_compare(id, ring->floor) == 0 ||
           (*place > ring->first &&
            event_id_compare(id, ring->slots[(*place - 1) % RING_SLOTS]->id) == 0);
}
