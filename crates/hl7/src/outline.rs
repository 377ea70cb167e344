//! Which group each segment belongs to, which segment it hangs on, and whose patient it speaks of.
//!
//! Segments are matched to the structure in the order sent. A segment the structure does not have at that
//! point stays in the group that is open, and the groups around it stay open too.

use crate::dictionary::{self, PartKind, Structure};
use crate::warning::WarningCode;
use crate::{Message, Warning};
use crate::{matcher, warning::Place};

/// The groups of one message, in buffers that are reused from message to message.
#[derive(Debug, Default)]
pub struct Outline {
    segments: Vec<OutlinedSegment>,
    groups: Vec<OutlinedGroup>,
    open: Vec<matcher::Open>,
    /// Segment index, from 1, of the last segment of each ID, by the dictionary's dense number.
    last_of: Vec<u32>,
    warnings: Vec<Warning>,
}

/// One segment, placed.
#[derive(Clone, Copy, Debug)]
pub struct OutlinedSegment {
    /// The group instance it stands in, as an index into [`Outline::groups`]; 0 is the message itself.
    pub group: usize,
    /// Whether the structure has the segment there.
    pub is_placed: bool,
    /// Whether the structure lets the segment repeat there, in any version; true for segments it does not have.
    pub repeats: bool,
    /// The segment this one hangs on, from 1; 0 when there is none.
    pub parent_index: u32,
    /// The PID in force, from 1; 0 when there is none.
    pub patient_index: u32,
    /// The part of the structure it fills; `None` when it is not placed.
    pub(crate) part: Option<u16>,
}

/// One instance of a group. The first is the message itself.
#[derive(Clone, Copy, Debug)]
pub struct OutlinedGroup {
    /// The group it stands in.
    pub parent: usize,
    /// The group's name in the standard, such as `ORU_R01_PATIENT_RESULT`; empty for the message itself.
    pub name: &'static str,
    /// Whether the structure lets the group repeat, in any version.
    pub repeats: bool,
    /// The segment that opened it, from 1.
    pub first_segment: u32,
    /// The part of the structure it fills; 0 for the message itself, which fills none.
    pub(crate) part: u16,
    is_open: bool,
}

impl Outline {
    /// The segments, in the order sent.
    pub fn segments(&self) -> &[OutlinedSegment] {
        &self.segments
    }

    /// The group instances in the order they were opened.
    pub fn groups(&self) -> &[OutlinedGroup] {
        &self.groups
    }

    /// Misplaced segments, and the presence of several patients.
    pub fn warnings(&self) -> &[Warning] {
        &self.warnings
    }

    /// Replaces the outline by that of a message. Groups deeper than `nesting` are not opened.
    pub fn trace(&mut self, message: &Message<'_>, nesting: usize) {
        self.reset();
        let patients = message.spans.iter().filter(|span| span.id == *b"PID").count();
        if patients > 1 {
            self.warnings.push(Warning {
                code: WarningCode::SeveralPatients,
                place: Place::default(),
                offset: 0,
            });
        }
        let mut patient_index = 0;
        let mut before = 0;
        for (ordinal, span) in message.spans.iter().enumerate() {
            let segment_index = ordinal as u32 + 1;
            let mut placed = self.place(message, ordinal, nesting);
            if span.id == *b"PID" {
                patient_index = segment_index;
            }
            if patient_index != 0 && (patients == 1 || self.is_within_reach(patient_index, &placed)) {
                placed.patient_index = patient_index;
            }
            let is_addendum = span.id == *b"ADD";
            placed.parent_index = match span.definition {
                Some(definition) if !is_addendum => self.nearest_anchor(definition, &placed, patients),
                _ => before,
            };
            self.segments.push(placed);
            if let Some(definition) = span.definition {
                self.last_of[definition.index()] = segment_index;
                if !is_addendum {
                    before = segment_index;
                }
            }
        }
    }

    fn reset(&mut self) {
        self.segments.clear();
        self.groups.clear();
        self.open.clear();
        self.warnings.clear();
        self.last_of.clear();
        self.last_of.resize(dictionary::segments().len(), 0);
        let message =
            OutlinedGroup { parent: 0, name: "", repeats: false, first_segment: 1, part: 0, is_open: true };
        self.groups.push(message);
        self.open.push(matcher::Open::message());
    }

    /// Finds the segment's place in the structure, opening and closing groups on the way.
    fn place(&mut self, message: &Message<'_>, ordinal: usize, nesting: usize) -> OutlinedSegment {
        let span = &message.spans[ordinal];
        let mut placed = OutlinedSegment {
            group: 0,
            is_placed: false,
            repeats: true,
            parent_index: 0,
            patient_index: 0,
            part: None,
        };
        let (Some(structure), Some(definition)) = (message.structure, span.definition) else {
            placed.group = self.innermost().instance;
            return placed;
        };
        if let Some(found) = matcher::find(&structure, &self.open, definition.id()) {
            self.enter(structure, found, definition.id(), ordinal as u32 + 1, nesting);
            placed.is_placed = true;
            placed.part = u16::try_from(found.part).ok();
            placed.repeats = structure.part(found.part).repeats_in_any_version();
        } else if definition.id() != *b"ADD" {
            if definition.id() == *b"PID" {
                // Another patient ends everything that was said of the one before.
                self.close_groups();
            }
            let place = Place::segment(ordinal as u32 + 1);
            let offset = span.start as usize;
            self.warnings.push(Warning { code: WarningCode::MisplacedSegment, place, offset });
            if let Some(part) = matcher::sibling(&structure, self.innermost(), definition.id()) {
                placed.repeats = structure.part(part).repeats_in_any_version();
            }
        }
        placed.group = self.innermost().instance;
        placed
    }

    fn close_groups(&mut self) {
        while self.open.len() > 1 {
            if let Some(closed) = self.open.pop() {
                self.groups[closed.instance].is_open = false;
            }
        }
    }

    /// Closes the groups that end before the found part and opens those around it.
    fn enter(
        &mut self,
        structure: Structure,
        found: matcher::Found,
        opener: [u8; 3],
        segment_index: u32,
        nesting: usize,
    ) {
        while self.open.len() > found.keep_open {
            if let Some(closed) = self.open.pop() {
                self.groups[closed.instance].is_open = false;
            }
        }
        let mut within = self.innermost().first_part;
        while let Some(group) = matcher::group_around(&structure, within, found.part) {
            if self.open.len() > nesting {
                break;
            }
            let part = structure.part(group);
            if let Some(outer) = self.open.last_mut() {
                outer.cursor = group;
                outer.has_matched = true;
            }
            let PartKind::Group(name) = part.kind() else { break };
            let instance = self.groups.len();
            self.groups.push(OutlinedGroup {
                parent: self.innermost().instance,
                name,
                repeats: part.repeats_in_any_version(),
                first_segment: segment_index,
                part: u16::try_from(group).unwrap_or_default(),
                is_open: true,
            });
            within = group + 1;
            self.open.push(matcher::Open {
                instance,
                first_part: within,
                end: part.end(),
                cursor: within,
                has_matched: false,
                opener,
            });
        }
        if let Some(innermost) = self.open.last_mut() {
            innermost.cursor = found.part;
            innermost.has_matched = true;
        }
    }

    fn innermost(&self) -> matcher::Open {
        self.open.last().copied().unwrap_or_else(matcher::Open::message)
    }

    /// The nearest segment before that the dictionary lets this one hang on.
    fn nearest_anchor(
        &self,
        definition: &dictionary::Segment,
        placed: &OutlinedSegment,
        patients: usize,
    ) -> u32 {
        let mut nearest = 0;
        for anchor in definition.anchors() {
            let Some(anchor_definition) = dictionary::segment(*anchor) else { continue };
            let candidate = self.last_of[anchor_definition.index()];
            let only_patient = *anchor == *b"PID" && patients == 1;
            let is_of_another = patients > 1 && self.is_of_another_patient(candidate, placed);
            if candidate > nearest
                && !is_of_another
                && (only_patient || self.is_within_reach(candidate, placed))
            {
                nearest = candidate;
            }
        }
        nearest
    }

    fn is_of_another_patient(&self, candidate: u32, present: &OutlinedSegment) -> bool {
        let earlier = (candidate as usize).checked_sub(1).and_then(|ordinal| self.segments.get(ordinal));
        earlier.is_some_and(|earlier| {
            earlier.patient_index != 0 && earlier.patient_index != present.patient_index
        })
    }

    /// Whether an earlier segment still speaks for the present one: the repeating group it stands in, if
    /// any, is still open.
    fn is_within_reach(&self, segment_index: u32, present: &OutlinedSegment) -> bool {
        let mut group = match self.segments.get(segment_index as usize - 1) {
            Some(earlier) => earlier.group,
            None => present.group,
        };
        while !self.groups[group].is_open {
            if self.groups[group].repeats {
                return false;
            }
            group = self.groups[group].parent;
        }
        true
    }
}
