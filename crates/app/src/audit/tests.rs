//! Whatever is done to a chain is found, and the first record that is wrong is named.

use super::{Head, Link, START, Signer, Verifier, link, unhex};
use spec::hex;

fn chain(bodies: &[&str]) -> Vec<(i64, String, Link)> {
    let mut before = START;
    let mut number = 0;
    let next = |body: &&str| {
        before = link(&before, body);
        number += 1;
        (number, (*body).to_owned(), before)
    };
    bodies.iter().map(next).collect()
}

fn verify(records: &[(i64, String, Link)], heads: &[Head]) -> Result<(i64, Link), String> {
    let mut verifier = Verifier::new(heads.to_vec());
    records.iter().for_each(|(number, body, link)| verifier.record(*number, body, link));
    verifier.finish()
}

#[test]
fn every_byte_counts() {
    let signer = Signer::new(&[7; 32]).expect("it is a key");
    let whole = chain(&["{\"did\":\"ask\"}", "{\"did\":\"save\"}", "{}", "{\"n\":4}"]);
    let head = signer.sign(4, whole[3].2);
    assert_eq!(verify(&whole, std::slice::from_ref(&head)), Ok((4, whole[3].2)));
    for record in 0..whole.len() {
        let number = record as i64 + 1;
        for byte in 0..whole[record].1.len() {
            for bit in 0..7 {
                let mut changed = whole.clone();
                let mut bytes = changed[record].1.clone().into_bytes();
                bytes[byte] ^= 1 << bit;
                changed[record].1 = String::from_utf8(bytes).expect("it is text without the highest bit");
                let wrong = verify(&changed, &[]).expect_err("a changed record is found");
                assert!(wrong.starts_with(&format!("record {number} ")), "{wrong}");
            }
        }
        for byte in 0..32 {
            let mut changed = whole.clone();
            changed[record].2[byte] ^= 1;
            assert!(verify(&changed, &[]).is_err());
        }
        // Taken out, and the rest numbered and linked as if it had never been.
        let mut bodies: Vec<&str> = whole.iter().map(|(_, body, _)| body.as_str()).collect();
        bodies.remove(record);
        assert!(verify(&chain(&bodies), std::slice::from_ref(&head)).is_err(), "{record}");
        // Swapped with the next.
        let mut bodies: Vec<&str> = whole.iter().map(|(_, body, _)| body.as_str()).collect();
        bodies.swap(record, (record + 1) % 4);
        assert!(verify(&chain(&bodies), std::slice::from_ref(&head)).is_err(), "{record}");
        let mut missing = whole.clone();
        missing.remove(record);
        assert!(verify(&missing, std::slice::from_ref(&head)).is_err());
    }
}

#[test]
fn a_chain_that_was_cut_off_is_found_by_its_head_alone() {
    let signer = Signer::new(&[7; 32]).expect("it is a key");
    let whole = chain(&["a", "b", "c"]);
    assert!(verify(&whole[..2], &[]).is_ok(), "a chain does not know how long it was");
    let wrong = verify(&whole[..2], &[signer.sign(3, whole[2].2)]).expect_err("the end is missing");
    assert!(wrong.starts_with("record 3 is missing"), "{wrong}");
    // Records after the newest head were written before it could be signed.
    assert!(verify(&whole, &[signer.sign(2, whole[1].2)]).is_ok());
    // A fork goes on from the same record.
    let other = chain(&["a", "b", "x", "y"]);
    assert!(verify(&other, &[signer.sign(2, whole[1].2)]).is_ok());
    let wrong = verify(&other, &[signer.sign(2, whole[1].2), signer.sign(3, whole[2].2)]).expect_err("it forks");
    assert!(wrong.starts_with("record 3 is not the one"), "{wrong}");
}

#[test]
fn case_66_a_record_that_is_gone_or_out_of_place_is_named() {
    let signer = Signer::new(&[7; 32]).expect("it is a key");
    let whole = chain(&["a", "b", "c", "d"]);
    let heads: Vec<Head> = whole.iter().map(|(number, _, link)| signer.sign(*number, *link)).collect();
    let named = |records: &[(i64, String, Link)], heads: &[Head], start: String| {
        let wrong = verify(records, heads).expect_err("something was done to it");
        assert!(wrong.starts_with(&start), "{start}: {wrong}");
    };
    for record in 0..whole.len() {
        let number = record + 1;
        let mut gone = whole.clone();
        gone.remove(record);
        named(&gone, &heads[3..], format!("record {number} is missing"));
        if number == whole.len() {
            continue;
        }
        gone.iter_mut().zip(1..).for_each(|(record, number)| record.0 = number);
        named(&gone, &[], format!("record {number} was changed, or one before it was taken out"));
        // Places are changed with and without what binds them.
        let mut swapped = whole.clone();
        swapped.swap(record, number);
        swapped.iter_mut().zip(1..).for_each(|(record, number)| record.0 = number);
        named(&swapped, &[], format!("record {number} was changed"));
        let bodies: Vec<&str> = swapped.iter().map(|(_, body, _)| body.as_str()).collect();
        named(&chain(&bodies), &heads, format!("record {number} is not the one that was signed"));
        named(&chain(&bodies), &heads[3..], "record 4 is not the one that was signed".to_owned());
    }
}

#[test]
fn heads_are_signed_and_read_back() {
    let signer = Signer::new(&[7; 32]).expect("it is a key");
    let head = signer.sign(9, [3; 32]);
    assert_eq!(Head::from_json(&head.to_json()), Some(head.clone()));
    assert!(head.is_genuine());
    for changed in [
        Head { n_records: 8, ..head.clone() },
        Head { link: [4; 32], ..head.clone() },
        Head { key: [5; 32], ..head.clone() },
        Head { signature: vec![0; 64], ..head.clone() },
        Head { signature: Vec::new(), ..head },
    ] {
        assert!(!changed.is_genuine(), "{changed:?}");
        assert!(verify(&[], &[changed]).is_err());
    }
    assert_eq!(unhex(&hex(&[0, 1, 255])), Some(vec![0, 1, 255]));
    assert_eq!([unhex("0"), unhex("0G"), unhex("é")], [None, None, None]);
}
