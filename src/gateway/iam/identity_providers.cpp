// OpenID Connect providers: whom outside roles may trust (GitHub's workflows, say). A record is AWS's own shape, under
// (account, ARN).

#include <algorithm>

#include "gateway/iam/records.hpp"

namespace tarn::gateway::iam {
namespace {

using api::Context;

constexpr const char* kind = "iam.oidc_provider";
constexpr std::size_t max_clients = 100, max_thumbprints = 5;

Value find(meta::Reader& reader, const Context& c, const Value& in) {
  const std::string& arn = in.at("OpenIDConnectProviderArn").as_string();
  if (auto record = reader.get(kind, meta::key({c.account(), arn}))) return std::move(*record);
  no_such_entity("OpenIDConnect Provider not found for arn " + arn);
}

void check_thumbprints(const Value& list) {
  if (list.as_list().size() > max_thumbprints)
    throw Error(ErrorKind::caller, "InvalidInput", "Thumbprint list must contain fewer than 5 entries.");
}

Value create(const Services& s, Context& c, const Value& in) {
  std::string url = in.at("Url").as_string();
  if (!url.starts_with("https://") || url.size() == 8)
    throw Error(ErrorKind::caller, "InvalidInput", "Invalid Open ID Connect Provider URL");
  url = url.substr(8);
  while (url.ends_with('/')) url.pop_back();
  const std::string arn = "arn:aws:iam::" + c.account() + ":oidc-provider/" + url;
  Value record = Value::map({{"Url", url},
                             {"ClientIDList", Value::list()},
                             {"ThumbprintList", Value::list()},
                             {"CreateDate", Time(std::chrono::floor<std::chrono::seconds>(c.now))},
                             {"Tags", Value::list()}});
  for (const char* member : {"ClientIDList", "ThumbprintList"})
    if (const Value* list = in.find(member)) record.set(member, *list);
  check_thumbprints(record.at("ThumbprintList"));
  if (record.at("ClientIDList").as_list().size() > max_clients)
    throw Error(ErrorKind::limit, "LimitExceeded",
                "Cannot exceed quota for ClientIdsPerOpenIdConnectProvider: " + std::to_string(max_clients));
  if (const Value* tags = in.find("Tags")) set_tags(record["Tags"], *tags);
  s.metadata.change(c.principal.arn, [&](meta::Transaction& t) {
    if (t.get(kind, meta::key({c.account(), arn})))
      throw Error(ErrorKind::conflict, "EntityAlreadyExists", "Provider with url https://" + url + " already exists.");
    t.put(kind, meta::key({c.account(), arn}), record);
  });
  return Value::map({{"OpenIDConnectProviderArn", arn}, {"Tags", record.at("Tags")}});
}

}  // namespace

void register_identity_providers(const Services& s) {
  auto on = [&](const char* operation, auto f) {
    s.operations.add(operation, [s, f](Context& c, const Value& in) { return f(s, c, in); });
  };
  // An operation that changes one record.
  auto changing = [&](const char* operation, auto edit) {
    s.operations.add(operation, [s, edit](Context& c, const Value& in) {
      s.metadata.change(c.principal.arn, [&](meta::Transaction& t) {
        Value record = find(t, c, in);
        edit(record, in);
        t.put(kind, meta::key({c.account(), in.at("OpenIDConnectProviderArn").as_string()}), record);
      });
      return Value::map();
    });
  };
  on("iam:CreateOpenIDConnectProvider", create);
  on("iam:GetOpenIDConnectProvider",
     [](const Services& services, Context& c, const Value& in) { return find(services.metadata, c, in); });
  on("iam:ListOpenIDConnectProviders", [](const Services& services, Context& c, const Value&) {
    ValueList out;
    for (const auto& record : services.metadata.list(kind, meta::prefix({c.account()})))
      out.push_back(Value::map({{"Arn", meta::key_parts(record.key).at(1)}}));
    return Value::map({{"OpenIDConnectProviderList", std::move(out)}});
  });
  // One that is not there is no error, as on AWS.
  on("iam:DeleteOpenIDConnectProvider", [](const Services& services, Context& c, const Value& in) {
    services.metadata.change(c.principal.arn, [&](meta::Transaction& t) {
      t.erase(kind, meta::key({c.account(), in.at("OpenIDConnectProviderArn").as_string()}));
    });
    return Value::map();
  });
  changing("iam:AddClientIDToOpenIDConnectProvider", [](Value& record, const Value& in) {
    auto& list = record["ClientIDList"].as_list();
    if (std::find(list.begin(), list.end(), in.at("ClientID")) == list.end()) list.push_back(in.at("ClientID"));
  });
  changing("iam:RemoveClientIDFromOpenIDConnectProvider",
           [](Value& record, const Value& in) { std::erase(record["ClientIDList"].as_list(), in.at("ClientID")); });
  changing("iam:UpdateOpenIDConnectProviderThumbprint", [](Value& record, const Value& in) {
    check_thumbprints(in.at("ThumbprintList"));
    record.set("ThumbprintList", in.at("ThumbprintList"));
  });
  changing("iam:TagOpenIDConnectProvider",
           [](Value& record, const Value& in) { set_tags(record["Tags"], in.at("Tags")); });
  changing("iam:UntagOpenIDConnectProvider",
           [](Value& record, const Value& in) { remove_tags(record["Tags"], in.at("TagKeys")); });
  on("iam:ListOpenIDConnectProviderTags", [](const Services& services, Context& c, const Value& in) {
    return page(in, "Tags", find(services.metadata, c, in).at("Tags").as_list(),
                [](const Value& tag) { return tag.at("Key").as_string(); });
  });
}

}  // namespace tarn::gateway::iam
