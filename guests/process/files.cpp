#include "guests/process/files.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <memory>

#include "guests/process/file_descriptor.hpp"

namespace vnuma {
namespace {

ssize_t read_some(int fd, char* bytes, std::size_t size) {
    ssize_t count = 0;
    do {
        count = ::read(fd, bytes, size);
    } while (count < 0 && errno == EINTR);
    return count;
}

ssize_t write_some(int fd, std::string_view text) {
    ssize_t count = 0;
    do {
        count = ::write(fd, text.data(), text.size());
    } while (count < 0 && errno == EINTR);
    return count;
}

struct CloseDirectory {
    void operator()(DIR* directory) const { ::closedir(directory); }
};

}  // namespace

std::optional<std::string> read_all(int fd, std::size_t limit) {
    std::string text;
    std::array<char, 16384> piece{};
    while (text.size() < limit) {
        const ssize_t count =
            read_some(fd, piece.data(), std::min(piece.size(), limit - text.size()));
        if (count < 0) return std::nullopt;
        if (count == 0) break;
        text.append(piece.data(), static_cast<std::size_t>(count));
    }
    return text;
}

std::optional<std::string> read_once(int fd, std::size_t limit) {
    std::string text(limit, '\0');
    const ssize_t count = read_some(fd, text.data(), text.size());
    if (count < 0) return std::nullopt;
    text.resize(static_cast<std::size_t>(count));
    return text;
}

bool write_all(int fd, std::string_view text) {
    while (!text.empty()) {
        const ssize_t count = write_some(fd, text);
        if (count == 0) errno = EIO;
        if (count <= 0) return false;
        text.remove_prefix(static_cast<std::size_t>(count));
    }
    return true;
}

bool write_once(int fd, std::string_view text) {
    const ssize_t count = write_some(fd, text);
    if (count == static_cast<ssize_t>(text.size())) return true;
    if (count >= 0) errno = EIO;
    return false;
}

std::optional<std::string> read_small_file(int directory, const std::string& file) {
    const FileDescriptor fd(::openat(directory, file.c_str(), O_RDONLY | O_CLOEXEC));
    return fd ? read_all(fd.get(), max_small_file_bytes) : std::nullopt;
}

std::optional<std::string> read_small_file(const std::string& file) {
    return read_small_file(AT_FDCWD, file);
}

std::vector<std::string> list_directory(int directory, const std::string& path, std::size_t limit) {
    std::vector<std::string> names;
    FileDescriptor fd(::openat(directory, path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    const std::unique_ptr<DIR, CloseDirectory> stream(fd ? ::fdopendir(fd.get()) : nullptr);
    if (!stream) return names;
    static_cast<void>(fd.release());  // closedir() closes the descriptor, too
    while (const dirent* entry = names.size() < limit ? ::readdir(stream.get()) : nullptr)
        if (entry->d_name[0] != '.') names.emplace_back(entry->d_name);
    return names;
}

}  // namespace vnuma
