// A file that takes as long to read as a test likes.
#pragma once

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <system_error>

namespace vnuma::test {

class SlowFile {
  public:
    // In place of what is there.
    explicit SlowFile(std::string path) : path_(std::move(path)) {
        std::filesystem::remove(path_);
        if (::mkfifo(path_.c_str(), 0600) != 0)
            throw std::system_error(errno, std::generic_category(), path_);
    }
    // Whoever still reads it is let go, and nobody waits for it any more.
    ~SlowFile() {
        const int pipe = ::open(path_.c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC);
        ::unlink(path_.c_str());
        if (pipe >= 0) ::close(pipe);
    }
    SlowFile(const SlowFile&) = delete;
    SlowFile& operator=(const SlowFile&) = delete;

    // What one reader gets; waits for it.
    void give(const std::string& text) const { std::ofstream(path_) << text; }

  private:
    std::string path_;
};

}  // namespace vnuma::test
