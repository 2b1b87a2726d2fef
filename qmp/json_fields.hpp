// Reading JSON values with the types of QEMU's QAPI schema. Nothing is converted: a value of
// another type, and a number out of range, is not the expected answer. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace vnuma::qmp {

// An answer with a longer list is not the expected one. KVM has at most 4096 vCPUs on x86.
inline constexpr std::size_t max_elements = 8192;
// A longer text in a field is not the expected one.
inline constexpr std::size_t max_text_bytes = 1024;

// A boolean, string or integer; nothing if the value has another type or does not fit into T.
template <typename T>
std::optional<T> read_as(const nlohmann::json& value) {
    if constexpr (std::is_same_v<T, bool>) {
        if (value.is_boolean()) return value.get<bool>();
    } else if constexpr (std::is_same_v<T, std::string>) {
        const auto* text = value.get_ptr<const std::string*>();
        if (text && text->size() <= max_text_bytes) return *text;
    } else if (value.is_number_unsigned()) {
        if (const auto n = value.get<std::uint64_t>(); std::in_range<T>(n))
            return static_cast<T>(n);
    } else if (value.is_number_integer()) {
        if (const auto n = value.get<std::int64_t>(); std::in_range<T>(n)) return static_cast<T>(n);
    }
    return std::nullopt;
}

// A list whose elements `read` understands; nothing if it refuses one, or if there are too many.
template <typename T>
std::optional<std::vector<T>> read_list(const nlohmann::json& value,
                                        std::optional<T> (*read)(const nlohmann::json& element)) {
    if (!value.is_array() || value.size() > max_elements) return std::nullopt;
    std::vector<T> list;
    list.reserve(value.size());
    for (const nlohmann::json& element : value) {
        std::optional<T> item = read(element);
        if (!item) return std::nullopt;
        list.push_back(std::move(*item));
    }
    return list;
}

// The fields of one object. A missing or wrong field gives a default and makes ok() false, so that
// a reader reads all of them and checks once.
class Fields {
  public:
    // The object must outlive this.
    explicit Fields(const nlohmann::json& object) : object_(object), ok_(object.is_object()) {}

    // Whether the value is an object and every field read so far had its type.
    bool ok() const { return ok_; }

    const nlohmann::json* find(const char* key) const {
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
        const nlohmann::json* value = find(key);
        if (!value) return std::nullopt;
        std::optional<T> field = read_as<T>(*value);
        ok_ = ok_ && field;
        return field;
    }

    // What was made of the fields, if they are ok.
    template <typename T>
    std::optional<T> result(T value) const {
        return ok_ ? std::optional<T>(std::move(value)) : std::nullopt;
    }

  private:
    const nlohmann::json& object_;
    bool ok_;
};

// The one field that matters in an object.
template <typename T>
std::optional<T> read_required_field(const nlohmann::json& value, const char* key) {
    Fields fields(value);
    return fields.result(fields.required<T>(key));
}

// The same for a field that may be absent: an empty string then.
inline std::optional<std::string> read_optional_string(const nlohmann::json& value,
                                                       const char* key) {
    Fields fields(value);
    return fields.result(fields.optional<std::string>(key).value_or(""));
}

}  // namespace vnuma::qmp
