// The models' patterns are Java's; RE2 checks them (no pattern can take more than linear time). What RE2 lacks is
// translated: \u escapes, surrogate pairs, POSIX classes in \p{…}, repetitions above 1000 (which become unbounded:
// lengths are checked on their own), and lookahead and lookbehind at a pattern's ends. Any other lookaround and back
// references cannot be: such a pattern is not checked, and named once in the log (debug).
#pragma once

#include <string_view>

namespace tarn::api {

enum class PatternMatch { matches, differs, unchecked };

// Whether the whole of `text` (UTF-8) matches `pattern`, which lives for ever (it stands in the tables): it is compiled
// at its first use and kept. Thread-safe.
PatternMatch match_pattern(std::string_view pattern, std::string_view text);

// The same for a pattern that somebody sent, which is compiled for this call alone. What is no pattern is `unchecked`.
PatternMatch match_foreign_pattern(std::string_view pattern, std::string_view text);

}  // namespace tarn::api
