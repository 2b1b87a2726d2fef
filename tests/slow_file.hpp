// A file whose reader waits until the test writes its content.
#pragma once

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <system_error>

#include "guests/process/file_descriptor.hpp"

namespace vnuma::test {

class SlowFile {
  public:
    // Replaces the file at `path`.
    explicit SlowFile(std::string path) : path_(std::move(path)) {
        std::filesystem::remove(path_);
        if (::mkfifo(path_.c_str(), 0600) != 0)
            throw std::system_error(errno, std::generic_category(), path_);
    }
    // A reader that still waits reads an empty file.
    ~SlowFile() {
        const FileDescriptor pipe(::open(path_.c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC));
        ::unlink(path_.c_str());
    }
    SlowFile(const SlowFile&) = delete;
    SlowFile& operator=(const SlowFile&) = delete;

    // Waits for one reader and gives it the text.
    void give(const std::string& text) const { std::ofstream(path_) << text; }

  private:
    std::string path_;
};

}  // namespace vnuma::test
