#include "integration/host/small_vmm.hpp"

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <sstream>
#include <stdexcept>
#include <utility>
#include <vector>

#include "integration/host/files.hpp"
#include "integration/host/process.hpp"

namespace vnuma::lab {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr seconds start_limit{120}, access_limit{30}, end_grace{30};

// The program is in the directory of the one that runs the scenario.
std::string program() {
    return std::filesystem::read_symlink("/proc/self/exe").parent_path() / "small-vmm";
}

std::string log_of(const std::string& guest) {
    return "/run/lab/" + guest + ".log";
}

struct Progress {
    milliseconds time{0};                     // since the start
    std::vector<std::uint64_t> accessed_mib;  // by vCPU
};

// The last line may not be complete.
std::vector<Progress> read_progress(const std::string& file) {
    std::vector<Progress> all;
    std::istringstream lines(read_text(file));
    for (std::string line; std::getline(lines, line) && !lines.eof();) {
        std::istringstream numbers(line);
        std::int64_t time = 0;
        numbers >> time;
        Progress progress{milliseconds(time), {}};
        for (std::uint64_t mib = 0; numbers >> mib;)
            progress.accessed_mib.push_back(mib);
        all.push_back(std::move(progress));
    }
    return all;
}

std::vector<std::uint64_t> accessed_mib(const std::string& file) {
    const std::vector<Progress> all = read_progress(file);
    return all.empty() ? std::vector<std::uint64_t>() : all.back().accessed_mib;
}

milliseconds longest_pause_of(std::size_t vcpu, const std::vector<Progress>& all) {
    milliseconds longest{0}, since{0};
    std::uint64_t accessed = 0;
    for (const Progress& progress : all) {
        const std::uint64_t now = progress.accessed_mib.at(vcpu);
        if (accessed > 0) longest = std::max(longest, progress.time - since);
        if (now != accessed) since = progress.time;
        accessed = now;
    }
    return longest;
}

}  // namespace

SmallVmm::SmallVmm(const std::string& name, int vcpus, int mib, SmallVmmStart how)
    : KvmGuest(GuestShape{name, {{vcpus, mib}}, {}}), progress_("/run/lab/" + name + ".progress") {
    write_text(progress_, "");  // an earlier VMM may have left one
    pid_ = start_program({program(), std::to_string(vcpus), std::to_string(mib), progress_,
                          how.named ? "vcpu" : "worker", std::to_string(how.rest.count())},
                         log_of(name));
    if (how.wait) wait_until_started();
}

void SmallVmm::wait_until_started() {
    const int vcpus = vcpus_of(shape()), mib = shape().cells.at(0).mib;
    const auto once = static_cast<std::uint64_t>((mib - 1) / vcpus);
    const auto accessed_all = [&] {
        const std::vector<std::uint64_t> accessed = accessed_mib(progress_);
        return !accessed.empty() && *std::min_element(accessed.begin(), accessed.end()) >= once;
    };
    if (wait_until(accessed_all, start_limit)) return;
    end_program(pid_, end_grace);
    throw std::runtime_error(name() + " did not access all of its memory:\n" +
                             read_text(log_of(name())));
}

SmallVmm::~SmallVmm() {
    end();
}

bool SmallVmm::end() {
    return end_program(std::exchange(pid_, -1), end_grace) == 0;
}

std::map<int, pid_t> SmallVmm::vcpu_threads() const {
    return lab::vcpu_threads(pid());
}

bool SmallVmm::is_at_work() {
    const std::vector<std::uint64_t> before = accessed_mib(progress_);
    const auto all_go_on = [&] {
        const std::vector<std::uint64_t> now = accessed_mib(progress_);
        return std::equal(now.begin(), now.end(), before.begin(), before.end(), std::greater<>());
    };
    return wait_until(all_go_on, access_limit);
}

milliseconds SmallVmm::longest_pause() const {
    const std::vector<Progress> all = read_progress(progress_);
    milliseconds longest{0};
    for (int vcpu = 0; vcpu < vcpus_of(shape()); ++vcpu)
        longest = std::max(longest, longest_pause_of(static_cast<std::size_t>(vcpu), all));
    return longest;
}

}  // namespace vnuma::lab
