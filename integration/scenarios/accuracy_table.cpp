#include "integration/scenarios/accuracy_table.hpp"

#include <array>
#include <chrono>
#include <iomanip>
#include <iostream>
#include <map>
#include <optional>
#include <ostream>
#include <vector>

#include "integration/host/direct_guest.hpp"
#include "integration/host/process.hpp"
#include "integration/host/transparent_huge_pages.hpp"
#include "integration/host/workload_pattern.hpp"
#include "integration/scenarios/accuracy.hpp"
#include "integration/scenarios/scenario_guests.hpp"
#include "integration/scenarios/tracked_guest.hpp"
#include "integration/scenarios/tracking_report.hpp"

namespace vnuma::lab {
namespace {

using nlohmann::json;
using std::chrono::seconds;

constexpr std::array measured_after{seconds(5), seconds(10), seconds(20)};
// A page of 2 MiB faults once per round, so that it takes several rounds to see that vCPUs share
// it.
constexpr seconds last_measured_after{40};
// How long the first of two patterns runs.
constexpr seconds before_the_move{20};

struct Row {
    const char* what;
    json pattern;
    std::optional<json> before{};  // a pattern that runs before it
};

constexpr Window tenth{0, 10}, fifth{0, 20}, third{0, 30}, half{0, 50}, whole{0, 100},
    moved_tenth{60, 10};

std::vector<Row> thin_rows(const GuestShape& shape) {
    return {{"10 % hot, reads", own_windows(shape, tenth, Access::read)},
            {"50 % hot, reads", own_windows(shape, half, Access::read)},
            {"100 % hot, reads", own_windows(shape, whole, Access::read)},
            {"10 % hot, writes", own_windows(shape, tenth, Access::write)},
            {"50 % hot, shared by 2 vCPUs, reads", shared_windows(shape, half, Access::read)},
            {"10 % hot, moved, reads", own_windows(shape, moved_tenth, Access::read),
             own_windows(shape, tenth, Access::read)}};
}

// The hot memory is limited to what four vCPUs can access within seconds on four emulated CPUs.
std::vector<Row> wide_rows(const GuestShape& shape) {
    return {{"10 % hot, private, reads", own_windows(shape, tenth, Access::read)},
            {"30 % hot, private, reads", own_windows(shape, third, Access::read)},
            {"10 % hot, private, writes", own_windows(shape, tenth, Access::write)},
            {"30 % hot, private, writes", own_windows(shape, third, Access::write)},
            {"20 % hot, shared by 2 vCPUs each, reads", shared_windows(shape, fifth, Access::read)},
            {"10 % hot, private, moved, reads", own_windows(shape, moved_tenth, Access::read),
             own_windows(shape, tenth, Access::read)}};
}

std::string percent(int per_mille) {
    return per_mille < 0 ? "-" : std::to_string((per_mille + 5) / 10);
}

std::string attributed(const Accuracy& accuracy, const json& guest) {
    const bool wanted = guest.at("tracking").at("attribution").at("wanted");
    return wanted ? percent(accuracy.attributed()) : "-";
}

// The last figures of a row: the counts of chunks behind the shares, and what vnumad did.
std::string details(const Accuracy& accuracy, const json& guest) {
    const json& heat = guest.at("tracking").at("heat");
    const json& attribution = guest.at("tracking").at("attribution");
    std::string text = std::to_string(accuracy.hot) + " / " + std::to_string(accuracy.claimed) +
                       " / " + std::to_string(accuracy.claimed_elsewhere);
    text += " | " + percent(accuracy.precision());
    text += " | " + heat.at("tracker").get<std::string>() + ", " + heat.at("scans").dump() +
            " scans, " + attribution.at("rounds").dump() + " rounds";
    return text;
}

// The number of rounds, the cost of the last one, and the reason why the next one has not begun.
std::string rounds(const json& guest) {
    const json& attribution = guest.at("tracking").at("attribution");
    std::string text = attribution.at("rounds").dump();
    if (attribution.at("rounds") > 0)
        text += ", the last took " + std::to_string(attribution.at("cost_us").get<long>() / 1000) +
                " ms of CPU time";
    for (const char* why : {"trouble", "waits_for"})
        if (attribution.at(why) != "") text += ", " + attribution.at(why).get<std::string>();
    // A round also waits for a scan that is due longer.
    if (const json& why = guest.at("tracking").at("heat").at("waits_for"); why != "")
        text += ", a scan waits: " + why.get<std::string>();
    return text;
}

// Warns if the guest's kernel has moved pages, so that the row was measured with a wrong truth.
void warn_if_moved(RunningGuest& guest, const Row& row, const json& truth) {
    if (guest.locate_windows(row.pattern) != truth)
        std::cerr << "tracking-tables: the buffers of " << guest.name()
                  << " were moved by the guest's kernel, so that this row may be wrong: "
                  << row.what << "\n";
}

// How often the slowest vCPU has accessed all of its window since the last call. During a round of
// faults an emulated guest may not even do that once.
double sweeps_of_slowest_vcpu(RunningGuest& guest, const json& truth) {
    std::map<int, double> window, accessed;  // bytes by vCPU; each has one thread
    for (const json& entry : truth)
        if (!entry.at("thread").is_null())
            for (const json& range : entry.at("ranges"))
                window[entry.at("cpu").get<int>()] += range.at(1).get<double>();
    for (json report = guest.next_report(seconds(0)); !report.is_null();
         report = guest.next_report(seconds(0)))
        for (const json& thread : report.at("threads"))
            accessed[thread.at("cpu").get<int>()] += thread.at("accesses").get<double>() * 4096;
    double least = -1;
    for (const auto& [cpu, bytes] : window)
        if (least < 0 || accessed[cpu] / bytes < least) least = accessed[cpu] / bytes;
    return least;
}

void print_row(std::ostream& out, RunningGuest& guest, const std::string& pages, const Row& row,
               const std::string& config) {
    json truth = guest.locate_windows(row.before ? *row.before : row.pattern);
    TrackedGuest vnumad(guest, config);
    auto start = vnumad.started();
    if (row.before) {
        vnumad.at(start + before_the_move);
        truth = guest.locate_windows(row.pattern);
        start = TrackedGuest::Clock::now();
    }
    guest.skip_reports();
    out << "| " << pages << " | " << guest.name() << " | " << row.what << " | ";
    Accuracy accuracy;
    for (const seconds after : measured_after) {
        accuracy = accuracy_of(vnumad.at(start + after), truth);
        out << percent(accuracy.precision_in_buffers()) << " / " << percent(accuracy.recall())
            << ", " << std::fixed << std::setprecision(1) << sweeps_of_slowest_vcpu(guest, truth)
            << " | " << std::flush;
    }
    const std::string figures = details(accuracy, vnumad.last());
    out << attributed(accuracy, vnumad.last()) << " | " << std::flush;
    const bool wide = vnumad.last().at("tracking").at("attribution").at("wanted");
    const json& last = vnumad.at(start + (wide ? last_measured_after : measured_after.back()));
    out << attributed(accuracy_of(last, truth), last) << " | " << figures << "; in the end "
        << rounds(last) << " |" << std::endl;
    warn_if_moved(guest, row, truth);
}

std::vector<Row> wanted_rows(const std::string& pages, const GuestShape& shape, bool wide,
                             const std::string& only) {
    std::vector<Row> rows = wide ? wide_rows(shape) : thin_rows(shape);
    std::erase_if(rows, [&](const Row& row) {
        return (pages + ", " + shape.name + ", " + row.what).find(only) == std::string::npos;
    });
    return rows;
}

// The wide guest needs induced faults, and so mode "act". The thin guest is not to be moved.
std::string config_for(bool wide, const std::string& overhead) {
    return with_tracking(std::string("mode = \"") + (wide ? "act" : "advise") +
                             "\"\ninterval = \"1s\"\n" + qmp_config,
                         "longest_stall = \"1min\"\noverhead = " + overhead +
                             "\nmin_period = \"2s\"\nmax_period = \"5s\"\n");
}

}  // namespace

void print_accuracy_table(std::ostream& out, const std::string& overhead, const std::string& only) {
    out << "Precision / recall of hot chunks in per cent. Times count from the start of pattern "
           "and "
           "vnumad, and\nfor a moved pattern from the move. The precision is that of claims about "
           "the "
           "workload's buffers; the\nprecision for all memory (20 s) counts the memory of the "
           "guest's "
           "kernel as cold. After the comma: how\noften the slowest vCPU has accessed all of its "
           "hot "
           "memory since the column before.\n\n"
           "| host pages | guest | pattern | 5 s | 10 s | 20 s | accessor right, % of hot chunks: "
           "20 s | 40 s | chunks: hot / claimed / of these in no buffer | precision, all memory | "
           "by |\n"
           "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |\n";
    // The first start reads the program from a slow disk, which the table is not to measure.
    run_program({vnumad_program(), "--version"}, "/run/lab/vnumad-version.log");
    for (const auto& [mode, pages] : {std::pair{"never", "4 KiB"}, std::pair{"always", "2 MiB"}}) {
        const TransparentHugePages mode_of_host(mode);
        for (const bool wide : {false, true}) {
            const GuestShape shape = wide ? wider_than_a_node("wide") : with_big_buffers("thin");
            const std::vector<Row> rows = wanted_rows(pages, shape, wide, only);
            if (rows.empty()) continue;
            DirectGuest guest(shape);
            for (const Row& row : rows)
                print_row(out, guest, pages, row, config_for(wide, overhead));
        }
    }
}

}  // namespace vnuma::lab
