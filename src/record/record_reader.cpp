#include "src/record/record_reader.hpp"

#include <utility>

#include "src/json/shapes.hpp"

namespace vnuma {

// The buffer has room for the newline and for the zero that getline() appends.
RecordReader::RecordReader(std::string file)
    : file_(std::move(file)), in_(file_, std::ios::binary), buffer_(max_record_bytes + 2) {
    in_.peek();  // opening a directory succeeds, reading it fails
    if (!in_.is_open() || in_.bad()) throw RecordingError(file_ + ": cannot be read");
    in_.clear();
}

void RecordReader::fail(const std::string& problem) const {
    throw RecordingError(file_ + ":" + std::to_string(line_) + ": " + problem);
}

std::optional<Record> RecordReader::next() {
    ++line_;
    in_.getline(buffer_.data(), static_cast<std::streamsize>(buffer_.size()));
    if (in_.bad()) fail("cannot be read");
    const auto got = static_cast<std::size_t>(in_.gcount());
    if (in_.fail() && got > 0) fail("has more than " + std::to_string(max_record_bytes) + " bytes");
    if (in_.fail()) return std::nullopt;
    try {
        return parse_record({buffer_.data(), in_.eof() ? got : got - 1});
    } catch (const FormatError& error) {
        fail(error.what());
    }
}

}  // namespace vnuma
