//! What ELF files say of themselves: whether one is a static program for a platform, what a shared
//! library is called.
//!
//! Source: elf(5); the machines of `object::elf`, as the ELF gABI numbers them.

use std::path::{Path, PathBuf};

use object::read::elf::{ElfFile, FileHeader, ProgramHeader as _};
use object::{Endianness, FileKind, elf};

use super::ToolchainError;
use crate::oci::Platform;

/// Refuses all but a program for `platform` that needs no dynamic linker.
///
/// # Errors
/// [`ToolchainError::Helper`]: it cannot be read; [`ToolchainError::Program`]: it is something else.
pub(super) fn check(path: &Path, platform: &Platform) -> Result<(), ToolchainError> {
    let bytes = std::fs::read(path).map_err(|source| ToolchainError::Helper {
        path: path.to_owned(),
        source,
    })?;
    fault(&bytes, platform).map_or(Ok(()), |reason| {
        Err(ToolchainError::Program {
            path: PathBuf::from(path),
            platform: platform.to_string(),
            reason,
        })
    })
}

/// Returns the name by which programs ask for a shared library. Its file may have another one, which a
/// link of this name leads to.
pub(super) fn library_name(path: &Path) -> Option<String> {
    let bytes = std::fs::read(path).ok()?;
    match FileKind::parse(&*bytes) {
        Ok(FileKind::Elf32) => name::<elf::FileHeader32<Endianness>>(&bytes),
        Ok(FileKind::Elf64) => name::<elf::FileHeader64<Endianness>>(&bytes),
        _ => None,
    }
}

fn name<H: FileHeader<Endian = Endianness>>(bytes: &[u8]) -> Option<String> {
    let file = ElfFile::<H>::parse(bytes).ok()?;
    let sections = file.elf_section_table();
    let table = sections.dynamic_table(file.endian(), bytes).ok()?;
    let entry = table.iter().find(|entry| entry.tag == elf::DT_SONAME)?;
    let name = table.string(entry).ok()?;
    String::from_utf8(name.to_vec()).ok()
}

/// Returns what is wrong with a program, if anything.
fn fault(bytes: &[u8], platform: &Platform) -> Option<String> {
    let read = match FileKind::parse(bytes) {
        Ok(FileKind::Elf32) => read::<elf::FileHeader32<Endianness>>(bytes),
        Ok(FileKind::Elf64) => read::<elf::FileHeader64<Endianness>>(bytes),
        _ => return Some("it is not in ELF format".to_owned()),
    };
    let Ok((machine, is_dynamic)) = read else {
        return Some("its ELF headers are damaged".to_owned());
    };
    match machine_of(&platform.architecture) {
        Some(wanted) if wanted != machine => Some(format!(
            "it is for ELF machine {}, not {}",
            machine.0, wanted.0
        )),
        None => Some(format!("no machine is known as {}", platform.architecture)),
        Some(_) => is_dynamic.then(|| "it needs a dynamic linker".to_owned()),
    }
}

/// Returns the machine, and whether a dynamic linker is asked for.
fn read<H: FileHeader<Endian = Endianness>>(bytes: &[u8]) -> object::Result<(elf::Machine, bool)> {
    let file = ElfFile::<H>::parse(bytes)?;
    let endian = file.endian();
    let mut headers = file.elf_program_headers().iter();
    let is_dynamic = headers.any(|header| header.p_type(endian) == elf::PT_INTERP);
    Ok((file.elf_header().e_machine(endian), is_dynamic))
}

fn machine_of(architecture: &str) -> Option<elf::Machine> {
    Some(match architecture {
        "386" => elf::EM_386,
        "amd64" => elf::EM_X86_64,
        "arm" => elf::EM_ARM,
        "arm64" => elf::EM_AARCH64,
        "loong64" => elf::EM_LOONGARCH,
        "ppc64le" => elf::EM_PPC64,
        "riscv64" => elf::EM_RISCV,
        "s390x" => elf::EM_S390,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the header of a 64-bit little-endian program with one program header of this kind.
    fn program(machine: elf::Machine, kind: elf::ProgramType) -> Vec<u8> {
        let mut bytes = vec![0; 64 + 56];
        bytes[..7].copy_from_slice(b"\x7fELF\x02\x01\x01");
        bytes[16] = 2;
        bytes[18..20].copy_from_slice(&machine.0.to_le_bytes());
        bytes[20] = 1;
        bytes[32] = 64;
        bytes[52] = 64;
        bytes[54] = 56;
        bytes[56] = 1;
        bytes[64..68].copy_from_slice(&kind.0.to_le_bytes());
        bytes
    }

    #[test]
    fn only_a_static_program_for_the_platform_will_do() {
        let arm64 = Platform::linux("arm64");
        let text = |bytes: &[u8]| fault(bytes, &arm64).unwrap();
        let is_static = program(elf::EM_AARCH64, elf::PT_LOAD);
        assert_eq!(fault(&is_static, &arm64), None);
        assert_eq!(
            text(&program(elf::EM_X86_64, elf::PT_LOAD)),
            "it is for ELF machine 62, not 183"
        );
        assert_eq!(
            text(&program(elf::EM_AARCH64, elf::PT_INTERP)),
            "it needs a dynamic linker"
        );
        assert_eq!(text(b"#!/bin/sh\n"), "it is not in ELF format");
        assert_eq!(text(&is_static[..70]), "its ELF headers are damaged");
    }
}
