//! Tar records of one entry: an optional pax extended header, then a ustar header.
//!
//! What enters is an entry's final path and attributes; what leaves is a multiple of 512 bytes
//! that holds nothing of the machine: no user names, no clock. Spec: POSIX.1-2017 `pax`,
//! "ustar Interchange Format" and "pax Extended Header".

use tar::{EntryType, Header};

use super::builder::Attributes;

/// Length of a tar record.
pub(super) const RECORD: usize = 512;

const ZEROS: [u8; RECORD] = [0; RECORD];

/// Bytes of the ustar name field; longer paths travel in a pax record.
const NAME_LIMIT: usize = 100;

/// First size that eleven octal digits cannot hold.
const SIZE_LIMIT: u64 = 1 << 33;

/// First owner or group id that seven octal digits cannot hold.
const ID_LIMIT: u32 = 1 << 21;

/// What kind of entry a header announces.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kind<'a> {
    Directory,
    File { size: u64 },
    Symlink { target: &'a str },
}

/// Returns the padding that fills up the last record of a body of `size` bytes.
pub(super) fn padding(size: u64) -> &'static [u8] {
    let used = (size % RECORD as u64) as usize;
    if used == 0 { &[] } else { &ZEROS[used..] }
}

/// Appends the records that announce one entry.
pub(super) fn append(out: &mut Vec<u8>, path: &str, kind: Kind<'_>, attributes: Attributes) {
    let (path, entry_type, size, target) = match kind {
        Kind::Directory => (format!("{path}/"), EntryType::Directory, 0, ""),
        Kind::File { size } => (path.to_owned(), EntryType::Regular, size, ""),
        Kind::Symlink { target } => (path.to_owned(), EntryType::Symlink, 0, target),
    };
    let extended = extended_records(&path, target, size, attributes);
    if !extended.is_empty() {
        let mut header = Header::new_ustar();
        header.set_entry_type(EntryType::XHeader);
        put_name(&mut header, "PaxHeaders.0/entry", "");
        header.set_mode(0o644);
        finish(out, header, extended.len() as u64, Attributes::FILE);
        out.extend_from_slice(&extended);
        out.extend_from_slice(padding(extended.len() as u64));
    }
    let mut header = Header::new_ustar();
    header.set_entry_type(entry_type);
    put_name(&mut header, &path, target);
    header.set_mode(attributes.mode);
    finish(out, header, size, attributes);
}

/// Returns the pax records of whatever does not fit into the ustar header, keys in order.
fn extended_records(path: &str, target: &str, size: u64, attributes: Attributes) -> Vec<u8> {
    let mut records = Vec::new();
    let mut add = |key: &str, value: &str| {
        // The length counts its own digits.
        let rest = key.len() + value.len() + 3;
        let mut length = rest + 1;
        while length != rest + length.to_string().len() {
            length = rest + length.to_string().len();
        }
        records.extend_from_slice(format!("{length} {key}={value}\n").as_bytes());
    };
    if attributes.gid >= ID_LIMIT {
        add("gid", &attributes.gid.to_string());
    }
    if target.len() > NAME_LIMIT || !target.is_ascii() {
        add("linkpath", target);
    }
    if path.len() > NAME_LIMIT || !path.is_ascii() {
        add("path", path);
    }
    if size >= SIZE_LIMIT {
        add("size", &size.to_string());
    }
    if attributes.uid >= ID_LIMIT {
        add("uid", &attributes.uid.to_string());
    }
    records
}

/// Sets name and link name, cut where a pax record carries the whole.
fn put_name(header: &mut Header, path: &str, target: &str) {
    let fields = header.as_old_mut();
    for (field, value) in [(&mut fields.name, path), (&mut fields.linkname, target)] {
        let length = value.len().min(NAME_LIMIT);
        field[..length].copy_from_slice(&value.as_bytes()[..length]);
    }
}

fn finish(out: &mut Vec<u8>, mut header: Header, size: u64, attributes: Attributes) {
    let id = |id: u32| if id < ID_LIMIT { u64::from(id) } else { 0 };
    header.set_size(if size < SIZE_LIMIT { size } else { 0 });
    header.set_uid(id(attributes.uid));
    header.set_gid(id(attributes.gid));
    header.set_mtime(u64::from(attributes.mtime));
    header.set_cksum();
    out.extend_from_slice(header.as_bytes());
}
