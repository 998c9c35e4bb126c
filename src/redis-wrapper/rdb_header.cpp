#include <charconv>
#include <optional>

#include "redis-wrapper/dataset.h"

namespace redis_zk::redis_wrapper {

namespace {

// The format's numbers: rdb.h.
constexpr std::string_view kMagic = "REDIS";
constexpr std::string_view kValkeyMagic = "VALKEY";  // since version 80, of Valkey 9
constexpr std::size_t kMagicAndVersion = 9;
constexpr unsigned char kAux = 0xFA;
constexpr unsigned char kEnd = 0xFF;

// Takes one piece after the other off the front; nothing when the bytes end too early.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : bytes_(bytes) {}

  std::optional<unsigned char> Byte() {
    if (bytes_.empty()) return std::nullopt;
    const auto byte = static_cast<unsigned char>(bytes_.front());
    bytes_.remove_prefix(1);
    return byte;
  }

  std::optional<std::string> String() {
    const auto first = Byte();
    if (!first) return std::nullopt;
    const unsigned kind = *first >> 6U;
    const unsigned low = *first & 0x3FU;
    switch (kind) {
      case 0:
        return Take(low);
      case 1:
        if (const auto next = Byte()) return Take(low << 8U | *next);
        return std::nullopt;
      case 3:
        // An integer of 1, 2 or 4 bytes, little endian; 3 would be a compressed string, which no header has.
        if (low <= 2) return Integer(std::size_t{1} << low);
        return std::nullopt;
      default:
        return std::nullopt;  // a length of 32 bits and more
    }
  }

 private:
  std::optional<std::string> Take(std::size_t length) {
    if (length > bytes_.size()) return std::nullopt;
    std::string text(bytes_.substr(0, length));
    bytes_.remove_prefix(length);
    return text;
  }

  std::optional<std::string> Integer(std::size_t width) {
    const auto raw = Take(width);
    if (!raw) return std::nullopt;
    std::uint32_t value = 0;
    for (std::size_t i = width; i-- > 0;) value = value << 8U | static_cast<unsigned char>((*raw)[i]);
    switch (width) {
      case 1:
        return std::to_string(static_cast<std::int8_t>(value));
      case 2:
        return std::to_string(static_cast<std::int16_t>(value));
      default:
        return std::to_string(static_cast<std::int32_t>(value));
    }
  }

  std::string_view bytes_;
};

std::int64_t ToNumber(const std::string& text) {
  std::int64_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

}  // namespace

Result<RdbHeader> ParseRdbHeader(std::string_view bytes) {
  const bool is_rdb = bytes.starts_with(kMagic) || bytes.starts_with(kValkeyMagic);
  if (!is_rdb || bytes.size() < kMagicAndVersion) return Fail(ErrorKind::kInvalid, "an RDB file");
  Reader reader(bytes.substr(kMagicAndVersion));
  RdbHeader header;
  while (true) {
    const auto opcode = reader.Byte();
    if (!opcode) return Fail(ErrorKind::kInvalid, "a complete RDB header");
    if (*opcode == kEnd) return header;
    if (*opcode != kAux) {
      header.has_data = true;
      return header;
    }
    const auto key = reader.String();
    const auto value = reader.String();
    if (!key || !value) return Fail(ErrorKind::kInvalid, "a complete RDB header");
    if (*key == "repl-id") header.replication_id = *value;
    if (*key == "repl-offset") header.offset = ToNumber(*value);
    if (*key == "ctime") header.saved_at = ToNumber(*value);
  }
}

}  // namespace redis_zk::redis_wrapper
