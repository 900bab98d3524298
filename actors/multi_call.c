/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* One call to several: a set of requests, and what became of each. See coppice/request.h. */
#include <coppice/request.h>

#include <string.h>

#include "actors/actor.h"

static void prepare(cop_response *responses, size_t count, cop_status status)
{
        for (size_t i = 0; i < count; i++) {
                memset(&responses[i], 0, sizeof(responses[i]));
                responses[i].label = (int64_t)i;
                responses[i].status = status;
        }
}

/* A request that cannot be sent has its answer already. */
static void send_all(cop_requests *set, cop_response *responses, const cop_address *to,
                     size_t count, const cop_kind *kind, const void *value)
{
        for (size_t i = 0; i < count; i++) {
                cop_request request;
                cop_status status = cop_request_send_value(&request, to[i], kind, value);
                if (status == COP_OK)
                        cop_requests_add(set, request, (int64_t)i);
                else
                        responses[i].status = status;
        }
}

size_t cop_multi_call_value(cop_response *responses, const cop_address *to, size_t count,
                            int64_t timeout_ms, const cop_kind *kind, const void *value)
{
        size_t answered = 0;
        cop_response response;
        cop_requests *set = cop_requests_new();
        prepare(responses, count,
                set != NULL                   ? COP_E_TIMEOUT
                : cop__actor_here() != NULL ? COP_E_NO_MEMORY
                                              : COP_E_NO_NODE);
        if (set == NULL)
                return 0;
        cop_deadline deadline = cop_deadline_in(timeout_ms);
        send_all(set, responses, to, count, kind, value);
        while (cop_requests_await_until(set, deadline, &response) == COP_OK) {
                responses[response.label] = response;
                answered += response.status == COP_OK;
        }
        cop_requests_free(set);
        return answered;
}
