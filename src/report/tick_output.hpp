// What vnumad tells of its ticks: one line for each change in the log, the whole report where it is
// asked for, the recording, and systemd's status line.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "src/config/config.hpp"
#include "src/record/record_file.hpp"
#include "src/report/happenings.hpp"
#include "src/report/line_writer.hpp"
#include "src/report/tick.hpp"
#include "src/report/trouble_log.hpp"

namespace vnuma {

struct TickOutputSettings {
    std::string report_file;  // "-" for stdout; empty for none
    std::string record_file;  // empty for none
};

class TickOutput {
  public:
    // Throws std::system_error when a file cannot be written. `config` must outlive it.
    TickOutput(const Config& config, const TickOutputSettings& settings);

    // What else hears of all that happens, also of what is not logged: the control socket and the
    // history. Called by report(), on its thread, with at least one happening; must not block.
    using Hearer = std::function<void(const std::vector<control::Happening>&)>;
    void tell_also(Hearer hearer) { hearer_ = std::move(hearer); }

    // Neither blocks: lines are written by threads of their own.
    void record(const Tick& tick);
    void report(const Tick& tick);

    // Writes what waits, for at most `patience` each. False when a writer is stuck: then the
    // process has to end without destroying it.
    bool finish(std::chrono::milliseconds patience);

  private:
    struct Output {
        std::unique_ptr<RecordFile> file;  // null for stdout
        std::unique_ptr<LineWriter> writer;
        Trouble trouble;
    };

    static Output open(const char* name, const std::string& file, Trouble trouble);
    const Config& config_;
    Happenings happenings_;
    Hearer hearer_;
    TroubleLog troubles_;
    Output report_, recording_;
};

// From now on spdlog's default logger writes to stderr from a thread of its own. The returned
// writer must live for as long as anything logs.
std::unique_ptr<LineWriter> log_to_stderr();

}  // namespace vnuma
