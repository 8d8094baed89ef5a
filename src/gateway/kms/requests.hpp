// What KMS's operations check alike, and their pages.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/kms.hpp"
#include "api/operations.hpp"
#include "govern/keys.hpp"

namespace tarn::gateway::kms {

namespace model = api::kms;

inline govern::KeyScope scope_of(const api::Context& c) {
  return {c.account(), c.region};
}

// Checks the tokens of grants that a request carries: InvalidGrantTokenException for one that tarn did not give.
void check_grant_tokens(govern::Keys& keys, const api::Context& c,
                        const std::optional<std::vector<std::string>>& tokens);
// The context of a request; more than 8,192 bytes is refused.
govern::EncryptionContext context_of(const std::optional<std::map<std::string, std::string>>& context);
// Ends a request that would have succeeded, when it asked for a dry run: DryRunOperationException.
void end_dry_run(const std::optional<bool>& dry_run);
// Refuses by name what only Nitro enclaves send.
void refuse_recipient(bool sent, std::string_view operation);
[[noreturn]] void invalid(const std::string& what);  // ValidationException

// Where a page begins: behind this id. A marker that tarn did not give: InvalidMarkerException.
std::string after_of(const std::optional<std::string>& marker);
std::string marker_of(std::string_view last_id);

// Sets `truncated`, and `next_marker` when there is more than `limit`: then cuts `items` to it. `id_of` names an item.
template <class Output, class Item, class IdOf>
void cut(Output& out, std::vector<Item>& items, std::size_t limit, IdOf id_of) {
  out.truncated = items.size() > limit;
  if (!*out.truncated) return;
  items.resize(limit);
  out.next_marker = marker_of(id_of(items.back()));
}

void register_keys(api::Operations& operations, govern::Keys& keys);  // records, states, tags, policies
void register_aliases(api::Operations& operations, govern::Keys& keys);
void register_grants(api::Operations& operations, govern::Keys& keys);
void register_rotation(api::Operations& operations, govern::Keys& keys);
void register_imports(api::Operations& operations, govern::Keys& keys);
void register_encryption(api::Operations& operations, govern::Keys& keys);  // encrypt, decrypt, data keys, random bytes
void register_signatures(api::Operations& operations, govern::Keys& keys);  // sign, verify, MACs, shared secrets

}  // namespace tarn::gateway::kms
