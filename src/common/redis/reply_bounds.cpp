#include "redis/reply_bounds.h"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>

namespace redis_zk::redis {

namespace {

// What it found is not repeated: it may be the answer to a command with a secret.
tl::unexpected<Error> OutOfBounds(const std::string& found, const std::string& expected) {
  return Fail(ErrorKind::kProtocol, fmt::format("its reply has {}, expected {}", found, expected));
}

}  // namespace

Status ReplyBounds::Check(std::string_view bytes) {
  while (!bytes.empty()) {
    const std::size_t wanted = payload_ > 0 ? static_cast<std::size_t>(payload_) : bytes.find('\n');
    const std::size_t taken = std::min(wanted, bytes.size());
    size_ += static_cast<std::int64_t>(taken);
    if (size_ > kLargestReply)
      return OutOfBounds(fmt::format("more than {} bytes", kLargestReply), "at most that");
    if (payload_ > 0) {
      payload_ -= static_cast<std::int64_t>(taken);
      if (payload_ == 0) EndValue();
      bytes.remove_prefix(taken);
      continue;
    }
    line_ += bytes.substr(0, taken);
    if (static_cast<std::int64_t>(line_.size()) > kLongestText)
      return OutOfBounds(fmt::format("a line of more than {} bytes", kLongestText), "at most that");
    if (taken == bytes.size()) return {};
    bytes.remove_prefix(taken + 1);
    if (auto line = TakeLine(); !line) return line;
  }
  return {};
}

Status ReplyBounds::TakeLine() {
  if (!line_.ends_with('\r')) return OutOfBounds("a line that ends with LF alone", "CR LF");
  line_.pop_back();
  if (missing_ == 0) missing_ = 1;
  Status status;
  switch (line_.empty() ? '\0' : line_.front()) {
    case '+':
    case '-':
    case ':':
      EndValue();
      break;
    case '$':
      status = TakeNumber(kLongestText, "a string");
      if (!status) break;
      if (number_ < 0) {
        EndValue();
      } else {
        payload_ = number_ + 2;  // "\r\n"
      }
      break;
    case '*':
      status = TakeNumber(kMostElements - elements_, "an array");
      if (!status) break;
      elements_ += std::max<std::int64_t>(number_, 0);
      missing_ += std::max<std::int64_t>(number_, 0);
      EndValue();
      break;
    default:
      status = OutOfBounds("a value of another type", "+, -, :, $ or *");
  }
  line_.clear();
  return status;
}

// -1 is "nothing", of both types.
Status ReplyBounds::TakeNumber(std::int64_t most, const char* of_what) {
  const char* const end = line_.data() + line_.size();
  const auto [stopped, error] = std::from_chars(line_.data() + 1, end, number_);
  if (error == std::errc() && stopped == end && number_ >= -1 && number_ <= most) return {};
  return OutOfBounds(fmt::format("{} of another length", of_what), fmt::format("-1 to {}", most));
}

void ReplyBounds::EndValue() {
  --missing_;
  if (missing_ > 0) return;
  elements_ = 0;
  size_ = 0;
}

}  // namespace redis_zk::redis
