//! The whole policy as one table that a lawyer can read.

use crate::{Use, may_use};
use spec::{ConsentState, FieldClass, Law, Mask, Purpose, Role};
use std::fmt::Write;

const STATES: [ConsentState; 3] = [ConsentState::Granted, ConsentState::Silent, ConsentState::Denied];
const CLASSES: [FieldClass; 4] = [FieldClass::None, FieldClass::Pseudonym, FieldClass::Direct, FieldClass::Sensitive];

/// Writes the policy as Markdown: who may be used for what, and who may see what.
///
/// # Shape
/// Two tables: purpose x law x what the person said; role x purpose x class of field.
pub fn table(purposes: &[&Purpose], roles: &[&Role]) -> String {
    let mut text = String::new();
    write_people(&mut text, purposes).expect("writing to a string cannot fail");
    write_roles(&mut text, purposes, roles).expect("writing to a string cannot fail");
    text
}

fn write_people(text: &mut String, purposes: &[&Purpose]) -> std::fmt::Result {
    writeln!(text, "## Who may be used for what\n")?;
    writeln!(text, "| purpose | law | basis | has said yes | has said nothing | has said no |")?;
    writeln!(text, "|---|---|---|---|---|---|")?;
    for purpose in purposes {
        for law in Law::ALL.map(Some).into_iter().chain([None]) {
            let name = law.map_or("not known: the strictest", Law::name);
            let basis = match law {
                Some(law) => purpose.basis.get(&law).map_or("none", |basis| basis.name()),
                None => "all of the above",
            };
            write!(text, "| {} | {name} | {basis} |", purpose.name)?;
            for state in STATES {
                match may_use(purpose, law, state) {
                    Use::Used => write!(text, " used |")?,
                    Use::Withheld(why) => write!(text, " left out ({}) |", why.name())?,
                }
            }
            writeln!(text)?;
        }
    }
    Ok(())
}

fn write_roles(text: &mut String, purposes: &[&Purpose], roles: &[&Role]) -> std::fmt::Result {
    writeln!(text, "\n## Who may see what\n")?;
    writeln!(text, "Groups are shown from the minimum group on. A field must also name the purpose itself.\n")?;
    writeln!(text, "| role | purpose | most it gets | minimum group | none | pseudonym | direct | sensitive |")?;
    writeln!(text, "|---|---|---|---|---|---|---|---|")?;
    for role in roles {
        for purpose in purposes {
            write!(text, "| {} | {} |", role.name, purpose.name)?;
            let Some(most) = role.purposes.get(&purpose.name) else {
                writeln!(text, " nothing | - | - | - | - | - |")?;
                continue;
            };
            write!(text, " {} | {} |", most.name(), purpose.min_group)?;
            for class in CLASSES {
                write!(text, " {} |", role.masks.get(&class).copied().unwrap_or(Mask::Hide).name())?;
            }
            writeln!(text)?;
        }
    }
    Ok(())
}
