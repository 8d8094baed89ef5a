#include "govern/passwords.hpp"

#include <algorithm>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace tarn::govern {
namespace {

// Without bias: numbers beyond the last whole multiple are thrown again.
std::size_t below(Random& random, std::size_t bound) {
  const uint64_t end = UINT64_MAX - UINT64_MAX % bound;
  for (;;)
    if (const uint64_t n = random.next(); n < end) return n % bound;
}

char one_of(std::string_view letters, Random& random) {
  return letters[below(random, letters.size())];
}

}  // namespace

std::string random_password(const PasswordRules& rules, Random& random) {
  struct Type {
    bool included;
    std::string_view letters;
  };
  const Type types[] = {{rules.lowercase, "abcdefghijklmnopqrstuvwxyz"},
                        {rules.uppercase, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"},
                        {rules.numbers, "0123456789"},
                        {rules.punctuation, "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"},
                        {rules.space, " "}};
  std::vector<std::string> included;
  std::string all;
  for (const Type& type : types) {
    if (!type.included) continue;
    std::string letters(type.letters);
    std::erase_if(letters, [&](char c) { return rules.exclude_characters.find(c) != std::string::npos; });
    if (letters.empty() && rules.each_type && type.letters != " ")
      throw Error(ErrorKind::caller, "InvalidParameterException",
                  "RequireEachIncludedType can't be met: ExcludeCharacters leaves none of the characters " +
                      std::string(type.letters) + ".");
    if (letters.empty()) continue;
    all += letters;
    included.push_back(std::move(letters));
  }
  if (all.empty())
    throw Error(ErrorKind::caller, "InvalidParameterException",
                "The password can't be made: every type of character is excluded.");
  if (rules.each_type && rules.length < included.size())
    throw Error(ErrorKind::caller, "InvalidParameterException",
                "The password length is too short to include each of the required types of characters.");
  std::string out;
  if (rules.each_type)
    for (const auto& letters : included) out.push_back(one_of(letters, random));
  while (out.size() < rules.length) out.push_back(one_of(all, random));
  for (std::size_t i = out.size() - 1; i > 0; i--) std::swap(out[i], out[below(random, i + 1)]);
  return out;
}

}  // namespace tarn::govern
