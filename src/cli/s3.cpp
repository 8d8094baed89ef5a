#include "cli/s3.hpp"

#include <filesystem>
#include <iostream>
#include <memory>
#include <pugixml.hpp>

#include "api/wire/percent.hpp"
#include "base/error.hpp"
#include "cli/output.hpp"

namespace tarn::cli {
namespace {

namespace fs = std::filesystem;
using File = std::unique_ptr<std::FILE, int (*)(std::FILE*)>;

// Above this, an upload goes in parts.
constexpr uint64_t part_size_bytes = 64ull * 1024 * 1024;

std::string encode(std::string_view text, bool keep_slash) {
  std::string out;
  api::append_percent_encoded(out, text, keep_slash);
  return out;
}

struct Place {
  std::string bucket, key;
  std::string path() const { return "/" + bucket + (key.empty() ? "" : "/" + encode(key, true)); }
  std::string url() const { return "s3://" + bucket + "/" + key; }
};

bool is_s3(const std::string& text) {
  return text.starts_with("s3://");
}

Place parse_place(const std::string& text) {
  if (!is_s3(text)) throw Error(ErrorKind::caller, "InvalidPlace", text + " is not of the form s3://bucket/key.");
  const std::string rest = text.substr(5);
  auto slash = rest.find('/');
  Place out{rest.substr(0, slash), slash == std::string::npos ? "" : rest.substr(slash + 1)};
  if (out.bucket.empty()) throw Error(ErrorKind::caller, "InvalidPlace", text + " names no bucket.");
  return out;
}

struct Listed {
  std::string key, modified;
  uint64_t size_bytes = 0;
  bool is_prefix = false;
};

pugi::xml_document parse_xml(const std::string& body) {
  pugi::xml_document document;
  if (!document.load_buffer(body.data(), body.size()))
    throw Error(ErrorKind::outside, "BadAnswer", "The answer is no XML.");
  return document;
}

// All keys under the prefix, or with `one_level` those up to the next slash and the prefixes below.
std::vector<Listed> list(Client& client, const Place& place, bool one_level) {
  std::vector<Listed> out;
  for (std::string token;;) {
    std::string query = "list-type=2&prefix=" + encode(place.key, false);
    if (one_level) query += "&delimiter=%2F";
    if (!token.empty()) query += "&continuation-token=" + encode(token, false);
    auto document = parse_xml(client.s3("GET", "/" + place.bucket, query).body);
    auto root = document.child("ListBucketResult");
    for (auto prefix : root.children("CommonPrefixes")) out.push_back({prefix.child_value("Prefix"), "", 0, true});
    for (auto object : root.children("Contents"))
      out.push_back({object.child_value("Key"), object.child_value("LastModified"),
                     std::stoull(object.child_value("Size")), false});
    token = root.child_value("NextContinuationToken");
    if (token.empty()) return out;
  }
}

File open_file(const std::string& path, const char* mode) {
  File file(std::fopen(path.c_str(), mode), std::fclose);
  if (!file) throw Error(ErrorKind::caller, "File", path + " can't be opened.");
  return file;
}

void upload_in_parts(Client& client, std::FILE* file, uint64_t size_bytes, const Place& to) {
  auto started = parse_xml(client.s3("POST", to.path(), "uploads=").body);
  const std::string id = started.child("InitiateMultipartUploadResult").child_value("UploadId");
  const std::string upload = "uploadId=" + encode(id, false);
  try {
    std::string parts;
    int number = 1;
    for (uint64_t done = 0; done < size_bytes; done += part_size_bytes, number++) {
      const uint64_t part = std::min(part_size_bytes, size_bytes - done);
      auto answer =
          client.s3("PUT", to.path(), "partNumber=" + std::to_string(number) + "&" + upload, {}, {}, file, part);
      parts += "<Part><PartNumber>" + std::to_string(number) + "</PartNumber><ETag>" + *answer.header("ETag") +
               "</ETag></Part>";
    }
    client.s3("POST", to.path(), upload, "<CompleteMultipartUpload>" + parts + "</CompleteMultipartUpload>");
  } catch (...) {
    client.s3("DELETE", to.path(), upload);
    throw;
  }
}

void upload(Client& client, const std::string& from, const Place& to) {
  File file = open_file(from, "rb");
  const uint64_t size_bytes = fs::file_size(from);
  if (size_bytes > part_size_bytes)
    upload_in_parts(client, file.get(), size_bytes, to);
  else
    client.s3("PUT", to.path(), "", {}, {}, file.get(), size_bytes);
  std::cerr << "upload: " << from << " to " << to.url() << '\n';
}

// The file appears only when it is whole.
void download(Client& client, const Place& from, const std::string& to) {
  if (fs::path(to).has_parent_path()) fs::create_directories(fs::path(to).parent_path());
  const std::string part = to + ".part";
  {
    File file = open_file(part, "wb");
    try {
      client.s3("GET", from.path(), "", {}, {}, nullptr, 0, file.get());
    } catch (...) {
      fs::remove(part);
      throw;
    }
    if (std::fflush(file.get()) != 0) throw Error(ErrorKind::outside, "File", part + " can't be written.");
  }
  fs::rename(part, to);
  std::cerr << "download: " << from.url() << " to " << to << '\n';
}

void copy_within(Client& client, const Place& from, const Place& to) {
  client.s3("PUT", to.path(), "", {}, {{"x-amz-copy-source", from.path()}});
  std::cerr << "copy: " << from.url() << " to " << to.url() << '\n';
}

std::string base_name(const std::string& path) {
  return path.substr(path.find_last_of('/') + 1);
}

// "a/" + "b" and "a" + "/b" alike.
std::string join(const std::string& folder, const std::string& name) {
  return folder.empty() || folder.ends_with("/") ? folder + name : folder + "/" + name;
}

void copy_tree_up(Client& client, const std::string& from, const Place& to) {
  for (const auto& entry : fs::recursive_directory_iterator(from))
    if (entry.is_regular_file())
      upload(client, entry.path().string(), {to.bucket, join(to.key, fs::relative(entry.path(), from).string())});
}

int copy_one(Client& client, const std::string& from, const std::string& to) {
  if (!is_s3(from)) {
    if (fs::is_directory(from)) throw Error(ErrorKind::caller, "IsFolder", from + " is a folder: add --recursive.");
    Place place = parse_place(to);
    if (place.key.empty() || place.key.ends_with("/")) place.key += base_name(from);
    upload(client, from, place);
    return 0;
  }
  const Place source = parse_place(from);
  if (source.key.empty() || source.key.ends_with("/"))
    throw Error(ErrorKind::caller, "IsPrefix", from + " is a prefix: add --recursive.");
  if (is_s3(to)) {
    Place place = parse_place(to);
    if (place.key.empty() || place.key.ends_with("/")) place.key += base_name(source.key);
    copy_within(client, source, place);
  } else {
    download(client, source, fs::is_directory(to) || to.ends_with("/") ? join(to, base_name(source.key)) : to);
  }
  return 0;
}

}  // namespace

int s3_list(Client& client, const std::string& where, bool recursive, bool json) {
  std::vector<Row> rows;
  Value items = Value::list();
  if (where.empty() || where == "s3://") {
    for (auto bucket :
         parse_xml(client.s3("GET", "/").body).child("ListAllMyBucketsResult").child("Buckets").children("Bucket")) {
      rows.push_back({bucket.child_value("CreationDate"), bucket.child_value("Name")});
      items.push_back(
          Value::map({{"Name", bucket.child_value("Name")}, {"CreationDate", bucket.child_value("CreationDate")}}));
    }
    json ? print_json(items) : print_table({"created", "bucket"}, rows);
    return 0;
  }
  for (const Listed& object : list(client, parse_place(where), !recursive)) {
    if (object.is_prefix) {
      rows.push_back({std::nullopt, std::nullopt, object.key});
      items.push_back(Value::map({{"Prefix", object.key}}));
    } else {
      rows.push_back({object.modified, std::to_string(object.size_bytes), object.key});
      items.push_back(
          Value::map({{"Key", object.key}, {"Size", object.size_bytes}, {"LastModified", object.modified}}));
    }
  }
  json ? print_json(items) : print_table({"modified", "bytes", "key"}, rows);
  return 0;
}

int s3_copy(Client& client, const std::string& from, const std::string& to, bool recursive) {
  if (!is_s3(from) && !is_s3(to))
    throw Error(ErrorKind::caller, "InvalidPlace", "One of the two must be s3://bucket/key.");
  if (!recursive) return copy_one(client, from, to);
  if (!is_s3(from)) {
    copy_tree_up(client, from, parse_place(to));
    return 0;
  }
  const Place source = parse_place(from);
  for (const Listed& object : list(client, source, false)) {
    std::string relative = object.key.substr(source.key.size());
    relative.erase(0, relative.find_first_not_of('/'));
    if (relative.empty()) relative = base_name(object.key);
    if (relative.empty() || object.key.ends_with("/")) continue;  // a folder's marker
    if (is_s3(to)) {
      const Place target = parse_place(to);
      copy_within(client, {source.bucket, object.key}, {target.bucket, join(target.key, relative)});
    } else {
      // A key may hold "..": nothing is written outside of the folder that was named.
      if (fs::path(relative).lexically_normal().string().starts_with(".."))
        throw Error(ErrorKind::caller, "UnsafeKey", object.key + " would be written outside of " + to + ".");
      download(client, {source.bucket, object.key}, join(to, relative));
    }
  }
  return 0;
}

int s3_remove(Client& client, const std::string& where, bool recursive) {
  const Place place = parse_place(where);
  if (!recursive) {
    if (place.key.empty() || place.key.ends_with("/"))
      throw Error(ErrorKind::caller, "IsPrefix", where + " is a prefix: add --recursive.");
    client.s3("DELETE", place.path());
    std::cerr << "delete: " << place.url() << '\n';
    return 0;
  }
  for (const Listed& object : list(client, place, false)) {
    client.s3("DELETE", Place{place.bucket, object.key}.path());
    std::cerr << "delete: " << Place{place.bucket, object.key}.url() << '\n';
  }
  return 0;
}

int s3_make_bucket(Client& client, const std::string& where) {
  const std::string& region = client.target().region;
  std::string body = region == "us-east-1" ? ""
                                           : "<CreateBucketConfiguration><LocationConstraint>" + region +
                                                 "</LocationConstraint></CreateBucketConfiguration>";
  client.s3("PUT", "/" + parse_place(where).bucket, "", std::move(body));
  return 0;
}

int s3_remove_bucket(Client& client, const std::string& where, bool force) {
  const Place place = parse_place(where);
  if (force) s3_remove(client, "s3://" + place.bucket, true);
  client.s3("DELETE", "/" + place.bucket);
  return 0;
}

int s3_cat(Client& client, const std::string& where) {
  client.s3("GET", parse_place(where).path(), "", {}, {}, nullptr, 0, stdout);
  return 0;
}

}  // namespace tarn::cli
