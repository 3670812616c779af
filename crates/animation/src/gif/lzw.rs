//! LZW as GIF has it, which may write colors for one another where the palette allows it: longer
//! strings of the dictionary then match.

use super::palette::Palette;

/// What a pixel is to show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Target {
    pub(super) index: u8,
    /// Whether the canvas shows it already, so that the pixel may also be clear.
    pub(super) may_be_clear: bool,
}

/// Largest number of codes: 12 bits.
const MAX_CODES: usize = 1 << 12;
/// Stands for no code.
const NONE: u16 = u16::MAX;

/// The dictionary: a tree of strings, each its parent's and one more symbol.
struct Dictionary {
    symbols: [u8; MAX_CODES],
    first_child: [u16; MAX_CODES],
    next_sibling: [u16; MAX_CODES],
    /// Number of codes that are known.
    len: usize,
}

impl Dictionary {
    fn new(colors: usize) -> Self {
        let mut dictionary =
            Self { symbols: [0; MAX_CODES], first_child: [NONE; MAX_CODES], next_sibling: [NONE; MAX_CODES], len: 0 };
        dictionary.reset(colors);
        dictionary
    }

    /// Forgets all strings but those of one symbol. Two codes follow them: to clear, and to end.
    fn reset(&mut self, colors: usize) {
        self.first_child.fill(NONE);
        for symbol in 0..colors {
            self.symbols[symbol] = symbol as u8;
        }
        self.len = colors + 2;
    }

    /// Adds the string of `parent` and `symbol`; returns its code.
    fn add(&mut self, parent: u16, symbol: u8) -> u16 {
        let code = self.len;
        self.symbols[code] = symbol;
        self.next_sibling[code] = self.first_child[usize::from(parent)];
        self.first_child[usize::from(parent)] = code as u16;
        self.len += 1;
        code as u16
    }
}

/// A string of the dictionary that matches the pixels ahead.
#[derive(Clone, Copy)]
struct Match {
    code: u16,
    /// Its first symbol.
    first: u8,
    len: usize,
    /// Number of pixels that are not exactly as wanted.
    inexact: usize,
}

impl Match {
    /// Twice the pixels that are exact, and the others: flat areas so keep their own color, unless
    /// another one saves half of the codes.
    const fn worth(&self) -> usize {
        2 * self.len - self.inexact
    }
}

/// The compressed pixels: the number of bits of a symbol, then the codes.
pub(super) fn compress(pixels: &[Target], palette: &Palette) -> Vec<u8> {
    let clear = palette.clear();
    let symbol_bits = u32::from(clear).checked_ilog2().unwrap_or(0).max(1) + 1;
    let colors = 1 << symbol_bits;
    let mut out = Codes { bytes: vec![symbol_bits as u8], pending: 0, bits: 0 };
    let mut dictionary = Dictionary::new(colors);
    let mut width = symbol_bits + 1;
    out.put(colors as u16, width);
    let (mut at, mut open, mut newest) = (0, Vec::new(), None);
    while at < pixels.len() {
        let found = best_match(&pixels[at..], palette, &dictionary, &mut open);
        out.put(found.code, width);
        at += found.len;
        // A decoder learns the last symbol of the newest string from the string that follows, which
        // may be the newest itself: its last symbol is then its first.
        if let Some(newest) = newest.take().filter(|&newest| newest != found.code) {
            dictionary.symbols[usize::from(newest)] = found.first;
        }
        if dictionary.len < MAX_CODES {
            if dictionary.len == 1 << width {
                width += 1;
            }
            newest = Some(dictionary.add(found.code, found.first));
        } else {
            out.put(colors as u16, width);
            dictionary.reset(colors);
            width = symbol_bits + 1;
        }
    }
    out.put(colors as u16 + 1, width);
    out.finish()
}

/// The string that is worth most of those that may be written for the first of `pixels`.
fn best_match(pixels: &[Target], palette: &Palette, dictionary: &Dictionary, open: &mut Vec<Match>) -> Match {
    let clear = palette.clear();
    let fits = |target: &Target, symbol: u8| {
        palette.may_stand_for(target.index, symbol) || target.may_be_clear && symbol == clear
    };
    let inexact = |target: &Target, symbol: u8| usize::from(target.index != symbol && symbol != clear);
    let first = &pixels[0];
    let mut best = Match { code: first.index.into(), first: first.index, len: 1, inexact: 0 };
    open.clear();
    open.extend((0..=clear).filter(|&symbol| fits(first, symbol)).map(|symbol| Match {
        code: symbol.into(),
        first: symbol,
        len: 1,
        inexact: inexact(first, symbol),
    }));
    while let Some(found) = open.pop() {
        if found.worth() > best.worth() {
            best = found;
        }
        let Some(target) = pixels.get(found.len) else { continue };
        let mut child = dictionary.first_child[usize::from(found.code)];
        while child != NONE {
            let symbol = dictionary.symbols[usize::from(child)];
            if fits(target, symbol) {
                let inexact = found.inexact + inexact(target, symbol);
                open.push(Match { code: child, len: found.len + 1, inexact, ..found });
            }
            child = dictionary.next_sibling[usize::from(child)];
        }
    }
    best
}

/// Codes of changing width in bytes, from the lowest bit on.
struct Codes {
    bytes: Vec<u8>,
    pending: u32,
    bits: u32,
}

impl Codes {
    fn put(&mut self, code: u16, width: u32) {
        self.pending |= u32::from(code) << self.bits;
        self.bits += width;
        while self.bits >= 8 {
            self.bytes.push(self.pending as u8);
            self.pending >>= 8;
            self.bits -= 8;
        }
    }

    fn finish(mut self) -> Vec<u8> {
        if self.bits > 0 {
            self.bytes.push(self.pending as u8);
        }
        self.bytes
    }
}
