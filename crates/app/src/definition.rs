//! Definitions: the catalogue, metrics, audiences and saved questions, and saving new ones into the workspace folder;
//! dashboards are in `dashboard`, and files that are edited as they stand in `file`.

use crate::error;
use crate::files::{Edit, Loaded};
use crate::question::judge::Scene;
use crate::question::telling::Aim;
use crate::state::{State, purposes_of};
use crate::store::{EditKept, Record};
use api::{
    AudienceView, Catalog, EventView, FieldView, Input, MetricView, Principal, PurposeView, QuestionView, SaveRequest,
    Saved, WorkspaceView,
};
use naming::file_name;
use sha2::{Digest, Sha256};
use spec::{Diagnostic, Field, Purpose, Question, QuestionBody, Result};
use workspace::Definitions;

pub(crate) mod dashboard;
pub(crate) mod file;
mod history;
pub(crate) mod naming;

/// The outcome on record of a change whose last step failed.
const FAILED: &str = "failed";

/// What this principal may ask about: what no purpose of the role may use is not there.
pub(crate) fn catalog(state: &State, who: &Principal) -> Result<Catalog> {
    let loaded = state.folder.current()?;
    let definitions = &loaded.definitions;
    let scene = Scene::new(state, definitions, who, Aim::Judge)?;
    let purposes = purposes_of(definitions, scene.role);
    let may_ask = |field: &&Field| scene.role.may_ask(field);
    let events = definitions.events().into_iter().map(|(source, object)| EventView {
        name: object.name.clone(),
        title: object.title.clone(),
        past: object.past.clone(),
        source: source.name.clone(),
        properties: Definitions::asked_fields(object).into_iter().filter(may_ask).map(field_view).collect(),
    });
    let traits = definitions.traits().into_iter().map(|(_, _, field)| field).filter(may_ask).map(field_view);
    let mut days = None;
    for purpose in &purposes {
        if days.is_none() {
            days = scene.span(purpose)?;
        }
    }
    let names = |(name, title): (&String, &String)| (name.clone(), title.clone());
    Ok(Catalog {
        events: events.collect(),
        traits: traits.collect(),
        purposes: purposes.into_iter().map(|purpose| purpose_view(&scene, purpose)).collect(),
        metrics: definitions.metrics.iter().map(|(name, metric)| names((name, &metric.title))).collect(),
        audiences: definitions.audiences.iter().map(|(name, audience)| names((name, &audience.title))).collect(),
        destinations: definitions.destinations.iter().map(|(name, known)| names((name, &known.title))).collect(),
        days: days.map(|(first, last)| (first.date_naive().to_string(), last.date_naive().to_string())),
    })
}

/// A field as pages show it.
pub(crate) fn field_view(field: &Field) -> FieldView {
    FieldView {
        name: field.name.clone(),
        title: field.title.clone(),
        description: field.description.clone(),
        value_type: field.value_type.name().to_owned(),
        unit: field.unit.clone(),
        class: field.class.name().to_owned(),
        purposes: field.purposes.clone(),
        groups: !field.is_key,
    }
}

fn purpose_view(scene: &Scene<'_>, purpose: &Purpose) -> PurposeView {
    let people = scene.snapshot.people_for(purpose, &scene.definitions.laws).used.len();
    PurposeView {
        name: purpose.name.clone(),
        title: purpose.title.clone(),
        description: purpose.description.clone(),
        min_group: purpose.min_group,
        release: scene.role.purposes.get(&purpose.name).map_or("", |most| most.name()).to_owned(),
        basis: purpose.basis.iter().map(|(law, basis)| (law.name().to_owned(), basis.name().to_owned())).collect(),
        people: Some(people).filter(|people| *people >= u64::from(purpose.min_group)),
    }
}

/// The shared metrics.
pub(crate) fn metrics(state: &State) -> Result<Vec<MetricView>> {
    let loaded = state.folder.current()?;
    let view = |metric: &spec::MetricDefinition| {
        let path = format!("metrics/{}.yaml", metric.name);
        MetricView {
            name: metric.name.clone(),
            title: metric.title.clone(),
            description: metric.description.clone(),
            owners: metric.owners.clone(),
            measure: metric.measure.to_string(),
            filter: metric.filter.as_ref().map_or_else(String::new, spec::Condition::to_string),
            unit: metric.unit.clone(),
            on_home: metric.on_home,
            text: loaded.texts.get(&path).cloned().unwrap_or_default(),
            path,
        }
    };
    Ok(loaded.definitions.metrics.values().map(view).collect())
}

/// The audiences.
pub(crate) fn audiences(state: &State) -> Result<Vec<AudienceView>> {
    let loaded = state.folder.current()?;
    let view = |audience: &spec::AudienceDefinition| {
        let path = format!("audiences/{}.yaml", audience.name);
        AudienceView {
            name: audience.name.clone(),
            title: audience.title.clone(),
            description: audience.description.clone(),
            owners: audience.owners.clone(),
            purpose: audience.purpose.clone(),
            condition: audience.condition.to_string(),
            words: workspace::condition_words(&audience.condition, &loaded.definitions),
            text: loaded.texts.get(&path).cloned().unwrap_or_default(),
            path,
        }
    };
    Ok(loaded.definitions.audiences.values().map(view).collect())
}

/// The saved questions.
pub(crate) fn questions(state: &State) -> Result<Vec<QuestionView>> {
    let loaded = state.folder.current()?;
    let view = |saved: &spec::SavedQuestion| {
        let path = format!("questions/{}.yaml", saved.name);
        QuestionView {
            name: saved.name.clone(),
            title: saved.title.clone(),
            description: saved.description.clone(),
            question: saved.question.to_json(),
            words: workspace::question_words(&saved.question, &loaded.definitions),
            text: loaded.texts.get(&path).cloned().unwrap_or_default(),
            path,
        }
    };
    Ok(loaded.definitions.questions.values().map(view).collect())
}

/// The workspace itself; what is wrong with it is for those who may mend it.
pub(crate) fn workspace(state: &State, who: &Principal) -> Result<WorkspaceView> {
    let loaded = state.folder.current()?;
    let landed = state.lake.snapshot().deliveries().values().max().copied();
    let scene = Scene::new(state, &loaded.definitions, who, Aim::Judge)?;
    let purposes = purposes_of(&loaded.definitions, scene.role);
    let span = purposes.into_iter().find_map(|purpose| scene.known_span(purpose));
    Ok(WorkspaceView {
        title: loaded.definitions.title.clone(),
        notice: loaded.definitions.notice.clone(),
        version: loaded.definitions.version.clone(),
        landed_at: landed.map(|at| at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true)),
        data_until: span.map(|(_, last)| last.date_naive().to_string()),
        diagnostics: if who.may_define { loaded.diagnostics.clone() } else { Vec::new() },
    })
}

/// Writes an audience or a question into the workspace folder.
pub(crate) fn save(state: &State, who: &Principal, request: &SaveRequest) -> Result<Input<Saved>> {
    if !who.may_define {
        return Err(error::no_right(&who.role, "save definitions"));
    }
    let question = match workspace::parse_question(&request.question, "/question") {
        Ok(question) => question,
        Err(diagnostics) => return Ok(Input::Bad(diagnostics)),
    };
    let name = file_name(&request.kind, &request.title)?;
    let (path, text) = match (request.kind.as_str(), &question.body) {
        ("audience", QuestionBody::Audience(audience)) => {
            let condition = audience.condition.to_string();
            (format!("audiences/{name}.yaml"), audience_text(request, who, &question, &condition))
        }
        ("audience", _) => {
            return Err(error::invalid(
                "only a question of the kind audience can be saved as one".to_owned(),
                "save it as a question",
            ));
        }
        ("question", _) => (format!("questions/{name}.yaml"), question_text(request, &question)),
        (other, _) => return Err(error::invalid(format!("`{other}` cannot be saved"), "use `audience` or `question`")),
    };
    let loaded = state.folder.current()?;
    if !loaded.texts.contains_key(&path)
        && let Err(wrong) = loads(&loaded, &path, &text)
    {
        return Ok(Input::Bad(wrong));
    }
    write(state, who, &Edit { path: &path, before: None, after: Some(&text) })?;
    Ok(Input::Good(Saved { kind: request.kind.clone(), name, path }))
}

/// Takes a saved thing out of the folder again.
pub(crate) fn unsave(state: &State, who: &Principal, saved: &Saved) -> Result<()> {
    if !who.may_define {
        return Err(error::no_right(&who.role, "remove definitions"));
    }
    let loaded = state.folder.current()?;
    // The path is made from names that are there, never from what was sent.
    let path = match saved.kind.as_str() {
        "audience" if loaded.definitions.audiences.contains_key(&saved.name) => {
            format!("audiences/{}.yaml", saved.name)
        }
        "question" if loaded.definitions.questions.contains_key(&saved.name) => {
            if let Some(dashboard) = dashboard::showing(&loaded, &saved.name) {
                return Err(error::shown(&saved.name, &dashboard.title));
            }
            format!("questions/{}.yaml", saved.name)
        }
        "dashboard" if loaded.definitions.dashboards.contains_key(&saved.name) => dashboard::path(&saved.name),
        kind => return Err(error::not_found(kind, &saved.name, None)),
    };
    write(state, who, &Edit { path: &path, before: loaded.texts.get(&path).map(String::as_str), after: None })
}

/// Whether a file would load beside the others: what does not must never stand in the folder.
fn loads(loaded: &Loaded, path: &str, text: &str) -> std::result::Result<(), Vec<Diagnostic>> {
    let mut texts = loaded.texts.clone();
    texts.insert(path.to_owned(), text.to_owned());
    let (_, diagnostics) = workspace::load(&texts);
    let wrong: Vec<Diagnostic> = diagnostics.into_iter().filter(|diagnostic| diagnostic.path == path).collect();
    if wrong.is_empty() { Ok(()) } else { Err(wrong) }
}

/// Changes a file of the folder, which is on record once nothing is left but the last step: nothing that fails before is
/// said to have been saved, and no rule changes without a record. The text before is kept with it. Should the last step
/// fail, that is on record as well.
fn write(state: &State, who: &Principal, edit: &Edit<'_>) -> Result<()> {
    if edit.before == edit.after {
        return Ok(());
    }
    let what = format!("{} {}", if edit.after.is_some() { "save" } else { "remove" }, edit.path);
    let record = Record { user: &who.user, what: &what, ..Record::default() };
    let (before, after) = (edit.before.map(version).unwrap_or_default(), edit.after.map(version).unwrap_or_default());
    let text_before = edit.before.unwrap_or_default();
    let kept = EditKept { path: edit.path, versions: (&before, &after), text_before };
    let ready = state.folder.ready(edit)?;
    let number = state.store.record_edit(&record, &kept, state.clock.now())?;
    ready.put().inspect_err(|_| {
        let failed = Record { outcome: Some(FAILED), ..record };
        if let Err(cause) = state.store.record_failed_edit(&failed, number, state.clock.now()) {
            tracing::error!(cause = cause.chain(), what, "what is on record as done failed, and that is not on record");
        }
    })
}

/// 16 hex digits of the SHA-256 of a file's text.
fn version(text: &str) -> String {
    spec::hex(&Sha256::digest(text)[..8])
}

fn audience_text(request: &SaveRequest, who: &Principal, question: &Question, condition: &str) -> String {
    let head = head_text(request);
    format!("{head}owners: [{}]\npurpose: {}\nwhere: {}\n", who.role, question.purpose, quoted(condition))
}

fn question_text(request: &SaveRequest, question: &Question) -> String {
    format!("{}question: {}\n", head_text(request), question.to_json())
}

/// Title and, if there is one, description.
fn head_text(request: &SaveRequest) -> String {
    let title = format!("title: {}\n", quoted(request.title.trim()));
    match request.description.trim() {
        "" => title,
        description => format!("{title}description: {}\n", quoted(description)),
    }
}

/// A text as YAML reads it back: JSON's quoting is also YAML's.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
