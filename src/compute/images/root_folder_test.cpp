#include "compute/images/root_folder.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <array>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "base/error.hpp"
#include "compute/process.hpp"

namespace tarn::compute {
namespace {

namespace fs = std::filesystem;

// An archive made entry by entry.
class Tar {
 public:
  Tar& file(const std::string& name, const std::string& content, int mode = 0644) {
    return add(name, '0', content, "", mode);
  }
  Tar& folder(const std::string& name) { return add(name, '5', "", "", 0755); }
  Tar& symbolic(const std::string& name, const std::string& target) { return add(name, '2', "", target, 0777); }
  Tar& hard(const std::string& name, const std::string& target) { return add(name, '1', "", target, 0644); }
  Tar& add(const std::string& name, char type, const std::string& content, const std::string& target, int mode) {
    std::array<char, 512> h{};
    name.copy(h.data(), 100);
    std::snprintf(h.data() + 100, 8, "%07o", mode);
    std::snprintf(h.data() + 124, 12, "%011zo", content.size());
    std::memset(h.data() + 148, ' ', 8);
    h[156] = type;
    target.copy(h.data() + 157, 100);
    std::memcpy(h.data() + 257,
                "ustar\0"
                "00",
                8);
    unsigned sum = 0;
    for (char c : h) sum += static_cast<unsigned char>(c);
    std::snprintf(h.data() + 148, 8, "%06o", sum);
    bytes_.append(h.data(), h.size()).append(content).append((512 - content.size() % 512) % 512, '\0');
    return *this;
  }
  std::string bytes() const { return bytes_ + std::string(1024, '\0'); }

 private:
  std::string bytes_;
};

ByteSource source_of(std::string bytes) {
  auto left = std::make_shared<std::string>(std::move(bytes));
  return [left](char* into, std::size_t size) {
    const std::size_t n = left->copy(into, std::min<std::size_t>(size, 1000));  // in pieces
    left->erase(0, n);
    return n;
  };
}

std::string gzip(const std::string& bytes) {
  z_stream z{};
  deflateInit2(&z, 6, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY);
  std::string out(bytes.size() + 1000, '\0');
  z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  z.avail_in = static_cast<uInt>(bytes.size());
  z.next_out = reinterpret_cast<Bytef*>(out.data());
  z.avail_out = static_cast<uInt>(out.size());
  deflate(&z, Z_FINISH);
  out.resize(z.total_out);
  deflateEnd(&z);
  return out;
}

class RootFolderTest : public testing::Test {
 protected:
  RootFolderTest() : work_(fs::temp_directory_path() / ("tarn-root-" + std::to_string(::getpid()))) {
    fs::create_directories(work_.path() + "/tree");
    fs::create_directories(work_.path() + "/outside");
    std::ofstream(work_.path() + "/outside/secret") << "secret";
  }
  void add(const Tar& tar) { root().add_layer(source_of(tar.bytes()), 1 << 20); }
  RootFolder root() { return RootFolder(work_.path() + "/tree"); }
  std::string read(const std::string& path) {
    std::ifstream in(work_.path() + "/tree/" + path);
    std::stringstream text;
    text << in.rdbuf();
    return in ? text.str() : "(none)";
  }
  bool there(const std::string& path) { return fs::exists(fs::symlink_status(work_.path() + "/tree/" + path)); }

  WorkFolder work_;
};

TEST_F(RootFolderTest, LaysLayersOverEachOther) {
  add(Tar().folder("a/").file("a/one", "1").file("a/two", "2").file("b/x", "x", 0755).symbolic("l", "a"));
  root().add_layer(source_of(gzip(Tar().file("a/.wh.one", "").file("l/two", "new").hard("a/three", "a/two").bytes())),
                   1 << 20);
  EXPECT_FALSE(there("a/one"));
  EXPECT_EQ(read("a/two"), "new");
  EXPECT_EQ(read("a/three"), "new");
  struct stat info;
  ASSERT_EQ(::stat((work_.path() + "/tree/b/x").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0755u);
  // What an opaque folder's own layer has stays, wherever the mark stands.
  add(Tar().file("a/own", "own").file("a/.wh..wh..opq", ""));
  EXPECT_FALSE(there("a/two"));
  EXPECT_EQ(read("a/own"), "own");
  // A file in place of a folder, and the other way round.
  add(Tar().file("b", "file").file("a/own/deep", "deep"));
  EXPECT_EQ(read("b"), "file");
  EXPECT_EQ(read("a/own/deep"), "deep");
}

TEST_F(RootFolderTest, NothingLeadsOut) {
  const std::string outside = work_.path() + "/outside";
  add(Tar().symbolic("up", "../outside").symbolic("abs", outside).symbolic("f", outside + "/secret"));
  add(Tar().file("up/secret", "changed").file("abs/secret", "changed").file("f", "changed"));
  add(Tar().file("abs/.wh.secret", "").file("up/.wh..wh..opq", ""));
  std::ifstream in(outside + "/secret");
  std::string text;
  std::getline(in, text);
  EXPECT_EQ(text, "secret");
  EXPECT_THROW(add(Tar().file("../outside/new", "x")), Error);
  EXPECT_THROW(add(Tar().file("a/../../outside/new", "x")), Error);
  EXPECT_THROW(add(Tar().hard("h", "../outside/secret")), Error);
  EXPECT_THROW(add(Tar().hard("h", "abs/secret")), Error);
  EXPECT_THROW(add(Tar().file(".wh...", "")), Error);
  EXPECT_FALSE(fs::exists(outside + "/new"));
  add(Tar().file("/absolute/name", "x"));
  EXPECT_EQ(read("absolute/name"), "x");
  add(Tar().symbolic("etc", outside));
  root().add_mount_points();
  EXPECT_FALSE(fs::exists(outside + "/resolv.conf"));
}

TEST_F(RootFolderTest, HasLimits) {
  EXPECT_THROW(root().add_layer(source_of(Tar().file("big", std::string(5000, 'x')).bytes()), 4000), Error);
  const std::string bytes = Tar().file("a", "content").bytes();
  EXPECT_THROW(root().add_layer(source_of(bytes.substr(0, 515)), 1 << 20), Error);
  std::string broken = bytes;
  broken[3] = 'x';
  EXPECT_THROW(root().add_layer(source_of(broken), 1 << 20), Error);
  EXPECT_THROW(root().add_layer(source_of(gzip(bytes).substr(0, 40)), 1 << 20), Error);
}

TEST(TarReader, ReadsLongNamesOfBothKinds) {
  const std::string name = "folder/" + std::string(200, 'n');
  const std::string path = "path=" + name + "\n";
  const std::string record = std::to_string(path.size() + 4) + " " + path;
  Tar tar;
  tar.add("pax", 'x', record, "", 0644)
      .file("short", "1")
      .add("././@LongLink", 'L', name + '\0', "", 0644)
      .file("short", "2");
  TarReader reader(source_of(tar.bytes()));
  TarEntry entry;
  for (int i = 0; i < 2; ++i) {
    ASSERT_TRUE(reader.next(entry));
    EXPECT_EQ(entry.name, name);
  }
  EXPECT_FALSE(reader.next(entry));
}

}  // namespace
}  // namespace tarn::compute
