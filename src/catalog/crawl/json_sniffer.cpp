#include "catalog/crawl/json_sniffer.hpp"

#include <algorithm>
#include <charconv>

#include "catalog/crawl/csv_sniffer.hpp"

namespace tarn::catalog::crawl {
namespace {

constexpr int max_depth = 200;
constexpr std::size_t max_fields = 10'000;  // of all records and sub-records together
constexpr std::size_t max_name_size_bytes = 16 * 1024;

// Ends the reading; caught in sniff_json.
struct Stop {
  std::string problem;
};

class Source {
 public:
  explicit Source(const ByteReader& read) : read_(read), buffer_(64 * 1024, '\0') {}

  // The next byte, or -1 at the end.
  int peek() {
    if (at_ == end_) {
      before_ += end_;
      at_ = 0;
      end_ = read_(buffer_.data(), buffer_.size());
      if (end_ == 0) return -1;
    }
    return static_cast<unsigned char>(buffer_[at_]);
  }
  int next() {
    int c = peek();
    if (c >= 0) ++at_;
    return c;
  }
  int peek_token() {
    int c = peek();
    while (c == ' ' || c == '\n' || c == '\r' || c == '\t') {
      ++at_;
      c = peek();
    }
    return c;
  }
  uint64_t offset() const { return before_ + at_; }

 private:
  const ByteReader& read_;
  std::string buffer_;
  std::size_t at_ = 0, end_ = 0;
  uint64_t before_ = 0;
};

class Sniffer {
 public:
  Sniffer(const ByteReader& read, const JsonOptions& options) : source_(read), options_(options) {
    if (options.path) steps_ = options.path->steps();
  }

  JsonFinding run() {
    JsonFinding out;
    try {
      int c = source_.peek();
      if (c == 0xef) skip_byte_order_mark();
      c = source_.peek_token();
      if (!options_.path && c == '[') {
        out.array = true;
        if (!options_.strict) steps_ = {{JsonStep::Kind::every_element, ""}};
      }
      for (; c >= 0; c = source_.peek_token()) {
        if (out.array && options_.strict)
          take_whole_array();
        else
          walk(0, 0);
        if (source_.peek() == ',') malformed();
      }
    } catch (const Stop& stop) {
      out.problem = stop.problem;
    }
    out.records = out.problem.empty() ? records_ : complete_;
    name_columns(out);
    return out;
  }

 private:
  [[noreturn]] void malformed() {
    if (source_.peek() < 0) {
      if (options_.cut) throw Stop{};
      throw Stop{"the JSON text ends too early"};
    }
    throw Stop{"malformed JSON at byte " + std::to_string(source_.offset())};
  }
  void expect(int c) {
    if (source_.peek_token() != c) malformed();
    source_.next();
  }
  void skip_byte_order_mark() {
    for (int b : {0xef, 0xbb, 0xbf})
      if (source_.next() != b) malformed();
  }

  // Goes down the path to the records.
  void walk(std::size_t step, int depth) {
    if (depth > max_depth) throw Stop{"JSON nested more than 200 deep"};
    int c = source_.peek_token();
    if (step == steps_.size()) return take_record();
    const JsonStep& s = steps_[step];
    using Kind = JsonStep::Kind;
    if (c == '{') {
      each_member(depth, [&](const std::string& name) {
        bool on_path = s.kind == Kind::every_member || (s.kind == Kind::member && s.name == name);
        on_path ? walk(step + 1, depth + 1) : skip(depth + 1);
      });
    } else if (c == '[') {
      uint64_t index = 0;
      each_element(depth, [&] {
        bool on_path = s.kind == Kind::every_element || s.kind == Kind::every_member ||
                       (s.kind == Kind::index && s.index == index);
        ++index;
        on_path ? walk(step + 1, depth + 1) : skip(depth + 1);
      });
    } else {
      skip(depth);
    }
  }

  void take_record() {
    if (source_.peek_token() != '{') {
      if (source_.peek() != 'n') throw Stop{"its JSON records are no objects"};
      skip(0);  // null
      return;
    }
    std::size_t hint = 0;
    ++records_;
    each_member(0, [&](const std::string& name) {
      Field& field = field_of(columns_, name, hint);
      std::size_t at = static_cast<std::size_t>(&field - columns_.data());
      DataType::Kind kind = field.type.kind;
      std::string scalar = field.type.name;
      infer(field.type, 1);
      why_.resize(columns_.size());
      const DataType& now = columns_[at].type;
      if (kind != DataType::Kind::unknown && (kind != now.kind || scalar != now.name))
        why_[at] = "record " + std::to_string(records_);
    });
    ++complete_;
  }

  // AWS's answer for an array: a column "array" that holds it.
  void take_whole_array() {
    ++records_;
    if (columns_.empty()) columns_.push_back({"array", {}});
    why_.resize(1);
    infer(columns_[0].type, 1);
    ++complete_;
  }

  template <class F>
  void each_member(int depth, F take) {
    if (depth > max_depth) throw Stop{"JSON nested more than 200 deep"};
    expect('{');
    if (source_.peek_token() == '}') {
      source_.next();
      return;
    }
    for (std::string name;;) {
      if (source_.peek_token() != '"') malformed();
      read_string(&name);
      expect(':');
      take(name);
      int c = source_.peek_token();
      if (c != ',' && c != '}') malformed();
      source_.next();
      if (c == '}') return;
    }
  }

  template <class F>
  void each_element(int depth, F take) {
    if (depth > max_depth) throw Stop{"JSON nested more than 200 deep"};
    expect('[');
    if (source_.peek_token() == ']') {
      source_.next();
      return;
    }
    for (;;) {
      take();
      int c = source_.peek_token();
      if (c != ',' && c != ']') malformed();
      source_.next();
      if (c == ']') return;
    }
  }

  // The field of that name, added when it is new. Records mostly repeat the order of their fields: `hint` is where the
  // next is expected.
  Field& field_of(std::vector<Field>& fields, const std::string& name, std::size_t& hint) {
    if (hint < fields.size() && fields[hint].name == name) return fields[hint++];
    for (std::size_t i = 0; i < fields.size(); ++i) {
      if (fields[i].name == name) {
        hint = i + 1;
        return fields[i];
      }
    }
    if (++field_count_ > max_fields) throw Stop{"more than 10,000 different JSON fields"};
    fields.push_back({name, {}});
    hint = fields.size();
    return fields.back();
  }

  // Reads a value and makes `into` hold it.
  void infer(DataType& into, int depth) {
    using Kind = DataType::Kind;
    int c = source_.peek_token();
    if (c == '{') {
      if (into.kind == Kind::unknown) into.kind = Kind::record;
      if (into.kind != Kind::record) return conflict(into, depth);
      std::size_t hint = 0;
      each_member(depth, [&](const std::string& name) { infer(field_of(into.fields, name, hint).type, depth + 1); });
    } else if (c == '[') {
      if (into.kind == Kind::unknown) into = DataType::array({});
      if (into.kind != Kind::array) return conflict(into, depth);
      each_element(depth, [&] { infer(into.fields[0].type, depth + 1); });
    } else if (const char* name = read_scalar()) {
      if (into.kind == Kind::scalar && into.name == name) return;
      merge(into, DataType::scalar(name));
    }
  }

  void conflict(DataType& into, int depth) {
    into = DataType::scalar("string");
    skip(depth);
  }

  void skip(int depth) {
    int c = source_.peek_token();
    if (c == '{')
      each_member(depth, [&](const std::string&) { skip(depth + 1); });
    else if (c == '[')
      each_element(depth, [&] { skip(depth + 1); });
    else
      read_scalar();
  }

  // Hive's name for the scalar just read; nullptr for null.
  const char* read_scalar() {
    switch (int c = source_.peek_token(); c) {
      case '"':
        read_string(nullptr);
        return "string";
      case 't':
        read_word("true");
        return "boolean";
      case 'f':
        read_word("false");
        return "boolean";
      case 'n':
        read_word("null");
        return nullptr;
      default:
        if (c != '-' && (c < '0' || c > '9')) malformed();
        return read_number();
    }
  }

  void read_word(const char* word) {
    for (; *word; ++word) {
      if (source_.peek() != *word) malformed();
      source_.next();
    }
  }

  const char* read_number() {
    char text[64];
    std::size_t size = 0;
    bool fraction = false;
    for (int c = source_.peek(); c >= 0; c = source_.peek()) {
      bool digit = c >= '0' && c <= '9';
      if (!digit && c != '-' && c != '+' && c != '.' && c != 'e' && c != 'E') break;
      fraction |= c == '.' || c == 'e' || c == 'E';
      if (size < sizeof text) text[size++] = static_cast<char>(c);
      source_.next();
    }
    if (fraction) {
      double d = 0;
      auto [end, error] = std::from_chars(text, text + size, d);
      if (error == std::errc::invalid_argument || (end != text + size && size < sizeof text)) malformed();
      return "double";
    }
    int64_t i = 0;
    auto [end, error] = std::from_chars(text, text + size, i);
    if (error == std::errc::result_out_of_range) return "double";
    if (error != std::errc() || end != text + size) malformed();
    return options_.strict && i >= INT32_MIN && i <= INT32_MAX ? "int" : "bigint";
  }

  void read_string(std::string* into) {
    source_.next();
    if (into) into->clear();
    for (;;) {
      int c = source_.next();
      if (c < 0 || c == '\n') malformed();
      if (c == '"') return;
      if (c == '\\') {
        read_escape(into);
        continue;
      }
      append(into, static_cast<char>(c));
    }
  }

  void append(std::string* into, char c) {
    if (!into) return;
    if (into->size() >= max_name_size_bytes) throw Stop{"a JSON name longer than 16 KiB"};
    *into += c;
  }

  void read_escape(std::string* into) {
    int c = source_.next();
    static constexpr std::string_view from = "\"\\/bfnrt", to = "\"\\/\b\f\n\r\t";
    if (c == 'u') {
      unsigned code = 0;
      for (int i = 0; i < 4; ++i) {
        int h = source_.next();
        int digit = h >= '0' && h <= '9'                     ? h - '0'
                    : (h | 0x20) >= 'a' && (h | 0x20) <= 'f' ? (h | 0x20) - 'a' + 10
                                                             : -1;
        if (h < 0 || digit < 0) malformed();
        code = code * 16 + static_cast<unsigned>(digit);
      }
      if (code < 0x80) return append(into, static_cast<char>(code));
      if (code >= 0xd800 && code < 0xe000) return append(into, '_');  // half of a pair: names need no more
      if (code >= 0x800) append(into, static_cast<char>(0xe0 | (code >> 12)));
      append(into, static_cast<char>(code >= 0x800 ? 0x80 | ((code >> 6) & 0x3f) : 0xc0 | (code >> 6)));
      return append(into, static_cast<char>(0x80 | (code & 0x3f)));
    }
    auto at = c < 0 ? from.npos : from.find(static_cast<char>(c));
    if (at == from.npos) malformed();
    append(into, to[at]);
  }

  // Columns whose names differ in case only are one.
  void name_columns(JsonFinding& out) {
    why_.resize(columns_.size());
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      std::string name = column_name(columns_[i].name, i);
      auto same =
          std::find_if(out.columns.begin(), out.columns.end(), [&](const JsonColumn& c) { return c.name == name; });
      if (same != out.columns.end())
        merge(same->type, columns_[i].type);
      else
        out.columns.push_back({name, columns_[i].name, columns_[i].type, why_[i]});
    }
  }

  Source source_;
  const JsonOptions& options_;
  std::vector<JsonStep> steps_;
  std::vector<Field> columns_;
  std::vector<std::string> why_;
  uint64_t records_ = 0, complete_ = 0;  // begun, and read to the end
  std::size_t field_count_ = 0;
};

}  // namespace

std::optional<JsonFinding> sniff_json(const ByteReader& read, const JsonOptions& options, std::string& why_not) {
  JsonFinding finding = Sniffer(read, options).run();
  if (finding.records > 0 && !finding.columns.empty()) return finding;
  why_not = finding.problem.empty() ? "it holds no JSON records" : finding.problem;
  return std::nullopt;
}

}  // namespace tarn::catalog::crawl
