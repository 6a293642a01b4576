//! Questions about a project, answered in place of a build: `docker buildx build --call`.
//!
//! The answer is metadata of a result without a file system, as JSON and as text.
//! Source: BuildKit `frontend/subrequests/{types,describe,outline/types,targets/types,lint/lint}.go`.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::build::Frontend;
use super::failure::FrontendError;
use crate::buildkit::gateway::{GatewayResult, Reference};
use crate::plan::{ImageStep, Plan, SecretMount};
use crate::project::manifest::{Base, Manifest};

/// Which questions there are.
pub const DESCRIBE: &str = "frontend.subrequests.describe";
/// What the images are.
pub const TARGETS: &str = "frontend.targets";
/// What one image takes.
pub const OUTLINE: &str = "frontend.outline";
/// What is wrong with the project.
pub const LINT: &str = "frontend.lint";

/// Version of the answers.
const VERSION: &str = "1.0.0";

/// Says which questions are answered.
#[must_use]
pub fn describe() -> GatewayResult {
    let questions = [
        (OUTLINE, "List all parameters that an image supports"),
        (TARGETS, "List all images that the manifest makes"),
        (LINT, "Check the manifest and the project"),
        (DESCRIBE, "List the supported requests"),
    ];
    let metadata = json!([{"name": "result.json"}, {"name": "result.txt"}]);
    let described = questions.map(|(name, description)| {
        json!({
            "name": name, "version": VERSION, "type": "rpc", "description": description,
            "metadata": metadata,
        })
    });
    let lines = questions.map(|(name, description)| format!("{name}\t{description}\n"));
    answer(&json!(described), &lines.concat())
}

/// Returns a result that is an answer.
pub(super) fn answer(json: &Value, text: &str) -> GatewayResult {
    let mut result = GatewayResult::single(Reference::default());
    let parts = [
        ("result.json", json.to_string()),
        ("result.txt", text.to_owned()),
        ("version", VERSION.to_owned()),
    ];
    let parts = parts.map(|(key, value)| (key.to_owned(), value.into_bytes()));
    result.metadata = BTreeMap::from(parts);
    result
}

impl Frontend {
    /// Lists the images.
    pub(super) async fn targets(&self) -> Result<GatewayResult, FrontendError> {
        let (_, plan) = self.planned(None).await?;
        let single = plan.images.len() == 1;
        let targets: Vec<Value> = plan
            .images
            .iter()
            .map(|image| target(image, single))
            .collect();
        let lines = plan.images.iter().map(|image| format!("{}\n", image.name));
        let json = json!({"targets": targets, "sources": self.texts()});
        Ok(answer(&json, &lines.collect::<String>()))
    }

    /// Lists what an image takes.
    pub(super) async fn outline(&self) -> Result<GatewayResult, FrontendError> {
        let target = self.options.target.as_deref();
        let (project, plan) = self.planned(target).await?;
        let [image] = plan.images.as_slice() else {
            let names = plan.images.iter().map(|image| image.name.clone());
            return Err(FrontendError::SeveralImages {
                manifest: self.options.manifest().to_owned(),
                names: names.collect(),
            });
        };
        let arguments = arguments(&project.manifest, |name| self.options.arguments.get(name));
        let json = json!({
            "name": image.name,
            "description": contents(&plan, image),
            "args": arguments,
            "secrets": plan.modules.iter().flat_map(|step| &step.secrets).map(secret)
                .collect::<Vec<_>>(),
            "ssh": plan.modules.iter().flat_map(|step| &step.ssh)
                .map(|id| json!({"name": id, "required": true})).collect::<Vec<_>>(),
            "sources": self.texts(),
        });
        let text = format!("{}: {}\n", image.name, contents(&plan, image));
        Ok(answer(&json, &text))
    }

    /// Returns the manifest's text as outlines carry it.
    fn texts(&self) -> Vec<String> {
        let documents = self.context.document.iter();
        documents.map(|text| STANDARD.encode(text.text())).collect()
    }
}

fn target(image: &ImageStep, default: bool) -> Value {
    let platforms = image.platforms.iter();
    let platforms: Vec<String> = platforms.map(|image| image.platform.to_string()).collect();
    let first = image.platforms.first();
    json!({
        "name": image.name,
        "default": default,
        "description": binaries(image).join(", "),
        "base": first.map(|image| base(&image.base)).unwrap_or_default(),
        "platform": platforms.join(","),
    })
}

fn base(base: &Base) -> String {
    match base {
        Base::Static => "static".to_owned(),
        Base::Scratch => "scratch".to_owned(),
        Base::Image(reference) => reference.to_string(),
    }
}

/// Returns where an image's binaries are.
fn binaries(image: &ImageStep) -> Vec<&str> {
    let first = image.platforms.first();
    let binaries = first.into_iter().flat_map(|image| &image.binaries);
    binaries.map(|binary| binary.path.as_str()).collect()
}

fn contents(plan: &Plan, image: &ImageStep) -> String {
    let binaries = binaries(image).join(", ");
    format!("{binaries}, compiled with go {}", plan.toolchain.version)
}

fn secret(secret: &SecretMount) -> Value {
    json!({"name": secret.id, "required": !secret.optional})
}

/// Returns the build arguments that the manifest reads.
fn arguments<'a>(manifest: &Manifest, given: impl Fn(&str) -> Option<&'a String>) -> Vec<Value> {
    let mut arguments: Vec<Value> = manifest
        .environment()
        .into_iter()
        .map(|name| {
            let value = given(name).map_or("", String::as_str);
            json!({"name": name, "description": format!("{{{{ env.{name} }}}}"), "value": value})
        })
        .collect();
    if manifest.uses_git() {
        let facts = ["BRANCH", "COMMIT", "DATE", "DESCRIBE", "SHORT", "TAG"];
        arguments.extend(facts.map(|fact| {
            let variable = format!("{{{{ git.{} }}}}", fact.to_ascii_lowercase());
            json!({"name": format!("GOBUILD_GIT_{fact}"), "description": variable, "value": ""})
        }));
    }
    arguments
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_question_is_described() {
        let result = describe();
        let json: Value = serde_json::from_slice(&result.metadata["result.json"]).unwrap();
        let names: Vec<&str> = json
            .as_array()
            .unwrap()
            .iter()
            .map(|request| request["name"].as_str().unwrap())
            .collect();
        assert_eq!(names, [OUTLINE, TARGETS, LINT, DESCRIBE]);
        assert_eq!(result.metadata["version"], b"1.0.0");
    }

    #[test]
    fn arguments_are_those_that_the_manifest_reads() {
        let text = "[[image]]\nlabels = { a = \"{{ env.TEAM }}\", b = \"{{ git.tag }}\" }\n";
        let manifest = crate::project::manifest::Document::new("m", text)
            .parse()
            .unwrap();
        let team = "x".to_owned();
        let found = arguments(&manifest, |name| (name == "TEAM").then_some(&team));
        assert_eq!(found[0]["name"], "TEAM");
        assert_eq!(found[0]["value"], "x");
        assert_eq!(found.len(), 7);
    }
}
