#include "src/ctl/plot/plot.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <iostream>
#include <stdexcept>

#include "guests/process/file_descriptor.hpp"
#include "src/ctl/connection.hpp"
#include "src/ctl/plot/plot_data.hpp"
#include "src/ctl/plot/plot_page.hpp"
#include "src/ctl/whatif/record_reader.hpp"

namespace vnuma::ctl {
namespace {

constexpr int exit_failed = 1, exit_bad_recording = 2;
// Of a reply. Many pages make few large replies, and each is answered at once.
constexpr int entries_of_a_page = 10'000;
// A day of minutes of a thousand guests has fewer.
constexpr int max_pages = 10'000;

// The page could not be written, or the daemon's history makes no sense.
struct PlotError : std::runtime_error {
    using std::runtime_error::runtime_error;
};

plot::PlotData from_recording(const PlotOptions& options) {
    RecordReader reader(options.file);
    plot::RecordingPlot recording;
    bool is_empty = true;
    while (const std::optional<Record> record = reader.next()) {
        recording.add(*record);
        is_empty = false;
    }
    if (is_empty) throw ReplayError(options.file + ": has no ticks");
    const std::string name = std::filesystem::path(options.file).filename().string();
    return recording.finish("Recording " + name, options.since_ms);
}

plot::PlotData from_history(const PlotOptions& options, Connection& connection) {
    const auto since_1970 = std::chrono::system_clock::now().time_since_epoch();
    const std::int64_t now =
        std::chrono::duration_cast<std::chrono::milliseconds>(since_1970).count();
    control::SinceArguments arguments;
    arguments.since_ms = options.since_ms && *options.since_ms < now ? now - *options.since_ms : 0;
    arguments.limit = entries_of_a_page;
    plot::HistoryPlot history;
    for (int page = 0; page < max_pages; ++page) {
        const auto reply = connection.ask<control::HistoryPage>("query-history", arguments);
        history.add(reply);
        if (!reply.next_ms) return history.finish("vnumad's history", options.since_ms);
        if (*reply.next_ms <= arguments.since_ms) break;
        arguments.since_ms = *reply.next_ms;
    }
    throw PlotError("vnumad's history does not end: it has more than " + std::to_string(max_pages) +
                    " pages, or one that leads to itself");
}

std::string output_of(const PlotOptions& options) {
    if (!options.output.empty()) return options.output;
    if (options.file.empty()) return "vnumad.html";
    return std::filesystem::path(options.file).filename().replace_extension(".html").string();
}

PlotError cannot_write(const std::string& file) {
    return PlotError(file + ": cannot be written: " + std::strerror(errno));
}

void write_all(int fd, const std::string& text, const std::string& file) {
    for (std::size_t done = 0; done < text.size();) {
        const ssize_t count = ::write(fd, text.data() + done, text.size() - done);
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) throw cannot_write(file);
        done += static_cast<std::size_t>(count);
    }
}

// A device or a pipe is written to. A file is replaced at once, so that a browser that has it open
// never sees half a page.
void write_page(const std::string& file, const std::string& page) {
    struct stat status {};
    if (::stat(file.c_str(), &status) == 0 && !S_ISREG(status.st_mode)) {
        const FileDescriptor fd(::open(file.c_str(), O_WRONLY | O_NOCTTY | O_CLOEXEC));
        if (fd.get() < 0) throw cannot_write(file);
        return write_all(fd.get(), page, file);
    }
    std::string unfinished = file + ".XXXXXX";
    const FileDescriptor fd(::mkostemp(unfinished.data(), O_CLOEXEC));  // its mode is 0600
    if (fd.get() < 0) throw cannot_write(file);
    try {
        write_all(fd.get(), page, file);
        if (::rename(unfinished.c_str(), file.c_str()) != 0) throw cannot_write(file);
    } catch (const PlotError&) {
        ::unlink(unfinished.c_str());
        throw;
    }
}

int refuse(int status, const std::string& problem) {
    std::cerr << "vnumactl: " << problem << "\n";
    return status;
}

}  // namespace

int run_plot(const PlotOptions& options, Connection* connection) {
    try {
        if (options.file.empty() && !connection)
            return refuse(exit_failed, "plot without a file needs vnumad");
        const std::string page = plot::to_page(
            options.file.empty() ? from_history(options, *connection) : from_recording(options));
        const std::string output = output_of(options);
        if (output == "-") {
            write_all(STDOUT_FILENO, page, "standard output");
            return 0;
        }
        write_page(output, page);
        std::cerr << "The page is in " << output
                  << "; only you can read it. Open it in a browser.\n";
        return 0;
    } catch (const ReplayError& error) {
        return refuse(exit_bad_recording, error.what());
    } catch (const PlotError& error) {
        return refuse(exit_failed, error.what());
    }
}

}  // namespace vnuma::ctl
