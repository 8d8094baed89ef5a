// AWS::CloudFormation::Stack: a stack that is a resource of another.
#include "base/error.hpp"
#include "deploy/own_types/nested_request.hpp"
#include "deploy/own_types/own_types.hpp"
#include "deploy/stack_events.hpp"
#include "deploy/stacks.hpp"

namespace tarn::deploy {
namespace {

namespace cf = api::cloudformation;

constexpr std::chrono::milliseconds pause{100};

class NestedStack : public ResourceType {
 public:
  explicit NestedStack(Stacks& stacks) : stacks_(stacks) {}
  std::string_view name() const override { return "AWS::CloudFormation::Stack"; }

  std::vector<PropertyProblem> check(const Value& properties) const override {
    return check_members(properties, {"NotificationARNs", "Parameters", "Tags", "TemplateURL", "TimeoutInMinutes"},
                         {"TemplateURL"});
  }
  bool has_attribute(std::string_view attribute) const override { return attribute.starts_with("Outputs."); }
  Replacement replacement(std::string_view) const override { return Replacement::never; }

  Progress create(const Action& action, const Value& properties, const Value& memory) const override {
    if (!memory.is_null()) return wait_for(action, memory.string_or("Id"), "created");
    const api::Context c = context(action);
    const StackRecord parent = stacks_.stack(c, action.stack_id);
    const std::string name = generated_name(action, 128);
    if (action.begun_before)
      if (auto made = stacks_.records().find(parent.scope, name)) return waiting(made->id());
    cf::CreateStackInput in;
    in.stack_name = name;
    fill_nested(in, parent, properties);
    in.disable_rollback = true;  // its parent removes it
    if (const Value* minutes = properties.find("TimeoutInMinutes"))
      in.timeout_in_minutes = std::stoll(text_of(*minutes));
    return waiting(stacks_.create(c, in, &parent).id());
  }

  Progress update(const Action& action, const std::string& id, const Value&, const Value& after,
                  const Value& memory) const override {
    if (!memory.is_null()) return wait_for(action, id, action.rolls_back ? "rolled back" : "updated");
    const api::Context c = context(action);
    const StackRecord parent = stacks_.stack(c, action.stack_id);
    const StackRecord child = stacks_.stack(c, id);
    if (action.begun_before && child.operation) return waiting(id);
    if (action.rolls_back) {
      // What failed has rolled itself back, and what did not change stays.
      if (child.awaits_parent()) {
        stacks_.roll_back_nested(child, c);
      } else if (child.status() == "UPDATE_ROLLBACK_FAILED") {
        cf::ContinueUpdateRollbackInput in;
        in.stack_name = id;
        stacks_.continue_rollback(c, in);
      } else {
        return with_outputs(child);
      }
      return waiting(id);
    }
    cf::UpdateStackInput in;
    in.stack_name = id;
    fill_nested(in, parent, after);
    in.client_request_token = action.token;
    try {
      stacks_.update(c, in, true);
    } catch (const Error& e) {
      if (e.message() != "No updates are to be performed.") throw;
      return with_outputs(child);
    }
    return waiting(id);
  }

  Progress remove(const Action& action, const std::string& id, const Value&, const Value& memory) const override {
    if (!memory.is_null()) return wait_for(action, id, "deleted");
    const api::Context c = context(action);
    auto child = stacks_.records().find({c.account(), c.region}, id);
    Progress gone;
    gone.physical_id = id;
    if (!child || child->deleted()) return gone;
    if (child->operation && child->operation->type != "CREATE_STACK") return not_yet(id, Value());
    cf::DeleteStackInput in;
    in.stack_name = id;
    if (child->status() != "DELETE_IN_PROGRESS") stacks_.remove(c, in, true);
    return waiting(id);
  }

 private:
  api::Context context(const Action& action) const {
    api::Context c;
    c.principal = action.principal;
    c.region = action.region;
    c.request_id = action.random.uuid();
    c.now = action.clock.now();
    c.endpoint = action.endpoint;
    return c;
  }

  static Progress not_yet(const std::string& id, Value memory) {
    Progress out;
    out.physical_id = id;
    out.done = false;
    out.memory = std::move(memory);
    out.again_in = pause;
    return out;
  }
  static Progress waiting(const std::string& id) { return not_yet(id, Value::map({{"Id", id}})); }

  static Progress with_outputs(const StackRecord& child) {
    Progress out;
    out.physical_id = child.id();
    if (child.shown.outputs)
      for (const cf::Output& o : *child.shown.outputs)
        out.attributes.set("Outputs." + o.output_key.value_or(""), o.output_value.value_or(""));
    return out;
  }

  Progress wait_for(const Action& action, const std::string& id, const std::string& what) const {
    const api::Context c = context(action);
    auto child = stacks_.records().find({c.account(), c.region}, id);
    if (!child) {
      if (what == "deleted") return Progress{id, Value::map(), true, Value(), {}};
      throw Error(ErrorKind::missing, plain_failure, "Embedded stack " + id + " does not exist.");
    }
    const std::string& status = child->status();
    if (child->operation) return waiting(id);
    if (what == "deleted"       ? status == "DELETE_COMPLETE"
        : what == "rolled back" ? status == "UPDATE_ROLLBACK_COMPLETE"
                                : status == "CREATE_COMPLETE" || status == "UPDATE_COMPLETE" || child->awaits_parent())
      return with_outputs(*child);
    const std::string reason = child->shown.stack_status_reason.value_or("");
    throw Error(ErrorKind::outside, plain_failure,
                what == "updated" ? "Embedded stack " + id + " was not successfully updated. Currently in " + status +
                                        " with reason: " + reason
                                  : "Embedded stack " + id + " was not successfully " + what + ": " + reason);
  }

  Stacks& stacks_;
};

}  // namespace

std::unique_ptr<ResourceType> make_nested_stack_type(Stacks& stacks) {
  return std::make_unique<NestedStack>(stacks);
}

}  // namespace tarn::deploy
