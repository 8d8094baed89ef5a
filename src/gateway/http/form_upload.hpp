// The form by which a browser uploads a file to a bucket: multipart/form-data (RFC 7578), some fields and then the file
// ("POST Object" in the Amazon S3 API Reference).
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "api/operations.hpp"

namespace tarn::gateway {

// The fields are read at once, the file as it is asked for. Errors (caller): MalformedPOSTRequest,
// MaxPostPreDataLengthExceededError, InvalidArgument (no file), IncompleteBody. One thread; `body` outlives it.
class FormUpload : public api::BodySource {
 public:
  // `content_type` is the request's, which names the boundary.
  FormUpload(api::BodySource& body, std::string_view content_type);

  // By their names in lower case, in the order of these; what stands behind the file is not looked at.
  const std::map<std::string, std::string>& fields() const { return fields_; }
  const std::string& file_name() const { return file_name_; }
  // Of the file's part; empty: it says none.
  const std::string& file_type() const { return file_type_; }

  // The file's bytes.
  std::size_t read(char* into, std::size_t size_bytes) override;
  std::optional<uint64_t> size_bytes() const override { return std::nullopt; }

 private:
  struct Part {
    std::string name, file_name, type;
    bool is_file = false;
  };
  bool fill();
  std::string read_line();
  std::optional<Part> read_part_head();
  std::string read_field();

  api::BodySource& body_;
  std::string delimiter_;  // CRLF "--" boundary
  std::string buffer_;
  std::size_t at_ = 0;
  std::size_t before_file_bytes_ = 0;
  bool in_file_ = false, ended_ = false;
  std::map<std::string, std::string> fields_;
  std::string file_name_, file_type_;
};

// The body of a PutObject that a browser sent as a form: by its type a handler tells it from others.
class FormBody : public api::BodySource {
 public:
  explicit FormBody(api::BodySource& inner) : inner_(inner) {}
  std::size_t read(char* into, std::size_t size_bytes) override { return inner_.read(into, size_bytes); }
  std::optional<uint64_t> size_bytes() const override { return inner_.size_bytes(); }
  Checksum checksum() const override { return inner_.checksum(); }

 private:
  api::BodySource& inner_;
};

}  // namespace tarn::gateway
