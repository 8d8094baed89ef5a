// GetMetricData: several metrics and expressions over them in one request.
#pragma once

#include <string>

#include "gateway/cloudwatch/metric_requests.hpp"

namespace tarn::gateway {

model::GetMetricDataOutput get_metric_data(meta::MetricStore& store, api::Context& context,
                                           const model::GetMetricDataInput& in);

// A page's token says how many items come before it. One of another make throws Error (caller, InvalidNextToken).
std::string page_token(std::size_t place);
std::size_t page_place(const std::string& token);

}  // namespace tarn::gateway
