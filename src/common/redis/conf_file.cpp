#include "redis/conf_file.h"

#include <fmt/core.h>
#include <glob.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <filesystem>
#include <utility>

#include "base/file.h"
#include "base/printable.h"
#include "redis/conf_syntax.h"

namespace redis_zk::redis {

namespace {

// Files that include each other would never end.
constexpr int kDeepestInclude = 16;
constexpr int kMostFiles = 1000;
constexpr std::size_t kMostBytes = std::size_t{16} << 20;
constexpr std::size_t kLongestPath = 1024;
constexpr std::string_view kBlanks = " \t\r\n";
constexpr std::array<std::string_view, 3> kByteOrderMarks{"\xef\xbb\xbf", "\xff\xfe", "\xfe\xff"};

// What a path means for a server that works in `dir`.
std::string PathFrom(const std::string& dir, const std::string& path) {
  return path.starts_with('/') ? path : dir + '/' + path;
}

// Where chdir arrives: "..", behind a link, is the parent of what the link names.
std::string Resolved(const std::string& dir) {
  std::error_code failure;
  const auto resolved = std::filesystem::weakly_canonical(dir, failure);
  return failure ? dir : resolved.string();
}

std::string_view Trimmed(std::string_view line) {
  const auto begin = line.find_first_not_of(kBlanks);
  if (begin == std::string_view::npos) return {};
  return line.substr(begin, line.find_last_not_of(kBlanks) - begin + 1);
}

// In lower case, and under today's name.
std::string DirectiveName(std::string name) {
  std::transform(name.begin(), name.end(), name.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  // slaveof, slave-priority, min-slaves-to-write: Redis takes the old word everywhere.
  if (const auto old = name.find("slave"); old != std::string::npos) name.replace(old, 5, "replica");
  return name;
}

std::vector<std::string> Matches(const std::string& pattern) {
  std::vector<std::string> paths;
  glob_t found{};
  if (glob(pattern.c_str(), 0, nullptr, &found) == 0)
    paths.assign(found.gl_pathv, found.gl_pathv + found.gl_pathc);
  globfree(&found);
  return paths;
}

class Reader {
 public:
  explicit Reader(Conf* conf) : conf_(*conf) {}

  // `from`: the line that includes the file; nullptr: none does. `joined`: Redis reads another file right
  // behind this one.
  Status Read(const std::string& path, const ConfLine* from, int depth, bool joined);

 private:
  Status Take(const std::string& path, std::size_t number, std::string_view raw, int depth);
  Status Include(const ConfLine& line, int depth);

  Conf& conf_;
  int files_ = 0;
  std::size_t bytes_ = 0;
};

Status Reader::Read(const std::string& path, const ConfLine* from, int depth, bool joined) {
  const std::string place = from != nullptr ? from->Place() : path;
  if (depth > kDeepestInclude || ++files_ > kMostFiles)
    return Fail(ErrorKind::kInvalid,
                fmt::format("{}: found more than {} files, or {} within each other; does a file include "
                            "itself?",
                            place, kMostFiles, kDeepestInclude));
  const auto text = ReadTextFile(path);
  if (!text)
    return Fail(text.error().kind,
                fmt::format("{}: cannot read {}: {}", place, Printable(path), text.error().message));
  bytes_ += text->size();
  if (bytes_ > kMostBytes)
    return Fail(ErrorKind::kInvalid,
                fmt::format("{}: found more than {} bytes with {}", place, kMostBytes, Printable(path)));
  for (const auto mark : kByteOrderMarks) {
    if (text->starts_with(mark))
      return Fail(ErrorKind::kInvalid,
                  path + ":1: begins with a byte order mark, which Redis refuses; save it as plain UTF-8");
  }
  std::string_view rest = *text;
  for (std::size_t number = 1; !rest.empty(); ++number) {
    const auto end = rest.find('\n');
    const auto line = rest.substr(0, end);
    if (auto taken = Take(path, number, line, depth); !taken) return taken;
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    if (joined && end == std::string_view::npos)
      return Fail(ErrorKind::kInvalid,
                  fmt::format("{}:{}: has no line end, so Redis joins it to the first line of the next file",
                              path, number));
  }
  return {};
}

// `dir` holds from its line on, for relative paths too.
Status Reader::Take(const std::string& path, std::size_t number, std::string_view raw, int depth) {
  ConfLine line{.file = path, .number = number, .text = std::string(Trimmed(raw)), .name = {}, .words = {}};
  if (raw.find('\0') != std::string_view::npos)
    return Fail(ErrorKind::kInvalid, line.Place() + ": holds a NUL byte; is it a text file?");
  if (line.text.empty() || line.text.front() == '#') return {};
  auto words = SplitConfLine(line.text);
  if (!words)
    return Fail(ErrorKind::kInvalid,
                line.Place() + ": the quotes do not match, or text follows a closing quote");
  if (words->empty()) return {};
  line.words = std::move(*words);
  line.name = DirectiveName(line.words.front());
  if (line.name == "sentinel" && line.words.size() > 1) line.name += ' ' + DirectiveName(line.words[1]);
  if (line.name == "include" && line.words.size() == 2) return Include(line, depth);
  if (line.name == "dir" && line.words.size() == 2) conf_.dir = Resolved(PathFrom(conf_.dir, line.words[1]));
  conf_.lines.push_back(std::move(line));
  return {};
}

Status Reader::Include(const ConfLine& line, int depth) {
  const std::string path = PathFrom(conf_.dir, line.words[1]);
  if (!IsPattern(line.words[1])) return Read(path, &line, depth + 1, false);
  const auto paths = Matches(path);
  for (const auto& one : paths) {
    if (auto read = Read(one, &line, depth + 1, one != paths.back()); !read) return read;
  }
  return {};
}

}  // namespace

std::string ConfLine::Place() const { return fmt::format("{}:{}", Printable(file, kLongestPath), number); }

std::string ConfLine::Value() const {
  const std::size_t first = name.starts_with("sentinel ") ? 2 : 1;
  return words.size() > first ? words[first] : "";
}

const ConfLine* Conf::Find(std::string_view name) const {
  const auto found =
      std::find_if(lines.rbegin(), lines.rend(), [&](const ConfLine& line) { return line.name == name; });
  return found == lines.rend() ? nullptr : &*found;
}

std::string Conf::Value(std::string_view name) const {
  const auto* const line = Find(name);
  return line != nullptr ? line->Value() : "";
}

Result<Conf> ReadConf(const std::string& path, const std::string& work_dir) {
  std::error_code ignored;
  Conf conf{.dir = Resolved(std::filesystem::absolute(work_dir, ignored)), .lines = {}};
  if (auto read = Reader(&conf).Read(path, nullptr, 0, false); !read) return tl::unexpected(read.error());
  while (conf.dir.size() > 1 && conf.dir.ends_with('/')) conf.dir.pop_back();
  return conf;
}

bool IsPattern(std::string_view path) { return path.find_first_of("*?[") != std::string_view::npos; }

}  // namespace redis_zk::redis
