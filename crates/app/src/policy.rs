//! The rules as a view: who may be used for what, and who may see what.

use crate::state::State;
use api::{PolicyDestination, PolicyLaw, PolicyPurpose, PolicyRole, PolicyTeam, PolicyView, Principal};
use policy::{Use, may_use};
use spec::{ConsentState, Destination, FieldClass, Law, LawRule, Mask, Purpose, Result, Role, Team};
use workspace::Definitions;

const STATES: [ConsentState; 3] = [ConsentState::Granted, ConsentState::Silent, ConsentState::Denied];
const CLASSES: [FieldClass; 4] = [FieldClass::None, FieldClass::Pseudonym, FieldClass::Direct, FieldClass::Sensitive];

/// The rules in force; they are no secret to anybody who works under them.
pub(crate) fn view(state: &State, who: &Principal) -> Result<PolicyView> {
    let loaded = state.folder.current()?;
    let definitions = &loaded.definitions;
    let place =
        |rule: &LawRule| (rule.region.clone().unwrap_or_else(|| rule.country.clone()), rule.law.name().to_owned());
    Ok(PolicyView {
        purposes: definitions.purposes.values().map(purpose_view).collect(),
        roles: definitions.roles.values().map(|role| role_view(definitions, role)).collect(),
        teams: definitions.teams.values().map(|team| team_view(definitions, who, team)).collect(),
        destinations: definitions.destinations.values().map(|to| destination_view(definitions, to)).collect(),
        places: definitions.laws.iter().map(place).collect(),
        version: definitions.version.clone(),
    })
}

fn purpose_view(purpose: &Purpose) -> PolicyPurpose {
    let limits = &purpose.limits;
    PolicyPurpose {
        name: purpose.name.clone(),
        title: purpose.title.clone(),
        description: purpose.description.clone(),
        laws: Law::ALL.map(Some).into_iter().chain([None]).map(|law| law_view(purpose, law)).collect(),
        min_group: purpose.min_group,
        questions_per_day: limits.questions_per_day,
        differences: limits.differences.name().to_owned(),
        noise: limits.noise.map(|noise| (noise.epsilon, noise.epsilon_per_day)),
    }
}

fn law_view(purpose: &Purpose, law: Option<Law>) -> PolicyLaw {
    let why = |state| match may_use(purpose, law, state) {
        Use::Used => None,
        Use::Withheld(why) => Some(why.name().to_owned()),
    };
    PolicyLaw {
        law: law.map(|law| law.name().to_owned()),
        basis: law.and_then(|law| purpose.basis.get(&law)).map(|basis| basis.name().to_owned()),
        said: STATES.map(why).into(),
    }
}

fn role_view(definitions: &Definitions, role: &Role) -> PolicyRole {
    let release = |purpose: &Purpose| {
        (purpose.title.clone(), role.purposes.get(&purpose.name).map(|release| release.name().to_owned()))
    };
    let mask = |class: FieldClass| {
        let mask = role.masks.get(&class).copied().unwrap_or(Mask::Hide);
        (class.name().to_owned(), mask.name().to_owned())
    };
    let rights = [
        (role.may_import, "brings data in"),
        (role.may_define, "saves definitions"),
        (role.sees_cost, "sees what questions cost and what arrives"),
        (role.sees_audit, "sees who saw what"),
    ];
    let edits: Vec<&str> = role.edits.iter().map(|kind| kind.name()).collect();
    let edits = (!edits.is_empty()).then(|| format!("changes files ({})", edits.join(", ")));
    let users = definitions.users.values().filter(|user| user.role == role.name);
    PolicyRole {
        name: role.name.clone(),
        title: role.title.clone(),
        purposes: definitions.purposes.values().map(release).collect(),
        masks: CLASSES.map(mask).into(),
        rights: rights.into_iter().filter(|(has, _)| *has).map(|(_, right)| right.to_owned()).chain(edits).collect(),
        users: users.map(|user| (user.name.clone(), user.title.clone())).collect(),
    }
}

fn team_view(definitions: &Definitions, who: &Principal, team: &Team) -> PolicyTeam {
    let member = |name: &String| definitions.users.get(name).map(|user| user.title.clone());
    PolicyTeam {
        name: team.name.clone(),
        title: team.title.clone(),
        members: team.members.iter().filter_map(member).collect(),
        looks_after: team.looks_after.clone(),
        answers_within: team.answers_within.as_ref().map(ToString::to_string),
        // What questions cost is an operational fact.
        seconds_per_question: team.budget.seconds_per_question.filter(|_| who.sees_cost),
        bytes_per_question: team.budget.bytes_per_question.filter(|_| who.sees_cost),
    }
}

fn destination_view(definitions: &Definitions, destination: &Destination) -> PolicyDestination {
    let title = |name: &String| definitions.purposes.get(name).map(|purpose| purpose.title.clone());
    PolicyDestination {
        name: destination.name.clone(),
        title: destination.title.clone(),
        description: destination.description.clone(),
        purposes: destination.purposes.iter().filter_map(title).collect(),
        people_min: destination.people_min,
        people_max: destination.people_max,
    }
}
