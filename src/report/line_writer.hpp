// Writes lines from a thread of its own: whoever does not read them holds up nobody.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <latch>
#include <mutex>
#include <string>
#include <thread>

namespace vnuma {

class LineWriter {
  public:
    // Writes one line and its end. Blocks for as long as that takes. Returns what went wrong, or an
    // empty string.
    using Sink = std::function<std::string(const std::string& line)>;

    // Lines that wait to be written. When one more comes, the oldest are dropped.
    static constexpr std::size_t max_waiting_lines = 1024;
    static constexpr std::size_t max_waiting_bytes = std::size_t{16} << 20;

    // `name` names the lines and where they go in problem(): "reports to FILE". The thread first
    // does `begin`, which must not throw; the constructor waits for that.
    LineWriter(std::string name, Sink sink, const std::function<void()>& begin = nullptr);
    // Waits for the line that is being written: see finish().
    ~LineWriter();
    LineWriter(const LineWriter&) = delete;
    LineWriter& operator=(const LineWriter&) = delete;

    // Any thread. Never waits for the sink.
    void write(std::string line);

    // Lines that were dropped since the last call, because they were written too slowly.
    std::uint64_t take_dropped();
    // Why the last line could not be written; empty when it could. Later lines are tried again.
    std::string problem() const;

    // Writes what waits, for at most `patience`. Returns whether the thread has ended. If not, a
    // line still blocks, and the writer cannot be destroyed without waiting for it.
    bool finish(std::chrono::milliseconds patience);

  private:
    void run(const std::function<void()>& begin);

    const std::string name_;
    const Sink sink_;
    mutable std::mutex mutex_;
    std::condition_variable wake_, ended_;
    std::deque<std::string> waiting_;
    std::size_t waiting_bytes_ = 0;
    std::uint64_t dropped_ = 0;
    std::string problem_;
    bool finishing_ = false, has_ended_ = false;
    std::latch begun_{1};
    std::thread thread_;
};

// The text with "?" for control characters. Names of guests come from others, who could otherwise
// write lines that look like vnumad's own, or speak to a terminal.
std::string as_one_line(std::string text);

// Writes to an open descriptor, which must outlive the writer.
LineWriter::Sink write_to_descriptor(int fd);

}  // namespace vnuma
