// Plots as one page of HTML that needs nothing else. Pure.
#pragma once

#include <string>

#include "src/ctl/plot/plot_data.hpp"

namespace vnuma::ctl::plot {

// What the page's script reads. It has no '<', so nothing in it can end the element that it is in.
std::string to_page_json(const PlotData& data);

// The page permits its own two scripts, by their hashes, and no other; and no network.
std::string to_page(const PlotData& data);

}  // namespace vnuma::ctl::plot
