// Prints the page that `vnumactl plot` makes of a day of 100 guests.
#include <iostream>

#include "src/ctl/plot/plot_page.hpp"
#include "tests/src/ctl/plot/day.hpp"

int main() {
    constexpr int guests = 100;
    vnuma::ctl::plot::HistoryPlot history;
    for (const auto& page : vnuma::test::history_of_a_day(guests))
        history.add(page);
    std::cout << vnuma::ctl::plot::to_page(history.finish("vnumad's history", std::nullopt));
    return std::cout.flush() ? 0 : 1;
}
