// Every struct of protocol/, and std::vector of one, as JSON and back. Pure.
#pragma once

#include <vector>

#include "src/control/protocol/events_shape.hpp"
#include "src/control/protocol/guests_shape.hpp"
#include "src/control/protocol/requests_shape.hpp"
#include "src/control/protocol/status_shape.hpp"

namespace vnuma::control {

template <typename T>
struct ShapeOf {
    static constexpr Object<DescribeByType> shape = described;
};
template <typename Item>
struct ShapeOf<std::vector<Item>> {
    static constexpr auto shape = list_of(described);
};

template <typename T>
JsonOut to_json(const T& value) {
    return ShapeOf<T>::shape.write(value);
}

// Throws FormatError, which names the path of the field that is wrong. If it is not strict, fields
// that are unknown are ignored: a server that is newer than its client may have more of them.
template <typename T>
T from_json(const nlohmann::json& json, bool strict) {
    T value{};
    ShapeOf<T>::shape.read(JsonIn{.value = json, .lenient = !strict}, value);
    return value;
}

template <typename T>
JsonOut schema_of() {
    return ShapeOf<T>::shape.template schema<T>();
}

// The data of an event, whose kind and time QMP has beside the data.
struct DescribeEventData {
    template <typename Io, typename Value>
    void operator()(Io& io, Value& happening) const {
        describe_event_data(io, happening);
    }
};
inline constexpr Object<DescribeEventData> event_data_shape{};

inline JsonOut event_data(const Happening& happening) {
    return event_data_shape.write(happening);
}

inline Happening happening_from_event(EventKind kind, std::int64_t time_ms,
                                      const nlohmann::json& data, bool strict) {
    Happening happening;
    happening.kind = kind;
    happening.time_ms = time_ms;
    event_data_shape.read(JsonIn{.value = data, .lenient = !strict}, happening);
    return happening;
}

}  // namespace vnuma::control
