#include "catalog/crawl/classify.hpp"

#include <bzlib.h>
#include <gtest/gtest.h>
#include <zlib.h>
#include <zstd.h>

#include <cstdlib>
#include <cstring>
#include <fstream>
#include <sstream>

#include "base/json.hpp"

namespace tarn::catalog::crawl {
namespace {

FileBytes over(const std::string& content) {
  FileBytes bytes;
  bytes.size_bytes = content.size();
  bytes.read_at = [&content](uint64_t offset, char* into, std::size_t size) {
    if (offset >= content.size()) return std::size_t{0};
    std::size_t n = std::min<std::size_t>(size, content.size() - offset);
    std::memcpy(into, content.data() + offset, n);
    return n;
  };
  return bytes;
}

std::string shape(const FileFinding& f) {
  if (f.format == Format::unknown) return "unknown: " + f.why_unknown;
  std::string out = std::string(name_of(f.format)) + " " + name_of(f.compression) + " " + std::to_string(f.records);
  for (const auto& c : f.columns) out += " " + c.name + ":" + hive_text(c.type);
  return out;
}
std::string shape(const std::string& content, const char* key = "file", const ClassifyOptions& options = {}) {
  return shape(classify_file(key, over(content), options));
}

std::string gzip(const std::string& text) {
  z_stream z{};
  deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
  std::string out(deflateBound(&z, text.size()) + 64, '\0');
  z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  z.avail_in = static_cast<uInt>(text.size());
  z.next_out = reinterpret_cast<Bytef*>(out.data());
  z.avail_out = static_cast<uInt>(out.size());
  deflate(&z, Z_FINISH);
  out.resize(z.total_out);
  deflateEnd(&z);
  return out;
}
std::string zstd(const std::string& text) {
  std::string out(ZSTD_compressBound(text.size()), '\0');
  out.resize(ZSTD_compress(out.data(), out.size(), text.data(), text.size(), 3));
  return out;
}
std::string bzip2(const std::string& text) {
  auto size = static_cast<unsigned>(text.size() * 2 + 1000);
  std::string out(size, '\0');
  BZ2_bzBuffToBuffCompress(out.data(), &size, const_cast<char*>(text.data()), static_cast<unsigned>(text.size()), 9, 0,
                           0);
  out.resize(size);
  return out;
}

const std::string csv = "id,name\n1,a\n2,b\n";

TEST(Classify, CompressedTextIsReadInside) {
  EXPECT_EQ(shape(csv), "csv none 2 id:bigint name:string");
  EXPECT_EQ(shape(gzip(csv)), "csv gzip 2 id:bigint name:string");
  EXPECT_EQ(shape(gzip(csv) + gzip("3,c\n")), "csv gzip 3 id:bigint name:string");
  EXPECT_EQ(shape(zstd(csv) + zstd("3,c\n")), "csv zstd 3 id:bigint name:string");
  EXPECT_EQ(shape(bzip2(csv) + bzip2("3,c\n")), "csv bzip2 3 id:bigint name:string");
  EXPECT_EQ(shape(gzip("{\"a\":1}\n")), "json gzip 1 a:bigint");
}

TEST(Classify, CorruptFilesAreUnknownWithAReason) {
  std::string cut = gzip(csv + std::string(100000, 'x'));
  cut.resize(cut.size() / 2);
  EXPECT_EQ(shape(cut), "unknown: the gzip data is corrupt or cut");
  std::string bad = zstd(csv);
  bad[8] = static_cast<char>(bad[8] ^ 0x55);
  EXPECT_EQ(shape(bad).substr(0, 8), "unknown:");
  EXPECT_EQ(shape("PAR1 but no footer at all"),
            "unknown: it begins as Parquet but does not end so (encrypted, or cut)");
  EXPECT_EQ(shape("PAR1xxxx\xff\xff\xff\x7fPAR1"),
            "unknown: its Parquet footer is longer than the file, or than 64 MiB");
  EXPECT_EQ(shape("Obj\x01"), "unknown: its header is too long or cut");
  EXPECT_EQ(shape("ORC\n"), "unknown: it is ORC, which tarn does not read");
  EXPECT_EQ(shape("<?xml version=\"1.0\"?><a/>"), "unknown: it looks like XML, which tarn does not read");
  EXPECT_EQ(shape(" \n\n"), "unknown: it is empty");
  EXPECT_EQ(shape("{\"a\": "), "unknown: the JSON text ends too early");
}

TEST(Classify, AvroBySchema) {
  std::string schema =
      R"({"type":"record","name":"R","fields":[{"name":"Id","type":"long"},{"name":"day","type":{"type":"int","logicalType":"date"}},
      {"name":"tags","type":{"type":"map","values":["null","string"]}},{"name":"next","type":["null","R"]},
      {"name":"price","type":{"type":"bytes","logicalType":"decimal","precision":9,"scale":2}}]})";
  auto number = [](std::size_t n) {
    std::string out;
    for (n *= 2; n >= 0x80; n >>= 7) out += static_cast<char>(n | 0x80);
    return out + static_cast<char>(n);
  };
  std::string file = "Obj\x01" + number(1) + number(11) + "avro.schema" + number(schema.size()) + schema +
                     std::string(1, '\0') + "0123456789abcdef";
  EXPECT_EQ(shape(file), "avro none 0 id:bigint day:date tags:map<string,string> next:string price:decimal(9,2)");
}

TEST(Classify, LongFilesAreSampledToTheEnd) {
  std::string text = "id,v\n";
  while (text.size() < max_whole_file_size_bytes + 1000) text += "12345,67890\n";
  std::size_t at = text.size() * 3 / 4;
  at = text.find('\n', at) + 1;
  while (at + 12 < text.size()) {  // text in the last quarter
    text[at + 6] = 'x';
    at += 12;
  }
  auto f = classify_file("k", over(text), {});
  EXPECT_EQ(hive_text(f.columns[1].type), "string");
  double expected = static_cast<double>(text.size()) / 12;
  EXPECT_NEAR(static_cast<double>(f.records), expected, expected * 0.01);
  EXPECT_NE(f.note.find("8 samples"), std::string::npos);
}

TEST(Classify, CustomClassifiersGoFirst) {
  ClassifyOptions options;
  auto& c = options.classifiers.emplace_back().json_classifier.emplace();
  c.name = "rows";
  c.json_path = "$.rows[*]";
  auto f = classify_file("k", over("{\"rows\":[{\"a\":1}]}"), options);
  EXPECT_EQ(shape(f), "json none 1 a:bigint");
  EXPECT_EQ(f.classifier, "rows");
  EXPECT_EQ(f.json_path, "$.rows[*]");
  // One that does not fit leaves the file to the built-in ones.
  EXPECT_EQ(shape(csv, "k", options), "csv none 2 id:bigint name:string");
}

TEST(Classify, OneColumnCountsInFilesNamedCsv) {
  EXPECT_EQ(shape("name\nAna\nLuis\n", "a/names.CSV"), "csv none 2 name:string");
  EXPECT_EQ(shape("name\nAna\nLuis\n", "a/names.log").substr(0, 8), "unknown:");
}

// Files that people publish, where a folder of them is at hand.
TEST(Classify, RealFiles) {
  const char* folder = std::getenv("TARN_SHARED_DATA");
  if (!folder) GTEST_SKIP() << "TARN_SHARED_DATA names no folder";
  auto read = [&](const char* name) {
    std::ifstream in(std::string(folder) + "/" + name, std::ios::binary);
    std::stringstream all;
    all << in.rdbuf();
    return shape(all.str(), name);
  };
  EXPECT_EQ(read("zipcodes.csv"),
            "csv none 42049 zip_code:string latitude:double longitude:double city:string state:string county:string");
  EXPECT_EQ(
      read("airports.csv"),
      "csv none 3376 iata:string name:string city:string state:string country:string latitude:double longitude:double");
  EXPECT_EQ(read("exchange-rates-monthly.csv"), "csv none 17237 date:string country:string exchange rate:double");
  EXPECT_EQ(read("iowa-electricity.csv"), "csv none 51 year:string source:string net_generation:bigint");
  EXPECT_EQ(
      read("birdstrikes.csv"),
      "csv none 10000 airport name:string aircraft make model:string effect amount of damage:string flight date:string "
      "aircraft airline operator:string origin state:string phase of flight:string wildlife size:string wildlife "
      "species:string "
      "time of day:string cost other:bigint cost repair:bigint cost total $:bigint speed ias in knots:bigint");
  EXPECT_EQ(read("flights-20k.json"),
            "json none 20000 date:string delay:bigint distance:bigint origin:string destination:string");
  std::string quakes = read("earthquakes.json");
  EXPECT_EQ(quakes.substr(0, 200),
            "json none 1 type:string "
            "metadata:struct<generated:bigint,url:string,title:string,status:bigint,api:string,count:bigint> "
            "features:array<struct<type:string,properties:struct<mag:double,place:string,time");
}

}  // namespace
}  // namespace tarn::catalog::crawl
