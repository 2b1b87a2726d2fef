#include "integration/host/daemon.hpp"

#include <sys/wait.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "integration/host/files.hpp"
#include "integration/host/process.hpp"

namespace vnuma::lab {
namespace {

using nlohmann::json;
using std::chrono::seconds;

constexpr seconds stop_grace{30};

int exit_code(int status) {
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace

std::string vnumad_program() {
    const auto here = std::filesystem::read_symlink("/proc/self/exe").parent_path();
    return here.parent_path() / "src/vnumad";
}

Daemon::Daemon(const std::string& config, const std::vector<std::string>& wrapper,
               const std::vector<std::string>& options) {
    static int started = 0;
    const std::string name = "/run/lab/vnumad." + std::to_string(++started);
    log_ = name + ".log";
    write_text(name + ".conf", config);
    write_text(log_, "");  // an earlier program may have left a file of this name
    std::vector<std::string> argv = wrapper;
    argv.insert(argv.end(), {vnumad_program(), "--config", name + ".conf", "--report", "-"});
    argv.insert(argv.end(), options.begin(), options.end());
    pid_ = start_program(argv, log_);
}

Daemon::~Daemon() {
    stop();
}

std::vector<json> Daemon::take_reports() {
    std::vector<json> reports;
    std::ifstream log(log_, std::ios::binary);
    log.seekg(static_cast<std::streamoff>(read_));
    for (std::string line; std::getline(log, line) && !log.eof(); read_ += line.size() + 1) {
        if (!line.starts_with('{')) continue;
        json report = json::parse(line, nullptr, false);
        if (report.is_object()) reports.push_back(std::move(report));
    }
    return reports;
}

json Daemon::wait_for(const std::function<bool(const json&)>& condition, seconds limit) {
    json found;
    wait_until(
        [&] {
            for (json& report : take_reports())
                if (found.is_null() && condition(report)) found = std::move(report);
            return !found.is_null();
        },
        limit);
    return found;
}

int Daemon::stop() {
    if (pid_ < 0) return -1;
    const int status = end_program(pid_, stop_grace);
    pid_ = -1;
    return exit_code(status);
}

int Daemon::wait_for_end(seconds limit) {
    int status = 0;
    if (!wait_until([&] { return ::waitpid(pid_, &status, WNOHANG) == pid_; }, limit)) return -1;
    pid_ = -1;
    return exit_code(status);
}

std::string Daemon::output() const {
    std::istringstream lines(read_text(log_));
    std::string messages, report;
    for (std::string line; std::getline(lines, line);) {
        if (line.starts_with('{'))
            report = line + "\n";
        else
            messages += line + "\n";
    }
    return messages + report;
}

Restoration run_restore(const std::vector<std::string>& options) {
    const std::string log = "/run/lab/restore.log";
    write_text(log, "");
    std::vector<std::string> argv{vnumad_program(), "--restore"};
    argv.insert(argv.end(), options.begin(), options.end());
    const int status = run_program(argv, log);
    return {status, read_text(log)};
}

json find_guest(const json& report, const std::string& domain) {
    if (report.contains("guests"))
        for (const json& guest : report["guests"])
            if (guest["domain"] == domain) return guest;
    return nullptr;
}

std::vector<json> guests_of_process(const json& report, pid_t pid) {
    std::vector<json> guests;
    if (report.contains("guests"))
        for (const json& guest : report["guests"])
            if (guest["pid"] == pid) guests.push_back(guest);
    return guests;
}

}  // namespace vnuma::lab
