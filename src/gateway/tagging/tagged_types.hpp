// Which kinds of resources have tags, and by which operations of their services they are listed, read, tagged and
// untagged. One row a kind; what is not registered in Operations has no resources.
#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "api/operations.hpp"

namespace tarn::gateway::tagging {

using Tags = std::map<std::string, std::string>;

// How an operation takes and gives tags.
enum class TagForm {
  map,             // {"key": "value"}
  pairs,           // [{"Key": …, "Value": …}]
  small_pairs,     // [{"key": …, "value": …}]
  tag_key_values,  // [{"TagKey": …, "TagValue": …}]
  bucket,          // S3's, which replaces them all
  ec2              // pairs, of resources that are told by their ids alone
};

// How the resource is named to them.
enum class TagId { arn, last_part /* of the ARN */, queue_url };

struct TaggedType {
  std::string_view type;      // as filters name it: "lambda:function"; "ec2": all of that service, by their ARNs
  std::string_view resource;  // how the last part of its ARNs begins: "function:"; empty: it is the name alone
  std::string_view list, items, next_in, next_out;  // operation, the member that holds them, of the token to and fro
  std::string_view
      arn;  // the item's member that is its ARN; with braces, what is made of its members: "workgroup/{Name}"
  TagForm form;
  TagId id;
  std::string_view read, read_id, tags;  // operation, its members
  std::string_view tag, tag_id, tags_in;
  std::string_view untag, keys;  // names the resource as `tag` does
};

std::span<const TaggedType> tagged_types();
// The kind that an ARN names; nullptr when it names none of them.
const TaggedType* type_of(std::string_view arn);

// The ARNs of all resources of the kind that the caller has in the region; none where tarn does not have the service.
std::vector<std::string> list_resources(api::Operations& operations, const api::Context& caller,
                                        const TaggedType& type);
// Throw what the service throws.
Tags read_tags(api::Operations& operations, const api::Context& caller, const TaggedType& type, const std::string& arn);
void add_tags(api::Operations& operations, const api::Context& caller, const TaggedType& type, const std::string& arn,
              const Tags& tags);
void remove_tags(api::Operations& operations, const api::Context& caller, const TaggedType& type,
                 const std::string& arn, const std::vector<std::string>& keys);

}  // namespace tarn::gateway::tagging
