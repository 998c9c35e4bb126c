#include "redis-wrapper/dataset.h"

#include <strings.h>
#include <sys/stat.h>

#include <algorithm>
#include <fstream>
#include <optional>
#include <sstream>
#include <vector>

#include "base/file.h"
#include "base/json.h"
#include "base/log.h"
#include "redis-wrapper/loading.h"
#include "redis/conf_file.h"
#include "redis/conf_syntax.h"

namespace redis_zk::redis_wrapper {

namespace {

using store::Dataset;

// Far more than any RDB header has, and less than a file system reads ahead.
constexpr std::size_t kHeaderBytes = 4096;

std::string NotePath(const DataFiles& files) { return files.dir + "/redis-zk.json"; }

struct FileFacts {
  std::uint64_t bytes = 0;
  std::int64_t modified_at = 0;
};

std::optional<FileFacts> Examine(const std::string& path) {
  struct stat facts {};
  if (stat(path.c_str(), &facts) != 0 || !S_ISREG(facts.st_mode)) return std::nullopt;
  return FileFacts{static_cast<std::uint64_t>(facts.st_size), facts.st_mtim.tv_sec};
}

// An RDB file that cannot be read is not known to be empty.
bool HasData(const Result<RdbHeader>& header) { return !header || header->has_data; }

// One line of the manifest: "file appendonly.aof.1.incr.aof seq 1 type i" (aof.c).
struct AofPart {
  std::string path;
  char type = '?';  // b: base, i: what came after it, h: history, about to be deleted
  std::string number;
};

std::string ManifestPath(const DataFiles& files) {
  return files.dir + '/' + files.aof_dir + '/' + files.aof + ".manifest";
}

std::vector<AofPart> ReadManifest(const DataFiles& files) {
  const std::string dir = files.dir + '/' + files.aof_dir + '/';
  std::istringstream manifest(ReadTextFile(ManifestPath(files)).value_or(""));
  std::vector<AofPart> parts;
  for (std::string line; std::getline(manifest, line);) {
    const auto words = redis::SplitConfLine(line).value_or(std::vector<std::string>{});
    AofPart part;
    for (std::size_t i = 0; i + 1 < words.size(); i += 2) {
      if (words[i] == "file") part.path = dir + words[i + 1];
      if (words[i] == "seq") part.number = words[i + 1];
      if (words[i] == "type" && !words[i + 1].empty()) part.type = words[i + 1].front();
    }
    if (!part.path.empty() && part.type != 'h') parts.push_back(std::move(part));
  }
  // One that names nothing is damaged: what it named is not known to be empty.
  if (parts.empty() && Examine(ManifestPath(files))) parts.push_back({ManifestPath(files), '?', "1"});
  // Before Redis 7 there was a single file, which Redis 7 takes over.
  const std::string single = files.dir + '/' + files.aof;
  if (parts.empty() && Examine(single)) parts.push_back({single, 'i', "1"});
  return parts;
}

AofTail TailOf(const std::vector<AofPart>& parts) {
  if (parts.empty() || parts.back().type != 'i') return {};
  const std::string& path = parts.back().path;
  const auto facts = Examine(path);
  if (!facts) return {};
  return {path.substr(path.rfind('/') + 1), facts->bytes};
}

struct AofFacts {
  FilesFound::File file;
  std::uint64_t bytes = 0;
  bool was_used = false;  // its parts are not the first ones
};

AofFacts Examine(const std::vector<AofPart>& parts) {
  AofFacts found;
  for (const auto& part : parts) {
    const auto facts = Examine(part.path);
    // What is named and missing held data as far as anybody knows; the server will not start without it.
    const FileFacts known = facts.value_or(FileFacts{1, 0});
    found.bytes += std::max<std::uint64_t>(known.bytes, part.type == '?' ? 1 : 0);
    found.file.written_at = std::max(found.file.written_at, known.modified_at);
    // A fresh server writes a base without a key in it.
    const bool is_rdb = facts && part.type == 'b';
    const auto header = is_rdb ? ReadRdbHeader(part.path) : Fail(ErrorKind::kNotFound, "an RDB base");
    found.file.has_data =
        found.file.has_data || (header ? header->has_data : known.bytes > 0 || part.type == '?');
    found.was_used = found.was_used || part.number != "1";
  }
  return found;
}

Dataset FindAofDataset(const DataFiles& files, const Note& note) {
  const auto parts = ReadManifest(files);
  const AofFacts found = Examine(parts);
  if (!found.file.has_data) return {};
  Dataset dataset{.replication_id = note.replication_id,
                  .previous_id = note.previous_id,
                  .offset = note.offset,
                  .bytes = found.bytes};
  const AofTail tail = TailOf(parts);
  if (tail.file == note.aof_file && tail.bytes > note.aof_bytes)
    dataset.offset += static_cast<std::int64_t>(tail.bytes - note.aof_bytes);
  return dataset;
}

Dataset FindRdbDataset(const DataFiles& files, const Note& note) {
  const std::string path = files.dir + '/' + files.rdb;
  const auto facts = Examine(path);
  if (!facts) return {};
  const auto header = ReadRdbHeader(path);
  if (!header) {
    log::Warn({.event = "rdb-unreadable"},
              "cannot read {} as an RDB file; treating it as data of unknown origin", path);
    return {.bytes = facts->bytes};
  }
  if (!header->has_data) return {};
  // A master that never had a replica saves no id; the note knows it.
  const std::string& id = header->replication_id.empty() ? note.replication_id : header->replication_id;
  const bool is_noted = id == note.replication_id;
  return {.replication_id = id,
          .previous_id = is_noted ? note.previous_id : "",
          .copy_of = is_noted ? "" : note.copy_of,
          .offset = header->offset,
          .bytes = facts->bytes};
}

}  // namespace

DataFiles FindDataFiles(const std::string& conf_path, const std::string& work_dir) {
  // Of a file that cannot be read nothing is known, and the wrapper does not start.
  const redis::Conf conf =
      redis::ReadConf(conf_path, work_dir).value_or(redis::Conf{.dir = work_dir, .lines = {}});
  DataFiles files{.dir = conf.dir};
  const auto set = [&conf](const char* name, std::string* value) {
    if (conf.Find(name) != nullptr) *value = conf.Value(name);
  };
  std::string append_only;
  set("dbfilename", &files.rdb);
  set("appendonly", &append_only);
  set("appenddirname", &files.aof_dir);
  set("appendfilename", &files.aof);
  files.append_only = strcasecmp(append_only.c_str(), "yes") == 0;
  // The lines add up, and an empty one takes all back (config.c, setConfigSaveOption): the last one tells.
  if (conf.Find("save") != nullptr) files.snapshots = !conf.Value("save").empty();
  return files;
}

Note ReadNote(const DataFiles& files) {
  const std::string text = ReadTextFile(NotePath(files)).value_or("");
  const Json json = Json::ParseObject(text).value_or(Json());
  return {.node = json.TextAt("node"),
          .replication_id = json.TextAt("replication_id"),
          .previous_id = json.TextAt("previous_id"),
          .copy_of = json.TextAt("copy_of"),
          .offset = json.NumberAt("offset"),
          .aof_file = json.TextAt("aof_file"),
          .aof_bytes = static_cast<std::uint64_t>(json.NaturalAt("aof_bytes"))};
}

Status WriteNote(const DataFiles& files, const Note& note) {
  const Json json{{"node", note.node},
                  {"replication_id", note.replication_id},
                  {"previous_id", note.previous_id},
                  {"copy_of", note.copy_of},
                  {"offset", note.offset},
                  {"aof_file", note.aof_file},
                  {"aof_bytes", note.aof_bytes}};
  return WriteFileAtomically(NotePath(files), json.Dump() + '\n');
}

Result<RdbHeader> ReadRdbHeader(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string bytes(kHeaderBytes, '\0');
  file.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  bytes.resize(static_cast<std::size_t>(file.gcount()));
  return ParseRdbHeader(bytes);
}

std::vector<std::string> FilesIn(const DataFiles& files, LoadPlan::Loads loads) {
  if (loads == LoadPlan::Loads::kNothing) return {};
  if (loads == LoadPlan::Loads::kSnapshot) return {files.dir + '/' + files.rdb};
  std::vector<std::string> paths{ManifestPath(files)};
  for (const auto& part : ReadManifest(files)) paths.push_back(part.path);
  return paths;
}

AofTail FindAofTail(const DataFiles& files) { return TailOf(ReadManifest(files)); }

FilesFound FindFiles(const DataFiles& files) {
  const AofFacts append_only = Examine(ReadManifest(files));
  FilesFound found{.append_only = append_only.file, .append_only_was_used = append_only.was_used};
  const std::string path = files.dir + '/' + files.rdb;
  if (const auto facts = Examine(path)) {
    const auto header = ReadRdbHeader(path);
    found.snapshot = {HasData(header),
                      header && header->saved_at > 0 ? header->saved_at : facts->modified_at};
  }
  return found;
}

Dataset FindDataset(const DataFiles& files, const Note& note) {
  switch (PlanLoad(files, note, FindFiles(files)).loads) {
    case LoadPlan::Loads::kSnapshot:
      return FindRdbDataset(files, note);
    case LoadPlan::Loads::kAppendOnly:
      return FindAofDataset(files, note);
    case LoadPlan::Loads::kNothing:
      break;
  }
  return {};
}

Dataset DataOf(const redis::ServerInfo& info) {
  return {.replication_id = info.replication_id,
          .previous_id = info.previous_replication_id,
          .offset = info.offset,
          .bytes = 1};  // there are some
}

Dataset HeldBy(const redis::ServerInfo& info, const Dataset& found) {
  if (info.offset == redis::kNoMasterKnown && info.data_offset <= 0) return found;
  Dataset dataset = DataOf(info);
  if (info.offset == redis::kNoMasterKnown) dataset.offset = info.data_offset;
  return dataset;
}

}  // namespace redis_zk::redis_wrapper
