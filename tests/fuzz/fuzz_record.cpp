// Fuzzes the parser of recordings. The planner must plan any record that it accepts, and the record
// must be written as it was read.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <nlohmann/json.hpp>
#include <random>
#include <string_view>

#include "policy/verdict/explain.hpp"
#include "src/json/shapes.hpp"
#include "src/record/record.hpp"

using namespace vnuma;
using nlohmann::json;

namespace {

void require(bool holds) {
    if (!holds) std::abort();
}

void read_line(std::string_view line) {
    Record record;
    try {
        record = parse_record(line);
    } catch (const FormatError&) {
        return;
    }
    const std::string text = to_line(record);
    require(to_line(parse_record(text)) == text);
    for (const Plan& one : {record.plan, plan(record.snapshot, record.history, record.settings)})
        for (const Verdict& verdict : one.verdicts)
            explain(verdict, record.snapshot.topology);
}

json random_value(std::minstd_rand& random) {
    const std::uint64_t bits = std::uint64_t{random()} << 33 ^ std::uint64_t{random()};
    switch (random() % 8) {
        case 0:
            return nullptr;
        case 1:
            return json::array({bits % 8});
        case 2:
            return -static_cast<std::int64_t>(bits % 1000);
        default:
            return bits >> random() % 64;
    }
}

// A random one of the lines.
std::string_view choose_line(std::string_view lines, std::minstd_rand& random) {
    const std::size_t from = lines.empty() ? 0 : random() % lines.size();
    const std::size_t before = lines.rfind('\n', from);
    const std::size_t begin = before == std::string_view::npos ? 0 : before + 1;
    return lines.substr(begin, lines.find('\n', begin) - begin);
}

}  // namespace

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t most);

// Changes of random bytes seldom leave a valid record, so three times in four a random value of the
// record is changed instead.
extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size,
                                               std::size_t most, unsigned seed) {
    std::minstd_rand random(seed);
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    json value = json::parse(choose_line(bytes, random), nullptr, false);
    const json leaves = value.is_structured() ? value.flatten() : json();
    if (leaves.empty() || !leaves.is_object() || seed % 4 == 0)
        return LLVMFuzzerMutate(data, size, most);
    const auto leaf =
        std::next(leaves.begin(), static_cast<std::ptrdiff_t>(random() % leaves.size()));
    value[json::json_pointer(leaf.key())] = random_value(random);
    const std::string text = value.dump(-1, ' ', true, json::error_handler_t::replace);
    if (text.size() > most) return LLVMFuzzerMutate(data, size, most);
    std::memcpy(data, text.data(), text.size());
    return text.size();
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    std::string_view bytes(reinterpret_cast<const char*>(data), size);
    while (!bytes.empty()) {
        const std::size_t end = std::min(bytes.find('\n'), bytes.size());
        read_line(bytes.substr(0, end));
        bytes.remove_prefix(std::min(end + 1, bytes.size()));
    }
    return 0;
}
