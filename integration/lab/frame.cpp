#include "integration/lab/frame.hpp"

#include <stdexcept>

namespace vnuma::lab {
namespace {

// Type, then the length as four bytes, most significant first.
constexpr std::size_t header_bytes = 5;
constexpr std::string_view types = "rcoexbis";

}  // namespace

std::string encode_frame(FrameType type, std::string_view bytes) {
    if (bytes.size() > max_frame_bytes) throw std::length_error("a lab frame is too long");
    std::string frame(1, static_cast<char>(type));
    for (int shift = 24; shift >= 0; shift -= 8)
        frame.push_back(static_cast<char>((bytes.size() >> shift) & 0xff));
    return frame.append(bytes);
}

std::optional<Frame> FrameDecoder::next() {
    if (buffer_.size() < header_bytes) return std::nullopt;
    if (types.find(buffer_[0]) == std::string_view::npos)
        throw std::runtime_error("the lab's channel carries something that is no frame");
    std::size_t length = 0;
    for (std::size_t i = 1; i < header_bytes; ++i)
        length = length << 8 | static_cast<unsigned char>(buffer_[i]);
    if (length > max_frame_bytes)
        throw std::runtime_error("the lab's channel carries a frame that is too long");
    if (buffer_.size() < header_bytes + length) return std::nullopt;
    Frame frame{static_cast<FrameType>(buffer_[0]), buffer_.substr(header_bytes, length)};
    buffer_.erase(0, header_bytes + length);
    return frame;
}

}  // namespace vnuma::lab
