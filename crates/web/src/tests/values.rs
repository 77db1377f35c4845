//! What forms and bodies may hold: any value is a value, and no key says who somebody is or what may be done.

use super::*;

/// Keys of what the product decides by itself.
const DECIDED: [&str; 6] = ["role", "tenant_id", "purpose", "min_group", "user", "may_define"];

#[tokio::test]
async fn case_28_a_value_of_the_builder_stays_within_its_quotes() {
    let start = audience("email");
    for value in [
        "' OR 1=1--",
        r"\'",
        "$$ OR $$",
        "a; DROP TABLE events",
        "/* x */",
        "-- x",
        "\u{2019} OR \u{2018}1\u{2019}=\u{2018}1",
        "\u{ff07}\u{ff02}",
        "a\"b",
        "%",
        "_",
    ] {
        let text = format!("'{}'", value.replace('\'', "''"));
        let of_trait = |op| {
            [
                ("edit", "part_set"),
                ("index", "new"),
                ("shape", "trait"),
                ("trait", "household_size"),
                ("trait_op", op),
                ("trait_value", value),
            ]
        };
        let expected = format!("{CONDITION} AND household_size = {text}");
        assert_eq!(edited(&start, &of_trait("=")).await["where"], expected);
        let expected = format!("{CONDITION} AND household_size IN ({text})");
        assert_eq!(edited(&start, &of_trait("IN")).await["where"], expected);
        let of_property = [
            ("edit", "part_set"),
            ("index", "new"),
            ("shape", "property"),
            ("event_property", "campaign_type"),
            ("property_op", "<>"),
            ("property_value", value),
        ];
        let expected = format!("{CONDITION} AND event.campaign_type <> {text}");
        assert_eq!(edited(&start, &of_property).await["where"], expected);
        let of_audience =
            [("edit", "part_set"), ("index", "new"), ("shape", "audience"), ("audience", value), ("negated", "yes")];
        let expected = format!("{CONDITION} AND NOT in_audience({text})");
        assert_eq!(edited(&start, &of_audience).await["where"], expected);
    }
}

#[tokio::test]
async fn case_54_no_body_says_what_the_product_decides() {
    // These read no JSON object: a file, and addresses alone.
    let is_other = |path: &str| ["/import", "/replay", "/undo"].iter().any(|end| path.ends_with(end));
    let all = routes();
    let readers = all.iter().filter(|route| {
        route.kind == RouteKind::Api && ["POST", "PUT"].contains(&route.method) && !is_other(route.path)
    });
    let mut n_routes = 0;
    for route in readers {
        n_routes += 1;
        let good = sample_body(route.path);
        let post = |body: String| {
            let request = sample(route.method, route.path).header("authorization", "Bearer token-ivo");
            send("", request.body(Body::from(body)).expect("a request"))
        };
        let taken = post(good.clone()).await;
        assert!(taken.status.is_success(), "{} {}: {}", route.method, route.path, taken.text());
        for key in DECIDED {
            let mut body: Json = serde_json::from_str(&good).expect("a sample is JSON");
            body[key] = "officer".into();
            let got = post(body.to_string()).await;
            let case = format!("{key} at {} {}: {}", route.method, route.path, got.text());
            assert_eq!(got.status, StatusCode::BAD_REQUEST, "{case}");
            assert_eq!(got.json()["errors"][0]["path"], format!("/{key}"), "{case}");
        }
    }
    assert!(n_routes >= 8, "only {n_routes} routes read an object");
}

#[tokio::test]
async fn case_54_a_form_that_says_more_is_answered_as_one_that_does_not() {
    let more: String = DECIDED.iter().map(|key| format!("&{key}=officer")).collect();
    let changing = routes().into_iter().filter(|route| route.kind == RouteKind::Page && route.method == "POST");
    let mut cases: Vec<(String, String)> = changing
        .map(|route| {
            let address = sample("POST", route.path).body(()).expect("a request").uri().to_string();
            (address, sample_body(route.path))
        })
        .collect();
    assert!(cases.len() >= 9, "{cases:?}");
    let asked = crate::body::percent_encode(&audience("email").to_string());
    cases.push(("/ask/verdict".to_owned(), format!("q={asked}")));
    cases.push(("/preferences?token=link-ann".to_owned(), "version=0123456789abcdef&yes=email".to_owned()));
    for (address, form) in cases {
        let post = |body: String| {
            let request = Request::post(&address)
                .header("authorization", "Bearer token-ivo")
                .header("content-type", "application/x-www-form-urlencoded");
            send("", request.body(Body::from(body)).expect("a request"))
        };
        let (plain, said) = (post(form.clone()).await, post(format!("{form}{more}")).await);
        // The address of the other face says a form again.
        let repeated = more.replace('&', "&amp;");
        assert_eq!((plain.status, plain.text()), (said.status, said.text().replace(&repeated, "")), "{address}");
        for header in ["location", "set-cookie", "hx-trigger"] {
            assert_eq!(plain.header(header), said.header(header), "{address}");
        }
    }
}
