#include "base/error.hpp"

#include <cstdio>
#include <cstdlib>

namespace tarn {

void assertion_failed(const char* condition, const char* file, int line) {
  std::fprintf(stderr, "%s:%d: invariant broken: %s\n", file, line, condition);
  std::abort();
}

}  // namespace tarn
