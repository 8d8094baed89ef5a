#include "gateway/cloudwatch/own_metrics.hpp"

namespace tarn::gateway {
namespace {

std::size_t size_of(const Value* output, std::string_view member) {
  const Value* list = output ? output->find(member) : nullptr;
  return list && list->is_list() ? list->as_list().size() : 0;
}

// "Amazon SQS Developer Guide", Available CloudWatch metrics for Amazon SQS.
void count_sqs(meta::MetricStore& store, const api::Context& context, std::string_view operation, const Value& input,
               const Value* output) {
  std::string queue = input.string_or("QueueUrl");
  queue.erase(0, queue.rfind('/') + 1);
  auto put = [&](const char* name, double value, const char* unit) {
    store.put({context.account(), context.region, "AWS/SQS", name, {{"QueueName", queue}}}, value, unit);
  };
  auto put_count = [&](const char* name, std::size_t count) {
    if (count > 0) put(name, static_cast<double>(count), "Count");
  };
  if (operation == "SendMessage") {
    put_count("NumberOfMessagesSent", 1);
    put("SentMessageSize", static_cast<double>(input.string_or("MessageBody").size()), "Bytes");
  } else if (operation == "SendMessageBatch") {
    put_count("NumberOfMessagesSent", size_of(output, "Successful"));
  } else if (operation == "ReceiveMessage") {
    put_count("NumberOfMessagesReceived", size_of(output, "Messages"));
    put_count("NumberOfEmptyReceives", size_of(output, "Messages") == 0 ? 1 : 0);
  } else if (operation == "DeleteMessage") {
    put_count("NumberOfMessagesDeleted", 1);
  } else if (operation == "DeleteMessageBatch") {
    put_count("NumberOfMessagesDeleted", size_of(output, "Successful"));
  }
}

}  // namespace

void count_calls(api::Operations& operations, meta::MetricStore& store) {
  operations.add_after([&store](const api::Context& context, const api::Service& service,
                                const api::Operation& operation, const Value& input, const Value* output,
                                const Error* error) {
    if (!error && service.name == "sqs") count_sqs(store, context, operation.name, input, output);
  });
}

}  // namespace tarn::gateway
