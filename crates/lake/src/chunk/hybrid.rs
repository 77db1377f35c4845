//! Parquet's hybrid of run-length encoding and packed bits, decoded into numbers as narrow as they are.
//!
//! A run begins with a varint: if its lowest bit is 0, the rest is how often the one number follows that comes next in whole
//! bytes; if it is 1, how many groups of eight numbers follow, each as many bytes as a number has bits.

/// Numbers in a group.
const EIGHT: usize = 8;

/// More bytes than any group and what is looked at after it.
const WINDOW: usize = 40;

/// A number that is decoded to.
pub(super) trait Code: Copy + Default + Ord {
    /// The lowest bits of a number.
    fn of(number: u32) -> Self;

    /// The numbers of the group that a window begins with.
    fn eight<const WIDTH: usize>(window: &[u8; WINDOW]) -> [Self; EIGHT];

    /// One of two, without a branch: which one it is cannot be told in advance.
    fn either(is_first: bool, first: Self, second: Self) -> Self;
}

impl Code for u8 {
    fn of(number: u32) -> u8 {
        number as u8
    }

    /// All eight are moved to their bytes at once, by halves.
    #[inline]
    fn eight<const WIDTH: usize>(window: &[u8; WINDOW]) -> [u8; EIGHT] {
        let (width, word) = (WIDTH.min(8), word_at(window, 0));
        let word = apart(word, 4 * width, 32, 0x0000_0000_0000_0001);
        let word = apart(word, 2 * width, 16, 0x0000_0001_0000_0001);
        apart(word, width, 8, 0x0001_0001_0001_0001).to_le_bytes()
    }

    #[inline]
    fn either(is_first: bool, first: u8, second: u8) -> u8 {
        let mask = u8::from(is_first).wrapping_neg();
        (first & mask) | (second & !mask)
    }
}

impl Code for u16 {
    fn of(number: u32) -> u16 {
        number as u16
    }

    /// All four of a half are moved to their places at once.
    #[inline]
    fn eight<const WIDTH: usize>(window: &[u8; WINDOW]) -> [u16; EIGHT] {
        let width = WIDTH.min(16);
        // The second half begins within a byte.
        let second = word_at(window, width / 2) >> (width % 2 * 4);
        let halves = [word_at(window, 0), second].map(|half| {
            let half = apart(half, 2 * width, 32, 0x0000_0000_0000_0001);
            apart(half, width, 16, 0x0000_0001_0000_0001)
        });
        std::array::from_fn(|n| (halves[n / 4] >> (n % 4 * 16)) as u16)
    }

    #[inline]
    fn either(is_first: bool, first: u16, second: u16) -> u16 {
        let mask = u16::from(is_first).wrapping_neg();
        (first & mask) | (second & !mask)
    }
}

impl Code for u32 {
    fn of(number: u32) -> u32 {
        number
    }

    #[inline]
    fn eight<const WIDTH: usize>(window: &[u8; WINDOW]) -> [u32; EIGHT] {
        let mask = u32::MAX >> (32 - WIDTH);
        std::array::from_fn(|n| (word_at(window, n * WIDTH / 8) >> (n * WIDTH % 8)) as u32 & mask)
    }

    #[inline]
    fn either(is_first: bool, first: u32, second: u32) -> u32 {
        let mask = u32::from(is_first).wrapping_neg();
        (first & mask) | (second & !mask)
    }
}

#[inline]
fn word_at(window: &[u8; WINDOW], first: usize) -> u64 {
    window[first..].first_chunk().map_or(0, |word| u64::from_le_bytes(*word))
}

/// Moves the upper of two neighbours of so many bits to `place`, in each part of the word that begins where `parts` has a bit.
#[inline]
const fn apart(word: u64, n_bits: usize, place: usize, parts: u64) -> u64 {
    let mask = low_bits(n_bits) * parts;
    (word & mask) | (((word >> n_bits) & mask) << place)
}

#[inline]
const fn low_bits(n_bits: usize) -> u64 {
    u64::MAX >> (64 - n_bits)
}

/// Some numbers.
enum Run<'a> {
    /// The same one, so often.
    Same(u32, usize),
    /// So many groups of eight, which the bytes begin with.
    Packed(&'a [u8], usize),
}

/// Whether so many numbers are this one in a single run.
pub(super) fn is_all(bytes: &[u8], number: u8, n_numbers: usize) -> bool {
    let mut rest = bytes;
    varint(&mut rest).is_some_and(|header| header & 1 == 0 && header >> 1 == n_numbers as u64)
        && rest.first() == Some(&number)
}

/// Appends so many numbers of `width` bits; `None` where the bytes do not hold them.
pub(super) fn decode<C: Code>(bytes: &[u8], width: u8, n_numbers: usize, to: &mut Vec<C>) -> Option<()> {
    let mut rest = bytes;
    let end = to.len() + n_numbers;
    while to.len() < end {
        match next_run(&mut rest, width, end - to.len())? {
            Run::Same(number, length) => to.resize(to.len() + length, C::of(number)),
            Run::Packed(packed, n_groups) => unpack(packed, n_groups, width, to)?,
        }
        // The last group is filled up.
        to.truncate(end);
    }
    Some(())
}

/// Visits so many numbers of `width` bits, each with how often it follows itself; one may come again after itself.
pub(super) fn each_run(
    bytes: &[u8],
    width: u8,
    n_numbers: usize,
    mut visit: impl FnMut(u32, usize) -> Option<()>,
) -> Option<()> {
    let (mut rest, mut n_left, mut numbers) = (bytes, n_numbers, Vec::new());
    while n_left > 0 {
        match next_run(&mut rest, width, n_left)? {
            Run::Same(number, length) => {
                visit(number, length)?;
                n_left -= length;
            }
            Run::Packed(packed, n_groups) => {
                numbers.clear();
                unpack::<u32>(packed, n_groups, width, &mut numbers)?;
                numbers.truncate(n_left);
                for same in numbers.chunk_by(|one, other| one == other) {
                    visit(same[0], same.len())?;
                }
                n_left -= numbers.len();
            }
        }
    }
    Some(())
}

/// The run that comes next, of up to `n_left` numbers.
fn next_run<'a>(rest: &mut &'a [u8], width: u8, n_left: usize) -> Option<Run<'a>> {
    let header = varint(rest)?;
    let length = usize::try_from(header >> 1).ok().filter(|length| *length > 0)?;
    let is_packed = header & 1 == 1;
    if width == 0 {
        return Some(Run::Same(0, if is_packed { n_left } else { length.min(n_left) }));
    }
    let n_bytes = if is_packed { length.checked_mul(width.into())? } else { width.div_ceil(8).into() };
    let (run, after) = rest.split_at_checked(n_bytes)?;
    if is_packed {
        return Some(Run::Packed(std::mem::replace(rest, after), length));
    }
    *rest = after;
    let mut number = [0; 4];
    number.get_mut(..run.len())?.copy_from_slice(run);
    Some(Run::Same(u32::from_le_bytes(number), length.min(n_left)))
}

/// Appends packed numbers.
fn unpack<C: Code>(packed: &[u8], n_groups: usize, width: u8, to: &mut Vec<C>) -> Option<()> {
    macro_rules! by_width {
        ($($width:literal)*) => {
            match width {
                $($width => groups::<$width, C>(packed, n_groups, to),)*
                _ => return None,
            }
        };
    }
    by_width!(1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31 32);
    Some(())
}

/// The width is known when this is compiled, so that each number is a shift and a mask.
fn groups<const WIDTH: usize, C: Code>(packed: &[u8], n_groups: usize, to: &mut Vec<C>) {
    let start = to.len();
    to.resize(start + n_groups * EIGHT, C::default());
    let (eights, _) = to[start..].as_chunks_mut::<EIGHT>();
    for (eight, at) in eights.iter_mut().zip((0..).step_by(WIDTH)) {
        // Words are read whole where they lie; behind the last groups of a page there is nothing more to read.
        *eight = match packed[at..].first_chunk::<WINDOW>() {
            Some(window) => C::eight::<WIDTH>(window),
            None => C::eight::<WIDTH>(&filled_up(&packed[at..])),
        };
    }
}

#[cold]
fn filled_up(last: &[u8]) -> [u8; WINDOW] {
    let mut window = [0; WINDOW];
    window[..last.len()].copy_from_slice(last);
    window
}

/// A number of seven bits a byte, the lowest first.
fn varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut number = 0;
    for shift in (0..64).step_by(7) {
        let (first, rest) = bytes.split_first()?;
        *bytes = rest;
        number |= u64::from(first & 0x7F) << shift;
        if first & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_and_packed_groups_follow_each_other() {
        // Three times 5, then 0..8 in three bits, of which five are wanted.
        let bytes = [3 << 1, 5, 1 << 1 | 1, 0b1000_1000, 0b1100_0110, 0b1111_1010];
        let mut all: Vec<u8> = Vec::new();
        assert_eq!(decode(&bytes, 3, 8, &mut all), Some(()));
        assert_eq!(all, [5, 5, 5, 0, 1, 2, 3, 4]);
    }

    #[test]
    fn every_width_is_unpacked_as_it_was_packed() {
        for width in 1..=32_u8 {
            let numbers: Vec<u32> =
                (0..64_u32).map(|n| n.wrapping_mul(0x9E37_79B9) & (u32::MAX >> (32 - width))).collect();
            let mut packed = vec![0; 8 * usize::from(width)];
            for (n, number) in numbers.iter().enumerate() {
                for bit in 0..usize::from(width) {
                    let place = n * usize::from(width) + bit;
                    packed[place / 8] |= ((number >> bit & 1) as u8) << (place % 8);
                }
            }
            let bytes: Vec<u8> = [8 << 1 | 1].into_iter().chain(packed).collect();
            let decoded = decoded::<u32>(&bytes, width);
            assert_eq!(decoded, numbers, "{width} bits");
            if width <= 16 {
                let narrow: Vec<u32> = self::decoded::<u16>(&bytes, width).into_iter().map(u32::from).collect();
                assert_eq!(narrow, numbers, "{width} bits in 16");
            }
            if width <= 8 {
                let narrow: Vec<u32> = self::decoded::<u8>(&bytes, width).into_iter().map(u32::from).collect();
                assert_eq!(narrow, numbers, "{width} bits in 8");
            }
        }
    }

    fn decoded<C: Code>(bytes: &[u8], width: u8) -> Vec<C> {
        let mut all = Vec::new();
        assert_eq!(decode(bytes, width, 64, &mut all), Some(()), "{width} bits");
        all
    }

    #[test]
    fn runs_are_visited_in_their_order() {
        let bytes = [3 << 1, 5, 1 << 1 | 1, 0b1000_1000, 0b1100_0110, 0b1111_1010];
        let mut all = Vec::new();
        let visited = each_run(&bytes, 3, 6, |number, length| {
            all.push((number, length));
            Some(())
        });
        assert_eq!((visited, all), (Some(()), vec![(5, 3), (0, 1), (1, 1), (2, 1)]));
    }

    #[test]
    fn what_is_not_there_is_not_made_up() {
        let decoded = |bytes: &[u8], width: u8| decode::<u16>(bytes, width, 9, &mut Vec::new());
        assert_eq!(decoded(&[], 3), None, "no run");
        assert_eq!(decoded(&[0, 1], 3), None, "a run of nothing");
        assert_eq!(decoded(&[2 << 1 | 1, 1, 2], 3), None, "a group too short");
        assert_eq!(decoded(&[9 << 1], 3), None, "a run without its number");
        assert_eq!(decoded(&[0xFF; 11], 3), None, "a varint without an end");
        assert_eq!(decoded(&[9 << 1, 1, 2, 3, 4, 5, 6], 33), None, "wider than 32 bits");
        assert_eq!(decoded(&[1 << 1 | 1], 0), Some(()), "all are 0 in no bits");
    }
}
