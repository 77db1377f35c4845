//! ODCS 3.1 contracts: what of them the program enforces.
//!
//! An object takes part by the custom property `entity`; others are read past. What a contract leaves open is closed: a
//! field without `classification` is sensitive and may be used for nothing.

use crate::USER_ID;
use crate::diagnostic::{Place, Problems};
use crate::fields::{Fields, text_of, texts_of};
use crate::names::{check_name, did_you_mean, shortened};
use crate::node::{Node, NodeKind};
use crate::question::{day, instant, no_day};
use crate::rules::{CLASSES, check_known, word_of};
use crate::types::phrase;
use chrono::NaiveDate;
use spec::{
    Contract, Door, Duration, Field, FieldClass, Freshness, Object, ObjectKind, OnFault, Release, Terms, ValueType,
};
use std::collections::BTreeSet;

/// The longest text that a field without `maxLength` accepts, in characters.
const LENGTH_MAX_DEFAULT: usize = 1_024;

/// The most that `maxLength` may say.
const LENGTH_MAX: i64 = 65_536;

/// More fields than this has no object.
const FIELDS_MAX: usize = 500;

const ON_FAULT: [(&str, OnFault); 3] =
    [("reject", OnFault::Reject), ("quarantine", OnFault::Quarantine), ("flag", OnFault::Flag)];

const RELEASES: [(&str, Release); 3] =
    [("aggregate", Release::Aggregate), ("list", Release::List), ("profile", Release::Profile)];

/// The keys of a contract by the standard.
const KEYS: [&str; 22] = [
    "version",
    "kind",
    "apiVersion",
    "id",
    "name",
    "tenant",
    "tags",
    "status",
    "servers",
    "dataProduct",
    "description",
    "domain",
    "schema",
    "support",
    "price",
    "team",
    "roles",
    "slaDefaultElement",
    "slaProperties",
    "authoritativeDefinitions",
    "customProperties",
    "contractCreatedTs",
];

/// A contract with the places of its objects, for checks across contracts.
pub(crate) struct ContractFile {
    pub(crate) contract: Contract,
    /// Per object its place and those of its fields.
    pub(crate) places: Vec<(Place, Vec<Place>)>,
}

/// Reads a contract; `None` if it has errors.
pub(crate) fn read_contract(node: &Node, purposes: &[&str], problems: &mut Problems) -> Option<ContractFile> {
    let n_problems = problems.count();
    let mut fields = Fields::open(node, "a contract", problems)?;
    let api_version = fields.text("apiVersion", "write `apiVersion: v3.1.0`", problems);
    if api_version.is_some_and(|version| !version.starts_with("v3.")) {
        problems.add(
            fields.place(),
            "the contract is not of ODCS version 3".into(),
            "write `apiVersion: v3.1.0`".into(),
        );
    }
    let kind = fields.text("kind", "write `kind: DataContract`", problems);
    if kind.is_some_and(|kind| kind != "DataContract") {
        problems.add(fields.place(), "the file is not a data contract".into(), "write `kind: DataContract`".into());
    }
    let id = fields.text("id", "give the contract an id", problems);
    let version = fields.text("version", "give the contract a version, as in `version: 1.0.0`", problems);
    let status = fields.text("status", "say how far it is, as in `status: active`", problems);
    let description = read_description(&mut fields, problems);
    let owner = read_owner(&mut fields, problems);
    let service = read_service(&mut fields, problems);
    let (door, release_max) = read_own(&mut fields, problems);
    let terms = Terms { until: service.until, release_max };
    let mut objects = Vec::new();
    let mut places = Vec::new();
    for node in fields.list("schema", problems) {
        if let Some((object, field_places)) = read_object(node, purposes, problems) {
            objects.push(object);
            places.push((node.place.clone(), field_places));
        }
    }
    for key in KEYS {
        fields.optional(key);
    }
    fields.close(problems);
    if problems.count() > n_problems {
        return None;
    }
    let (id, version, status) = (id?.to_owned(), version?.to_owned(), status?.to_owned());
    Some(ContractFile {
        contract: Contract {
            id,
            version,
            status,
            description,
            owner,
            objects,
            freshness: service.freshness,
            error_rate_max: service.error_rate_max,
            door,
            terms,
        },
        places,
    })
}

fn read_description(fields: &mut Fields<'_>, problems: &mut Problems) -> String {
    let Some(node) = fields.optional("description") else { return String::new() };
    let Some(mut fields) = Fields::open(node, "a contract's description", problems) else { return String::new() };
    fields.text_or_empty("purpose", problems)
}

/// The team's member with the role `owner`, else the first; the team is a list (3.0) or has `members` (3.1).
fn read_owner(fields: &mut Fields<'_>, problems: &mut Problems) -> Option<String> {
    let team = fields.optional("team")?;
    let members = match &team.kind {
        NodeKind::List(members) => members.as_slice(),
        _ => Fields::open(team, "a team", problems)?.list("members", problems),
    };
    let mut owner = None;
    for node in members {
        let Some(mut member) = Fields::open(node, "a member of a team", problems) else { continue };
        let name = member.optional_text("name", problems);
        let name = name.or(member.optional_text("username", problems));
        let is_owner = member.optional_text("role", problems).is_some_and(|role| role.eq_ignore_ascii_case("owner"));
        if is_owner {
            return name.map(str::to_owned);
        }
        owner = owner.or(name);
    }
    owner.map(str::to_owned)
}

/// What `slaProperties` promise that is held.
#[derive(Default)]
struct Service {
    /// The age that `latency` allows.
    freshness: Option<Freshness>,
    /// The part of records that `errorRate` allows to be faulty.
    error_rate_max: Option<f64>,
    /// The last day of `endOfLife`.
    until: Option<NaiveDate>,
}

/// The first property of each sort counts.
fn read_service(fields: &mut Fields<'_>, problems: &mut Problems) -> Service {
    let mut service = Service::default();
    for node in fields.list("slaProperties", problems) {
        let Some(mut sla) = Fields::open(node, "a service level", problems) else { continue };
        match sla.optional_text("property", problems) {
            Some("latency") if service.freshness.is_none() => {
                service.freshness = read_latency(node, &mut sla, problems);
            }
            Some("errorRate") if service.error_rate_max.is_none() => {
                service.error_rate_max = read_error_rate(node, &mut sla, problems);
            }
            Some("endOfLife") if service.until.is_none() => service.until = read_end(node, &mut sla, problems),
            _ => {}
        }
    }
    service
}

/// The last day of use.
fn read_end(node: &Node, sla: &mut Fields<'_>, problems: &mut Problems) -> Option<NaiveDate> {
    let value = sla.optional("value");
    let text = match value.map(|value| &value.kind) {
        Some(NodeKind::Text(text) | NodeKind::Number(text)) => text.clone(),
        Some(NodeKind::Integer(number)) => number.to_string(),
        _ => String::new(),
    };
    // The standard has an instant there; the day counts.
    let until = day(&text).or_else(|| instant(&text).map(|at| at.date_naive()));
    if until.is_none() {
        let (message, hint) = no_day(&text, "write the last day of use, as in `value: 2026-12-31`");
        let message = if text.is_empty() { "`endOfLife` has no day as its value".to_owned() } else { message };
        problems.add(value.map_or(&node.place, |value| &value.place), message, hint);
    }
    until
}

/// The part of the records of a day that may be faulty.
fn read_error_rate(node: &Node, sla: &mut Fields<'_>, problems: &mut Problems) -> Option<f64> {
    let unit = sla.optional_text("unit", problems).unwrap_or("%");
    let percent = match sla.optional("value").map(|node| &node.kind) {
        Some(NodeKind::Integer(percent)) => Some(*percent as f64),
        Some(NodeKind::Number(text) | NodeKind::Text(text)) => text.parse().ok(),
        _ => None,
    };
    let percent = percent.filter(|percent| (0.0..=100.0).contains(percent) && ["%", "percent"].contains(&unit));
    if percent.is_none() {
        let hint = "write the part of the records of a day that may be faulty, as in `value: 5` and `unit: \"%\"`";
        problems.add(&node.place, "the error rate is not a number of percent".into(), hint.into());
    }
    percent.map(|percent| percent / 100.0)
}

/// The age that latency allows.
fn read_latency(node: &Node, sla: &mut Fields<'_>, problems: &mut Problems) -> Option<Freshness> {
    let unit = match sla.optional_text("unit", problems).unwrap_or("d") {
        "s" | "second" | "seconds" => "seconds",
        "m" | "min" | "minute" | "minutes" => "minutes",
        "h" | "hour" | "hours" => "hours",
        "w" | "week" | "weeks" => "weeks",
        "d" | "day" | "days" => "days",
        unit => {
            let message = format!("`{}` is not a unit of latency", shortened(unit));
            problems.add(&node.place, message, "use `h`, `d` or `w`".into());
            return None;
        }
    };
    let count = match sla.optional("value").map(|node| &node.kind) {
        Some(NodeKind::Integer(count)) => count.to_string(),
        Some(NodeKind::Text(count)) => count.clone(),
        _ => String::new(),
    };
    match Duration::parse(&format!("{count} {unit}")) {
        Ok(age_max) => Some(Freshness { age_max }),
        Err(message) => {
            problems.add(&node.place, message, "write `value: 1` and `unit: d`".into());
            None
        }
    }
}

/// The custom properties of a contract itself: what happens at the door, and how much of people may be shown of its data.
fn read_own(fields: &mut Fields<'_>, problems: &mut Problems) -> (Door, Option<Release>) {
    let custom = read_custom(fields, problems);
    let mut on_fault = |property: &str| {
        let node = custom_value(&custom, property)?;
        word_of(text_of(node, property, problems)?, &node.place, "what can be done about a fault", &ON_FAULT, problems)
    };
    let default = Door::default();
    let unknown_event = on_fault("on_unknown_event").unwrap_or(default.unknown_event);
    let bad_value = on_fault("on_bad_value").unwrap_or(default.bad_value);
    let bad_time = on_fault("on_bad_time").unwrap_or(default.bad_time);
    if unknown_event == OnFault::Flag
        && let Some(node) = custom_value(&custom, "on_unknown_event")
    {
        let hint = "the contract says nothing of it that could be kept: use `quarantine` or `reject`";
        problems.add(&node.place, "an unknown event cannot be flagged".into(), hint.into());
    }
    let release_max = custom_value(&custom, "release_max").and_then(|node| {
        word_of(text_of(node, "release_max", problems)?, &node.place, "a release level", &RELEASES, problems)
    });
    (Door { unknown_event, bad_value, bad_time, keeps_ip: custom_flag(&custom, "keep_ip", problems) }, release_max)
}

/// Reads an object; `None` if it takes no part or has errors.
fn read_object(node: &Node, purposes: &[&str], problems: &mut Problems) -> Option<(Object, Vec<Place>)> {
    let mut fields = Fields::open(node, "an object", problems)?;
    let name = fields.text("name", "give the object a name", problems)?;
    let custom = read_custom(&mut fields, problems);
    let custom_text = |property: &str, problems: &mut Problems| {
        custom_value(&custom, property).and_then(|node| text_of(node, property, problems))
    };
    let kinds = [("event", ObjectKind::Event), ("traits", ObjectKind::Traits), ("consent", ObjectKind::Consent)];
    let entity = custom_value(&custom, "entity")?;
    check_name(name, "an object", &node.place, problems);
    let kind = word_of(text_of(entity, "entity", problems)?, &entity.place, "a sort of object", &kinds, problems)?;
    let title = fields.optional_text("businessName", problems).unwrap_or(name);
    let description = fields.text_or_empty("description", problems);
    let spoken = title.to_lowercase();
    let past = custom_text("past", problems).map_or_else(|| format!("did \u{201c}{spoken}\u{201d}"), str::to_owned);
    let base = custom_text("base", problems).map_or_else(|| format!("do \u{201c}{spoken}\u{201d}"), str::to_owned);
    let mut columns = Vec::new();
    let mut places = Vec::new();
    let properties = fields.list("properties", problems);
    if properties.len() > FIELDS_MAX {
        let message = format!("`{name}` has more than {FIELDS_MAX} properties");
        problems.add(&node.place, message, "split it into several objects".into());
    }
    for property in properties.iter().take(FIELDS_MAX) {
        if let Some(field) = read_field(property, purposes, problems) {
            columns.push(field);
            places.push(property.place.clone());
        }
    }
    check_unique(&columns, &places, problems);
    let person_column = custom_text("person", problems).map(str::to_owned);
    if person_column.is_none() {
        let hint = "add `- {property: person, value: COLUMN}` to its customProperties";
        problems.add(&node.place, format!("`{name}` does not say whose records they are"), hint.into());
    }
    let object = Object {
        name: name.to_owned(),
        title: title.to_owned(),
        description,
        past,
        base,
        kind,
        person_column: person_column?,
        person_prefix: custom_text("person_prefix", problems).unwrap_or_default().to_owned(),
        time_column: custom_text("time", problems).map(str::to_owned),
        message_id_column: custom_text("message_id", problems).map(str::to_owned),
        fields: columns,
    };
    check_columns(&object, &node.place, problems);
    Some((object, places))
}

fn check_unique(columns: &[Field], places: &[Place], problems: &mut Problems) {
    let mut seen = BTreeSet::new();
    for (field, place) in columns.iter().zip(places) {
        if !seen.insert(&field.name) {
            problems.add(place, format!("the property `{}` stands twice", field.name), "keep one of them".into());
        }
    }
}

/// The columns that an object names must be among its properties, and of a type that serves.
fn check_columns(object: &Object, place: &Place, problems: &mut Problems) {
    let names: Vec<&str> = object.fields.iter().map(|field| field.name.as_str()).collect();
    let mut check = |role: &str, column: Option<&str>, types: &[ValueType]| {
        let Some(column) = column else { return };
        match object.fields.iter().find(|field| field.name == column) {
            None => {
                let message = format!("`{}` has no property `{}` for its {role}", object.name, shortened(column));
                problems.add(place, message, did_you_mean(column, &names, "properties"));
            }
            Some(field) if !types.contains(&field.value_type) => {
                let allowed: Vec<&str> = types.iter().map(|value_type| phrase(*value_type)).collect();
                let message = format!("the {role} `{column}` is {}", phrase(field.value_type));
                problems.add(place, message, format!("it can be {}", allowed.join(" or ")));
            }
            Some(_) => {}
        }
    };
    check("person", Some(&object.person_column), &[ValueType::Text, ValueType::Integer]);
    check("time", object.time_column.as_deref(), &[ValueType::Timestamp, ValueType::Date]);
    check("message id", object.message_id_column.as_deref(), &[ValueType::Text, ValueType::Integer]);
    if object.kind == ObjectKind::Consent {
        check("statements", Some("purpose"), &[ValueType::Text]);
        check("statements", Some("state"), &[ValueType::Text]);
    }
    if object.kind == ObjectKind::Traits && object.person_column != USER_ID && names.contains(&USER_ID) {
        let message = format!("`{USER_ID}` stands for the person in lists and cannot be a trait");
        problems.add(place, message, "give the property another name".into());
    }
    if object.kind != ObjectKind::Traits && object.time_column.is_none() {
        let hint = "add `- {property: time, value: COLUMN}` to its customProperties";
        problems.add(place, format!("`{}` does not say when its records happened", object.name), hint.into());
    }
}

fn read_field(node: &Node, purposes: &[&str], problems: &mut Problems) -> Option<Field> {
    let mut fields = Fields::open(node, "a property", problems)?;
    let name = fields.text("name", "give the property a name", problems)?;
    check_name(name, "a property", &node.place, problems);
    let title = fields.optional_text("businessName", problems).unwrap_or(name).to_owned();
    let description = fields.text_or_empty("description", problems);
    let value_type = read_type(&mut fields, problems);
    let length_max = read_length_max(&mut fields, problems);
    let required = fields.flag("required", problems);
    let classes = CLASSES.map(|class| (class.name(), class));
    let class = fields.optional("classification").and_then(|node| {
        word_of(text_of(node, "classification", problems)?, &node.place, "a class of fields", &classes, problems)
    });
    let custom = read_custom(&mut fields, problems);
    let listed = custom_value(&custom, "purposes").map(|node| texts_of(node, "purposes", problems)).unwrap_or_default();
    for (purpose, place) in &listed {
        check_known(purpose, place, "purpose", purposes, problems);
    }
    let unit = custom_value(&custom, "unit").and_then(|node| text_of(node, "unit", problems));
    let is_key = custom_flag(&custom, "key", problems);
    let closed = class.is_none();
    Some(Field {
        name: name.to_owned(),
        title,
        description,
        value_type: value_type?,
        unit: unit.map(str::to_owned),
        required,
        is_key,
        length_max,
        class: class.unwrap_or(FieldClass::Sensitive),
        purposes: if closed { Vec::new() } else { listed.iter().map(|(name, _)| (*name).to_owned()).collect() },
    })
}

fn read_type(fields: &mut Fields<'_>, problems: &mut Problems) -> Option<ValueType> {
    const TYPES: [(&str, ValueType); 6] = [
        ("string", ValueType::Text),
        ("integer", ValueType::Integer),
        ("number", ValueType::Number),
        ("boolean", ValueType::Boolean),
        ("timestamp", ValueType::Timestamp),
        ("date", ValueType::Date),
    ];
    let physical = fields.optional_text("physicalType", problems).map(str::to_ascii_lowercase);
    let node = fields.required("logicalType", "give its type, as in `logicalType: string`", problems)?;
    let word = text_of(node, "logicalType", problems)?;
    let value_type = word_of(word, &node.place, "a type that is read", &TYPES, problems)?;
    let decimal = physical.as_deref().filter(|text| text.starts_with("decimal") || text.starts_with("numeric"));
    let (ValueType::Number, Some(decimal)) = (value_type, decimal) else { return Some(value_type) };
    let scale = decimal_scale(decimal);
    if scale.is_none() {
        let message = format!("`{}` is not a decimal type", shortened(decimal));
        problems.add(&node.place, message, "write `physicalType: decimal(18,2)`, with at most 38 and 18 digits".into());
    }
    scale.map(|scale| ValueType::Decimal { scale })
}

/// The digits after the point of `decimal(p,s)`.
fn decimal_scale(text: &str) -> Option<u8> {
    let inner = text.split_once('(')?.1.strip_suffix(')')?;
    let (precision, scale) = inner.split_once(',').unwrap_or((inner, "0"));
    let (precision, scale): (u8, u8) = (precision.trim().parse().ok()?, scale.trim().parse().ok()?);
    (precision <= 38 && scale <= 18 && scale <= precision).then_some(scale)
}

fn read_length_max(fields: &mut Fields<'_>, problems: &mut Problems) -> usize {
    let options = fields.optional("logicalTypeOptions");
    let options = options.and_then(|node| Fields::open(node, "a type's options", problems));
    let Some(node) = options.and_then(|mut options| options.optional("maxLength")) else { return LENGTH_MAX_DEFAULT };
    match node.kind {
        NodeKind::Integer(length @ 1..=LENGTH_MAX) => usize::try_from(length).unwrap_or(LENGTH_MAX_DEFAULT),
        _ => {
            let message = format!("`maxLength` is a whole number from 1 to {LENGTH_MAX}");
            problems.add(&node.place, message, format!("leave it out for {LENGTH_MAX_DEFAULT}"));
            LENGTH_MAX_DEFAULT
        }
    }
}

/// The custom properties as pairs of name and value; those of other programs among them.
fn read_custom<'a>(fields: &mut Fields<'a>, problems: &mut Problems) -> Vec<(&'a str, &'a Node)> {
    let mut custom = Vec::new();
    for node in fields.list("customProperties", problems) {
        let Some(mut pair) = Fields::open(node, "a custom property", problems) else { continue };
        let name = pair.optional_text("property", problems);
        custom.extend(name.zip(pair.optional("value")));
    }
    custom
}

fn custom_value<'a>(custom: &[(&str, &'a Node)], property: &str) -> Option<&'a Node> {
    custom.iter().find(|(name, _)| *name == property).map(|(_, node)| *node)
}

/// True or false; false where it is missing.
fn custom_flag(custom: &[(&str, &Node)], property: &str, problems: &mut Problems) -> bool {
    match custom_value(custom, property) {
        None => false,
        Some(Node { kind: NodeKind::Boolean(value), .. }) => *value,
        Some(other) => {
            problems.add(&other.place, format!("`{property}` is true or false"), "write `value: true`".into());
            false
        }
    }
}
