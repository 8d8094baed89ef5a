#include "meta/statistic_set.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace tarn::meta {
namespace {

constexpr std::size_t max_classes = 2000;
const double class_width = std::log(1.005);
constexpr int32_t offset = 200'000;  // so that classes of numbers below 1 are positive, too

int32_t class_of(double value) {
  if (value == 0) return 0;
  double step = std::round(std::log(std::abs(value)) / class_width);
  auto number = static_cast<int32_t>(std::clamp(step, 1.0 - offset, 1.0 * offset)) + offset;
  return value < 0 ? -number : number;
}

double value_of(int32_t number) {
  if (number == 0) return 0;
  double value = std::exp((std::abs(number) - offset) * class_width);
  return number < 0 ? -value : value;
}

template <class T>
void append(std::string& out, T v) {
  out.append(reinterpret_cast<const char*>(&v), sizeof v);
}

template <class T>
bool take(std::string_view& from, T& v) {
  if (from.size() < sizeof v) return false;
  std::memcpy(&v, from.data(), sizeof v);
  from.remove_prefix(sizeof v);
  return true;
}

}  // namespace

void StatisticSet::add(double value, double times) {
  minimum = count > 0 ? std::min(minimum, value) : value;
  maximum = count > 0 ? std::max(maximum, value) : value;
  count += times;
  sum += value * times;
  if (!distributed) return;
  classes[class_of(value)] += times;
  if (classes.size() <= max_classes) return;
  distributed = false;
  classes.clear();
}

void StatisticSet::add(const StatisticSet& other) {
  if (other.count <= 0) return;
  minimum = count > 0 ? std::min(minimum, other.minimum) : other.minimum;
  maximum = count > 0 ? std::max(maximum, other.maximum) : other.maximum;
  count += other.count;
  sum += other.sum;
  distributed = distributed && other.distributed;
  if (distributed)
    for (const auto& [number, times] : other.classes) classes[number] += times;
  if (!distributed || classes.size() > max_classes) {
    distributed = false;
    classes.clear();
  }
}

StatisticSet StatisticSet::of_sums(double count, double sum, double minimum, double maximum) {
  StatisticSet out{count, sum, minimum, maximum, {}, count == 1 || minimum == maximum};
  if (out.distributed) out.classes[class_of(count == 1 ? sum : minimum)] = count;
  return out;
}

std::optional<double> StatisticSet::percentile(double percent) const {
  if (!distributed || classes.empty()) return std::nullopt;
  if (percent >= 100) return maximum;
  double wanted = count * percent / 100, seen = 0;
  for (const auto& [number, times] : classes) {
    seen += times;
    if (seen >= wanted) return std::clamp(value_of(number), minimum, maximum);
  }
  return maximum;
}

std::string encode(const StatisticSet& set) {
  std::string out;
  for (double v : {set.count, set.sum, set.minimum, set.maximum}) append(out, v);
  out += set.distributed ? '\1' : '\0';
  for (const auto& [number, times] : set.classes) {
    append(out, number);
    append(out, times);
  }
  return out;
}

std::optional<StatisticSet> decode_statistic_set(std::string_view bytes) {
  StatisticSet out;
  char distributed = 0;
  if (!take(bytes, out.count) || !take(bytes, out.sum) || !take(bytes, out.minimum) || !take(bytes, out.maximum) ||
      !take(bytes, distributed) || bytes.size() % 12 != 0)
    return std::nullopt;
  out.distributed = distributed == 1;
  int32_t number = 0;
  double times = 0;
  while (take(bytes, number) && take(bytes, times)) out.classes[number] += times;
  return out;
}

}  // namespace tarn::meta
