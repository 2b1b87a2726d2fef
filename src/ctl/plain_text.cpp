#include "src/ctl/plain_text.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

namespace vnuma::ctl {
namespace {

struct Span {
    char32_t first, last;
};

// Characters of one column in every font and locale. Scripts that are written from right to left,
// and those with combining marks, are left out: terminals differ in what they make of them.
constexpr std::array<Span, 14> narrow{{{0x20, 0x7e},
                                       {0xa1, 0xac},
                                       {0xae, 0x2ff},
                                       {0x370, 0x377},
                                       {0x384, 0x482},
                                       {0x48a, 0x52f},
                                       {0x531, 0x556},
                                       {0x561, 0x587},
                                       {0x10d0, 0x10ff},
                                       {0x1e00, 0x1eff},
                                       {0x2010, 0x2027},
                                       {0x2030, 0x205e},
                                       {0x20a0, 0x20bf},
                                       {0x2190, 0x25ff}}};
constexpr std::array<Span, 7> wide{{{0x3041, 0x3096},
                                    {0x30a1, 0x30fa},
                                    {0x30fc, 0x30fe},
                                    {0x3400, 0x4dbf},
                                    {0x4e00, 0x9fff},
                                    {0xac00, 0xd7a3},
                                    {0xff01, 0xff60}}};

template <std::size_t count>
bool has(const std::array<Span, count>& spans, char32_t character) {
    return std::any_of(spans.begin(), spans.end(), [character](const Span& span) {
        return span.first <= character && character <= span.last;
    });
}

int count_continuations(unsigned char lead) {
    if (lead < 0x80) return 0;
    if (lead >= 0xc2 && lead < 0xe0) return 1;
    if (lead >= 0xe0 && lead < 0xf0) return 2;
    if (lead >= 0xf0 && lead < 0xf5) return 3;
    return -1;
}

// The character that `text` begins with, and its length in bytes. 0 where it is not UTF-8.
struct Decoded {
    char32_t character = 0;
    std::size_t length = 1;
};

Decoded decode(std::string_view text) {
    const auto lead = static_cast<unsigned char>(text[0]);
    const int more = count_continuations(lead);
    if (more == 0) return {lead, 1};
    if (more < 0 || text.size() <= static_cast<std::size_t>(more)) return {};
    constexpr std::array<unsigned char, 4> lead_bits{0x7f, 0x1f, 0x0f, 0x07};
    char32_t character = lead & lead_bits[static_cast<std::size_t>(more)];
    for (std::size_t i = 1; i <= static_cast<std::size_t>(more); ++i) {
        const auto byte = static_cast<unsigned char>(text[i]);
        if ((byte & 0xc0) != 0x80) return {};
        character = character << 6 | (byte & 0x3f);
    }
    constexpr std::array<char32_t, 4> least{0, 0x80, 0x800, 0x10000};
    if (character < least[static_cast<std::size_t>(more)]) return {};
    return {character, static_cast<std::size_t>(more) + 1};
}

}  // namespace

int width_of(char32_t character) {
    return character >= 0x3041 && has(wide, character) ? 2 : 1;
}

char32_t take_character(std::string_view& text, bool utf8) {
    const Decoded decoded = decode(text);
    text.remove_prefix(decoded.length);
    const char32_t character = decoded.character;
    if (character >= 0x20 && character <= 0x7e) return character;
    if (!utf8) return replacement;
    return has(narrow, character) || has(wide, character) ? character : replacement;
}

int width_of(std::string_view text, bool utf8) {
    int width = 0;
    while (!text.empty())
        width += width_of(take_character(text, utf8));
    return width;
}

std::string cut_text(std::string_view text, int width, bool utf8) {
    if (width <= 0) return "";
    if (width_of(text, utf8) <= width) return std::string(text);
    std::string cut;
    int used = 0;
    while (!text.empty()) {
        const char32_t character = take_character(text, utf8);
        if (used + width_of(character) > width - 1) break;
        used += width_of(character);
        append_utf8(cut, character);
    }
    return cut + (utf8 ? "…" : "~");
}

std::vector<std::string> wrap_text(std::string_view text, int width, bool utf8) {
    width = std::max(width, 1);
    std::vector<std::string> lines;
    std::string line, word;
    int line_width = 0, word_width = 0;
    const auto end_line = [&] {
        lines.push_back(std::move(line));
        line.clear();
        line_width = 0;
    };
    const auto end_word = [&] {
        if (word.empty()) return;
        if (line_width > 0 && line_width + 1 + word_width > width) end_line();
        if (line_width > 0) line += ' ', ++line_width;
        line += word;
        line_width += word_width;
        word.clear();
        word_width = 0;
    };
    while (!text.empty()) {
        const char32_t character = take_character(text, utf8);
        if (character == U' ') {
            end_word();
            continue;
        }
        // A word that is longer than a line is broken where the line ends.
        const int needed = std::min(width_of(character), width);
        if (word_width + needed > width) {
            end_word();
            end_line();
        }
        append_utf8(word, width_of(character) <= width ? character : replacement);
        word_width += needed;
    }
    end_word();
    if (!line.empty() || lines.empty()) end_line();
    return lines;
}

void append_utf8(std::string& text, char32_t character) {
    const auto byte = [&text](char32_t value) { text += static_cast<char>(value); };
    if (character < 0x80) {
        byte(character);
    } else if (character < 0x800) {
        byte(0xc0 | character >> 6);
        byte(0x80 | (character & 0x3f));
    } else if (character < 0x10000) {
        byte(0xe0 | character >> 12);
        byte(0x80 | (character >> 6 & 0x3f));
        byte(0x80 | (character & 0x3f));
    } else if (character < 0x110000) {
        byte(0xf0 | character >> 18);
        byte(0x80 | (character >> 12 & 0x3f));
        byte(0x80 | (character >> 6 & 0x3f));
        byte(0x80 | (character & 0x3f));
    }
}

}  // namespace vnuma::ctl
