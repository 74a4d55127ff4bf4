//! Characters that a terminal acts on or a reader does not see.

/// Whether `character` is to be spelt out before a person sees it, where it stands between `before`
/// and `after`.
///
/// The rule is by Unicode's properties: what is a control, a format character, a line or paragraph
/// separator, or invisible by default (`Cc`, `Cf`, `Zl`, `Zp`, `Default_Ignorable_Code_Point`), but
/// for the few format characters that have a shape of their own (`Prepended_Concatenation_Mark`).
///
/// A joiner or variation selector stays where ordinary writing has it: a single joiner between two
/// letters of a script that shapes its letters, or between two emoji; a single selector after an
/// emoji, an ideograph or a Mongolian letter. There it is seen by what it does.
pub fn is_unseen(before: Option<char>, character: char, after: Option<char>) -> bool {
    // Most text by far.
    if matches!(character, ' '..='~') {
        return false;
    }
    contains(UNSEEN, character) && !is_at_home(before, character, after)
}

/// Every character of `text`, and whether it is to be spelt out; see [`is_unseen`].
pub fn unseen(text: &str) -> impl Iterator<Item = (char, bool)> {
    let mut before = None;
    let mut characters = text.chars().peekable();
    std::iter::from_fn(move || {
        let character = characters.next()?;
        let is_unseen = is_unseen(before, character, characters.peek().copied());
        before = Some(character);
        Some((character, is_unseen))
    })
}

fn is_at_home(before: Option<char>, character: char, after: Option<char>) -> bool {
    let Some(before) = before else {
        return false;
    };
    match character {
        // Not the joiner of zero width: it has no work between emoji.
        '\u{200d}' if contains(PICTURES, before) || contains(PICTURE_ENDS, before) => {
            after.is_some_and(|after| contains(PICTURES, after))
        }
        '\u{200c}' | '\u{200d}' => {
            contains(SHAPED, before) && after.is_some_and(|after| contains(SHAPED, after))
        }
        '\u{fe0e}' | '\u{fe0f}' => {
            contains(PICTURES, before)
                || (matches!(before, '0'..='9' | '#' | '*') && after == Some('\u{20e3}'))
        }
        '\u{e0100}'..='\u{e01ef}' => contains(IDEOGRAPHS, before),
        '\u{180b}'..='\u{180d}' | '\u{180f}' => contains(MONGOLIAN, before),
        _ => false,
    }
}

fn contains(ranges: &[(char, char)], character: char) -> bool {
    ranges
        .binary_search_by(|(first, last)| {
            if *last < character {
                std::cmp::Ordering::Less
            } else if *first > character {
                std::cmp::Ordering::Greater
            } else {
                std::cmp::Ordering::Equal
            }
        })
        .is_ok()
}

/// `[[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]--\p{Prepended_Concatenation_Mark}]`;
/// a test compares.
const UNSEEN: &[(char, char)] = &[
    ('\u{0}', '\u{1f}'),
    ('\u{7f}', '\u{9f}'),
    ('\u{ad}', '\u{ad}'),
    ('\u{34f}', '\u{34f}'),
    ('\u{61c}', '\u{61c}'),
    ('\u{115f}', '\u{1160}'),
    ('\u{17b4}', '\u{17b5}'),
    ('\u{180b}', '\u{180f}'),
    ('\u{200b}', '\u{200f}'),
    ('\u{2028}', '\u{202e}'),
    ('\u{2060}', '\u{206f}'),
    ('\u{3164}', '\u{3164}'),
    ('\u{fe00}', '\u{fe0f}'),
    ('\u{feff}', '\u{feff}'),
    ('\u{ffa0}', '\u{ffa0}'),
    ('\u{fff0}', '\u{fffb}'),
    ('\u{13430}', '\u{1343f}'),
    ('\u{1bca0}', '\u{1bca3}'),
    ('\u{1d173}', '\u{1d17a}'),
    ('\u{e0000}', '\u{e0fff}'),
];

/// What an emoji may end with: a selector, or the colour of a skin.
const PICTURE_ENDS: &[(char, char)] = &[('\u{fe0f}', '\u{fe0f}'), ('\u{1f3fb}', '\u{1f3ff}')];

/// Emoji and what may become one: `\p{Extended_Pictographic}`.
const PICTURES: &[(char, char)] = &[
    ('\u{a9}', '\u{a9}'),
    ('\u{ae}', '\u{ae}'),
    ('\u{203c}', '\u{203c}'),
    ('\u{2049}', '\u{2049}'),
    ('\u{2122}', '\u{2122}'),
    ('\u{2139}', '\u{2139}'),
    ('\u{2194}', '\u{2199}'),
    ('\u{21a9}', '\u{21aa}'),
    ('\u{231a}', '\u{231b}'),
    ('\u{2328}', '\u{2328}'),
    ('\u{2388}', '\u{2388}'),
    ('\u{23cf}', '\u{23cf}'),
    ('\u{23e9}', '\u{23f3}'),
    ('\u{23f8}', '\u{23fa}'),
    ('\u{24c2}', '\u{24c2}'),
    ('\u{25aa}', '\u{25ab}'),
    ('\u{25b6}', '\u{25b6}'),
    ('\u{25c0}', '\u{25c0}'),
    ('\u{25fb}', '\u{25fe}'),
    ('\u{2600}', '\u{2605}'),
    ('\u{2607}', '\u{2612}'),
    ('\u{2614}', '\u{2685}'),
    ('\u{2690}', '\u{2705}'),
    ('\u{2708}', '\u{2712}'),
    ('\u{2714}', '\u{2714}'),
    ('\u{2716}', '\u{2716}'),
    ('\u{271d}', '\u{271d}'),
    ('\u{2721}', '\u{2721}'),
    ('\u{2728}', '\u{2728}'),
    ('\u{2733}', '\u{2734}'),
    ('\u{2744}', '\u{2744}'),
    ('\u{2747}', '\u{2747}'),
    ('\u{274c}', '\u{274c}'),
    ('\u{274e}', '\u{274e}'),
    ('\u{2753}', '\u{2755}'),
    ('\u{2757}', '\u{2757}'),
    ('\u{2763}', '\u{2767}'),
    ('\u{2795}', '\u{2797}'),
    ('\u{27a1}', '\u{27a1}'),
    ('\u{27b0}', '\u{27b0}'),
    ('\u{27bf}', '\u{27bf}'),
    ('\u{2934}', '\u{2935}'),
    ('\u{2b05}', '\u{2b07}'),
    ('\u{2b1b}', '\u{2b1c}'),
    ('\u{2b50}', '\u{2b50}'),
    ('\u{2b55}', '\u{2b55}'),
    ('\u{3030}', '\u{3030}'),
    ('\u{303d}', '\u{303d}'),
    ('\u{3297}', '\u{3297}'),
    ('\u{3299}', '\u{3299}'),
    ('\u{1f000}', '\u{1f0ff}'),
    ('\u{1f10d}', '\u{1f10f}'),
    ('\u{1f12f}', '\u{1f12f}'),
    ('\u{1f16c}', '\u{1f171}'),
    ('\u{1f17e}', '\u{1f17f}'),
    ('\u{1f18e}', '\u{1f18e}'),
    ('\u{1f191}', '\u{1f19a}'),
    ('\u{1f1ad}', '\u{1f1e5}'),
    ('\u{1f201}', '\u{1f20f}'),
    ('\u{1f21a}', '\u{1f21a}'),
    ('\u{1f22f}', '\u{1f22f}'),
    ('\u{1f232}', '\u{1f23a}'),
    ('\u{1f23c}', '\u{1f23f}'),
    ('\u{1f249}', '\u{1f3fa}'),
    ('\u{1f400}', '\u{1f53d}'),
    ('\u{1f546}', '\u{1f64f}'),
    ('\u{1f680}', '\u{1f6ff}'),
    ('\u{1f774}', '\u{1f77f}'),
    ('\u{1f7d5}', '\u{1f7ff}'),
    ('\u{1f80c}', '\u{1f80f}'),
    ('\u{1f848}', '\u{1f84f}'),
    ('\u{1f85a}', '\u{1f85f}'),
    ('\u{1f888}', '\u{1f88f}'),
    ('\u{1f8ae}', '\u{1f8ff}'),
    ('\u{1f90c}', '\u{1f93a}'),
    ('\u{1f93c}', '\u{1f945}'),
    ('\u{1f947}', '\u{1faff}'),
    ('\u{1fc00}', '\u{1fffd}'),
];

/// Blocks of the scripts whose letters take another shape beside each other: Arabic, Syriac, N'Ko,
/// Mandaic, the Brahmic scripts up to Khmer and Mongolian, and their later blocks.
const SHAPED: &[(char, char)] = &[
    ('\u{620}', '\u{8ff}'),
    ('\u{900}', '\u{dff}'),
    ('\u{1000}', '\u{109f}'),
    ('\u{1780}', '\u{18aa}'),
    ('\u{1b00}', '\u{1b7f}'),
    ('\u{a840}', '\u{a87f}'),
    ('\u{a980}', '\u{a9df}'),
    ('\u{11000}', '\u{11fff}'),
];

/// `\p{Unified_Ideograph}`, by its blocks.
const IDEOGRAPHS: &[(char, char)] = &[
    ('\u{3400}', '\u{4dbf}'),
    ('\u{4e00}', '\u{9fff}'),
    ('\u{f900}', '\u{faff}'),
    ('\u{20000}', '\u{3ffff}'),
];

const MONGOLIAN: &[(char, char)] = &[('\u{1820}', '\u{18aa}')];

#[cfg(test)]
mod tests {
    use super::*;

    /// `text` with what is not seen in brackets.
    fn spelt(text: &str) -> String {
        unseen(text)
            .map(|(character, is_unseen)| {
                if is_unseen {
                    format!("[{:x}]", u32::from(character))
                } else {
                    character.to_string()
                }
            })
            .collect()
    }

    #[test]
    fn ordinary_writing_is_left_alone() {
        for text in [
            "Grüße, naïve café, ½ €",
            "Ελλάδα Россия Україна",
            "日本語 한국어 葛\u{e0100}城",
            "שלום عليكم",
            "می\u{200c}خواهم",
            "क्\u{200d}ष র\u{200d}্যা",
            "👩\u{200d}💻 👩🏽\u{200d}🚀 ❤\u{fe0f}\u{200d}🔥 ☎\u{fe0e} 1\u{fe0f}\u{20e3}",
            "a\u{301} \u{a0}x\u{3000}y",
            "\u{600}١٢",
        ] {
            assert_eq!(spelt(text), text);
        }
    }

    #[test]
    fn what_hides_or_turns_or_steers_is_spelt_out() {
        for (text, shown) in [
            ("\u{1b}[2J\u{9b}\u{7f}", "[1b][2J[9b][7f]"),
            (
                "exe.\u{202e}cod\u{2066}\u{2069}",
                "exe.[202e]cod[2066][2069]",
            ),
            ("pay\u{200b}pal\u{feff}", "pay[200b]pal[feff]"),
            ("pay\u{200d}pal, a\u{200c}b", "pay[200d]pal, a[200c]b"),
            ("ک\u{200c}\u{200c}ک", "ک[200c][200c]ک"),
            ("a\u{fe0f}b 1\u{fe0f}2", "a[fe0f]b 1[fe0f]2"),
            ("a\u{e0100}", "a[e0100]"),
            ("\u{e0041}\u{e007f}", "[e0041][e007f]"),
            ("co\u{ad}op \u{2028}\u{2029}", "co[ad]op [2028][2029]"),
            ("\u{3164}\u{115f}\u{ffa0}\u{34f}", "[3164][115f][ffa0][34f]"),
            ("\u{fff9}\u{61c}\u{200e}\u{180e}", "[fff9][61c][200e][180e]"),
        ] {
            assert_eq!(spelt(text), shown);
        }
    }
}
