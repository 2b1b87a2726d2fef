// A file of lines that grows no larger than its limit: then it becomes FILE.1, and is begun anew.
#pragma once

#include <cstdint>
#include <string>

namespace vnuma {

// With FILE.1 there is twice that at most.
inline constexpr std::int64_t max_recording_bytes = 64 << 20;

class RecordFile {
  public:
    // Goes on with a file that is there; what a crash left of a last line is cut off. Others than
    // its owner may not read it: it tells which guests there are. Throws std::system_error.
    explicit RecordFile(std::string path, std::int64_t limit = max_recording_bytes);
    ~RecordFile();
    RecordFile(const RecordFile&) = delete;
    RecordFile& operator=(const RecordFile&) = delete;

    // Puts a line, and its end, into the page cache. When that fails (a full disk), what there is
    // of it is taken back, the file is closed for good, and what was wrong is returned.
    std::string append(std::string line);

    bool closed() const { return fd_ < 0; }

  private:
    void open();
    void rotate();
    void write_all(const std::string& text);
    void close();

    std::string path_;
    std::int64_t limit_;
    std::int64_t size_ = 0;
    int fd_ = -1;
};

}  // namespace vnuma
