//! A product that makes its answers up, with the demo's flavour: for tests of pages and for looking at them.

use api::{
    Asked, AudienceView, AuditHead, AuditRecord, AuditRequest, AuditView, Balance, Catalog, Credential,
    DashboardRequest, DashboardView, DefinitionCheck, DefinitionEdit, DefinitionRequest, DefinitionSaved,
    DefinitionView, EncodeFormat, EventView, Explained, FieldView, ForeseenTurn, Health, ImportRequest, Input, Judged,
    MetricView, NameView, ObjectView, PolicyLaw, PolicyPurpose, PolicyRole, PolicyView, Principal, Product,
    PurposeView, QuestionView, RejectedGroup, SaveRequest, Saved, SignedIn, SourceView, TileView, WorkspaceView,
};
use chrono::{Datelike, NaiveDate, TimeZone, Utc};
use serde_json::{Value as Json, json};
use spec::{
    Aggregate, AggregateFunction, Answer, AudienceQuestion, Change, Column, CompareOp, Condition, ConditionForm,
    ConditionPart, Cost, Diagnostic, Differences, Duration, Error, ErrorKind, EventSelector, Gap, Measure, Outcome,
    PeopleCounts, Provenance, Question, QuestionBody, Reason, ReasonCode, Release, Remedy, Result, Term, TrendQuestion,
    Value, Verdict, WaterfallStep, Work,
};
use std::collections::BTreeMap;

const CONDITION: &str =
    "count(basket_paid, within => '30 days') >= 8 AND NOT did(coupon_redeemed, within => '90 days')";

/// The product; `mark` is put behind every text, so that a test can see whether pages escape it.
pub(crate) struct Fixture {
    pub(crate) mark: &'static str,
}

impl Fixture {
    fn text(&self, text: &str) -> String {
        format!("{text}{}", self.mark)
    }

    fn user(&self, name: &str) -> Result<Principal> {
        let (title, role, role_title, flags) = match name {
            "mia" => ("Mia Keller", "marketer", "Marketer", [false, false, true]),
            "ivo" => ("Ivo Brandt", "engineer", "Engineer", [true, true, true]),
            "pia" => ("Pia Okafor", "privacy_officer", "Privacy officer", [false, false, false]),
            "eve" => ("Eve Laurent", "executive", "Executive", [false, false, false]),
            _ => return Err(Error::new(ErrorKind::Denied, "sign in, or send a valid token".to_owned())),
        };
        Ok(Principal {
            waiting: Default::default(),
            user: name.to_owned(),
            title: self.text(title),
            role: role.to_owned(),
            role_title: self.text(role_title),
            sees_cost: flags[0],
            may_import: flags[1],
            may_define: flags[2],
            sees_audit: name == "pia",
            edits: match name {
                "mia" => vec!["metrics".to_owned(), "audiences".to_owned()],
                "ivo" => vec!["contracts".to_owned(), "sources".to_owned()],
                "pia" => vec!["laws".to_owned(), "purposes".to_owned(), "contracts".to_owned()],
                _ => Vec::new(),
            },
        })
    }

    fn field(&self, name: &str, title: &str, value_type: &str, rest: (Option<&str>, &str, &[&str], bool)) -> FieldView {
        let (unit, class, purposes, groups) = rest;
        FieldView {
            name: name.to_owned(),
            title: self.text(title),
            description: self.text(title),
            value_type: value_type.to_owned(),
            unit: unit.map(str::to_owned),
            class: class.to_owned(),
            purposes: purposes.iter().map(|purpose| self.text(purpose)).collect(),
            groups,
        }
    }

    fn basket_fields(&self) -> Vec<FieldView> {
        let open: &[&str] = &["analytics", "personalisation", "email", "ads"];
        vec![
            self.field("basket_id", "Basket", "text", (None, "none", open, false)),
            self.field("store_id", "Store", "text", (None, "none", open, true)),
            self.field("sales_value", "Sales value", "decimal", (Some("USD"), "none", open, false)),
            self.field("items", "Items", "integer", (Some("items"), "none", open, true)),
        ]
    }

    fn campaign_fields(&self) -> Vec<FieldView> {
        let open: &[&str] = &["analytics", "email"];
        vec![
            self.field("campaign_id", "Campaign", "text", (None, "none", open, true)),
            self.field("campaign_type", "Type of campaign", "text", (None, "none", open, true)),
        ]
    }

    fn traits(&self) -> Vec<FieldView> {
        vec![
            self.field(
                "household_size",
                "Household size",
                "text",
                (None, "none", &["analytics", "personalisation", "email"], true),
            ),
            self.field("income", "Income", "text", (None, "sensitive", &["analytics"], true)),
            self.field("region", "Region", "text", (None, "none", &["analytics", "email", "ads"], true)),
        ]
    }

    fn wrong_line(&self, path: &str) -> Diagnostic {
        Diagnostic {
            path: path.to_owned(),
            line: 2,
            column: 11,
            message: self.text("there is no purpose `analytiks`"),
            hint: self.text("did you mean `analytics`?"),
        }
    }

    fn event(&self, name: &str, title: &str, past: &str, properties: Vec<FieldView>) -> EventView {
        EventView {
            name: name.to_owned(),
            title: self.text(title),
            past: self.text(past),
            source: "purchases".to_owned(),
            properties,
        }
    }

    fn purpose(&self, name: &str, title: &str, people: Option<u64>, basis: [&str; 3]) -> PurposeView {
        let basis = ["gdpr", "ccpa", "us_other"]
            .iter()
            .zip(basis)
            .map(|(law, basis)| ((*law).to_owned(), basis.to_owned()))
            .collect();
        PurposeView {
            name: name.to_owned(),
            title: self.text(title),
            description: self.text("What it covers"),
            min_group: 50,
            release: if name == "email" { "list" } else { "aggregate" }.to_owned(),
            basis,
            people,
        }
    }

    /// Something that others rest on.
    fn thing(&self, kind: &str, name: &str) -> api::ThingView {
        let is_data = ["event", "property", "trait", "source"].contains(&kind);
        api::ThingView {
            kind: kind.to_owned(),
            name: name.to_owned(),
            title: self.text(&name.replace(['_', '.'], " ")),
            path: if is_data { "contracts/purchases.odcs.yaml".to_owned() } else { format!("{kind}s/{name}.yaml") },
            source: is_data.then(|| "purchases".to_owned()),
        }
    }

    fn people(purpose: &str) -> u64 {
        if purpose == "email" { 235 } else { 416 }
    }

    fn metric(&self, name: &str, title: &str, measure: &str, unit: &str) -> MetricView {
        MetricView {
            name: name.to_owned(),
            title: self.text(title),
            description: self.text("What customers paid at the till, after discounts"),
            owners: vec!["marketing".to_owned(), "it".to_owned()],
            measure: self.text(measure),
            filter: String::new(),
            unit: Some(unit.to_owned()),
            on_home: true,
            path: format!("metrics/{name}.yaml"),
            text: self.text(&format!(
                "title: {title}\nowners: [marketing, it]\nmeasure: {measure}\nunit: {unit}\non_home: true\n"
            )),
        }
    }

    /// Everything that is wrong with a question, roughly as the product says it.
    fn wrong(&self, question: &Json) -> Vec<Diagnostic> {
        let fault = |path: &str, column: usize, message: String, hint: &str| Diagnostic {
            path: path.to_owned(),
            line: 1,
            column,
            message: self.text(&message),
            hint: self.text(hint),
        };
        let mut errors = Vec::new();
        let kind = question["kind"].as_str().unwrap_or_default();
        if !["trend", "funnel", "power", "audience"].contains(&kind) {
            let hint = "use trend, funnel, power or audience";
            errors.push(fault("/question/kind", 1, format!("unknown kind `{kind}`"), hint));
        }
        if question["purpose"].as_str().is_none() {
            errors.push(fault(
                "/question/purpose",
                1,
                "the purpose is missing".to_owned(),
                "say why it is asked, as `analytics`",
            ));
        }
        let condition = question["where"].as_str().unwrap_or_default();
        if kind == "audience" && condition.is_empty() {
            errors.push(fault("/question/where", 1, "the condition is missing".to_owned(), "say whom you mean"));
        }
        if let Some(at) = condition.find("basket_payd") {
            errors.push(fault(
                "/question/where",
                at + 1,
                "unknown event `basket_payd`".to_owned(),
                "did you mean `basket_paid`?",
            ));
        }
        errors
    }

    fn verdict(&self, question: &Json) -> Verdict {
        let purpose = question["purpose"].as_str().unwrap_or_default();
        if question["release"] == "list" && purpose != "email" {
            return Verdict {
                outcome: Outcome::No,
                reasons: vec![Reason {
                    code: ReasonCode::ReleaseLevel,
                    subject: self.text(purpose),
                    for_marketing: self.text("for analytics you may see how many people, but not who they are"),
                    for_it: self.text(
                        "role marketer has release level aggregate for purpose analytics; the question asks for list",
                    ),
                    remedies: vec![
                        Remedy::Ask {
                            title: self.text("ask for e-mail instead"),
                            question: Box::new(typed("email", Release::List)),
                            effect: self.text("235 people"),
                        },
                        Remedy::Ask {
                            title: self.text("ask how many people"),
                            question: Box::new(typed("analytics", Release::Aggregate)),
                            effect: self.text("416 people"),
                        },
                    ],
                }],
            };
        }
        if purpose == "ads" && question.to_string().contains("income") {
            let file = "contracts/people.odcs.yaml";
            let (work, code) = (Work::Allow, ReasonCode::PurposeNotForField);
            let gap = Gap {
                id: Gap::id_of(work, code, "people.income", purpose, Some(file)),
                work,
                what: self.text("income may be used for ads"),
                who: self.text("the data team"),
                team: Some(self.text("data")),
                within: Duration::parse("2 days").ok(),
                file: Some(self.text(file)),
                change: Some(Change::AllowField {
                    object: self.text("people"),
                    field: self.text("income"),
                    purpose: purpose.to_owned(),
                }),
            };
            return Verdict {
                outcome: Outcome::YesIf,
                reasons: vec![Reason {
                    code: ReasonCode::PurposeNotForField,
                    subject: "income".to_owned(),
                    for_marketing: self.text("what people earn may not be used for ads"),
                    for_it: self.text("field income lists purposes [analytics]"),
                    remedies: vec![Remedy::Close { title: self.text("allow it in the contract"), gap }],
                }],
            };
        }
        Verdict::yes()
    }

    fn provenance(&self, who: &Principal, purpose: &str) -> Provenance {
        let withheld = if purpose == "email" { 1013 } else { 0 };
        Provenance {
            question_hash: "3f9a1c0be2d47781".to_owned(),
            policy_version: "b81d02a7c3e9".to_owned(),
            tables: BTreeMap::from([("events".to_owned(), 17), ("consents".to_owned(), 3)]),
            landed_until: Some(moment()),
            people: PeopleCounts {
                known: Some(2469),
                withheld: BTreeMap::from([("consent".to_owned(), Some(withheld))]),
                used: Some(2469 - withheld),
            },
            engine: self.text("entente 0.1.0, embedded"),
            as_of: moment(),
            cost: who.sees_cost.then_some(Cost { rows_read: 1_469_307, bytes_read: 9_412_000, seconds: 0.041 }),
            forecast: who.sees_cost.then_some(Cost { rows_read: 1_469_307, bytes_read: 9_412_000, seconds: 0.035 }),
            min_group: 50,
            differences: Differences::Guarded.name(),
        }
    }

    fn rows(&self, question: &Json) -> (Vec<Column>, Vec<Vec<Value>>) {
        match question["kind"].as_str() {
            Some("funnel") => self.funnel_rows(question),
            Some("power") => power_rows(question),
            Some("audience") if question["release"] == "list" => {
                let rows = (0..question["limit"].as_u64().unwrap_or(235).min(235)).map(|n| {
                    vec![
                        Value::Text(format!("p-{:08x}", n * 2_654_435_761_u64 % 4_294_967_296)),
                        Value::Text(self.text("3")),
                    ]
                });
                (vec![column("person", "text", None), column("household_size", "text", None)], rows.collect())
            }
            Some("audience") => {
                let people = Fixture::people(question["purpose"].as_str().unwrap_or_default());
                (vec![column("people", "integer", None)], vec![vec![Value::Integer(people.cast_signed())]])
            }
            _ => self.trend_rows(question),
        }
    }

    fn funnel_rows(&self, question: &Json) -> (Vec<Column>, Vec<Vec<Value>>) {
        let mut columns =
            vec![column("step", "integer", None), column("event", "text", None), column("people", "integer", None)];
        columns.extend(["from_first", "from_previous", "median_seconds"].map(|name| column(name, "number", None)));
        let groups: &[(&str, i64, i64)] = match question["breakdown"][0].as_str() {
            Some(_) => &[("A", 1107, 275), ("B", 393, 108), ("C", 46, 22)],
            None => &[("", 1546, 405)],
        };
        let mut rows = Vec::new();
        for (title, first, second) in groups {
            for (step, event, people) in [(1, "campaign_received", *first), (2, "coupon_redeemed", *second)] {
                let rate = people as f64 / *first as f64;
                let seconds = if step == 1 { Value::Null } else { Value::Number(1_036_800.0) };
                let mut row = vec![
                    Value::Integer(step),
                    Value::Text(event.to_owned()),
                    Value::Integer(people),
                    Value::Number(rate),
                    Value::Number(rate),
                    seconds,
                ];
                if !title.is_empty() {
                    row.insert(0, Value::Text(self.text(title)));
                }
                rows.push(row);
            }
        }
        if let Some(name) = question["breakdown"][0].as_str() {
            columns.insert(0, column(name, "text", None));
        }
        (columns, rows)
    }

    fn trend_rows(&self, question: &Json) -> (Vec<Column>, Vec<Vec<Value>>) {
        const CENTS: [i64; 12] = [
            37_088_693, 35_421_480, 38_710_455, 37_255_310, 39_388_244, 38_560_902, 37_923_571, 38_847_266, 37_462_190,
            38_871_003, 39_514_989, 42_188_229,
        ];
        let money = question["measure"].as_str().is_some_and(|measure| measure.contains("sales"));
        let value = |n: usize| match money {
            true => Value::Decimal(rust_decimal::Decimal::new(CENTS[n % 12], 2)),
            false => Value::Integer(1950 + (CENTS[n % 12] / 330_000)),
        };
        let unit = if money { Some("USD") } else { Some("people") };
        let last = column("value", if money { "decimal" } else { "integer" }, unit);
        let by = question["by"].as_str().unwrap_or("month");
        let starts: Vec<NaiveDate> = match by {
            "week" => {
                (0..52).filter_map(|week| day(2017, 1, 2).checked_add_days(chrono::Days::new(week * 7))).collect()
            }
            "none" => vec![day(2017, 1, 1)],
            _ => (1..=12).map(|month| day(2017, month, 1)).collect(),
        };
        let groups: Vec<Option<Value>> = match question["breakdown"][0].as_str() {
            Some("store_id") => (0..31).map(|store| Some(Value::Text(format!("{}", 300 + store)))).collect(),
            Some(_) => vec![
                Some(Value::Text(self.text("1 or 2"))),
                Some(Value::Text(self.text("3 or more"))),
                Some(Value::Null),
            ],
            None => vec![None],
        };
        let mut rows = Vec::new();
        for (n, start) in starts.iter().enumerate() {
            for (g, group) in groups.iter().enumerate() {
                let mut row: Vec<Value> = if by == "none" { Vec::new() } else { vec![Value::Date(*start)] };
                row.extend(group.clone());
                row.push(if g == 2 && n == 3 {
                    Value::Null
                } else {
                    value((n * 5 + g * 3 + start.month0() as usize) % 12)
                });
                rows.push(row);
            }
        }
        let mut columns = if by == "none" { Vec::new() } else { vec![column("interval", "date", None)] };
        columns.extend(question["breakdown"][0].as_str().map(|name| column(name, "text", None)));
        columns.push(last);
        if by == "month" && groups.len() == 1 {
            for (n, row) in rows.iter_mut().enumerate() {
                row[1] = value(n);
            }
        }
        (columns, rows)
    }

    fn waterfall(&self, purpose: &str) -> Vec<WaterfallStep> {
        let step = |title: &str, reason: &str, people: u64, left: u64| WaterfallStep {
            title: self.text(title),
            reason: reason.to_owned(),
            people: Some(people),
            left: Some(left),
        };
        match purpose {
            "email" => vec![
                step("people known", "known", 2469, 0),
                step("have agreed to e-mail", "consent", 1456, 1013),
                step("bought at least 8 times in the last 30 days", "rule", 318, 1138),
                step("did not redeem a coupon in the last 90 days", "rule", 235, 83),
            ],
            _ => vec![
                step("people known", "known", 2469, 0),
                step("have not objected to analytics", "objection", 2469, 0),
                step("bought at least 8 times in the last 30 days", "rule", 561, 1908),
                step("did not redeem a coupon in the last 90 days", "rule", 416, 145),
            ],
        }
    }

    fn part(&self, text: &str) -> ConditionPart {
        let (negative, inner) = text.strip_prefix("NOT ").map_or((false, text), |inner| (true, inner));
        let within = inner
            .split_once("within => '")
            .and_then(|(_, rest)| rest.split_once('\''))
            .map_or("", |(within, _)| within);
        let last = if within.is_empty() { String::new() } else { format!(" in the last {within}") };
        let name =
            |after: &str| after.split([',', ')']).next().unwrap_or_default().trim().trim_matches('\'').to_owned();
        let past = |event: &str| {
            self.catalog_events()
                .into_iter()
                .find(|known| known.name == event)
                .map_or(event.to_owned(), |known| known.past)
        };
        let (words, form) = if let Some(rest) = inner.strip_prefix("did(") {
            let event = name(rest);
            let words =
                if negative { format!("have not {}{last}", past(&event)) } else { format!("{}{last}", past(&event)) };
            (words, Some(ConditionForm::Did { event, negated: negative, within: within.to_owned() }))
        } else if let Some(rest) = inner.strip_prefix("in_audience(") {
            (
                format!("are{} in the audience {}", if negative { " not" } else { "" }, name(rest)),
                Some(ConditionForm::Audience { name: name(rest), negated: negative }),
            )
        } else if let Some((call, value)) = inner.split_once(") >= ") {
            let (function, rest) = call.split_once('(').unwrap_or((call, ""));
            let subject = name(rest);
            let (event, property) = subject.split_once('.').unwrap_or((&subject, ""));
            let form = ConditionForm::Aggregate {
                function: function.to_owned(),
                event: event.to_owned(),
                property: property.to_owned(),
                op: ">=".to_owned(),
                value: value.to_owned(),
                within: within.to_owned(),
            };
            (format!("{} at least {value} times{last}", past(event)), Some(form))
        } else if !inner.contains(" OR ")
            && let Some((field, op, value)) =
                [" = ", " > "].iter().find_map(|op| inner.split_once(op).map(|(field, value)| (field, op, value)))
        {
            let form = ConditionForm::Trait {
                name: field.to_owned(),
                op: op.trim().to_owned(),
                value: value.trim_matches('\'').to_owned(),
            };
            (
                format!("{} is {}", field.trim_start_matches("event.").replace('_', " "), value.trim_matches('\'')),
                (!field.starts_with("event.")).then_some(form),
            )
        } else {
            (inner.to_owned(), None)
        };
        ConditionPart { text: text.to_owned(), words: self.text(&words), negative, form }
    }

    fn catalog_events(&self) -> Vec<EventView> {
        vec![
            self.event("basket_paid", "Basket paid", "paid for a basket", self.basket_fields()),
            self.event("campaign_received", "Campaign received", "received a campaign", self.campaign_fields()),
            self.event("coupon_redeemed", "Coupon redeemed", "redeemed a coupon", self.campaign_fields()),
        ]
    }
}

impl Product for Fixture {
    fn sign_in(&self, name: &str, password: &str) -> Result<SignedIn> {
        if password != "demo" {
            return Err(Error::new(ErrorKind::Denied, "name and password do not belong together".to_owned()));
        }
        Ok(SignedIn { session: format!("session-{name}"), principal: self.user(name)? })
    }

    fn sign_out(&self, _: &str) -> Result<()> {
        Ok(())
    }

    fn principal(&self, credential: &Credential) -> Result<Principal> {
        match credential {
            Credential::Session(session) => self.user(session.strip_prefix("session-").unwrap_or_default()),
            Credential::Token(token) => self.user(token.strip_prefix("token-").unwrap_or_default()),
            Credential::Owner { secret, user } => self.user(if secret == "owner" { user } else { "" }),
        }
    }

    fn judge(&self, _: &Principal, question: &Json) -> Result<Input<Judged>> {
        let errors = self.wrong(question);
        if !errors.is_empty() {
            return Ok(Input::Bad(errors));
        }
        let verdict = self.verdict(question);
        let purpose = question["purpose"].as_str().unwrap_or_default();
        let people =
            (question["kind"] == "audience" && verdict.outcome == Outcome::Yes).then(|| Fixture::people(purpose));
        Ok(Input::Good(Judged { question: kind_of(question), verdict, people, forecast: None }))
    }

    fn ask(&self, who: &Principal, question: &Json) -> Result<Input<Asked>> {
        let errors = self.wrong(question);
        if !errors.is_empty() {
            return Ok(Input::Bad(errors));
        }
        let verdict = self.verdict(question);
        let purpose = question["purpose"].as_str().unwrap_or_default();
        let is_audience = question["kind"] == "audience";
        let answer = (verdict.outcome == Outcome::Yes).then(|| {
            let (columns, rows) = self.rows(question);
            Answer {
                columns,
                rows,
                waterfall: is_audience.then(|| self.waterfall(purpose)),
                sample_ratio: None,
                provenance: self.provenance(who, purpose),
            }
        });
        Ok(Input::Good(Asked { question: kind_of(question), verdict, answer, leaving: None }))
    }

    /// The first bytes of such a file, then the rows, so that a test can see who is in it.
    fn encode(&self, answer: &Answer, format: EncodeFormat) -> Result<Vec<u8>> {
        let start: &[u8; 4] = if format == EncodeFormat::Parquet { b"PAR1" } else { b"\xff\xff\xff\xff" };
        let rows = serde_json::to_vec(&answer.rows).expect("rows are plain data and serialise");
        Ok([&start[..], &rows].concat())
    }

    fn explain(&self, _: &Principal, question: &Json) -> Result<Explained> {
        let errors = self.wrong(question);
        let condition = question["where"].as_str().unwrap_or_default();
        let parts = if condition.is_empty() || errors.iter().any(|error| error.path == "/question/where") {
            Vec::new()
        } else {
            condition.split(" AND ").map(|part| self.part(part)).collect()
        };
        let kind = question["kind"].as_str().unwrap_or_default();
        Ok(Explained {
            sentence: self.text(&format!("A {kind} for {}", question["purpose"].as_str().unwrap_or_default())),
            question: errors.is_empty().then(|| question.clone()),
            parts,
            plan: vec![
                self.text("scan events (person, ts, event) where purpose allows"),
                "fold per person in order".to_owned(),
            ],
            rests_on: vec![self.thing("event", "basket_paid"), self.thing("source", "purchases")],
            errors,
            missing: Vec::new(),
        })
    }

    fn catalog(&self, _: &Principal) -> Result<Catalog> {
        Ok(Catalog {
            events: self.catalog_events(),
            traits: self.traits(),
            purposes: vec![
                self.purpose("analytics", "analytics", Some(2469), ["legitimate_interest"; 3]),
                self.purpose("email", "e-mail", Some(1456), ["consent"; 3]),
                self.purpose("ads", "ads", Some(1822), ["consent", "opt_out", "opt_out"]),
            ],
            metrics: vec![("net_sales".to_owned(), self.text("Net sales"))],
            audiences: vec![("frequent".to_owned(), self.text("Frequent shoppers without coupons"))],
            destinations: vec![("newsletter".to_owned(), self.text("Newsletter"))],
            days: Some(("2016-11-14".to_owned(), "2018-01-01".to_owned())),
        })
    }

    fn metrics(&self, _: &Principal) -> Result<Vec<MetricView>> {
        Ok(vec![
            self.metric("net_sales", "Net sales", "sum(basket_paid.sales_value)", "USD"),
            self.metric("buyers", "People who bought", "people(basket_paid)", "people"),
            self.metric("baskets", "Baskets", "count(basket_paid)", "baskets"),
            self.metric(
                "sales_per_person",
                "Net sales per person",
                "sum(basket_paid.sales_value) / people(basket_paid)",
                "USD",
            ),
        ])
    }

    fn audiences(&self, _: &Principal) -> Result<Vec<AudienceView>> {
        Ok(vec![AudienceView {
            name: "frequent".to_owned(),
            title: self.text("Frequent shoppers without coupons"),
            description: self.text("They come often and never use a coupon: candidates for the e-mail programme"),
            owners: vec!["marketing".to_owned(), "it".to_owned()],
            purpose: "email".to_owned(),
            condition: CONDITION.to_owned(),
            words: self.text("bought at least 8 times in the last 30 days and did not redeem a coupon in the last 90 days"),
            path: "audiences/frequent.yaml".to_owned(),
            text: self.text("title: Frequent shoppers without coupons\npurpose: email\nwhere: count(basket_paid, within => '30 days') >= 8\n"),
        }])
    }

    fn questions(&self, _: &Principal) -> Result<Vec<QuestionView>> {
        let view = |name: &str, title: &str, question: Json| QuestionView {
            name: name.to_owned(),
            title: self.text(title),
            description: String::new(),
            question,
            words: self.text("A question that somebody asks every Monday"),
            path: format!("questions/{name}.yaml"),
            text: self.text("title: ..."),
        };
        Ok(vec![
            view(
                "mailers",
                "Do campaigns lead to coupons?",
                json!({ "kind": "funnel", "purpose": "analytics", "steps": ["campaign_received", "coupon_redeemed"], "within": "45 days", "period": { "from": "2017-01-01", "to": "2018-01-01" }, "breakdown": ["campaign_type"] }),
            ),
            view(
                "frequent",
                "How many frequent shoppers use no coupon?",
                json!({ "kind": "audience", "purpose": "email", "where": CONDITION, "as_of": "2017-12-31T00:00:00Z" }),
            ),
            view(
                "by_size",
                "Net sales by household size",
                json!({ "kind": "trend", "purpose": "analytics", "measure": "net_sales", "by": "month", "period": { "from": "2017-01-01", "to": "2018-01-01" }, "breakdown": ["household_size"] }),
            ),
        ])
    }

    fn dashboards(&self, _: &Principal) -> Result<Vec<DashboardView>> {
        let tile = |question: Option<&str>, metric: Option<&str>, title: Option<&str>, width: &str| TileView {
            question: question.map(str::to_owned),
            metric: metric.map(str::to_owned),
            title: title.map(|title| self.text(title)),
            width: width.to_owned(),
        };
        Ok(vec![DashboardView {
            name: "monday".to_owned(),
            title: self.text("Monday morning"),
            description: self.text("What we look at before the week starts"),
            tiles: vec![
                tile(Some("by_size"), None, Some("Sales by size"), "full"),
                tile(Some("mailers"), None, None, "half"),
                tile(None, Some("net_sales"), None, "half"),
                tile(Some("gone"), None, None, "half"),
            ],
            version: "0123456789abcdef".to_owned(),
            path: "dashboards/monday.yaml".to_owned(),
            text: self.text("title: Monday morning\ntiles:\n  - question: by_size\n"),
        }])
    }

    fn lineage(&self, _: &Principal, request: &api::LineageRequest) -> Result<Vec<api::LineageView>> {
        let all = [
            ("dashboard", "monday"),
            ("question", "by_size"),
            ("question", "mailers"),
            ("audience", "frequent"),
            ("metric", "net_sales"),
            ("event", "basket_paid"),
            ("property", "basket_paid.sales_value"),
            ("trait", "household_size"),
            ("source", "purchases"),
            ("purpose", "email"),
            ("role", "marketer"),
            ("destination", "newsletter"),
        ];
        if let Some(kind) = request.kinds.iter().find(|kind| all.iter().all(|(known, _)| known != kind)) {
            return Err(Error::new(ErrorKind::Invalid, format!("there is no kind of thing `{kind}`")));
        }
        let is_wanted = |(kind, name): &(&str, &str)| {
            (request.kinds.is_empty() || request.kinds.iter().any(|wanted| wanted == kind))
                && request.name.as_ref().is_none_or(|wanted| wanted == name)
        };
        // Those further up are built on those further down.
        let of = |index: usize, (kind, name): (&str, &str)| api::LineageView {
            thing: self.thing(kind, name),
            team: Some(self.text("Data team")),
            rests_on: all[index + 1..].iter().take(8).map(|(kind, name)| self.thing(kind, name)).collect(),
            used_by: all[..index].iter().map(|(kind, name)| self.thing(kind, name)).collect(),
        };
        let wanted = all.into_iter().enumerate().filter(|(_, thing)| is_wanted(thing));
        Ok(wanted.map(|(index, thing)| of(index, thing)).collect())
    }

    fn standings(&self, _: &Principal, request: &api::StandingsRequest) -> Result<api::StandingsView> {
        let both = |for_marketing: &str, for_it: &str| api::BothFaces {
            for_marketing: self.text(for_marketing),
            for_it: self.text(for_it),
        };
        let verdict = |subject: &api::Subject| {
            let standing = api::StandingView {
                kind: subject.kind.to_owned(),
                name: subject.name.clone(),
                title: subject.title.clone(),
                outcome: "yes",
                people: None,
                reasons: Vec::new(),
                remedy: None,
                judged_at: Some("2026-11-22T15:55:00Z".to_owned()),
                is_behind: false,
                turned_at: None,
                turned_from: None,
                because: None,
            };
            match subject.name.as_str() {
                "frequent" => api::StandingView { people: Some(235), ..standing },
                "mailers" => api::StandingView {
                    outcome: "no",
                    reasons: vec![both(
                        "`campaign_type` may not be used for analytics",
                        "`contracts/campaigns.odcs.yaml` does not list the purpose `analytics` for `campaign_type`",
                    )],
                    remedy: Some(self.text("allow it in the contract")),
                    turned_at: Some("2026-11-22T14:02:00Z".to_owned()),
                    turned_from: Some("yes"),
                    because: Some(both("the rules changed", "`contracts/campaigns.odcs.yaml` changed")),
                    ..standing
                },
                "by_size" => api::StandingView {
                    outcome: "yes_if",
                    reasons: vec![both(
                        "Purchases last delivered on 20 Nov 2026, later than promised",
                        "`contracts/purchases.odcs.yaml` promises an age of at most 1 day",
                    )],
                    ..standing
                },
                _ => api::StandingView { outcome: "pending", judged_at: None, ..standing },
            }
        };
        Ok(api::StandingsView {
            at: "2026-11-22T16:00:00Z".to_owned(),
            verdicts: request.subjects.iter().map(verdict).collect(),
        })
    }

    fn ground(&self, _: &Principal) -> Result<api::GroundView> {
        let text = |text: &str| text.to_owned();
        Ok(api::GroundView {
            rules: text("b81d02a7"),
            choices: text("3"),
            data: text("0c17"),
            at_seconds: 1_795_363_200,
        })
    }

    fn is_free(&self, _: &Principal, question: &Json, _: api::Wanted) -> Result<bool> {
        // As a purpose that bounds the questions of a day.
        Ok(question["purpose"] != "ads")
    }

    fn values(&self, _: &Principal, request: &api::ValuesRequest) -> Result<api::ValuesView> {
        let is_counted = request.purpose == "ads";
        let values = if is_counted { Vec::new() } else { vec![self.text("US-CA"), self.text("US-NY")] };
        Ok(api::ValuesView { values, why: is_counted.then(|| self.text("questions for ads are counted")) })
    }

    fn sources(&self, who: &Principal) -> Result<Vec<SourceView>> {
        let object = |name: &str, title: &str, kind: &str, fields: Vec<FieldView>| ObjectView {
            name: name.to_owned(),
            title: self.text(title),
            description: self.text("One row per basket paid at a till"),
            kind: kind.to_owned(),
            fields,
        };
        Ok(vec![SourceView {
            name: "purchases".to_owned(),
            title: self.text("Purchases"),
            description: self.text("Baskets and their lines from the tills of the retailer"),
            owner: Some(self.text("Ivo Brandt")),
            objects: vec![
                object("basket_paid", "Baskets paid", "event", self.basket_fields()),
                object("demographics", "Demographics", "traits", self.traits()),
            ],
            landed_at: Some("2026-11-22T15:54:00Z".to_owned()),
            freshness: Some("1 day".to_owned()),
            is_fresh: true,
            error_rate_max: Some("5 %".to_owned()),
            is_sound: true,
            balance: Some(Balance {
                what: "purchases".to_owned(),
                received: 1_624_986,
                stored: 1_624_950,
                duplicate: 24,
                rejected: 12,
            }),
            rejected: vec![RejectedGroup {
                reason: self.text("quantity is not a whole number"),
                records: 12,
                example: self.text("products.csv:48211"),
            }],
            contract_path: "contracts/purchases.odcs.yaml".to_owned(),
            contract_text: if who.sees_cost {
                self.text("apiVersion: v3.1.0\nkind: DataContract\nid: purchases\nversion: 1.0.0\nstatus: active\n")
            } else {
                String::new()
            },
            tables: BTreeMap::from([("events".to_owned(), 17), ("traits".to_owned(), 2)]),
        }])
    }

    fn workspace(&self, _: &Principal) -> Result<WorkspaceView> {
        Ok(WorkspaceView {
            title: self.text("The Complete Journey"),
            notice: self
                .text("A real retailer's year. What people agreed to is simulated by fixed rules, for the demo only."),
            version: "b81d02a7c3e9".to_owned(),
            landed_at: Some("2026-11-22T15:54:00Z".to_owned()),
            data_until: Some("2018-01-15".to_owned()),
            diagnostics: Vec::new(),
        })
    }

    fn save(&self, _: &Principal, request: &SaveRequest) -> Result<Input<Saved>> {
        if request.title.is_empty() {
            let error = Diagnostic {
                path: "/title".to_owned(),
                line: 1,
                column: 1,
                message: "the title is missing".to_owned(),
                hint: "give it a name for people".to_owned(),
            };
            return Ok(Input::Bad(vec![error]));
        }
        if request.title == "Frequent" {
            return Err(Error::new(ErrorKind::Conflict, "the file is there already".to_owned()));
        }
        let name = if request.kind == "audience" { "frequent" } else { "mailers" };
        Ok(Input::Good(Saved {
            kind: request.kind.clone(),
            name: name.to_owned(),
            path: format!("{}s/{name}.yaml", request.kind),
        }))
    }

    fn name_for(&self, _: &Principal, kind: &str, title: &str) -> Result<NameView> {
        let name = title.trim().to_lowercase().replace(' ', "_");
        if !name.starts_with(|first: char| first.is_ascii_lowercase()) {
            let message = self.text("give it a title");
            return Err(Error::new(ErrorKind::Invalid, message).with_hint("people find it by that"));
        }
        let is_free = name != "frequent";
        let instead = (!is_free).then(|| self.text("Frequent 2"));
        Ok(NameView { path: self.text(&format!("{kind}s/{name}.yaml")), is_free, instead })
    }

    fn save_dashboard(&self, who: &Principal, request: &DashboardRequest) -> Result<Input<DashboardView>> {
        let mut saved = self.dashboards(who)?.remove(0);
        if request.version.as_ref().is_some_and(|version| *version != saved.version) {
            return Err(Error::new(ErrorKind::Conflict, "the file was changed meanwhile".to_owned()));
        }
        let text = |key: &str| self.text(request.dashboard[key].as_str().unwrap_or_default());
        (saved.title, saved.description) = (text("title"), text("description"));
        let own = |tile: &Json, key: &str| tile[key].as_str().map(str::to_owned);
        let tiles = request.dashboard["tiles"].as_array().cloned().unwrap_or_default();
        let tile = |tile: &Json| TileView {
            question: own(tile, "question"),
            metric: own(tile, "metric"),
            title: own(tile, "title"),
            width: own(tile, "width").unwrap_or_default(),
        };
        saved.tiles = tiles.iter().map(tile).collect();
        saved.version = "fedcba9876543210".to_owned();
        Ok(Input::Good(saved))
    }

    fn unsave(&self, _: &Principal, _: &Saved) -> Result<()> {
        Ok(())
    }

    fn definition(&self, who: &Principal, path: &str, change: Option<&Json>) -> Result<DefinitionView> {
        let (kind, title) = match path {
            "contracts/purchases.odcs.yaml" => ("contracts", "The contract of Purchases"),
            "audiences/frequent.yaml" => ("audiences", "The audience Frequent shoppers without coupons"),
            "purposes/email.yaml" => ("purposes", "The purpose e-mail"),
            _ => return Err(Error::new(ErrorKind::NotFound, "there is no such file".to_owned())),
        };
        let may_edit = who.edits.iter().any(|edited| edited == kind);
        if kind == "contracts" && !may_edit {
            return Err(Error::new(ErrorKind::Denied, "the role may not read contracts".to_owned()));
        }
        let text = self.text("title: Purchases\npurposes: [analytics]\nowner: ivo\n");
        let proposed = text.replace("[analytics]", "[analytics, email]");
        let edit = |title: &str, did: &str| DefinitionEdit {
            at: "2026-11-22T15:54:00Z".to_owned(),
            user: "ivo".to_owned(),
            title: self.text(title),
            did: did.to_owned(),
            base: Some("0123456789abcdef".to_owned()),
        };
        Ok(DefinitionView {
            path: path.to_owned(),
            kind: kind.to_owned(),
            title: self.text(title),
            text,
            proposed: change.filter(|_| may_edit).map(|_| proposed),
            base: "0123456789abcdef".to_owned(),
            may_edit,
            owner: Some(self.text("Ivo Brandt")),
            editors: vec![self.text("Engineer")],
            diagnostics: vec![self.wrong_line(path)],
            edits: vec![edit("Ivo Brandt", "save"), edit("Mia Keller", "create")],
            undo: Some(self.text("title: Purchases\npurposes: []\nowner: ivo\n")).filter(|_| may_edit),
        })
    }

    fn check_definition(
        &self,
        who: &Principal,
        path: &str,
        text: &str,
        asked: Option<&Json>,
    ) -> Result<DefinitionCheck> {
        if !self.definition(who, path, None)?.may_edit {
            return Err(Error::new(ErrorKind::Denied, "the role may not change files of this sort".to_owned()));
        }
        let turn = |is_own: bool, before: &str, after: &str| ForeseenTurn {
            kind: "question".to_owned(),
            name: "frequent".to_owned(),
            title: self.text("How many frequent shoppers use no coupon?"),
            question: json!({ "kind": "audience", "purpose": "email", "where": CONDITION }),
            role: "marketer".to_owned(),
            role_title: self.text("Marketer"),
            is_own,
            before: before.to_owned(),
            after: after.to_owned(),
            why: self.text("income may not be used for e-mail"),
        };
        let is_wrong = text.contains("nonsense");
        let asked = asked.map(|asked| ForeseenTurn {
            kind: "asked".to_owned(),
            question: asked.clone(),
            ..turn(false, "no", "yes")
        });
        let turns = asked.into_iter().chain([turn(true, "no", "yes"), turn(false, "yes", "yes_if")]).collect();
        Ok(DefinitionCheck {
            diagnostics: if is_wrong { vec![self.wrong_line(path)] } else { Vec::new() },
            may_save: !is_wrong,
            turns: if is_wrong { Vec::new() } else { turns },
            n_unseen: 3,
            people: vec![api::ForeseenPeople {
                purpose: self.text("e-mail"),
                before: Some(1456),
                after: Some(1822),
                is_too_few: false,
            }],
        })
    }

    fn save_definition(&self, who: &Principal, request: &DefinitionRequest) -> Result<Input<DefinitionSaved>> {
        let DefinitionRequest { path, text, base } = request;
        let before = self.definition(who, path, None)?.text;
        let checked = self.check_definition(who, path, text, None)?;
        if *base != "0123456789abcdef" {
            return Err(Error::new(ErrorKind::Conflict, "the file was changed meanwhile".to_owned()));
        }
        if !checked.may_save {
            return Ok(Input::Bad(checked.diagnostics));
        }
        Ok(Input::Good(DefinitionSaved { path: path.clone(), base: "fedcba9876543210".to_owned(), before }))
    }

    fn books(&self, who: &Principal, minutes: u32) -> Result<api::BooksView> {
        if !who.sees_cost {
            return Err(Error::new(ErrorKind::Denied, "your role may not see how many messages came in".to_owned()));
        }
        let line = |minute: u32, key: &str, counts: [u64; 3]| api::BookView {
            source: self.text("web"),
            key: self.text(key),
            minute: format!("2026-11-22T11:{minute:02}:00Z"),
            received: counts.iter().sum(),
            stored: counts[0],
            duplicate: counts[1],
            rejected: counts[2],
            reasons: if counts[2] > 0 {
                vec![(self.text("the message has no `event`"), counts[2])]
            } else {
                Vec::new()
            },
        };
        let of_minute = |minute: u32| {
            let n = u64::from(minute * 37 % 23);
            [line(minute, "browser", [780 + n, n / 3, n % 5]), line(minute, "shop server", [20, 0, 0])]
        };
        Ok(api::BooksView {
            totals: vec![line(30, "browser", [47_905, 261, 45]), line(30, "shop server", [1_204, 0, 0])],
            minutes: (31 - minutes.min(8)..31).rev().flat_map(of_minute).collect(),
        })
    }

    fn quarantine(&self, who: &Principal) -> Result<Vec<api::QuarantineView>> {
        if !who.sees_cost {
            return Err(Error::new(ErrorKind::Denied, "your role may not see what is kept aside".to_owned()));
        }
        let group = |object: &str, reason: &str, field: Option<&str>, messages: u64| api::QuarantineView {
            source: "web".to_owned(),
            object: self.text(object),
            reason: self.text(reason),
            field: field.map(|field| self.text(field)),
            hint: self.text("send it as the contract declares it, or change the contract"),
            contract_path: self.text("contracts/web.odcs.yaml"),
            messages,
            first_at: "2026-11-22T10:00:00Z".to_owned(),
            last_at: "2026-11-22T11:30:00Z".to_owned(),
        };
        let price = "`price`: expected a number with at most 2 digits after the point";
        Ok(vec![
            group("product_viewed", price, Some("price"), 12),
            group("page_scrolled_to_the_very_end", "the contract does not declare the event", None, 1_382),
        ])
    }

    fn replay(&self, _: &Principal, source: &str, _: Option<&str>) -> Result<api::Replayed> {
        Ok(api::Replayed { source: source.to_owned(), taken: 9, left: 3 })
    }

    fn merges(&self, _: &Principal, _: Option<&str>) -> Result<Vec<api::MergeView>> {
        let (number, at, by) = (7, "2026-11-22T11:30:00Z".to_owned(), self.text("website"));
        Ok(vec![api::MergeView { number, at, change: "identify", undoes: None, by, state: "in force" }])
    }

    fn undo_merge(&self, _: &Principal, _: u64) -> Result<()> {
        Ok(())
    }

    fn policy(&self, who: &Principal) -> Result<PolicyView> {
        let said = |why: [Option<&str>; 3]| why.map(|why| why.map(str::to_owned)).into();
        let law = |law: Option<&str>, basis: Option<&str>, why| PolicyLaw {
            law: law.map(str::to_owned),
            basis: basis.map(str::to_owned),
            said: said(why),
        };
        let (none, silent) = ([Some("law"); 3], [None, Some("consent"), Some("consent")]);
        let laws = vec![
            law(Some("gdpr"), Some("consent"), silent),
            law(Some("ccpa"), Some("opt_out"), [None, None, Some("objection")]),
            law(Some("us_other"), None, none),
            law(None, None, none),
        ];
        Ok(PolicyView {
            purposes: vec![PolicyPurpose {
                name: "email".into(),
                title: self.text("e-mail"),
                description: self.text("We write to a household about offers."),
                laws,
                min_group: 50,
                questions_per_day: Some(500),
                differences: "guarded".into(),
                noise: None,
            }],
            roles: vec![PolicyRole {
                name: "marketer".into(),
                title: self.text("Marketer"),
                purposes: vec![(self.text("e-mail"), Some("list".into()))],
                masks: [("none", "show"), ("pseudonym", "hash"), ("direct", "hide"), ("sensitive", "bucket")]
                    .map(|(class, mask)| (class.into(), mask.into()))
                    .into(),
                rights: vec!["saves definitions".into()],
                users: vec![("mia".into(), self.text("Mia Keller"))],
            }],
            teams: vec![api::PolicyTeam {
                name: "data".into(),
                title: self.text("Data team"),
                members: vec![self.text("Ivo Brandt")],
                looks_after: vec![self.text("contracts/")],
                answers_within: Some("2 days".into()),
                seconds_per_question: who.sees_cost.then_some(10),
                bytes_per_question: None,
            }],
            destinations: vec![api::PolicyDestination {
                name: "newsletter".into(),
                title: self.text("Newsletter"),
                description: self.text("Households that get our weekly letter"),
                purposes: vec![self.text("e-mail")],
                people_min: 50,
                people_max: Some(100_000),
            }],
            places: vec![("DE".into(), "gdpr".into()), ("US-CA".into(), "ccpa".into())],
            version: "0123456789abcdef".into(),
        })
    }

    fn preferences(&self, _: &api::LinkHolder) -> Result<api::PreferencesView> {
        let objected =
            api::SignalView { signal: "gpc".to_owned(), is_yes: false, since: Some("2026-11-20T10:00:00Z".to_owned()) };
        let purpose = |name: &str, title: &str, said: Option<bool>| api::PreferenceView {
            name: name.to_owned(),
            title: self.text(title),
            description: self.text("We write to a household about offers."),
            is_chosen: true,
            withheld: (said != Some(true)).then(|| "consent".to_owned()),
            said,
            others: Vec::new(),
        };
        let ads = purpose("ads", "advertising", None);
        let delivery =
            api::PreferenceView { is_chosen: false, withheld: None, ..purpose("delivery", "what you ordered", None) };
        Ok(api::PreferencesView {
            company: self.text("Shop"),
            purposes: vec![
                api::PreferenceView { withheld: Some("objection".to_owned()), others: vec![objected], ..ads },
                purpose("email", "e-mail", Some(true)),
                delivery,
            ],
            text_version: "0123456789abcdef".to_owned(),
        })
    }

    fn consents(&self, who: &Principal, request: &api::ConsentsRequest) -> Result<api::ConsentsView> {
        if !who.sees_audit {
            return Err(Error::new(ErrorKind::Denied, "you may not see who agreed".to_owned()));
        }
        let place = |place: Option<&str>, regions: usize, known: u64, yes: Option<u64>| api::ConsentPlace {
            place: place.map(|place| self.text(place)),
            regions,
            known: Some(known),
            used: yes,
            yes,
            no: yes.map(|_| 90),
        };
        Ok(api::ConsentsView {
            known: Some(2_469),
            by: if request.by == "month" { "month".to_owned() } else { "week".to_owned() },
            days: ["2026-11-15", "2026-11-22", "2026-11-29"].map(str::to_owned).into(),
            purposes: vec![api::PurposeConsents {
                name: "email".to_owned(),
                title: self.text("e-mail"),
                min_group: 50,
                yes: vec![None, Some(1_180), Some(1_202)],
                no: vec![None, None, Some(154)],
                places: vec![
                    place(Some("US-OH"), 1, 1_400, Some(702)),
                    place(Some("DE"), 1, 900, Some(500)),
                    place(None, 4, 169, None),
                ],
            }],
        })
    }

    fn proofs(&self, _: &Principal) -> Result<api::ProofsView> {
        let run = |command: &str, outcome: Option<&str>, found: &str| api::ProofRun {
            command: format!("cargo xtask {command}"),
            suite: "slow".to_owned(),
            outcome: outcome.map(str::to_owned),
            found: self.text(found),
            seed: Some(1),
            at: outcome.map(|_| "2026-11-29T21:07:00Z".to_owned()),
            seconds: outcome.map(|_| 312),
            version: outcome.map(|_| "22e1c86".to_owned()),
        };
        Ok(api::ProofsView {
            proofs: vec![
                api::ProofView {
                    promise: "What was acknowledged is there after the program was killed".to_owned(),
                    how: "Kill -9 at any moment under load, then every acknowledged message is counted".to_owned(),
                    runs: vec![
                        run("crash --kills 10 --seed 1", Some("passed"), "10 kills: 41,802 acknowledged, 0 lost"),
                        run("crash --kills 200 --seed 1", Some("failed"), "200 kills: 4,180 acknowledged, 1 lost"),
                    ],
                },
                api::ProofView {
                    promise: "No text that anybody sent runs in a page".to_owned(),
                    how: "A canary in every string".to_owned(),
                    runs: vec![run("canaries", None, "")],
                },
            ],
        })
    }

    fn audit(&self, who: &Principal, request: &AuditRequest) -> Result<AuditView> {
        if !who.sees_audit {
            return Err(Error::new(ErrorKind::Denied, "you may not see who saw what".to_owned()));
        }
        let record = |number: u64| AuditRecord {
            number,
            at: "2026-01-05T10:00:00.000000Z".into(),
            user: self.text("mia"),
            did: if number == LIVE_RECORD { "judge live".to_owned() } else { self.text("ask") },
            purpose: Some("email".into()),
            outcome: Some("yes".into()),
            people: Some(235),
            words: Some(self.text("How many people bought at least 8 times?")),
            text: Some(json!({ "kind": "audience", "purpose": "email", "where": "did(basket_paid)" })),
            ..AuditRecord::default()
        };
        let is_wanted = |record: &AuditRecord| {
            !(request.hides_live && record.number == LIVE_RECORD)
                && request.before.is_none_or(|before| record.number < before)
                && request.day.is_none_or(|day| record.at.starts_with(&day.to_string()))
        };
        let mut records: Vec<AuditRecord> = (1..=LIVE_RECORD).rev().map(record).filter(is_wanted).collect();
        let is_cut = records.len() > RECORDS_AT_ONCE.min(request.limit);
        records.truncate(RECORDS_AT_ONCE.min(request.limit));
        let next = records.last().filter(|_| is_cut).map(|last| last.number);
        Ok(AuditView { records, next })
    }

    fn audit_head(&self, _: &Principal) -> Result<AuditHead> {
        let digits = "0123456789abcdef".repeat(4);
        Ok(AuditHead { records: 3, link: digits.clone(), key: digits.clone(), signature: digits.repeat(2) })
    }

    fn import(&self, _: &Principal, request: &ImportRequest<'_>, _: &dyn Fn(u64, u64)) -> Result<Balance> {
        let bytes = std::fs::metadata(request.path).map_or(0, |file| file.len());
        Ok(Balance {
            what: format!("{}/{}", request.source, request.file_name),
            received: bytes,
            stored: bytes,
            duplicate: 0,
            rejected: 0,
        })
    }

    fn health(&self) -> Health {
        Health { ready: true, version: "0.1.0".to_owned() }
    }
}

/// The last record, of a verdict that a page kept live.
const LIVE_RECORD: u64 = 4;

/// However many are asked for, so that there is something to turn over.
const RECORDS_AT_ONCE: usize = 2;

/// What a test takes: more people and days with more variants, and where it is looked at any time.
fn power_rows(question: &Json) -> (Vec<Column>, Vec<Vec<Value>>) {
    let whole = ["variants", "test", "per_variant", "people", "days"];
    let mut columns: Vec<Column> =
        whole.map(|name| column(name, if name == "test" { "text" } else { "integer" }, None)).into();
    columns.extend(["lift", "mean"].map(|name| column(name, "number", None)));
    columns.push(column("new_people", "integer", Some("people")));
    let plans = [
        (2, "fixed", 1_610, 9, 0.031),
        (2, "sequential", 2_940, 16, 0.042),
        (3, "fixed", 1_940, 17, 0.042),
        (3, "sequential", 3_350, 29, 0.054),
        (4, "fixed", 2_140, 25, 0.049),
        (4, "sequential", 3_600, 41, 0.063),
        (5, "fixed", 2_270, 33, 0.055),
    ];
    let has_days = question["days"].is_u64();
    let row = |(variants, test, per_variant, days, lift): (i64, &str, i64, i64, f64)| {
        vec![
            Value::Integer(variants),
            Value::Text(test.to_owned()),
            Value::Integer(per_variant),
            Value::Integer(variants * per_variant),
            Value::Integer(days),
            if has_days { Value::Number(lift) } else { Value::Null },
            Value::Number(0.12),
            Value::Integer(1_290),
        ]
    };
    let mut rows: Vec<Vec<Value>> = plans.map(row).into();
    let mut never = row((5, "sequential", 3_780, 0, 0.07));
    never[4] = Value::Null;
    rows.push(never);
    (columns, rows)
}

fn column(name: &str, value_type: &'static str, unit: Option<&str>) -> Column {
    Column { name: name.to_owned(), value_type, unit: unit.map(str::to_owned) }
}

fn day(year: i32, month: u32, day: u32) -> NaiveDate {
    NaiveDate::from_ymd_opt(year, month, day).expect("the fixture's days exist")
}

fn moment() -> chrono::DateTime<Utc> {
    Utc.with_ymd_and_hms(2017, 12, 31, 0, 0, 0).single().expect("the instant exists")
}

/// The demo's audience as a typed question.
fn typed(purpose: &str, release: Release) -> Question {
    let aggregate = |event: &str, within: &str| Aggregate {
        function: AggregateFunction::Count,
        event: EventSelector::Named(event.to_owned()),
        property: None,
        within: Duration::parse(within).ok(),
        filter: None,
    };
    let often = Condition::Compare {
        left: Term::Aggregate(aggregate("basket_paid", "30 days")),
        op: CompareOp::GreaterEq,
        right: Term::Value(Value::Integer(8)),
    };
    let coupon = Condition::Not(Box::new(Condition::Did(aggregate("coupon_redeemed", "90 days"))));
    let body = AudienceQuestion {
        condition: Condition::And(vec![often, coupon]),
        as_of: Some(moment()),
        release,
        columns: Vec::new(),
        limit: None,
        destination: None,
    };
    Question { purpose: purpose.to_owned(), body: QuestionBody::Audience(body), time_zone: chrono_tz::UTC }
}

fn kind_of(question: &Json) -> Question {
    let purpose = question["purpose"].as_str().unwrap_or_default();
    if question["kind"] == "audience" {
        return typed(purpose, Release::Aggregate);
    }
    let body = TrendQuestion {
        measure: Measure::Metric("net_sales".to_owned()),
        by: spec::Interval::Month,
        period: None,
        as_of: None,
        filter: None,
        breakdown: Vec::new(),
        limit: None,
        offset: None,
    };
    Question { purpose: purpose.to_owned(), body: QuestionBody::Trend(body), time_zone: chrono_tz::UTC }
}
