// The history on disk, written: minutes and happenings of the last 24 h in one SQLite file. What is
// too old, or too much, is removed from the oldest on.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "src/control/protocol/events.hpp"
#include "src/history/database.hpp"
#include "src/history/history_limits.hpp"
#include "src/history/history_schema.hpp"
#include "src/history/minutes.hpp"

namespace vnuma::history {

inline constexpr const char* default_file = "/var/lib/vnumad/history.sqlite";
// What a damaged file becomes. An older one that is there is replaced.
inline constexpr const char* damaged_suffix = ".damaged";

// What is written at once.
struct Batch {
    std::vector<Minutes> minutes;
    std::vector<control::Happening> happenings;
    std::int64_t now_ms = 0;  // wall clock, since 1970
    Progress progress{};
};

// For one thread. Calls block on the disk. Nothing is thrown: what cannot be written is lost, and
// problem() says why.
//
// The file has a write-ahead log (WAL). A minute's transaction is then one append without fsync,
// and readers and the writer never wait for each other. With a rollback journal a transaction needs
// two files, three fsyncs and an unlink, and readers have to wait while it is written. With
// synchronous = NORMAL a crash of the host may cost the last minutes, never the file; a crash of
// vnumad costs nothing that was written. A checkpoint brings the log into the file about every
// quarter of an hour.
class HistoryStore {
  public:
    explicit HistoryStore(std::string file, HistoryLimits limits = {});
    ~HistoryStore();

    // Opens or creates the file if it is not open. Returns whether it is open. Call it again to try
    // again.
    bool open();
    // Opens the file if need be, and writes all or nothing in one transaction. False: it is lost.
    bool write(const Batch& batch);

    // What is wrong; else what was wrong with the file before, for as long as it is missed in the
    // history; else empty.
    std::string problem() const { return problem_.empty() ? note_ : problem_; }

    // 0 while the file is not open; else another number for each file that was opened, so that
    // readers know that theirs is not the one any more.
    std::uint64_t generation() const { return database_ ? opened_ : 0; }
    const std::string& file() const { return file_; }

  private:
    struct Statements;

    void try_open();
    void configure();
    void shrink();
    void set_aside(const std::string& why);
    void close();
    void handle(const std::exception& error, bool is_corrupt);
    bool is_same_file() const;

    void limit_log();
    void write_all(const Batch& batch);
    void write_minutes(const Minutes& minutes);
    void write_happening(const control::Happening& happening);
    std::int64_t guest_id(const std::string& uuid, const std::string& name, std::int64_t time_ms);
    void expire(std::int64_t now_ms);
    void remove_before(std::int64_t minute);
    bool remove_oldest_part();
    std::int64_t used_pages();

    const std::string file_;
    const HistoryLimits limits_;
    std::int64_t max_pages_ = 0;
    std::unique_ptr<Database> database_;
    std::unique_ptr<Statements> statements_;
    std::pair<dev_t, ino_t> identity_{};  // of the file that is open
    std::uint64_t opened_ = 0;
    bool has_set_aside_ = false;
    std::string problem_, note_;
    std::int64_t note_until_ms_ = 0;  // 0: from the next batch on for HistoryLimits::length
};

}  // namespace vnuma::history
