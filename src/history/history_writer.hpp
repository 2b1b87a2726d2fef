// Keeps the history of ticks on disk from a thread of its own, and answers queries.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <latch>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "src/control/protocol/events.hpp"
#include "src/control/protocol/requests.hpp"
#include "src/history/history_reader.hpp"
#include "src/history/history_store.hpp"
#include "src/history/minutes.hpp"
#include "src/report/tick.hpp"

namespace vnuma::history {

// Happenings and minutes that wait for the disk. When more come, the oldest are lost.
inline constexpr std::size_t max_waiting_happenings = 20'000;
inline constexpr std::size_t max_waiting_minutes = 5;

// What the history has not, since the process began.
struct Lost {
    std::uint64_t minutes = 0, happenings = 0;
};

class HistoryWriter {
  public:
    // The file is opened by the thread, which gives up all capabilities before. Construct it before
    // the seccomp filter is installed, which does not allow that; its directory must exist.
    explicit HistoryWriter(std::string file, HistoryLimits limits = {});
    // Waits for what is being written: see finish().
    ~HistoryWriter();
    HistoryWriter(const HistoryWriter&) = delete;
    HistoryWriter& operator=(const HistoryWriter&) = delete;

    // From the thread of the ticks; neither waits for the disk. What has come is written, in one
    // transaction, when a tick begins another minute.
    void update(const Tick& tick);
    void add(std::vector<control::Happening> happenings);

    // From any thread. None of them waits for the writer, nor delays it or a tick. They have
    // happenings that are not on disk yet, too. See HistoryReader for guests and limits.
    control::HistoryPage page(const control::SinceArguments& arguments);
    control::PastEvents happenings(const control::SinceArguments& arguments);

    // Why the history is not kept, could not be read by the last query, or where it has a gap;
    // empty if it is whole.
    std::string problem() const;
    Lost lost() const;

    // Writes what waits and the minute that has begun, for at most `patience`. Returns whether the
    // thread has ended. If not, the disk still blocks it, and the writer cannot be destroyed
    // without waiting for it. After the last update().
    bool finish(std::chrono::milliseconds patience);

  private:
    using Happenings = std::shared_ptr<const std::vector<control::Happening>>;
    // What is in memory. Its parts are shared, so that copying it does not delay a tick.
    struct Pending {
        std::vector<Happenings> happenings;
        std::int64_t batch = 0;  // that they are written in
    };

    void run();
    Batch take_batch();
    void keep_minutes(std::optional<Minutes> minutes);
    void drop_oldest();
    void lose(std::uint64_t minutes, std::uint64_t happenings);
    // Happenings in memory that are asked for, without those that are on disk by then.
    std::vector<control::Happening> find_pending(const std::vector<Pending>& pending,
                                                 const Progress& on_disk,
                                                 const control::SinceArguments& arguments) const;
    std::vector<Pending> copy_pending() const;
    // Calls `query` with a reader of the file, if there is one. What is wrong is a problem() until
    // a query succeeds.
    template <typename Query>
    void with_reader(Query query);

    const std::string file_;
    const std::int64_t writer_;  // Progress::writer
    const std::int64_t length_ms_;
    MinuteSums sums_;          // of the thread of the ticks
    std::int64_t minute_ = 0;  // of the last tick; of that thread, too

    mutable std::mutex mutex_;
    std::condition_variable wake_, ended_;
    std::deque<Minutes> minutes_;
    std::deque<Happenings> waiting_;
    std::size_t waiting_happenings_ = 0;
    Pending writing_;
    std::int64_t now_ms_ = 0;  // of the last tick
    bool due_ = false, finishing_ = false, has_ended_ = false;
    std::uint64_t generation_ = 0;  // HistoryStore::generation()
    std::string problem_, reader_problem_;
    Lost lost_;
    std::int64_t lost_until_ms_ = 0;  // when the last gap is older than the history

    std::mutex reader_mutex_;
    std::unique_ptr<HistoryReader> reader_;
    std::uint64_t reader_generation_ = 0;

    HistoryStore store_;  // of the thread
    std::latch begun_{1};
    std::thread thread_;
};

}  // namespace vnuma::history
