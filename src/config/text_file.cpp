#include "src/config/text_file.hpp"

#include <fcntl.h>

#include <cerrno>
#include <optional>
#include <system_error>
#include <utility>

#include "guests/process/files.hpp"

namespace vnuma {

FileDescriptor open_text_file(const std::string& file) {
    return FileDescriptor(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
}

FileText read_text_file(int fd, const struct stat& status) {
    if (!S_ISREG(status.st_mode)) return {"", "is no regular file"};
    // The size in `status` does not tell: files of /proc have size 0, and others may grow.
    std::optional<std::string> text = read_all(fd, max_text_bytes + 1);
    if (!text) return {"", why_unreadable()};
    if (text->size() > max_text_bytes)
        return {"", "is larger than " + std::to_string(max_text_bytes >> 20) + " MiB"};
    return {std::move(*text), ""};
}

FileText read_text_file(const std::string& file) {
    const FileDescriptor fd = open_text_file(file);
    struct stat status {};
    if (!fd || ::fstat(fd.get(), &status) != 0) return {"", why_unreadable()};
    return read_text_file(fd.get(), status);
}

std::string why_unreadable() {
    return "cannot be read: " + std::generic_category().message(errno);
}

}  // namespace vnuma
