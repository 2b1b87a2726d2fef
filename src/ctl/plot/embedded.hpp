// Files that are part of the program. embed.py makes their definitions while it is built.
#pragma once

#include <string_view>

namespace vnuma::ctl::plot {

struct EmbeddedFile {
    std::string_view text;
    // "sha256-..." as a Content-Security-Policy names a script whose text is exactly this.
    std::string_view hash;
};

extern const EmbeddedFile page_html, page_css, page_js;
extern const EmbeddedFile dygraph_js, dygraph_css;  // of dygraphs, under the MIT licence

}  // namespace vnuma::ctl::plot
