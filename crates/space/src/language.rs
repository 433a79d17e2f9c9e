//! Spaces written as TOML files.

use crate::{Context, Space, SpaceError};

/// The space that a TOML text defines, for this data.
///
/// # Errors
/// Where in the text, what was expected there, what was found and the nearest known word.
pub fn from_toml(text: &str, context: &Context) -> Result<Space, SpaceError> {
    context.check()?;
    let _table: toml::Table =
        text.parse().map_err(|e: toml::de::Error| SpaceError::Syntax { message: e.to_string() })?;
    Err(SpaceError::Syntax { message: "not yet".into() })
}
