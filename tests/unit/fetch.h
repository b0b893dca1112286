/* One request from beginning to end, for what tests need besides what they test. */
#ifndef TSE_TESTS_FETCH_H
#define TSE_TESTS_FETCH_H

#include "base/http.h"

/* Sends it and runs the loop until it is answered. Returns the status, 0 without an answer; `body`
 * (or NULL) gets a malloc'd text. */
long fetch(struct http_client *client, const struct http_request *request, char **body);

#endif
