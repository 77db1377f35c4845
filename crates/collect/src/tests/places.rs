//! Writes small files in MaxMind's format: an IPv6 tree of 24-bit records, a map per network, and the metadata.

use std::net::IpAddr;

/// Network, length of its prefix, country, region.
pub(super) type Network = (&'static str, u8, &'static str, &'static str);

/// The address of the tests' deliveries is in California, the documentation's IPv6 network in Switzerland.
pub(super) const SMALL: [Network; 2] = [("192.0.2.0", 96 + 24, "US", "CA"), ("2001:db8::", 32, "CH", "BE")];

/// A file of these networks; IPv4 ones lie at `::a.b.c.d`.
pub(super) fn file_of(networks: &[Network]) -> Vec<u8> {
    let mut tree: Vec<[Option<Target>; 2]> = vec![[None; 2]];
    let mut data = Vec::new();
    for (address, length, country, region) in networks {
        let offset = data.len();
        let region = map(&[("iso_code", text(region))]);
        push(&mut data, &map(&[("country", map(&[("iso_code", text(country))])), ("subdivisions", list(&[region]))]));
        insert(&mut tree, bits(address), *length, offset);
    }
    let n_nodes = tree.len();
    let number = |target: Option<Target>| match target {
        None => n_nodes,
        Some(Target::Node(node)) => node,
        Some(Target::Data(offset)) => n_nodes + 16 + offset,
    };
    let mut file = Vec::new();
    for target in tree.into_iter().flatten() {
        let record = u32::try_from(number(target)).expect("the tree is small");
        file.extend_from_slice(&record.to_be_bytes()[1..]);
    }
    file.extend_from_slice(&[0; 16]);
    file.extend_from_slice(&data);
    file.extend_from_slice(b"\xab\xcd\xefMaxMind.com");
    push(&mut file, &metadata(n_nodes));
    file
}

#[derive(Clone, Copy)]
enum Target {
    Node(usize),
    Data(usize),
}

fn bits(address: &str) -> u128 {
    match address.parse().expect("an address") {
        IpAddr::V4(four) => u128::from(u32::from(four)),
        IpAddr::V6(six) => u128::from(six),
    }
}

fn insert(tree: &mut Vec<[Option<Target>; 2]>, bits: u128, length: u8, offset: usize) {
    let mut node = 0;
    for depth in 0..length {
        let side = usize::from((bits >> (127 - depth)) & 1 == 1);
        if depth + 1 == length {
            tree[node][side] = Some(Target::Data(offset));
            return;
        }
        node = match tree[node][side] {
            Some(Target::Node(next)) => next,
            _ => {
                tree.push([None; 2]);
                let next = tree.len() - 1;
                tree[node][side] = Some(Target::Node(next));
                next
            }
        };
    }
}

fn metadata(n_nodes: usize) -> Vec<u8> {
    let n_nodes = u32::try_from(n_nodes).expect("the tree is small");
    map(&[
        ("node_count", [vec![0xc4], n_nodes.to_be_bytes().to_vec()].concat()),
        ("record_size", vec![0xa1, 24]),
        ("ip_version", vec![0xa1, 6]),
        ("database_type", text("Small")),
        ("languages", list(&[])),
        ("binary_format_major_version", vec![0xa1, 2]),
        ("binary_format_minor_version", vec![0xa0]),
        ("build_epoch", vec![0x01, 0x02, 1]),
        ("description", map(&[])),
    ])
}

/// Type 2, up to 28 bytes.
fn text(text: &str) -> Vec<u8> {
    [vec![0x40 | u8::try_from(text.len()).expect("it is short")], text.as_bytes().to_vec()].concat()
}

/// Type 7.
fn map(members: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let mut bytes = vec![0xe0 | u8::try_from(members.len()).expect("they are few")];
    for (name, value) in members {
        bytes.extend(text(name));
        bytes.extend_from_slice(value);
    }
    bytes
}

/// Type 11, an extended one.
fn list(values: &[Vec<u8>]) -> Vec<u8> {
    [vec![u8::try_from(values.len()).expect("they are few"), 4], values.concat()].concat()
}

fn push(bytes: &mut Vec<u8>, value: &[u8]) {
    bytes.extend_from_slice(value);
}
