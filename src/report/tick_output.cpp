#include "src/report/tick_output.hpp"

#include <spdlog/sinks/base_sink.h>
#include <spdlog/spdlog.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include <mutex>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <utility>

#include "src/observe/privileges.hpp"
#include "src/record/record.hpp"
#include "src/report/report.hpp"

namespace vnuma {
namespace {

class WriterSink final : public spdlog::sinks::base_sink<std::mutex> {
  public:
    explicit WriterSink(LineWriter& writer) : writer_(writer) {}

  protected:
    void sink_it_(const spdlog::details::log_msg& message) override {
        spdlog::memory_buf_t line;
        formatter_->format(message, line);
        std::string text(line.data(), line.size());
        if (!text.empty() && text.back() == '\n') text.pop_back();
        if (const std::uint64_t dropped = writer_.take_dropped())
            writer_.write("vnumad: " + std::to_string(dropped) +
                          " lines of the log were dropped, because their reader is too slow");
        writer_.write(as_one_line(std::move(text)));
    }
    void flush_() override {}

  private:
    LineWriter& writer_;
};

}  // namespace

TickOutput::TickOutput(const Config& config, const TickOutputSettings& settings)
    : config_(config),
      report_(open("reports to ", settings.report_file,
                   Trouble("a report is lost", "reports are written again"))),
      recording_(open("recording to ", settings.record_file,
                      Trouble("a tick is not recorded", "ticks are recorded again"))) {}

TickOutput::Output TickOutput::open(const char* name, const std::string& file, Trouble trouble) {
    Output output{nullptr, nullptr, std::move(trouble)};
    if (file.empty()) return output;
    LineWriter::Sink sink = write_to_descriptor(STDOUT_FILENO);
    if (file != "-") {
        output.file = std::make_unique<RecordFile>(file);
        sink = [target = output.file.get()](const std::string& line) {
            return target->append(line);
        };
    }
    output.writer =
        std::make_unique<LineWriter>(name + (file == "-" ? "stdout" : file), std::move(sink));
    return output;
}

void TickOutput::record(const Tick& tick) {
    if (!recording_.writer || !tick.look) return;
    recording_.writer->write(to_line({config_.planner, tick.history, tick.snapshot, tick.plan}));
    if (const std::uint64_t dropped = recording_.writer->take_dropped())
        spdlog::warn("{} ticks were not recorded, because the file is written too slowly", dropped);
    recording_.trouble.update(recording_.writer->problem());
}

void TickOutput::report(const Tick& tick) {
    const std::vector<control::Happening> happenings = happenings_.update(tick);
    for (const control::Happening& happening : happenings)
        if (is_logged(happening)) spdlog::info("{}", to_log_line(happening));
    troubles_.update(tick);
    if (hearer_ && !happenings.empty()) hearer_(happenings);
    if (report_.writer) {
        nlohmann::json report = make_report(tick);
        if (const std::uint64_t dropped = report_.writer->take_dropped()) {
            report["dropped_reports"] = dropped;
            spdlog::warn("{} reports were dropped, because their reader is too slow", dropped);
        }
        report_.writer->write(
            report.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
        report_.trouble.update(report_.writer->problem());
    }
    sd_notifyf(0, "STATUS=%s, %zu guests", tick.look ? "balancing" : "blind",
               tick.snapshot.guests.size());
}

bool TickOutput::finish(std::chrono::milliseconds patience) {
    bool ended = true;
    for (Output* output : {&report_, &recording_})
        if (output->writer) ended &= output->writer->finish(patience);
    return ended;
}

std::unique_ptr<LineWriter> log_to_stderr() {
    // Capabilities belong to a thread, and this one is there before the others give up theirs. If
    // it cannot, they cannot either, and vnumad does not start.
    const auto begin = [] {
        try {
            keep_capabilities({});
        } catch (const std::runtime_error&) {
        }
    };
    auto writer = std::make_unique<LineWriter>("log", write_to_descriptor(STDERR_FILENO), begin);
    auto logger = std::make_shared<spdlog::logger>("vnumad", std::make_shared<WriterSink>(*writer));
    logger->set_pattern("%n: %v");
    spdlog::set_default_logger(std::move(logger));
    return writer;
}

}  // namespace vnuma
