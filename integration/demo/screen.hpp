// What the demo prints: its steps, the guests in each of vnumad's reports, and a table of both
// ends.
#pragma once

#include <chrono>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "integration/demo/picture.hpp"

namespace vnuma::lab {

class Screen {
  public:
    // On a terminal each picture of the guests replaces the one before. Elsewhere it is one line.
    explicit Screen(bool terminal) : terminal_(terminal) {}

    void say(const std::string& step);
    void show(const nlohmann::json& report);

    // Prints where the guests were in the first report and where they are in the last one.
    void sum_up() const;

  private:
    double seconds() const;
    std::string stamp() const;

    bool terminal_;
    int drawn_lines_ = 0;  // of the last picture, if nothing was printed below it
    std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
    std::vector<GuestPicture> before_, after_;
    std::int64_t moved_bytes_ = 0;
    double began_ = 0, ended_ = 0;  // seconds, of the first and the last report with guests
};

}  // namespace vnuma::lab
