// What the lab and the agent inside the host say to each other over one virtio port: frames of a
// type, a length and bytes, so that output, errors and the exit status keep their order. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace vnuma::lab {

inline constexpr std::size_t max_frame_bytes = 64 * 1024;

enum class FrameType : char {
    ready = 'r',    // agent: the host is up; the first frame
    command = 'c',  // lab: what to run, as Command's JSON; once
    output = 'o',   // agent: the command's standard output, or its terminal
    errors = 'e',   // agent: its standard error
    exit = 'x',     // agent: the exit status in decimal; the last frame
    beat = 'b',     // agent: a processor of the host is awake; about once a second
    input = 'i',    // lab: bytes typed at the terminal
    size = 's',     // lab: the terminal has this size now, as TerminalSize's JSON
};

struct Frame {
    FrameType type;
    std::string bytes;
};

std::string encode_frame(FrameType type, std::string_view bytes);

// Throws std::runtime_error on bytes that no encode_frame() has written.
class FrameDecoder {
  public:
    void feed(std::string_view bytes) { buffer_.append(bytes); }
    std::optional<Frame> next();

  private:
    std::string buffer_;
};

}  // namespace vnuma::lab
