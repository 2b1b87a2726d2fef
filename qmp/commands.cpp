#include "qmp/commands.hpp"

#include <algorithm>
#include <string_view>
#include <utility>

#include "qmp/json_fields.hpp"

namespace vnuma::qmp {
namespace {

using nlohmann::json;

constexpr std::string_view object_path = "/objects/";

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
    // A system call would take thread 0 for its caller.
    if (cpu.index < 0 || cpu.thread <= 0 || cpu.node.value_or(0) < 0) return std::nullopt;
    return fields.result(std::move(cpu));
}

std::optional<IoThread> read_iothread(const json& value) {
    Fields fields(value);
    IoThread thread;
    thread.id = fields.required<std::string>("id");
    thread.thread = fields.required<pid_t>("thread-id");
    if (thread.thread <= 0) return std::nullopt;
    return fields.result(std::move(thread));
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
    auto read = nodes ? read_list<std::uint16_t>(*nodes, read_as) : std::nullopt;
    if (!read) return std::nullopt;
    backend.host_nodes.assign(read->begin(), read->end());
    return fields.result(std::move(backend));
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
    return fields.result(std::move(device));
}

// "11111111-2222-3333-4444-555555555555"
bool is_uuid(std::string_view text) {
    constexpr std::string_view form = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
    constexpr std::string_view digits = "0123456789abcdefABCDEF";
    return std::equal(text.begin(), text.end(), form.begin(), form.end(), [&](char c, char wanted) {
        return wanted == 'x' ? digits.find(c) != std::string_view::npos : c == wanted;
    });
}

}  // namespace

Command<Status> query_status() {
    return {
        "query-status", nullptr, [](const json& value) {
            Fields fields(value);
            Status status{fields.required<std::string>("status"), fields.required<bool>("running")};
            return fields.result(std::move(status));
        }};
}

Command<std::string> query_uuid() {
    return {"query-uuid", nullptr, [](const json& value) {
                auto uuid = read_required_field<std::string>(value, "UUID");
                return uuid && is_uuid(*uuid) ? uuid : std::nullopt;
            }};
}

Command<std::string> query_name() {
    return {"query-name", nullptr,
            [](const json& value) { return read_optional_string(value, "name"); }};
}

Command<bool> query_kvm() {
    return {"query-kvm", nullptr,
            [](const json& value) { return read_required_field<bool>(value, "enabled"); }};
}

Command<std::string> query_migrate() {
    return {"query-migrate", nullptr,
            [](const json& value) { return read_optional_string(value, "status"); }};
}

Command<std::vector<Cpu>> query_cpus_fast() {
    return {"query-cpus-fast", nullptr,
            [](const json& value) { return read_list(value, read_cpu); }};
}

Command<std::vector<IoThread>> query_iothreads() {
    return {"query-iothreads", nullptr,
            [](const json& value) { return read_list(value, read_iothread); }};
}

Command<std::vector<MemoryBackend>> query_memdev() {
    return {"query-memdev", nullptr,
            [](const json& value) { return read_list(value, read_memory_backend); }};
}

Command<std::vector<MemoryDevice>> query_memory_devices() {
    return {"query-memory-devices", nullptr,
            [](const json& value) { return read_list(value, read_memory_device); }};
}

Command<std::uint64_t> query_balloon() {
    return {"query-balloon", nullptr,
            [](const json& value) { return read_required_field<std::uint64_t>(value, "actual"); }};
}

}  // namespace vnuma::qmp
