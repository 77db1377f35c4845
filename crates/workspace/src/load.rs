//! The files of a workspace -> definitions and diagnostics.
//!
//! Rules first, then contracts and sources, then what is built on them, so that each kind is checked against those before
//! it. A reference to a file that exists but has errors is no error of its own.

use crate::contract::{ContractFile, read_contract};
use crate::cycles::{audiences_in, on_cycles};
use crate::definitions::Definitions;
use crate::diagnostic::{Place, Problems};
use crate::fields::{Fields, text_of};
use crate::names::{did_you_mean, is_name, listed, nearest, shortened};
use crate::node::Node;
use crate::question::{condition_of, measure_of, read_question};
use crate::resolve::{Unresolved, check_definition};
use crate::rules::{check_known, read_purpose, read_role, read_users, read_workspace};
use crate::yaml;
use sha2::{Digest, Sha256};
use spec::{
    AudienceDefinition, AudienceQuestion, Diagnostic, Interval, Measure, MetricDefinition, Object, ObjectKind,
    Question, QuestionBody, Release, SavedQuestion, Source, SourceFile, TrendQuestion, ValueType,
};
use std::collections::{BTreeMap, BTreeSet};

const WORKSPACE_FILE: &str = "entente.yaml";
const USERS_FILE: &str = "users.yaml";
const FOLDERS: [&str; 7] = ["sources", "contracts", "purposes", "roles", "metrics", "audiences", "questions"];

/// Reads the files of a workspace: path (with `/`, relative) -> text. Other files are read past.
///
/// A definition with errors is left out and all others stay. The diagnostics are sorted by path, line and column.
pub fn load(files: &BTreeMap<String, String>) -> (Definitions, Vec<Diagnostic>) {
    let mut problems = Problems::default();
    let parsed = parse_files(files, &mut problems);
    let mut loader = Loader { files: parsed, definitions: Definitions::default(), problems };
    loader.definitions.version = version(files);
    loader.load_rules();
    loader.load_sources();
    loader.load_audiences();
    loader.load_metrics();
    loader.load_questions();
    (loader.definitions, loader.problems.into_sorted())
}

/// A file that defines something; its node is `None` if it cannot be read.
struct File<'a> {
    folder: &'a str,
    name: &'a str,
    node: Option<Node>,
}

struct Loader<'a> {
    files: Vec<File<'a>>,
    definitions: Definitions,
    problems: Problems,
}

fn parse_files<'a>(files: &'a BTreeMap<String, String>, problems: &mut Problems) -> Vec<File<'a>> {
    let mut parsed = Vec::new();
    for (path, text) in files {
        if let Some((folder, name)) = definition(path, problems) {
            parsed.push(File { folder, name, node: yaml::parse(path, text, problems) });
        }
    }
    if !files.contains_key(WORKSPACE_FILE) {
        let place = Place::start_of(WORKSPACE_FILE);
        problems.add(&place, "the workspace has no `entente.yaml`".into(), "add one with `title: ...`".into());
    }
    parsed
}

/// Folder and name of what a file defines; nothing if it defines nothing.
fn definition<'a>(path: &'a str, problems: &mut Problems) -> Option<(&'a str, &'a str)> {
    if path == WORKSPACE_FILE || path == USERS_FILE {
        return Some(("", path));
    }
    let (folder, file) = path.split_once('/')?;
    let is_yaml = file.ends_with(".yaml") || file.ends_with(".yml");
    if !is_yaml || file.contains('/') {
        return None;
    }
    let place = Place::start_of(path);
    if !FOLDERS.contains(&folder) {
        if let Some(near) = nearest(folder, FOLDERS).first() {
            problems.add(
                &place,
                format!("nothing is read from the folder `{folder}`"),
                format!("did you mean `{near}`?"),
            );
        }
        return None;
    }
    let ending = if folder == "contracts" { ".odcs.yaml" } else { ".yaml" };
    let Some(name) = file.strip_suffix(ending) else {
        problems.add(&place, format!("a file of `{folder}` ends in `{ending}`"), "rename it".into());
        return None;
    };
    if !is_name(name) {
        let hint = "rename it: small letters, digits and `_`, a letter first";
        problems.add(&place, format!("`{}` is not a name for a definition", shortened(name)), hint.into());
        return None;
    }
    Some((folder, name))
}

fn version(files: &BTreeMap<String, String>) -> String {
    let mut hash = Sha256::new();
    for (path, text) in files {
        if definition(path, &mut Problems::default()).is_some() {
            for part in [path, text] {
                hash.update((part.len() as u64).to_le_bytes());
                hash.update(part.as_bytes());
            }
        }
    }
    hash.finalize()[..8].iter().map(|byte| format!("{byte:02x}")).collect()
}

impl Loader<'_> {
    /// The names of a folder, those with errors too.
    fn names<'b>(files: &[File<'b>], folder: &str) -> Vec<&'b str> {
        files.iter().filter(|file| file.folder == folder).map(|file| file.name).collect()
    }

    fn load_rules(&mut self) {
        let Loader { files, definitions, problems } = self;
        let purposes = Self::names(files, "purposes");
        let roles = Self::names(files, "roles");
        for file in files.iter() {
            let Some(node) = &file.node else { continue };
            match (file.folder, file.name) {
                ("", WORKSPACE_FILE) => read_workspace(node, definitions, problems),
                ("", _) => definitions.users = read_users(node, &roles, problems),
                ("purposes", name) => {
                    let purpose = read_purpose(name, node, problems);
                    definitions.purposes.extend(purpose.map(|purpose| (name.to_owned(), purpose)));
                }
                ("roles", name) => {
                    let role = read_role(name, node, &purposes, problems);
                    definitions.roles.extend(role.map(|role| (name.to_owned(), role)));
                }
                _ => {}
            }
        }
    }

    fn load_sources(&mut self) {
        let Loader { files, definitions, problems } = self;
        let purposes = Self::names(files, "purposes");
        let mut contracts: BTreeMap<&str, Option<ContractFile>> = BTreeMap::new();
        for file in files.iter().filter(|file| file.folder == "contracts") {
            let contract = file.node.as_ref().and_then(|node| read_contract(node, &purposes, problems));
            contracts.insert(file.name, contract);
        }
        let mut across = Across::default();
        for file in files.iter().filter(|file| file.folder == "sources") {
            let Some(node) = &file.node else { continue };
            let Some(source) = read_source(file.name, node, &contracts, problems) else { continue };
            let Some(contract) = contracts.get(contract_name(&source.contract_path)).and_then(Option::as_ref) else {
                continue;
            };
            if across.check(contract, problems) {
                definitions.sources.insert(source.name.clone(), source);
            }
        }
    }

    fn load_audiences(&mut self) {
        let Loader { files, definitions, problems } = self;
        let purposes = Self::names(files, "purposes");
        let mut nodes = BTreeMap::new();
        for file in files.iter().filter(|file| file.folder == "audiences") {
            let Some(node) = &file.node else { continue };
            if let Some(audience) = read_audience(file.name, node, &purposes, problems) {
                definitions.audiences.insert(file.name.to_owned(), audience);
                nodes.insert(file.name, node);
            }
        }
        let graph =
            definitions.audiences.iter().map(|(name, audience)| (name.clone(), audiences_in(&audience.condition)));
        for name in on_cycles(&graph.collect()) {
            let place = key_place(nodes[name.as_str()], "where");
            problems.add(
                place,
                format!("the audience `{name}` is defined by itself"),
                "break the circle of `in_audience`".into(),
            );
            definitions.audiences.remove(&name);
        }
        // An audience with errors leaves those without a ground that are built on it, hence the rounds.
        let mut checked: BTreeSet<String> = BTreeSet::new();
        loop {
            let wrong = definitions.audiences.values().find_map(|audience| {
                let errors = check_definition(&audience_as_question(audience), definitions);
                (!errors.is_empty()).then(|| (audience.name.clone(), errors))
            });
            let Some((name, errors)) = wrong else { break };
            definitions.audiences.remove(&name);
            if checked.insert(name.clone()) {
                report(&errors, nodes[name.as_str()], files, definitions, problems);
            }
        }
    }

    fn load_metrics(&mut self) {
        let Loader { files, definitions, problems } = self;
        for file in files.iter().filter(|file| file.folder == "metrics") {
            let Some(node) = &file.node else { continue };
            let Some(metric) = read_metric(file.name, node, problems) else { continue };
            let errors = check_definition(&metric_as_question(&metric), definitions);
            if errors.is_empty() {
                definitions.metrics.insert(file.name.to_owned(), metric);
            } else {
                report(&errors, node, files, definitions, problems);
            }
        }
    }

    fn load_questions(&mut self) {
        let Loader { files, definitions, problems } = self;
        let purposes = Self::names(files, "purposes");
        for file in files.iter().filter(|file| file.folder == "questions") {
            let Some(node) = &file.node else { continue };
            let question = read_saved(file.name, node, &purposes, problems);
            definitions.questions.extend(question.map(|question| (file.name.to_owned(), question)));
        }
    }
}

/// What must agree across contracts: names of events and traits, types of properties.
#[derive(Default)]
struct Across {
    events: BTreeSet<String>,
    traits: BTreeSet<String>,
    consents: BTreeSet<String>,
    properties: BTreeMap<String, (ValueType, String)>,
}

impl Across {
    /// Checks a contract against those before it; false if it cannot stand beside them.
    fn check(&mut self, file: &ContractFile, problems: &mut Problems) -> bool {
        let n_problems = problems.count();
        for (object, (place, field_places)) in file.contract.objects.iter().zip(&file.places) {
            let names = match object.kind {
                ObjectKind::Event => &mut self.events,
                ObjectKind::Traits => &mut self.traits,
                ObjectKind::Consent => &mut self.consents,
            };
            if object.kind == ObjectKind::Event && !names.insert(object.name.clone()) {
                let message = format!("a second event `{}`", object.name);
                problems.add(place, message, "give it another name: events are known by name alone".into());
            }
            self.check_fields(object, field_places, problems);
        }
        problems.count() == n_problems
    }

    fn check_fields(&mut self, object: &Object, places: &[Place], problems: &mut Problems) {
        let asked: Vec<&str> = Definitions::asked_fields(object).iter().map(|field| field.name.as_str()).collect();
        for (field, place) in object.fields.iter().zip(places).filter(|(field, _)| asked.contains(&field.name.as_str()))
        {
            if object.kind == ObjectKind::Traits && !self.traits.insert(field.name.clone()) {
                let message = format!("a second trait `{}`", field.name);
                problems.add(place, message, "give it another name: traits are known by name alone".into());
            }
            if object.kind != ObjectKind::Event {
                continue;
            }
            let entry = self.properties.entry(field.name.clone());
            let (value_type, event) = entry.or_insert_with(|| (field.value_type, object.name.clone()));
            if *value_type != field.value_type {
                let (here, there) = (type_words(field.value_type), type_words(*value_type));
                let message = format!("`{}` is {here} in `{}` and {there} in `{event}`", field.name, object.name);
                problems.add(place, message, "give both the same type, or one of them another name".into());
            }
        }
    }
}

fn type_words(value_type: ValueType) -> String {
    match value_type {
        ValueType::Decimal { scale } => format!("decimal with {scale} digits after the point"),
        other => other.name().to_owned(),
    }
}

fn contract_name(path: &str) -> &str {
    path.strip_prefix("contracts/").and_then(|file| file.strip_suffix(".odcs.yaml")).unwrap_or_default()
}

/// Reads a source; `None` if it or its contract has errors.
fn read_source(
    name: &str,
    node: &Node,
    contracts: &BTreeMap<&str, Option<ContractFile>>,
    problems: &mut Problems,
) -> Option<Source> {
    let n_problems = problems.count();
    let mut fields = Fields::open(node, "a source", problems)?;
    let title = fields.optional_text("title", problems).unwrap_or(name).to_owned();
    let description = fields.text_or_empty("description", problems);
    let hint = "name its contract, as in `contract: contracts/till.odcs.yaml`";
    let contract_node = fields.required("contract", hint, problems);
    let contract_path = contract_node.and_then(|node| text_of(node, "contract", problems));
    let mut contract = None;
    if let (Some(path), Some(node)) = (contract_path, contract_node) {
        contract = contracts.get(contract_name(path));
        if contract.is_none() {
            let paths: Vec<String> = contracts.keys().map(|name| format!("contracts/{name}.odcs.yaml")).collect();
            let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
            check_known(path, &node.place, "contract", &paths, problems);
        }
    }
    let contract = contract.and_then(Option::as_ref).map(|file| &file.contract);
    let mut files = Vec::new();
    for node in fields.list("files", problems) {
        let Some(mut fields) = Fields::open(node, "a file of a source", problems) else { continue };
        let path_node = fields.required("path", "name the file, as in `path: data/till.csv`", problems);
        let path = path_node.and_then(|node| text_of(node, "path", problems));
        if let (Some(path), Some(node)) = (path, path_node)
            && !is_inside(path)
        {
            let message = format!("`{}` is not a file inside of the workspace", shortened(path));
            problems.add(
                &node.place,
                message,
                "use a path relative to the workspace, with `/` and without `..`".into(),
            );
        }
        let object_node = fields.required("object", "say what its records are: an object of the contract", problems);
        let object = object_node.and_then(|node| text_of(node, "object", problems));
        if let (Some(object), Some(node), Some(contract)) = (object, object_node, contract) {
            let objects: Vec<&str> = contract.objects.iter().map(|object| object.name.as_str()).collect();
            check_known(object, &node.place, "object", &objects, problems);
        }
        fields.close(problems);
        files.extend(path.zip(object).map(|(path, object)| SourceFile { path: path.into(), object: object.into() }));
    }
    fields.close(problems);
    if problems.count() > n_problems {
        return None;
    }
    let (contract_path, contract) = (contract_path?.to_owned(), contract?.clone());
    Some(Source { name: name.to_owned(), title, description, contract_path, contract, files })
}

fn is_inside(path: &str) -> bool {
    let bad_part = |part: &str| part.is_empty() || part == "." || part == "..";
    !path.contains(['\\', ':', '\0']) && !path.split('/').any(bad_part)
}

fn read_metric(name: &str, node: &Node, problems: &mut Problems) -> Option<MetricDefinition> {
    let n_problems = problems.count();
    let mut fields = Fields::open(node, "a metric", problems)?;
    let title = fields.optional_text("title", problems).unwrap_or(name).to_owned();
    let description = fields.text_or_empty("description", problems);
    let owners = owned_names(fields.texts("owners", problems));
    let measure_node = fields.required("measure", "say what is measured, as in `measure: count(purchase)`", problems);
    let measure = measure_node.and_then(|node| measure_of(node, "measure", problems));
    if let (Some(Measure::Metric(other)), Some(node)) = (&measure, measure_node) {
        let message = format!("a metric cannot be another metric (`{}`)", shortened(other));
        problems.add(&node.place, message, "write its measure, as in `count(purchase)`".into());
    }
    let filter = fields.optional("where").and_then(|node| condition_of(node, "where", problems));
    let unit = fields.optional_text("unit", problems).map(str::to_owned);
    let on_home = fields.flag("on_home", problems);
    fields.close(problems);
    if problems.count() > n_problems {
        return None;
    }
    Some(MetricDefinition {
        name: name.to_owned(),
        title,
        description,
        owners,
        measure: measure?,
        filter,
        unit,
        on_home,
    })
}

fn read_audience(name: &str, node: &Node, purposes: &[&str], problems: &mut Problems) -> Option<AudienceDefinition> {
    let n_problems = problems.count();
    let mut fields = Fields::open(node, "an audience", problems)?;
    let title = fields.optional_text("title", problems).unwrap_or(name).to_owned();
    let description = fields.text_or_empty("description", problems);
    let owners = owned_names(fields.texts("owners", problems));
    let purpose_node = fields.required("purpose", "say what it is mostly for, as in `purpose: email`", problems);
    let purpose = purpose_node.and_then(|node| text_of(node, "purpose", problems));
    if let (Some(purpose), Some(node)) = (purpose, purpose_node) {
        check_known(purpose, &node.place, "purpose", purposes, problems);
    }
    let condition = fields.required("where", "say who is in it, as in `where: did(purchase)`", problems);
    let condition = condition.and_then(|node| condition_of(node, "where", problems));
    fields.close(problems);
    if problems.count() > n_problems {
        return None;
    }
    let (name, purpose) = (name.to_owned(), purpose?.to_owned());
    Some(AudienceDefinition { name, title, description, owners, purpose, condition: condition? })
}

fn read_saved(name: &str, node: &Node, purposes: &[&str], problems: &mut Problems) -> Option<SavedQuestion> {
    let n_problems = problems.count();
    let mut fields = Fields::open(node, "a saved question", problems)?;
    let title = fields.optional_text("title", problems).unwrap_or(name).to_owned();
    let description = fields.text_or_empty("description", problems);
    let question_node = fields.required("question", "write the question under it", problems);
    let question = question_node.and_then(|node| read_question(node, problems));
    if let (Some(question), Some(node)) = (&question, question_node) {
        check_known(&question.purpose, key_place(node, "purpose"), "purpose", purposes, problems);
    }
    fields.close(problems);
    if problems.count() > n_problems {
        return None;
    }
    Some(SavedQuestion { name: name.to_owned(), title, description, question: question? })
}

fn owned_names(names: Vec<(&str, &Place)>) -> Vec<String> {
    names.into_iter().map(|(name, _)| name.to_owned()).collect()
}

/// Where the value of a key stands, else where the mapping starts.
fn key_place<'a>(node: &'a Node, key: &'static str) -> &'a Place {
    let fields = Fields::open(node, "a definition", &mut Problems::default());
    fields.and_then(|mut fields| fields.optional(key)).map_or(&node.place, |value| &value.place)
}

fn audience_as_question(audience: &AudienceDefinition) -> Question {
    let condition = audience.condition.clone();
    let body =
        AudienceQuestion { condition, as_of: None, release: Release::Aggregate, columns: Vec::new(), limit: None };
    let purpose = audience.purpose.clone();
    Question { purpose, body: QuestionBody::Audience(body), time_zone: chrono_tz::UTC }
}

fn metric_as_question(metric: &MetricDefinition) -> Question {
    let body = TrendQuestion {
        measure: metric.measure.clone(),
        by: Interval::None,
        period: None,
        as_of: None,
        filter: metric.filter.clone(),
        breakdown: Vec::new(),
        limit: None,
        offset: None,
    };
    Question { purpose: String::new(), body: QuestionBody::Trend(body), time_zone: chrono_tz::UTC }
}

/// Reports what a definition names that does not exist, and what it says that makes no sense.
fn report(errors: &[Unresolved], node: &Node, files: &[File<'_>], definitions: &Definitions, problems: &mut Problems) {
    for error in errors {
        match error {
            Unresolved::Name { subject, kind, nearest, .. } => {
                let key = if node_says(node, "where", subject) { "where" } else { "measure" };
                let hint = match nearest.first() {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => name_hint(kind, files, definitions),
                };
                problems.add(key_place(node, key), format!("there is no {kind} `{}`", shortened(subject)), hint);
            }
            Unresolved::Wrong(diagnostic) => {
                let key = if diagnostic.path.ends_with("where") { "where" } else { "measure" };
                problems.add(key_place(node, key), diagnostic.message.clone(), diagnostic.hint.clone());
            }
        }
    }
}

fn node_says(node: &Node, key: &'static str, subject: &str) -> bool {
    let mut silent = Problems::default();
    let value = Fields::open(node, "a definition", &mut silent).and_then(|mut fields| fields.optional(key));
    value.and_then(|value| text_of(value, key, &mut silent)).is_some_and(|text| text.contains(subject))
}

/// What to do about a name for which nothing comes near: it may stand in a file with errors.
fn name_hint(kind: &str, files: &[File<'_>], definitions: &Definitions) -> String {
    let loaded = |file: &&File<'_>| match file.folder {
        "sources" => !definitions.sources.contains_key(file.name),
        "audiences" => !definitions.audiences.contains_key(file.name),
        _ => false,
    };
    let folder = if kind == "audience" { "audiences" } else { "sources" };
    let broken: Vec<String> = files
        .iter()
        .filter(|file| file.folder == folder)
        .filter(loaded)
        .map(|file| format!("{folder}/{}", file.name))
        .collect();
    if !broken.is_empty() {
        let broken: Vec<&str> = broken.iter().map(String::as_str).collect();
        return format!("first mend what is wrong with {}", listed(&broken));
    }
    let events: Vec<&str> = definitions.events().into_iter().map(|(_, object)| object.name.as_str()).collect();
    match kind {
        "event" => did_you_mean("", &events, "events"),
        _ => "a contract has to declare it".into(),
    }
}
