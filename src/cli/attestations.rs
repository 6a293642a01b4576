//! The flags of attestations.

use std::collections::BTreeMap;

use clap::Args;

use crate::error::{Error, Kind};
use crate::oci::attestation::{self, Attestation, Predicate};

/// What is attested of images
#[derive(Debug, Args)]
pub(super) struct AttestArgs {
    /// Have the builder attest something of the images, type=TYPE[,KEY=VALUE...]; repeatable
    ///
    ///   type=sbom[,generator=IMAGE]  what is in it, as a scanner of BuildKit's protocol finds it
    ///                                [default: docker/buildkit-syft-scanner:stable-1]
    ///   type=provenance[,mode=max]   how it was built [default: mode=min]
    ///
    /// With disabled=true it does not. Of each type the last one counts. Other keys are those of
    /// the scanner, or of BuildKit's provenance.
    #[arg(long, value_name = "ATTESTATION", verbatim_doc_comment)]
    attest: Vec<Attestation>,
    /// Shorthand for --attest type=provenance: true, false, or KEY=VALUE such as mode=max
    #[arg(long, value_name = "PROVENANCE")]
    provenance: Option<String>,
    /// Shorthand for --attest type=sbom: true, false, or KEY=VALUE such as generator=IMAGE
    #[arg(long, value_name = "SBOM")]
    sbom: Option<String>,
}

impl AttestArgs {
    /// Returns what is asked of the builder.
    pub(super) fn requested(&self) -> Result<BTreeMap<String, String>, Error> {
        let mut all = self.attest.clone();
        let shorthands = [
            (Predicate::Provenance, &self.provenance),
            (Predicate::Sbom, &self.sbom),
        ];
        for (predicate, text) in shorthands {
            // CI leaves them empty if nothing was chosen.
            let Some(text) = text.as_ref().filter(|text| !text.is_empty()) else {
                continue;
            };
            let wanted = Attestation::shorthand(predicate, text);
            all.push(wanted.map_err(|error| {
                Error::new(Kind::Usage, format!("--{predicate} {text}: {error}"))
            })?);
        }
        Ok(attestation::requested(&all))
    }
}
