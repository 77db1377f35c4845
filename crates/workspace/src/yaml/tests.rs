//! YAML with places: what is read, what is refused, and the limits.

use super::*;
use crate::diagnostic::render;

/// The document as JSON, or everything that is wrong.
fn check(text: &str) -> String {
    let mut problems = Problems::default();
    match parse("x.yaml", text, &mut problems) {
        Some(node) => node.to_json().to_string(),
        None => render(&problems.into_sorted()),
    }
}

#[test]
fn scalars_have_the_types_of_yaml_1_2() {
    let text = "a: [1, -2, 1.5, 1e3, true, ~, no, 1.0.0, 2017-01-01, '5', 0x1F, .inf]\n7: x\n";
    assert_eq!(check(text), r#"{"a":[1,-2,1.5,1000.0,true,null,"no","1.0.0","2017-01-01","5","0x1F",".inf"],"7":"x"}"#);
    assert_eq!(check(""), "null");
}

#[test]
fn what_is_not_read_is_refused_in_its_place() {
    let texts = [
        "a: &x 1\nb: *x\n",
        "a: *nothing\n",
        "a: !!str 1\n",
        "a: 1\nb: 2\na: 3\n",
        "a: 1\n---\nb: 2\n",
        "? [a, b]\n: 1\n",
        "a: [1, 2\n",
        "a: 'x\n",
        "a: 1\n b: 2\n",
    ];
    let all: Vec<String> = texts.iter().map(|text| format!("{text}{}", check(text))).collect();
    insta::assert_snapshot!(all.join("\n"), @"
    a: &x 1
    b: *x
    x.yaml:1:4: an anchor (`&name`)
        leave it out: aliases are not read

    a: *nothing
    x.yaml:1:4: not readable as YAML: while parsing node, found unknown anchor
        look at the quotes, brackets and indents on this line and the one before

    a: !!str 1
    x.yaml:1:4: a tag (`!name`)
        leave it out: the type follows from the value

    a: 1
    b: 2
    a: 3
    x.yaml:3:1: the key `a` stands twice
        keep one of them

    a: 1
    ---
    b: 2
    x.yaml:2:1: a second document in one file
        put it into a file of its own

    ? [a, b]
    : 1
    x.yaml:1:3: a list or mapping as a key
        use a plain text as the key

    a: [1, 2
    x.yaml:2:1: not readable as YAML: while parsing a flow sequence, expected ',' or ']'
        look at the quotes, brackets and indents on this line and the one before

    a: 'x
    x.yaml:1:4: not readable as YAML: while scanning a quoted scalar, found unexpected end of stream
        look at the quotes, brackets and indents on this line and the one before

    a: 1
     b: 2
    x.yaml:2:3: not readable as YAML: mapping values are not allowed in this context
        look at the quotes, brackets and indents on this line and the one before
    ");
}

#[test]
fn size_and_depth_are_bounded() {
    assert!(check(&"x".repeat(FILE_BYTES_MAX + 1)).contains("larger than 1 MiB"));
    assert!(check(&"[".repeat(60)).contains("not readable"));
    assert!(check(&"[".repeat(100_000)).contains("recursion limit"));
    assert!(check(&"- ".repeat(100_000)).contains("nests deeper"));
    assert!(check(&"{a: ".repeat(100_000)).contains("recursion limit"));
    let bomb = "a: &a [x, x]\nb: &b [*a, *a]\nc: &c [*b, *b]\n";
    assert!(check(bomb).contains("an anchor"));
}

#[test]
fn places_inside_of_a_text_are_places_in_the_file() {
    let texts = [
        "a: xyz",
        "a: 'xyz'",
        "a: |\n  ab\n  xyz",
        "a: |\n\n\n   ab\n   xyz",
        "a:\n  b: |-\n      ab\n      xyz",
        "a: >\n  ab\n  xyz",
    ];
    let all: Vec<String> = texts.iter().map(|text| format!("{text}\n{}", place_of_x(text))).collect();
    insta::assert_snapshot!(all.join("\n"), @r#"
a: xyz
x.yaml:1:4: here

a: 'xyz'
x.yaml:1:5: here

a: |
  ab
  xyz
x.yaml:3:3: here

a: |


   ab
   xyz
x.yaml:5:4: here

a:
  b: |-
      ab
      xyz
x.yaml:4:7: here

a: >
  ab
  xyz
x.yaml:2:3: here
"#);
}

/// Where a diagnostic on the `x` of a text would point.
fn place_of_x(yaml: &str) -> String {
    let mut problems = Problems::default();
    let mut node = parse("x.yaml", yaml, &mut problems).expect("it is YAML");
    while let NodeKind::Map(mut entries) = node.kind {
        node = entries.remove(0).value;
    }
    let NodeKind::Text(text) = &node.kind else { return "no text".into() };
    let (index, line) = text.lines().enumerate().find(|(_, line)| line.contains('x')).expect("there is an x");
    let column = line.find('x').expect("it is in the line") + 1;
    let issue = crate::diagnostic::Issue { line: index + 1, column, message: "here".into(), hint: String::new() };
    node.report(vec![issue], &mut problems);
    render(&problems.into_sorted())
}

#[test]
fn sixty_five_levels_are_one_too_many() {
    let nested = |count: usize| format!("{}1{}", "[".repeat(count), "]".repeat(count));
    assert!(check(&nested(64)).starts_with('['));
    assert!(check(&nested(65)).contains("nests deeper than 64 levels"));
}
