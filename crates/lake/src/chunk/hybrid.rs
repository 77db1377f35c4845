//! Parquet's hybrid of run-length encoding and packed bits, decoded into numbers as narrow as they are.
//!
//! A run begins with a varint: if its lowest bit is 0, the rest is how often the one number follows that comes next in whole
//! bytes; if it is 1, how many groups of eight numbers follow, each as many bytes as a number has bits.

/// Numbers in a group.
const EIGHT: usize = 8;

/// A number that is decoded to.
pub(super) trait Code: Copy + Default + Ord {
    /// The lowest bits of a number.
    fn of(number: u32) -> Self;
}

impl Code for u8 {
    fn of(number: u32) -> u8 {
        number as u8
    }
}

impl Code for u16 {
    fn of(number: u32) -> u16 {
        number as u16
    }
}

impl Code for u32 {
    fn of(number: u32) -> u32 {
        number
    }
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
        let header = varint(&mut rest)?;
        let length = usize::try_from(header >> 1).ok().filter(|length| *length > 0)?;
        let n_left = end - to.len();
        let n_bytes =
            if header & 1 == 0 { usize::from(width.div_ceil(8)) } else { length.checked_mul(width.into())? };
        let run;
        (run, rest) = rest.split_at_checked(n_bytes)?;
        if header & 1 == 0 || width == 0 {
            let mut number = [0; 4];
            number.get_mut(..run.len())?.copy_from_slice(run);
            let n_numbers = if width == 0 { n_left } else { length.min(n_left) };
            to.resize(to.len() + n_numbers, C::of(u32::from_le_bytes(number)));
        } else {
            unpack(run, width, to)?;
            // The last group is filled up.
            to.truncate(end);
        }
    }
    Some(())
}

/// Appends packed numbers.
fn unpack<C: Code>(packed: &[u8], width: u8, to: &mut Vec<C>) -> Option<()> {
    macro_rules! by_width {
        ($($width:literal)*) => {
            match width {
                $($width => groups::<$width, C>(packed, to),)*
                _ => return None,
            }
        };
    }
    by_width!(1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31 32);
    Some(())
}

fn groups<const WIDTH: usize, C: Code>(packed: &[u8], to: &mut Vec<C>) {
    let (groups, _) = packed.as_chunks::<WIDTH>();
    let start = to.len();
    to.resize(start + groups.len() * EIGHT, C::default());
    let (eights, _) = to[start..].as_chunks_mut::<EIGHT>();
    eights.iter_mut().zip(groups).for_each(|(eight, group)| *eight = numbers(group));
}

/// The numbers of a group; the width is known when it is compiled, so that each is a shift and a mask.
#[inline]
fn numbers<const WIDTH: usize, C: Code>(group: &[u8; WIDTH]) -> [C; EIGHT] {
    let mask = u32::MAX >> (32 - WIDTH);
    if WIDTH <= 8 {
        let mut word = [0; 8];
        word[..WIDTH].copy_from_slice(group);
        let word = u64::from_le_bytes(word);
        return std::array::from_fn(|n| C::of((word >> (n * WIDTH)) as u32 & mask));
    }
    if WIDTH <= 16 {
        let mut word = [0; 16];
        word[..WIDTH].copy_from_slice(group);
        let word = u128::from_le_bytes(word);
        return std::array::from_fn(|n| C::of((word >> (n * WIDTH)) as u32 & mask));
    }
    std::array::from_fn(|n| {
        let (first, shift) = (n * WIDTH / 8, n * WIDTH % 8);
        let mut word = [0; 8];
        let bytes = &group[first..WIDTH.min(first + 5)];
        word[..bytes.len()].copy_from_slice(bytes);
        C::of((u64::from_le_bytes(word) >> shift) as u32 & mask)
    })
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
            let mut all: Vec<u32> = Vec::new();
            let bytes: Vec<u8> = [8 << 1 | 1].into_iter().chain(packed).collect();
            assert_eq!(decode(&bytes, width, 64, &mut all), Some(()), "{width} bits");
            assert_eq!(all, numbers, "{width} bits");
        }
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
