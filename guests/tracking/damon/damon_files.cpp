#include "guests/tracking/damon/damon_files.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/resource.h>

#include <cerrno>
#include <system_error>
#include <thread>
#include <utility>

#include "guests/process/file_descriptor.hpp"
#include "guests/process/files.hpp"
#include "guests/process/parse_proc.hpp"

namespace vnuma {
namespace {

constexpr const char* below_sysfs = "/kernel/mm/damon/admin/kdamonds";
constexpr std::size_t max_text = 4096;  // a sysfs file is at most a page long

class SysfsDamonFiles final : public DamonFiles {
  public:
    explicit SysfsDamonFiles(FileDescriptor directory) : directory_(std::move(directory)) {}

    DamonFileText read(const std::string& file) override {
        const FileDescriptor fd(::openat(directory_.get(), file.c_str(), O_RDONLY | O_CLOEXEC));
        auto text = fd ? read_once(fd.get(), max_text) : std::nullopt;
        if (!text) return {errno, {}};
        return {0, std::move(*text)};
    }

    int write(const std::string& file, std::string_view text) override {
        const FileDescriptor fd(
            ::openat(directory_.get(), file.c_str(), O_WRONLY | O_TRUNC | O_CLOEXEC));
        return fd && write_once(fd.get(), text) ? 0 : errno;
    }

    std::vector<std::string> list(const std::string& directory, std::size_t limit) override {
        return list_directory(directory_.get(), directory, limit);
    }

    void pause(std::chrono::milliseconds time) override { std::this_thread::sleep_for(time); }

    std::optional<std::chrono::nanoseconds> cpu_time(pid_t thread) override {
        const auto text = is_kdamond(thread) ? read_proc_file(thread, "schedstat") : std::nullopt;
        const auto stat = text ? parse_schedstat(*text) : std::nullopt;
        if (!stat) return std::nullopt;
        return std::chrono::nanoseconds(stat->run_ns);
    }

    void set_nice(pid_t thread, int nice) override {
        if (is_kdamond(thread)) ::setpriority(PRIO_PROCESS, static_cast<id_t>(thread), nice);
    }

  private:
    static std::optional<std::string> read_proc_file(pid_t thread, const char* file) {
        return read_small_file("/proc/" + std::to_string(thread) + "/" + file);
    }
    // In the PID namespace of a container the number that sysfs holds may be another thread's.
    static bool is_kdamond(pid_t thread) {
        const auto name = read_proc_file(thread, "comm");
        return name && name->starts_with("kdamond");
    }

    FileDescriptor directory_;
};

std::string explain(int error, const std::string& path) {
    const std::string text = path + ": " + std::generic_category().message(error);
    return error == EACCES || error == EPERM ? "DAMON needs root or CAP_DAC_OVERRIDE: " + text
                                             : "DAMON cannot be used: " + text;
}

}  // namespace

std::unique_ptr<DamonFiles> open_damon_files(const std::string& sysfs_root, std::string& error) {
    const std::string path = sysfs_root + below_sysfs;
    FileDescriptor directory(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!directory) {
        error = errno == ENOENT ? "this kernel has no DAMON (CONFIG_DAMON_SYSFS)"
                                : explain(errno, path);
        return nullptr;
    }
    if (!FileDescriptor(::openat(directory.get(), "nr_kdamonds", O_RDWR | O_CLOEXEC))) {
        error = explain(errno, path + "/nr_kdamonds");
        return nullptr;
    }
    if (::flock(directory.get(), LOCK_EX | LOCK_NB) != 0) {
        error = errno == EWOULDBLOCK ? "another vnumad uses DAMON" : explain(errno, path);
        return nullptr;
    }
    return std::make_unique<SysfsDamonFiles>(std::move(directory));
}

}  // namespace vnuma
