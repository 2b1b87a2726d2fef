#include "qmp/line_buffer.hpp"

#include <algorithm>

namespace vnuma::qmp {

bool LineBuffer::feed(std::string_view bytes) {
    const std::size_t wanted = buffer_.size() + bytes.size();
    // A string that grows doubles its memory.
    if (wanted > buffer_.capacity() && !hold(std::max(wanted, 2 * buffer_.capacity())))
        return false;
    buffer_.append(bytes);
    return true;
}

std::optional<std::string_view> LineBuffer::next() {
    const std::size_t newline = buffer_.find('\n', scanned_);
    const bool complete = newline != std::string::npos;
    const std::size_t length = (complete ? newline : buffer_.size()) - begin_;
    too_long_ = length > max_line_bytes_;
    if (too_long_) return std::nullopt;
    scanned_ = complete ? newline + 1 : buffer_.size();
    if (!complete) {
        forget_lines();
        return std::nullopt;
    }
    std::string_view line(buffer_.data() + begin_, length);
    begin_ = scanned_;
    if (line.ends_with('\r')) line.remove_suffix(1);
    return line;
}

void LineBuffer::clear() {
    begin_ = scanned_ = buffer_.size();
    forget_lines();
}

// Drops the lines that were returned. The memory of a long one is not kept.
void LineBuffer::forget_lines() {
    buffer_.erase(0, begin_);
    scanned_ -= begin_;
    begin_ = 0;
    if (buffer_.capacity() > std::max(max_idle_bytes, 4 * buffer_.size())) buffer_.shrink_to_fit();
    hold(buffer_.capacity());
}

// Counts the memory of the buffer; false if the budget has too little left.
bool LineBuffer::hold(std::size_t bytes) {
    return held_.resize(bytes > max_idle_bytes ? bytes : 0);
}

}  // namespace vnuma::qmp
