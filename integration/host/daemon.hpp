// vnumad, run as an operator runs it: a program with a configuration file that writes reports.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace vnuma::lab {

std::string vnumad_program();

class Daemon {
  public:
    // Starts vnumad with this text as its configuration file. `wrapper` is a command that runs it.
    explicit Daemon(const std::string& config, const std::vector<std::string>& wrapper = {},
                    const std::vector<std::string>& options = {});
    ~Daemon();
    Daemon(const Daemon&) = delete;
    Daemon& operator=(const Daemon&) = delete;

    pid_t pid() const { return pid_; }

    // The reports written since the last call.
    std::vector<nlohmann::json> take_reports();

    // The first report since the last call that meets the condition, or null if none does within
    // the limit.
    nlohmann::json wait_for(const std::function<bool(const nlohmann::json&)>& condition,
                            std::chrono::seconds limit);

    // Ends vnumad with SIGTERM. Returns the exit status, or 128 plus the signal that killed it.
    int stop();
    // Waits for vnumad to end by itself. Returns as stop() does, or -1 if it runs after the limit.
    int wait_for_end(std::chrono::seconds limit);

    // All messages and the last report.
    std::string output() const;

  private:
    std::string log_;       // the file with messages and reports
    std::size_t read_ = 0;  // bytes of the log that take_reports() has read
    pid_t pid_ = -1;
};

// What `vnumad --restore` has printed, and its exit status.
struct Restoration {
    int status = 0;
    std::string output;
};
Restoration run_restore(const std::vector<std::string>& options = {});

// A guest of a report by its domain name; null if the report lacks the guest.
nlohmann::json find_guest(const nlohmann::json& report, const std::string& domain);

// The guests of a report whose VMM is this process: one, unless the report is wrong.
std::vector<nlohmann::json> guests_of_process(const nlohmann::json& report, pid_t pid);

}  // namespace vnuma::lab
