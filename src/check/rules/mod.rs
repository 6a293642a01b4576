//! The rules, one per file.

mod architecture_level;
mod duplicate_destination;
mod dynamic_binary;
mod floating_image;
mod latest_tag_only;
mod missing_entrypoint;
mod missing_file;
mod no_certificates;
mod no_temporary_folder;
mod no_time_zones;
mod root_user;
mod secret_in_image;
mod sensitive_file;
mod unknown_check;
mod unknown_stamp;
mod unknown_user;
mod unpinned_image;
mod unstripped_binary;
mod unused_base;
mod unused_private_pattern;

use super::Rule;

/// Every rule, by name.
pub static RULES: &[&Rule] = &[
    &architecture_level::RULE,
    &duplicate_destination::RULE,
    &dynamic_binary::RULE,
    &floating_image::RULE,
    &latest_tag_only::RULE,
    &missing_entrypoint::RULE,
    &missing_file::RULE,
    &no_certificates::RULE,
    &no_temporary_folder::RULE,
    &no_time_zones::RULE,
    &root_user::RULE,
    &secret_in_image::RULE,
    &sensitive_file::RULE,
    &unknown_check::RULE,
    &unknown_stamp::RULE,
    &unknown_user::RULE,
    &unpinned_image::RULE,
    &unstripped_binary::RULE,
    &unused_base::RULE,
    &unused_private_pattern::RULE,
];
