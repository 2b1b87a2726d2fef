#include "src/report/line_writer.hpp"

#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>

namespace vnuma {

LineWriter::LineWriter(std::string name, Sink sink, const std::function<void()>& begin)
    : name_(std::move(name)), sink_(std::move(sink)), thread_([this, &begin] { run(begin); }) {
    begun_.wait();
}

LineWriter::~LineWriter() {
    finish(std::chrono::milliseconds(0));
    thread_.join();
}

void LineWriter::write(std::string line) {
    const std::lock_guard lock(mutex_);
    if (finishing_) return;
    waiting_bytes_ += line.size();
    waiting_.push_back(std::move(line));
    while (waiting_.size() > max_waiting_lines ||
           (waiting_bytes_ > max_waiting_bytes && waiting_.size() > 1)) {
        waiting_bytes_ -= waiting_.front().size();
        waiting_.pop_front();
        ++dropped_;
    }
    wake_.notify_one();
}

std::uint64_t LineWriter::take_dropped() {
    const std::lock_guard lock(mutex_);
    return std::exchange(dropped_, 0);
}

std::string LineWriter::problem() const {
    const std::lock_guard lock(mutex_);
    return problem_.empty() ? "" : name_ + ": " + problem_;
}

bool LineWriter::finish(std::chrono::milliseconds patience) {
    const auto end = std::chrono::steady_clock::now() + patience;
    std::unique_lock lock(mutex_);
    ended_.wait_until(lock, end, [this] { return finishing_ || waiting_.empty(); });
    finishing_ = true;
    wake_.notify_one();
    return ended_.wait_until(lock, end, [this] { return has_ended_; });
}

void LineWriter::run(const std::function<void()>& begin) {
    if (begin) begin();
    begun_.count_down();
    std::unique_lock lock(mutex_);
    while (true) {
        wake_.wait(lock, [this] { return finishing_ || !waiting_.empty(); });
        if (finishing_) break;
        const std::string line = std::move(waiting_.front());
        waiting_.pop_front();
        waiting_bytes_ -= line.size();
        lock.unlock();
        std::string problem = sink_(line);
        lock.lock();
        problem_ = std::move(problem);
        ended_.notify_all();
    }
    has_ended_ = true;
    ended_.notify_all();
}

std::string as_one_line(std::string text) {
    constexpr char first_printable = ' ', delete_character = 0x7f;
    for (char& c : text)
        if ((c >= 0 && c < first_printable) || c == delete_character) c = '?';
    return text;
}

LineWriter::Sink write_to_descriptor(int fd) {
    return [fd](const std::string& line) -> std::string {
        const std::string text = line + "\n";
        for (std::size_t done = 0; done < text.size();) {
            const ssize_t written = ::write(fd, text.data() + done, text.size() - done);
            if (written >= 0) {
                done += static_cast<std::size_t>(written);
            } else if (errno == EAGAIN) {
                pollfd ready{fd, POLLOUT, 0};  // somebody else has made it non-blocking
                ::poll(&ready, 1, -1);
            } else if (errno != EINTR) {
                return std::generic_category().message(errno);
            }
        }
        return "";
    };
}

}  // namespace vnuma
