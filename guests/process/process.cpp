#include "guests/process/process.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <climits>
#include <system_error>
#include <utility>

#include "guests/process/files.hpp"
#include "guests/process/parse_proc.hpp"

namespace vnuma {
namespace {

constexpr std::size_t max_tasks = 16384;
constexpr std::size_t max_open_files = 8192;

FileDescriptor open_pidfd(pid_t pid) {
    return FileDescriptor(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
}

FileDescriptor open_directory(const std::string& path) {
    return FileDescriptor(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
}

}  // namespace

std::optional<Process> Process::open(pid_t pid) {
    FileDescriptor pidfd = open_pidfd(pid);
    if (!pidfd) {
        // EINVAL, and on later kernels ENOENT: it is a thread, but not the first of its process.
        if (errno == ESRCH || errno == EINVAL || errno == ENOENT) return std::nullopt;
        throw std::system_error(errno, std::generic_category(),
                                "pidfd_open of " + std::to_string(pid));
    }
    Process process(pid, open_directory("/proc/" + std::to_string(pid)), std::move(pidfd));
    const auto stat = process.read_stat();
    // The pidfd came first: if the process is alive now, the directory is that process' own.
    if (!stat || !process.alive()) return std::nullopt;
    process.start_time_ = stat->start_time;
    return process;
}

std::optional<Process> Process::open_recorded(const std::string& directory) {
    Process process(-1, open_directory(directory), FileDescriptor());
    const auto stat = process.read_stat();
    if (!stat) return std::nullopt;
    process.pid_ = stat->pid;
    process.start_time_ = stat->start_time;
    return process;
}

Process::Process(pid_t pid, FileDescriptor directory, FileDescriptor pidfd)
    : pid_(pid), directory_(std::move(directory)), pidfd_(std::move(pidfd)) {}

bool Process::alive() const {
    // poll() passes over a negative descriptor: a recorded process does not end.
    pollfd poll_exit{pidfd_.get(), POLLIN, 0};
    return ::poll(&poll_exit, 1, 0) == 0;
}

std::optional<std::string> Process::read(const std::string& file) const {
    return read_small_file(directory_.get(), file);
}

std::vector<std::string> Process::list(const std::string& directory, std::size_t limit) const {
    return list_directory(directory_.get(), directory, limit);
}

std::vector<pid_t> Process::tasks() const {
    std::vector<pid_t> tasks;
    for (const std::string& name : list("task", max_tasks))
        if (const auto task = parse_pid(name)) tasks.push_back(*task);
    return tasks;
}

// Two links belong to the directory itself (proc_task_getattr() in fs/proc/base.c).
std::size_t Process::count_tasks() const {
    struct stat status {};
    if (::fstatat(directory_.get(), "task", &status, 0) != 0 || status.st_nlink < 2) return 0;
    return status.st_nlink - 2;
}

std::vector<std::string> Process::open_files() const {
    return list("fd", max_open_files);
}

std::string Process::read_link(const std::string& link) const {
    std::array<char, PATH_MAX> path{};
    const ssize_t size = ::readlinkat(directory_.get(), link.c_str(), path.data(), path.size());
    return size > 0 ? std::string(path.data(), static_cast<std::size_t>(size)) : std::string();
}

std::optional<FileId> Process::file_id(const std::string& path) const {
    struct stat status {};
    if (::fstatat(directory_.get(), path.c_str(), &status, 0) != 0) return std::nullopt;
    return FileId{status.st_dev, status.st_ino};
}

std::optional<std::string> Process::read_head(const std::string& file, std::size_t bytes) const {
    const FileDescriptor fd = open_for_reading(file);
    return fd ? read_once(fd.get(), bytes) : std::nullopt;
}

FileDescriptor Process::open_for_reading(const std::string& file) const {
    return FileDescriptor(::openat(directory_.get(), file.c_str(), O_RDONLY | O_CLOEXEC));
}

FileDescriptor Process::open_for_writing(const std::string& file) const {
    return FileDescriptor(::openat(directory_.get(), file.c_str(), O_WRONLY | O_CLOEXEC));
}

bool Process::write(const std::string& file, const std::string& text) const {
    const FileDescriptor fd = open_for_writing(file);
    return fd && write_once(fd.get(), text);
}

std::optional<TaskStat> Process::read_stat() const {
    const auto text = read("stat");
    return text ? parse_stat(*text) : std::nullopt;
}

}  // namespace vnuma
