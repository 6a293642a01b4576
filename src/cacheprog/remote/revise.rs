//! What a run used, and the index before it → the index after it.
//!
//! The index changes only if a run used something that is not in it. Entries that a run did not use
//! stay for two more writes: a build that failed half-way must not cost the next one its hits. A
//! pack of which less than half is left is given up, and what is used of it travels again; so are
//! the smallest ones when there are more than eight.

use std::collections::{HashMap, HashSet};

use crate::cacheprog::id::Id;
use crate::cacheprog::pack::{Index, IndexEntry, MAX_OUTPUT, MAX_PACKS, PackRef};

/// Most packs of an index; one of them is new.
pub(in crate::cacheprog) const PACKS: usize = 8;

/// How many of them stay when they are too many.
const PACKS_KEPT: usize = 4;

/// Writes that an entry outlives without being used.
const MAX_AGE: u16 = 2;

/// Most entries of a run; far above what a build has.
const MAX_USES: usize = 250_000;

/// An entry that a run used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::cacheprog) struct Used {
    pub(in crate::cacheprog) action: Id,
    pub(in crate::cacheprog) output: Id,
    pub(in crate::cacheprog) size: u64,
}

/// How the index changes.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::cacheprog) struct Revision {
    kept: Vec<PackRef>,
    /// Entries whose pack is kept.
    settled: Vec<IndexEntry>,
    used: Vec<Used>,
    retired: Vec<Id>,
    /// The outputs that must travel, in the order in which the build asked for them, and their
    /// sizes.
    pub(in crate::cacheprog) missing: Vec<(Id, u64)>,
    /// Packs that nobody reads any more.
    pub(in crate::cacheprog) obsolete: Vec<Id>,
}

/// Compares; `None` if the index can stay. `is_lost` tells whether a pack failed to deliver an
/// output that it should hold.
pub(in crate::cacheprog) fn revise(
    old: &Index,
    used: &[Used],
    is_lost: impl Fn(&Id) -> bool,
) -> Option<Revision> {
    let sane = used.iter().filter(|used| used.size <= MAX_OUTPUT);
    let used: Vec<Used> = sane.take(MAX_USES).copied().collect();
    let held = old.entries.iter().filter(|entry| !is_lost(&entry.output));
    let held: HashMap<Id, u16> = held.map(|entry| (entry.output, entry.pack)).collect();
    let known: HashMap<Id, Id> = old.entries.iter().map(|e| (e.action, e.output)).collect();
    let is_known = |used: &Used| {
        known.get(&used.action) == Some(&used.output) && held.contains_key(&used.output)
    };
    if used.iter().all(is_known) {
        return None;
    }
    let kept = kept(old, &used, &held);
    let mut seen = HashSet::new();
    let is_missing = |used: &&Used| {
        let pack = held.get(&used.output);
        pack.is_none_or(|pack| !kept[usize::from(*pack)]) && seen.insert(used.output)
    };
    let missing = used.iter().filter(is_missing);
    let missing: Vec<(Id, u64)> = missing.map(|used| (used.output, used.size)).collect();
    let numbers: Vec<u16> = kept
        .iter()
        .scan(0, |next, kept| {
            let number = *next;
            *next += u16::from(*kept);
            Some(number)
        })
        .collect();
    let actions: HashSet<Id> = used.iter().map(|used| used.action).collect();
    let idle = |entry: &&IndexEntry| {
        let is_held = held.get(&entry.output) == Some(&entry.pack) && kept[usize::from(entry.pack)];
        is_held && entry.age < MAX_AGE && !actions.contains(&entry.action)
    };
    let settled = used
        .iter()
        .filter_map(|used| {
            let pack = usize::from(*held.get(&used.output)?);
            kept[pack].then(|| used.entry(numbers[pack], 0))
        })
        .chain(old.entries.iter().filter(idle).map(|entry| IndexEntry {
            pack: numbers[usize::from(entry.pack)],
            age: entry.age + 1,
            ..*entry
        }))
        .collect();
    let with = |wanted: bool| {
        let packs = old.packs.iter().zip(&kept);
        packs.filter(move |(_, kept)| **kept == wanted)
    };
    Some(Revision {
        kept: with(true).map(|(pack, _)| *pack).collect(),
        settled,
        used,
        retired: with(false).map(|(pack, _)| pack.digest).collect(),
        missing,
        obsolete: old.retired.clone(),
    })
}

/// Tells for each pack whether it stays.
fn kept(old: &Index, used: &[Used], held: &HashMap<Id, u16>) -> Vec<bool> {
    let mut live = vec![0_u64; old.packs.len()];
    let mut seen = HashSet::new();
    let idle = old.entries.iter().filter(|entry| entry.age < MAX_AGE);
    let idle = idle.map(|entry| (entry.output, entry.size));
    let used = used.iter().map(|used| (used.output, used.size));
    for (output, size) in used.chain(idle).filter(|(output, _)| seen.insert(*output)) {
        if let Some(pack) = held.get(&output) {
            live[usize::from(*pack)] += size;
        }
    }
    let packs = old.packs.iter().zip(&live);
    let mut kept: Vec<bool> = packs
        .map(|(pack, live)| *live > 0 && live.saturating_mul(2) >= pack.plain)
        .collect();
    let mut order: Vec<usize> = (0..kept.len()).filter(|number| kept[*number]).collect();
    if order.len() >= PACKS {
        order.sort_by_key(|number| live[*number]);
        for number in &order[..order.len() - PACKS_KEPT] {
            kept[*number] = false;
        }
    }
    kept
}

impl Used {
    fn entry(&self, pack: u16, age: u16) -> IndexEntry {
        IndexEntry {
            action: self.action,
            output: self.output,
            size: self.size,
            pack,
            age,
        }
    }
}

impl Revision {
    /// Returns how many packs may be added.
    pub(in crate::cacheprog) fn room(&self) -> usize {
        PACKS.saturating_sub(self.kept.len()).max(1)
    }

    /// Returns the new index, given the packs that were written and what is in each.
    pub(in crate::cacheprog) fn index(self, written: &[(PackRef, Vec<Id>)]) -> Index {
        let mut packs = self.kept;
        let mut places = HashMap::new();
        for (pack, outputs) in written {
            let number = packs.len() as u16;
            packs.push(*pack);
            places.extend(outputs.iter().map(|output| (*output, number)));
        }
        // A pack that was written again has the same name.
        let retired = self.retired.into_iter();
        let mut retired: Vec<Id> = retired
            .filter(|digest| packs.iter().all(|pack| pack.digest != *digest))
            .collect();
        retired.truncate(MAX_PACKS);
        let mut settled: HashMap<Id, IndexEntry> = self
            .settled
            .iter()
            .map(|entry| (entry.action, *entry))
            .collect();
        let order = self.used.iter().filter_map(|used| {
            let settled = settled.remove(&used.action);
            settled.or_else(|| Some(used.entry(*places.get(&used.output)?, 0)))
        });
        let mut entries: Vec<IndexEntry> = order.collect();
        let idle = self.settled.iter();
        entries.extend(idle.filter(|entry| settled.contains_key(&entry.action)));
        Index {
            packs,
            retired,
            entries,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn used(numbers: &[u8]) -> Vec<Used> {
        let used = numbers.iter().map(|number| Used {
            action: Id([*number; 32]),
            output: Id([100 + number; 32]),
            size: 10,
        });
        used.collect()
    }

    /// Writes what is missing as one pack.
    fn write(revision: Revision, digest: u8) -> Index {
        let outputs: Vec<Id> = revision.missing.iter().map(|(output, _)| *output).collect();
        let pack = PackRef {
            digest: Id([digest; 32]),
            bytes: 1,
            plain: 10 * outputs.len() as u64,
        };
        let written = if outputs.is_empty() {
            Vec::new()
        } else {
            vec![(pack, outputs)]
        };
        let index = revision.index(&written);
        assert_eq!(Index::decode(&index.encode()).unwrap(), index);
        index
    }

    fn actions(index: &Index) -> Vec<u8> {
        index
            .entries
            .iter()
            .map(|entry| entry.action.0[0])
            .collect()
    }

    #[test]
    fn only_what_is_new_travels() {
        let first = revise(&Index::default(), &used(&[1, 2, 3, 4]), |_| false).unwrap();
        assert_eq!(first.missing.len(), 4);
        let first = write(first, 200);
        assert_eq!(revise(&first, &used(&[4, 3, 2, 1]), |_| false), None);
        assert_eq!(revise(&first, &used(&[2, 3, 4]), |_| false), None);
        let second = revise(&first, &used(&[5, 4, 2, 3]), |_| false).unwrap();
        assert_eq!(second.missing, [(Id([105; 32]), 10)]);
        let second = write(second, 201);
        assert_eq!(actions(&second), [5, 4, 2, 3, 1]);
        assert_eq!(second.packs.len(), 2);
        assert_eq!(second.entries[0].pack, 1);
        assert_eq!(second.entries[4].age, 1);
    }

    #[test]
    fn what_nobody_uses_goes_and_its_pack_with_it() {
        let mut index = write(
            revise(&Index::default(), &used(&[1, 2, 3]), |_| false).unwrap(),
            200,
        );
        for number in 0..3 {
            let run = used(&[2, 3, 10 + number]);
            index = write(revise(&index, &run, |_| false).unwrap(), 201 + number);
        }
        assert!(!actions(&index).contains(&1));
        // What is left of the first pack is one output of three, in the end.
        let first = Id([200; 32]);
        assert!(index.packs.iter().any(|pack| pack.digest == first));
        let mut was_retired = false;
        for number in 0..4 {
            let run = used(&[3, 20 + number]);
            let revision = revise(&index, &run, |_| false).unwrap();
            assert_eq!(revision.obsolete.contains(&first), was_retired);
            index = write(revision, 210 + number);
            was_retired = index.retired.contains(&first);
            assert!(actions(&index).contains(&3));
        }
        assert!(!actions(&index).contains(&2));
        assert!(index.packs.iter().all(|pack| pack.digest != first));
        assert_eq!(revise(&index, &used(&[3]), |_| false), None);
    }

    #[test]
    fn packs_stay_few() {
        let mut index = Index::default();
        let mut all = Vec::new();
        for number in 0..60 {
            all.push(number);
            index = write(
                revise(&index, &used(&all), |_| false).unwrap(),
                150 + number,
            );
            assert!(index.packs.len() <= PACKS, "{}", index.packs.len());
            assert_eq!(index.entries.len(), all.len());
        }
    }

    #[test]
    fn what_a_pack_lost_travels_again() {
        let index = write(
            revise(&Index::default(), &used(&[1, 2, 3]), |_| false).unwrap(),
            200,
        );
        let lost = Id([102; 32]);
        let revision = revise(&index, &used(&[1, 2, 3]), |output| *output == lost).unwrap();
        assert_eq!(revision.missing, [(lost, 10)]);
        let index = write(revision, 201);
        assert_eq!(
            index.entries.iter().map(|e| e.pack).collect::<Vec<_>>(),
            [0, 1, 0]
        );
    }

    #[test]
    fn what_is_too_long_stays_at_home() {
        let mut run = used(&[1]);
        run[0].size = MAX_OUTPUT + 1;
        assert_eq!(revise(&Index::default(), &run, |_| false), None);
    }
}
