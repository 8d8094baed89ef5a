#include "deploy/resources/table_type.hpp"

#include <zlib.h>

#include <algorithm>

#include "base/error.hpp"
#include "base/json.hpp"
#include "deploy/resources/fit.hpp"
#include "deploy/resources/input_functions.hpp"

namespace tarn::deploy {
namespace {

constexpr int max_lookup_pages = 1000;

std::string inflate(const PackedType& packed) {
  std::string out(packed.size_bytes, '\0');
  uLongf size = out.size();
  const int done = ::uncompress(reinterpret_cast<Bytef*>(out.data()), &size,
                                reinterpret_cast<const Bytef*>(packed.deflated.data()), packed.deflated.size());
  TARN_ASSERT(done == Z_OK && size == out.size());
  return out;
}

bool contains_any(std::string_view code, std::initializer_list<std::string_view> words) {
  return std::any_of(words.begin(), words.end(), [&](auto word) { return code.find(word) != code.npos; });
}

bool lists(const Value& spec, std::string_view list, std::string_view code) {
  const Value* codes = spec.find(list);
  return codes && std::any_of(codes->as_list().begin(), codes->as_list().end(),
                              [&](const Value& one) { return one.as_string() == code; });
}

bool is_absence(const Value& spec, const Error& e) {
  return e.kind() == ErrorKind::missing || lists(spec, "missing", e.code()) ||
         contains_any(e.code(), {"NotFound", "NoSuch", "NonExistent", "DoesNotExist", "EntityNotFound"});
}

bool is_presence(const Value& spec, const Error& e) {
  return (spec.is_map() && lists(spec, "taken", e.code())) ||
         contains_any(e.code(), {"AlreadyExist", "AlreadyOwned", "EntityExists"});
}

const Value& list_of(const Value& table, std::string_view key) {
  static const Value none = Value::list();
  const Value* list = table.find(key);
  return list && list->is_list() ? *list : none;
}

// One or several of something.
ValueList listed(const Value* some) {
  if (!some || some->is_null()) return {};
  return some->is_list() ? some->as_list() : ValueList{*some};
}

ValueList paths_of(const Value& part) {
  return listed(part.find("of"));
}

// The value of a part's property; nullptr when it is not there. Of several, any: but a list's items are the first's.
const Value* of_part(const Value& part, const Value& properties) {
  for (const Value& path : paths_of(part)) {
    if (const Value* v = at_path(properties, path.as_string()); v && !v->is_null()) return v;
    if (part.find("each")) return nullptr;
  }
  return nullptr;
}

bool differs(std::string_view path, const Value& before, const Value& after) {
  const Value *old = at_path(before, path), *now = at_path(after, path);
  return !old != !now || (old && !(*old == *now));
}

bool any_differs(const ValueList& paths, const Value& before, const Value& after) {
  return std::any_of(paths.begin(), paths.end(),
                     [&](const Value& path) { return differs(path.as_string(), before, after); });
}

// Tags as pairs, whichever form the property has.
ValueList tag_pairs(const Value* tags) {
  ValueList out;
  if (!tags) return out;
  if (tags->is_list()) return tags->as_list();
  if (tags->is_map())
    for (const auto& [key, value] : tags->as_map()) out.push_back(Value::map({{"Key", key}, {"Value", value}}));
  return out;
}

// The stack's tags come to those of the resource, which win. Names that begin with aws: are AWS's own, and no service
// takes them from a caller.
void add_stack_tags(const Action& action, Value& properties, const std::string& at) {
  Value* tags = properties.find(at);
  if (tags && !tags->is_list() && !tags->is_map()) return;
  for (const auto& [key, value] : action.tags) {
    if (key.starts_with("aws:")) continue;
    if (!tags) tags = &(properties[at] = Value::list());
    if (tags->is_map()) {
      if (!tags->find(key)) tags->set(key, value);
      continue;
    }
    const bool there = std::any_of(tags->as_list().begin(), tags->as_list().end(),
                                   [&](const Value& one) { return one.string_or("Key") == key; });
    if (!there) tags->push_back(Value::map({{"Key", key}, {"Value", value}}));
  }
}

void set_path(Value& properties, std::string_view path, const std::string& text) {
  Value* node = &properties;
  for (std::size_t dot = path.find('.'); dot != path.npos; dot = path.find('.')) {
    node = &(*node)[path.substr(0, dot)];
    path.remove_prefix(dot + 1);
  }
  (*node)[path] = text;
}

std::string first_of(const Value& v) {
  return v.is_string() ? v.as_string() : v.is_null() ? std::string() : to_json(v);
}

std::string text_of(const std::optional<Value>& v) {
  return v ? first_of(*v) : std::string();
}

// Whether `value` has something at `steps`; "*" is any item, "Name=text" one that has this text, "Name=text*" one that
// begins so.
bool has(const Value& value, std::string_view path) {
  if (path.empty())  // an empty list or object asks for nothing
    return !value.is_null() && !(value.is_list() && value.as_list().empty()) &&
           !(value.is_map() && value.as_map().empty());
  path.remove_prefix(1);
  const std::size_t end = std::min(path.find('/'), path.size());
  std::string_view step = path.substr(0, end), text;
  const std::string_view rest = path.substr(end);
  const std::size_t equals = step.find('=');
  if (equals != step.npos) {
    text = path.substr(equals + 1);  // it may hold "/"
    const Value* one = value.find(step.substr(0, equals));
    if (!one || one->is_null() || one->is_map() || one->is_list()) return false;
    return text.ends_with('*') ? first_of(*one).starts_with(text.substr(0, text.size() - 1)) : first_of(*one) == text;
  }
  if (step == "*")
    return value.is_list() && std::any_of(value.as_list().begin(), value.as_list().end(),
                                          [&](const Value& item) { return has(item, rest); });
  const Value* below = value.find(step);
  return below && has(*below, rest);
}

// Operations on several things answer success though some of them failed.
void refuse_failed_entries(const Value& answer) {
  const Value* failed = answer.find("FailedEntries");
  if (!failed || !failed->is_list() || failed->as_list().empty()) return;
  const Value& first = failed->as_list().front();
  throw Error(ErrorKind::caller, first.string_or("ErrorCode", "ValidationException"),
              first.string_or("ErrorMessage", "An entry failed."));
}

}  // namespace

TableType::TableType(std::string type_name, Value schema, Value table) {
  std::call_once(once_, [&] {
    std::string tags;
    if (const Value* property = at_path(schema, "tagging.tagProperty"); property && property->is_string())
      tags = property->as_string().substr(property->as_string().rfind('/') + 1);
    else if (at_path(schema, "properties.Tags"))
      tags = "Tags";
    unpacked_ = std::make_unique<const Unpacked>(
        Unpacked{std::move(type_name), Schema(std::move(schema)), std::move(table), std::move(tags)});
  });
}

const TableType::Unpacked& TableType::unpacked() const {
  std::call_once(once_, [&] {
    Value both = parse_json(inflate(*packed_));
    TableType parsed(std::string(packed_->name), std::move(both["schema"]), std::move(both["table"]));
    unpacked_ = std::move(parsed.unpacked_);
  });
  return *unpacked_;
}

std::string_view TableType::name() const {
  return packed_ ? packed_->name : std::string_view(unpacked().name);
}
const Schema& TableType::schema() const {
  return unpacked().schema;
}
const Value& TableType::table() const {
  return unpacked().table;
}

std::vector<PropertyProblem> TableType::check(const Value& properties) const {
  std::vector<PropertyProblem> out = schema().check(properties);
  if (!properties.is_map()) return out;
  for (const auto& [key, value] : properties.as_map())
    if (schema().is_read_only(key))
      out.push_back({PropertyProblem::Kind::unknown, "/" + key, "#: extraneous key [" + key + "] is not permitted"});
  if (const Value* refused = table().find("refused"))
    for (const auto& [path, why] : refused->as_map())
      if (has(properties, path))
        out.push_back({PropertyProblem::Kind::unsupported, path.substr(0, path.find('=')),
                       "#" + path + ": tarn does not have this: " + why.as_string()});
  return out;
}

bool TableType::has_attribute(std::string_view attribute) const {
  const Value* attributes = table().find("attributes");
  return attributes && attributes->find(attribute);
}

Replacement TableType::replacement(std::string_view path) const {
  if (const Value* own = table().find("replacement"))
    for (const auto& [at, what] : own->as_map())
      if (path == at || (path.starts_with(at) && path[at.size()] == '/') ||
          (at.starts_with(path) && at[path.size()] == '/'))
        return what.as_string() == "always"  ? Replacement::always
               : what.as_string() == "never" ? Replacement::never
                                             : Replacement::conditionally;
  const Replacement by_schema = schema().replacement(path);
  return table().bool_or("remade") && by_schema == Replacement::always ? Replacement::conditionally : by_schema;
}

Scope TableType::scope_of(const Action& action, const Value& properties, std::string id) const {
  Scope scope{action, schema().coerce(properties), std::move(id), {}, {}, {}, {}, {}, {}, {}, {}};
  if (!unpacked().tags.empty() && !table().bool_or("no_stack_tags"))
    add_stack_tags(action, scope.properties, unpacked().tags);
  if (const Value* rule = table().find("name")) give_name(*rule, scope);
  return scope;
}

// The name that the template gives, or else the one that the id tells, or else a generated one.
void TableType::give_name(const Value& rule, Scope& scope) const {
  std::string at;  // of the properties that may hold the name, the first whose surroundings are there
  for (const Value& path : listed(rule.find("at"))) {
    const std::string& text = path.as_string();
    const std::size_t dot = text.rfind('.');
    if (const Value* given = at_path(scope.properties, text); given && given->is_string()) {
      scope.name = given->as_string();
      return;
    }
    if (at.empty() && (dot == text.npos || at_path(scope.properties, text.substr(0, dot)))) at = text;
  }
  if (!scope.id.empty()) {
    const Value* from = rule.find("from");
    scope.name = from ? text_of(expand(*from, scope)) : std::string(last_part(scope.id));
  } else {
    std::string suffix;
    if (const Value* suffixes = rule.find("suffix"))
      for (const auto& [property, text] : suffixes->as_map())
        if (const Value* on = scope.properties.find(property); on && on->is_bool() && on->as_bool())
          suffix = text.as_string();
    const std::size_t most = static_cast<std::size_t>(rule.int_or("max", 255)) - suffix.size();
    scope.name = generated_name(scope.action, most, rule.bool_or("lower")) + suffix;
  }
  if (!at.empty()) set_path(scope.properties, at, scope.name);
}

std::set<std::string> TableType::named_by(const Value& spec) const {
  const Value* with = spec.find("with");
  std::set<std::string> out = with ? properties_of(*with) : std::set<std::string>();
  const Value* rule = table().find("name");
  if (with && rule &&
      (to_json(*with).find("{id}") != std::string::npos || to_json(*with).find("{name}") != std::string::npos)) {
    for (const Value& at : listed(rule->find("at")))
      if (at.as_string().find('.') == std::string::npos) out.insert(at.as_string());
  }
  return out;
}

// What "*" stands for.
Value TableType::rest_of(const Value& spec, const Value& properties) const {
  std::set<std::string> others = named_by(spec);
  others.insert(unpacked().tags);
  for (const Value& part : list_of(table(), "parts").as_list())
    for (const Value& path : paths_of(part)) others.insert(path.as_string().substr(0, path.as_string().find('.')));
  for (const Value& name : list_of(spec, "except").as_list()) others.insert(name.as_string());
  Value out = Value::map();
  for (const auto& [key, value] : properties.as_map())
    if (!others.contains(key) && !schema().is_read_only(key)) out.set(key, value);
  return out;
}

Value TableType::call_operation(const Value& spec, const Scope& scope) const {
  static const Value everything = Value::map({{"*", ""}});
  const std::string& operation_name = spec.at("call").as_string();
  const std::size_t colon = operation_name.find(':');
  const api::Service* service = api::find_service(std::string_view(operation_name).substr(0, colon));
  const api::Operation* operation =
      service ? api::find_operation(*service, std::string_view(operation_name).substr(colon + 1)) : nullptr;
  TARN_ASSERT(operation);  // tools/generate_resource_types.py has looked it up
  Renames renames;
  if (const Value* own = spec.find("rename"))
    for (const auto& [property, member] : own->as_map()) renames[property] = member.as_string();
  const Value* with = spec.find("with");
  const auto input = expand(with ? *with : everything, scope, rest_of(spec, scope.properties));
  Value fitted = Value::map();
  if (operation->input) fitted = fit(*operation->input, input.value_or(Value::map()), renames);
  if (!scope.page_token.empty()) fitted.set("NextToken", scope.page_token);
  try {
    Value answer = scope.action.call(operation_name, fitted);
    refuse_failed_entries(answer);
    return answer;
  } catch (const Error& e) {
    if (!spec.bool_or("may_be_gone") || !is_absence(spec, e)) throw;
    return {};
  }
}

// What a list operation tells of and `where` describes, of all its pages.
ValueList TableType::looked_up(const Value& lookup, const Scope& scope) const {
  ValueList out;
  Scope page = scope;
  const Value* where = lookup.find("where");
  for (int pages = 0; pages < max_lookup_pages; ++pages) {
    const Value answer = call_operation(lookup, page);
    if (const Value* list = at_path(answer, lookup.at("list").as_string()); list && list->is_list())
      for (const Value& one : list->as_list()) {
        page.item = one;
        const auto wanted = where ? expand(*where, scope) : std::nullopt;
        const bool fits = !wanted || std::all_of(wanted->as_map().begin(), wanted->as_map().end(), [&](const auto& m) {
          const Value* member = at_path(one, m.key);
          return member && first_of(*member) == first_of(m.value);
        });
        if (fits) out.push_back(one);
      }
    const Value* token = answer.find("NextToken");
    if (!token || !token->is_string() || token->as_string().empty()) break;
    page.page_token = token->as_string();
  }
  return out;
}

// The answer of the last of several. With "lookup", the call is made for each thing that was found; {found} is that.
Value TableType::call(const Value& spec, const Scope& scope) const {
  if (spec.is_list()) {
    Value answer;
    for (const Value& one : spec.as_list())
      if (Value given = call(one, scope); !given.is_null()) answer = std::move(given);
    return answer;
  }
  if (spec.bool_or("at_update") && scope.before.is_null()) return {};
  auto wanted = [&](const Scope& own) {
    const Value *condition = spec.find("if"), *exception = spec.find("unless");
    return (!condition || expand(*condition, own)) && (!exception || !expand(*exception, own));
  };
  const Value* lookup = spec.find("lookup");
  if (!lookup) return wanted(scope) ? call_operation(spec, scope) : Value();
  Value answer;
  for (Value& one : looked_up(*lookup, scope)) {
    Scope own = scope;
    own.found = std::move(one);
    if (wanted(own)) answer = spec.find("call") ? call_operation(spec, own) : own.found;
  }
  return answer;
}

Value TableType::call_if_there(const Value& spec, const Scope& scope) const {
  try {
    return call(spec, scope);
  } catch (const Error& e) {
    if (!is_absence(spec, e)) throw;
    return {};
  }
}

// The create operation, or what an earlier call of the same action made.
void TableType::make(Scope& scope) const {
  if (const Value* exists = table().find("exists")) {
    scope.found = call_if_there(*exists, scope);
    if (!scope.found.is_null()) {
      if (scope.action.begun_before) return;
      throw Error(
          ErrorKind::conflict, "AlreadyExists",
          "Resource of type '" + std::string(name()) + "' with identifier '" + scope.name + "' already exists.");
    }
  }
  if (const Value* adopt = table().find("adopt"); adopt && scope.action.begun_before)
    if (scope.found = call_if_there(*adopt, scope); !scope.found.is_null()) return;
  const Value* spec = table().find("create");
  if (!spec) return;  // made of parts alone
  if (table().bool_or("reads_first")) scope.read = call(table().at("read"), scope);
  try {
    scope.out = call(*spec, scope);
  } catch (const Error& e) {
    if (!scope.action.begun_before || !is_presence(*spec, e)) throw;
  }
}

bool TableType::has_parts(const Scope& scope) const {
  if (table().find("ready") || tags_at_creation()) return true;
  const ValueList& parts = list_of(table(), "parts").as_list();
  return std::any_of(parts.begin(), parts.end(),
                     [&](const Value& part) { return of_part(part, scope.properties) != nullptr; });
}

// What an earlier call of the same action put already is no error.
void TableType::put_part(const Value& part, const Scope& scope) const {
  const Value& put = part.at("put");
  try {
    call(put, scope);
  } catch (const Error& e) {
    if (!scope.action.begun_before || !is_presence(put, e)) throw;
  }
}

void TableType::put_parts(Scope& scope) const {
  for (const Value& part : list_of(table(), "parts").as_list()) {
    const Value* v = of_part(part, scope.properties);
    if (!v || part.bool_or("update_only")) continue;
    if (!part.find("each")) {
      put_part(part, scope);
      continue;
    }
    for (const Value& item : listed(v)) {
      scope.item = item;
      put_part(part, scope);
    }
  }
}

std::unique_lock<std::mutex> TableType::turn() const {
  return table().bool_or("one_at_a_time") ? std::unique_lock(turn_) : std::unique_lock<std::mutex>();
}

Progress TableType::create(const Action& action, const Value& properties, const Value& memory) const {
  const auto my_turn = turn();
  Scope scope = scope_of(action, properties, memory.string_or("id"));
  if (memory.is_null()) {
    make(scope);
    scope.id = text_of(expand(table().at("ref"), scope));
    if (scope.id.empty())
      throw Error(ErrorKind::conflict, "AlreadyExists",
                  "A resource of type '" + std::string(name()) + "' like this one is there already.");
    // What was made has its id on disk before anything else can fail.
    if (has_parts(scope)) {
      Progress progress{scope.id, Value::map(), false, Value::map({{"id", scope.id}}), std::chrono::milliseconds(0)};
      if (!scope.out.is_null()) progress.memory.set("out", scope.out);
      if (!scope.found.is_null()) progress.memory.set("found", scope.found);
      return progress;
    }
  } else {
    if (const Value* out = memory.find("out")) scope.out = *out;
    if (const Value* found = memory.find("found")) scope.found = *found;
  }
  if (!memory.bool_or("parts")) {
    if (table().find("ready") && !is_ready(scope)) return waiting(scope, memory);
    put_parts(scope);
    put_tags(scope);
  }
  Value next = memory.is_null() ? Value::map({{"id", scope.id}}) : memory;
  next.set("parts", true);
  return finish(scope, std::move(next));
}

// Whether the resource is what it should be; a state that it never leaves again throws. Asks the read operation.
bool TableType::is_ready(Scope& scope) const {
  if (const Value* read = table().find("read")) scope.read = call(*read, scope);
  for (const Value& ready : listed(table().find("ready"))) {
    const std::string state = text_of(expand(ready.at("value"), scope));
    if (lists(ready, "failed", state)) {
      const Value* reason = ready.find("reason");
      std::string why = reason ? text_of(expand(*reason, scope)) : std::string();
      throw Error(ErrorKind::outside, "NotStabilized",
                  why.empty() ? std::string(name()) + " is in the state " + state + "." : why);
    }
    if (!state.empty() && !lists(ready, "done", state)) return false;
  }
  return true;
}

Progress TableType::waiting(const Scope& scope, Value memory) const {
  return {scope.id, Value::map(), false, std::move(memory), std::chrono::milliseconds(300)};
}

// Waits until the resource is ready, and then tells its attributes.
Progress TableType::finish(Scope& scope, Value memory) const {
  if (!is_ready(scope)) return waiting(scope, std::move(memory));
  Progress progress{scope.id, Value::map(), true, {}, std::chrono::milliseconds(0)};
  if (const Value* reads = table().find("reads"))
    for (const auto& [key, spec] : reads->as_map()) scope.reads.set(key, call(spec, scope));
  if (const Value* attributes = table().find("attributes"))
    for (const auto& [attribute, template_of_it] : attributes->as_map())
      if (auto v = expand(template_of_it, scope))
        progress.attributes.set(attribute, v->is_time() ? Value(format_iso8601(v->as_time())) : std::move(*v));
  return progress;
}

// Of what stays as it was made.
void TableType::refuse_changes(const Scope& scope) const {
  const Value* immutable = table().find("immutable");
  if (!immutable) return;
  for (const auto& [property, why] : immutable->as_map())
    if (differs(property, scope.before, scope.properties))
      throw Error(
          ErrorKind::caller, "NotUpdatableProperty",
          "The property " + property + " of " + std::string(name()) + " can't be changed: " + why.as_string() + ".");
}

// Whether an update's call is wanted: a property that it names is another now.
bool TableType::is_wanted(const Value& spec, const Scope& scope) const {
  std::set<std::string> names;
  const Value* with = spec.find("with");
  const bool everything = !with || to_json(*with).find("\"*\"") != std::string::npos;
  if (const Value* when = spec.find("when")) {
    for (const Value& name : when->as_list()) names.insert(name.as_string());
  } else {
    names = with ? properties_of(*with) : names;
    if (everything)
      for (const Value* side : {&scope.before, &scope.properties}) {
        const Value rest = rest_of(spec, *side);
        for (const auto& [key, value] : rest.as_map()) names.insert(key);
      }
  }
  return std::any_of(names.begin(), names.end(),
                     [&](const std::string& name) { return differs(name, scope.before, scope.properties); });
}

void TableType::change(const Value& spec, const Scope& scope) const {
  Scope own = scope;
  if (const Value* absent = spec.find("absent"))
    for (const auto& [property, value] : absent->as_map())
      if (!own.properties.find(property) && own.before.find(property)) own.properties.set(property, value);
  call(spec, own);
}

void TableType::change_part(const Value& part, Scope& scope) const {
  if (!any_differs(paths_of(part), scope.before, scope.properties)) return;
  const Value *old = of_part(part, scope.before), *now = of_part(part, scope.properties);
  const Value* remove = part.find("remove");
  const Value* each = part.find("each");
  if (!each) {
    if (now)
      put_part(part, scope);
    else if (remove)
      call_if_there(*remove, scope);
    return;
  }
  auto key_of = [&](const Value& item) {
    scope.item = item;
    return text_of(expand(*each, scope));
  };
  const ValueList before = listed(old), after = listed(now);
  // What tells an item apart may be a property beside the list (a policy's name).
  const bool renamed = any_differs(list_of(part, "identity").as_list(), scope.before, scope.properties);
  ValueList others = paths_of(part);
  others.erase(others.begin());
  const bool all_anew = any_differs(others, scope.before, scope.properties);
  Scope old_scope = scope;
  old_scope.properties = scope.before;
  for (const Value& item : before) {
    const std::string key = key_of(item);
    const bool kept =
        !renamed && std::any_of(after.begin(), after.end(), [&](const Value& one) { return key_of(one) == key; });
    old_scope.item = item;
    if (!kept && remove) call_if_there(*remove, old_scope);
  }
  for (const Value& item : after) {
    if (!all_anew && std::find(before.begin(), before.end(), item) != before.end()) continue;
    scope.item = item;
    put_part(part, scope);
  }
}

bool TableType::tags_at_creation() const {
  const Value* tags = table().find("tags");
  return tags && tags->bool_or("at_creation");
}

// {read…} in a call for tags is asked for when it is needed.
void TableType::call_for_tags(const Value& spec, Scope& scope, Value item) const {
  if (scope.read.is_null() && to_json(spec).find("{read.") != std::string::npos)
    scope.read = call(table().at("read"), scope);
  scope.item = std::move(item);
  call(spec, scope);
}

void TableType::put_tags(Scope& scope) const {
  const ValueList pairs = tag_pairs(scope.properties.find(unpacked().tags));
  if (tags_at_creation() && !pairs.empty()) call_for_tags(table().at("tags").at("tag"), scope, Value(pairs));
}

void TableType::change_tags(Scope& scope) const {
  const Value* tags = table().find("tags");
  if (!tags) return;
  const ValueList before = tag_pairs(scope.before.find(unpacked().tags)),
                  after = tag_pairs(scope.properties.find(unpacked().tags));
  Value removed = Value::list();
  for (const Value& old : before)
    if (std::none_of(after.begin(), after.end(),
                     [&](const Value& now) { return now.string_or("Key") == old.string_or("Key"); }))
      removed.push_back(old.string_or("Key"));
  if (!removed.as_list().empty()) call_for_tags(tags->at("untag"), scope, removed);
  if (!after.empty() && (before != after || !scope.action.tags.empty()))
    call_for_tags(tags->at("tag"), scope, Value(after));
}

Progress TableType::update(const Action& action, const std::string& physical_id, const Value& before,
                           const Value& after, const Value& memory) const {
  if (table().bool_or("remade")) {
    remove(action, physical_id, before, {});
    return create(action, after, {});
  }
  const auto my_turn = turn();
  Scope scope = scope_of(action, after, physical_id);
  Action earlier = action;
  earlier.tags = action.previous_tags;
  scope.before = scope_of(earlier, before, physical_id).properties;
  const ValueList calls = listed(table().find("update"));
  // A call may have to wait until what the one before began is over.
  auto step = static_cast<std::size_t>(memory.int_or("calls"));
  bool settled = step == 0;
  if (memory.is_null()) {
    refuse_changes(scope);
    if (table().bool_or("reads_first")) scope.read = call(table().at("read"), scope);
  }
  for (; step < calls.size(); ++step) {
    if (!is_wanted(calls[step], scope)) continue;
    if (!settled && table().find("ready") && !is_ready(scope))
      return waiting(scope, Value::map({{"calls", static_cast<int64_t>(step)}}));
    change(calls[step], scope);
    settled = false;
  }
  if (!memory.bool_or("parts")) {
    if (!settled && table().find("ready") && !is_ready(scope))
      return waiting(scope, Value::map({{"calls", static_cast<int64_t>(step)}}));
    for (const Value& part : list_of(table(), "parts").as_list()) change_part(part, scope);
    change_tags(scope);
  }
  return finish(scope, Value::map({{"calls", static_cast<int64_t>(calls.size())}, {"parts", true}}));
}

void TableType::remove_parts(Scope& scope) const {
  for (const Value& part : list_of(table(), "parts").as_list()) {
    const Value *v = of_part(part, scope.properties), *remove = part.find("remove");
    if (!v || !remove || !part.bool_or("before_delete")) continue;
    if (!part.find("each")) {
      call_if_there(*remove, scope);
      continue;
    }
    for (const Value& item : listed(v)) {
      scope.item = item;
      call_if_there(*remove, scope);
    }
  }
}

// Whether a deletion is over.
bool TableType::is_gone(Scope& scope) const {
  const Value* gone = table().find("gone");
  if (!gone) return true;
  scope.read = call_if_there(table().at("read"), scope);
  if (scope.read.is_null()) return true;
  if (!gone->is_map()) return false;
  const std::string state = text_of(expand(gone->at("value"), scope));
  return state.empty() || lists(*gone, "done", state);
}

Progress TableType::remove(const Action& action, const std::string& physical_id, const Value& properties,
                           const Value& memory) const {
  const auto my_turn = turn();
  Scope scope = scope_of(action, properties, physical_id);
  Progress progress{physical_id, Value::map(), true, {}, std::chrono::milliseconds(0)};
  const Value* looks = table().bool_or("deletes_what_it_reads") ? table().find("read") : nullptr;
  if (memory.is_null() && (!looks || !call_if_there(*looks, scope).is_null())) {
    remove_parts(scope);
    for (const Value& spec : listed(table().find("delete"))) call_if_there(spec, scope);
  }
  if (!is_gone(scope)) {
    progress.done = false;
    progress.memory = Value::map({{"deleting", true}});
    progress.again_in = std::chrono::milliseconds(300);
  }
  return progress;
}

}  // namespace tarn::deploy
