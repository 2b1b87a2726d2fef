// Fuzzes the parsers of all QMP commands with JSON values and with texts. They must not throw, and
// what they accept must have the properties that the headers promise.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "qmp/commands.hpp"
#include "qmp/human_monitor.hpp"
#include "qmp/statistics.hpp"

using namespace vnuma::qmp;
using nlohmann::json;

namespace {

void require(bool holds) {
    if (!holds) std::abort();
}

void read_lists(const json& value) {
    if (auto cpus = query_cpus_fast().parse(value))
        for (const Cpu& cpu : *cpus)
            require(cpu.index >= 0 && cpu.thread > 0 && cpu.node.value_or(0) >= 0);
    if (auto backends = query_memdev().parse(value))
        for (const MemoryBackend& backend : *backends)
            for (int node : backend.host_nodes)
                require(node >= 0);
    if (auto devices = query_memory_devices().parse(value))
        for (const MemoryDevice& device : *devices)
            require(device.node.value_or(0) >= 0);
    if (auto threads = query_iothreads().parse(value))
        for (const IoThread& thread : *threads)
            require(thread.thread > 0);
    query_stats(StatsTarget::vm, {}).parse(value);
}

void read_value(const json& value) {
    query_status().parse(value);
    query_uuid().parse(value);
    query_name().parse(value);
    query_balloon().parse(value);
    query_migrate().parse(value);
    calc_dirty_rate(DirtyRateMode::page_sampling, std::chrono::seconds(1)).parse(value);
    if (auto rate = query_dirty_rate().parse(value)) require(rate->calc_time.count() >= 0);
    read_lists(value);
    gpa2hva(0).parse(value);
    info_mtree_flat().parse(value);
    info_numa().parse(value);
}

void read_text(std::string_view text) {
    if (auto address = parse_gpa2hva(text)) require(address->region.size() < text.size());
    if (auto ranges = parse_mtree_flat(text)) {
        for (std::size_t i = 0; i < ranges->size(); ++i) {
            const GuestRange& range = (*ranges)[i];
            require(range.size > 0 && range.start + (range.size - 1) >= range.start);
            require(i == 0 || (*ranges)[i - 1].start < range.start);
        }
    }
    if (auto nodes = parse_numa(text))
        for (const GuestNode& node : *nodes)
            require(node.id >= 0 && node.id < max_guest_nodes);
}

// A line may be a message of the monitor, or the value of "return" alone.
void read_line(std::string_view line) {
    const json value = json::parse(line, nullptr, /*allow_exceptions=*/false);
    if (value.is_discarded()) return;
    read_value(value);
    auto inner = value.find("return");
    if (inner == value.end()) return;
    read_value(*inner);
    if (const auto* text = inner->get_ptr<const std::string*>()) read_text(*text);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    std::string_view bytes(reinterpret_cast<const char*>(data), size);
    read_text(bytes);
    while (!bytes.empty()) {
        const std::size_t end = std::min(bytes.find('\n'), bytes.size());
        read_line(bytes.substr(0, end));
        bytes.remove_prefix(std::min(end + 1, bytes.size()));
    }
    return 0;
}
