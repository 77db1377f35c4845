//! What each form does to a dashboard.

use super::*;

fn dashboard() -> DashboardView {
    let tile = |key: &str, width: &str| TileView { width: width.to_owned(), ..tile_of(key).expect("it names a tile") };
    DashboardView {
        name: "monday".to_owned(),
        title: "Monday".to_owned(),
        description: String::new(),
        tiles: vec![
            tile("question-mailers", "full"),
            tile("metric-net_sales", "half"),
            tile("question-by_size", "half"),
        ],
        version: "1".to_owned(),
        path: String::new(),
        text: String::new(),
    }
}

/// The tiles after a form, the wide ones with a star; `-` where it changes nothing.
fn check(edit: &str, tile: &str) -> String {
    let fields = [("edit".to_owned(), edit.to_owned()), ("tile".to_owned(), tile.to_owned())];
    let Some((changed, _)) = apply(&dashboard(), &fields) else { return "-".to_owned() };
    let shown = |tile: &Json| {
        let name = tile["question"].as_str().or(tile["metric"].as_str()).unwrap_or_default();
        format!("{name}{}", if tile["width"] == "full" { "*" } else { "" })
    };
    changed["tiles"].as_array().expect("it is a list").iter().map(shown).collect::<Vec<_>>().join(" ")
}

#[test]
fn tiles_move_widen_come_and_go() {
    for (edit, tile, expected) in [
        ("up", "metric-net_sales", "net_sales mailers* by_size"),
        ("up", "question-mailers", "-"),
        ("down", "metric-net_sales", "mailers* by_size net_sales"),
        ("down", "question-by_size", "-"),
        ("width", "question-mailers", "mailers net_sales by_size"),
        ("width", "metric-net_sales", "mailers* net_sales* by_size"),
        ("remove", "question-mailers", "net_sales by_size"),
        ("remove", "metric-mailers", "-"),
        ("add", "metric-buyers", "mailers* net_sales by_size buyers"),
        ("add", "metric-net_sales", "-"),
        ("add", "source-till", "-"),
        ("explode", "metric-net_sales", "-"),
    ] {
        assert_eq!(check(edit, tile), expected, "{edit} {tile}");
    }
}

#[test]
fn a_new_name_leaves_the_tiles_as_they_are() {
    let fields = [("edit", "rename"), ("title", " Week "), ("description", "What we look at")];
    let fields = fields.map(|(key, value)| (key.to_owned(), value.to_owned()));
    let (changed, _) = apply(&dashboard(), &fields).expect("it changes");
    assert_eq!((&changed["title"], &changed["description"]), (&json!("Week"), &json!("What we look at")));
    assert_eq!(changed["tiles"], definition(&dashboard())["tiles"]);
}
