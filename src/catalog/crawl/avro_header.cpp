#include "catalog/crawl/avro_header.hpp"

#include <map>

#include "base/error.hpp"
#include "base/json.hpp"

namespace tarn::catalog::crawl {
namespace {

struct Malformed {
  std::string why;
};

class Input {
 public:
  explicit Input(std::string_view bytes) : bytes_(bytes) {}
  int64_t read_long() {
    uint64_t z = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      if (at_ >= bytes_.size()) throw Malformed{"its header is too long or cut"};
      auto b = static_cast<unsigned char>(bytes_[at_++]);
      z |= static_cast<uint64_t>(b & 0x7f) << shift;
      if (!(b & 0x80)) return static_cast<int64_t>(z >> 1) ^ -static_cast<int64_t>(z & 1);
    }
    throw Malformed{"its header has a malformed number"};
  }
  std::string_view read_bytes() {
    int64_t size = read_long();
    if (size < 0 || static_cast<uint64_t>(size) > bytes_.size() - at_) throw Malformed{"its header is too long or cut"};
    auto out = bytes_.substr(at_, static_cast<std::size_t>(size));
    at_ += static_cast<std::size_t>(size);
    return out;
  }

 private:
  std::string_view bytes_;
  std::size_t at_ = 0;
};

// The schema text among the header's metadata.
std::string find_schema(Input in) {
  for (int64_t blocks = 0; blocks < 1000; ++blocks) {
    int64_t count = in.read_long();
    if (count == 0) break;
    if (count < 0) {
      count = -count;
      in.read_long();  // the block's size
    }
    for (int64_t i = 0; i < count; ++i) {
      auto name = in.read_bytes();
      auto value = in.read_bytes();
      if (name == "avro.schema") return std::string(value);
    }
  }
  throw Malformed{"its header names no schema"};
}

class Translator {
 public:
  DataType translate(const Value& schema, int depth = 0) {
    if (depth > 64) throw Malformed{"its schema is nested too deep"};
    if (schema.is_string()) return named(schema.as_string(), depth);
    if (schema.is_list()) return one_of(schema.as_list(), depth);
    const Value& type = schema.at("type");
    if (!type.is_string()) return translate(type, depth + 1);
    const std::string& name = type.as_string();
    if (name == "record" || name == "error") return record(schema, depth);
    if (name == "array") return DataType::array(translate(schema.at("items"), depth + 1));
    if (name == "map") return DataType::map(DataType::scalar("string"), translate(schema.at("values"), depth + 1));
    DataType out = logical(schema, name);
    if (const Value* own = schema.find("name"); own && own->is_string()) names_[own->as_string()] = out;  // enum, fixed
    return out;
  }

 private:
  DataType record(const Value& schema, int depth) {
    DataType out;
    out.kind = DataType::Kind::record;
    std::string name = schema.string_or("name");
    names_[name] = DataType::scalar("string");  // Hive has no recursive types
    for (const Value& field : schema.at("fields").as_list())
      out.fields.push_back({field.at("name").as_string(), translate(field.at("type"), depth + 1)});
    names_[name] = out;
    return out;
  }

  DataType one_of(const ValueList& types, int depth) {
    DataType out;
    for (const Value& t : types) {
      if (t.is_string() && t.as_string() == "null") continue;
      merge(out, translate(t, depth + 1));
    }
    return out;
  }

  DataType named(const std::string& name, int depth) {
    auto known = names_.find(name);
    if (known == names_.end()) {  // by its full name
      auto dot = name.rfind('.');
      if (dot != name.npos) known = names_.find(name.substr(dot + 1));
    }
    if (known != names_.end()) return depth > 32 ? DataType::scalar("string") : known->second;
    return logical({}, name);
  }

  static DataType logical(const Value& schema, const std::string& name) {
    std::string as = schema.string_or("logicalType");
    if (name == "int") return DataType::scalar(as == "date" ? "date" : "int");
    if (name == "long")
      return DataType::scalar(as.starts_with("timestamp") || as.starts_with("local-timestamp") ? "timestamp"
                                                                                               : "bigint");
    if ((name == "bytes" || name == "fixed") && as == "decimal")
      return DataType::scalar("decimal(" + std::to_string(schema.int_or("precision", 10)) + "," +
                              std::to_string(schema.int_or("scale")) + ")");
    if (name == "bytes" || name == "fixed") return DataType::scalar("binary");
    if (name == "boolean" || name == "float" || name == "double" || name == "string") return DataType::scalar(name);
    if (name == "enum") return DataType::scalar("string");
    if (name == "null") return {};
    throw Malformed{"its schema has the unknown type " + name};
  }

  std::map<std::string, DataType> names_;
};

}  // namespace

std::optional<AvroFinding> read_avro_header(std::string_view head, std::string& why_not) {
  try {
    if (!head.starts_with(std::string_view("Obj\x01", 4))) throw Malformed{"it does not begin as Avro files do"};
    AvroFinding out;
    out.schema = find_schema(Input(head.substr(4)));
    DataType type = Translator().translate(parse_json(out.schema));
    if (type.kind != DataType::Kind::record) throw Malformed{"its values are no records"};
    out.columns = std::move(type.fields);
    return out;
  } catch (const Malformed& m) {
    why_not = m.why;
  } catch (const Error& e) {
    why_not = "its schema is malformed: " + e.message();
  }
  return std::nullopt;
}

}  // namespace tarn::catalog::crawl
