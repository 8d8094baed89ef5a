// Loads an S3 server and tells its rate, its latency and what it used: the same client for every server that is
// compared.
//
//   load WORK --endpoint 127.0.0.1:PORT [options]
//
// WORK: get, put     of keys chosen at random, until --seconds are over or --requests are done
//       mixed        70 GETs to 30 PUTs
//       fill, drain  PUT, GET of each of --keys once
//       list         --list-keys keys from a random place, page by page
//       folders      common prefixes from the root, page by page
//       delete       each of --keys once, a thousand a request
//       upload       one object of --size bytes in parts of --part-size
//       clone        no requests: below the folder --root, copies what --from is (a file or a folder) to the path of
//       each other of --keys
// Prints one line of JSON. Requests are signed (Signature Version 4, the body's SHA-256 included), over kept-alive
// connections, one thread a client.
#include <sys/resource.h>
#include <sys/xattr.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <mutex>
#include <random>
#include <stdexcept>
#include <thread>

#include "load/http.hpp"
#include "load/server_usage.hpp"
#include "load/signature.hpp"

namespace {

using namespace load;
using Clock = std::chrono::steady_clock;

constexpr int keys_per_page = 1000;
constexpr uint64_t max_errors = 20;

struct Options {
  std::string work, host = "127.0.0.1", bucket = "bench", prefix, from, root;
  int port = 0;
  std::string access_key, secret_key, region = "us-east-1";
  int clients = 1;
  uint64_t size_bytes = 4096, part_size_bytes = 64 << 20, keys = 1000, list_keys = 10'000, requests = UINT64_MAX;
  double seconds = 1;
  bool deep = false;
  ServerUsage server;
};

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

double own_cpu_seconds() {
  rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  auto seconds = [](timeval t) { return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6; };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

std::string encoded(std::string_view text) {
  std::string out;
  for (unsigned char c : text) {
    if (std::isalnum(c) || std::strchr("-_.~", c)) {
      out += static_cast<char>(c);
    } else {
      char hex[4];
      std::snprintf(hex, sizeof hex, "%%%02X", c);
      out += hex;
    }
  }
  return out;
}

// The text of the first element of that name, or nothing.
std::string element(const std::string& xml, const std::string& name) {
  const std::size_t begin = xml.find("<" + name + ">");
  if (begin == xml.npos) return {};
  const std::size_t from = begin + name.size() + 2;
  return xml.substr(from, xml.find('<', from) - from);
}

uint64_t count(std::string_view text, std::string_view part) {
  uint64_t out = 0;
  for (std::size_t at = text.find(part); at != text.npos; at = text.find(part, at + part.size())) ++out;
  return out;
}

// What all clients share.
struct Load {
  Options options;
  std::string body, body_sha256;
  std::atomic<uint64_t> next{0}, bytes{0}, errors{0}, items{0};
  std::mutex mutex;
  std::string first_error;
  std::vector<double> latencies_us;
  Clock::time_point start;

  std::string key(uint64_t i) const {
    char text[40];
    if (options.deep)
      std::snprintf(text, sizeof text, "%02u/%02u/%08llu", static_cast<unsigned>(i / 10'000 % 100),
                    static_cast<unsigned>(i / 100 % 100), static_cast<unsigned long long>(i));
    else
      std::snprintf(text, sizeof text, "%08llu", static_cast<unsigned long long>(i));
    return options.prefix + text;
  }
  void failed(const std::string& why) {
    ++errors;
    std::lock_guard lock(mutex);
    if (first_error.empty()) first_error = why;
  }
};

class Client {
 public:
  Client(Load& load, unsigned seed)
      : load_(load),
        options_(load.options),
        connection_(options_.host, options_.port),
        signer_(options_.access_key, options_.secret_key, options_.region),
        random_(seed),
        host_(options_.host + ":" + std::to_string(options_.port)) {}

  Response send(std::string_view method, const std::string& key, const std::string& query, std::string_view body,
                std::string_view body_sha256, bool keep_body, std::string_view more_headers = {}) {
    const std::string path = "/" + options_.bucket + (key.empty() ? "" : "/" + key);
    std::string head;
    head.append(method).append(" ").append(path);
    if (!query.empty()) head.append("?").append(query);
    head.append(" HTTP/1.1\r\n").append(signer_.headers(method, host_, path, query, body_sha256)).append(more_headers);
    if (method == "PUT" || method == "POST")
      head.append("Content-Length: ").append(std::to_string(body.size())).append("\r\n");
    head.append("\r\n");
    Response response = connection_.exchange(head, body, keep_body);
    if (response.status >= 300)
      throw std::runtime_error(std::to_string(response.status) + " " + std::string(method) + " " + path + " " +
                               response.body.substr(0, 300));
    return response;
  }

  void get(uint64_t i) { load_.bytes += send("GET", load_.key(i), "", {}, empty_sha256_, false).size_bytes; }
  void put(uint64_t i) {
    send("PUT", load_.key(i), "", load_.body, load_.body_sha256, false);
    load_.bytes += load_.body.size();
  }
  uint64_t any_key() { return random_() % options_.keys; }
  void mixed() {
    if (random_() % 10 < 7)
      get(any_key());
    else
      put(any_key());
  }

  void list(const std::string& delimiter) {
    const bool folders = !delimiter.empty();
    uint64_t found = 0;
    const uint64_t from = options_.keys > options_.list_keys ? random_() % (options_.keys - options_.list_keys) : 0;
    std::string after = folders ? "" : load_.key(from), token;
    do {
      std::string query;
      if (!token.empty()) query += "continuation-token=" + encoded(token) + "&";
      if (folders) query += "delimiter=" + encoded(delimiter) + "&";
      query += "list-type=2&max-keys=" + std::to_string(keys_per_page) + "&prefix=" + encoded(options_.prefix);
      if (token.empty() && !after.empty()) query += "&start-after=" + encoded(after);
      const Response page = send("GET", "", query, {}, empty_sha256_, true);
      found += count(page.body, folders ? "<CommonPrefixes>" : "<Key>");
      load_.bytes += page.size_bytes;
      token = element(page.body, "NextContinuationToken");
    } while (!token.empty() && found < options_.list_keys);
    load_.items += found;
  }

  void erase(uint64_t first) {
    std::string xml = "<Delete xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Quiet>true</Quiet>";
    const uint64_t end = std::min<uint64_t>(options_.keys, first + keys_per_page);
    for (uint64_t i = first; i < end; ++i) xml += "<Object><Key>" + load_.key(i) + "</Key></Object>";
    xml += "</Delete>";
    const Response response =
        send("POST", "", "delete=", xml, sha256_hex(xml), true, "Content-MD5: " + md5_base64(xml) + "\r\n");
    if (response.body.find("<Error>") != response.body.npos) throw std::runtime_error(response.body.substr(0, 300));
    load_.items += end - first;
  }

  std::string begin_upload() {
    return element(send("POST", load_.key(0), "uploads=", {}, empty_sha256_, true).body, "UploadId");
  }
  std::string put_part(const std::string& upload, uint64_t number) {
    const Response part =
        send("PUT", load_.key(0), "partNumber=" + std::to_string(number) + "&uploadId=" + encoded(upload), load_.body,
             load_.body_sha256, false);
    load_.bytes += load_.body.size();
    return part.header("etag");
  }
  void end_upload(const std::string& upload, const std::vector<std::string>& etags) {
    std::string xml = "<CompleteMultipartUpload xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">";
    for (std::size_t i = 0; i < etags.size(); ++i)
      xml += "<Part><PartNumber>" + std::to_string(i + 1) + "</PartNumber><ETag>" + etags[i] + "</ETag></Part>";
    xml += "</CompleteMultipartUpload>";
    const Response response = send("POST", load_.key(0), "uploadId=" + encoded(upload), xml, sha256_hex(xml), true);
    if (response.body.find("<Error>") != response.body.npos) throw std::runtime_error(response.body.substr(0, 300));
  }

 private:
  Load& load_;
  const Options& options_;
  Connection connection_;
  Signer signer_;
  std::minstd_rand random_;
  const std::string host_, empty_sha256_ = sha256_hex("");
};

// One client in a thread: `operation` with a rising number until time or numbers end.
void run_client(Load& load, unsigned seed, uint64_t total, bool timed,
                const std::function<void(Client&, uint64_t)>& operation) {
  Client client(load, seed);
  std::vector<double> latencies;
  while (load.errors < max_errors && !(timed && seconds_since(load.start) >= load.options.seconds)) {
    const uint64_t i = load.next++;
    if (i >= total) break;
    const auto began = Clock::now();
    try {
      operation(client, i);
      latencies.push_back(seconds_since(began) * 1e6);
    } catch (const std::exception& error) {
      load.failed(error.what());
    }
  }
  std::lock_guard lock(load.mutex);
  load.latencies_us.insert(load.latencies_us.end(), latencies.begin(), latencies.end());
}

void run_clients(Load& load, uint64_t total, bool timed, const std::function<void(Client&, uint64_t)>& operation) {
  std::vector<std::thread> threads;
  for (int t = 0; t < load.options.clients; ++t)
    threads.emplace_back([&, t] { run_client(load, 17u + static_cast<unsigned>(t), total, timed, operation); });
  for (auto& thread : threads) thread.join();
}

std::string content_of(const std::filesystem::path& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::vector<std::pair<std::string, std::string>> attributes_of(const std::filesystem::path& path) {
  std::string names(16 * 1024, '\0');
  names.resize(static_cast<std::size_t>(std::max<ssize_t>(0, listxattr(path.c_str(), names.data(), names.size()))));
  std::vector<std::pair<std::string, std::string>> out;
  for (std::size_t at = 0; at < names.size(); at += out.back().first.size() + 1) {
    const std::string name = names.c_str() + at;
    std::string value(64 * 1024, '\0');
    value.resize(static_cast<std::size_t>(
        std::max<ssize_t>(0, getxattr(path.c_str(), name.c_str(), value.data(), value.size()))));
    out.emplace_back(name, value);
  }
  return out;
}

void upload(Load& load) {
  const uint64_t parts = (load.options.size_bytes + load.options.part_size_bytes - 1) / load.options.part_size_bytes;
  Client first(load, 1);
  const std::string id = first.begin_upload();
  if (id.empty()) throw std::runtime_error("no UploadId in the answer");
  std::vector<std::string> etags(parts);
  run_clients(load, parts, false, [&](Client& c, uint64_t i) { etags[i] = c.put_part(id, i + 1); });
  if (!load.errors) first.end_upload(id, etags);
}

// A server's folder filled from behind, with all attributes of `from`: for peers that take minutes for as many PUTs.
void clone(const Load& load) {
  namespace fs = std::filesystem;
  const fs::path from = load.options.from, root = load.options.root;
  std::vector<std::pair<std::string, std::string>> files;  // name within the folder ("" for a file) to content
  if (fs::is_directory(from))
    for (const auto& entry : fs::directory_iterator(from))
      files.emplace_back(entry.path().filename(), content_of(entry.path()));
  else
    files.emplace_back("", content_of(from));
  const auto attributes = attributes_of(from);
  fs::path made;
  for (uint64_t i = 1; i < load.options.keys; ++i) {
    const fs::path to = root / load.key(i);
    if (const fs::path parent = to.parent_path(); parent != made) fs::create_directories(made = parent);
    if (fs::is_directory(from)) fs::create_directory(to);
    for (const auto& [name, content] : files) std::ofstream(name.empty() ? to : to / name) << content;
    for (const auto& [name, value] : attributes)
      if (setxattr(to.c_str(), name.c_str(), value.data(), value.size(), 0) != 0)
        throw std::runtime_error(to.string() + ": " + std::strerror(errno));
  }
}

void run(Load& load) {
  const std::string& work = load.options.work;
  const uint64_t keys = load.options.keys, requests = load.options.requests;
  if (work == "get")
    run_clients(load, requests, true, [](Client& c, uint64_t) { c.get(c.any_key()); });
  else if (work == "put")
    run_clients(load, requests, true, [&](Client& c, uint64_t i) { c.put(i % keys); });
  else if (work == "mixed")
    run_clients(load, requests, true, [](Client& c, uint64_t) { c.mixed(); });
  else if (work == "list" || work == "folders")
    run_clients(load, requests, true, [&](Client& c, uint64_t) { c.list(work == "folders" ? "/" : ""); });
  else if (work == "fill")
    run_clients(load, keys, false, [](Client& c, uint64_t i) { c.put(i); });
  else if (work == "drain")
    run_clients(load, keys, false, [](Client& c, uint64_t i) { c.get(i); });
  else if (work == "delete")
    run_clients(load, (keys + keys_per_page - 1) / keys_per_page, false,
                [](Client& c, uint64_t i) { c.erase(i * keys_per_page); });
  else if (work == "upload")
    upload(load);
  else if (work == "clone")
    clone(load);
  else
    throw std::runtime_error("no such work: " + work);
}

std::string json_text(std::string_view text) {
  std::string out;
  for (unsigned char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c < 0x20 ? ' ' : static_cast<char>(c);
  }
  return out;
}

void report(Load& load, double seconds, double server_cpu, double own_cpu) {
  auto& times = load.latencies_us;
  std::ranges::sort(times);
  const auto at = [&](double share) {
    return times.empty()
               ? 0
               : times[std::min(times.size() - 1, static_cast<std::size_t>(share * static_cast<double>(times.size())))];
  };
  const double done = std::max<double>(1, static_cast<double>(times.size()));
  std::printf(
      "{\"ops\": %zu, \"items\": %llu, \"seconds\": %.4f, \"ops_per_s\": %.2f, \"mb_per_s\": %.2f, \"p50_us\": %.1f, "
      "\"p99_us\": %.1f, \"server_cpu_us\": %.2f, \"client_cpu_us\": %.2f, \"server_peak_mb\": %.1f, \"errors\": %llu, "
      "\"error\": \"%s\"}\n",
      times.size(), static_cast<unsigned long long>(load.items), seconds, static_cast<double>(times.size()) / seconds,
      static_cast<double>(load.bytes) / seconds / 1e6, at(0.5), at(0.99), server_cpu * 1e6 / done, own_cpu * 1e6 / done,
      load.options.server.peak_mb(), static_cast<unsigned long long>(load.errors), json_text(load.first_error).c_str());
}

Options parse(int argc, char** argv) {
  Options out;
  out.work = argc > 1 ? argv[1] : "";
  for (int i = 2; i < argc; ++i) {
    const std::string_view name = argv[i];
    if (name == "--deep") {
      out.deep = true;
      continue;
    }
    if (i + 1 == argc) throw std::runtime_error(std::string(name) + " needs a value");
    const std::string value = argv[++i];
    if (name == "--endpoint") {
      out.host = value.substr(0, value.find(':'));
      out.port = std::stoi(value.substr(value.find(':') + 1));
    } else if (name == "--bucket") {
      out.bucket = value;
    } else if (name == "--access-key") {
      out.access_key = value;
    } else if (name == "--secret-key") {
      out.secret_key = value;
    } else if (name == "--from") {
      out.from = value;
    } else if (name == "--root") {
      out.root = value;
    } else if (name == "--prefix") {
      out.prefix = value;
    } else if (name == "--clients") {
      out.clients = std::stoi(value);
    } else if (name == "--size") {
      out.size_bytes = std::stoull(value);
    } else if (name == "--part-size") {
      out.part_size_bytes = std::stoull(value);
    } else if (name == "--keys") {
      out.keys = std::stoull(value);
    } else if (name == "--list-keys") {
      out.list_keys = std::stoull(value);
    } else if (name == "--requests") {
      out.requests = std::stoull(value);
    } else if (name == "--seconds") {
      out.seconds = std::stod(value);
    } else if (name == "--pid") {
      out.server.pids.push_back(std::stoi(value));
    } else {
      throw std::runtime_error("no such option: " + std::string(name));
    }
  }
  return out;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    Load load;
    load.options = parse(argc, argv);
    const bool parts = load.options.work == "upload";
    std::minstd_rand random(7);
    load.body.resize(parts ? load.options.part_size_bytes : load.options.size_bytes);
    for (std::size_t i = 0; i < load.body.size(); i += 2) load.body[i] = static_cast<char>(random());
    load.body_sha256 = sha256_hex(load.body);
    load.options.server.forget_peak();
    const double server_before = load.options.server.cpu_seconds(), own_before = own_cpu_seconds();
    load.start = Clock::now();
    run(load);
    const double seconds = seconds_since(load.start);
    report(load, seconds, load.options.server.cpu_seconds() - server_before, own_cpu_seconds() - own_before);
    return load.errors ? 2 : 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "load: %s\n", error.what());
    return 1;
  }
}
