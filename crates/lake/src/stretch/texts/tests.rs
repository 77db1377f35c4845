//! What a search finds is what a look at each row finds.

use super::*;

/// People of these numbers of rows, one after the other; who has a negative number is not looked at.
fn people(sizes: &[i32]) -> Vec<PersonRows> {
    let mut start = 0;
    let mut all = Vec::new();
    for (person, size) in (0..).zip(sizes) {
        let end = start + size.unsigned_abs();
        if *size > 0 {
            all.push(PersonRows { person, start, end });
        }
        start = end;
    }
    all
}

#[test]
fn a_search_finds_what_a_look_finds() {
    let mut seed = 7_u64;
    let mut random = move |below: u64| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        seed % below
    };
    for _ in 0..500 {
        let sizes: Vec<i32> =
            (0..random(20)).map(|_| [1, -1, 1][random(3) as usize] * (1 + random(40) as i32)).collect();
        let people = people(&sizes);
        let n_rows: u32 = sizes.iter().map(|size| size.unsigned_abs()).sum();
        let codes: Vec<u8> = (0..n_rows).map(|_| random(20) as u8 * 13).collect();
        let needles = [random(20), random(20), random(20)].map(|code| code as u8 * 13);
        let wanted: Vec<bool> = (0..=u8::MAX).map(|code| needles.contains(&code)).collect();
        let (mut looked, mut look_ends) = (vec![Row(9)], vec![1]);
        look(&codes, &people, &wanted, &mut looked, &mut look_ends);
        let (mut searched, mut search_ends) = (vec![Row(9)], vec![1]);
        search(&codes, &people, needles, &mut searched, &mut search_ends);
        assert_eq!((looked, look_ends), (searched, search_ends), "{sizes:?} {needles:?}");
    }
}

#[test]
fn a_search_is_for_rare_codes() {
    let rows = people(&[1000]);
    let codes: Vec<u8> = (0..1000).map(|row| if row % 50 == 0 { 3 } else { (row % 2) as u8 }).collect();
    let wanted = |codes: &[u8]| -> Vec<bool> { (0..9).map(|code| codes.contains(&code)).collect() };
    assert_eq!(needles(&codes, &rows, &wanted(&[3])), Some([3, 3, 3]));
    assert_eq!(needles(&codes, &rows, &wanted(&[3, 7])), Some([3, 7, 3]));
    assert_eq!(needles(&codes, &rows, &wanted(&[1])), None, "every other row has it");
    assert_eq!(needles(&codes, &rows, &wanted(&[3, 5, 6, 7])), None, "more than three");
}
