// The content of the pages of a buffer that a thread verifies. Each word follows from its address
// and from the pass in which it was written, so that a page shows if it was lost, mixed up with
// another, copied in part, or copied before the last write.
#pragma once

#include <cstdint>

#include "integration/guest/buffer.hpp"

namespace vnuma::workload {

// `page` begins at a multiple of page_bytes.
void fill_page(volatile char* page, std::uint64_t pass);
bool is_filled(const volatile char* page, std::uint64_t pass);

}  // namespace vnuma::workload
