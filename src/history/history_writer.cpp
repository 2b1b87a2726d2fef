#include "src/history/history_writer.hpp"

#include <algorithm>
#include <random>
#include <stdexcept>
#include <utility>

#include "src/observe/privileges.hpp"

namespace vnuma::history {
namespace {

using control::Happening;
using control::HistoryPage;
using control::SinceArguments;

std::int64_t number_by_chance() {
    std::random_device random;
    return static_cast<std::int64_t>(random()) << 31 ^ static_cast<std::int64_t>(random());
}

// The file's name may have been given by anyone who asks: nothing of the thread needs more rights
// than those of its user. If it cannot give them up, the others cannot either, and vnumad does not
// start.
void give_up_capabilities() {
    try {
        keep_capabilities({});
    } catch (const std::runtime_error&) {
    }
}

}  // namespace

HistoryWriter::HistoryWriter(std::string file, HistoryLimits limits)
    : file_(file),
      writer_(number_by_chance()),
      length_ms_(limits.length.count()),
      store_(std::move(file), limits),
      thread_([this] { run(); }) {
    begun_.wait();
}

HistoryWriter::~HistoryWriter() {
    finish(std::chrono::milliseconds(0));
    thread_.join();
}

void HistoryWriter::update(const Tick& tick) {
    std::optional<Minutes> ended = sums_.update(tick);
    const std::int64_t minute = tick.time_ms / minute_ms;
    const std::lock_guard lock(mutex_);
    now_ms_ = tick.time_ms;
    keep_minutes(std::move(ended));
    if (std::exchange(minute_, minute) == minute) return;
    due_ = true;
    wake_.notify_one();
}

void HistoryWriter::keep_minutes(std::optional<Minutes> minutes) {
    if (!minutes) return;
    minutes_.push_back(std::move(*minutes));
    if (minutes_.size() <= max_waiting_minutes) return;
    minutes_.pop_front();
    lose(1, 0);
}

// With the mutex held.
void HistoryWriter::lose(std::uint64_t minutes, std::uint64_t happenings) {
    lost_.minutes += minutes;
    lost_.happenings += happenings;
    lost_until_ms_ = now_ms_ + length_ms_;
}

void HistoryWriter::add(std::vector<Happening> happenings) {
    if (happenings.empty()) return;
    auto shared = std::make_shared<const std::vector<Happening>>(std::move(happenings));
    const std::lock_guard lock(mutex_);
    if (finishing_) return;
    waiting_happenings_ += shared->size();
    waiting_.push_back(std::move(shared));
    drop_oldest();
    if (waiting_happenings_ < max_waiting_happenings / 2) return;
    due_ = true;
    wake_.notify_one();
}

void HistoryWriter::drop_oldest() {
    while (waiting_happenings_ > max_waiting_happenings && waiting_.size() > 1) {
        waiting_happenings_ -= waiting_.front()->size();
        lose(0, waiting_.front()->size());
        waiting_.pop_front();
    }
}

// With the mutex held.
Batch HistoryWriter::take_batch() {
    writing_.happenings.assign(waiting_.begin(), waiting_.end());
    ++writing_.batch;
    waiting_.clear();
    waiting_happenings_ = 0;
    Batch batch;
    batch.minutes.assign(std::make_move_iterator(minutes_.begin()),
                         std::make_move_iterator(minutes_.end()));
    minutes_.clear();
    batch.now_ms = now_ms_;
    batch.progress = {writer_, writing_.batch};
    due_ = false;
    return batch;
}

void HistoryWriter::run() {
    give_up_capabilities();
    begun_.count_down();
    store_.open();
    std::unique_lock lock(mutex_);
    generation_ = store_.generation();
    problem_ = store_.problem();
    while (true) {
        wake_.wait(lock, [this] { return due_ || finishing_; });
        const bool is_last = finishing_;
        Batch batch = take_batch();
        lock.unlock();
        for (const Happenings& some : writing_.happenings)
            batch.happenings.insert(batch.happenings.end(), some->begin(), some->end());
        const bool is_empty = batch.minutes.empty() && batch.happenings.empty();
        const bool written = is_empty || store_.write(batch);
        lock.lock();
        if (!written) lose(batch.minutes.size(), batch.happenings.size());
        writing_.happenings.clear();
        generation_ = store_.generation();
        problem_ = store_.problem();
        if (is_last) break;
    }
    has_ended_ = true;
    ended_.notify_all();
}

bool HistoryWriter::finish(std::chrono::milliseconds patience) {
    std::unique_lock lock(mutex_);
    if (!finishing_) keep_minutes(sums_.take());
    finishing_ = true;
    wake_.notify_one();
    return ended_.wait_for(lock, patience, [this] { return has_ended_; });
}

std::vector<HistoryWriter::Pending> HistoryWriter::copy_pending() const {
    const std::lock_guard lock(mutex_);
    return {writing_, {{waiting_.begin(), waiting_.end()}, writing_.batch + 1}};
}

std::vector<Happening> HistoryWriter::find_pending(const std::vector<Pending>& pending,
                                                   const Progress& on_disk,
                                                   const SinceArguments& arguments) const {
    std::vector<Happening> found;
    for (const Pending& part : pending) {
        if (on_disk.writer == writer_ && on_disk.batch >= part.batch) continue;
        for (const Happenings& some : part.happenings)
            std::copy_if(some->begin(), some->end(), std::back_inserter(found),
                         [&](const Happening& one) { return is_asked_for(one, arguments); });
    }
    return found;
}

template <typename Query>
void HistoryWriter::with_reader(Query query) {
    std::uint64_t generation = 0;
    {
        const std::lock_guard lock(mutex_);
        generation = generation_;
    }
    const std::lock_guard reading(reader_mutex_);
    std::string problem;
    try {
        if (reader_generation_ != generation) {
            reader_.reset();
            if (generation != 0) reader_ = std::make_unique<HistoryReader>(file_);
            reader_generation_ = generation;
        }
        if (reader_) query(*reader_);
    } catch (const std::exception& error) {
        reader_.reset();
        reader_generation_ = 0;
        problem = "history in " + file_ + " cannot be read: " + error.what();
    }
    const std::lock_guard lock(mutex_);
    reader_problem_ = std::move(problem);
}

// What is in memory is copied first: what is written meanwhile is then found twice, which the
// progress on disk tells, and never missed.
HistoryPage HistoryWriter::page(const SinceArguments& arguments) {
    const auto pending = copy_pending();
    PagePart part;
    with_reader([&](HistoryReader& reader) { part = reader.page(arguments); });
    for (Happening& happening : find_pending(pending, part.progress, arguments))
        part.page.events.push_back(std::move(happening));
    HistoryPage page = cut_page(std::move(part), arguments.limit);
    page.problem = problem();
    return page;
}

control::PastEvents HistoryWriter::happenings(const SinceArguments& arguments) {
    const auto pending = copy_pending();
    Progress on_disk;
    std::vector<Happening> found;
    with_reader([&](HistoryReader& reader) { found = reader.happenings(arguments, on_disk); });
    for (Happening& happening : find_pending(pending, on_disk, arguments))
        found.push_back(std::move(happening));
    std::stable_sort(found.begin(), found.end(),
                     [](const Happening& a, const Happening& b) { return a.time_ms < b.time_ms; });
    const auto limit =
        static_cast<std::size_t>(std::clamp(arguments.limit, 1, max_happenings_limit));
    control::PastEvents past{{}, problem()};
    // The reader stops at the limit.
    if (found.size() >= limit) {
        found.erase(found.begin(), found.end() - static_cast<std::ptrdiff_t>(limit));
        if (!past.problem.empty()) past.problem += "; ";
        past.problem += "there may be more than the newest " + std::to_string(limit);
    }
    past.events = std::move(found);
    return past;
}

std::string HistoryWriter::problem() const {
    const std::lock_guard lock(mutex_);
    const std::string& now = problem_.empty() ? reader_problem_ : problem_;
    if (now_ms_ >= lost_until_ms_) return now;
    return now + (now.empty() ? "history in " + file_ + ": " : "; ") +
           std::to_string(lost_.minutes) + " minutes and " + std::to_string(lost_.happenings) +
           " happenings since vnumad began are lost";
}

Lost HistoryWriter::lost() const {
    const std::lock_guard lock(mutex_);
    return lost_;
}

}  // namespace vnuma::history
