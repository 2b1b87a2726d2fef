#include "qmp/commands.hpp"

#include <limits>
#include <string_view>
#include <utility>

namespace vnuma::qmp {
namespace {

using nlohmann::json;

constexpr std::string_view object_path = "/objects/";
constexpr std::int64_t max_calc_time_s = 1'000'000;

// One object of an answer. Reading goes on after a field of the wrong type, and ok() tells.
class Fields {
  public:
    explicit Fields(const json& object) : object_(object), ok_(object.is_object()) {}

    bool ok() const { return ok_; }

    const json* find(const char* key) const {
        if (!object_.is_object()) return nullptr;
        auto it = object_.find(key);
        return it == object_.end() ? nullptr : &*it;
    }

    template <typename T>
    T required(const char* key) {
        std::optional<T> value = optional<T>(key);
        ok_ = ok_ && value;
        return std::move(value).value_or(T{});
    }

    template <typename T>
    std::optional<T> optional(const char* key) {
        const json* value = find(key);
        if (!value) return std::nullopt;
        std::optional<T> read = as<T>(*value);
        ok_ = ok_ && read;
        return read;
    }

    template <typename T>
    static std::optional<T> as(const json& value) {
        if constexpr (std::is_same_v<T, bool>) {
            if (value.is_boolean()) return value.get<bool>();
        } else if constexpr (std::is_same_v<T, std::string>) {
            if (value.is_string()) return value.get<std::string>();
        } else if (value.is_number_unsigned()) {
            if (const auto n = value.get<std::uint64_t>(); std::in_range<T>(n))
                return static_cast<T>(n);
        } else if (value.is_number_integer()) {
            if (const auto n = value.get<std::int64_t>(); std::in_range<T>(n))
                return static_cast<T>(n);
        }
        return std::nullopt;
    }

  private:
    const json& object_;
    bool ok_;
};

// Every element through `read`, which gives nothing for what is not what was asked for.
template <typename T>
std::optional<std::vector<T>> read_list(const json& value,
                                        std::optional<T> (*read)(const json& element)) {
    if (!value.is_array() || value.size() > max_elements) return std::nullopt;
    std::vector<T> list;
    list.reserve(value.size());
    for (const json& element : value) {
        std::optional<T> read_element = read(element);
        if (!read_element) return std::nullopt;
        list.push_back(std::move(*read_element));
    }
    return list;
}

template <typename T>
std::optional<std::vector<T>> list_of(const json& value) {
    return read_list<T>(value, Fields::as<T>);
}

template <typename T>
std::optional<T> if_ok(const Fields& fields, T value) {
    return fields.ok() ? std::optional<T>(std::move(value)) : std::nullopt;
}

// A field of a one-field answer, or its default where it may be absent.
template <typename T>
std::optional<T> required_field(const json& value, const char* key) {
    Fields fields(value);
    return if_ok(fields, fields.required<T>(key));
}

std::optional<std::string> text_or_empty(const json& value, const char* key) {
    Fields fields(value);
    return if_ok(fields, fields.optional<std::string>(key).value_or(""));
}

std::string backend_id(std::string path) {
    return path.starts_with(object_path) ? path.substr(object_path.size()) : path;
}

std::optional<Cpu> read_cpu(const json& value) {
    Fields fields(value);
    Cpu cpu;
    cpu.index = fields.required<int>("cpu-index");
    cpu.thread = fields.required<pid_t>("thread-id");
    cpu.qom_path = fields.required<std::string>("qom-path");
    if (const json* properties = fields.find("props")) {
        Fields inner(*properties);
        cpu.node = inner.optional<int>("node-id");
        if (!inner.ok()) return std::nullopt;
    }
    // To the kernel, thread 0 is the caller.
    if (cpu.index < 0 || cpu.thread <= 0 || cpu.node.value_or(0) < 0) return std::nullopt;
    return if_ok(fields, std::move(cpu));
}

std::optional<MemoryBackend> read_memory_backend(const json& value) {
    Fields fields(value);
    MemoryBackend backend;
    backend.id = backend_id(fields.optional<std::string>("id").value_or(""));
    backend.size = fields.required<std::uint64_t>("size");
    backend.policy = fields.required<std::string>("policy");
    backend.share = fields.optional<bool>("share").value_or(false);  // since QEMU 6.1
    backend.prealloc = fields.required<bool>("prealloc");
    const json* nodes = fields.find("host-nodes");
    auto read = nodes ? list_of<std::uint16_t>(*nodes) : std::nullopt;
    if (!read) return std::nullopt;
    backend.host_nodes.assign(read->begin(), read->end());
    return if_ok(fields, std::move(backend));
}

std::optional<MemoryDevice> read_memory_device(const json& value) {
    Fields outer(value);
    MemoryDevice device;
    device.kind = outer.required<std::string>("type");
    const json* data = outer.find("data");
    if (!data || !outer.ok()) return std::nullopt;
    Fields fields(*data);
    const bool dimm = device.kind == "dimm" || device.kind == "nvdimm";
    device.id = fields.optional<std::string>("id").value_or("");
    device.memdev = backend_id(fields.optional<std::string>("memdev").value_or(""));
    const auto address = fields.optional<std::uint64_t>(dimm ? "addr" : "memaddr");
    const auto size = fields.optional<std::uint64_t>("size");
    device.address = address.value_or(0);
    device.size = size.value_or(0);
    device.max_size = fields.optional<std::uint64_t>("max-size").value_or(device.size);
    device.node = fields.optional<int>("node");
    if ((dimm || device.kind == "virtio-mem") && !(address && size && device.node))
        return std::nullopt;
    if (device.node.value_or(0) < 0) return std::nullopt;
    return if_ok(fields, std::move(device));
}

std::optional<IoThread> read_iothread(const json& value) {
    Fields fields(value);
    IoThread thread;
    thread.id = fields.required<std::string>("id");
    thread.thread = fields.required<pid_t>("thread-id");
    if (thread.thread <= 0) return std::nullopt;
    return if_ok(fields, std::move(thread));
}

std::optional<std::vector<std::uint64_t>> read_stats_value(const json& value) {
    if (value.is_array()) return list_of<std::uint64_t>(value);
    if (value.is_boolean()) return std::vector<std::uint64_t>{value.get<bool>() ? 1U : 0U};
    const auto scalar = Fields::as<std::uint64_t>(value);
    return scalar ? std::optional(std::vector<std::uint64_t>{*scalar}) : std::nullopt;
}

std::optional<Stats> read_stats(const json& value) {
    Fields fields(value);
    Stats stats;
    stats.qom_path = fields.optional<std::string>("qom-path").value_or("");
    const json* list = fields.find("stats");
    if (!list || !list->is_array() || list->size() > max_elements) return std::nullopt;
    for (const json& element : *list) {
        Fields stat(element);
        auto name = stat.required<std::string>("name");
        const json* counter = stat.find("value");
        auto read = counter ? read_stats_value(*counter) : std::nullopt;
        if (!stat.ok() || !read) return std::nullopt;
        stats.values[std::move(name)] = std::move(*read);
    }
    return if_ok(fields, std::move(stats));
}

std::optional<DirtyRate::Cpu> read_cpu_dirty_rate(const json& value) {
    Fields fields(value);
    const auto index = fields.required<int>("id");
    const auto rate = fields.required<std::int64_t>("dirty-rate");
    if (index < 0 || rate < 0) return std::nullopt;
    return if_ok(fields, DirtyRate::Cpu{index, static_cast<std::uint64_t>(rate)});
}

std::optional<DirtyRate> read_dirty_rate(const json& value) {
    Fields fields(value);
    DirtyRate rate;
    rate.status = fields.required<std::string>("status");
    rate.mode = fields.optional<std::string>("mode").value_or("page-sampling");  // since QEMU 6.2
    const auto total = fields.optional<std::int64_t>("dirty-rate");
    if (total && *total >= 0) rate.mib_per_s = static_cast<std::uint64_t>(*total);
    const auto time = fields.required<std::int64_t>("calc-time");
    const auto unit = fields.optional<std::string>("calc-time-unit").value_or("second");
    if (time < 0 || time > max_calc_time_s) return std::nullopt;
    rate.calc_time = std::chrono::milliseconds(unit == "millisecond" ? time : time * 1000);
    if (const json* cpus = fields.find("vcpu-dirty-rate")) {
        auto read = read_list<DirtyRate::Cpu>(*cpus, read_cpu_dirty_rate);
        if (!read) return std::nullopt;
        rate.cpus = std::move(*read);
    }
    return if_ok(fields, std::move(rate));
}

template <typename T, std::optional<T> (*read)(const json&)>
std::optional<std::vector<T>> list_with(const json& value) {
    return read_list<T>(value, read);
}

}  // namespace

Command<Status> query_status() {
    return {
        "query-status", nullptr, [](const json& value) {
            Fields fields(value);
            Status status{fields.required<std::string>("status"), fields.required<bool>("running")};
            return if_ok(fields, std::move(status));
        }};
}

Command<std::string> query_uuid() {
    return {"query-uuid", nullptr,
            [](const json& value) { return required_field<std::string>(value, "UUID"); }};
}

Command<std::string> query_name() {
    return {"query-name", nullptr, [](const json& value) { return text_or_empty(value, "name"); }};
}

Command<std::vector<Cpu>> query_cpus_fast() {
    return {"query-cpus-fast", nullptr, list_with<Cpu, read_cpu>};
}

Command<std::vector<MemoryBackend>> query_memdev() {
    return {"query-memdev", nullptr, list_with<MemoryBackend, read_memory_backend>};
}

Command<std::vector<MemoryDevice>> query_memory_devices() {
    return {"query-memory-devices", nullptr, list_with<MemoryDevice, read_memory_device>};
}

Command<std::uint64_t> query_balloon() {
    return {"query-balloon", nullptr,
            [](const json& value) { return required_field<std::uint64_t>(value, "actual"); }};
}

Command<std::string> query_migrate() {
    return {"query-migrate", nullptr,
            [](const json& value) { return text_or_empty(value, "status"); }};
}

Command<std::vector<IoThread>> query_iothreads() {
    return {"query-iothreads", nullptr, list_with<IoThread, read_iothread>};
}

Command<std::vector<Stats>> query_stats(StatsTarget target, const std::vector<std::string>& names) {
    json provider{{"provider", "kvm"}};
    if (!names.empty()) provider["names"] = names;
    return {"query-stats",
            {{"target", target == StatsTarget::vm ? "vm" : "vcpu"},
             {"providers", json::array({std::move(provider)})}},
            list_with<Stats, read_stats>};
}

Command<bool> query_kvm() {
    return {"query-kvm", nullptr,
            [](const json& value) { return required_field<bool>(value, "enabled"); }};
}

Command<Nothing> calc_dirty_rate(DirtyRateMode mode, std::chrono::seconds seconds,
                                 std::optional<int> sample_pages) {
    const char* name = mode == DirtyRateMode::page_sampling ? "page-sampling"
                       : mode == DirtyRateMode::dirty_ring  ? "dirty-ring"
                                                            : "dirty-bitmap";
    json arguments{{"mode", name}, {"calc-time", seconds.count()}};
    if (sample_pages) arguments["sample-pages"] = *sample_pages;
    return {"calc-dirty-rate", std::move(arguments), [](const json& value) {
                return value.is_object() ? std::optional(Nothing{}) : std::nullopt;
            }};
}

Command<DirtyRate> query_dirty_rate() {
    return {"query-dirty-rate", nullptr, read_dirty_rate};
}

}  // namespace vnuma::qmp
