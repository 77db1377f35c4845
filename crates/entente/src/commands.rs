//! The commands, one file each.

pub(crate) mod ask;
pub(crate) mod check;
pub(crate) mod import;
pub(crate) mod manual;
pub(crate) mod token;
pub(crate) mod up;
