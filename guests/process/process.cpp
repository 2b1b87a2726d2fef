#include "guests/process/process.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <climits>
#include <system_error>
#include <utility>

#include "guests/process/parse_proc.hpp"

namespace vnuma {
namespace {

// numa_maps of a guest with thousands of mappings stays far below.
constexpr std::size_t max_file_bytes = 64 * 1024 * 1024;
constexpr std::size_t max_tasks = 16384;

int open_pidfd(pid_t pid) {
    return static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));
}

}  // namespace

std::vector<std::string> list_directory(int above, const std::string& directory,
                                        std::size_t limit) {
    std::vector<std::string> names;
    const int fd = ::openat(above, directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return names;
    DIR* stream = ::fdopendir(fd);
    if (!stream) {
        ::close(fd);
        return names;
    }
    while (const dirent* entry = names.size() < limit ? ::readdir(stream) : nullptr)
        if (entry->d_name[0] != '.') names.emplace_back(entry->d_name);
    ::closedir(stream);
    return names;
}

std::optional<std::string> read_small_file(int directory, const std::string& file) {
    const int fd = ::openat(directory, file.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) return std::nullopt;
    std::string text;
    std::array<char, 16384> chunk{};
    ssize_t size = 0;
    while ((size = ::read(fd, chunk.data(), chunk.size())) > 0 && text.size() < max_file_bytes)
        text.append(chunk.data(), static_cast<std::size_t>(size));
    ::close(fd);
    if (size < 0) return std::nullopt;
    return text;
}

std::optional<Process> Process::open(pid_t pid) {
    const int pidfd = open_pidfd(pid);
    if (pidfd < 0) {
        if (errno == ESRCH || errno == EINVAL) return std::nullopt;
        throw std::system_error(errno, std::generic_category(),
                                "pidfd_open of " + std::to_string(pid));
    }
    const std::string path = "/proc/" + std::to_string(pid);
    const int directory = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    Process process(pid, directory, pidfd);
    const auto text = directory < 0 ? std::nullopt : process.read("stat");
    const auto stat = text ? parse_stat(*text) : std::nullopt;
    // The pidfd came first: if it is alive now, the directory is that process' own.
    if (!stat || !process.alive()) return std::nullopt;
    process.start_time_ = stat->start_time;
    return process;
}

std::optional<Process> Process::open_recorded(const std::string& directory) {
    const int fd = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return std::nullopt;
    Process process(-1, fd, -1);
    const auto text = process.read("stat");
    const auto stat = text ? parse_stat(*text) : std::nullopt;
    if (!stat) return std::nullopt;
    process.pid_ = stat->pid;
    process.start_time_ = stat->start_time;
    return process;
}

Process::Process(pid_t pid, int directory, int pidfd)
    : pid_(pid), directory_(directory), pidfd_(pidfd) {}

Process::Process(Process&& other) noexcept
    : pid_(other.pid_),
      directory_(std::exchange(other.directory_, -1)),
      pidfd_(std::exchange(other.pidfd_, -1)),
      start_time_(other.start_time_) {}

Process& Process::operator=(Process&& other) noexcept {
    std::swap(pid_, other.pid_);
    std::swap(directory_, other.directory_);
    std::swap(pidfd_, other.pidfd_);
    std::swap(start_time_, other.start_time_);
    return *this;
}

Process::~Process() {
    if (directory_ >= 0) ::close(directory_);
    if (pidfd_ >= 0) ::close(pidfd_);
}

bool Process::alive() const {
    // poll() passes over a negative descriptor: a recorded process does not end.
    pollfd poll_exit{pidfd_, POLLIN, 0};
    return ::poll(&poll_exit, 1, 0) == 0;
}

std::optional<std::string> Process::read(const std::string& file) const {
    return read_small_file(directory_, file);
}

std::vector<std::string> Process::list(const std::string& directory, std::size_t limit) const {
    return list_directory(directory_, directory, limit);
}

std::vector<pid_t> Process::tasks() const {
    std::vector<pid_t> tasks;
    for (const std::string& name : list("task", max_tasks)) {
        pid_t task = 0;
        const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), task);
        if (error == std::errc() && end == name.data() + name.size()) tasks.push_back(task);
    }
    return tasks;
}

std::string Process::read_link(const std::string& link) const {
    std::array<char, PATH_MAX> path{};
    const ssize_t size = ::readlinkat(directory_, link.c_str(), path.data(), path.size());
    return size > 0 ? std::string(path.data(), static_cast<std::size_t>(size)) : std::string();
}

std::optional<std::string> Process::read_head(const std::string& file, std::size_t bytes) const {
    const int fd = open_file(file);
    if (fd < 0) return std::nullopt;
    std::string text(bytes, '\0');
    const ssize_t size = ::read(fd, text.data(), text.size());
    ::close(fd);
    if (size < 0) return std::nullopt;
    text.resize(static_cast<std::size_t>(size));
    return text;
}

int Process::open_file(const std::string& file) const {
    return ::openat(directory_, file.c_str(), O_RDONLY | O_CLOEXEC);
}

int Process::open_to_write(const std::string& file) const {
    return ::openat(directory_, file.c_str(), O_WRONLY | O_CLOEXEC);
}

bool Process::write(const std::string& file, const std::string& text) const {
    const int fd = open_to_write(file);
    if (fd < 0) return false;
    const ssize_t size = ::write(fd, text.data(), text.size());
    const int error = size < 0 ? errno : EIO;
    ::close(fd);
    errno = error;
    return size == static_cast<ssize_t>(text.size());
}

}  // namespace vnuma
