#include "fetch.h"

#include "base/memory.h"

struct fetched {
    bool done;
    long status;
    char **body;
};

static void done(void *context, const struct http_response *response) {
    struct fetched *fetched = context;
    fetched->done = true;
    fetched->status = response->outcome == HTTP_OK ? response->status : 0;
    if (fetched->body)
        *fetched->body = copy_text(response->body);
}

long fetch(struct http_client *client, const struct http_request *request, char **body) {
    struct fetched fetched = {.body = body};
    http_send(client, request, done, &fetched);
    while (!fetched.done)
        http_run(client, 1000);
    return fetched.status;
}
