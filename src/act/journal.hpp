// The journal: what vnumad has changed that outlives its process, written before it is changed, so
// that whoever comes after a crash can put it back.
//
// A journal is a file of lines of JSON: a header with the version and the host's boot, then one
// record for each change that begins and one for each that has ended. A record that a crash has cut
// short is the last one, and what it announces was not begun.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <map>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "guests/process/file_descriptor.hpp"
#include "src/observe/known_pins.hpp"

namespace vnuma {

// Version 1 has no pins that libvirt has set. It is read, too.
inline constexpr int journal_version = 2;
// A journal larger than this is not read. 100,000 threads take about a third of it.
inline constexpr std::size_t max_journal_bytes = std::size_t{64} << 20;

// One thread's pin, which is being changed or was.
struct JournalEntry {
    std::string uuid, guest;          // the guest's UUID and name
    pid_t process = 0;                // with its start time it identifies the guest's process
    std::uint64_t process_start = 0;  // clock ticks since boot
    ThreadIdentity thread;
    Pin pin;
    // The CPUs that vnumad had set before `pin.ours`; empty if `pin.ours` comes first. Until the
    // call is made they are in force.
    std::vector<int> former{};
    // The guest was saved or has migrated with this pin of libvirt's, and may come back with it.
    bool left = false;

    friend bool operator==(const JournalEntry&, const JournalEntry&) = default;
};

inline ThreadIdentity process_of(const JournalEntry& entry) {
    return {entry.process, entry.process_start};
}

using JournalEntries = std::map<ThreadIdentity, JournalEntry>;

// A journal that cannot be used: it has another version, or is damaged before its last record.
struct JournalError : std::runtime_error {
    using std::runtime_error::runtime_error;
};

struct ParsedJournal {
    JournalEntries entries;
    bool kept = false;  // Journal::keep()
};

// What the text of a journal says is in force. Nothing if it is of another boot of the host. Throws
// JournalError. Pure.
ParsedJournal parse_journal(std::string_view text, const std::string& boot);

// Identifies the time since the host has booted (/proc/sys/kernel/random/boot_id).
std::string read_boot_id();

// Not thread-safe. Calls block on the file system, which is in memory for a journal in /run.
class Journal {
  public:
    // Tests are told before each step that changes a file, and may end the process there.
    using Step = std::function<void(const char* step)>;

    // Takes over what the file says, if there is one. Throws JournalError, and std::system_error if
    // the file cannot be read or written.
    explicit Journal(
        std::string file, Step step = [](const char*) {});

    const JournalEntries& entries() const { return entries_; }

    // Returns when the entries are on disk. Throws std::system_error: then nothing may be changed.
    // An entry of the same thread is replaced, and its CPUs are the new one's `former`.
    void begin(std::vector<JournalEntry> entries);

    // The threads have their owners' affinity, or have ended. Throws std::system_error: then the
    // entries stay, which does no harm, since an affinity that is not ours is not put back.
    void end(const std::vector<ThreadIdentity>& threads);

    // vnumad ends, and what is in force is to stay until somebody puts it back. It holds until the
    // next entry. Throws std::system_error.
    void keep();
    bool is_kept() const { return kept_; }

  private:
    // Records in the file beyond those that are in force, from which on it is written anew.
    static constexpr std::size_t max_stale_records = 4096;

    bool is_in_place() const;
    void append(const std::string& lines, std::size_t records);
    void rewrite();
    void compact();

    std::string file_;
    Step step_;
    std::string boot_;
    JournalEntries entries_;
    bool kept_ = false;
    FileDescriptor fd_;  // none until the file is written for the first time
    std::size_t records_ = 0;
};

}  // namespace vnuma
