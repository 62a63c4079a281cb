//! Files that people write.

use std::path::Path;

use hallpass_core::brand::Brand;
use hallpass_server::config::{Layers, Settings};

use super::text;

/// A brand that was read is usable: a code can be grouped, names are plain.
pub fn brand(bytes: &[u8]) {
    let Some(text) = text(bytes) else { return };
    match Brand::parse(text) {
        Ok(brand) => {
            let letters = brand.grouping().letters();
            assert!((8..=16).contains(&letters));
            assert_eq!(brand.user_code.groups.iter().sum::<usize>() as u32, letters);
            assert!(!brand.config_dir.contains(['/', '\\', '.']));
            assert!(brand.look.accent.starts_with('#'));
        }
        Err(error) => is_a_message(&error.to_string()),
    }
}

/// Settings that were read make sense; what was not says where it stands.
pub fn config(bytes: &[u8]) {
    let Some(text) = text(bytes) else { return };
    let mut layers = Layers::default();
    layers.toml(Path::new("hallpass.toml"), text);
    match Settings::read(&layers) {
        Ok(settings) => {
            assert!(!settings.access_token_ttl.is_zero() && !settings.code_ttl.is_zero());
            assert!(settings.max_connections > 0);
        }
        Err(error) => {
            let said = error.to_string();
            is_a_message(&said);
            assert!(said.lines().all(|line| line.starts_with("hallpass.toml line ")), "{said}");
        }
    }
}

/// It can be printed on a terminal as it is.
fn is_a_message(text: &str) {
    assert!(!text.trim().is_empty());
    let controls: Vec<char> = text.chars().filter(|c| c.is_control() && *c != '\n').collect();
    assert!(controls.is_empty(), "{text:?}");
}
