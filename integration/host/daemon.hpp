// vnumad, run as an operator runs it: its program, its configuration file, its reports.
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
    // Starts it with this text as its configuration. `wrapper` goes before the program's name.
    explicit Daemon(const std::string& config, const std::vector<std::string>& wrapper = {},
                    const std::vector<std::string>& options = {});
    ~Daemon();
    Daemon(const Daemon&) = delete;
    Daemon& operator=(const Daemon&) = delete;

    pid_t pid() const { return pid_; }

    // Reports that came since the last call.
    std::vector<nlohmann::json> take_reports();

    // The first report since the last call that the condition holds for, or null when none came in
    // time.
    nlohmann::json wait_for(const std::function<bool(const nlohmann::json&)>& condition,
                            std::chrono::seconds limit);

    // Ends it with SIGTERM and returns the exit status, or 128 + the signal it died of.
    int stop();
    // The exit status of a daemon that ends by itself; -1 when it has not within the limit.
    int wait_for_end(std::chrono::seconds limit);

    // All its messages and the last of its reports.
    std::string output() const;

  private:
    std::string log_;       // file
    std::size_t read_ = 0;  // bytes of the log
    pid_t pid_ = -1;
};

// A guest of a report by its domain name; null when it is not there.
nlohmann::json find_guest(const nlohmann::json& report, const std::string& domain);

}  // namespace vnuma::lab
