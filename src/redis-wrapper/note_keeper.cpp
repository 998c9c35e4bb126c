#include "redis-wrapper/note_keeper.h"

#include <utility>

#include "base/random_id.h"

namespace redis_zk::redis_wrapper {

namespace {

// What the file grows in between is counted in; see dataset.h.
constexpr Duration kNoteInterval = 5s;

// Whether what the server says is true of the files, too.
bool SpeaksOfFiles(const redis::ServerInfo& own, bool converting) {
  // Until a replica has copied the master's data, it serves its own, under the name that Redis made up at its
  // start. And after a loss of its master nothing new comes.
  if (own.role == redis::Role::kReplica && (!own.link_up || own.synchronising)) return false;
  // After a full copy from the master the old files stay in force until the new ones are complete: they must
  // not be called by the new name.
  return !own.append_only || !own.rewriting_aof || converting;
}

Note NextNote(const Note& note, const redis::ServerInfo& own, const AofTail& tail) {
  Note next = note;
  next.copy_of.clear();
  if (own.replication_id != note.replication_id) {
    next.previous_id =
        own.previous_replication_id.empty() ? note.replication_id : own.previous_replication_id;
    next.replication_id = own.replication_id;
  }
  next.offset = own.offset;
  next.aof_file = tail.file;
  next.aof_bytes = tail.bytes;
  return next;
}

}  // namespace

NoteKeeper::NoteKeeper(DataFiles files) : files_(std::move(files)) { ReadAnew(); }

void NoteKeeper::ReadAnew() {
  note_ = ReadNote(files_);
  named_ = !note_.node.empty();
  if (!named_) note_.node = NewUuid();
}

Status NoteKeeper::Name() { return named_ ? Status() : Write(note_); }

Status NoteKeeper::Expect(const std::string& replication_id, const store::Dataset& found) {
  // Without data of its own, whatever the node holds later is what has come of the copy.
  Note next{.node = note_.node, .replication_id = replication_id};
  if (!found.empty()) {
    next = note_;
    // As the file says that the copy will replace: another id in its place is that of the copy.
    next.replication_id = found.replication_id;
    next.previous_id = found.previous_id;
  }
  next.copy_of = replication_id;
  return next == note_ ? Status() : Write(std::move(next));
}

Status NoteKeeper::Keep(const redis::ServerInfo& own, bool converting, TimePoint now) {
  if (!SpeaksOfFiles(own, converting)) return {};
  // Until the first append-only file of a conversion is complete, the snapshot is what counts.
  const bool incomplete = converting && files_.append_only;
  auto next = NextNote(note_, own, own.append_only && !incomplete ? FindAofTail(files_) : AofTail{});
  const bool another = next.replication_id != note_.replication_id || next.aof_file != note_.aof_file;
  if (next == note_ || (!another && now < due_at_)) return {};
  if (auto written = Write(std::move(next)); !written) return written;
  due_at_ = now + kNoteInterval;
  return {};
}

Status NoteKeeper::Write(Note note) {
  if (auto written = WriteNote(files_, note); !written) return written;
  note_ = std::move(note);
  named_ = true;
  return {};
}

}  // namespace redis_zk::redis_wrapper
