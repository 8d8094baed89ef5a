#include "catalog/crawl/parquet_footer.hpp"

#include <utility>

namespace tarn::catalog::crawl {
namespace {

struct Malformed {
  std::string why;
};

// Thrift's compact protocol.
class Thrift {
 public:
  explicit Thrift(std::string_view bytes) : bytes_(bytes) {}

  enum Type {
    stop = 0,
    true_ = 1,
    false_ = 2,
    byte = 3,
    i16 = 4,
    i32 = 5,
    i64 = 6,
    double_ = 7,
    binary = 8,
    list = 9,
    set = 10,
    map = 11,
    struct_ = 12
  };

  struct FieldHead {
    int id;
    int type;
  };

  uint8_t read_byte() {
    if (at_ >= bytes_.size()) throw Malformed{"its footer ends too early"};
    return static_cast<uint8_t>(bytes_[at_++]);
  }
  uint64_t read_varint() {
    uint64_t out = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      uint8_t b = read_byte();
      out |= static_cast<uint64_t>(b & 0x7f) << shift;
      if (!(b & 0x80)) return out;
    }
    throw Malformed{"its footer has a malformed number"};
  }
  int64_t read_int() {
    uint64_t z = read_varint();
    return static_cast<int64_t>(z >> 1) ^ -static_cast<int64_t>(z & 1);
  }
  std::string_view read_binary() {
    uint64_t size = read_varint();
    if (size > bytes_.size() - at_) throw Malformed{"its footer ends too early"};
    auto out = bytes_.substr(at_, size);
    at_ += size;
    return out;
  }
  // The next field of a struct; type `stop` at its end. `id` is the id before, and becomes the new one.
  FieldHead read_field(int& id) {
    uint8_t head = read_byte();
    if (head == 0) return {0, stop};
    int delta = head >> 4;
    id = delta ? id + delta : static_cast<int>(read_int());
    return {id, head & 0x0f};
  }
  std::pair<uint64_t, int> read_list() {
    uint8_t head = read_byte();
    uint64_t size = head >> 4;
    if (size == 15) size = read_varint();
    if (size > bytes_.size() - at_) throw Malformed{"its footer has a malformed list"};
    return {size, head & 0x0f};
  }
  void skip(int type, int depth = 0) {
    if (depth > 64) throw Malformed{"its footer is nested too deep"};
    switch (type) {
      case true_:
      case false_:
        return;
      case byte:
        read_byte();
        return;
      case i16:
      case i32:
      case i64:
        read_varint();
        return;
      case double_:
        for (int i = 0; i < 8; ++i) read_byte();
        return;
      case binary:
        read_binary();
        return;
      case list:
      case set: {
        auto [size, element] = read_list();
        for (uint64_t i = 0; i < size; ++i) skip_element(element, depth + 1);
        return;
      }
      case map: {
        uint64_t size = read_varint();
        if (size == 0) return;
        if (size > bytes_.size() - at_) throw Malformed{"its footer has a malformed map"};
        uint8_t types = read_byte();
        for (uint64_t i = 0; i < size; ++i) {
          skip_element(types >> 4, depth + 1);
          skip_element(types & 0x0f, depth + 1);
        }
        return;
      }
      case struct_: {
        int id = 0;
        for (auto f = read_field(id); f.type != stop; f = read_field(id)) skip(f.type, depth + 1);
        return;
      }
      default:
        throw Malformed{"its footer has a field of unknown type"};
    }
  }

 private:
  // In containers a boolean takes a byte.
  void skip_element(int type, int depth) {
    if (type == true_ || type == false_)
      read_byte();
    else
      skip(type, depth);
  }

  std::string_view bytes_;
  std::size_t at_ = 0;
};

enum Physical { boolean = 0, int32 = 1, int64 = 2, int96 = 3, float_ = 4, double_ = 5, byte_array = 6, fixed = 7 };
enum Converted {
  utf8 = 0,
  map = 1,
  map_key_value = 2,
  list = 3,
  enum_ = 4,
  decimal = 5,
  date = 6,
  time_millis = 7,
  time_micros = 8,
  timestamp_millis = 9,
  timestamp_micros = 10,
  uint_8 = 11,
  uint_16 = 12,
  uint_32 = 13,
  uint_64 = 14,
  int_8 = 15,
  int_16 = 16,
  int_32 = 17,
  int_64 = 18,
  json = 19
};
// Fields of the union LogicalType.
enum Logical {
  l_none = 0,
  l_string = 1,
  l_map = 2,
  l_list = 3,
  l_enum = 4,
  l_decimal = 5,
  l_date = 6,
  l_time = 7,
  l_timestamp = 8,
  l_integer = 10,
  l_json = 12,
  l_uuid = 14
};

struct Element {
  int physical = -1, repetition = 0, converted = -1, logical = l_none;
  int64_t children = 0, scale = 0, precision = 0, bit_width = 0;
  bool is_signed = true;
  std::string name;
};

void read_logical(Thrift& in, Element& e) {
  int id = 0;
  for (auto f = in.read_field(id); f.type != Thrift::stop; f = in.read_field(id)) {
    e.logical = f.id;
    if ((f.id != l_decimal && f.id != l_integer) || f.type != Thrift::struct_) {
      in.skip(f.type);
      continue;
    }
    int inner = 0;
    for (auto g = in.read_field(inner); g.type != Thrift::stop; g = in.read_field(inner)) {
      if (f.id == l_decimal && g.type == Thrift::i32)
        (g.id == 1 ? e.scale : e.precision) = in.read_int();
      else if (f.id == l_integer && g.id == 1 && g.type == Thrift::byte)
        e.bit_width = in.read_byte();
      else if (f.id == l_integer && g.id == 2)
        e.is_signed = g.type == Thrift::true_;
      else
        in.skip(g.type);
    }
  }
}

Element read_element(Thrift& in) {
  Element e;
  int id = 0;
  for (auto f = in.read_field(id); f.type != Thrift::stop; f = in.read_field(id)) {
    bool number = f.type == Thrift::i32;
    if (f.id == 1 && number)
      e.physical = static_cast<int>(in.read_int());
    else if (f.id == 3 && number)
      e.repetition = static_cast<int>(in.read_int());
    else if (f.id == 4 && f.type == Thrift::binary)
      e.name = in.read_binary();
    else if (f.id == 5 && number)
      e.children = in.read_int();
    else if (f.id == 6 && number)
      e.converted = static_cast<int>(in.read_int());
    else if (f.id == 7 && number)
      e.scale = in.read_int();
    else if (f.id == 8 && number)
      e.precision = in.read_int();
    else if (f.id == 10 && f.type == Thrift::struct_)
      read_logical(in, e);
    else
      in.skip(f.type);
  }
  return e;
}

const char* integer_name(const Element& e) {
  int64_t bits = e.logical == l_integer ? e.bit_width : 0;
  bool is_unsigned = e.logical == l_integer && !e.is_signed;
  switch (e.converted) {
    case int_8:
      bits = 8;
      break;
    case int_16:
      bits = 16;
      break;
    case uint_8:
      bits = 8;
      is_unsigned = true;
      break;
    case uint_16:
      bits = 16;
      is_unsigned = true;
      break;
    case uint_32:
      bits = 32;
      is_unsigned = true;
      break;
    default:
      break;
  }
  if (bits == 0) bits = e.physical == int64 ? 64 : 32;
  if (is_unsigned) bits *= 2;  // Hive has no unsigned types: the next wider one holds the values
  return bits <= 8 ? "tinyint" : bits <= 16 ? "smallint" : bits <= 32 ? "int" : "bigint";
}

DataType leaf(const Element& e) {
  if (e.converted == decimal || e.logical == l_decimal)
    return DataType::scalar("decimal(" + std::to_string(e.precision) + "," + std::to_string(e.scale) + ")");
  switch (e.physical) {
    case boolean:
      return DataType::scalar("boolean");
    case int32:
      if (e.converted == date || e.logical == l_date) return DataType::scalar("date");
      return DataType::scalar(integer_name(e));
    case int64:
      if (e.converted == timestamp_millis || e.converted == timestamp_micros || e.logical == l_timestamp)
        return DataType::scalar("timestamp");
      return DataType::scalar(integer_name(e));
    case int96:
      return DataType::scalar("timestamp");
    case float_:
      return DataType::scalar("float");
    case double_:
      return DataType::scalar("double");
    case byte_array: {
      bool text = e.converted == utf8 || e.converted == enum_ || e.converted == json || e.logical == l_string ||
                  e.logical == l_enum || e.logical == l_json;
      return DataType::scalar(text ? "string" : "binary");
    }
    case fixed:
      return DataType::scalar("binary");
    default:
      throw Malformed{"its schema has a column of unknown type"};
  }
}

// Builds the tree from the schema's elements, which stand in depth-first order.
class Tree {
 public:
  explicit Tree(std::vector<Element> elements) : elements_(std::move(elements)) {}

  std::vector<Field> columns() {
    if (elements_.empty()) throw Malformed{"its schema is empty"};
    at_ = 1;
    std::vector<Field> out;
    for (int64_t i = 0; i < elements_[0].children; ++i) out.push_back(field(0));
    return out;
  }

 private:
  Field field(int depth) {
    if (depth > 64 || at_ >= elements_.size()) throw Malformed{"its schema is malformed"};
    const Element& e = elements_[at_++];
    Field out{e.name, e.children > 0 ? group(e, depth) : leaf(e)};
    if (e.repetition == 2) out.type = DataType::array(std::move(out.type));  // repeated without a LIST around it
    return out;
  }

  DataType group(const Element& e, int depth) {
    DataType record;
    record.kind = DataType::Kind::record;
    for (int64_t i = 0; i < e.children; ++i) record.fields.push_back(field(depth + 1));
    bool is_list = e.converted == list || e.logical == l_list,
         is_map = e.converted == map || e.converted == map_key_value || e.logical == l_map;
    if (record.fields.size() != 1 || record.fields[0].type.kind != DataType::Kind::array) return record;
    Field& repeated = record.fields[0];
    DataType element = repeated.type.fields[0].type;
    bool pair = element.kind == DataType::Kind::record && element.fields.size() == 2;
    if (is_map && pair) return DataType::map(element.fields[0].type, element.fields[1].type);
    if (!is_list) return record;
    // LogicalTypes, Lists, backward compatibility: a repeated group with one field is a wrapper, unless it is named as
    // an element.
    bool wrapper = element.kind == DataType::Kind::record && element.fields.size() == 1 && repeated.name != "array" &&
                   repeated.name != e.name + "_tuple";
    return DataType::array(wrapper ? element.fields[0].type : element);
  }

  std::vector<Element> elements_;
  std::size_t at_ = 0;
};

}  // namespace

std::optional<std::size_t> parquet_footer_size_bytes(std::string_view tail) {
  if (tail.size() != parquet_tail_size_bytes || !tail.ends_with("PAR1")) return std::nullopt;
  std::size_t size = 0;
  for (int i = 3; i >= 0; --i) size = size << 8 | static_cast<unsigned char>(tail[static_cast<std::size_t>(i)]);
  return size;
}

std::optional<ParquetFinding> read_parquet_footer(std::string_view footer, std::string& why_not) {
  try {
    Thrift in(footer);
    ParquetFinding out;
    std::vector<Element> elements;
    bool counted = false;
    int id = 0;
    for (auto f = in.read_field(id); f.type != Thrift::stop; f = in.read_field(id)) {
      if (f.id == 2 && f.type == Thrift::list) {
        auto [size, type] = in.read_list();
        if (type != Thrift::struct_) throw Malformed{"its schema is malformed"};
        for (uint64_t i = 0; i < size; ++i) elements.push_back(read_element(in));
      } else if (f.id == 3 && f.type == Thrift::i64) {
        int64_t rows = in.read_int();
        out.records = rows > 0 ? static_cast<uint64_t>(rows) : 0;
        counted = true;
      } else {
        in.skip(f.type);
      }
      if (counted && !elements.empty()) break;  // what follows are row groups, which can be many
    }
    out.columns = Tree(std::move(elements)).columns();
    return out;
  } catch (const Malformed& m) {
    why_not = m.why;
    return std::nullopt;
  }
}

}  // namespace tarn::catalog::crawl
