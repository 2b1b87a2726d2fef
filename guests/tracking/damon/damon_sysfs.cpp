#include "guests/tracking/damon/damon_sysfs.hpp"

#include <cerrno>
#include <charconv>
#include <cstring>
#include <limits>
#include <system_error>

namespace vnuma {
namespace {

constexpr const char* apply_interval = "/schemes/0/apply_interval_us";

std::string context_of(std::size_t kdamond) {
    return std::to_string(kdamond) + "/contexts/0";
}

std::string_view without_newline(std::string_view text) {
    return text.substr(0, text.find('\n'));
}

std::optional<std::uint64_t> parse_number(std::string_view text) {
    text = without_newline(text);
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return number;
}

std::string message_of(int error) {
    return std::generic_category().message(error);
}

}  // namespace

int DamonTree::write(const std::string& file, std::string_view text) {
    int error = 0;
    for (int tries = 0; tries < max_busy_tries; ++tries) {
        error = files_.write(file, text);
        if (error != EBUSY) break;
        files_.pause(busy_pause);
    }
    return error;
}

DamonFileText DamonTree::read(const std::string& file) {
    DamonFileText result;
    for (int tries = 0; tries < max_busy_tries; ++tries) {
        result = files_.read(file);
        if (result.error != EBUSY) break;
        files_.pause(busy_pause);
    }
    return result;
}

void DamonTree::set(const std::string& file, std::string_view text) {
    if (const int error = write(file, text))
        throw TrackingError("DAMON: cannot write " + std::string(text) + " to kdamonds/" + file +
                            ": " + message_of(error));
}

void DamonTree::set(const std::string& file, std::uint64_t number) {
    set(file, std::to_string(number));
}

std::string DamonTree::get(const std::string& file) {
    const DamonFileText result = read(file);
    if (result.error)
        throw TrackingError("DAMON: cannot read kdamonds/" + file + ": " +
                            message_of(result.error));
    return std::string(without_newline(result.text));
}

std::uint64_t DamonTree::get_number(const std::string& file) {
    const std::string text = get(file);
    const auto number = parse_number(text);
    if (!number)
        throw TrackingError("DAMON: kdamonds/" + file + " must hold a number, but holds \"" + text +
                            "\"");
    return *number;
}

std::optional<std::uint64_t> DamonTree::find_number(const std::string& file) {
    const DamonFileText result = files_.read(file);
    return result.error ? std::nullopt : parse_number(result.text);
}

bool DamonTree::is_on(std::size_t kdamond) {
    return get(std::to_string(kdamond) + "/state") != "off";
}

void DamonTree::turn_off(std::size_t kdamond) {
    if (!is_on(kdamond)) return;
    const std::string file = std::to_string(kdamond) + "/state";
    // The kdamond may have ended meanwhile, as it does when the process it monitors ends.
    const int error = write(file, "off");
    if (error && is_on(kdamond))
        throw TrackingError("DAMON: cannot turn off kdamonds/" + file + ": " + message_of(error));
}

void DamonTree::prepare(std::size_t kdamond) {
    const std::string context = context_of(kdamond);
    if (read(context + "/avail_operations").text.find("fvaddr") == std::string::npos)
        throw TrackingError(
            "this kernel's DAMON does not support fixed virtual address ranges "
            "(CONFIG_DAMON_VADDR)");
    set(context + "/operations", "fvaddr");
    set(context + "/targets/nr_targets", 1);
    set(context + "/schemes/nr_schemes", 1);
    // DAMON reports regions as those that a scheme was applied to. This scheme applies to every
    // region and does nothing but statistics.
    const std::string scheme = context + "/schemes/0";
    set(scheme + "/action", "stat");
    set(scheme + "/access_pattern/sz/max", std::numeric_limits<std::uint64_t>::max());
    set(scheme + "/access_pattern/nr_accesses/max", std::numeric_limits<std::uint32_t>::max());
    set(scheme + "/access_pattern/age/max", std::numeric_limits<std::uint32_t>::max());
}

bool DamonTree::has_apply_interval(std::size_t kdamond) {
    return files_.read(context_of(kdamond) + apply_interval).error != ENOENT;
}

void DamonTree::write_regions(const std::string& target, const std::vector<AddressRange>& regions,
                              const std::vector<AddressRange>& written) {
    if (regions.size() != written.size()) set(target + "/regions/nr_regions", regions.size());
    for (std::size_t i = 0; i < regions.size(); ++i) {
        if (regions.size() == written.size() && regions[i] == written[i]) continue;
        const std::string region = target + "/regions/" + std::to_string(i);
        set(region + "/start", regions[i].start);
        set(region + "/end", regions[i].end);
    }
}

void DamonTree::configure(std::size_t kdamond, pid_t target, const DamonPlan& plan,
                          const std::vector<AddressRange>& written) {
    const std::string context = context_of(kdamond);
    const auto sampling_us = static_cast<std::uint64_t>(plan.sampling_interval.count());
    const auto aggregation_us = static_cast<std::uint64_t>(plan.aggregation_interval().count());
    const std::string attributes = context + "/monitoring_attrs";
    set(attributes + "/intervals/sample_us", sampling_us);
    set(attributes + "/intervals/aggr_us", aggregation_us);
    set(attributes + "/nr_regions/min", plan.min_regions);
    set(attributes + "/nr_regions/max", plan.max_regions);
    if (has_apply_interval(kdamond)) set(context + apply_interval, sampling_us);
    set(context + "/targets/0/pid_target", std::to_string(target));
    write_regions(context + "/targets/0", plan.regions, written);
}

void DamonTree::turn_on(std::size_t kdamond) {
    const std::string file = std::to_string(kdamond) + "/state";
    const int error = write(file, "on");
    if (error == EBUSY)
        throw TrackingError(
            "DAMON is busy: another program uses its interface, or DAMON_RECLAIM or DAMON_LRU_SORT "
            "runs, which excludes all other users");
    if (error)
        throw TrackingError("DAMON: cannot turn on kdamonds/" + file + ": " + message_of(error));
    if (const auto thread = thread_id(kdamond)) files_.set_nice(*thread, kdamond_nice);
}

std::chrono::milliseconds DamonTree::update_regions(std::size_t kdamond) {
    using Clock = std::chrono::steady_clock;
    const auto before = Clock::now();
    set(std::to_string(kdamond) + "/state", "update_schemes_tried_regions");
    return std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - before);
}

std::optional<DamonRegion> DamonTree::read_region(const std::string& directory) {
    const auto start = find_number(directory + "/start"), end = find_number(directory + "/end"),
               accesses = find_number(directory + "/nr_accesses");
    if (!start || !end || !accesses || *end <= *start) return std::nullopt;
    return DamonRegion{*start, *end, *accesses};
}

// Whether the reported regions are as many as the planned ones, have the same total size, and end
// with the same region. Kernels before Linux 6.6 do not report the total size.
bool DamonTree::are_as_planned(const std::string& directory, std::size_t count,
                               const DamonPlan& plan) {
    if (plan.adapts || count == 0 || count != plan.regions.size()) return false;
    return find_number(directory + "total_bytes") == plan.bytes &&
           find_number(directory + std::to_string(count - 1) + "/start") ==
               plan.regions.back().start;
}

std::vector<DamonRegion> DamonTree::read_regions(std::size_t kdamond, const DamonPlan& plan) {
    const std::string directory = context_of(kdamond) + "/schemes/0/tried_regions/";
    // The directory also holds the file total_bytes, hence one more.
    std::vector<std::string> names = files_.list(directory, max_regions_read + 1);
    std::erase_if(names, [](const std::string& name) { return !parse_number(name); });
    if (names.size() > max_regions_read) names.resize(max_regions_read);
    const bool as_planned = are_as_planned(directory, names.size(), plan);
    std::vector<DamonRegion> regions;
    for (std::size_t i = 0; i < names.size(); ++i) {
        std::optional<DamonRegion> region;
        if (!as_planned)
            region = read_region(directory + names[i]);
        else if (const auto accesses = find_number(directory + std::to_string(i) + "/nr_accesses"))
            region = {plan.regions[i].start, plan.regions[i].end, *accesses};
        if (region) regions.push_back(*region);
    }
    return regions;
}

std::optional<pid_t> DamonTree::thread_id(std::size_t kdamond) {
    const auto pid = parse_number(read(std::to_string(kdamond) + "/pid").text);
    if (!pid || *pid == 0 || *pid > std::numeric_limits<pid_t>::max()) return std::nullopt;
    return static_cast<pid_t>(*pid);
}

std::optional<std::chrono::nanoseconds> DamonTree::cpu_time(std::size_t kdamond) {
    const auto thread = thread_id(kdamond);
    return thread ? files_.cpu_time(*thread) : std::nullopt;
}

}  // namespace vnuma
