//! Bytes as digits.

use std::fmt::Write;

/// Bytes as hex digits, two for each: `00ff`.
pub fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        write!(text, "{byte:02x}").expect("writing to a string cannot fail");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::hex;

    #[test]
    fn each_byte_has_two_digits() {
        assert_eq!(hex(&[0, 1, 0x7f, 0xab, 255]), "00017fabff");
        assert_eq!(hex(&[]), "");
    }
}
