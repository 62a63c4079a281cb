//! Files that people write.

use hallpass_core::brand::Brand;

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
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}
