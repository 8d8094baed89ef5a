// Writing and reading of log events: PutLogEvents, GetLogEvents, FilterLogEvents.
#pragma once

#include "api/logs.hpp"
#include "api/operations.hpp"
#include "meta/logs.hpp"

namespace tarn::gateway {

api::logs::PutLogEventsResponse put_log_events(meta::LogStore& store, api::Context& context,
                                               const api::logs::PutLogEventsRequest& in);
api::logs::GetLogEventsResponse get_log_events(const meta::LogStore& store, api::Context& context,
                                               const api::logs::GetLogEventsRequest& in);
api::logs::FilterLogEventsResponse filter_log_events(const meta::LogStore& store, api::Context& context,
                                                     const api::logs::FilterLogEventsRequest& in);

}  // namespace tarn::gateway
