#include "cli/s3.hpp"

#include <filesystem>
#include <iostream>
#include <pugixml.hpp>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "cli/output.hpp"
#include "cli/s3_sync.hpp"
#include "cli/s3_transfer.hpp"

namespace tarn::cli {
namespace {

namespace fs = std::filesystem;

pugi::xml_document parse_xml(const std::string& body) {
  pugi::xml_document document;
  if (!document.load_buffer(body.data(), body.size()))
    throw Error(ErrorKind::outside, "BadAnswer", "The answer is no XML.");
  return document;
}

std::string base_name(const std::string& path) {
  return path.substr(path.find_last_of('/') + 1);
}

// "a/" + "b" and "a" + "/b" alike.
std::string join(const std::string& folder, const std::string& name) {
  return folder.empty() || folder.ends_with("/") ? folder + name : folder + "/" + name;
}

// What a listing would tell of it.
Listed find_object(Client& client, const Place& place) {
  auto answer = client.s3("HEAD", place.path());
  auto told = [&](const char* name) {
    const std::string* value = answer.header(name);
    return value ? *value : std::string();
  };
  Listed out{place.key, "", std::strtoull(told("Content-Length").c_str(), nullptr, 10), false, told("ETag")};
  std::erase(out.etag, '"');
  if (auto modified = parse_http_date(told("Last-Modified"))) out.modified = format_iso8601(*modified);
  return out;
}

int copy_one(Client& client, const std::string& from, const std::string& to) {
  if (!is_s3(from)) {
    if (fs::is_directory(from)) throw Error(ErrorKind::caller, "IsFolder", from + " is a folder: add --recursive.");
    Place place = parse_place(to);
    if (place.key.empty() || place.key.ends_with("/")) place.key += base_name(from);
    upload_file(client, from, place);
    std::cerr << "upload: " << from << " to " << place.url() << '\n';
    return 0;
  }
  const Place source = parse_place(from);
  if (source.key.empty() || source.key.ends_with("/"))
    throw Error(ErrorKind::caller, "IsPrefix", from + " is a prefix: add --recursive.");
  const Listed found = find_object(client, source);
  if (is_s3(to)) {
    Place place = parse_place(to);
    if (place.key.empty() || place.key.ends_with("/")) place.key += base_name(source.key);
    copy_object(client, source, found.size_bytes, place);
    std::cerr << "copy: " << source.url() << " to " << place.url() << '\n';
  } else {
    const std::string file = fs::is_directory(to) || to.ends_with("/") ? join(to, base_name(source.key)) : to;
    download_object(client, source, found, file);
    std::cerr << "download: " << source.url() << " to " << file << '\n';
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
  for (const Listed& object : list_objects(client, parse_place(where), !recursive)) {
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
  SyncOptions options;
  options.from = from;
  options.to = to;
  options.always = true;
  return s3_sync(client.target(), client.target(), options);
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
  for (const Listed& object : list_objects(client, place, false)) {
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
